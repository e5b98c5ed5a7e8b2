from dataclasses import asdict

import numpy as np
import pytest
from cascade_samples import evidence, sample, world
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.decide.signals import Scale, Signal, fit_signal

SURE = st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=60)


def score(signal, members):
    return signal.score([one.confidence for one in members], [one.answer for one in members])


@given(SURE)
@settings(deadline=None)
def test_ranks_rise_with_confidence_and_what_is_not_known_stays_so(confidence):
    given_ = np.array(confidence)
    scale = Scale.fit(given_)
    ranks = scale.rank(given_)
    if scale.informative:
        assert (np.isnan(ranks) == np.isnan(given_)).all()
        known = ranks[np.argsort(given_)][: (~np.isnan(given_)).sum()]
        assert (np.diff(known) >= 0).all()
        assert known.min() >= 0 and known.max() <= 1
    else:
        assert (ranks == 0.5).all()


def test_any_rising_measure_of_confidence_gives_the_same_signal():
    pool = world(1, 400)
    first, last = pool.of("s0"), pool.of("s2")
    other = evidence(
        "s0", first.solved, confidence=first.confidence**3 / 7, answer=first.answer, cost=1.0
    )
    signals = [fit_signal(pool, [one], last) for one in (first, other)]
    assert score(signals[0], [first]) == pytest.approx(score(signals[1], [other]), abs=0.02)


def test_a_surer_answer_has_a_smaller_gap():
    pool = world(2, 2000)
    signal = fit_signal(pool, [pool.of("s0")], pool.of("s2"))
    low, high = signal.score([np.array([0.3, 0.95])], [np.array([1, 1])])
    assert -1 <= low < high <= 1


def test_an_answer_that_others_share_is_safer_even_without_any_confidence():
    pool = world(3, 2000, sure=False)
    first, second = pool.of("s0"), pool.of("s1")
    signal = fit_signal(pool, [first, second], pool.of("s2"))
    gaps = score(signal, [first, second])
    same = first.answer == second.answer
    assert gaps[same].min() > gaps[~same].max()
    gap = (second.solved - pool.of("s2").solved)[same].mean()
    assert gaps[same].mean() == pytest.approx(gap, abs=0.03)


def test_who_said_nothing_speaks_neither_for_nor_against():
    pool = world(4, 500, sure=False)
    signal = fit_signal(pool, [pool.of("s0"), pool.of("s1")], pool.of("s2"))
    none = np.full(3, np.nan)
    against, silent, shared = signal.score([none, none], [np.array([2, 0, 1]), np.array([1, 1, 1])])
    assert against < silent < shared


def test_a_missing_confidence_is_no_score_of_its_own_and_no_vote_lost_of_others():
    pool = world(5, 500)
    signal = fit_signal(pool, [pool.of("s0"), pool.of("s1")], pool.of("s2"))
    unknown, known, same = np.array([np.nan]), np.array([0.7]), np.array([1])
    assert np.isnan(signal.score([known, unknown], [same, same]))
    assert np.isfinite(signal.score([unknown, known], [same, same]))


@pytest.mark.parametrize("solved", [0.0, 1.0])
@pytest.mark.parametrize("confidence", [np.nan, 0.5])
def test_where_nothing_tells_cases_apart_the_score_is_one_number(solved, confidence):
    one = evidence("a", np.full(20, solved), confidence=confidence)
    signal = fit_signal(sample(one), [one], one)
    assert np.unique(score(signal, [one])).size == 1


def test_separable_outcomes_give_finite_weights():
    right = np.arange(200) >= 100
    one = evidence("a", right, confidence=np.linspace(0, 1, 200))
    signal = fit_signal(sample(one), [one], evidence("b", np.ones(200)))
    assert np.isfinite(signal.answer).all() and np.isfinite(signal.reference).all()


def test_a_score_does_not_depend_on_the_batch():
    pool = world(6, 333)
    members = [pool.of("s0"), pool.of("s1")]
    signal = fit_signal(pool, members, pool.of("s2"))
    alone = [
        signal.score(
            [m.confidence[i : i + 1] for m in members], [m.answer[i : i + 1] for m in members]
        )
        for i in range(333)
    ]
    assert np.concatenate(alone).tolist() == score(signal, members).tolist()


def test_a_signal_can_be_written_down_and_read_back():
    pool = world(7, 100)
    signal = fit_signal(pool, [pool.of("s0")], pool.of("s2"))
    plain = asdict(signal)
    scales = tuple(Scale(**scale) for scale in plain.pop("scales"))
    assert Signal(scales=scales, **plain) == signal
