"""Whether cascades are worth looking for: what it costs, and what they may bring at most."""

from collections.abc import Mapping
from dataclasses import dataclass

from rixin.core.scenario import Scenario
from rixin.core.verdict import StratumTally, Tally
from rixin.decide.economics import Point, incumbent_point, prices_of
from rixin.decide.evidence import Floats
from rixin.decide.policies import PolicyOutcomes

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

    They have to earn more than that candidate, and more than the incumbent, who needs no building.

    Args:
        scenario: The contract.
        best: The best candidate: the accepted one, or the best that is good enough.
        cheapest: Price of the cheapest candidate, in money.
        cost: Of the search.
    """
    dream = Point(best.solved, 0.0, min(cheapest, best.cost))
    prices = prices_of(scenario)
    horizon = horizon_of(scenario)
    today = horizon * prices.gain(incumbent_point(scenario)) + prices.build
    gain = horizon * prices.gain(dream) - max(horizon * prices.gain(best), today)
    return Outlook(cost, max(0.0, gain))


def objective_of(scenario: Scenario, one: PolicyOutcomes, weights: Floats) -> float:
    """The objective of a policy by its outcomes; less is better, infinite where nothing is known."""
    point = point_of(one, weights)
    if point is None:
        return float("inf")
    return prices_of(scenario).rank(point, scenario.economics.objective)


def point_of(one: PolicyOutcomes, weights: Floats) -> Point | None:
    """The three figures of a policy; None without a case, or where a cost is not known.

    Args:
        one: What it did, case by case; what was not measured counts as unsolved.
        weights: Of the cases.
    """
    import numpy as np

    total = float(weights.sum())
    if not total or not np.isfinite(one.cost).all():
        return None
    share = weights / total
    return Point(float(one.solved @ share), float(one.abstained @ share), float(one.cost.mean()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How the outcomes of a policy on certify cases are counted for the terms of the promise."""

    weights: Floats
    heaviest: float
    """The largest weight in the pool."""
    harm_cases: int
    """Measured cases on which harm is counted: the first ones."""
    slow_s: float | None
    """An answer that takes longer is slow."""
    strata: Mapping[str, Floats]
    """1 for each case of a stratum with a floor, 0 for the others, by its name."""

    def tally(self, name: str, one: PolicyOutcomes, scores: Floats | None = None) -> Tally:
        """The counts of a policy.

        Args:
            name: Of the policy.
            one: What it did; whether a case was solved is 0 or 1.
            scores: Score of each case, in [0, 1]; None: no mean score is promised.
        """
        import numpy as np

        measured, weights = one.measured, self.weights
        solved = measured & (one.solved > 0.5)
        timed = measured & np.isfinite(one.latency_s)
        late = (
            timed if self.slow_s is None else timed & (np.nan_to_num(one.latency_s) > self.slow_s)
        )
        harmful = one.violated[measured][: self.harm_cases]
        lost = int((~measured).sum())
        return Tally(
            solver=name,
            cases=int(measured.sum()),
            unmeasured=lost,
            lost=(("not measured", lost),) if lost else (),
            solved=int(solved.sum()),
            abstained=int((one.abstained & measured).sum()),
            violations=int((one.violated & measured).sum()),
            harm_cases=int(harmful.size),
            harm_hits=int(harmful.sum()),
            weight=float(weights[measured].sum()),
            weight_max=self.heaviest,
            solved_weight=float(weights[solved].sum()),
            abstained_weight=float(weights[one.abstained & measured].sum()),
            scores=() if scores is None else _by_score(scores[measured], weights[measured]),
            latency_n=int(timed.sum()),
            slow=0 if self.slow_s is None else int(late.sum()),
            strata=tuple(
                StratumTally(
                    name=stratum,
                    solved_weight=float((weights * inside)[solved].sum()),
                    weight=float((weights * inside)[measured].sum()),
                    unknown=int(inside[~measured].sum()),
                )
                for stratum, inside in self.strata.items()
            ),
        )


def _by_score(scores: Floats, weights: Floats) -> tuple[tuple[float, float], ...]:
    import numpy as np

    values, where = np.unique(scores, return_inverse=True)
    sums = np.bincount(where.ravel(), weights, minlength=values.size)
    return tuple(zip(values.tolist(), sums.tolist(), strict=True))
