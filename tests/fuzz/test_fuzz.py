"""Ten seconds each of odd requests and odd replies; `make fuzz` goes on for minutes."""

import pytest

from fuzz.run import fuzz


@pytest.mark.parametrize("what", ["requests", "replies"])
def test_whatever_comes_in_gets_one_answer_its_own(what):
    assert fuzz(what, seconds=10, seed=20261130) > 0
