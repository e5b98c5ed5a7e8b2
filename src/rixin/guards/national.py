"""National numbers of people and companies; python-stdnum and known check digits decide."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from string import ascii_letters
from typing import NamedTuple

from rixin.errors import MissingExtra
from rixin.guards.scan import scan

Found = tuple[str, int, int, str]
"""Kind, start, end, reason."""
SIGN = r"(?>\s?[-.\u00b7/_>+]\s?|\s{0,2}\n\s{0,8}>?\s?|\s{1,3})"
"""What people write between groups: one sign, a line break or some white space.

It does not go back: between many groups, two ways to read each gap would be 2ⁿ ways in all.
"""
AFTER = r"(?![0-9]|[A-Za-z]{1,24}[0-9])"
"""A word may stand right behind a number whose check digits hold, but no other number."""
_BEGIN = re.compile(rf"[0-9](?<![0-9].)(?=((?:[0-9]|{SIGN}[0-9]){{7,16}}))", re.ASCII)
"""Where a number may begin, with the digits that follow: no rule is content with less than eight."""
_LETTER = re.compile(r"[^\W\d_]")
_GROUP = re.compile("[0-9]+")
_MOST_GROUPS = 8
"""More are rows of a table, or the boxes of a form, where each digit has its own."""
_LETTERS = re.compile("[A-Za-z]")
_LONGEST_WORD = 24
_CONTEXT = 48
"""So many characters before a number say what it is."""
_EGYPTIAN_PLACES = frozenset((*range(1, 5), *range(11, 20), *range(21, 30), *range(31, 36), 88))


def needs_stdnum() -> None:
    """Says so where python-stdnum is missing.

    Raises:
        MissingExtra: It is not installed.
    """
    if find_spec("stdnum") is None:
        raise MissingExtra("the guard 'pii' with national numbers", "guards")


def find_national(text: str) -> Iterator[Found]:
    """National numbers in a text with Western digits.

    Args:
        text: As `rixin.guards.folding.plain_digits` gives it.
    """
    yield from _insurance_numbers(text)
    done = 0
    for place in scan(_BEGIN, text):
        start = place.start()
        groups = _GROUP.findall(place[1])
        boxes = len(groups) > _MOST_GROUPS
        if start < done or (boxes and max(map(len, groups)) > 1) or not begins(text, start):
            continue
        joined = boxes or _LETTERS.match(text, start - 1) is not None
        digits = 1 + sum(map(len, groups))
        near = text[max(0, start - _CONTEXT) : start]
        near = near if _LETTER.search(near) else ""
        for rule in _RULES:
            if digits < rule.digits or (joined and not rule.is_proved):
                continue
            match = rule.pattern.match(text, start)
            if match is None or (rule.words is not None and not (near and rule.words.search(near))):
                continue
            if rule.holds(re.sub(r"[\W_]", "", match[0])):
                done = match.end()
                yield rule.kind, start, done, rule.reason
                break


def begins(text: str, start: int) -> bool:
    """Whether a number may begin here: behind a word, but not inside of a longer code.

    Examples:
        >>> begins("card4111", 4), begins("be68c4111", 5)
        (True, False)
    """
    if not start or not _LETTERS.match(text, start - 1):
        return True
    before = text[max(0, start - _LONGEST_WORD - 1) : start]
    code = before.rstrip(ascii_letters)
    return not code[-1:].isdigit() and (len(code) > 0 or start <= _LONGEST_WORD)


def _insurance_numbers(text: str) -> Iterator[Found]:
    """British ones: form alone, so small letters need a word before them."""
    for match in scan(_NINO, text):
        yield "national_id", *match.span(), "a British national insurance number"
    lower = text.lower()
    if not any(word in lower for word in ("nino", "ni n", "national insurance")):
        return
    for word in scan(_NINO_WORDS, text):
        for match in _SMALL_NINO.finditer(text, word.end(), word.end() + _CONTEXT):
            reason = "a British national insurance number, by the words before it"
            yield "national_id", *match.span(), reason


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit (ISO/IEC 7812-1).

    Examples:
        >>> luhn("4111111111111111"), luhn("4111111111111112")
        (True, False)
    """
    odd = sum(int(one) for one in digits[-1::-2])
    even = sum(_DOUBLED[int(one)] for one in digits[-2::-2])
    return (odd + even) % 10 == 0


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _stdnum(module: str) -> Callable[[str], bool]:
    def holds(value: str) -> bool:
        return bool(import_module(f"stdnum.{module}").is_valid(value))

    return holds


def _chinese(value: str) -> bool:
    """A date of birth and a check digit (ISO 7064 MOD 11-2, GB 11643).

    The place does not count: counties come and go, and old numbers keep theirs. Nor does today:
    a date ahead is a mistake of somebody's clock or pen, and the number still one of a person.
    """
    digits = [int(sign) for sign in value if sign.isdecimal()]
    year, month, day = int(value[6:10]), int(value[10:12]), int(value[12:14])
    if len(digits) == 17:  # the last sign is an X, whichever, and stands for ten
        digits.append(10)
    total = sum(digit << (17 - place) for place, digit in enumerate(digits))
    return total % 11 == 1 and 1800 <= year < 2100 and _is_date(year, month, day)


def _egyptian(value: str) -> bool:
    """Century, date of birth and governorate; the check digit is not published."""
    year = {"2": 1900, "3": 2000}[value[0]] + int(value[1:3])
    born = _is_date(year, int(value[3:5]), int(value[5:7]))
    return born and year < 2030 and int(value[7:9]) in _EGYPTIAN_PLACES


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _words(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_SAUDI = _words(
    r"\bid\b", "iqama", "national", "identity", "هوية", "الهويه", "إقامة", "اقامة", "身份"
)
_TAX = _words(r"\btax", r"\btin\b", "ضريب", "税")


class _Rule(NamedTuple):
    """One sort of number."""

    kind: str
    reason: str
    pattern: re.Pattern[str]
    digits: int
    """With so many it begins at least."""
    holds: Callable[[str], bool]
    """Whether letters and digits, without what stands between them, are such a number."""
    words: re.Pattern[str] | None = None
    """What must stand before a number that proves too little by itself."""

    @property
    def is_proved(self) -> bool:
        """Whether check digits are enough, whatever word stands right beside it."""
        return self.pattern.pattern.endswith(AFTER)


def _rule(
    kind: str,
    reason: str,
    pattern: str,
    digits: int,
    holds: Callable[[str], bool],
    words: re.Pattern[str] | None = None,
) -> _Rule:
    return _Rule(kind, reason, re.compile(pattern, re.ASCII), digits, holds, words)


_END = r"(?![0-9A-Za-z])"
_BLANK = r"[ .\-]{0,2}"
"""Between groups of numbers without a check digit."""
_CODE = "0-9A-HJ-NPQRTUWXY"
_NINO = re.compile(
    rf"[A-CEGHJ-PR-TW-Z](?<![0-9A-Za-z].)[A-CEGHJ-NPR-TW-Z](?<!BG|GB|NK|KN|TN|NT|ZZ)"
    rf"(?:{_BLANK}\d\d){{3}}{_BLANK}[A-D]{_END}",
    re.ASCII,
)
_SMALL_NINO = re.compile(_NINO.pattern, re.ASCII | re.IGNORECASE)
_NINO_WORDS = _words(r"\bnino\b", r"\bni (?:no|num)", "national insurance")
_RULES = (
    _rule(
        "cn_id",
        "a Chinese resident id with a valid check digit",
        rf"[1-9](?:\d|{SIGN}\d){{16}}{SIGN}?[\dXx\u00d7\u0425\u0445\u2169\u2179]{AFTER}",
        17,
        _chinese,
    ),
    _rule(
        "cn_uscc",
        "a Chinese unified social credit code with a valid check digit",
        rf"(?:\d{{8}}[{_CODE}{_CODE.lower()}]{{10}}|(?=[0-9\s./-]{{0,40}}[A-Z])(?:\d\d{SIGN}?\d{{6}}{SIGN}?[{_CODE}]{{9}}{SIGN}?[{_CODE}]"
        rf"|\d{{4}}{SIGN}\d{{4}}{SIGN}[{_CODE}]{{4}}{SIGN}[{_CODE}]{{4}}{SIGN}[{_CODE}]{{2}})){AFTER}",
        8,
        _stdnum("cn.uscc"),
    ),
    _rule(
        "national_id",
        "a US social security number",
        rf"\d{{3}} ?- ?\d{{2}} ?- ?\d{{4}}{_END}",
        9,
        _stdnum("us.ssn"),
    ),
    _rule(
        "national_id",
        "a US social security number, by the words before it",
        rf"\d{{3}}{_BLANK}\d{{2}}{_BLANK}\d{{4}}{_END}",
        9,
        _stdnum("us.ssn"),
        _words(r"\bssn\b", "social security"),
    ),
    _rule(
        "national_id",
        "an Emirates id with a valid check digit",
        rf"784(?:\d|{SIGN}\d){{12}}{AFTER}",
        15,
        luhn,
    ),
    _rule(
        "national_id",
        "an Egyptian national id with a date of birth and a governorate",
        rf"[23](?:{_BLANK}\d){{13}}{_END}",
        14,
        _egyptian,
    ),
    _rule(
        "national_id",
        "a Moroccan company number with valid check digits",
        rf"\d(?:{_BLANK}\d){{14}}{_END}",
        15,
        _stdnum("ma.ice"),
        _words(r"\bice\b", "التعريف الموحد"),
    ),
    _rule(
        "national_id",
        "a Saudi id with a valid check digit, by the words before it",
        rf"[12](?:{_BLANK}\d){{9}}{_END}",
        10,
        luhn,
        _SAUDI,
    ),
    _rule(
        "national_id",
        "an Egyptian tax number, by the words before it",
        rf"\d{{3}}[-/ ]?\d{{3}}[-/ ]?\d{{3}}{_END}",
        9,
        _stdnum("eg.tn"),
        _TAX,
    ),
)
