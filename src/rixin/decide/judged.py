"""One candidate under judgement: its standing, its money, and whether it could win."""

from dataclasses import dataclass, replace

from rixin.core.scenario import Candidate, Scenario
from rixin.core.verdict import CandidateResult, Estimate, Standing, Tally, TermResult, Trial
from rixin.decide.budget import Errors
from rixin.decide.economics import Figures, Point, figures_of
from rixin.decide.promise import UNKNOWN, Term, standing_of, terms_of
from rixin.decide.wording import percent

CERTIFIED = "accepted"
"""State of a trial whose candidate was certified in the fixed sequence."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with what its result was made of."""

    result: CandidateResult
    point: Point | None
    terms: tuple[Term, ...] = ()
    errors: Errors | None = None
    """Its chances of a wrong bound; None: not known."""

    @property
    def adoptable(self) -> bool:
        """Whether it keeps the promise and saves money for certain."""
        lower = self.result.saving_per_month.lower
        return self.result.standing is Standing.HOLDS and lower is not None and lower > 0

    @property
    def excluded(self) -> bool:
        """Whether more evidence could not make it the winner."""
        upper = self.result.saving_per_month.upper
        return self.result.standing is Standing.FAILS or (upper is not None and upper <= 0)

    @property
    def failing(self) -> Term | None:
        """The first term of the promise that fails."""
        return next((term for term in self.terms if term.standing is Standing.FAILS), None)

    @property
    def kind_needed(self) -> str:
        """Which cases `cases_needed` of the result counts."""
        wanted = [term for term in self.terms if term.cases_needed == self.result.cases_needed]
        return wanted[0].kind if wanted and self.result.standing is Standing.OPEN else "cases"

    @property
    def good_enough(self) -> bool:
        """Whether it was measured and no floor was shown to be missed; its money may fall short."""
        missed = {term.name for term in self.terms if term.standing is Standing.FAILS}
        return self.point is not None and not missed & {"solved", "score", "stratum"}

    @property
    def worth_it(self) -> bool:
        """Whether it would pay at some volume and harms nobody; its quality may fall short."""
        harmful = any(
            term.name == "harm" and term.standing is Standing.FAILS for term in self.terms
        )
        return self.result.break_even_cases is not None and not harmful


def judge(
    scenario: Scenario,
    candidate: Candidate,
    tally: Tally,
    errors: Errors,
    trial: Trial | None = None,
) -> Judged:
    """The candidate's stored rows against the promise and the incumbent."""
    if tally.cases == 0:
        result = _result(scenario, candidate, tally, (), None, errors)
        return Judged(replace(result, trial=trial or Trial()), None, errors=errors)
    terms = terms_of(scenario, tally, errors)
    figures = figures_of(scenario, tally, errors)
    result = _result(scenario, candidate, tally, terms, figures, errors)
    return Judged(replace(result, trial=trial or Trial()), figures.point, terms, errors)


def not_certified(scenario: Scenario, one: Judged) -> Judged:
    """A candidate that holds its terms, but was not shown to be near enough to the best one."""
    limit = scenario.promise.below_best_at_most
    result = one.result
    if limit is None or result.trial.state == CERTIFIED or result.standing is not Standing.HOLDS:
        return one
    reason = f"not certified to lose less than {percent(limit)} against the best: open"
    return replace(
        one,
        result=replace(
            result, standing=Standing.OPEN, reasons=(*result.reasons, reason), error_chance=0.0
        ),
    )


def _result(
    scenario: Scenario,
    candidate: Candidate,
    tally: Tally,
    terms: tuple[Term, ...],
    figures: Figures | None,
    errors: Errors,
) -> CandidateResult:
    found = {term.name: term.estimate for term in terms}
    standing = standing_of(terms) if terms else Standing.UNMEASURED
    settled = standing in {Standing.HOLDS, Standing.FAILS}
    return CandidateResult(
        name=candidate.name,
        kind=candidate.kind,
        uses_ai=scenario.uses_ai(candidate.name),
        tally=tally,
        standing=standing,
        reasons=tuple(term.text for term in terms),
        solved=found.get("solved", UNKNOWN),
        harm=found.get("harm", UNKNOWN),
        latency_p95=Estimate(tally.latency_p95, tally.latency_p95_lower, tally.latency_p95_upper),
        cost_per_case=figures.cost_per_case if figures else UNKNOWN,
        cost_per_solved=figures.cost_per_solved if figures else UNKNOWN,
        saving_per_month=figures.saving_per_month if figures else UNKNOWN,
        break_even_cases=figures.break_even_cases if figures else None,
        payback_days=figures.payback_days if figures else None,
        net_margin=figures.net_margin if figures else UNKNOWN,
        cases_needed=_needed(standing, terms, figures, tally),
        error_chance=errors.hold if settled else 0.0,
        score=found.get("score"),
        terms=tuple(map(_told, terms)),
    )


def _told(term: Term) -> TermResult:
    at_most = term.name in {"harm", "latency"}
    return TermResult(
        name=term.name,
        limit=term.limit,
        measured=term.estimate.value,
        worst=term.estimate.upper if at_most else term.estimate.lower,
        standing=term.standing,
        cases=term.cases,
        stratum=term.stratum,
    )


def _needed(
    standing: Standing, terms: tuple[Term, ...], figures: Figures | None, tally: Tally
) -> int | None:
    """More cases to settle all that is open; None where nothing is, or no number would."""
    if standing is Standing.OPEN:
        wanted = [term.cases_needed for term in terms if term.standing is Standing.OPEN]
        return max((n for n in wanted if n is not None), default=None) if all(wanted) else None
    if standing is Standing.HOLDS and figures:
        return _needed_for_saving(figures.saving_per_month, tally.cases)
    return None


def _needed_for_saving(saving: Estimate, n: int) -> int | None:
    """More cases until the saving is told from zero: its interval shrinks with the root of n."""
    if saving.value is None or saving.lower is None or saving.upper is None:
        return None
    if saving.lower > 0 or saving.upper <= 0 or saving.value == 0:
        return None
    half = saving.value - saving.lower if saving.value > 0 else saving.upper - saving.value
    return max(1, round(n * (half / saving.value) ** 2) - n)
