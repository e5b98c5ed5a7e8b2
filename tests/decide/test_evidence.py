import numpy as np
import pytest
from cascade_samples import evidence, sample

from rixin.decide.evidence import Sample, best_single


def test_what_was_not_measured_helps_nobody():
    one = evidence("a", [1, np.nan, 0], cost=[2.0, np.nan, 3.0], abstained=[False, False, True])
    assert one.as_policy.tolist() == [1, 0, 0]
    assert one.as_reference.tolist() == [1, 1, 0]
    assert one.paid.tolist() == [2, 3, 3]
    assert one.there.tolist() == [True, False, False]


def test_a_price_that_is_not_known_stays_unknown():
    assert np.isnan(evidence("a", [1, 0], cost=[np.nan, 1.0]).paid[0])


def test_evidence_of_different_cases_is_refused():
    with pytest.raises(ValueError, match="different length"):
        evidence("a", [1, 0]).__class__(
            **{
                name: getattr(evidence("a", [1, 0]), name)
                for name in ("solver", "solved", "cost", "violated", "abstained", "latency_s")
            },
            confidence=np.zeros(3),
            answer=np.zeros(2, dtype=np.int64),
        )


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_outcomes_outside_0_and_1_are_refused(value):
    with pytest.raises(ValueError, match="outside"):
        evidence("a", [value])


def test_a_sample_is_of_the_same_cases_with_positive_weights_and_distinct_names():
    a = evidence("a", [1, 0])
    with pytest.raises(ValueError, match="weights"):
        Sample(solvers=(a,), weights=np.ones(3))
    with pytest.raises(ValueError, match="above 0"):
        sample(a, weights=[1, 0])
    with pytest.raises(ValueError, match="twice"):
        sample(a, evidence("a", [1, 1]))
    with pytest.raises(ValueError, match="graded"):
        sample(evidence("a", [0.5, 1]))
    with pytest.raises(KeyError):
        sample(a).of("b")


def test_only_equal_cases_that_are_solved_or_not_can_be_counted():
    assert sample(evidence("a", [1, np.nan])).countable
    assert sample(evidence("a", [])).countable
    assert not sample(evidence("a", [1, 0]), weights=[1, 2]).countable
    assert not sample(evidence("a", [1, 0.5]), graded=True).countable


def test_means_are_weighted():
    pool = sample(evidence("a", [1, 0]), weights=[3, 1])
    assert pool.mean(pool.of("a").solved) == pytest.approx(0.75)
    assert np.isnan(sample(evidence("a", [])).mean(np.array([])))


def test_the_best_single_solves_most_and_of_equals_is_the_cheapest():
    weak, dear = evidence("weak", [1, 0, 0]), evidence("dear", [1, 1, 0], cost=9.0)
    cheap = evidence("cheap", [0, 1, 1], cost=2.0)
    unpriced = evidence("unpriced", [0, 1, 1], cost=np.nan)
    assert best_single(sample(weak, unpriced, dear, cheap)) == "cheap"
    assert best_single(sample(evidence("none", [0, np.nan]))) is None
    assert best_single(sample(evidence("empty", []))) is None
