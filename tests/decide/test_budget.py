"""How 1 - confidence is spent: by candidates, terms, strata and decisions."""

from dataclasses import replace

import pytest
from decide_samples import PROMISE, candidate, scenario, without_limits
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Policy
from rixin.decide.budget import Errors, budget_of

TWO = (candidate("a"), candidate("b"), candidate("people", "human"))


def test_each_candidate_may_be_adopted_at_an_equal_part_and_rejected_at_the_whole():
    three = budget_of(scenario(*TWO))
    assert three.single == Errors(hold=pytest.approx(0.025), fail=pytest.approx(0.0125))
    bare = budget_of(scenario(promise=without_limits(), policy=Policy()))
    assert bare.single == Errors(hold=pytest.approx(0.05), fail=pytest.approx(0.025))


def test_proposed_cascades_get_half_where_there_may_be_any():
    found = budget_of(scenario(*TWO), proposes=True)
    assert found.proposed == pytest.approx(0.025)
    assert found.single.hold == pytest.approx(0.0125)
    assert 2 * found.single.hold + found.proposed == pytest.approx(found.total)
    assert found.sequence.hold <= found.proposed
    assert found.sequence.fail == found.single.fail


def test_a_promise_against_the_best_gives_all_to_the_sequence():
    where = scenario(*TWO, promise=replace(PROMISE, below_best_at_most=0.02))
    for proposes in (False, True):
        found = budget_of(where, proposes=proposes)
        assert (found.singles, found.proposed) == (0, found.total)
        assert 0 < found.sequence.hold <= found.total


def test_without_a_rival_nothing_is_divided():
    assert budget_of(scenario(candidate("people", "human"))).single.hold == pytest.approx(0.05)


@given(confidence=st.floats(0.5, 0.999), decisions=st.integers(1, 400), proposes=st.booleans())
def test_all_decisions_that_share_a_budget_are_wrong_with_its_chance_at_most(
    confidence, decisions, proposes
):
    shared = scenario(*TWO, promise=replace(PROMISE, confidence=confidence, carry_over="shared"))
    spent = 0.0
    for number in range(1, decisions + 1):
        found = budget_of(shared, proposes=proposes, decision=number)
        assert 2 * found.single.hold + found.proposed == pytest.approx(found.total)
        spent += found.total
    assert spent <= (1 - confidence) * (1 + 1e-9)


def test_a_fresh_budget_is_the_same_for_every_decision():
    first = budget_of(scenario()).total
    assert first == pytest.approx(0.05)
    assert {budget_of(scenario(), decision=number).total for number in (2, 9)} == {first}


def test_strata_divide_what_a_candidate_may_be_adopted_at():
    where = scenario(promise=replace(PROMISE, solved_strata={"chat": 0.8, "mail": 0.7}))
    single = budget_of(where).single
    assert single.fail == pytest.approx(0.05 / 6)  # floor, harm, latency, money, two strata
    assert single.hold_stratum == single.hold
    planned = single.planned(100, {"chat": 60, "mail": 40}, harm_cases=7)
    assert planned.hold_stratum == pytest.approx(single.hold / 2)
    assert (planned.cases, planned.strata["mail"], planned.harm_cases) == (100, 40, 7)
    assert single.planned(100).harm_cases == 100
