"""Bets for a test with a known end: valid at every look, and quicker near the floor."""

import numpy as np
import pytest
from simulate import crossing_rate

from rixin.stats.bets import OPEN_END, Bets, bets_for
from rixin.stats.eprocess import log_e, log_e_many, rejects


@pytest.mark.parametrize(("floor", "cases"), [(0.85, 6000), (0.85, 300), (0.5, 6000), (0.99, 1000)])
def test_evidence_with_planned_bets_rarely_crosses_at_the_floor_in_six_thousand_looks(floor, cases):
    rng = np.random.default_rng(13)
    bets = bets_for(floor, cases, 0.05)
    chances = [1 - floor, floor]
    rate = crossing_rate([0, 1], chances, 0.05, runs=400, looks=6000, rng=rng, bets=bets)
    assert rate <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def needed(rate, floor, bets):
    """The first number of cases that shows the rate, if exactly this share is solved."""
    n = np.arange(1, 6000)
    wealth = log_e_many([0, 1], np.stack([n * (1 - rate), n * rate], -1), floor, bets)
    return int(n[wealth >= np.log(20)][0])


@pytest.mark.parametrize(("rate", "saved"), [(0.88, 0.1), (0.9, 0.05), (0.95, 0.0)])
def test_near_the_floor_planned_bets_need_fewer_cases(rate, saved):
    planned = needed(rate, 0.85, bets_for(0.85, 1200, 0.05))
    assert planned <= (1 - saved) * needed(rate, 0.85, OPEN_END)


def test_a_test_with_planned_bets_ends_in_time_more_often():
    rng = np.random.default_rng(4)
    paths = np.cumsum(rng.random((300, 1200)) < 0.88, axis=1)[:, 9::10]
    n = np.arange(10, 1201, 10)
    counts = np.stack([n - paths, paths], axis=-1)
    ended = [
        (log_e_many([0, 1], counts, 0.85, bets) >= np.log(20)).any(axis=1).mean()
        for bets in (bets_for(0.85, 1200, 0.05), OPEN_END)
    ]
    assert ended[0] > ended[1] + 0.05


def test_bets_are_fractions_whose_weights_sum_to_one():
    for bets in (
        OPEN_END,
        bets_for(0.3, 50, 0.01),
        bets_for(0.999, 1, 0.5),
        Bets(np.array([0.5]), np.array([7.0])),
    ):
        assert (np.asarray(bets.fractions) > 0).all()
        assert (np.asarray(bets.fractions) < 1).all()
        assert np.exp(bets.log_weights).sum() == pytest.approx(1)


def test_more_cases_allow_smaller_bets():
    smallest = [bets_for(0.85, cases, 0.05).fractions[0] for cases in (1, 100, 10_000, 1_000_000)]
    assert smallest == sorted(smallest, reverse=True)


def test_with_one_case_nothing_is_ruined():
    bets = bets_for(0.85, 1, 0.05)
    assert np.isfinite(log_e([0, 1], [1, 0], 0.85, bets))
    assert not rejects(log_e([0, 1], [0, 1], 0.85, bets), 0.05)


@pytest.mark.parametrize(
    ("mean", "cases", "alpha"), [(0, 9, 0.1), (1, 9, 0.1), (0.5, 0, 0.1), (0.5, 9, 0), (0.5, 9, 1)]
)
def test_impossible_plans_are_refused(mean, cases, alpha):
    with pytest.raises(ValueError, match="must"):
        bets_for(mean, cases, alpha)
