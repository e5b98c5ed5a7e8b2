"""Which of several candidates that may be adopted is adopted: the best, or a plainer equal one."""

from collections.abc import Sequence
from math import inf

from rixin.core.scenario import Scenario, cascade_steps
from rixin.core.verdict import PairTally
from rixin.decide.compare import within_margin
from rixin.decide.economics import Point, prices_of
from rixin.decide.judged import Judged


def prefer(
    scenario: Scenario, adoptable: Sequence[Judged], pairs: Sequence[PairTally] = ()
) -> tuple[Judged, list[Judged]]:
    """The best by the objective; among practically equal ones the one with fewer vendors.

    One is practically equal to the best when the interval of their difference in solve rate, on
    the cases that both were asked, lies within the margin, and its objective with the difference
    that was measured there is worse by less than the margin, as a share. Of these the one with
    fewer vendors is preferred, then the lower latency, then the better objective.

    Args:
        scenario: Sets the objective and the margin.
        adoptable: At least one.
        pairs: Candidates on shared cases; two that are not compared are not equal.

    Returns:
        The preferred one, and those that are practically equal to it.
    """
    ranks = {one.result.name: rank_of(scenario, one) for one in adoptable}
    best = min(adoptable, key=lambda one: ranks[one.result.name])
    equal = [one for one in adoptable if one is best or _equal(scenario, best, one, pairs)]
    winner = min(
        equal,
        key=lambda one: (
            len(vendors_of(scenario, one.result.name)),
            one.result.latency_p95.value if one.result.latency_p95.value is not None else inf,
            ranks[one.result.name],
        ),
    )
    return winner, [one for one in equal if one is not winner]


def _equal(scenario: Scenario, best: Judged, one: Judged, pairs: Sequence[PairTally]) -> bool:
    assert best.point is not None and one.point is not None
    names = {best.result.name, one.result.name}
    pair = next((each for each in pairs if {each.first, each.second} == names), None)
    if pair is None or not pair.cases:
        return False
    lost, won = pair.only_first, pair.only_second
    if pair.first != best.result.name:
        lost, won = won, lost
    return within_margin(scenario, lost, won, pair.cases) and near(
        scenario, best.point, one.point, (won - lost) / pair.cases
    )


def near(scenario: Scenario, best: Point, other: Point, more_solved: float) -> bool:
    """Whether the objective of another is worse than the best by less than the margin.

    Args:
        scenario: Sets the objective and the margin.
        best: The best one.
        other: Its solve rate is not looked at.
        more_solved: Its solve rate less that of the best, on shared cases.
    """
    objective, prices = scenario.economics.objective, prices_of(scenario)
    solved = min(1.0, max(0.0, best.solved + more_solved))
    rank = prices.rank(best, objective)
    slack = scenario.promise.margin * abs(rank)
    return prices.rank(Point(solved, other.abstained, other.cost), objective) <= rank + slack


def rank_of(scenario: Scenario, one: Judged) -> float:
    """The objective of which less is better; of a candidate whose prices are known."""
    assert one.point is not None
    return prices_of(scenario).rank(one.point, scenario.economics.objective)


def vendors_of(scenario: Scenario, name: str) -> frozenset[str]:
    """Who outside this machine a candidate depends on; empty for what runs here."""
    candidate = scenario.candidate(name)
    if candidate.kind == "cascade":
        steps = (vendors_of(scenario, step) for step in cascade_steps(candidate))
        return frozenset().union(*steps)
    if candidate.kind == "endpoint":
        return frozenset({str(candidate.options.get("base_url", candidate.target))})
    return frozenset({candidate.target}) if candidate.kind == "replay" else frozenset()
