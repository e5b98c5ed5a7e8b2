"""Whether cascades are worth looking for: what it costs, and what they may bring at most."""

from dataclasses import dataclass

from rixin.core.scenario import Scenario
from rixin.core.verdict import StratumTally, Tally
from rixin.decide.economics import Point, prices_of
from rixin.decide.evidence import Evidence, Floats

_LIKELY = 0.3
"""Part of the best imaginable gain that a search may hope for."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A search for cascades before it is begun."""

    cost: float
    """Of the answers that it still takes, in money."""
    gain: float
    """At most, over the horizon, in money."""

    @property
    def worth_it(self) -> bool:
        """Whether the likely gain is larger than the cost."""
        return _LIKELY * self.gain > self.cost


def horizon_of(scenario: Scenario) -> float:
    """Cases that the winner will serve."""
    return float(scenario.demand.cases_per_month * scenario.economics.horizon_months)


def outlook(scenario: Scenario, best: Point, cheapest: float, cost: float) -> Outlook:
    """What cascades may bring: answers as good as the best candidate's at the lowest price.

    Args:
        scenario: The contract.
        best: The best accepted candidate.
        cheapest: Price of the cheapest candidate, in money.
        cost: Of the search.
    """
    dream = Point(best.solved, 0.0, min(cheapest, best.cost))
    prices = prices_of(scenario)
    gain = prices.gain(dream) - prices.gain(best)
    return Outlook(cost, max(0.0, gain) * horizon_of(scenario))


def objective_of(scenario: Scenario, one: Evidence, weights: Floats | None = None) -> float:
    """The objective of a policy by its outcomes; less is better, infinite where nothing is known."""
    point = point_of(one, weights)
    return (
        float("inf")
        if point is None
        else prices_of(scenario).rank(point, scenario.economics.objective)
    )


def point_of(one: Evidence, weights: Floats | None = None) -> Point | None:
    """The three figures of a policy; None where no case was measured or a cost is not known."""
    import numpy as np

    measured = np.isfinite(one.quality)
    if not measured.any() or not np.isfinite(one.cost[measured]).all():
        return None
    weight = (np.ones(one.cases) if weights is None else weights)[measured]
    share = weight / weight.sum()
    return Point(
        float(one.quality[measured] @ share),
        float(one.abstained[measured] @ share),
        float(one.cost[measured].mean()),
    )


def tally_of_policy(
    name: str,
    one: Evidence,
    weights: Floats,
    heaviest: float,
    *,
    harm_cases: int,
    slow_s: float | None,
    strata: dict[str, Floats],
) -> Tally:
    """The counts of a policy on certify cases, for the terms of the promise.

    Args:
        name: What it is called.
        one: What it did, case by case.
        weights: Of the cases.
        heaviest: The largest weight in the pool.
        harm_cases: Measured cases on which harm is counted: the first ones.
        slow_s: An answer that takes longer is slow.
        strata: 1 for each case of a stratum with a floor, 0 for the others, by its name.
    """
    import numpy as np

    measured = np.isfinite(one.quality)
    solved = np.nan_to_num(one.quality, nan=0.0) > 0.5
    late = np.zeros(one.cases, bool) if slow_s is None else np.nan_to_num(one.latency_s) > slow_s
    timed = measured & np.isfinite(one.latency_s)
    harmful = one.violated[measured][:harm_cases]
    lost = int((~measured).sum())
    return Tally(
        solver=name,
        cases=int(measured.sum()),
        unmeasured=lost,
        lost=(("not measured", lost),) if lost else (),
        solved=int((solved & measured).sum()),
        abstained=int((one.abstained & measured).sum()),
        violations=int((one.violated & measured).sum()),
        harm_cases=int(harmful.size),
        harm_hits=int(harmful.sum()),
        weight=float(weights[measured].sum()),
        weight_max=heaviest,
        solved_weight=float(weights[solved & measured].sum()),
        abstained_weight=float(weights[one.abstained & measured].sum()),
        latency_n=int(timed.sum()),
        slow=int((late & timed).sum()),
        strata=tuple(
            StratumTally(
                name=stratum,
                solved_weight=float((weights * inside)[solved & measured].sum()),
                weight=float((weights * inside)[measured].sum()),
                unknown=int(inside[~measured].sum()),
            )
            for stratum, inside in strata.items()
        ),
    )
