"""The demand gate: is the job worth a decision at all, before any solver is asked?"""

from dataclasses import dataclass

from rixin.core.scenario import Scenario
from rixin.core.verdict import Decision
from rixin.decide.economics import DAYS_A_MONTH, Point, incumbent_point, prices_of
from rixin.decide.wording import amount, percent


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandScore:
    """What the best imaginable solver would be worth: every case solved, at no cost."""

    score: float
    """0 to 100: the part of the possible gain over the horizon that is left when the build cost
    and the decision's budget are paid. 0: not even a perfect solver pays."""
    cost_per_month: float
    """What the job costs today, mistakes included."""
    ceiling_per_month: float
    """The most that any solver could save a month, build cost not counted."""
    break_even_cases: float | None
    """Cases a month from which a perfect solver pays within the horizon; None: never."""
    payback_days: float | None
    text: str
    why_not: str
    """Why not even a perfect solver pays; empty where it does."""

    @property
    def worth_it(self) -> bool:
        """Whether a perfect solver would pay at all."""
        return self.score > 0


def demand_score(scenario: Scenario) -> DemandScore:
    """How much the scenario can gain at the very best, from its contract alone.

    Examples:
        >>> demand_score(scenario).score  # doctest: +SKIP
        93.1
    """
    prices, today = prices_of(scenario), incumbent_point(scenario)
    gain = prices.gain(Point(1.0, 0.0, 0.0)) - prices.gain(today)
    volume = _cases_over_horizon(scenario)
    invest = prices.build + float(scenario.budget.decide or 0)
    score = 100 * max(0.0, 1 - invest / (gain * volume)) if gain > 0 else 0.0
    ceiling = prices.demand * gain
    return DemandScore(
        score=score,
        cost_per_month=prices.demand * prices.cost(today),
        ceiling_per_month=ceiling,
        break_even_cases=invest / (gain * scenario.economics.horizon_months) if gain > 0 else None,
        payback_days=DAYS_A_MONTH * invest / ceiling if ceiling > 0 else None,
        text=_text(scenario, score, ceiling),
        why_not="" if score > 0 else _why_not(scenario),
    )


def _cases_over_horizon(scenario: Scenario) -> float:
    growth, months = scenario.demand.growth_per_month, scenario.economics.horizon_months
    return scenario.demand.cases_per_month * sum((1 + growth) ** month for month in range(months))


def _text(scenario: Scenario, score: float, ceiling: float) -> str:
    months, currency = scenario.economics.horizon_months, scenario.economics.currency
    if score <= 0:
        return f"{Decision.NO_AI.value}: {_why_not(scenario)}"
    return (
        f"a perfect solver could save {amount(ceiling, currency)} a month; building and deciding"
        f" take {percent(1 - score / 100)} of what that makes in {months} months"
    )


def _why_not(scenario: Scenario) -> str:
    return (
        "even a solver that solved every case at no cost would not earn back what building it costs"
        f" within {scenario.economics.horizon_months} months"
    )
