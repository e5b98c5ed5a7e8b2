import pytest

from rixin.core.case import make_case
from rixin.scorers.number import NumberScorer


def score(expected, output, **tolerance):
    return NumberScorer(**tolerance).score(make_case("x", expected, {"shape": 1.0}), output)


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        ("1,000", "1000.00"),
        ("42", "The answer is ٤٢."),
        ("12%", "12"),
        ("12", "12 %"),
        ("0.12", "12%"),
        ("12%", "0.12"),
        ("12%", "12 %"),
        ("#### 7", "so 7"),
    ],
)
def test_equal_numbers_are_solved_however_written(expected, output):
    assert score(expected, output).solved


def test_a_different_number_is_not():
    assert score("12", "13").reason == "13 is not 12"
    assert not score("12%", "1200%").solved


def test_tolerances_are_absolute_or_relative():
    assert score("100", "100.5", absolute=0.5).solved
    assert score("100", "101", relative=0.01).solved
    assert not score("100", "101.1", relative=0.01, absolute=1).solved


def test_an_unreadable_expectation_is_unscored_and_an_unreadable_output_is_wrong():
    assert score("many", "3").value is None
    assert score("3", "many").value == 0.0
