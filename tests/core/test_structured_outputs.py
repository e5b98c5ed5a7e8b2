import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.structured import leaves, parse_json, schema_validator
from rixin.errors import UsageError


def test_json_in_a_code_fence_is_read():
    assert parse_json('\n```json\n{"a": [1]}\n```\n') == {"a": [1]}


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "[" * 100_000, "text"])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_a_wrong_value_is_named_by_its_path():
    check = schema_validator({"properties": {"total": {"type": "number"}}})
    assert check({"total": "x"}) == "data.total must be number"
    assert check({"total": 1}) is None


def test_a_default_of_the_schema_is_not_written_into_the_value():
    value: dict[str, object] = {}
    schema_validator({"properties": {"a": {"default": 1}}})(value)
    assert value == {}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://localhost/other.json"},
        {"$ref": "file:///etc/hostname"},
        {"$ref": "ftp://localhost/x"},
        {"$ref": "#/definitions/none"},
        {"pattern": "("},
    ],
)
def test_a_schema_that_does_not_hold_is_refused_and_nothing_is_fetched(schema):
    with pytest.raises(UsageError, match="JSON Schema"):
        schema_validator(schema)


def test_leaves_have_paths_and_lists_have_no_order():
    value = {"a": {"b": None}, "c": [1, [2]]}
    assert list(leaves(value)) == [("a.b", None), ("c[]", 1), ("c[][]", 2)]


@given(
    st.recursive(st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_leaves_are_scalars(value):
    assert all(isinstance(leaf, int) for _, leaf in leaves(value))
