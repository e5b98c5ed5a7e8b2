from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from decide_samples import MONEY, candidate, scenario, tally
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Budget, Demand
from rixin.decide.budget import Errors
from rixin.decide.demand import demand_score
from rixin.decide.economics import (
    Point,
    figures_of,
    incumbent_point,
    incumbent_result,
    month_of,
    prices_of,
    saving_at,
)

ERRORS = Errors(hold=0.05, fail=0.0125)


def test_the_incumbent_costs_what_its_answers_and_its_mistakes_cost():
    found = incumbent_result(scenario())
    assert found.cost_per_solved == pytest.approx((1.60 + 4.00 * 0.07) / 0.93)
    assert found.value_per_month == pytest.approx(40_000 * (2.10 * 0.93 - 1.60 - 0.28))
    assert found.net_margin == pytest.approx(1 - found.cost_per_solved / 2.10)


def test_cost_per_solved_case_counts_answers_reviews_and_mistakes():
    found = figures_of(scenario(), tally(n=1000, solved=800, abstained=150), ERRORS)
    assert found.cost_per_solved.value == pytest.approx((0.01 + 1.60 * 0.15 + 4.00 * 0.05) / 0.8)
    assert found.cost_per_case.value == pytest.approx(0.01)


def test_the_saving_is_what_is_left_after_the_build_cost():
    found = figures_of(scenario(), tally(), ERRORS)
    gain = (2.10 * 0.95 - 0.01 - 0.2) - (2.10 * 0.93 - 1.60 - 0.28)
    assert found.saving_per_month.value == pytest.approx(40_000 * gain - 500)
    assert found.break_even_cases == pytest.approx(500 / gain)
    assert found.payback_days == pytest.approx(6000 / (40_000 * gain) * 30.4375)
    assert saving_at(scenario(), found.point) == found.saving_per_month.value


def test_a_month_adds_up_to_the_saving():
    where, point = scenario(), Point(0.95, 0.02, 0.01)
    mine = month_of(where, point, built=True).net
    theirs = month_of(where, incumbent_point(where), built=False).net
    assert mine - theirs == pytest.approx(saving_at(where, point))


def test_what_loses_on_every_case_pays_at_no_volume():
    found = figures_of(scenario(), tally(solved=400), ERRORS)
    assert (found.break_even_cases, found.payback_days) == (None, None)
    assert found.saving_per_month.upper < 0


def test_an_unknown_price_leaves_the_money_unknown():
    found = figures_of(scenario(), tally(cost_known=1999), ERRORS)
    assert found.point is None
    assert found.saving_per_month.value is None
    assert found.cost_per_solved.lower is None


def test_nothing_solved_has_no_cost_per_solved_case():
    found = figures_of(scenario(), tally(n=50, solved=0), ERRORS)
    assert found.cost_per_solved.value is None
    assert found.cost_per_solved.upper is None
    assert found.cost_per_solved.lower > 0


def test_one_case_bounds_no_mean_cost():
    found = figures_of(scenario(), tally(n=1, solved=1), ERRORS)
    assert (found.cost_per_case.lower, found.cost_per_case.upper) == (0.0, None)
    assert found.saving_per_month.lower is None


@given(
    n=st.integers(2, 2000),
    data=st.data(),
    wrong=st.decimals("0", "9", places=2),
    review=st.decimals("0", "9", places=2),
)
def test_every_interval_holds_its_figure(n, data, wrong, review):
    solved = data.draw(st.integers(0, n))
    abstained = data.draw(st.integers(0, n - solved))
    money = replace(MONEY, cost_per_wrong=wrong, cost_per_review=review)
    rows = tally(n=n, solved=solved, abstained=abstained)
    found = figures_of(scenario(economics=money), rows, ERRORS)
    for estimate in (found.cost_per_solved, found.saving_per_month, found.net_margin):
        lower = -np.inf if estimate.lower is None else estimate.lower
        upper = np.inf if estimate.upper is None else estimate.upper
        value = upper if estimate.value is None else estimate.value
        assert lower - 1e-9 <= value <= upper + 1e-9


@given(q=st.floats(0.05, 0.95), gone=st.floats(0, 0.5), dear=st.floats(0, 3))
def test_a_better_figure_never_lowers_the_gain(q, gone, dear):
    prices = prices_of(scenario())
    point = Point(q, min(gone, 1 - q), dear)
    better = Point(min(1.0, q + 0.01), min(point.abstained, 1 - min(1.0, q + 0.01)), dear)
    assert prices.gain(better) >= prices.gain(point) - 1e-12
    assert prices.per_solved(better) <= prices.per_solved(point) + 1e-12


def test_the_intervals_of_money_cover_the_truth():
    rng = np.random.default_rng(8)
    where, truth = scenario(), Point(0.7, 0.1, 0.02)
    real = saving_at(where, truth)
    missed = 0
    for _ in range(400):
        solved, gone, _wrong = rng.multinomial(200, [0.7, 0.1, 0.2])
        cost = rng.gamma(2.0, 0.01, 200)
        rows = tally(
            n=200,
            solved=int(solved),
            abstained=int(gone),
            cost_total=Decimal(str(cost.sum())),
            cost_sq=float((cost**2).sum()),
        )
        found = figures_of(where, rows, ERRORS).saving_per_month
        missed += not found.lower <= real <= found.upper
    assert missed / 400 <= 0.05


def test_a_value_of_nothing_has_no_margin():
    worthless = scenario(economics=replace(MONEY, value_per_solved=Decimal(0)))
    assert figures_of(worthless, tally(), ERRORS).net_margin.value is None


def test_demand_says_what_a_perfect_solver_would_be_worth():
    found = demand_score(scenario(budget=Budget(decide=Decimal(100))))
    gain = 2.10 - (2.10 * 0.93 - 1.60 - 0.28)
    assert found.ceiling_per_month == pytest.approx(40_000 * gain)
    assert found.score == pytest.approx(100 * (1 - 6100 / (40_000 * 12 * gain)))
    assert found.worth_it
    assert found.break_even_cases == pytest.approx(6100 / (12 * gain))


def test_growth_counts_in_the_demand():
    steady = demand_score(scenario())
    growing = demand_score(scenario(demand=Demand(cases_per_month=40_000, growth_per_month=0.1)))
    assert growing.score > steady.score


@pytest.mark.parametrize(
    "where",
    [
        scenario(demand=Demand(cases_per_month=10)),
        scenario(incumbent=replace(scenario().incumbent, cost_per_case=Decimal(0), solved=1.0)),
    ],
)
def test_a_job_that_not_even_a_perfect_solver_pays_for_scores_zero(where):
    found = demand_score(where)
    assert found.score == 0
    assert not found.worth_it
    assert "do not use AI" in found.text


def test_candidate_names_do_not_matter_to_money():
    assert figures_of(scenario(candidate("x")), tally("x"), ERRORS) == figures_of(
        scenario(candidate("y")), tally("y"), ERRORS
    )
