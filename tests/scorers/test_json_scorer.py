import json

import pytest

from rixin.core.case import make_case
from rixin.scorers.structured import JsonScorer

SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
EXPECTED = json.dumps({"total": 12.50, "shop": "Ali  Baba", "paid": True, "items": ["a", "b"]})


def score(output, **options):
    case = make_case("x", EXPECTED, {"shape": 1.0})
    text = output if isinstance(output, str) else json.dumps(output)
    return JsonScorer(**options).score(case, text)


def test_equal_fields_are_solved_in_any_order():
    found = score(
        {"items": ["b", "a"], "paid": True, "shop": "ALI BABA", "total": 12.5}, schema=SCHEMA
    )
    assert found.solved
    assert found.value == 1.0
    assert ("valid", 1.0) in found.parts


def test_each_wrong_field_is_named_and_costs_its_share():
    found = score({"total": 1, "shop": "Ali Baba", "paid": True, "items": ["a", "b"], "x": 0})
    assert found.value == pytest.approx(8 / 11)
    assert found.reason == "total is wrong, x is too much"
    assert dict(found.parts)["total"] == 0.0


def test_true_is_not_one():
    assert not score({"total": 12.5, "shop": "Ali Baba", "paid": 1, "items": ["a", "b"]}).solved


def test_a_threshold_forgives_some_fields_but_not_an_invalid_output():
    near = {"total": 12.5, "shop": "Ali", "paid": True, "items": ["a", "b"]}
    assert score(near, threshold=0.8, schema=SCHEMA).solved
    invalid = score({**near, "total": "12.5"}, threshold=0.1, schema=SCHEMA)
    assert not invalid.solved
    wrong = 'data.total: the value is not of type "number"'
    assert invalid.reason == f"not valid by the schema: {wrong}"


def test_only_the_named_fields_count():
    assert score({"total": 12.5, "shop": "other"}, fields=["total"]).solved


def test_many_wrong_fields_are_cut():
    assert score({str(i): i for i in range(9)}).reason.endswith(" …")


def test_what_is_not_json_is_wrong_and_an_expectation_that_is_not_is_unscored():
    assert score("{").value == 0.0
    case = make_case("x", "{", {"shape": 1.0})
    assert JsonScorer().score(case, "{}").value is None


def test_two_empty_values_are_equal():
    assert JsonScorer().score(make_case("x", "{}", {"shape": 1.0}), "[]").value == 1.0
