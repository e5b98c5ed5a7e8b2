import numpy as np
import pytest
from cascade_samples import evidence, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.decide.policies import Policy, Step
from rixin.decide.sequence import Held, certify
from rixin.stats.exact import EXACT_CASES
from rixin.stats.pairs import compare_pair


def single(name):
    return Policy((Step(name),))


def pair(lost, gained, n, **options):
    """The reference solves the first `n - gained`, the new one all but the first `lost`."""
    place = np.arange(n)
    reference = evidence("reference", place < n - gained)
    return sample(reference, evidence("new", place >= lost), **options)


@given(n=st.integers(1, 400), data=st.data(), margin=st.sampled_from([0.0, 0.02, 0.1]))
@settings(deadline=None)
def test_it_is_the_exact_test_on_matched_pairs(n, data, margin):
    lost = data.draw(st.integers(0, min(n, 12)))
    gained = data.draw(st.integers(0, min(n - lost, 12)))
    (tested,) = certify(
        [single("new")], pair(lost, gained, n), "reference", margin=margin, delta=0.1
    )
    expected = compare_pair(lost, gained, n, margin, 0.1)
    assert (tested.lost, tested.gained, tested.cases) == (lost, gained, n)
    assert tested.method == expected.method == "exact"
    assert tested.statistic == pytest.approx(expected.statistic)
    assert tested.critical == pytest.approx(expected.critical)
    assert tested.certified == expected.certified


def test_beyond_the_exact_test_it_bets():
    n = EXACT_CASES + 1
    (tested,) = certify([single("new")], pair(10, 10, n), "reference", margin=0.02, delta=0.05)
    expected = compare_pair(10, 10, n, 0.02, 0.05)
    assert tested.method == "betting"
    assert tested.statistic == pytest.approx(expected.statistic)
    assert tested.certified and tested.critical == pytest.approx(np.log(20))


def test_weighted_cases_are_counted_in_units_of_the_heaviest():
    weights = np.where(np.arange(600) < 300, 2.0, 1.0)
    (tested,) = certify(
        [single("new")],
        pair(4, 2, 600, weights=weights),
        "reference",
        margin=0.05,
        delta=0.1,
    )
    assert tested.method == "betting"
    assert (tested.lost, tested.gained) == (4, 1)
    assert tested.certified


def test_graded_scores_are_bet_on_by_their_size():
    reference = evidence("reference", np.full(400, 0.8))
    close = evidence("close", np.tile([0.79, 0.8], 200))
    worse = evidence("worse", np.full(400, 0.7))
    pool = sample(reference, close, worse, graded=True)
    tested = certify(
        [single("close"), single("worse"), single("close")],
        pool,
        "reference",
        margin=0.05,
        delta=0.1,
    )
    assert [each.certified for each in tested] == [True, False]
    assert tested[0].lost == pytest.approx(2.0)
    assert tested[0].method == "betting"


def test_the_first_failure_ends_it():
    pool = sample(
        evidence("reference", np.ones(300)),
        evidence("same", np.ones(300)),
        evidence("worse", np.arange(300) >= 60),
    )
    order = [single("same"), single("worse"), single("same")]
    tested = certify(order, pool, "reference", margin=0.02, delta=0.1)
    assert [each.policy for each in tested] == order[:2]
    assert [each.certified for each in tested] == [True, False]
    assert tested[1].lost == 60


def test_every_other_term_must_hold_too():
    pool = sample(
        evidence("reference", np.ones(300)),
        evidence("same", np.ones(300), violated=np.arange(300) < 9),
    )

    def harmless(_policy, outcomes):
        return Held(not outcomes.violated.any(), (f"{outcomes.violated.sum()} violations",))

    (tested,) = certify(
        [single("same")] * 2, pool, "reference", margin=0.02, delta=0.1, holds=harmless
    )
    assert tested.no_worse and not tested.certified
    assert tested.others == Held(False, ("9 violations",))


def test_no_case_certifies_nothing_and_one_case_hardly_anything():
    assert certify([single("new")], pair(0, 0, 0), "reference", margin=0.02, delta=0.1) == ()
    (tested,) = certify([single("new")], pair(0, 0, 1), "reference", margin=0.02, delta=0.1)
    assert not tested.certified


def test_what_was_not_measured_counts_against_the_policy():
    holes = np.where(np.arange(300) < 20, np.nan, 1.0)
    pool = sample(evidence("reference", holes), evidence("new", holes))
    (tested,) = certify([single("new")], pool, "reference", margin=0.02, delta=0.1)
    assert (tested.lost, tested.gained, tested.certified) == (20, 0, False)


@pytest.mark.parametrize("wrong", [{"margin": 1.0}, {"delta": 0.0}, {"delta": float("nan")}])
def test_arguments_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="must lie"):
        certify([], pair(0, 0, 3), "reference", **({"margin": 0.02, "delta": 0.1} | wrong))


def test_the_chance_of_any_wrong_certificate_is_at_most_delta():
    """Five policies, each of which loses exactly the margin, in one sequence."""
    rng, margin, delta, n, runs = np.random.default_rng(5), 0.05, 0.1, 250, 1200
    wrong = 0
    for _ in range(runs):
        reference = rng.random(n) < 0.9
        solvers = [evidence("reference", reference)]
        for place in range(5):
            # Losses where the reference solves, gains where it does not: loss is the margin.
            lose = (margin + 0.02 * place) / 0.9
            gain = 0.02 * place / 0.1
            flips = rng.random(n) < np.where(reference, lose, gain)
            solvers.append(evidence(f"p{place}", reference ^ flips))
        order = [single(f"p{place}") for place in range(5)]
        tested = certify(order, sample(*solvers), "reference", margin=margin, delta=delta)
        wrong += tested[0].certified
    assert wrong / runs <= delta + 3 * np.sqrt(delta * (1 - delta) / runs)
    assert wrong / runs >= delta / 3
