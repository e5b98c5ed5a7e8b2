"""The one door for values from outside: what an endpoint replies is made safe here.

Everything behind this door may be stored, encoded and added up: texts are valid Unicode, counts
fit a database, numbers are finite, and nothing is nested deeper than our own code can walk.
"""

import json
import math
from typing import Any

import msgspec

MOST_COUNT = 2**53
"""The largest count taken: beyond it JSON readers that use doubles lose units (RFC 8259 §6)."""
MOST_DEPTH = 64
"""Nesting of a reply at most; chat completions with tools need about ten."""


class BadReply(ValueError):
    """What came is not JSON, or nested too deeply to be read."""


def decode_reply(body: bytes) -> Any:
    r"""Decode a JSON reply so that nothing in it can fail later.

    NaN, infinities, halves of surrogate pairs and pieces of UTF-8, which some servers send, are
    read: the numbers become None, the rest U+FFFD.

    Args:
        body: UTF-8, or UTF-16 or UTF-32 as JSON's older standard allowed.

    Raises:
        BadReply: It is not JSON, or nested deeper than `MOST_DEPTH`.

    Examples:
        >>> decode_reply(b'{"content": "cut \\ud83d", "logprob": NaN}')
        {'content': 'cut �', 'logprob': None}
    """
    return mend_reply(body)[0]


def mend_reply(body: bytes) -> tuple[Any, bytes]:
    r"""What `decode_reply` gives, and the reply as it may be passed on.

    That is the reply as it came; where something in it was mended, JSON that says what was read.

    Raises:
        BadReply: As `decode_reply`.

    Examples:
        >>> mend_reply(b'{"n": 1}')
        ({'n': 1}, b'{"n": 1}')
        >>> mend_reply(b'"cut \\ud83d"')[1].decode()
        '"cut �"'
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decode_leniently(body)
        return value, json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise BadReply(_too_deep()) from None
    # Only a body with that many brackets can be nested so deeply: nearly none has to be walked.
    if body.count(b"{") + body.count(b"[") > MOST_DEPTH:
        _check_depth(value)
    return value, body


def valid_text(text: str) -> str:
    r"""The text with U+FFFD for each half of a surrogate pair, which UTF-8 cannot hold.

    Examples:
        >>> valid_text("cut \ud83d"), valid_text("whole 😀")
        ('cut �', 'whole 😀')
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def whole_number(value: object) -> int | None:
    """A count in [0, 2⁵³], or None where the value does not state one.

    Examples:
        >>> whole_number(12), whole_number(12.0), whole_number(-1), whole_number(10**19)
        (12, 12, None, None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int and 0 <= value <= MOST_COUNT:
        return value
    return None


def finite_number(value: object) -> float | None:
    """A finite number, or None where the value is something else.

    Examples:
        >>> finite_number(-0.25), finite_number(float("inf")), finite_number("0.5")
        (-0.25, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _decode_leniently(body: bytes) -> Any:
    try:
        try:
            value = json.loads(body)
        except UnicodeDecodeError:  # a character that was cut
            value = json.loads(body.decode("utf-8", "replace"))
        return _clean(value, 0)
    except RecursionError:
        raise BadReply(_too_deep()) from None
    except BadReply:
        raise
    except ValueError as error:  # also digits beyond what Python converts
        raise BadReply(f"it is not JSON: {error}") from None


def _clean(value: Any, depth: int) -> Any:
    if depth > MOST_DEPTH:
        raise BadReply(_too_deep())
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, float):
        return finite_number(value)
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {valid_text(key): _clean(item, depth + 1) for key, item in value.items()}
    return value


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            item
            for node in level
            if isinstance(node, dict | list)
            for item in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return
    if any(isinstance(node, dict | list) for node in level):
        raise BadReply(_too_deep())


def _too_deep() -> str:
    return f"it is nested deeper than {MOST_DEPTH} levels"
