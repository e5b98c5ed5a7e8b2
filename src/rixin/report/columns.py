"""Text in columns of a terminal: display width, wrapping, cutting, padding in any script."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_BIDI = frozenset(
    map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)

_HEARD = re.compile(
    "\x1b\\[[0-9;]{0,8}m|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]|["
    + "".join(sorted(_BIDI))
    + "]"
)
"""What a terminal acts on instead of showing it; colours first."""
_STICKY = "\N{NO-BREAK SPACE}%"
"""A percent sign stays with its figure."""


def clean(text: str) -> str:
    r"""The text on one line, without control characters that a terminal would act on.

    Examples:
        >>> clean("a\x1b[31m\n b")
        'a�[31m b'
    """
    kept = (
        "�" if unicodedata.category(char) in {"Cc", "Cs"} and not char.isspace() else char
        for char in text
        if char not in _BIDI
    )
    return " ".join("".join(kept).split())


def printable(text: str, *, colours: bool = False) -> str:
    r"""The text in its lines, without what a terminal would act on: the last door before one.

    Args:
        text: Whatever is printed; it may hold what a caller, an endpoint or a file says.
        colours: Colours are ours and stay.

    Examples:
        >>> printable("a\x1b]0;title\x07\n\x1b[31mb")
        'a�]0;title�\n�[31mb'
        >>> printable("\x1b[31mred\x1b[0m\x1b[2J", colours=True)
        '\x1b[31mred\x1b[0m�[2J'
    """

    def shown(found: re.Match[str]) -> str:
        control = found[0]
        if len(control) > 1:
            return control if colours else f"�{control[1:]}"
        return "" if control in _BIDI else "�"

    return _HEARD.sub(shown, text)


def one_line(text: str) -> str:
    r"""The same on one line, with its blanks: what is quoted in it forges no second one.

    Examples:
        >>> one_line("note:    a\nsolver:  b")
        'note:    a solver:  b'
    """
    return " ".join(printable(text).splitlines())


def printable_json(text: str) -> str:
    r"""A JSON text with all of these escaped: the values stay as they are.

    Examples:
        >>> printable_json('{"a": "\x9b2J"}')
        '{"a": "\\u009b2J"}'
    """
    return _HEARD.sub(lambda found: "".join(f"\\u{ord(char):04x}" for char in found[0]), text)


def char_width(char: str) -> int:
    """Terminal cells of one character: 0, 1 or 2.

    Examples:
        >>> [char_width(c) for c in "a日\u0301"]
        [1, 2, 0]
    """
    if unicodedata.category(char) in {"Mn", "Me", "Cf", "Cc"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def display_width(text: str) -> int:
    """Terminal cells of a text.

    Examples:
        >>> display_width("日新 ok")
        7
    """
    return len(text) if text.isascii() else sum(map(char_width, text))


def cut(text: str, width: int) -> str:
    """The text, ended by `…` where it is wider than `width` cells.

    Examples:
        >>> cut("newsroom", 5), cut("日新日新", 5)
        ('news…', '日新…')
    """
    if display_width(text) <= width:
        return text
    head, _ = _split(text, max(width - 1, 0))
    return "…" if display_width(head) >= width else f"{head}…"


def pad(text: str, width: int, *, end: bool = False) -> str:
    """The text filled with spaces to `width` cells.

    Args:
        text: The text; not shortened when it is wider.
        width: Cells.
        end: Put the spaces in front, for figures.

    Examples:
        >>> pad("日", 4), pad("7", 3, end=True)
        ('日  ', '  7')
    """
    gap = " " * max(width - display_width(text), 0)
    return f"{gap}{text}" if end else f"{text}{gap}"


def wrap(text: str, width: int, *, first: str = "", rest: str = "") -> Iterator[str]:
    """Lines of at most `width` cells; words longer than a line are broken.

    Args:
        text: One paragraph.
        width: Cells of a line, its prefix included.
        first: Prefix of the first line.
        rest: Prefix of the other lines.

    Examples:
        >>> list(wrap("keep the people", 10, first="- ", rest="  "))
        ['- keep the', '  people']
        >>> list(wrap("it solves 96.4 %", 15))
        ['it solves', '96.4 %']
    """
    prefix, line = first, ""
    words = " ".join(text.split()).replace(" %", _STICKY).split(" ")
    for word in _pieces(words, width - max(display_width(first), display_width(rest))):
        longer = f"{line} {word}" if line else word
        if line and display_width(prefix + longer) > width:
            yield (prefix + line).replace(_STICKY, " %")
            prefix, line = rest, word
        else:
            line = longer
    yield (prefix + line).rstrip().replace(_STICKY, " %")


def _pieces(words: Iterable[str], width: int) -> Iterator[str]:
    for word in words:
        left = word
        while display_width(left) > width:
            head, left = _split(left, width)
            yield head
        yield left


def _split(text: str, width: int) -> tuple[str, str]:
    used = 0
    for index, char in enumerate(text):
        used += char_width(char)
        if used > width and index > 0:
            return text[:index], text[index:]
    return text, ""
