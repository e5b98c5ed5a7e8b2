"""What would change a decision: the figures at which another verdict would be right.

The gain of a case is linear in each figure of the contract and of the candidate, so the point at
which the saving is zero has a closed form.
"""

from collections.abc import Iterator, Sequence
from math import ceil

from rixin.core.scenario import Scenario
from rixin.core.verdict import CandidateResult, Standing
from rixin.decide.economics import Point, Prices, incumbent_point, prices_of
from rixin.decide.judged import Judged
from rixin.decide.needs import shortages
from rixin.decide.prefer import rank_of
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


def who_else(scenario: Scenario, winner: Judged, others: Sequence[Judged]) -> Iterator[str]:
    """The price at which the runner-up wins, and the value at which the one that solves most does.

    Args:
        scenario: The contract.
        winner: The adopted candidate.
        others: The other measured candidates that have not failed, with a known price.
    """
    if not others:
        return
    ranks = {one.result.name: rank_of(scenario, one) for one in (winner, *others)}

    def rank(one: Judged) -> float:
        return ranks[one.result.name]

    sure = [one for one in others if one.adoptable]
    runner_up = min(sure or others, key=rank)
    yield _price_to_win(scenario, winner, runner_up)
    unproven = [one for one in others if one.result.standing is Standing.OPEN]
    better = min(unproven, key=rank, default=runner_up)
    if better is not runner_up and rank(better) < rank(winner):
        yield _price_to_win(scenario, winner, better)
    yield from _value_to_win(scenario, winner, others)


def _price_to_win(scenario: Scenario, winner: Judged, other: Judged) -> str:
    """The price of an answer at which another candidate would be as good as the winner."""
    prices, currency = prices_of(scenario), scenario.economics.currency
    point, rank = other.point, rank_of(scenario, winner)
    assert point is not None
    per_solved = scenario.economics.objective == "cost-per-solved"
    per_case = rank * point.solved if per_solved else prices.value * point.solved + rank
    dearest = point.cost + per_case - prices.cost(point)
    name, today = other.result.name, amount(point.cost, currency)
    if dearest <= 0:
        return f"{name} would not win at any price of an answer{_if_it_held(other)}"
    if dearest >= point.cost:
        return f"{name} is as good already at {today} an answer{_if_it_held(other)}"
    return (
        f"{name} would win at {amount(dearest, currency)} an answer or less (measured: {today})"
        f"{_if_it_held(other)}"
    )


def _value_to_win(scenario: Scenario, winner: Judged, others: Sequence[Judged]) -> Iterator[str]:
    """The value of a solved case from which the one that solves most earns more than the winner."""
    prices, currency, point = prices_of(scenario), scenario.economics.currency, winner.point
    strong = max(others, key=lambda one: one.result.solved.value or 0.0)
    ahead = strong.point
    assert point is not None and ahead is not None
    if ahead.solved <= point.solved or ahead.cost <= point.cost:
        return
    value = (prices.cost(ahead) - prices.cost(point)) / (ahead.solved - point.solved)
    stated, given = amount(prices.value, currency), f"{strong.result.name} alone"
    if value > prices.value:
        yield (
            f"{given} would earn more than {winner.result.name} from a value of"
            f" {amount(value, currency)} a solved case on (stated: {stated}){_if_it_held(strong)}"
        )
        return
    since = f"from {amount(value, currency)} on" if value > 0 else "at any value"
    why = "" if scenario.economics.objective == "net-value" else ", at a higher cost per solved one"
    yield (
        f"{given} earns more than {winner.result.name} already at the stated value of {stated} a"
        f" solved case ({since}){why}{_if_it_held(strong)}"
    )


def _if_it_held(one: Judged) -> str:
    return ", if it held the promise: that is open" if one.result.standing is Standing.OPEN else ""


def what_is_open(scenario: Scenario, candidates: Sequence[Judged]) -> Iterator[str]:
    """What more evidence each open candidate needs, and what the promise has to do with it."""
    for judged in candidates:
        one = judged.result
        if one.not_needed:
            continue
        limit = limit_of(scenario, judged)
        short = [] if judged.errors is None else shortages(scenario, judged.errors)
        if short:
            asked = "" if one.tally.cases else ", so it was not asked"
            why = "; ".join(f"{each}{'' if limit else f': {each.cure}'}" for each in short)
            yield f"{one.name} cannot be certified{asked}: {why}{limit}"
        elif one.cases_needed is not None:
            more = limit or rows_to_add(scenario, judged)
            needed = f"{one.cases_needed:,} more {judged.kind_needed}"
            yield f"{one.name} needs {needed} to be settled{more}"
        elif one.standing is Standing.OPEN:
            yield f"{one.name} stays open at any number of cases: it lies too close to the promise"
        elif one.standing is Standing.UNMEASURED:
            yield f"{one.name} has not been measured yet: {_cause(one)}"
        elif one.saving_per_month.value is None:
            yield f"{one.name} holds the promise, but its price is not known: state its `price`"


def limit_of(scenario: Scenario, judged: Judged) -> str:
    """What to raise where a limit, and not the file, keeps a candidate from more cases; or empty."""
    own, everybody = scenario.candidate(judged.result.name).cases, scenario.budget.cases
    limits = {"its `cases": own, "the budget's `cases": everybody}
    stated = {name: limit for name, limit in limits.items() if limit is not None}
    if not stated:
        return ""
    name, limit = min(stated.items(), key=lambda one: one[1])
    there = 0 if judged.errors is None else judged.errors.answers
    return "" if 0 < there < limit else f" (raise {name}: {limit}`)"


def rows_to_add(scenario: Scenario, judged: Judged) -> str:
    """How many rows of the file bring the cases that a candidate needs."""
    needed = judged.result.cases_needed or 0
    rows = ceil(needed / scenario.cases.pools["certify"])
    return f" (about {rows:,} more rows in {scenario.cases.path.name})"


def least_volume(best: Judged, able: Sequence[Judged]) -> Iterator[str]:
    """The volume below which nothing pays, where that is not the best candidate's own.

    Args:
        best: The candidate whose own volume is told.
        able: All that could be adopted.
    """
    known = {
        one.result.name: one.result.break_even_cases
        for one in able
        if one.result.break_even_cases is not None
    }
    if not known:
        return
    name, volume = min(known.items(), key=lambda each: each[1])
    if volume > 0:
        who = "" if name == best.result.name else f"; from there on {name} pays"
        yield f"below {volume:,.0f} cases a month nothing pays{who}"


def _volume(scenario: Scenario, best: CandidateResult) -> str:
    demand = scenario.demand.cases_per_month
    if best.break_even_cases is None:
        return (
            f"no volume makes {best.name} pay: each case costs more than with"
            f" {scenario.incumbent.name}"
        )
    if best.break_even_cases == 0:
        assumed = (
            " is assumed to cost" if "economics.build_cost" in scenario.illustrative else " costs"
        )
        return f"{best.name}{assumed} nothing to build: it pays at any volume"
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
