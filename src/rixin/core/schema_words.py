"""Which words of a JSON Schema are checked: each draft knows others, and passes over the rest."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from rixin.core.foreign import valid_text

DRAFTS: Mapping[str, int] = {
    "json-schema.org/draft-04/schema": 4,
    "json-schema.org/draft-06/schema": 6,
    "json-schema.org/draft-07/schema": 7,
    "json-schema.org/draft/2019-09/schema": 2019,
    "json-schema.org/draft/2020-12/schema": 2020,
}
"""What `$schema` says, without the protocol → the draft."""
_ALL = frozenset(DRAFTS.values())
_SINCE_6, _SINCE_7, _SINCE_2019 = _ALL - {4}, _ALL - {4, 6}, frozenset({2019, 2020})
_ONE = (
    *("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if"),
    *("items", "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
)
_SEVERAL = ("allOf", "anyOf", "items", "oneOf", "prefixItems")
_NAMED = (
    *("$defs", "definitions", "dependencies", "dependentSchemas"),
    *("patternProperties", "properties"),
)
_KNOWN: Mapping[str, frozenset[int]] = {
    **dict.fromkeys(("const", "contains", "propertyNames"), _SINCE_6),
    **dict.fromkeys(("if", "then", "else"), _SINCE_7),
    **dict.fromkeys(("dependentRequired", "dependentSchemas", "$anchor"), _SINCE_2019),
    **dict.fromkeys(("minContains", "maxContains"), _SINCE_2019),
    **dict.fromkeys(("unevaluatedItems", "unevaluatedProperties"), _SINCE_2019),
    **dict.fromkeys(("$recursiveRef", "$recursiveAnchor"), frozenset({2019})),
    **dict.fromkeys(("prefixItems", "$dynamicRef", "$dynamicAnchor"), frozenset({2020})),
    "additionalItems": _ALL - {2020},
    # From 2019-09 on these say what a text holds; nobody need look whether it does.
    **dict.fromkeys(("contentEncoding", "contentMediaType"), frozenset({6, 7})),
    "contentSchema": frozenset(),
    # Of draft 3 and of OpenAPI: no draft that is read here looks at them.
    **dict.fromkeys(("disallow", "divisibleBy", "extends", "nullable"), frozenset()),
}
"""Word → drafts that look at it; words that are not here are known to all, or check nothing."""
_DEPTH = 100
"""Levels; a schema written by people or pydantic has some ten."""
_NEEDS = {"then": "if", "else": "if", "minContains": "contains", "maxContains": "contains"}
_LIMITS = (
    *("exclusiveMaximum", "exclusiveMinimum", "maxItems", "maxLength", "maxProperties"),
    *("maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf"),
)
_PLAIN = ("enum", "format", "pattern", "required", "type", "uniqueItems")
_CHECKS = frozenset((*_KNOWN, *_ONE, *_SEVERAL, *_NAMED, *_LIMITS, *_PLAIN))
_MEANT = {word.lower(): word for word in _CHECKS - {"$defs", "definitions"}}
_NOTES = frozenset(
    (
        *("$anchor", "$comment", "$dynamicAnchor", "$id", "$ref", "$schema", "$vocabulary", "id"),
        *("default", "deprecated", "description", "example", "examples", "readOnly", "title"),
        "writeOnly",
    )
)
"""Words that check nothing, and are meant so."""
_NEAR = 0.85
"""So alike is a word that was misspelt: `require`, `minLenght`, `maxlength`."""
_BESIDE_REF = frozenset({"$anchor", "$defs", "definitions"})


class Unchecked(NamedTuple):
    """A word that a draft passes over."""

    place: str
    """Where it stands, as `properties.total.minContains`."""
    reason: str


def draft_of(schema: Mapping[str, object]) -> int | None:
    """The draft that a schema states; None where it states none.

    Raises:
        ValueError: It states one that is not known.

    Examples:
        >>> draft_of({"$schema": "http://json-schema.org/draft-07/schema#"}), draft_of({})
        (7, None)
    """
    stated = schema.get("$schema")
    if stated is None:
        return None
    name = str(stated).removesuffix("#").removeprefix("http://").removeprefix("https://")
    if name not in DRAFTS:
        known = ", ".join(f"https://{name}" for name in DRAFTS)
        raise ValueError(f"$schema: {stated!r} is no known draft; known: {known}")
    return DRAFTS[name]


def no_json(schema: Mapping[str, object]) -> Iterator[str]:
    """What in a schema is no JSON, or is nested so deeply that no library reads it, with the place.

    Examples:
        >>> list(no_json({"properties": {"day": {"const": {3}}}}))
        ['properties.day.const: a set is no JSON value; texts need quotes']
    """
    waiting: list[tuple[tuple[str, ...], object]] = [((), schema)]
    while waiting:
        path, value = waiting.pop()
        place = ".".join(path)
        if len(path) > _DEPTH:
            yield f"{'.'.join(path[:8])} …: it is nested more than {_DEPTH} levels deep"
        elif isinstance(value, Mapping):
            waiting += [((*path, str(name)), inner) for name, inner in value.items()]
            yield from (
                f"{place}: the name {name!r} is no text; put it in quotes"
                for name in value
                if not isinstance(name, str)
            )
        elif isinstance(value, list):
            waiting += [((*path, str(at)), inner) for at, inner in enumerate(value)]
        elif not _is_json(value):
            kind = type(value).__name__
            yield f"{place}: a {kind} is no JSON value; texts need quotes"


def subschemas(schema: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The schema and all that is in it or that it refers to, each once, with its place.

    Examples:
        >>> schema = {"items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}}
        >>> [place for place, _ in subschemas(schema)]
        ['', 'items', '$defs.n']
    """
    known: set[int] = set()
    waiting: list[tuple[tuple[str, ...], object]] = [((), schema)]
    while waiting:
        path, inner = waiting.pop(0)
        if not isinstance(inner, Mapping) or id(inner) in known:
            continue
        known.add(id(inner))
        yield ".".join(path), inner
        waiting += [((*path, *more), part) for more, part in _inside(inner)]
        reference = inner.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            # What is referred to may stand where no draft looks for schemas (OpenAPI's
            # `components`).
            waiting.append(_target(schema, reference))


def unchecked(schema: Mapping[str, object], draft: int) -> Iterator[Unchecked]:
    """The words that a draft passes over although they look like checks.

    Args:
        schema: A JSON Schema.
        draft: 4, 6, 7, 2019 or 2020.

    Examples:
        >>> [found.place for found in unchecked({"items": {"minContains": 2}}, 7)]
        ['items.minContains']
    """
    for place, inner in subschemas(schema):
        for word in inner:
            reason = _passed_over(inner, word, draft)
            if not reason and word == "$schema" and place:
                reason = "a schema has one draft, which is stated at its top"
            if reason:
                yield Unchecked(f"{place}.{word}" if place else word, reason)


def _passed_over(inner: Mapping[str, object], word: str, draft: int) -> str:
    """Why a word is not looked at; empty where it is."""
    if draft not in _KNOWN.get(word, _ALL):
        knowing = sorted(_KNOWN[word])
        others = f"only {', '.join(map(draft_name, knowing))}" if knowing else "no draft"
        return f"{draft_name(draft)} does not check this word, {others} does"
    if draft <= 7 and "$ref" in inner and word in _CHECKS - _BESIDE_REF:
        return f"{draft_name(draft)} passes over what stands beside $ref; put both into allOf"
    if word not in _CHECKS and word not in _NOTES:
        near = get_close_matches(word.lower(), _MEANT, n=1, cutoff=_NEAR)
        return f"no draft knows this word; did you mean {_MEANT[near[0]]!r}?" if near else ""
    if word in _NEEDS and _NEEDS[word] not in inner:
        return f"without {_NEEDS[word]!r} beside it, this word checks nothing"
    return ""


def draft_name(draft: int) -> str:
    """The name of a draft, for a message."""
    return {2019: "draft 2019-09", 2020: "draft 2020-12"}.get(draft, f"draft {draft}")


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return valid_text(value) == value
    return value is None or isinstance(value, bool | int)


def _inside(inner: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], object]]:
    for word in _ONE:
        yield (word,), inner.get(word)
    for word in _SEVERAL:
        several = inner.get(word)
        if isinstance(several, list):
            yield from (((word, str(place)), part) for place, part in enumerate(several))
    for word in _NAMED:
        named = inner.get(word)
        if isinstance(named, Mapping):
            yield from (((word, str(name)), part) for name, part in named.items())


def _target(schema: Mapping[str, object], reference: str) -> tuple[tuple[str, ...], object]:
    path = [part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/")]
    inner: object = schema
    for part in path:
        inner = inner.get(part) if isinstance(inner, Mapping) else None
    return tuple(path), inner
