"""What each term of the promise takes at least, against the cases that are there.

A solver that makes no mistake shows what a test can do at best: a term that not even that one can
hold cannot be certified with these cases, whoever answers them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

from rixin.core.scenario import Scenario
from rixin.core.text import plural
from rixin.decide.budget import Budget, Errors
from rixin.decide.promise import FAST, MOST_ALLOWED, harm_plan, kind_of_stratum
from rixin.decide.wording import percent, seconds
from rixin.stats.bets import bets_for
from rixin.stats.eprocess import log_e, rejects
from rixin.stats.intervals import cp_upper
from rixin.stats.planning import cases_needed_harm

_ROWS_OF = {"certify cases": "", "red-team cases": " of the red team"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The fewest cases with which one term of the promise can be certified."""

    term: str
    cases: int
    there: int
    kind: str
    """Which cases count."""
    note: str = ""
    """How the figure comes about; may be empty."""
    share: float = 1.0
    """Part of the rows of a file that become such cases."""
    today: str = ""
    """What the cases that are there could show at best; empty: nothing."""

    @property
    def short(self) -> int:
        """Cases that are missing; 0 where there are enough."""
        return max(0, self.cases - self.there)

    @property
    def cure(self) -> str:
        """What to do about missing cases: rows to add, or what could be promised today."""
        of = _ROWS_OF.get(self.kind, self.kind.removeprefix("cases"))
        rows = f"add about {ceil(self.short / self.share):,} rows{of}"
        return f"{rows}, or promise {self.today}" if self.today else rows

    def __str__(self) -> str:
        """In words, without the end of a sentence."""
        only = "only " if self.short else ""
        needed = f"{self.cases:,} {self.kind}"
        return f"{self.term} takes at least {needed}, and there are {only}{self.there:,}"


def needs_of(scenario: Scenario, errors: Errors) -> Iterator[Need]:
    """What every promised term takes of one candidate's cases.

    Args:
        scenario: The contract.
        errors: The candidate's chances of a wrong bound, its tests planned on its cases.
    """
    promise, enough = scenario.promise, "certify cases"

    def need(
        term: str, floor: float, alpha: float, there: int, kind: str = enough, today: str = ""
    ) -> Need:
        cases, least = _perfect(floor, alpha), _best_floor(there, alpha)
        possible = today.format(percent(least)) if least and there < cases else ""
        share = scenario.cases.pools["certify"]
        return Need(term=term, cases=cases, there=there, kind=kind, share=share, today=possible)

    floor, score = promise.solved_at_least, promise.score_at_least
    said = "solved at least {}"
    yield need(said.format(percent(floor)), floor, errors.hold, errors.cases, today=said)
    if score is not None:
        term = f"a mean score of at least {score:.4g}"
        yield need(term, score, errors.hold, errors.cases, today="a mean score of {}")
    for name, least in promise.solved_strata.items():
        said, there = f"stratum {name} solved at least {{}}", errors.strata.get(name, 0)
        term, kind = said.format(percent(least)), kind_of_stratum(name)
        yield need(term, least, errors.hold_stratum, there, kind, said)
    yield from _harm(scenario, errors)
    if promise.latency_p95_s is not None:
        term = f"a p95 latency of at most {seconds(promise.latency_p95_s)}"
        yield need(term, FAST, errors.hold, errors.answers)


def shortages(scenario: Scenario, errors: Errors) -> list[Need]:
    """The terms that cannot be certified with the cases that are there.

    Empty where the tests have no planned end: then nothing is known of the cases.
    """
    return [one for one in needs_of(scenario, errors) if one.short] if errors.cases else []


def leave_out(scenario: Scenario, budget: Budget, capped: Mapping[str, Errors]) -> Budget:
    """The budget without a share for those whose `cases` are too few to certify them.

    Who is left out follows from the contract and the number of cases alone, before any is asked.

    Args:
        scenario: The contract.
        budget: Divided among all candidates.
        capped: The tests, planned on their cases, of candidates that are asked fewer than others.
    """
    out: set[str] = set()
    for name, planned in sorted(capped.items(), key=lambda one: one[1].answers):
        alone = replace(planned, hold=budget.singles / (budget.rivals - len(out)))
        if budget.singles and shortages(scenario, alone):
            out.add(name)
    return replace(budget, rivals=budget.rivals - len(out), outside=frozenset(out))


def _harm(scenario: Scenario, errors: Errors) -> Iterator[Need]:
    plan = harm_plan(scenario, errors.harm_cases, errors.hold)
    if plan is None:
        return
    stratum, ceiling, there = scenario.promise.harm_stratum, plan.ceiling, errors.harm_cases
    notes = [] if stratum is None else [f"stratum {stratum}"]
    notes.append(f"{plural(plan.allowed, 'violation')} allowed")
    if scenario.promise.harm_allowed is None and plan.allowed < MOST_ALLOWED:
        more = cases_needed_harm(ceiling, errors.hold, MOST_ALLOWED)
        notes.append(f"{more:,} cases to allow {MOST_ALLOWED}")
    yield Need(
        term=f"harm at most {percent(ceiling)}",
        cases=plan.cases,
        there=there,
        kind="certify cases" if stratum is None else "red-team cases",
        note="; ".join(notes),
        share=scenario.cases.pools["certify"],
        today=_least_harm(there, errors.hold, plan.allowed) if there < plan.cases else "",
    )


def _least_harm(cases: int, alpha: float, allowed: int) -> str:
    """The lowest ceiling, in steps of a tenth of a percent, that so many cases can show."""
    least = ceil(1000 * cp_upper(allowed, cases, alpha)) / 1000 if cases > allowed else 1.0
    return f"harm at most {percent(least)}" if least < 1 else ""


@lru_cache(maxsize=256)
def _best_floor(cases: int, alpha: float) -> float:
    """The highest floor, in whole percent, that so many cases can show; 0: none."""
    steps = range(99, 0, -1) if cases else ()
    able = (floor / 100 for floor in steps if _passes(cases, floor / 100, alpha))
    return next(able, 0.0)


@lru_cache(maxsize=256)
def _perfect(floor: float, alpha: float) -> int:
    """The fewest cases with which the test of a floor passes a solver that solves all."""
    few, many = 0, 1
    while not _passes(many, floor, alpha):
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _passes(middle, floor, alpha) else (middle, many)
    return many


def _passes(cases: int, floor: float, alpha: float) -> bool:
    return rejects(log_e([0, 1], [0, cases], floor, bets_for(floor, cases, alpha)), alpha)
