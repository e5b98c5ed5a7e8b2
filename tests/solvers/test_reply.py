"""What a user's own solver may say."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.case import make_case
from rixin.solvers._record import RecordReader
from rixin.solvers._reply import (
    case_fields,
    is_missing,
    read_money,
    read_number,
    read_output,
    read_reply,
    read_share,
)


@pytest.mark.parametrize(
    ("value", "output"),
    [
        ("spam", "spam"),
        (3, "3"),
        (2.5, "2.5"),
        (True, "true"),
        (Decimal("1.20"), "1.20"),
        ({"output": {"b": 1, "a": "é"}}, '{"a": "é", "b": 1}'),
        ([1, 2], "[1, 2]"),
        ("", ""),
    ],
)
def test_an_output_of_any_plain_kind_becomes_a_text(value, output):
    assert read_reply(value).output == output


@pytest.mark.parametrize("value", [None, float("nan"), {"output": None}])
def test_nothing_said_is_abstaining(value):
    answer = read_reply(value)
    assert answer.abstained
    assert answer.failure is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"label": "x"}, "the reply has no 'output', only ['label']"),
        ({"output": "x", "confidence": 1.5}, "confidence must be in [0, 1], not 1.5"),
        ({"output": "x", "confidence": "high"}, "confidence must be a number, not 'high'"),
        ({"output": "x", "cost": "free"}, "cost must be an amount of money, not 'free'"),
        ({"output": "x", "cost": -1}, "cost must be at least 0, not -1"),
        ({"output": "x", "cost": "NaN"}, "cost must be at least 0, not 'NaN'"),
        (object, "the output must be a text, not type"),
        ([object], "the output is not JSON: Object of type type is not JSON serializable"),
    ],
)
def test_what_cannot_be_read_is_a_failure_that_says_why(value, message):
    failure = read_reply(value).failure
    assert (failure.kind, failure.message) == ("bad_reply", message)


@pytest.mark.parametrize("none", [None, "", " ", "nan", "NaN", "null", "inf", "-inf", math.nan, math.inf])  # fmt: skip
def test_no_confidence_is_told_in_many_ways(none):
    answer = read_reply({"output": "x", "confidence": none})
    assert (answer.output, answer.confidence, answer.failure) == ("x", None, None)
    for column in ("confidence", "logprob"):
        answer = RecordReader(["output", column])(("x", none, None))
        assert (answer.output, answer.confidence, answer.failure) == ("x", None, None)


def test_confidence_and_cost_are_taken_over():
    answer = read_reply({"output": "x", "confidence": "0.25", "cost": "0.01"})
    assert (answer.confidence, answer.cost) == (0.25, Decimal("0.01"))
    assert read_share("confidence", True) == 1.0
    assert read_money("cost", " ") is None
    assert read_number("n", "") is None


@pytest.mark.parametrize(
    ("value", "missing"), [(" ", True), (None, True), (0, False), ("a", False)]
)
def test_empty_cells_hold_nothing(value, missing):
    assert is_missing(value) is missing


def test_a_solver_never_sees_the_expected_output():
    case = make_case("hi", "secret", {"shape": 1.0}, ref="7")
    assert case_fields(case) == {"id": "7", "input": "hi", "stratum": case.stratum}
    nameless = make_case("hi", None, {"shape": 1.0})
    assert case_fields(nameless)["id"] == nameless.id


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_no_json_value_makes_it_raise(value):
    answer = read_reply(value)
    assert [answer.output is not None, answer.abstained, answer.failure is not None].count(
        True
    ) == 1


def test_an_output_of_nothing_is_none():
    assert read_output(None) is None
