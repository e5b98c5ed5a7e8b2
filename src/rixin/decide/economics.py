"""What a candidate earns and costs: a case, a solved case, a month.

Every figure is a function of three: the share solved, the share left to people, and the mean
cost of an answer. Each is monotone in all three, so its interval follows from the two corners,
the worst and the best that the bounds of the three allow.
"""

import math
from dataclasses import dataclass

from rixin.core.scenario import Objective, Scenario
from rixin.core.verdict import Estimate, IncumbentResult, Tally
from rixin.decide.budget import Errors
from rixin.decide.promise import UNKNOWN, abstained_share, solved_share
from rixin.stats.intervals import mean_margin

DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True, slots=True)
class Point:
    """A way to do the job, by its three figures."""

    solved: float
    """Share of cases solved, in [0, 1]."""
    abstained: float
    """Share of cases left to people, in [0, 1 - solved]."""
    cost: float
    """Mean cost of an answer, in the scenario's currency."""

    @property
    def wrong(self) -> float:
        """Share of cases answered, and not solved."""
        return max(0.0, 1 - self.solved - self.abstained)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Income and costs of a month, in the scenario's currency; costs are negative."""

    value: float
    answers: float
    wrong: float
    reviews: float
    build: float = 0.0

    @property
    def net(self) -> float:
        """What is left."""
        return self.value + self.answers + self.wrong + self.reviews + self.build


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a case is worth and costs, as floats."""

    value: float
    wrong: float
    review: float
    build_per_month: float
    build: float
    demand: int

    def cost(self, point: Point) -> float:
        """Mean cost of a case with all that follows from its answer."""
        return point.cost + self.review * point.abstained + self.wrong * point.wrong

    def gain(self, point: Point) -> float:
        """Mean value of a case less all its costs."""
        return self.value * point.solved - self.cost(point)

    def per_solved(self, point: Point) -> float:
        """Cost per solved case: E[C + h·A + l·E] / E[S] (METHODS §6); infinite without any."""
        return self.cost(point) / point.solved if point.solved > 0 else math.inf

    def margin(self, point: Point) -> float:
        """Net margin of the job: what is left of each unit of value."""
        return 1 - self.per_solved(point) / self.value if self.value > 0 else -math.inf

    def rank(self, point: Point, objective: Objective) -> float:
        """The objective as a figure of which less is better, in money a case or a solved case."""
        return self.per_solved(point) if objective == "cost-per-solved" else -self.gain(point)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The money of one candidate."""

    point: Point | None
    """None: a price is not known."""
    cost_per_case: Estimate
    cost_per_solved: Estimate
    saving_per_month: Estimate
    net_margin: Estimate
    break_even_cases: float | None
    payback_days: float | None


def prices_of(scenario: Scenario) -> Prices:
    """The money side of the contract."""
    given = scenario.economics
    return Prices(
        value=float(given.value_per_solved),
        wrong=float(given.cost_per_wrong),
        review=float(given.cost_per_review),
        build=float(given.build_cost),
        build_per_month=float(given.build_cost) / given.horizon_months,
        demand=scenario.demand.cases_per_month,
    )


def incumbent_point(scenario: Scenario) -> Point:
    """The incumbent as the contract states it."""
    return Point(scenario.incumbent.solved, 0.0, float(scenario.incumbent.cost_per_case))


def incumbent_result(scenario: Scenario) -> IncumbentResult:
    """The incumbent's figures, in the same terms as a candidate's."""
    prices, point = prices_of(scenario), incumbent_point(scenario)
    return IncumbentResult(
        name=scenario.incumbent.name,
        cost_per_case=scenario.incumbent.cost_per_case,
        solved=point.solved,
        cost_per_solved=prices.per_solved(point),
        value_per_month=prices.demand * prices.gain(point),
        net_margin=prices.margin(point),
        source=scenario.incumbent.source,
    )


def figures_of(scenario: Scenario, tally: Tally, errors: Errors) -> Figures:
    """The money of a candidate with intervals.

    The solve rate has the bounds by which the promise is judged; the share left to people and the
    mean cost have half of `errors.fail` on each side. All hold at every moment; the bound of the
    mean cost is asymptotic, all others are exact.

    Args:
        scenario: The contract.
        tally: Measured on at least one case.
        errors: Chances of a wrong bound.
    """
    cost = _mean_cost(tally, errors)
    if cost.value is None:
        return Figures(
            point=None,
            cost_per_case=UNKNOWN,
            cost_per_solved=UNKNOWN,
            saving_per_month=UNKNOWN,
            net_margin=UNKNOWN,
            break_even_cases=None,
            payback_days=None,
        )
    prices = prices_of(scenario)
    solved = solved_share(tally, errors, scenario.promise.solved_at_least)
    gone = abstained_share(tally, errors.fail / 2)
    point, worst, best = _corners(prices, solved, gone, cost)
    gain = prices.gain(point) - prices.gain(incumbent_point(scenario))

    def saving(at: Point) -> float:
        return saving_at(scenario, at)

    return Figures(
        point=point,
        cost_per_case=cost,
        cost_per_solved=_estimate(*map(prices.per_solved, (point, best, worst))),
        saving_per_month=_estimate(*map(saving, (point, worst, best))),
        net_margin=_estimate(*map(prices.margin, (point, worst, best))),
        break_even_cases=prices.build_per_month / gain if gain > 0 else None,
        payback_days=DAYS_A_MONTH * prices.build / (prices.demand * gain) if gain > 0 else None,
    )


def saving_at(scenario: Scenario, point: Point) -> float:
    """Money saved a month against the incumbent, the build cost spread over the horizon."""
    prices = prices_of(scenario)
    gain = prices.gain(point) - prices.gain(incumbent_point(scenario))
    return prices.demand * gain - prices.build_per_month


def month_of(scenario: Scenario, point: Point, *, built: bool) -> Month:
    """Where the money of a month comes from and goes.

    Args:
        scenario: The contract.
        point: The candidate or the incumbent.
        built: Whether it has to be built first; the incumbent is there already.
    """
    prices = prices_of(scenario)
    volume = prices.demand
    return Month(
        value=volume * prices.value * point.solved,
        answers=-volume * point.cost,
        wrong=-volume * prices.wrong * point.wrong,
        reviews=-volume * prices.review * point.abstained,
        build=-prices.build_per_month if built else 0.0,
    )


def _mean_cost(tally: Tally, errors: Errors) -> Estimate:
    n = tally.cases
    if tally.cost_known < n:
        return UNKNOWN
    mean = float(tally.cost_total) / n
    if n == 1:
        return Estimate(mean, 0.0, None)
    variance = max(0.0, tally.cost_sq / n - mean * mean) * n / (n - 1)
    half = mean_margin(variance, n, errors.fail / 2, errors.cases or n)
    return Estimate(mean, max(0.0, mean - half), mean + half)


def _corners(
    prices: Prices, solved: Estimate, gone: Estimate, cost: Estimate
) -> tuple[Point, Point, Point]:
    """The measured point, and the worst and the best that the bounds allow."""
    assert solved.value is not None and solved.lower is not None and solved.upper is not None
    assert gone.value is not None and gone.lower is not None and gone.upper is not None
    assert cost.value is not None and cost.lower is not None
    dear = math.inf if cost.upper is None else cost.upper
    few, many = gone.lower, gone.upper
    if prices.review > prices.wrong:
        few, many = many, few
    worst = Point(solved.lower, min(few, 1 - solved.lower), dear)
    best = Point(solved.upper, min(many, 1 - solved.upper), cost.lower)
    return Point(solved.value, gone.value, cost.value), worst, best


def _estimate(value: float, lower: float, upper: float) -> Estimate:
    return Estimate(_finite(value), _finite(lower), _finite(upper))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
