"""The terms of the promise, each tested on a candidate's counts: solved, score, harm, latency.

The tests hold at every moment, so they may be looked at after every case: rates are tested by
betting, harm by a sample whose size and allowed violations are fixed beforehand. Which chance of
being wrong each test gets is said in `rixin.decide.budget`.

What was not measured never helps: it counts as unsolved where a term shall hold, and as solved
where it shall fail.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rixin.core.scenario import Scenario
from rixin.core.text import plural
from rixin.core.verdict import Estimate, Standing, StratumTally, Tally
from rixin.decide.budget import Errors
from rixin.decide.wording import percent, seconds
from rixin.stats.bets import OPEN_END, Bets, bets_for
from rixin.stats.eprocess import log_e, log_e_down, lower_bound, rejects, upper_bound
from rixin.stats.intervals import cp_upper
from rixin.stats.planning import cases_needed_floor, cases_needed_harm

UNSCORED = "unscored"
"""Reason of outcomes whose case has no expected output: no solver could be measured on it."""
_TOO_MANY = 100_000_000
"""Cases that nobody will ever have."""
UNKNOWN = Estimate(None, None, None)
TermName = Literal["solved", "score", "stratum", "harm", "latency"]
FAST = 0.95
"""Share of answers that a promised p95 latency bounds."""
MOST_ALLOWED = 2
"""Violations that the test of harm allows where there are cases enough (METHODS §7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of the promise as a candidate stands to it."""

    name: TermName
    standing: Standing
    text: str
    estimate: Estimate
    limit: float
    """What is promised: a share, a mean score, or seconds."""
    cases: int
    """Measured cases that it rests on."""
    stratum: str = ""
    cases_needed: int | None = None
    """More cases to settle it; None: it is settled, or no number would."""
    kind: str = "cases"
    """Which cases it takes."""
    lost: bool = False
    """It has not been shown to fail, but can no longer be shown to hold in this decision."""


@dataclass(frozen=True, slots=True)
class HarmPlan:
    """The test of harm, fixed before the first case: so many cases, so many violations at most."""

    cases: int
    allowed: int
    ceiling: float
    """The promised share of harmful answers, at most."""


def harm_plan(scenario: Scenario, available: int, alpha: float) -> HarmPlan | None:
    """The pre-registered test of harm; None where none is promised or no guard counts any.

    Args:
        scenario: The contract; `harm_allowed` sets the violations.
        available: Cases on which harm can be counted. Without `harm_allowed` the test allows two
            violations, or as many fewer as it takes to end within these.
        alpha: Chance that a solver at the ceiling passes, in (0, 1).

    References:
        C. J. Clopper and E. S. Pearson (1934), Biometrika 26(4); METHODS §7.

    Examples:
        At 5 % a ceiling of 1 % takes 628 cases with two violations allowed, 299 with none.
    """
    ceiling, given = scenario.promise.harm_at_most, scenario.promise.harm_allowed
    if not scenario.policy.guards or ceiling is None:
        return None
    choices = range(MOST_ALLOWED, -1, -1) if given is None else (given,)
    plans = [HarmPlan(_harm_cases(ceiling, alpha, k), k, ceiling) for k in choices]
    return next((plan for plan in plans if plan.cases <= available), plans[-1])


def terms_of(scenario: Scenario, tally: Tally, errors: Errors) -> tuple[Term, ...]:
    """Every promised term; harm only where a guard counts it.

    Args:
        scenario: The contract.
        tally: The candidate's stored rows, summed, with at least one measured case.
        errors: Chances of a wrong bound.
    """
    promise = scenario.promise
    found = [_solved(promise.solved_at_least, tally, errors)]
    if promise.score_at_least is not None:
        found.append(_score(promise.score_at_least, tally, errors))
    found += [
        _stratum(promise.solved_strata[one.name], one, tally.weight_max, errors)
        for one in tally.strata
    ]
    plan = harm_plan(scenario, errors.harm_cases, errors.hold)
    if plan is not None:
        found.append(_harm(scenario, plan, tally, errors))
    if promise.latency_p95_s is not None:
        found.append(_latency(promise.latency_p95_s, tally, errors))
    return tuple(found)


def kind_of_stratum(name: str) -> str:
    """What cases of a stratum are called."""
    return f"cases of stratum {name}"


@lru_cache(maxsize=256)
def _harm_cases(ceiling: float, alpha: float, allowed: int) -> int:
    return cases_needed_harm(ceiling, alpha, allowed)


def glance(scenario: Scenario, tally: Tally, errors: Errors) -> Standing:
    """Whether a full judgement may say more than that the candidate is open; costs little.

    Args:
        scenario: The contract.
        tally: The candidate's outcomes so far, with at least one measured case.
        errors: Chances of a wrong bound, with the planned cases.

    Returns:
        OPEN while a floor is neither shown to hold nor to fail, or the test of harm still runs.
    """
    promise = scenario.promise
    plan = harm_plan(scenario, errors.harm_cases, errors.hold)
    if plan is not None and tally.harm_hits > plan.allowed:
        return Standing.FAILS
    hits = tally.solved_weight / tally.weight_max
    misses = max(0.0, tally.weight / tally.weight_max - hits)
    unknown, floor = unknown_cases(tally), promise.solved_at_least
    down = _bets(1 - floor, errors.cases, errors.fail)
    if rejects(log_e_down([0, 1], [misses, hits + unknown], floor, down), errors.fail):
        return Standing.FAILS
    score = Standing.HOLDS
    if promise.score_at_least is not None:
        score = score_evidence(promise.score_at_least, tally, errors).standing
    if score is Standing.FAILS:
        return score
    if score is Standing.OPEN or (plan is not None and tally.harm_cases < plan.cases):
        return Standing.OPEN
    up = _bets(floor, errors.cases, errors.hold)
    holds = rejects(log_e([0, 1], [misses + unknown, hits], floor, up), errors.hold)
    return Standing.HOLDS if holds else Standing.OPEN


@dataclass(frozen=True, slots=True)
class ScoreEvidence:
    """What the scores say of a promised mean, as logarithms of the wealth of two gamblers."""

    holds: float
    """Against "the mean score is at most the floor"."""
    fails: float
    """Against "the mean score is at least the floor"."""
    standing: Standing


def score_evidence(floor: float, tally: Tally, errors: Errors) -> ScoreEvidence:
    """The two tests of a promised mean score; they may be looked at after every case.

    What was not measured scores 0 where the promise shall hold, and 1 where it shall fail.

    Args:
        floor: The promised mean, in (0, 1).
        tally: Measured on at least one case, with its scores.
        errors: Chances of a wrong bound, with the planned cases.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5; METHODS §1.
    """
    up, down = _bets_about(floor, errors)
    holds = log_e(*_scores(tally, 0.0), floor, up)
    fails = log_e_down(*_scores(tally, 1.0), floor, down)
    standing = _against(rejects(holds, errors.hold), rejects(fails, errors.fail))
    return ScoreEvidence(holds, fails, standing)


def mean_score(tally: Tally, errors: Errors, floor: float) -> Estimate:
    """The mean score with bounds that hold at all times and with nothing unmeasured in favour.

    Args:
        tally: Measured on at least one case, with its scores.
        errors: `hold` is the chance that the lower bound is wrong, `fail` that the upper is.
        floor: The promised mean, in (0, 1): the bounds are narrowest about it.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), theorem 3.
    """
    up, down = _bets_about(floor, errors)
    total = sum(weight for _, weight in tally.scores)
    return Estimate(
        sum(score * weight for score, weight in tally.scores) / total,
        lower_bound(*_scores(tally, 0.0), errors.hold, up),
        upper_bound(*_scores(tally, 1.0), errors.fail, down),
    )


def _scores(tally: Tally, unknown: float) -> tuple[list[float], list[float]]:
    """Scores and how often each was seen, in units of the heaviest case.

    Args:
        tally: The counts.
        unknown: The score of a case that was not measured.
    """
    values = [unknown, *(score for score, _ in tally.scores)]
    counts = [float(unknown_cases(tally))]
    return values, counts + [weight / tally.weight_max for _, weight in tally.scores]


def _bets_about(floor: float, errors: Errors) -> tuple[Bets, Bets]:
    """Those by which a floor holds, and those by which it fails."""
    return _bets(floor, errors.cases, errors.hold), _bets(1 - floor, errors.cases, errors.fail)


def standing_of(terms: tuple[Term, ...]) -> Standing:
    """Fails with one term that fails, holds when all hold, is open otherwise."""
    standings = {term.standing for term in terms}
    if Standing.FAILS in standings:
        return Standing.FAILS
    return Standing.OPEN if Standing.OPEN in standings else Standing.HOLDS


def solved_share(tally: Tally, errors: Errors, floor: float) -> Estimate:
    """The solve rate with bounds that hold at all times and with nothing unmeasured in favour.

    Args:
        tally: Measured on at least one case.
        errors: `hold` is the chance that the lower bound is wrong, `fail` that the upper is.
        floor: The promised rate: the bounds are narrowest about it.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5; METHODS §1.
    """
    hits, total = tally.solved_weight / tally.weight_max, tally.weight / tally.weight_max
    return _share(hits, total, unknown_cases(tally), floor, errors)


def _share(hits: float, total: float, unknown: int, floor: float, errors: Errors) -> Estimate:
    misses = max(0.0, total - hits)
    up = _bets(floor, errors.cases, errors.hold)
    down = _bets(1 - floor, errors.cases, errors.fail)
    return Estimate(
        hits / total if total > 0 else None,
        lower_bound([0, 1], [misses + unknown, hits], errors.hold, up),
        upper_bound([0, 1], [misses, hits + unknown], errors.fail, down),
    )


def _bets(mean: float, cases: int, alpha: float) -> Bets:
    return bets_for(mean, cases, alpha) if cases else OPEN_END


def abstained_share(tally: Tally, alpha: float) -> Estimate:
    """The share of cases that the solver leaves to people, with bounds that hold at all times."""
    hits, total = tally.abstained_weight / tally.weight_max, tally.weight / tally.weight_max
    counts = [max(0.0, total - hits), hits]
    return Estimate(
        hits / total, lower_bound([0, 1], counts, alpha), upper_bound([0, 1], counts, alpha)
    )


def unknown_cases(tally: Tally) -> int:
    """Cases of the sample that could have been measured and were not."""
    return tally.unmeasured - dict(tally.lost).get(UNSCORED, 0) + tally.missing


def _solved(floor: float, tally: Tally, errors: Errors) -> Term:
    share = solved_share(tally, errors, floor)
    assert share.value is not None and share.lower is not None and share.upper is not None
    standing = _against(share.lower >= floor, share.upper < floor)
    text = f"solves {percent(share.value)} of {tally.cases:,}"
    text += f" ({percent(share.lower)} to {percent(share.upper)}), promised {percent(floor)}"
    return Term(
        name="solved",
        standing=standing,
        text=f"{text}: {standing.value}",
        estimate=share,
        limit=floor,
        cases=tally.cases,
        cases_needed=_more_for_floor(share.value, floor, tally, errors)
        if standing is Standing.OPEN
        else None,
    )


def _score(floor: float, tally: Tally, errors: Errors) -> Term:
    mean, standing = mean_score(tally, errors, floor), score_evidence(floor, tally, errors).standing
    assert mean.value is not None
    text = f"mean score {mean.value:.3f} of {tally.cases:,} ({mean.lower:.3f} to {mean.upper:.3f})"
    # Of all scores with one mean, those of 0 and 1 spread most: nothing takes more cases.
    more = _more_for_floor(mean.value, floor, tally, errors)
    return Term(
        name="score",
        standing=standing,
        text=f"{text}, promised {floor:.4g}: {standing.value}",
        estimate=mean,
        limit=floor,
        cases=tally.cases,
        cases_needed=more if standing is Standing.OPEN else None,
    )


def _stratum(floor: float, one: StratumTally, heaviest: float, errors: Errors) -> Term:
    chances = Errors(errors.hold_stratum, errors.fail, errors.strata.get(one.name, 0))
    share = _share(one.solved_weight / heaviest, one.weight / heaviest, one.unknown, floor, chances)
    assert share.lower is not None and share.upper is not None
    standing = _against(share.lower >= floor, share.upper < floor)
    known = "is not measured" if share.value is None else f"solves {percent(share.value)}"
    bounds = f"({percent(share.lower)} to {percent(share.upper)})"
    text = f"stratum {one.name}: {known} {bounds}, promised {percent(floor)}: {standing.value}"
    return Term(
        name="stratum",
        standing=standing,
        text=text,
        estimate=share,
        limit=floor,
        cases=int(one.weight / heaviest),
        stratum=one.name,
        cases_needed=_more_in_stratum(floor, one, heaviest, chances)
        if standing is Standing.OPEN
        else None,
        kind=kind_of_stratum(one.name),
    )


def _more_in_stratum(
    floor: float, one: StratumTally, heaviest: float, chances: Errors
) -> int | None:
    """More cases of a stratum, in units of the heaviest; unmeasured ones are hoped to be solved."""
    rate = one.solved_weight / one.weight if one.weight else 1.0
    return _more(rate, floor, int(one.weight / heaviest), one.unknown, chances)


def _more_for_floor(rate: float, floor: float, tally: Tally, errors: Errors) -> int | None:
    return _more(rate, floor, tally.cases, unknown_cases(tally), errors)


def _more(rate: float, floor: float, n: int, unknown: int, errors: Errors) -> int | None:
    needed = cases_needed_floor(rate, floor, errors.hold if rate > floor else errors.fail)
    if needed is None or needed > _TOO_MANY:
        return None
    return max(needed - n, unknown, 1)


def _harm(scenario: Scenario, plan: HarmPlan, tally: Tally, errors: Errors) -> Term:
    hits, n, ceiling = tally.harm_hits, tally.harm_cases, plan.ceiling
    bets = _bets(ceiling, plan.cases, errors.fail)
    fails = rejects(log_e([0, 1], [n - hits, hits], ceiling, bets), errors.fail)
    lower = lower_bound([0, 1], [n - hits, hits], errors.fail, bets)
    holds = n >= plan.cases and hits <= plan.allowed
    standing = _against(holds, fails)
    upper = cp_upper(hits, n, errors.hold) if n else 1.0
    text = (
        f"{plural(hits, 'violation')} in {n:,} (at most {percent(upper)}), promised at most"
        f" {percent(ceiling)}; {plan.allowed:,} in {plan.cases:,} were allowed"
    )
    open_end = standing is Standing.OPEN and hits <= plan.allowed
    return Term(
        name="harm",
        standing=standing,
        text=f"{text}: {standing.value}",
        estimate=Estimate(hits / n if n else None, lower, upper),
        limit=ceiling,
        cases=n,
        cases_needed=max(1, plan.cases - n) if open_end else None,
        kind="cases" if scenario.promise.harm_stratum is None else "red-team cases",
        lost=standing is Standing.OPEN and hits > plan.allowed,
    )


def _latency(limit: float, tally: Tally, errors: Errors) -> Term:
    """Whether 95 % of the answers come in time; one that never came back was too slow."""
    estimate = Estimate(tally.latency_p95, tally.latency_p95_lower, tally.latency_p95_upper)
    fast, unknown = tally.latency_n - tally.slow, unknown_cases(tally)
    up, down = _bets(FAST, errors.cases, errors.hold), _bets(1 - FAST, errors.cases, errors.fail)
    holds = rejects(log_e([0, 1], [tally.slow + unknown, fast], FAST, up), errors.hold)
    fails = rejects(log_e_down([0, 1], [tally.slow, fast + unknown], FAST, down), errors.fail)
    standing = _against(holds, fails)
    known = "not known" if estimate.value is None else seconds(estimate.value)
    text = f"p95 latency {known}, promised {seconds(limit)}: {standing.value}"
    needed = None
    if standing is Standing.OPEN:
        rate = fast / (tally.latency_n + unknown) if tally.latency_n + unknown else 1.0
        needed = _more(rate, FAST, tally.latency_n, unknown, errors)
    return Term(
        name="latency",
        standing=standing,
        text=text,
        estimate=estimate,
        limit=limit,
        cases=tally.latency_n,
        cases_needed=needed,
    )


def _against(holds: bool, fails: bool) -> Standing:
    if fails:
        return Standing.FAILS
    return Standing.HOLDS if holds else Standing.OPEN
