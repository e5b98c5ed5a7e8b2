"""What would change a decision: the figures at which another verdict would be right.

The gain of a case is linear in each figure of the contract and of the candidate, so the point at
which the saving is zero has a closed form.
"""

from collections.abc import Iterator, Sequence

from rixin.core.scenario import Scenario
from rixin.core.verdict import CandidateResult, Standing
from rixin.decide.economics import Point, Prices, incumbent_point, prices_of
from rixin.decide.judged import Judged
from rixin.decide.needs import shortages
from rixin.decide.wording import amount, percent


def what_would_change(
    scenario: Scenario, best: CandidateResult, point: Point, *, adopted: bool
) -> Iterator[str]:
    """The break-even points of the winner, or of the candidate that comes nearest.

    Args:
        scenario: The contract.
        best: The candidate.
        point: Its measured figures.
        adopted: Whether it is the winner.
    """
    prices, today = prices_of(scenario), incumbent_point(scenario)
    people, currency = scenario.incumbent.name, scenario.economics.currency
    # What a case may lose before the month's saving is zero.
    slack = prices.gain(point) - prices.gain(today) - prices.build_per_month / prices.demand
    yield _volume(scenario, best)
    limit = today.cost - slack
    if limit > 0:
        pays = "pays only while" if adopted else "would pay if"
        yield f"{best.name} {pays} {people} cost more than {amount(limit, currency)} a case"
    yield from _solve_rate(scenario, best, point, prices, slack)
    yield from _wrong_cost(scenario, best, (point, today), prices, slack)
    dearest = point.cost + slack
    if dearest > 0:
        yield (
            f"{best.name} {'pays' if adopted else 'would pay'} up to a cost of"
            f" {amount(dearest, currency)} an answer (measured: {amount(point.cost, currency)})"
        )


Known = tuple[CandidateResult, Point]


def who_else(scenario: Scenario, winner: Known, others: Sequence[Known]) -> Iterator[str]:
    """The price at which the runner-up wins, and the value at which the one that solves most does.

    Args:
        scenario: The contract.
        winner: The adopted candidate with its figures.
        others: The other measured candidates that have not failed, with theirs.
    """
    if not others:
        return
    prices, currency = prices_of(scenario), scenario.economics.currency
    objective = scenario.economics.objective
    best, point = winner
    second, behind = min(others, key=lambda one: prices.rank(one[1], objective))
    rank = prices.rank(point, objective)
    per_case = (
        rank * behind.solved
        if objective == "cost-per-solved"
        else prices.value * behind.solved + rank
    )
    dearest = behind.cost + per_case - prices.cost(behind)
    if 0 < dearest < behind.cost:
        yield (
            f"{second.name} would win at {amount(dearest, currency)} an answer or less (measured:"
            f" {amount(behind.cost, currency)})"
        )
    strong, ahead = max(others, key=lambda one: one[1].solved)
    if ahead.solved > point.solved and ahead.cost > point.cost:
        value = (prices.cost(ahead) - prices.cost(point)) / (ahead.solved - point.solved)
        if value > prices.value:
            yield (
                f"{strong.name} alone would earn more than {best.name} from a value of"
                f" {amount(value, currency)} a solved case on (stated: {amount(prices.value, currency)})"
            )


def what_is_open(scenario: Scenario, candidates: Sequence[Judged]) -> Iterator[str]:
    """What more evidence each open candidate needs, and what the promise has to do with it."""
    for judged in candidates:
        one = judged.result
        if one.not_needed:
            continue
        cap = scenario.candidate(one.name).cases
        more = f" (raise its `cases: {cap}`)" if cap is not None else ""
        short = [] if judged.errors is None else shortages(scenario, judged.errors)
        if short:
            asked = "" if one.tally.cases else ", so it was not asked"
            yield f"{one.name} cannot be certified{asked}: {'; '.join(map(str, short))}{more}"
        elif one.cases_needed is not None:
            needed = f"{one.cases_needed:,} more {judged.kind_needed}"
            yield f"{one.name} needs {needed} to be settled{more}"
        elif one.standing is Standing.OPEN:
            yield f"{one.name} stays open at any number of cases: it lies too close to the promise"
        elif one.standing is Standing.UNMEASURED:
            yield f"{one.name} has not been measured yet: {_cause(one)}"
        elif one.saving_per_month.value is None:
            yield f"{one.name} holds the promise, but its price is not known: state its `price`"


def _volume(scenario: Scenario, best: CandidateResult) -> str:
    demand = scenario.demand.cases_per_month
    if best.break_even_cases is None:
        return (
            f"no volume makes {best.name} pay: each case costs more than with"
            f" {scenario.incumbent.name}"
        )
    if best.break_even_cases == 0:
        return f"{best.name} costs nothing to build: it pays at any volume"
    months = scenario.economics.horizon_months
    return (
        f"{best.name} pays within {months} months from {best.break_even_cases:,.0f} cases a month"
        f" on; the demand is {demand:,}"
    )


def _solve_rate(
    scenario: Scenario, best: CandidateResult, point: Point, prices: Prices, slack: float
) -> Iterator[str]:
    """The solve rate at which the saving is zero, answers that fall out being wrong ones."""
    floor = scenario.promise.solved_at_least
    needed = point.solved - slack / (prices.value + prices.wrong)
    if best.standing is Standing.FAILS and max(needed, floor) < 1:
        yield f"a solver like {best.name} is worth another look from {percent(max(needed, floor))}"
        lower = best.solved.lower
        if lower is not None and needed < lower < floor:
            yield f"{best.name} would keep a promise of {percent(lower)} solved"
        return
    if 0 < needed < 1:
        yield f"{best.name} pays from a solve rate of {percent(needed)} on (promised {percent(floor)})"


def _wrong_cost(
    scenario: Scenario,
    best: CandidateResult,
    points: tuple[Point, Point],
    prices: Prices,
    slack: float,
) -> Iterator[str]:
    """The cost of a wrong answer at which the incumbent and the candidate are even."""
    more_wrong = points[0].wrong - points[1].wrong
    if more_wrong == 0:
        return
    limit = prices.wrong + slack / more_wrong
    if limit > 0:
        word = "above" if more_wrong > 0 else "below"
        yield (
            f"{word} {amount(limit, scenario.economics.currency)} for a wrong answer"
            f" {scenario.incumbent.name} would be cheaper than {best.name}"
        )


def _cause(one: CandidateResult) -> str:
    return one.tally.lost[0][0] if one.tally.lost else "it was not run"
