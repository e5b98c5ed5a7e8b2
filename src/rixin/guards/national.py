"""National numbers of people and companies; python-stdnum and known check digits decide."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from importlib.util import find_spec

from rixin.errors import MissingExtra

Found = tuple[str, int, int, str]
"""Kind, start, end, reason."""
_BEGIN = re.compile(r"[0-9A-Z](?<![0-9A-Za-z][0-9A-Z])(?=[0-9A-Z]{2}|[A-Z] ?[0-9])")
"""Where a number may begin; a first set of characters lets the search skip fast."""
_END = r"(?![0-9A-Za-z])"
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
    done = 0
    for place in _BEGIN.finditer(text):
        match = _ANY.match(text, place.start())
        if match is None or place.start() < done:
            continue
        name, done = str(match.lastgroup), match.end()
        kind, reason, holds, words = _RULES[name]
        start, end = match.span(name)
        near = text[max(0, start - _CONTEXT) : start]
        if (words is None or words.search(near)) and holds(match[name]):
            yield kind, start, end, reason


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


def _emirates(value: str) -> bool:
    return luhn(re.sub(r"\D", "", value))


def _egyptian(value: str) -> bool:
    """Century, date of birth and governorate; the check digit is not published."""
    century = {"2": 1900, "3": 2000}.get(value[0], 0)
    try:
        born = date(century + int(value[1:3]), int(value[3:5]), int(value[5:7]))
    except ValueError:
        return False
    return born <= date(2030, 1, 1) and int(value[7:9]) in _EGYPTIAN_PLACES


def _words(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


_SAUDI = _words(
    r"\bid\b", "iqama", "national", "identity", "هوية", "الهويه", "إقامة", "اقامة", "身份"
)
_TAX = _words(r"\btax", r"\btin\b", "ضريب", "税")
_NUMBER_RULES: dict[str, tuple[str, str, str, Callable[[str], bool], re.Pattern[str] | None]] = {
    "ric": (
        r"\d{17}[\dXx]",
        "cn_id",
        "a Chinese resident id with a valid check digit",
        _stdnum("cn.ric"),
        None,
    ),
    "uscc": (
        r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}",
        "cn_uscc",
        "a Chinese unified social credit code with a valid check digit",
        _stdnum("cn.uscc"),
        None,
    ),
    "ssn": (
        r"\d{3}-\d{2}-\d{4}",
        "national_id",
        "a US social security number",
        _stdnum("us.ssn"),
        None,
    ),
    "plain_ssn": (
        r"\d{3} ?\d{2} ?\d{4}",
        "national_id",
        "a US social security number, by the words before it",
        _stdnum("us.ssn"),
        _words(r"\bssn\b", "social security"),
    ),
    "nino": (
        r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        "national_id",
        "a British national insurance number",
        lambda _: True,
        None,
    ),
    "emirates": (
        r"784[- ]?\d{4}[- ]?\d{7}[- ]?\d",
        "national_id",
        "an Emirates id with a valid check digit",
        _emirates,
        None,
    ),
    "egyptian": (
        r"[23]\d{13}",
        "national_id",
        "an Egyptian national id with a date of birth and a governorate",
        _egyptian,
        None,
    ),
    "ice": (
        r"\d{15}",
        "national_id",
        "a Moroccan company number with valid check digits",
        _stdnum("ma.ice"),
        _words(r"\bice\b", "التعريف الموحد"),
    ),
    "saudi": (
        r"[12]\d{9}",
        "national_id",
        "a Saudi id with a valid check digit, by the words before it",
        luhn,
        _SAUDI,
    ),
    "egyptian_tax": (
        r"\d{3}[-/ ]?\d{3}[-/ ]?\d{3}",
        "national_id",
        "an Egyptian tax number, by the words before it",
        _stdnum("eg.tn"),
        _TAX,
    ),
}
_RULES = {
    name: (kind, reason, holds, words)
    for name, (_, kind, reason, holds, words) in _NUMBER_RULES.items()
}
_ANY = re.compile("|".join(f"(?P<{name}>{rule[0]}){_END}" for name, rule in _NUMBER_RULES.items()))
