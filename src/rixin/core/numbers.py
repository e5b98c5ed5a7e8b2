"""Reads a number out of a text, as people and models write it in any script."""

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

_SIGNS = dict.fromkeys((0x2212, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0xFE58, 0xFE63), "-")
_SPACES = dict.fromkeys((0x00A0, 0x2007, 0x2009, 0x202F), " ")
_DIRECTION = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_ARABIC = {0x066A: "%", 0x066B: ".", 0x066C: "'", 0x060C: ","}
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN: dict[int, str | None] = {
    **_SIGNS,
    **_SPACES,
    **_DIRECTION,
    **_ARABIC,
    **_FULL_WIDTH,
    0x2019: "'",
}
_LONGEST = 300

_FINAL = re.compile(r"####([^\n]*)")
_NUMBER = re.compile(
    r"""
    (?P<sign>(?<![\w)])[-+][$€£¥₹₽﷼￥]?)?
    (?<![A-Za-z0-9_])
    (?P<body>(?:\d{1,3}(?:[ ']\d{3})+(?!\d)|\d+|(?<![\w.,])(?=\.\d))(?:[.,]\d+)*)
    (?:[eE](?P<exponent>[-+]?\d{1,3})(?![\w.]))?
    (?P<percent>\s?%)?
    """,
    re.VERBOSE | re.ASCII,
)


class Number(NamedTuple):
    """A number as written; `12 %` is the value 12 with `percent` set."""

    value: Decimal
    percent: bool


def parse_number(text: str) -> Number | None:
    r"""The last number of a text, or what follows the last `####` (the mark that worked solutions often end with).

    Reads digits of every script, thousands separators of English, German, French, Swiss, Indian
    and Arabic writing, signs, currency signs, exponents, and brackets around the whole text as a
    minus. A single comma before three digits separates thousands; before other digits it is a
    decimal comma. What could be a date or a list (`1.2.2026`) is no number.

    Examples:
        >>> parse_number("It costs $1,234.50.")
        Number(value=Decimal('1234.50'), percent=False)
        >>> parse_number("١٬٢٣٤٫٥ ٪")
        Number(value=Decimal('1234.5'), percent=True)
        >>> parse_number("so 3 + 4 = 7\n#### 7").value
        Decimal('7')
        >>> parse_number("no idea") is None
        True
    """
    final = _FINAL.findall(text)
    plain = _plain(final[-1] if final else text).strip()
    inner = _in_brackets(plain)
    found = list(_NUMBER.finditer(plain if inner is None else inner))
    last = found[-1] if found else None
    value = None if last is None else _value(last, negative=inner is not None)
    return None if last is None or value is None else Number(value, bool(last["percent"]))


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in text.translate(_PLAIN)
    )


def _in_brackets(plain: str) -> str | None:
    """What stands in one pair of brackets around the whole text; None where none does."""
    inner = plain[1:-1]
    is_whole = plain.startswith("(") and plain.endswith(")") and not {"(", ")"} & set(inner)
    return inner if is_whole else None


def _value(found: re.Match[str], *, negative: bool) -> Decimal | None:
    digits = _point_only(found["body"].replace(" ", "").replace("'", ""))
    if digits is None or len(digits) > _LONGEST:
        return None
    negative ^= (found["sign"] or "").startswith("-")
    return Decimal(f"{'-' if negative else ''}{digits}E{found['exponent'] or 0}")


def _point_only(body: str) -> str | None:
    """The digits with a point as the only separator; None where they are no one number."""
    commas, points = body.count(","), body.count(".")
    if commas and points:
        mark, other = (",", ".") if body.rfind(",") > body.rfind(".") else (".", ",")
        return body.replace(other, "").replace(mark, ".") if body.count(mark) == 1 else None
    separator = "," if commas else "."
    groups = body.split(separator)
    if commas + points > 1:
        return "".join(groups) if all(len(group) == 3 for group in groups[2:]) else None
    if commas and len(groups[1]) == 3 and not groups[0].startswith("0") and len(groups[0]) <= 3:
        return "".join(groups)
    return ".".join(groups)
