"""Which of several candidates that may be adopted is adopted: the best, or a plainer equal one."""

from collections.abc import Sequence
from math import inf

from rixin.core.scenario import Scenario, cascade_steps
from rixin.decide.economics import prices_of
from rixin.decide.judged import Judged


def prefer(scenario: Scenario, adoptable: Sequence[Judged]) -> tuple[Judged, list[Judged]]:
    """The best by the objective; among practically equal ones the one with fewer vendors.

    Two are practically equal when their objectives differ by less than the margin, as a share of
    the better one. Of these the one with fewer vendors is preferred, then the lower latency, then
    the better objective.

    Args:
        scenario: Sets the objective and the margin.
        adoptable: At least one.

    Returns:
        The preferred one, and those that are practically equal to it.
    """
    ranks = {one.result.name: rank_of(scenario, one) for one in adoptable}
    best = min(ranks.values())
    slack = scenario.promise.margin * abs(best)
    equal = [one for one in adoptable if ranks[one.result.name] <= best + slack]
    winner = min(
        equal,
        key=lambda one: (
            len(vendors_of(scenario, one.result.name)),
            one.result.latency_p95.value if one.result.latency_p95.value is not None else inf,
            ranks[one.result.name],
        ),
    )
    return winner, [one for one in equal if one is not winner]


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
