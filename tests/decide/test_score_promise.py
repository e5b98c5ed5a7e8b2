"""The promise on the mean score: its test, its bounds, and where they are the same as for solved."""

from dataclasses import replace

import numpy as np
import pytest
from decide_samples import PROMISE, scenario, tally, without_limits
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Policy
from rixin.core.verdict import Standing
from rixin.decide.budget import Errors, budget_of
from rixin.decide.exploring import Counting
from rixin.decide.judged import judge
from rixin.decide.policies import PolicyOutcomes
from rixin.decide.promise import glance, mean_score, score_evidence, solved_share, terms_of
from rixin.stats.eprocess import log_e, log_e_down

ERRORS = Errors(hold=0.05, fail=0.02, cases=1000)
QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
SCORED = scenario(
    promise=replace(without_limits(), solved_at_least=0.3, score_at_least=0.8), policy=Policy()
)


def scored(counts, **more):
    """A tally with so many cases of each score in quarters."""
    n = sum(counts)
    scores = tuple((s, float(k)) for s, k in zip(QUARTERS, counts, strict=True) if k)
    return tally(n=n, solved=sum(counts[2:]), **{"scores": scores, **more})


def term(rows, where=SCORED, errors=ERRORS):
    return next(one for one in terms_of(where, rows, errors) if one.name == "score")


def test_a_mean_score_holds_fails_or_is_open():
    high, low = term(scored([0, 0, 40, 100, 360])), term(scored([100, 100, 100, 100, 100]))
    near = term(scored([10, 10, 20, 60, 100]))
    found = [one.standing for one in (high, low, near)]
    assert found == [Standing.HOLDS, Standing.FAILS, Standing.OPEN]
    assert high.text.startswith("mean score 0.910 of 500 (0.8")
    assert high.text.endswith("promised 0.8: holds")
    assert (high.cases_needed, low.cases_needed) == (None, None)
    assert near.cases_needed >= 1


def test_a_promise_on_scores_is_one_term_more_and_one_way_more_to_fail():
    names = [one.name for one in terms_of(SCORED, scored([0, 0, 0, 0, 300]), ERRORS)]
    assert names == ["solved", "score"]
    assert [one.name for one in terms_of(scenario(), tally(), ERRORS)].count("score") == 0
    more = budget_of(scenario(promise=replace(PROMISE, score_at_least=0.8)))
    assert more.ways == budget_of(scenario()).ways + 1
    assert more.single.hold == budget_of(scenario()).single.hold


def test_the_result_has_the_mean_score_only_where_one_is_promised():
    rows = scored([0, 0, 40, 100, 360])
    assert judge(SCORED, SCORED.candidates[0], rows, ERRORS).result.score == term(rows).estimate
    assert judge(scenario(), SCORED.candidates[0], rows, ERRORS).result.score is None


@given(n=st.integers(1, 2000), data=st.data(), lost=st.integers(0, 50), floor=st.floats(0.05, 0.95))
def test_on_scores_of_zero_and_one_it_is_the_test_of_the_solve_rate(n, data, lost, floor):
    solved = data.draw(st.integers(0, n))
    gone = {"unmeasured": lost, "lost": (("timeout", lost),)}
    rows = scored([n - solved, 0, 0, 0, solved], **gone)
    assert rows.solved == solved
    mean, share = mean_score(rows, ERRORS, floor), solved_share(rows, ERRORS, floor)
    assert mean.value == pytest.approx(share.value)
    assert mean.lower == pytest.approx(share.lower, abs=1e-9)
    assert mean.upper == pytest.approx(share.upper, abs=1e-9)


@given(counts=st.lists(st.integers(0, 200), min_size=5, max_size=5), lost=st.integers(0, 200))
def test_what_was_not_measured_never_helps(counts, lost):
    counts = [*counts[:4], counts[4] + 1]
    gone = {"unmeasured": lost, "lost": (("timeout", lost),)}
    known, less = scored(counts), scored(counts, **gone)
    assert mean_score(less, ERRORS, 0.8).lower <= mean_score(known, ERRORS, 0.8).lower
    assert mean_score(less, ERRORS, 0.8).upper >= mean_score(known, ERRORS, 0.8).upper
    assert score_evidence(0.8, less, ERRORS).holds <= score_evidence(0.8, known, ERRORS).holds
    assert score_evidence(0.8, less, ERRORS).fails <= score_evidence(0.8, known, ERRORS).fails


@given(counts=st.lists(st.integers(0, 200), min_size=5, max_size=5))
def test_the_bounds_say_what_the_tests_say(counts):
    rows = scored([*counts[:4], counts[4] + 1])
    mean, found = mean_score(rows, ERRORS, 0.8), score_evidence(0.8, rows, ERRORS)
    if found.standing is Standing.HOLDS:
        assert mean.lower >= 0.8 - 1e-9
    if found.standing is Standing.FAILS:
        assert mean.upper <= 0.8 + 1e-9
    if found.standing is Standing.OPEN:
        assert mean.lower <= 0.8 + 1e-9
        assert mean.upper >= 0.8 - 1e-9


def test_without_a_plan_the_evidence_is_that_of_the_plain_betting_test():
    rows, counts = scored([5, 5, 40, 100, 350]), [5, 5, 40, 100, 350]
    found = score_evidence(0.8, rows, Errors(0.05, 0.02))
    assert found.holds == pytest.approx(log_e(QUARTERS, counts, 0.8))
    assert found.fails == pytest.approx(log_e_down(QUARTERS, counts, 0.8))


def test_heavy_cases_count_more_and_are_worth_fewer():
    plain = mean_score(scored([0, 0, 0, 100, 300]), ERRORS, 0.8)
    heavy = scored([0, 0, 0, 100, 300], weight_max=10.0)
    heavy = mean_score(
        replace(heavy, scores=tuple((s, 2.5 * w) for s, w in heavy.scores)), ERRORS, 0.8
    )
    assert heavy.value == pytest.approx(plain.value)
    assert heavy.lower < plain.lower


def test_a_glance_sees_the_score_as_the_judgement_does():
    high, low = scored([0, 0, 40, 100, 360]), scored([100, 100, 100, 100, 100])
    near = scored([10, 10, 20, 60, 100])
    found = [glance(SCORED, one, ERRORS) for one in (high, low, near)]
    assert found == [Standing.HOLDS, Standing.FAILS, Standing.OPEN]


@pytest.mark.parametrize("chances", [[0.1, 0, 0.1, 0.2, 0.6], [0.02, 0.02, 0.2, 0.26, 0.5]])
def test_at_the_boundary_a_mean_score_is_told_wrong_as_rarely_as_promised(chances):
    """A candidate whose mean is exactly the floor, looked at after every ten cases."""
    rng = np.random.default_rng(8)
    floor, runs, looks = float(np.dot(QUARTERS, chances)), 300, range(10, 601, 10)
    errors = Errors(hold=0.1, fail=0.1, cases=600)
    held = failed = 0
    for _ in range(runs):
        drawn = rng.choice(5, p=chances, size=600)
        seen = {
            score_evidence(
                floor, scored(np.bincount(drawn[:n], minlength=5).tolist()), errors
            ).standing
            for n in looks
        }
        held += Standing.HOLDS in seen
        failed += Standing.FAILS in seen
    most = 0.1 + 2 * np.sqrt(0.1 * 0.9 / runs)
    assert held / runs <= most
    assert failed / runs <= most


def test_a_policy_is_counted_by_its_scores_where_a_mean_is_promised():
    some = np.array([True, True, True, False])
    none = np.zeros(4, dtype=bool)
    outcomes = PolicyOutcomes(
        solved=np.array([1.0, 0.0, 1.0, 0.0]),
        measured=some,
        cost=np.ones(4),
        latency_s=np.ones(4),
        violated=none,
        abstained=none,
        answered_by=np.zeros(4, dtype=np.int64),
    )
    counting = Counting(
        weights=np.array([1.0, 2.0, 1.0, 1.0]), heaviest=2.0, harm_cases=0, slow_s=None, strata={}
    )
    found = counting.tally("p", outcomes, np.array([0.75, 0.25, 0.75, 0.0]))
    assert found.scores == ((0.25, 2.0), (0.75, 2.0))
    assert (found.solved, found.unmeasured) == (2, 1)
    assert counting.tally("p", outcomes).scores == ()
