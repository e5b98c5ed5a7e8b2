"""Telephone numbers: cheap shapes first, then `phonenumbers` says whether a number exists."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec

from rixin.errors import MissingExtra
from rixin.guards.national import Found
from rixin.guards.scan import scan

DEFAULT_REGIONS = ("US", "GB", "CN", "SA", "AE", "EG")
_CANDIDATE = re.compile(
    r"[+(0-9](?<![0-9$€£¥].)"
    r"(?:(?<![0-9][.,].)|(?<=[0-9],.)(?:(?<=\+)|(?=[0-9]{4})))"  # 1,234,567 is one number
    r"(?:(?<=\+) ?\(?[0-9]|(?<=\()[0-9]|(?<=[0-9]))"
    r"(?:[ \t./()\-\u00b7]{0,3}[0-9]){5,22}(?![0-9A-WYZa-wyz%])"
)
_LABELS = (
    *("phone", "mobile", "cell", "call", "dial", "fax", "whatsapp", "sms", "text me", "desk"),
    *(" tel", "my number", "your number", "his number", "her number", "our number", "new number"),
    *("contact number", "office number", "home number", "reach me", "reach us", "reach him"),
    *("电话", "手机", "座机", "传真", "致电", "拨打", "来电", "联系方式", "联系我", "電話", "手機"),
    *("هاتف", "جوال", "موبايل", "تليفون", "تلفون", "محمول", "اتصل", "اتصال", "فاكس", "واتس"),
)
_FRACTION = re.compile(r"(?<=[0-9]{7})\.0\Z")
"""A program that took the number for one to calculate with wrote it so."""
_LETTER = re.compile("[A-Za-z]")
_WORD = re.compile(r"[A-Za-z]{1,12}\Z")
_NEAR = 32
"""So many characters before a number say what it is."""
_AFTER = ("office", "mobile", "cell", "fax", "home", "work", "desk", "phone", "tel")
_EXTENSION = re.compile(
    r" ?(?:x|ext\.? ?|转 ?|分机 ?|تحويلة ?)[0-9]{1,6}(?![0-9A-Za-z])", re.IGNORECASE
)
_NO_NUMBER = re.compile(r"[^0-9\n]+")
_DATE = re.compile(r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d\b")
_US = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-./ ])\d{3}[-. ]\d{4}")
_BARE = {
    "CN": re.compile(r"1[3-9]\d{9}"),
    "SA": re.compile(r"05\d{8}"),
    "AE": re.compile(r"05\d{8}"),
    "EG": re.compile(r"01[0125]\d{8}"),
    "GB": re.compile(r"07[1-9]\d{8}"),
}
"""Mobile numbers that are told without a separator and without a word before them."""


def needs_phonenumbers() -> None:
    """Says so where phonenumbers is missing.

    Raises:
        MissingExtra: It is not installed.
    """
    if find_spec("phonenumbers") is None:
        raise MissingExtra("the guard 'pii' with telephone numbers", "guards")


def find_phones(text: str, regions: Sequence[str]) -> Iterator[Found]:
    """Telephone numbers, international ones and those of the regions.

    Args:
        text: As `rixin.guards.folding.plain_digits` gives it.
        regions: ISO 3166 codes, e.g. `("US", "CN")`.
    """
    for match in scan(_CANDIDATE, text):
        labelled = not _DATE.match(match[0]) and _labelled(text, *match.span())
        reason = "a telephone number" + (", by the words beside it" if labelled else "")
        joined = match[0][0] != "+" and _LETTER.match(text, match.start() - 1) is not None
        written = _FRACTION.sub("", match[0])
        first = 1 if joined and not _speaks_of_calls(text, match.start()) else 0
        for start, end in _numbers(written, labelled, tuple(regions), first):
            more = _EXTENSION.match(text, match.start() + end)
            stop = more.end() if more else match.start() + end
            yield "phone", match.start() + start, stop, reason


def _labelled(text: str, start: int, end: int) -> bool:
    """Whether the words right before a number, or the one after it, say that it is to be called."""
    if text[end : end + 10].lower().lstrip(" -(,").startswith(_AFTER):
        return True
    pieces = _NO_NUMBER.findall(f" {text[max(0, start - _NEAR) : start]}".lower())
    return bool(pieces) and any(label in pieces[-1] for label in _LABELS)


def _speaks_of_calls(text: str, start: int) -> bool:
    """Whether the word right before a number, without a blank, is one of telephones."""
    word = _WORD.search(text, max(0, start - 12), start)
    return word is not None and any(label.strip() in word[0].lower() for label in _LABELS)


def _numbers(
    written: str, labelled: bool, regions: tuple[str, ...], first: int
) -> Iterator[tuple[int, int]]:
    """The longest runs of groups that are a number, from the first on: two may stand side by side."""
    groups = [found.span() for found in re.finditer(r"[+(0-9][^ \t]*", written)]
    while first < len(groups):
        for last in range(min(len(groups), first + (15 if labelled else 7)), first, -1):
            start, end = groups[first][0], groups[last - 1][1]
            if _is_number(written[start:end], labelled, regions):
                yield start, end
                first = last - 1
                break
        first += 1


@lru_cache(maxsize=4096)
def _is_number(written: str, labelled: bool, regions: tuple[str, ...]) -> bool:
    digits = re.sub(r"\D", "", written.replace("(0)", ""))
    if not 6 <= len(digits) <= 15 or _DATE.match(written.lstrip("(")):
        return False
    if written.startswith(("+", "00")):
        return _possible(digits.removeprefix("00"))
    if labelled:
        return len(digits) >= 7 or any(_exists(digits, region) for region in regions)
    return any(_shaped(written, digits, region) and _exists(digits, region) for region in regions)


def _shaped(written: str, digits: str, region: str) -> bool:
    """Whether it is written as people of the region write a number."""
    if region in {"US", "CA"}:
        return _US.fullmatch(written) is not None
    bare = _BARE.get(region)
    if bare is not None and bare.fullmatch(digits):
        return True
    separated = written != digits and written[0] in "(0" and _groups_hold(written)
    return separated and digits.startswith("0") and 9 <= len(digits) <= 12


def _groups_hold(written: str) -> bool:
    """No group of one digit in the middle, such as of a date or a table."""
    return all(len(group) >= 2 for group in re.findall(r"\d+", written)[1:])


def _possible(digits: str) -> bool:
    """Whether an international number has a country and a length that this country uses."""
    import phonenumbers

    try:
        number = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return False
    return len(digits) >= 8 and bool(phonenumbers.is_possible_number(number))


def _exists(digits: str, region: str) -> bool:
    import phonenumbers

    try:
        number = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return False
    return bool(phonenumbers.is_valid_number(number))
