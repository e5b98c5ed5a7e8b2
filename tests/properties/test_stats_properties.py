import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.stats.eprocess import log_e, log_e_down, lower_bound, upper_bound
from rixin.stats.intervals import clopper_pearson, quantile_interval, wilson
from rixin.stats.pairs import certify_pair, compare_pair, paired_difference, tango_z
from rixin.stats.planning import cases_needed_harm, effective_cases, weighted_counts

counts = st.lists(st.floats(0, 500), min_size=3, max_size=3)
means = st.floats(0.01, 0.99)
alphas = st.floats(0.001, 0.5)
VALUES = [0, 0.5, 1]


@st.composite
def pairs(draw, most=60):
    n = draw(st.integers(1, most))
    b = draw(st.integers(0, n))
    return b, draw(st.integers(0, n - b)), n


@given(counts, means, means)
def test_evidence_falls_as_the_hypothesis_rises(seen, one, other):
    low, high = sorted([one, other])
    assert log_e(VALUES, seen, low) >= log_e(VALUES, seen, high) - 1e-9
    assert log_e_down(VALUES, seen, low) <= log_e_down(VALUES, seen, high) + 1e-9


@given(counts, means, st.permutations(range(3)))
def test_evidence_ignores_the_order_of_values(seen, mean, order):
    shuffled = log_e([VALUES[i] for i in order], [seen[i] for i in order], mean)
    assert shuffled == pytest.approx(log_e(VALUES, seen, mean), abs=1e-9)


@given(counts, means)
def test_evidence_grows_with_a_success_and_shrinks_with_a_failure(seen, mean):
    before = log_e(VALUES, seen, mean)
    assert log_e(VALUES, [seen[0], seen[1], seen[2] + 1], mean) >= before
    assert log_e(VALUES, [seen[0] + 1, seen[1], seen[2]], mean) <= before


@given(counts, means)
def test_one_more_case_is_a_fair_bet_at_most(seen, mean):
    # The wealth times the chances of the next case, drawn with exactly the hypothetical mean.
    before = log_e([0, 1], seen[:2], mean)
    lost = log_e([0, 1], [seen[0] + 1, seen[1]], mean)
    won = log_e([0, 1], [seen[0], seen[1] + 1], mean)
    assert (1 - mean) * np.exp(lost - before) + mean * np.exp(won - before) <= 1 + 1e-9


@given(counts, alphas)
def test_bounds_enclose_the_observed_mean(seen, alpha):
    mean = np.average(VALUES, weights=seen) if sum(seen) > 1e-9 else 0.5
    low, high = lower_bound(VALUES, seen, alpha), upper_bound(VALUES, seen, alpha)
    assert 0 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1


@given(counts, alphas, alphas)
def test_more_confidence_means_wider_bounds(seen, one, other):
    strict, loose = sorted([one, other])
    assert lower_bound(VALUES, seen, strict) <= lower_bound(VALUES, seen, loose)
    assert upper_bound(VALUES, seen, strict) >= upper_bound(VALUES, seen, loose)


@settings(max_examples=60, deadline=None)
@given(pairs(), st.sampled_from([0.0, 0.02, 0.1]), st.sampled_from([0.05, 0.1]))
def test_certificate_and_p_value_agree(counted, margin, delta):
    result = compare_pair(*counted, margin, delta)
    assert result.certified == (result.p_value <= delta) == certify_pair(*counted, margin, delta)


@given(pairs(), st.floats(0, 0.9))
def test_turning_a_loss_into_a_tie_never_hurts(counted, margin):
    b, c, n = counted
    assert tango_z(max(b - 1, 0), c, n, margin) <= tango_z(b, c, n, margin) + 1e-9


@given(pairs(most=2000), alphas)
def test_difference_interval_encloses_the_observed_difference(counted, alpha):
    b, c, n = counted
    found = paired_difference(b, c, n, alpha)
    assert -1 <= found.lower <= (c - b) / n + 1e-9
    assert (c - b) / n - 1e-9 <= found.upper <= 1


@given(st.integers(0, 3000), st.integers(0, 3000), alphas)
def test_rate_intervals_enclose_the_observed_rate(hits, misses, alpha):
    n = hits + misses
    for found in (clopper_pearson(hits, n, alpha), wilson(hits, n, alpha)):
        assert 0 <= found.lower <= found.upper <= 1
        assert n == 0 or found.lower - 1e-12 <= hits / n <= found.upper + 1e-12


@given(st.lists(st.floats(0, 1e6), max_size=300), means, alphas)
def test_quantile_limits_are_in_order(values, q, alpha):
    found = quantile_interval(values, q, alpha)
    assert found.lower <= found.upper


@given(st.floats(0.001, 0.5), alphas, st.integers(0, 6))
def test_allowing_one_more_violation_needs_more_cases(ceiling, delta, allowed):
    assert cases_needed_harm(ceiling, delta, allowed) < cases_needed_harm(
        ceiling, delta, allowed + 1
    )


@given(st.lists(st.tuples(st.sampled_from(VALUES), st.floats(0, 1e6)), max_size=50))
def test_weights_never_make_more_of_the_cases_than_there_are(cases):
    scores, weights = [score for score, _ in cases], [weight for _, weight in cases]
    found = weighted_counts(scores, weights)
    assert 0 <= found.effective == effective_cases(weights) <= len(cases) + 1e-9
    assert found.counts.sum() <= len(cases) + 1e-9
