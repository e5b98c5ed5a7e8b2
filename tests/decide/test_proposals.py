from itertools import pairwise

import numpy as np
import pytest
from cascade_samples import evidence, sample, take, world
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.decide.evidence import best_single
from rixin.decide.policies import Policy, Step, apply, differences
from rixin.decide.proposals import build, propose
from rixin.decide.sequence import certify


def proposals(pool, reference=None, *, margin=0.03, **options):
    reference = reference or best_single(pool) or pool.solvers[0].solver
    return propose(pool, reference, margin=margin, **options)


def chains(pool, reference):
    return {policy.members for chain in build(pool, reference) for policy in chain}


def test_all_cheap_to_dear_pairs_and_the_triples_that_end_at_the_reference_are_built():
    pool = world(1, 300)
    assert chains(pool, "s2") == {
        ("s0",),
        ("s1",),
        ("s0", "s1"),
        ("s0", "s2"),
        ("s1", "s2"),
        ("s0", "s1", "s2"),
    }
    assert chains(pool, "s0") == set()


def test_a_solver_without_price_is_left_out():
    pool = world(1, 300)
    free = evidence("unpriced", np.ones(300), cost=np.nan, confidence=0.5)
    assert chains(sample(*pool.solvers, free), "s2") == chains(pool, "s2")


def test_thresholds_lie_between_scores_and_accept_more_and_more():
    pool = world(2, 400)
    (chain,) = [chain for chain in build(pool, "s2") if chain and chain[0].members == ("s0", "s2")]
    shares = [(apply(policy, pool).answered_by == 0).mean() for policy in chain]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9 and shares[-1] < 0.1
    assert len(set(shares)) == len(shares) > 20


def test_the_sequence_goes_from_safe_to_cheap():
    found = proposals(world(3, 1000))
    assert len(found) >= 2
    assert all(one.z < two.z for one, two in pairwise(found))
    assert all(one.cost > two.cost for one, two in pairwise(found))
    assert found[0].cost < 20


def test_figures_are_those_of_the_shape_cases():
    pool = world(3, 500)
    for one in proposals(pool):
        outcomes = apply(one.policy, pool)
        assert one.cost == pytest.approx(outcomes.cost.mean())
        assert one.loss == pytest.approx(-differences(outcomes, pool, "s2").mean())


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_cases_changes_nothing(seed):
    pool = world(7, 250)
    shuffled = take(pool, np.random.default_rng(seed).permutation(250))
    first, second = proposals(pool, "s2"), proposals(shuffled, "s2")
    assert [one.policy.members for one in first] == [one.policy.members for one in second]
    assert [one.cost for one in first] == pytest.approx([one.cost for one in second])
    tests = [
        certify([one.policy for one in found], where, "s2", margin=0.03, delta=0.1)
        for found, where in ((first, pool), (second, shuffled))
    ]
    assert [each.certified for each in tests[0]] == [each.certified for each in tests[1]]
    assert [each.statistic for each in tests[0]] == pytest.approx(
        [each.statistic for each in tests[1]]
    )


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_a_useless_solver_changes_neither_the_sequence_nor_its_certificates(seed):
    shape, certified = world(seed, 300), world(seed + 1, 500)

    def with_useless(pool):
        useless = evidence("useless", np.zeros(pool.cases), cost=25.0, confidence=0.3)
        return sample(*pool.solvers, useless)

    plain = [one.policy for one in proposals(shape, "s2")]
    assert [one.policy for one in proposals(with_useless(shape), "s2")] == plain
    tests = [
        certify(plain, pool, "s2", margin=0.03, delta=0.1)
        for pool in (certified, with_useless(certified))
    ]
    assert tests[0] == tests[1]


def test_the_other_terms_of_the_promise_can_leave_policies_out():
    pool = world(3, 600)
    harmful = evidence(
        "harmful", pool.of("s2").solved, cost=0.1, confidence=0.9, violated=np.full(600, True)
    )
    pool = sample(*pool.solvers, harmful)
    assert any("harmful" in one.policy.members for one in proposals(pool, "s2"))
    kept = proposals(pool, "s2", admits=lambda outcomes: not outcomes.violated.any())
    assert kept and not any(one.policy.members[0] == "harmful" for one in kept)


def test_solvers_without_confidence_can_check_each_other():
    pool = world(4, 800, rates=(0.85, 0.87, 0.9), costs=(1.0, 2.0, 30.0), sure=False)
    built = chains(pool, "s2")
    assert ("s0", "s2") not in built and ("s0", "s1", "s2") in built
    found = proposals(pool, "s2", margin=0.05)
    assert ("s0", "s1", "s2") in {one.policy.members for one in found}


def test_with_nothing_to_go_by_there_are_single_solvers_only():
    silent = [
        evidence(one.solver, one.solved, cost=one.cost, answer=0) for one in world(4, 200).solvers
    ]
    assert all(len(members) == 1 for members in chains(sample(*silent), "s2"))


@pytest.mark.parametrize("confidence", [0.5, 1.0, float("nan")])
def test_a_confidence_that_is_always_the_same_makes_no_pair(confidence):
    pool = world(5, 200)
    constant = [
        evidence(one.solver, one.solved, cost=one.cost, answer=one.answer, confidence=confidence)
        for one in pool.solvers
    ]
    assert ("s0", "s2") not in chains(sample(*constant), "s2")


def test_a_confidence_that_is_missing_now_and_then_escalates():
    pool = world(5, 400)
    first = pool.of("s0")
    holes = np.where(np.arange(400) % 3 == 0, np.nan, first.confidence)
    patchy = evidence("s0", first.solved, cost=1.0, answer=first.answer, confidence=holes)
    pool = sample(patchy, *pool.solvers[1:])
    for chain in build(pool, "s2"):
        for policy in chain:
            if policy.members == ("s0", "s2"):
                assert (apply(policy, pool).answered_by[::3] == 1).all()


def test_ties_stand_or_fall_together():
    pool = world(6, 400)
    first = pool.of("s0")
    coarse = np.round(first.confidence * 2) / 2
    tied = evidence("s0", first.solved, cost=1.0, answer=first.answer, confidence=coarse)
    pool = sample(tied, *pool.solvers[1:])
    (chain,) = [chain for chain in build(pool, "s2") if chain and chain[0].members == ("s0", "s2")]
    assert len(chain) <= np.unique(coarse).size
    for policy in chain:
        answered = apply(policy, pool).answered_by
        assert all(np.unique(answered[coarse == level]).size == 1 for level in np.unique(coarse))


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_case_certifies_nothing(n):
    pool = take(world(1, 5), np.arange(n))
    found = proposals(pool, "s2")
    tested = certify([one.policy for one in found], pool, "s2", margin=0.03, delta=0.1)
    assert not any(each.certified for each in tested)


def test_without_a_price_nothing_is_proposed():
    assert proposals(sample(evidence("a", np.ones(9), cost=0.0)), "a") == ()
    assert proposals(sample(evidence("a", np.ones(9), cost=np.nan)), "a") == ()


@pytest.mark.parametrize("solved", [0.0, 1.0])
def test_where_all_solve_alike_the_cheapest_is_proposed(solved):
    pool = sample(
        *(
            evidence(name, np.full(300, solved), cost=cost, confidence=np.linspace(0, 1, 300))
            for name, cost in (("a", 1.0), ("b", 5.0), ("c", 9.0))
        )
    )
    (only,) = proposals(pool, "c")
    assert only.policy == Policy((Step("a"),))
    assert only.cost == 1.0 and only.loss == 0


def test_where_nothing_is_nearly_as_good_nothing_is_proposed():
    pool = sample(evidence("a", np.zeros(300), cost=1.0), evidence("b", np.ones(300), cost=2.0))
    assert proposals(pool, "b") == ()


@pytest.mark.parametrize("kind", ["weights", "graded"])
def test_weighted_and_graded_cases_work_likewise(kind):
    pool = world(8, 900)
    if kind == "weights":
        weights = np.random.default_rng(0).choice([1.0, 2.0], 900)
        pool = sample(*pool.solvers, weights=weights)
    else:
        pool = sample(
            *(
                evidence(
                    one.solver,
                    0.2 + 0.7 * one.solved,
                    cost=one.cost,
                    answer=one.answer,
                    confidence=one.confidence,
                )
                for one in pool.solvers
            ),
            graded=True,
        )
    found = proposals(pool, "s2", margin=0.06)
    tested = certify([one.policy for one in found], pool, "s2", margin=0.06, delta=0.1)
    assert tested[0].certified and tested[0].method == "betting"


def test_the_promise_of_the_chosen_cascade_is_rarely_broken():
    """Whole decisions in a world of known truth: a broken promise is as rare as was said."""
    truth = world(99, 40_000, rates=(0.75, 0.82, 0.9))
    best, runs, broken, cheaper = 0.0, 60, 0, 0
    rng = np.random.default_rng(1)
    for _ in range(runs):
        cases = rng.choice(truth.cases, 700, replace=False)
        shape, pool = take(truth, cases[:280]), take(truth, cases[280:])
        reference = best_single(shape)
        found = proposals(shape, reference, margin=0.03)
        tested = certify([one.policy for one in found], pool, reference, margin=0.03, delta=0.1)
        held = [each.policy for each in tested if each.certified]
        if held:
            outcomes = apply(held[-1], truth)
            best = -differences(outcomes, truth, reference).mean()
            broken += best >= 0.03
            cheaper += 1
    assert broken / runs <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / runs)
    assert cheaper >= runs / 2
