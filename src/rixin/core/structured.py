"""JSON outputs: reading them, and checking them against a JSON Schema."""

import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from rixin.core.schema_words import draft_of, no_json, unchecked
from rixin.errors import UsageError

_FENCE = re.compile(r"```[a-zA-Z]*[^\S\n]*\n(.*)```", re.DOTALL)
Validator = Callable[[object], str | None]
"""What is wrong with a value, in words; None where nothing is."""
_DRAFT_NAMES = {2020: "Draft202012", 2019: "Draft201909", 7: "Draft7", 6: "Draft6", 4: "Draft4"}
"""In the order in which they are tried."""
_ANY_TEXT = ("binary", "directory-path", "file-path", "password", "path")
"""Formats of pydantic and OpenAPI that say what a text is for, and nothing about its form."""
_ADDRESSES: Mapping[str, Callable[[str], object]] = {
    "ipv4interface": ipaddress.IPv4Interface,
    "ipv4network": ipaddress.IPv4Network,
    "ipv6interface": ipaddress.IPv6Interface,
    "ipv6network": ipaddress.IPv6Network,
    "ipvanyaddress": ipaddress.ip_address,
    "ipvanyinterface": ipaddress.ip_interface,
    "ipvanynetwork": ipaddress.ip_network,
}


def parse_json(text: str) -> object:
    r"""The value of a JSON text, which may stand in a Markdown code fence.

    Raises:
        ValueError: It is not JSON (NaN, Infinity and 1e999 are not), it is nested too deeply, or an object
            has a name twice, of which nobody knows which value counts.

    Examples:
        >>> parse_json('```json\n{"total": 3}\n```')
        {'total': 3}
    """
    fenced = _FENCE.fullmatch(text.strip())
    try:
        return json.loads(
            fenced[1] if fenced else text,
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_each_once,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def schema_validator(schema: Mapping[str, object]) -> Validator:
    """A checker for a JSON Schema of draft 4, 6, 7, 2019-09 or 2020-12.

    One that states no draft is read as the newest that looks at all of its words. Formats are
    checked. No reference outside the schema is followed: nothing is fetched.

    Raises:
        UsageError: The schema itself does not hold, or has a word or a format that would not be
            checked; it says where.

    Examples:
        >>> check = schema_validator({"type": "object", "required": ["total"]})
        >>> check({"total": 1}) is None
        True
        >>> check({})
        'data: "total" is a required property'
    """
    try:
        for place in no_json(schema):
            raise ValueError(place)
        stated = draft_of(schema)
    except ValueError as error:
        raise _unusable(str(error)) from None
    plain = {name: value for name, value in schema.items() if name != "$schema"}
    reasons: list[str] = []
    for draft in _DRAFT_NAMES if stated is None else (stated,):
        try:
            return _compiled(plain, draft)
        except ValueError as error:
            reasons.append(_place_and_reason(error))
    raise _unusable(reasons[0])


def _compiled(schema: dict[str, object], draft: int) -> Validator:
    """A checker by one draft.

    Raises:
        ValueError: The schema does not hold by this draft, or not all of it would be checked.
    """
    _validator(schema, draft)  # its errors show what the schema says
    for word in unchecked(schema, draft):
        raise ValueError(f"{word.place}: {word.reason}")
    # Those of this one do not show what was answered: they go to logs.
    validator = _validator(schema, draft, mask="the value")

    def check(value: object) -> str | None:
        try:
            validator.validate(value)
        except ValueError as error:
            return _place_and_reason(error, "data")
        return None

    return check


def _validator(schema: dict[str, object], draft: int, mask: str | None = None) -> Any:
    import jsonschema_rs

    return getattr(jsonschema_rs, f"{_DRAFT_NAMES[draft]}Validator")(
        schema,
        formats=_more_formats(draft),
        validate_formats=True,
        ignore_unknown_formats=False,
        offline=True,
        mask=mask,
    )


def _more_formats(draft: int) -> dict[str, Callable[[str], bool]]:
    """Formats that the library does not know, or not in this draft."""
    import jsonschema_rs

    def standard(name: str) -> Callable[[str], bool]:
        schema = {"format": name}
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid

    uuid = standard("uuid")
    formats = {name: _parses(parse) for name, parse in _ADDRESSES.items()}
    formats |= {f"uuid{version}": _uuid_of(version, uuid) for version in range(1, 9)}
    formats |= dict.fromkeys(_ANY_TEXT, lambda _: True)
    if draft <= 7:
        formats |= {"uuid": uuid, "duration": standard("duration")}
    return formats


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _uuid_of(version: int, uuid: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: uuid(text) and text[14] == str(version)


def _unusable(reason: str) -> UsageError:
    return UsageError(
        f"the JSON Schema does not hold: {reason}", hint="mend output.schema in the scenario"
    )


def _place_and_reason(error: ValueError, root: str = "") -> str:
    """What the library says, in one line, with the place."""
    path = [str(part) for part in getattr(error, "instance_path", ())]
    place = ".".join([root, *path] if root else path)
    reason = str(getattr(error, "message", error)).partition("\n")[0]
    reason = reason.replace(". Adjust configuration to ignore unrecognized formats", "")
    return f"{place}: {reason}" if place else reason


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written[:20]} is no number that can be told from others")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
