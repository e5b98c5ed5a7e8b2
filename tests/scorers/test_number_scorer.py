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
        ("50%", "0.5"),
        ("120000000", "1.2亿"),
        ("35000", "3万5"),
        ("15", "2 + 3 = 5, 5 × 3 is \\(\\boxed{15}\\)"),
        ("#### 7", "so 7"),
    ],
)
def test_equal_numbers_are_solved_however_written(expected, output):
    assert score(expected, output).solved


def test_a_different_number_is_not():
    assert score("12", "13").reason == "13 is not 12"
    assert not score("12%", "1200%").solved


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        ("1.2亿", "1.2万"),
        ("1.2", "1.2亿"),
        ("3000", "¥3,000万"),
        ("5", "3万5"),
        ("0.5", "0.5%"),
        ("1", "1%"),
        ("40", "7 each for 3 people, so"),
        ("7", "3 each for 7"),
        ("7", "it is not 7"),
        ("5", "minus 5"),
        ("3", "3½"),
    ],
)
def test_a_part_of_a_number_or_another_of_the_text_never_counts_as_it(expected, output):
    assert not score(expected, output).solved


def test_tolerances_are_absolute_or_relative():
    assert score("100", "100.5", absolute=0.5).solved
    assert score("100", "101", relative=0.01).solved
    assert not score("100", "101.1", relative=0.01, absolute=1).solved


def test_an_unreadable_expectation_is_unscored_and_an_unreadable_output_is_wrong():
    assert score("many", "3").value is None
    assert score("3", "many").value == 0.0
