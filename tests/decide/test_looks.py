"""When to look, and what the rest of a test is likely to bring."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.decide.looks import FIRST, chance_to_hold, hits_needed, next_look
from rixin.stats.bets import bets_for
from rixin.stats.eprocess import log_e, rejects

FLOORS = st.sampled_from([0.2, 0.5, 0.75, 0.85, 0.95])
ALPHAS = st.sampled_from([0.01, 0.05, 0.2])


@given(most=st.integers(0, 5000), batch=st.integers(1, 100))
def test_looks_rise_and_end_exactly_with_the_last_case(most, batch):
    asked, looks = 0, [0]
    while asked < most:
        asked = next_look(asked, batch, most)
        looks.append(asked)
    assert looks[-1] == most
    steps = np.diff(looks)
    assert (steps > 0).all()
    assert (steps[:-1] >= max(FIRST, batch)).all()


@given(asked=st.integers(0, 5000), more=st.integers(0, 100), batch=st.integers(1, 100))
def test_who_was_asked_more_is_not_looked_at_earlier(asked, more, batch):
    assert next_look(asked, batch, 5000) <= next_look(asked + more, batch, 5000) <= 5000


@given(cases=st.integers(1, 1500), floor=FLOORS, alpha=ALPHAS)
def test_the_hits_needed_are_the_fewest_that_hold(cases, floor, alpha):
    needed, bets = hits_needed(cases, floor, alpha), bets_for(floor, cases, alpha)

    def holds(hits):
        return rejects(log_e([0, 1], [cases - hits, hits], floor, bets), alpha)

    if needed > cases:
        assert not holds(cases)
    else:
        assert holds(needed)
        assert needed == 0 or not holds(needed - 1)


@given(data=st.data(), cases=st.integers(1, 1500), floor=FLOORS, alpha=ALPHAS)
def test_the_chance_to_hold_is_one_and_rises_with_every_hit(data, cases, floor, alpha):
    n = data.draw(st.integers(1, cases))
    hits = data.draw(st.integers(0, n - 1))
    less = chance_to_hold(hits, n - hits, cases, floor, alpha)
    more = chance_to_hold(hits + 1, n - hits - 1, cases, floor, alpha)
    assert 0 <= less <= more <= 1


def test_at_the_end_the_chance_is_a_fact():
    needed = hits_needed(400, 0.85, 0.05)
    assert chance_to_hold(needed, 400 - needed, 400, 0.85, 0.05) == 1
    assert chance_to_hold(needed - 1, 401 - needed, 400, 0.85, 0.05) == 0


def test_the_chance_to_hold_is_about_right():
    rng = np.random.default_rng(2)
    needed = hits_needed(1000, 0.85, 0.05)
    for hits in (85, 90):
        rates = rng.beta(hits + 1, 101 - hits, size=40_000)
        held = np.mean(hits + rng.binomial(900, rates) >= needed)
        assert chance_to_hold(hits, 100 - hits, 1000, 0.85, 0.05) == pytest.approx(held, abs=0.03)
