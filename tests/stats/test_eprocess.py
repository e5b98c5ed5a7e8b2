import numpy as np
import pytest
from simulate import crossing_rate

from rixin.stats.eprocess import (
    log_e,
    log_e_difference,
    log_e_down,
    log_e_many,
    log_e_pair,
    log_e_pair_down,
    lower_bound,
    rejects,
    upper_bound,
)


def test_no_cases_are_no_evidence():
    assert log_e([0, 1], [0, 0], 0.5) == pytest.approx(0, abs=1e-12)
    assert log_e([], [], 0.5) == pytest.approx(0, abs=1e-12)
    assert log_e_pair(0, 0, 0, 0.02) == pytest.approx(0, abs=1e-12)
    assert (lower_bound([0, 1], [0, 0], 0.05), upper_bound([0, 1], [0, 0], 0.05)) == (0, 1)


def test_one_success_refutes_that_nothing_is_ever_solved():
    assert rejects(log_e([0, 1], [50, 1], 0.0), alpha=1e-9)
    assert rejects(log_e_down([0, 1], [1, 50], 1.0), alpha=1e-9)


def test_nothing_refutes_the_weakest_hypothesis():
    assert log_e([0, 1], [0, 1000], 1.0) <= 0
    assert log_e([0, 1], [1000, 0], 0.0) <= 0
    assert log_e_down([0, 1], [1000, 0], 0.0) <= 0


def test_all_solved_leaves_the_upper_bound_at_one():
    assert upper_bound([0, 1], [0, 300], 0.05) == 1
    assert 0.98 < lower_bound([0, 1], [0, 300], 0.05) < 1


def test_none_solved_leaves_the_lower_bound_at_zero():
    assert lower_bound([0, 1], [300, 0], 0.05) == 0
    assert 0 < upper_bound([0, 1], [300, 0], 0.05) < 0.02


def test_up_and_down_mirror_each_other():
    assert log_e_down([0, 1], [7, 3], 0.6) == pytest.approx(log_e([0, 1], [3, 7], 0.4))
    assert upper_bound([0, 1], [7, 3], 0.1) == pytest.approx(1 - lower_bound([0, 1], [3, 7], 0.1))
    assert log_e_pair_down(9, 90, 1) == pytest.approx(log_e_pair(1, 90, 9, 0.0))


def test_many_counts_give_the_same_as_one_by_one():
    counts = np.array([[[1, 2, 3], [4, 5, 6]]])
    many = log_e_many([0, 0.5, 1], counts, 0.4)
    assert many.shape == (1, 2)
    one = log_e([0, 0.5, 1], [4, 5, 6], 0.4)
    assert many[0, 1] == pytest.approx(one, rel=1e-12)  # numpy adds in another order


def test_a_bound_is_where_the_evidence_just_rejects():
    bound = lower_bound([0, 1], [10, 90], 0.05)
    assert rejects(log_e([0, 1], [10, 90], bound), 0.05)
    assert not rejects(log_e([0, 1], [10, 90], bound + 1e-9), 0.05)


def test_a_pair_is_a_difference_of_minus_one_zero_or_one():
    assert log_e_pair(5, 80, 9, 0.02) == log_e_difference([-1, 0, 1], [5, 80, 9], 0.02)


def test_evidence_builds_up_for_rates_just_above_a_rare_ceiling():
    # A grid of large bets only never finds twice the ceiling.
    assert rejects(log_e([0, 1], [9800, 200], 0.01), 0.05)
    assert rejects(log_e([0, 1], [29940, 60], 0.001), 0.05)


def test_a_clean_record_certifies_nearly_as_fast_as_the_exact_bound():
    # Clopper-Pearson needs 299 cases without violation at 1 %; anytime validity costs some more.
    assert rejects(log_e_down([0, 1], [480, 0], 0.01), 0.05)


@pytest.mark.parametrize(
    ("values", "counts", "mean"),
    [
        ([0, np.nan], [1, 1], 0.5),
        ([0, 1], [1, np.nan], 0.5),
        ([0, 1], [1, np.inf], 0.5),
        ([0, 1], [1, -1], 0.5),
        ([0, 1.1], [1, 1], 0.5),
        ([-0.1, 1], [1, 1], 0.5),
        ([[0, 1]], [1, 1], 0.5),
        ([0, 1], [1, 1, 1], 0.5),
        ([0], 3, 1.5),
        ([0, 1], [1, 1], np.nan),
    ],
)
def test_bad_numbers_are_refused(values, counts, mean):
    with pytest.raises(ValueError, match=r"must|need"):
        log_e(values, counts, mean)
    with pytest.raises(ValueError, match=r"must|need"):
        log_e_down(values, counts, mean)


def test_counts_without_a_shape_are_refused():
    with pytest.raises(ValueError, match="need counts of shape"):
        log_e_many([0], 3, 0.5)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, np.nan])
def test_an_impossible_alpha_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        rejects(1.0, alpha)
    with pytest.raises(ValueError, match="alpha"):
        lower_bound([0, 1], [1, 1], alpha)


@pytest.mark.parametrize("margin", [-0.1, 1, np.nan])
def test_an_impossible_margin_is_refused(margin):
    with pytest.raises(ValueError, match="margin"):
        log_e_pair(1, 1, 1, margin)
    with pytest.raises(ValueError, match="margin"):
        log_e_pair_down(1, 1, 1, margin)


@pytest.mark.parametrize(
    ("values", "chances"),
    [
        ([0, 1], [0.15, 0.85]),
        ([0, 1], [0.99, 0.01]),
        ([0, 0.5, 1], [0.035, 0.95, 0.015]),
        ([0, 0.5, 1], [0.21, 0.6, 0.19]),
    ],
)
def test_evidence_against_the_truth_rarely_crosses_in_six_thousand_looks(values, chances):
    rate = crossing_rate(values, chances, 0.05, runs=400, looks=6000, rng=np.random.default_rng(7))
    assert rate <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_case_weights_keep_the_error_rate():
    # Solved cases weigh .2 and .8 by stratum; the weighted mean is exactly the hypothesis.
    rng = np.random.default_rng(11)
    heavy = rng.random((1500, 1500)) < 0.5
    solved = rng.random(heavy.shape) < np.where(heavy, 0.9, 0.6)
    weight = np.where(heavy, 1.0, 0.25)
    counts = np.stack([np.cumsum(weight * ~solved, 1), np.cumsum(weight * solved, 1)], axis=-1)
    mean = (0.9 * 1 + 0.6 * 0.25) / 1.25
    crossed = (log_e_many([0, 1], counts[:, ::10], mean) >= np.log(20)).any(axis=1)
    assert crossed.mean() <= 0.05


def test_bounds_agree_with_an_independent_implementation():
    ville = pytest.importorskip("ville", reason="ville is an optional oracle: pip install ville")
    rng = np.random.default_rng(5)
    for rate in (0.5, 0.85, 0.97):
        ours, theirs = [], []
        for solved in (rng.random((8, 400)) < rate).astype(float):
            counts = [400 - solved.sum(), solved.sum()]
            ours.append(upper_bound([0, 1], counts, 0.05) - lower_bound([0, 1], counts, 0.05))
            # The same notion of interval: this look only, not the intersection of all so far.
            peer = ville.BettingCS(alpha=0.1, intersect=False, grid=2000).update(solved)
            theirs.append(np.diff(peer.interval())[0])
        assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.25)


def test_few_scores_and_many_are_reckoned_alike():
    """Few go through plain floats, many through arrays."""
    values = np.linspace(0, 1, 13)
    counts = np.arange(1.0, 14.0)
    counts[[0, 5]] = 0  # never seen: eleven are left
    for mean in (0.0, 0.3, 0.55, 1.0):
        many = log_e_many(values, counts, mean)
        assert log_e(values, counts, mean) == pytest.approx(float(many), rel=1e-12)
        fine = log_e(np.repeat(values, 2), np.repeat(counts / 2, 2), mean)
        assert fine == pytest.approx(float(many), rel=1e-12)
