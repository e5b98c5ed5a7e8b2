r"""Texts as JSON, addresses of pages and HTML write them: what their escapes stand for.

A record that a program wrote into a text holds `\n` and `\u5361` where a reader sees a new line
and a letter; what stands right beside them is as personal as anywhere else.
"""

import html
import re
from bisect import bisect_right
from urllib.parse import unquote_to_bytes

from rixin.guards.scan import scan

LAYERS = 3
"""JSON in a string of JSON in a string of JSON; nobody reads further."""
_HEX = "[0-9A-Fa-f]"
_ESCAPE = re.compile(
    rf"\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\x{_HEX}{{2}}"
    rf"|\\[abfnrtv/\"'\\]"
    rf"|%[2-7]{_HEX}|%[C-Fc-f]{_HEX}(?:%[89ABab]{_HEX}){{1,3}}|%0[9AaDd]"
    rf"|&(?:#[0-9]{{1,7}}|#[xX]{_HEX}{{1,6}}|nbsp|ensp|emsp|thinsp|shy|zwn?j|commat|period|lowbar"
    rf"|hyphen|dash|plus|num|colon|sol|amp|lt|gt|quot|apos|lrm|rlm|Tab|NewLine);"
    rf"|</?(?:b|i|u|em|strong|span|br|wbr|p|td|tr|li|div|code)\s{{0,2}}/?>|[*_]{{2,3}}|`",
    re.ASCII,
)
_SHORT = dict(zip("abfnrtv/\"'\\", "\a\b\f\n\r\t\v/\"'\\", strict=True))
_SIGNS = ("\\", "%", "&", "<", "**", "__", "`")
_UNSHOWN = (
    *("**", "__", "`", "<b>", "</b", "<i>", "</i", "<u>", "</u", "<em", "</e", "<st", "</s"),
    *("<sp", "<wb", "<co", "</c"),
)
"""Marks that shape what is shown, in the middle of a word too."""


class Unescaped:
    r"""A text with its escapes read, and the way back to the offsets of the text as written.

    Args:
        text: The text as written.

    Examples:
        >>> read = Unescaped(r"at\nann\u0040example.org")
        >>> read.text, read.span(3, 18)
        ('at\nann@example.org', (4, 24))
    """

    def __init__(self, text: str) -> None:
        parts: list[str] = []
        done = place = 0
        self._starts: list[int] = []
        """Where each escape is in the text as read, and where it is as written."""
        self._written: list[tuple[int, int, int]] = []
        for match in scan(_ESCAPE, text):
            start, end = match.span()
            parts += (text[done:start], _meant(match[0]))
            place += start - done
            self._starts.append(place)
            place += len(parts[-1])
            self._written.append((place, start, end))
            done = end
        self.text = "".join([*parts, text[done:]])

    @property
    def holds_escapes(self) -> bool:
        """Whether there was anything to read."""
        return bool(self._written)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets of the text as read as offsets of the text as written; escapes stay whole."""
        return self._offset(start)[0], self._offset(end - 1)[1]

    def cuts(self, start: int, end: int) -> bool:
        """Whether a span of the text as written begins or ends inside of an escape."""
        return any(self._is_inside(place) for place in (start, end))

    def _is_inside(self, place: int) -> bool:
        number = bisect_right(self._written, place, key=_start) - 1
        return number >= 0 and _start(self._written[number]) < place < self._written[number][2]

    def _offset(self, place: int) -> tuple[int, int]:
        """Where a character begins and ends in the text as written."""
        number = bisect_right(self._starts, place) - 1
        if number < 0:
            return place, place + 1
        after, start, end = self._written[number]
        return (start, end) if place < after else (end + place - after, end + place - after + 1)


def unescaped(text: str) -> Unescaped | None:
    """The text with its escapes read; None where it holds none."""
    if not any(sign in text for sign in _SIGNS):
        return None
    read = Unescaped(text)
    return read if read.holds_escapes else None


def _meant(escape: str) -> str:
    """What an escape stands for."""
    kind = escape[0]
    if kind == "\\":
        if escape[1] == "x":
            return bytes.fromhex(escape[2:]).decode("latin-1")
        if escape[1] != "u":
            return _SHORT[escape[1]]
        units = b"".join(bytes.fromhex(code) for code in escape.split("\\u") if code)
        return units.decode("utf-16-be", "replace")
    if kind == "%":
        return unquote_to_bytes(escape).decode("utf-8", "replace")
    if kind == "&":
        return html.unescape(escape)
    return "" if escape.startswith(_UNSHOWN) else "\n"


def _start(written: tuple[int, int, int]) -> int:
    return written[1]
