"""The terms of the promise, each tested on a candidate's counts: solved, harm, latency.

K candidates compete, so each gets the error (1 - confidence) / K. The promise of a candidate holds
only if every term does: a broken promise must slip through the test of its broken term, so each
term may be tested at the whole error (R. L. Berger, 1982: intersection-union tests). It fails as
soon as one term fails or the money does, so there the error is divided among them.

What was not measured never helps: it counts as unsolved where a term shall hold, and as solved
where it shall fail.
"""

import math
from dataclasses import dataclass
from typing import Literal

from rixin.core.scenario import Promise, Scenario
from rixin.core.verdict import Estimate, Standing, Tally
from rixin.decide.wording import percent, seconds
from rixin.stats.eprocess import lower_bound, upper_bound
from rixin.stats.intervals import clopper_pearson, cp_lower, cp_upper
from rixin.stats.planning import cases_needed_floor

UNSCORED = "unscored"
"""Reason of outcomes whose case has no expected output: no solver could be measured on it."""
_TOO_MANY = 100_000_000
"""Cases that nobody will ever have."""
UNKNOWN = Estimate(None, None, None)
TermName = Literal["solved", "harm", "latency"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of the promise as a candidate stands to it."""

    name: TermName
    standing: Standing
    text: str
    estimate: Estimate
    cases_needed: int | None = None
    """More cases to settle it; None: it is settled, or no number would."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Chances of a wrong bound for one candidate, each in (0, 1)."""

    hold: float
    """Of a bound by which a term holds."""
    fail: float
    """Of a bound by which a term, or the money, fails."""


def errors_of(scenario: Scenario) -> Errors:
    """How 1 - confidence is divided among the candidates and their terms.

    Examples:
        With two candidates and three terms each bound that lets a term hold gets 0.025.
    """
    rivals = sum(candidate.kind != "human" for candidate in scenario.candidates)
    each = (1 - scenario.promise.confidence) / max(1, rivals)
    ways = 2 + bool(scenario.policy.guards) + (scenario.promise.latency_p95_s is not None)
    return Errors(hold=each, fail=each / ways)


def terms_of(scenario: Scenario, tally: Tally, errors: Errors) -> tuple[Term, ...]:
    """Every promised term; harm only where a guard counts it.

    Args:
        scenario: The contract.
        tally: The candidate's stored rows, summed, with at least one measured case.
        errors: Chances of a wrong bound.
    """
    found = [_solved(scenario.promise, tally, errors)]
    if scenario.policy.guards:
        found.append(_harm(scenario.promise.harm_at_most, tally, errors))
    if scenario.promise.latency_p95_s is not None:
        found.append(_latency(scenario.promise.latency_p95_s, tally, errors.hold))
    return tuple(found)


def standing_of(terms: tuple[Term, ...]) -> Standing:
    """Fails with one term that fails, holds when all hold, is open otherwise."""
    standings = {term.standing for term in terms}
    if Standing.FAILS in standings:
        return Standing.FAILS
    return Standing.OPEN if Standing.OPEN in standings else Standing.HOLDS


def solved_share(tally: Tally, errors: Errors) -> Estimate:
    """The solve rate with bounds that hold at all times and with nothing unmeasured in favour.

    Args:
        tally: Measured on at least one case.
        errors: `hold` is the chance that the lower bound is wrong, `fail` that the upper is.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5; METHODS §1.
    """
    hits, total = tally.solved_weight / tally.weight_max, tally.weight / tally.weight_max
    unknown = unknown_cases(tally)
    return Estimate(
        tally.solved_weight / tally.weight,
        lower_bound([0, 1], [max(0.0, total - hits) + unknown, hits], errors.hold),
        upper_bound([0, 1], [max(0.0, total - hits), hits + unknown], errors.fail),
    )


def abstained_share(tally: Tally, alpha: float) -> Estimate:
    """The share of cases that the solver leaves to people, with exact bounds."""
    bounds = clopper_pearson(tally.abstained, tally.cases, 2 * alpha)
    return Estimate(tally.abstained_weight / tally.weight, bounds.lower, bounds.upper)


def unknown_cases(tally: Tally) -> int:
    """Cases of the sample that could have been measured and were not."""
    return tally.unmeasured - dict(tally.lost).get(UNSCORED, 0) + tally.missing


def _solved(promise: Promise, tally: Tally, errors: Errors) -> Term:
    floor = promise.solved_at_least
    share = solved_share(tally, errors)
    assert share.value is not None and share.lower is not None and share.upper is not None
    standing = _against(share.lower >= floor, share.upper < floor)
    text = f"solves {percent(share.value)} of {tally.cases:,}"
    text += f" ({percent(share.lower)} to {percent(share.upper)}), promised {percent(floor)}"
    return Term(
        name="solved",
        standing=standing,
        text=f"{text}: {standing.value}",
        estimate=share,
        cases_needed=_more_for_floor(share.value, floor, tally, errors)
        if standing is Standing.OPEN
        else None,
    )


def _more_for_floor(rate: float, floor: float, tally: Tally, errors: Errors) -> int | None:
    needed = cases_needed_floor(rate, floor, errors.hold if rate > floor else errors.fail)
    if needed is None or needed > _TOO_MANY:
        return None
    return max(needed - tally.cases, unknown_cases(tally), 1)


def _harm(ceiling: float, tally: Tally, errors: Errors) -> Term:
    hits, n = tally.violations, tally.cases
    lower, upper = cp_lower(hits, n, errors.fail), cp_upper(hits, n, errors.hold)
    standing = _against(upper <= ceiling, lower > ceiling)
    text = f"{hits:,} violations in {n:,} (at most {percent(upper)}), promised at most {percent(ceiling)}"
    return Term(
        name="harm",
        standing=standing,
        text=f"{text}: {standing.value}",
        estimate=Estimate(hits / n, lower, upper),
        cases_needed=_more_for_harm(ceiling, hits, n, errors.hold)
        if standing is Standing.OPEN
        else None,
    )


def _more_for_harm(ceiling: float, hits: int, n: int, alpha: float) -> int | None:
    """Cases until the measured rate of violations would be shown to keep the ceiling."""

    def enough(cases: int) -> bool:
        return cp_upper(math.ceil(hits * cases / n), cases, alpha) <= ceiling

    few, many = n, 2 * n
    while not enough(many):
        few, many = many, 2 * many
        if many > _TOO_MANY:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many - n


def _latency(limit: float, tally: Tally, alpha: float) -> Term:
    estimate = Estimate(tally.latency_p95, tally.latency_p95_lower, tally.latency_p95_upper)
    lower, upper = estimate.lower, estimate.upper
    # A call that never came back was slower than any that did: with one in twenty of them the
    # slowest twentieth is not known.
    lost = unknown_cases(tally) >= 0.05 * (tally.cases + unknown_cases(tally))
    holds = upper is not None and upper <= limit and not lost
    standing = _against(holds, lower is not None and lower > limit)
    known = "not known" if estimate.value is None else seconds(estimate.value)
    text = f"p95 latency {known}, promised {seconds(limit)}: {standing.value}"
    missing = standing is Standing.OPEN and upper is None and not lost
    needed = math.ceil(math.log(alpha) / math.log(0.95)) - tally.latency_n
    return Term(
        name="latency",
        standing=standing,
        text=text,
        estimate=estimate,
        cases_needed=max(needed, 1) if missing else None,
    )


def _against(holds: bool, fails: bool) -> Standing:
    if fails:
        return Standing.FAILS
    return Standing.HOLDS if holds else Standing.OPEN
