"""What a local model is made to write: the grammar engine of llama.cpp, and what it lacks."""

import re
from collections.abc import Callable, Iterator, Mapping

from rixin.core.schema_words import subschemas

_SETTINGS = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    # Without this, one word that the engine lacks drops the whole schema, and says nothing.
    "lenient": True,
}
_LACKING = re.compile(
    r"(?P<look>\(\?<?[=!])|\\(?P<back>[1-9]|k<)|\\(?P<edge>[bB])"
    r"|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]",
    re.DOTALL,
)
_NAMES = {"look": "a look-around", "back": "a back-reference", "edge": "a word boundary"}
Schema = Mapping[str, object]


def guided(schema: Schema) -> dict[str, object]:
    """The schema with the settings of the engine: one line, and words that it lacks left out."""
    return {**schema, "x-guidance": _SETTINGS}


def lacking(schema: Schema) -> str | None:
    """A pattern that the engine cannot read, with its place, as far as its text tells.

    Examples:
        >>> lacking({"properties": {"code": {"pattern": "^(?!A)[A-Z]{2}$"}}})
        "properties.code.pattern: '^(?!A)[A-Z]{2}$' has a look-around"
        >>> lacking({"pattern": "^[(?!]$"}) is None
        True
    """
    for place, inner in subschemas(schema):
        for word, pattern in _patterns(inner):
            for piece in _LACKING.finditer(pattern):
                if piece.lastgroup is not None:
                    where = f"{place}.{word}" if place else word
                    return f"{where}: {pattern!r} has {_NAMES[piece.lastgroup]}"
    return None


def unforced(schema: Schema, forces: Callable[[Schema], bool]) -> str | None:
    """The innermost part of a schema that the engine does not force; None where it forces all.

    Args:
        schema: A JSON Schema.
        forces: Tells whether the engine takes a schema at all.
    """
    if forces(schema):
        return None
    # Of a part alone nothing else is known, so it takes along what it may refer to.
    shared = {word: schema[word] for word in ("$defs", "definitions") if word in schema}
    parts = sorted(subschemas(schema), key=lambda part: -part[0].count("."))
    place, inner = next(part for part in parts if not forces({**shared, **part[1]}))
    for word, value in inner.items():
        if word not in shared and not forces({**shared, word: value}):
            return f"{place}.{word}" if place else word
    return place or "all of it together"


def _patterns(inner: Schema) -> Iterator[tuple[str, str]]:
    if isinstance(pattern := inner.get("pattern"), str):
        yield "pattern", pattern
    if isinstance(several := inner.get("patternProperties"), Mapping):
        yield from (("patternProperties", str(pattern)) for pattern in several)
