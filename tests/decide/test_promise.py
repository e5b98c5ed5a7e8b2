from dataclasses import replace
from functools import cache

import numpy as np
from decide_samples import PROMISE, scenario, tally, without_limits
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Policy
from rixin.core.verdict import Standing, StratumTally
from rixin.decide.budget import Errors
from rixin.decide.promise import HarmPlan, glance, harm_plan, solved_share, standing_of, terms_of
from rixin.stats.bets import bets_for
from rixin.stats.eprocess import log_e, log_e_down, rejects

ERRORS = Errors(hold=0.05, fail=0.0125)
FLOOR = PROMISE.solved_at_least


def term(name, rows, *, where=None, errors=ERRORS):
    found = terms_of(where or scenario(), rows, errors)
    return next(each for each in found if each.name == name)


@given(n=st.integers(1, 3000), data=st.data(), floor=st.floats(0.02, 0.98))
def test_a_floor_holds_exactly_when_the_betting_test_rejects_its_opposite(n, data, floor):
    solved = data.draw(st.integers(0, n))
    where = scenario(promise=replace(PROMISE, solved_at_least=floor))
    standing = term("solved", tally(n=n, solved=solved), where=where).standing
    counts = [n - solved, solved]
    holds, fails = log_e([0, 1], counts, floor), log_e_down([0, 1], counts, floor)
    if abs(holds + np.log(0.05)) > 1e-6:
        assert (standing is Standing.HOLDS) == rejects(holds, 0.05)
    if abs(fails + np.log(0.0125)) > 1e-6:
        assert (standing is Standing.FAILS) == rejects(fails, 0.0125)


@given(n=st.integers(1, 500), data=st.data(), lost=st.integers(0, 200), missing=st.integers(0, 200))
def test_what_was_not_measured_never_helps(n, data, lost, missing):
    solved = data.draw(st.integers(0, n))
    known = solved_share(tally(n=n, solved=solved), ERRORS, FLOOR)
    less = solved_share(
        tally(n=n, solved=solved, unmeasured=lost, missing=missing, lost=(("timeout", lost),)),
        ERRORS,
        FLOOR,
    )
    assert less.lower <= known.lower
    assert less.upper >= known.upper


def test_a_case_without_an_expected_output_counts_for_nobody():
    rows = tally(unmeasured=300, lost=(("unscored", 300),))
    assert solved_share(rows, ERRORS, FLOOR) == solved_share(tally(), ERRORS, FLOOR)


def test_heavy_cases_count_more_and_are_worth_fewer():
    plain = solved_share(tally(n=400, solved=380), ERRORS, FLOOR)
    heavy = solved_share(
        tally(n=400, solved=380, weight=1000.0, solved_weight=950.0, weight_max=10.0),
        ERRORS,
        FLOOR,
    )
    assert heavy.value == plain.value == 0.95
    assert heavy.lower < plain.lower


def test_an_open_floor_says_how_many_more_cases_settle_it():
    found = term("solved", tally(n=100, solved=90))
    assert found.standing is Standing.OPEN
    assert 200 < found.cases_needed < 600
    below = term("solved", tally(n=100, solved=80))
    assert below.standing is Standing.OPEN
    assert below.cases_needed > 100


def test_no_number_of_cases_settles_a_rate_that_equals_the_floor():
    assert term("solved", tally(n=100, solved=85)).cases_needed is None


def test_harm_follows_the_exact_table_of_the_method():
    planned = ERRORS.planned(1000)

    def standing(n, violations):
        return term("harm", tally(n=n, violations=violations), errors=planned).standing

    assert standing(628, 2) is Standing.HOLDS
    assert standing(627, 2) is Standing.OPEN
    assert standing(628, 3) is Standing.OPEN
    assert standing(628, 20) is Standing.FAILS


def test_the_test_of_harm_is_fixed_by_the_cases_at_hand():
    where = scenario()
    assert harm_plan(where, 628, 0.05) == HarmPlan(628, 2, 0.01)
    assert harm_plan(where, 627, 0.05) == HarmPlan(473, 1, 0.01)
    assert harm_plan(where, 472, 0.05) == HarmPlan(299, 0, 0.01)
    assert harm_plan(where, 10, 0.05) == HarmPlan(299, 0, 0.01)
    assert harm_plan(scenario(policy=Policy()), 10_000, 0.05) is None


def test_the_contract_may_fix_the_violations_itself():
    strict = scenario(promise=replace(PROMISE, harm_allowed=0))
    assert harm_plan(strict, 10_000, 0.05) == HarmPlan(299, 0, 0.01)
    assert harm_plan(scenario(promise=replace(PROMISE, harm_allowed=4)), 10, 0.05).allowed == 4


def test_open_harm_says_how_many_more_cases_it_takes():
    assert term("harm", tally(n=200, solved=190)).cases_needed == 99
    some = term("harm", tally(n=400, solved=380, violations=2), errors=ERRORS.planned(1000))
    assert (some.standing, some.cases_needed) == (Standing.OPEN, 228)


@given(data=st.data(), allowed=st.integers(0, 3), hits=st.integers(1, 12))
def test_a_lost_test_of_harm_never_holds_again(data, allowed, hits):
    where = scenario(promise=replace(PROMISE, harm_allowed=allowed))
    errors = ERRORS.planned(3000)
    plan = harm_plan(where, 3000, errors.hold)
    moments = data.draw(
        st.lists(st.integers(1, plan.cases), min_size=hits, max_size=hits, unique=True)
    )
    for n in sorted({*moments, plan.cases, plan.cases + 500}):
        seen = sum(moment <= n for moment in moments)
        rows = tally(n=n, solved=n, violations=seen, harm_cases=min(n, plan.cases))
        found = term("harm", rows, where=where, errors=errors)
        if seen > allowed:
            assert found.lost or found.standing is Standing.FAILS
            assert found.cases_needed is None
        assert (found.standing is Standing.HOLDS) == (n >= plan.cases and seen <= allowed)


def test_a_solver_at_the_ceiling_passes_the_test_of_harm_as_rarely_as_promised():
    plan = harm_plan(scenario(), 10_000, 0.05)
    hits = np.random.default_rng(5).binomial(plan.cases, 0.01, size=20_000)
    assert np.mean(hits <= plan.allowed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 20_000)


def test_harm_is_a_term_only_where_a_guard_counts_it():
    names = [each.name for each in terms_of(scenario(policy=Policy()), tally(), ERRORS)]
    assert names == ["solved", "latency"]


def test_latency_is_settled_by_the_answers_that_were_slow():
    assert term("latency", tally()).standing is Standing.HOLDS
    assert term("latency", tally(slow=400)).standing is Standing.FAILS
    near = term("latency", tally(slow=97))
    assert near.standing is Standing.OPEN
    assert near.cases_needed > 10_000
    assert term("latency", tally(slow=100)).cases_needed is None


def test_a_p95_is_not_shown_by_twenty_calls():
    found = term("latency", tally(n=20, solved=20))
    assert found.standing is Standing.OPEN
    assert term("latency", tally(n=20 + found.cases_needed)).standing is Standing.HOLDS


def test_calls_that_never_came_back_leave_the_latency_open():
    lost = tally(unmeasured=200, lost=(("timeout", 200),))
    assert term("latency", lost).standing is Standing.OPEN
    unknown = tally(latency_n=0, latency_p95=None, latency_p95_lower=None, latency_p95_upper=None)
    assert "not known" in term("latency", unknown).text
    assert term("latency", unknown).cases_needed > 0


def test_a_latency_of_exactly_the_limit_is_rarely_said_to_hold():
    rng = np.random.default_rng(9)
    errors = ERRORS.planned(600)

    @cache
    def holds(n, slow):
        found = term("latency", tally(n=n, slow=slow), errors=errors)
        return found.standing is Standing.HOLDS

    held = [
        any(holds(n, int(slow)) for n, slow in zip(range(20, 601, 20), path, strict=True))
        for path in np.cumsum(rng.binomial(20, 0.05, size=(400, 30)), axis=1)
    ]
    assert np.mean(held) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_without_a_latency_promise_there_is_no_such_term():
    names = [e.name for e in terms_of(scenario(promise=without_limits()), tally(), ERRORS)]
    assert names == ["solved", "harm"]


def test_one_failing_term_fails_the_promise():
    rows = tally(violations=100)
    assert standing_of(terms_of(scenario(), rows, ERRORS)) is Standing.FAILS
    assert standing_of(terms_of(scenario(), tally(), ERRORS)) is Standing.HOLDS
    assert standing_of(terms_of(scenario(), tally(n=20, solved=19), ERRORS)) is Standing.OPEN


def test_a_promise_that_is_broken_rarely_holds():
    solved = np.random.default_rng(3).binomial(400, 0.85, size=15_000)
    counts, times = np.unique(solved, return_counts=True)
    held = [term("solved", tally(n=400, solved=int(k))).standing is Standing.HOLDS for k in counts]
    assert times[held].sum() <= 0.05 * len(solved)


def test_a_stratum_with_a_floor_of_its_own_is_a_term():
    where = scenario(promise=without_limits(solved_strata={"chat": 0.8, "mail": 0.8}))
    errors = ERRORS.planned(3000, {"chat": 600, "mail": 300})

    def standings(chat, mail, unknown=0):
        strata = (
            StratumTally(name="chat", solved_weight=chat, weight=600.0, unknown=unknown),
            StratumTally(name="mail", solved_weight=mail, weight=300.0 if mail else 0.0),
        )
        found = terms_of(where, tally(strata=strata), errors)
        return [(each.text, each.standing) for each in found if each.name == "stratum"]

    (chat, high), (mail, unseen) = standings(540.0, 0.0)
    assert (high, unseen) == (Standing.HOLDS, Standing.OPEN)
    assert chat.startswith("stratum chat: solves 90 %")
    assert mail.startswith("stratum mail: is not measured")
    assert [each for _, each in standings(420.0, 290.0)] == [Standing.FAILS, Standing.HOLDS]
    assert standings(540.0, 290.0, unknown=100)[0][1] is Standing.OPEN


@given(
    n=st.integers(1, 1500),
    data=st.data(),
    planned=st.integers(0, 2000),
    floor=st.floats(0.3, 0.95),
    guards=st.booleans(),
)
def test_a_glance_agrees_with_the_full_judgement(n, data, planned, floor, guards):
    solved = data.draw(st.integers(0, n))
    violations = data.draw(st.integers(0, min(n, 4)))
    lost = data.draw(st.integers(0, 50))
    where = scenario(
        promise=without_limits(solved_at_least=floor),
        **({} if guards else {"policy": Policy()}),
    )
    errors = ERRORS.planned(planned)
    rows = tally(
        n=n, solved=solved, violations=violations, unmeasured=lost, lost=(("timeout", lost),)
    )
    seen = glance(where, rows, errors)
    terms = {each.name: each for each in terms_of(where, rows, errors)}
    harm = terms.get("harm")
    if seen is Standing.OPEN:
        assert standing_of(tuple(terms.values())) is not Standing.HOLDS
        assert terms["solved"].standing is not Standing.FAILS
        assert harm is None or not harm.lost
    if terms["solved"].standing is Standing.FAILS or (harm is not None and harm.lost):
        assert seen is Standing.FAILS
    if all(each.standing is Standing.HOLDS for each in terms.values()):
        assert seen is Standing.HOLDS


@given(data=st.data())
def test_a_planned_test_is_the_betting_test_with_the_bets_of_its_plan(data):
    n = data.draw(st.integers(1, 800))
    solved = data.draw(st.integers(0, n))
    standing = term("solved", tally(n=n, solved=solved), errors=ERRORS.planned(800)).standing
    wealth = log_e([0, 1], [n - solved, solved], FLOOR, bets_for(FLOOR, 800, 0.05))
    if abs(wealth + np.log(0.05)) > 1e-6:
        assert (standing is Standing.HOLDS) == rejects(wealth, 0.05)
