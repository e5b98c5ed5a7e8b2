from dataclasses import replace
from decimal import Decimal

import pytest
from decide_samples import AGENTS, MONEY, PROMISE, candidate, scenario, tally
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Demand
from rixin.core.verdict import Standing
from rixin.decide.economics import Point, saving_at
from rixin.decide.sensitivity import sensitivities
from rixin.decide.verdict import decide

POINT = Point(0.95, 0.02, 0.01)


def found(where=None, point=POINT):
    return {one.name: one for one in sensitivities(where or scenario(), point)}


def test_each_figure_is_moved_alone_by_a_quarter():
    demand = found()["demand.cases_per_month"]
    assert (demand.low, demand.value, demand.high) == (30_000, 40_000, 50_000)
    fewer = scenario(demand=Demand(cases_per_month=30_000))
    assert demand.at_low == pytest.approx(saving_at(fewer, POINT))
    people = found()["incumbent.solved"]
    assert (people.low, people.high) == pytest.approx((0.93 - 0.0175, 0.93 + 0.0175))


def test_the_strongest_comes_first():
    swings = [one.swing for one in sensitivities(scenario(), POINT)]
    assert swings == sorted(swings, reverse=True)
    assert swings[0] > 0


@given(st.floats(0.5, 0.99), st.floats(0, 0.01), st.floats(0, 0.5), st.integers(1_000, 1_000_000))
def test_where_a_figure_is_even_nothing_is_saved(solved, left, cost, demand):
    where = scenario(demand=Demand(cases_per_month=demand))
    point = Point(solved, left, cost)
    size = demand * 10
    for name, one in found(where, point).items():
        if one.even is None or one.even > 1e6:
            continue
        part, figure = name.split(".")
        kind = type(getattr(getattr(where, part), figure))
        if kind is int:
            continue  # cases are whole: it is even between two of them
        moved = replace(
            getattr(where, part), **{figure: kind(repr(one.even)) if kind is Decimal else one.even}
        )
        assert saving_at(replace(where, **{part: moved}), point) == pytest.approx(
            0, abs=size * 1e-6
        )


def test_what_costs_nothing_is_not_moved_but_has_a_limit():
    where = scenario(economics=replace(MONEY, build_cost=Decimal(0)))
    build = found(where)["economics.build_cost"]
    assert (build.low, build.high, build.swing) == (0, 0, 0)
    assert build.even == pytest.approx(12 * saving_at(where, POINT))


def test_what_does_not_matter_is_even_nowhere():
    assert found(point=Point(0.95, 0.0, 0.01))["economics.cost_per_review"].even is None
    perfect = scenario(incumbent=replace(AGENTS, solved=1.0))
    assert found(perfect, Point(1.0, 0.0, 0.0))["incumbent.solved"].swing == 0
    # Even a perfect incumbent of that cost would not make it even.
    assert found(point=Point(0.99, 0.0, 0.0))["incumbent.solved"].even is None


def test_a_verdict_tells_each_term_and_what_its_saving_hangs_on():
    where = scenario(candidate("strong"), promise=replace(PROMISE, solved_strata={"mail": 0.8}))
    verdict = decide(where, {"strong": tally()})
    (strong,) = verdict.candidates
    terms = {one.name: one for one in strong.terms}
    assert verdict.nearest == "strong"
    assert verdict.sensitivities[0].swing > 0
    assert (terms["solved"].limit, terms["solved"].worst) == (0.85, strong.solved.lower)
    assert (terms["harm"].limit, terms["harm"].worst) == (0.01, strong.harm.upper)
    assert terms["latency"].standing is Standing.HOLDS
    unpriced = decide(where, {"strong": tally(cost_known=0)})
    assert (unpriced.nearest, unpriced.sensitivities) == (None, ())
