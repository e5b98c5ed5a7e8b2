from dataclasses import replace

import numpy as np
import pytest
from decide_samples import PROMISE, candidate, scenario, tally, without_limits
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Policy
from rixin.core.verdict import Standing
from rixin.decide.promise import Errors, errors_of, solved_share, standing_of, terms_of
from rixin.stats.eprocess import log_e, log_e_down, rejects

ERRORS = Errors(hold=0.05, fail=0.0125)


def term(name, rows, *, where=None):
    found = terms_of(where or scenario(), rows, ERRORS)
    return next(each for each in found if each.name == name)


def test_the_error_is_divided_among_candidates_and_ways_to_fail():
    three = scenario(candidate("a"), candidate("b"), candidate("people", "human"))
    assert errors_of(three) == Errors(hold=pytest.approx(0.025), fail=pytest.approx(0.00625))
    bare = scenario(promise=without_limits(), policy=Policy())
    assert errors_of(bare) == Errors(hold=pytest.approx(0.05), fail=pytest.approx(0.025))


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
    known = solved_share(tally(n=n, solved=solved), ERRORS)
    less = solved_share(
        tally(n=n, solved=solved, unmeasured=lost, missing=missing, lost=(("timeout", lost),)),
        ERRORS,
    )
    assert less.lower <= known.lower
    assert less.upper >= known.upper


def test_a_case_without_an_expected_output_counts_for_nobody():
    rows = tally(unmeasured=300, lost=(("unscored", 300),))
    assert solved_share(rows, ERRORS) == solved_share(tally(), ERRORS)


def test_heavy_cases_count_more_and_are_worth_fewer():
    plain = solved_share(tally(n=400, solved=380), ERRORS)
    heavy = solved_share(
        tally(n=400, solved=380, weight=1000.0, solved_weight=950.0, weight_max=10.0), ERRORS
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
    assert term("harm", tally(n=628, solved=600, violations=2)).standing is Standing.HOLDS
    assert term("harm", tally(n=627, solved=600, violations=2)).standing is Standing.OPEN
    assert term("harm", tally(n=628, solved=600, violations=20)).standing is Standing.FAILS


def test_open_harm_says_how_many_more_cases_it_takes():
    assert term("harm", tally(n=200, solved=190)).cases_needed == 99
    some = term("harm", tally(n=400, solved=380, violations=2))
    assert some.standing is Standing.OPEN
    assert 400 < some.cases_needed < 3000
    assert term("harm", tally(n=200, solved=190, violations=2)).cases_needed is None


def test_a_ceiling_of_zero_is_never_shown_to_hold():
    where = scenario(promise=replace(PROMISE, harm_at_most=0.0))
    found = term("harm", tally(), where=where)
    assert (found.standing, found.cases_needed) == (Standing.OPEN, None)


def test_harm_is_a_term_only_where_a_guard_counts_it():
    names = [each.name for each in terms_of(scenario(policy=Policy()), tally(), ERRORS)]
    assert names == ["solved", "latency"]


def test_latency_is_settled_by_its_bounds():
    assert term("latency", tally()).standing is Standing.HOLDS
    slow = tally(latency_p95=3.0, latency_p95_lower=2.5, latency_p95_upper=4.0)
    assert term("latency", slow).standing is Standing.FAILS
    near = tally(latency_p95=1.9, latency_p95_lower=1.5, latency_p95_upper=2.1)
    assert (term("latency", near).standing, term("latency", near).cases_needed) == (
        Standing.OPEN,
        None,
    )


def test_a_p95_takes_59_calls_to_be_bounded():
    few = tally(n=20, solved=20, latency_n=20, latency_p95_upper=None)
    found = term("latency", few)
    assert (found.standing, found.cases_needed) == (Standing.OPEN, 39)


def test_calls_that_never_came_back_leave_the_latency_open():
    lost = tally(unmeasured=200, lost=(("timeout", 200),))
    assert term("latency", lost).standing is Standing.OPEN
    unknown = tally(latency_n=0, latency_p95=None, latency_p95_lower=None, latency_p95_upper=None)
    assert "not known" in term("latency", unknown).text


def test_without_a_latency_promise_there_is_no_such_term():
    names = [e.name for e in terms_of(scenario(promise=without_limits()), tally(), ERRORS)]
    assert names == ["solved", "harm"]


def test_one_failing_term_fails_the_promise():
    rows = tally(violations=100)
    assert standing_of(terms_of(scenario(), rows, ERRORS)) is Standing.FAILS
    assert standing_of(terms_of(scenario(), tally(), ERRORS)) is Standing.HOLDS
    assert standing_of(terms_of(scenario(), tally(n=20, solved=19), ERRORS)) is Standing.OPEN


def test_a_promise_that_is_broken_rarely_holds():
    rng = np.random.default_rng(3)
    held = [
        term("solved", tally(n=400, solved=int(k))).standing is Standing.HOLDS
        for k in rng.binomial(400, 0.85, size=1500)
    ]
    assert np.mean(held) <= 0.05
