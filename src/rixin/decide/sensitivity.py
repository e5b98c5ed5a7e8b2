"""What the saving of a month hangs on: each figure of the contract moved by a quarter, alone."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from rixin.core.scenario import Scenario
from rixin.core.verdict import Sensitivity
from rixin.decide.economics import Point, saving_at

SPREAD = 0.25
"""Every figure is moved by this part of itself, down and up."""
_ROUNDING = 1e-9
"""A part of a figure that is none: what is left of 0 by rounding."""
_MONEY = ("value_per_solved", "cost_per_wrong", "cost_per_review", "build_cost")


def sensitivities(scenario: Scenario, point: Point) -> tuple[Sensitivity, ...]:
    """How the saving of a month follows each figure of the contract, the strongest first.

    Of the share that is solved today, the part that is not solved is moved.

    Args:
        scenario: The contract.
        point: The measured figures of a candidate.
    """
    demand, people = scenario.demand, scenario.incumbent

    def with_demand(value: float) -> Scenario:
        return replace(scenario, demand=replace(demand, cases_per_month=round(value)))

    def with_people(**figures: Any) -> Scenario:
        return replace(scenario, incumbent=replace(people, **figures))

    def with_money(name: str) -> Callable[[float], Scenario]:
        def changed(value: float) -> Scenario:
            economics = replace(scenario.economics, **{name: Decimal(repr(value))})  # type: ignore[arg-type]
            return replace(scenario, economics=economics)

        return changed

    def follow(
        name: str, value: float, change: Callable[[float], Scenario], spread: float
    ) -> Sensitivity:
        return _follow(name, value, spread, lambda moved: saving_at(change(moved), point))

    found = [
        follow(
            "demand.cases_per_month",
            demand.cases_per_month,
            with_demand,
            SPREAD * demand.cases_per_month,
        ),
        follow(
            "incumbent.cost_per_case",
            float(people.cost_per_case),
            lambda value: with_people(cost_per_case=Decimal(repr(value))),
            SPREAD * float(people.cost_per_case),
        ),
        follow(
            "incumbent.solved",
            people.solved,
            lambda value: with_people(solved=value),
            SPREAD * (1 - people.solved),
        ),
    ]
    for name in _MONEY:
        value = float(getattr(scenario.economics, name))
        found.append(follow(f"economics.{name}", value, with_money(name), SPREAD * value))
    return tuple(sorted(found, key=lambda one: -one.swing))


def _follow(
    name: str, value: float, spread: float, saving: Callable[[float], float]
) -> Sensitivity:
    low, high = value - spread, value + spread
    # The saving is linear in each figure; one that is 0 is not moved, but has a slope.
    step = spread or 1.0
    here = saving(value)
    slope = (saving(value + step) - here) / step
    even = value - here / slope if slope else None
    most = 1.0 if name == "incumbent.solved" else float("inf")
    possible = even is not None and _ROUNDING * abs(value) < even <= most
    return Sensitivity(
        name=name,
        value=value,
        low=low,
        high=high,
        at_low=saving(low),
        at_high=saving(high),
        even=even if possible else None,
    )
