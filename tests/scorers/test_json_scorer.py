import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def judged(expected, output, **options):
    case = make_case("x", json.dumps(expected), {"shape": 1.0})
    return JsonScorer(**options).score(case, json.dumps(output))


def test_empty_values_are_equal_to_their_kind_and_to_nothing_else():
    assert judged({}, {}).value == 1.0
    assert not judged({}, []).solved
    assert not judged({"items": []}, {}).solved
    assert not judged({"items": [], "n": 1}, {"items": None, "n": 1}).solved


ORDER = {"items": [{"sku": "a", "n": 2}, {"sku": "b", "n": 1}]}


def test_fields_of_two_items_that_were_exchanged_are_wrong():
    swapped = judged(ORDER, {"items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]})
    assert (swapped.solved, swapped.value) == (False, 0.5)
    assert swapped.reason == "items[].n is wrong"
    assert dict(swapped.parts) == {"items[].n": 0.0, "items[].sku": 1.0, "valid": 1.0}
    assert judged(ORDER, {"items": ORDER["items"][::-1]}).solved


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        ([[1, 2], [3]], [[1], [2, 3]]),
        ([{"a": [1, 2]}, {"a": [3]}], [{"a": [1, 3]}, {"a": [2]}]),
        ([{"a": 1}, {"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}, {"a": 2}]),
        ([{"a": 1}, {"a": 1}], [{"a": 1}]),
        ([{"a": 1}, {"b": 2}], [{"a": 1, "b": 2}]),
        (
            [{"a": {"x": 1, "y": 2}}, {"a": {"x": 3, "y": 4}}],
            [{"a": {"x": 1, "y": 4}}, {"a": {"x": 3, "y": 2}}],
        ),
        ({"lines": [["tea", 2], ["milk", 1]]}, {"lines": [["tea", 1], ["milk", 2]]}),
    ],
)
def test_what_belongs_together_is_never_put_together_from_other_items(expected, output):
    assert not judged(expected, output).solved
    assert judged(expected, expected).solved


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "A "]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=14,
)


def reordered(value, draw):
    if isinstance(value, dict):
        return {key: reordered(value[key], draw) for key in draw(st.permutations(sorted(value)))}
    if isinstance(value, list):
        return [reordered(item, draw) for item in draw(st.permutations(value))]
    return value


def canonical(value):
    """What a reader compares, by another way: sorted texts."""
    if isinstance(value, dict):
        return ["object", sorted((key, canonical(item)) for key, item in value.items())]
    if isinstance(value, list):
        return ["list", sorted((canonical(item) for item in value), key=repr)]
    return value.lower().strip() if isinstance(value, str) else [repr(value)]


@given(JSON, st.data())
def test_the_order_of_keys_and_items_never_counts(value, data):
    assert judged(value, reordered(value, data.draw)).solved


@given(JSON, JSON)
def test_it_is_solved_exactly_where_the_values_are_equal_but_for_order(expected, output):
    found = judged(expected, output)
    assert found.solved == (canonical(expected) == canonical(output))
    assert found.value == judged(output, expected).value


def test_long_lists_of_items_that_all_differ_are_compared_in_time():
    expected = [{"id": i, "n": i} for i in range(3_000)]
    found = judged(expected, [{"id": i, "n": i + 1} for i in range(3_000)])
    assert not found.solved


def test_a_name_that_is_there_twice_has_no_value():
    case = make_case("x", '{"n": 2}', {"shape": 1.0})
    assert JsonScorer().score(case, '{"n": 1, "n": 2}').value == 0.0


def test_nesting_beyond_all_reason_is_wrong_or_unscored():
    deep = "[" * 900 + "]" * 900
    case = make_case("x", "[[1]]", {"shape": 1.0})
    assert JsonScorer().score(case, deep).value == 0.0
