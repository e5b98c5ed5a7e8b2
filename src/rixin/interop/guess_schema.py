"""A JSON Schema from examples: what every one of them has."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

_MOST_PROPERTIES = 60


def schema_of(cells: Iterable[str | None]) -> dict[str, Any]:
    """A schema that the JSON texts among the cells hold to.

    Args:
        cells: Expected outputs; what is no JSON is passed over.

    Examples:
        >>> schema_of(['{"total": 3, "shop": "a"}', '{"total": 4.5}', "not JSON"])["required"]
        ['total']
    """
    values = []
    for cell in cells:
        try:
            values.append(json.loads(cell or ""))
        except (ValueError, RecursionError):
            continue
    return _schema(values)


def _schema(values: Sequence[Any]) -> dict[str, Any]:
    kinds = sorted({_kind(value) for value in values} - {"integer" if _has_float(values) else ""})
    if not kinds:
        return {}
    schema: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else kinds}
    if objects := [value for value in values if isinstance(value, dict)]:
        schema |= _object(objects)
    if items := [item for value in values if isinstance(value, list) for item in value]:
        schema["items"] = _schema(items)
    return schema


def _object(objects: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = list(dict.fromkeys(name for value in objects for name in value))
    if len(names) > _MOST_PROPERTIES:  # names are data here, not fields
        return {}
    properties = {
        name: _schema([value[name] for value in objects if name in value]) for name in names
    }
    required = [name for name in names if all(name in value for value in objects)]
    return {"properties": properties, **({"required": required} if required else {})}


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _has_float(values: Sequence[Any]) -> bool:
    return any(isinstance(value, float) for value in values)
