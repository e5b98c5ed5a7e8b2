"""JSON outputs: reading them, checking them against a JSON Schema, and their fields."""

import json
import re
from collections.abc import Callable, Iterator, Mapping

from rixin.errors import UsageError

_FENCE = re.compile(r"```[a-zA-Z]*[^\S\n]*\n(.*)```", re.DOTALL)
Validator = Callable[[object], str | None]
"""What is wrong with a value, in words; None where nothing is."""


def parse_json(text: str) -> object:
    r"""The value of a JSON text, which may stand in a Markdown code fence.

    Raises:
        ValueError: It is not JSON (NaN and Infinity are not), or it is nested too deeply.

    Examples:
        >>> parse_json('```json\n{"total": 3}\n```')
        {'total': 3}
    """
    fenced = _FENCE.fullmatch(text.strip())
    try:
        return json.loads(fenced[1] if fenced else text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def schema_validator(schema: Mapping[str, object]) -> Validator:
    """A checker for a JSON Schema of draft 4, 6, 7 or 2019-09.

    No reference outside the schema is followed: nothing is fetched.

    Raises:
        UsageError: The schema itself does not hold.

    Examples:
        >>> check = schema_validator({"type": "object", "required": ["total"]})
        >>> check({"total": 1}) is None
        True
        >>> check({})
        "data must contain ['total'] properties"
    """
    import fastjsonschema

    try:
        validate = fastjsonschema.compile(
            dict(schema),
            handlers=_NoFetch(),
            use_default=False,
        )
    except (fastjsonschema.JsonSchemaDefinitionException, re.error, TypeError, ValueError) as error:
        raise UsageError(
            f"the JSON Schema does not hold: {error}", hint="mend output.schema in the scenario"
        ) from error

    def check(value: object) -> str | None:
        try:
            validate(value)
        except fastjsonschema.JsonSchemaValueException as error:
            return str(error.message)
        return None

    return check


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Each scalar of a JSON value with its path; the order within a list does not count.

    Examples:
        >>> list(leaves({"total": 3, "items": [{"sku": "a"}, {"sku": "b"}]}))
        [('total', 3), ('items[].sku', 'a'), ('items[].sku', 'b')]
    """
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


class _NoFetch(dict[str, Callable[[str], object]]):
    """Answers for every kind of address, so that the library itself never opens one."""

    def __contains__(self, scheme: object) -> bool:
        return True

    def __missing__(self, scheme: str) -> Callable[[str], object]:
        return _refuse


def _refuse(address: str) -> object:
    raise ValueError(f"the reference {address!r} leads out of the schema")
