"""The contract of `rixin.core.solver.Scorer`, for every implementation, third-party ones too.

`make` gives a fresh, equal scorer at each call; `case` has an expected output and `right` is an
output that solves it.
"""

from collections.abc import Callable

from rixin.core.case import Case
from rixin.core.solver import Scorer

Make = Callable[[], Scorer]
ODD_OUTPUTS = (
    "",
    " ",
    "\x00",
    "🙂",
    "a" * 20_000,
    "[" * 5_000,
    "{",
    "null",
    "NaN",
    "1e999",
    "(" * 99,
)


def check_it_meets_the_protocol(make: Make, case: Case, right: str) -> None:
    scorer = make()
    assert isinstance(scorer, Scorer)
    assert scorer.name
    assert scorer.fingerprint == make().fingerprint


def check_a_right_output_is_solved(make: Make, case: Case, right: str) -> None:
    score = make().score(case, right)
    assert score.solved
    assert score.value is not None
    assert 0 < score.value <= 1


def check_without_expectation_it_is_unscored(make: Make, case: Case, right: str) -> None:
    score = make().score(case._replace(expected=None), right)
    assert score.value is None
    assert not score.solved
    assert score.reason


def check_odd_outputs_are_scored_within_bounds(make: Make, case: Case, right: str) -> None:
    for output in ODD_OUTPUTS:
        score = make().score(case, output)
        assert score.value is not None
        assert 0 <= score.value <= 1
        assert score.solved or score.reason


def check_odd_expectations_do_not_raise(make: Make, case: Case, right: str) -> None:
    for expected in ODD_OUTPUTS:
        score = make().score(case._replace(expected=expected), right)
        assert score.value is None or 0 <= score.value <= 1
        assert score.value is not None or not score.solved


def check_the_same_output_gets_the_same_score(make: Make, case: Case, right: str) -> None:
    for output in (right, *ODD_OUTPUTS):
        assert make().score(case, output) == make().score(case, output)


SCORER_CHECKS = (
    check_it_meets_the_protocol,
    check_a_right_output_is_solved,
    check_without_expectation_it_is_unscored,
    check_odd_outputs_are_scored_within_bounds,
    check_odd_expectations_do_not_raise,
    check_the_same_output_gets_the_same_score,
)
