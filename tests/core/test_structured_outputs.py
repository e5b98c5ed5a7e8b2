import re
import socket
from datetime import date

import pytest
from pydantic import BaseModel

from rixin.core.structured import parse_json, schema_validator
from rixin.errors import UsageError


def test_json_in_a_code_fence_is_read():
    assert parse_json('\n```json\n{"a": [1]}\n```\n') == {"a": [1]}


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", "1e999", '{"a": -1E400}', "[" * 100_000, "text"]
)
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_a_wrong_value_is_named_by_its_path_and_not_shown():
    check = schema_validator({"properties": {"total": {"type": "number"}}})
    assert check({"total": "4929 1234"}) == 'data.total: the value is not of type "number"'
    assert check({"total": 1}) is None


def test_a_default_of_the_schema_is_not_written_into_the_value():
    value: dict[str, object] = {}
    schema_validator({"properties": {"a": {"default": 1}}})(value)
    assert value == {}


DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
NODE = {"$dynamicAnchor": "node", "properties": {"in": {"$dynamicRef": "#node"}}, "type": "object"}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"prefixItems": [{"type": "integer"}], "items": False}, [1], [1, 2]),
        ({"prefixItems": [{"type": "integer"}]}, [1, "x"], ["x"]),
        ({"dependentRequired": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"b": 1}, {"a": 1}),
        ({"contains": {"type": "integer"}, "minContains": 2}, [1, 2], [1]),
        ({"contains": {"type": "integer"}, "maxContains": 1}, [1], [1, 2]),
        ({"properties": {"a": {}}, "unevaluatedProperties": False}, {"a": 1}, {"b": 1}),
        ({"allOf": [{"prefixItems": [{}]}], "unevaluatedItems": False}, [1], [1, 2]),
        ({"$defs": {"s": {"type": "string"}}, "$ref": "#/$defs/s", "maxLength": 1}, "a", "ab"),
        ({"$defs": {"s": {"$anchor": "short", "maxLength": 1}}, "$ref": "#short"}, "a", "ab"),
        ({"$defs": {"n": NODE}, "$ref": "#/$defs/n"}, {"in": {}}, {"in": 1}),
        ({"$schema": DRAFT_2019, "$recursiveRef": "#", "maxItems": 1}, [1], [1, 2]),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {}, {"a": 1}),
        ({"propertyNames": {"pattern": "^a"}}, {"ab": 1}, {"b": 1}),
        ({"not": {"const": 1}}, 2, 1),
        ({"oneOf": [{"minimum": 1}, {"maximum": 2}]}, 3, 1.5),
        ({"uniqueItems": True}, [1, 2], [1, 1]),
        ({"pattern": "^(?!a)"}, "b", "a"),
        ({"format": "date"}, "2026-02-28", "2026-02-30"),
        ({"format": "date-time"}, "2026-02-28T10:00:00Z", "yesterday"),
        ({"format": "email"}, "a@b.example", "a b"),
        ({"$schema": DRAFT_7, "format": "uuid"}, "7b6ed2a1-2c51-4bb4-9f6c-97b2d3a0a111", "x"),
        ({"format": "uuid4"}, "7b6ed2a1-2c51-4bb4-9f6c-97b2d3a0a111", "7b6ed2a1-2c51-1bb4"),
        ({"format": "ipv4network"}, "10.0.0.0/8", "10.0.0.0/99"),
        ({"format": "password", "minLength": 2}, "any", "x"),
        # Of older drafts, which need not be stated where a newer one lacks a word.
        ({"items": [{"type": "integer"}], "additionalItems": False}, [1], [1, 2]),
        ({"$schema": DRAFT_7, "contentMediaType": "application/json"}, "{}", "{"),
        ({"minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"dependencies": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
        ({"definitions": {"n": {"type": "number"}}, "$ref": "#/definitions/n"}, 1, "x"),
        (
            {"components": {"schemas": {"N": {"maximum": 1}}}, "$ref": "#/components/schemas/N"},
            1,
            2,
        ),
    ],
)
def test_every_word_of_a_draft_is_checked(schema, right, wrong):
    check = schema_validator(schema)
    assert check(right) is None
    assert check(wrong)


def test_the_tuples_of_pydantic_are_checked():
    class Order(BaseModel):
        line: tuple[int, str]

    check = schema_validator(Order.model_json_schema())
    assert check({"line": [1, "x"]}) is None
    assert check({"line": ["x", "y"]})
    assert check({"line": [1, "x", 2]})


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"$schema": DRAFT_7, "items": {"prefixItems": [{}]}}, "items.prefixItems: draft 7"),
        ({"$schema": DRAFT_7, "dependentRequired": {"a": ["b"]}}, "dependentRequired: draft 7"),
        ({"$schema": DRAFT_2019, "prefixItems": [{}]}, "prefixItems: draft 2019-09"),
        (
            {
                "$schema": DRAFT_7,
                "not": {"$ref": "#/definitions/a", "maxLength": 1},
                "definitions": {"a": {}},
            },
            "not.maxLength: draft 7 passes over",
        ),
        ({"anyOf": [{"contentSchema": {}}]}, "anyOf.0.contentSchema: .* no draft does"),
        ({"nullable": True}, "nullable: .* no draft does"),
        ({"properties": {"a": {"minContains": 2}}}, "properties.a.minContains: without 'contains'"),
        ({"then": {}}, "then: without 'if'"),
        ({"properties": {"a": {"$schema": DRAFT_7}}}, r"properties.a.\$schema: a schema has one"),
        ({"x": {"a~/b": {"nullable": True}}, "$ref": "#/x/a~0~1b"}, "x.a~/b.nullable"),
        ({"properties": {"a": {"format": "colour"}}}, "properties.a.format: Unknown format"),
        ({"format": "int32"}, "Unknown format: 'int32'"),
        ({"$schema": "http://localhost/meta"}, "no known draft; known: https://json-schema.org"),
        ({"properties": {"a": {"minimum": "x"}}}, 'properties.a.minimum: "x" is not of type'),
        (
            {"properties": {"a": {"const": date(2026, 1, 1)}}},
            "properties.a.const: a date is no JSON",
        ),
        ({"const": float("inf")}, "const: a float is no JSON"),
        ({"const": "\ud800"}, "const: a str is no JSON"),
        ({"properties": {1: {}}}, "properties: the name 1 is no text"),
        ({"type": "nonsense"}, "type: "),
        ({"$ref": "http://localhost/other.json"}, "JSON Schema"),
        ({"$ref": "file:///etc/hostname"}, "JSON Schema"),
        ({"$ref": "other.json"}, "JSON Schema"),
        ({"$ref": "#/definitions/none"}, "JSON Schema"),
        ({"$ref": "#/type/x", "type": "string"}, "JSON Schema"),
        ({"pattern": "("}, "pattern: "),
        ({"required": "a"}, "required: "),
    ],
)
def test_a_schema_that_does_not_hold_is_refused_with_its_place(schema, place):
    with pytest.raises(UsageError, match="JSON Schema") as error:
        schema_validator(schema)
    assert re.search(place, str(error.value)), error.value


def test_a_schema_that_is_nested_too_deeply_is_refused_with_its_place():
    schema: dict[str, object] = {}
    for _ in range(300):
        schema = {"not": schema}
    with pytest.raises(UsageError, match=r"not\.not.*more than 100 levels"):
        schema_validator(schema)


def test_no_reference_outside_the_schema_is_followed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        with pytest.raises(UsageError):
            schema_validator({"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/other.json"})
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("value", ["\ud83d", {"a": "\ud83d"}, {"\ud83d": "a"}])
def test_half_a_surrogate_pair_is_a_wrong_value_and_no_error(value):
    words = {"pattern": "^a", "propertyNames": {"pattern": "^a"}}
    assert schema_validator({**words, "additionalProperties": words})(value)


def test_a_schema_that_refers_to_itself_is_read():
    check = schema_validator({"items": {"$ref": "#"}, "type": "array"})
    assert check([[[]]]) is None
    assert check([[1]])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("minLenght", "minLength"),
        ("maxlength", "maxLength"),
        ("require", "required"),
        ("additionalproperties", "additionalProperties"),
        ("item", "items"),
        ("anyof", "anyOf"),
        ("enums", "enum"),
    ],
)
def test_a_word_that_was_misspelt_is_refused_and_not_passed_over(word, meant):
    schema = {"type": "object", "properties": {"a": {word: 1}}}
    with pytest.raises(UsageError, match=rf"properties\.a\.{word}: .* mean '{meant}'"):
        schema_validator(schema)
    # The names of properties and of what stands in values are free.
    assert schema_validator({"properties": {word: {"const": {word: 1}}}})({word: {word: 1}}) is None


NOTES = [
    *("x-order", "xml", "externalDocs", "discriminator", "propertyOrdering", "enumNames", "order"),
    *("optional", "errorMessage", "unit", "strict", "example", "$comment", "media", "constraints"),
]


@pytest.mark.parametrize("word", NOTES)
def test_notes_of_other_tools_are_left_alone(word):
    check = schema_validator({"type": "string", word: "a"})
    assert (check("a"), check(1) is None) == (None, False)
