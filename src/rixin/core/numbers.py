"""Reads a number out of a text, as people and models write it in any script.

What is read is what a person reads, or nothing: a unit, sign or exponent is never dropped in
silence. Where a text holds several numbers, the one in the form of a final answer counts; see
`rixin.core.final_answers`.
"""

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from rixin.core.han_numbers import HAN_DIGITS, HAN_UNITS, han_value, whole

_SIGNS = dict.fromkeys((0x2212, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0xFE58, 0xFE63), "-")
_SPACES = dict.fromkeys((0x00A0, 0x2007, 0x2009, 0x202F), " ")
_DIRECTION = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_ARABIC = {0x066A: "%", 0x066B: ".", 0x066C: "'", 0x060C: ","}
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if code != 0xFF0C}
_PLAIN: dict[int, str | None] = {
    **_SIGNS,
    **_SPACES,
    **_DIRECTION,
    **_ARABIC,
    **_FULL_WIDTH,
    0x2019: "'",
}
_WIDE_COMMA = re.compile("(?<=[0-9])，(?=[0-9]{3}(?![0-9]))")
_LONGEST = 300
_NEAR = 24
"""Characters before a number in which its sign and its currency stand."""

_PLAINEST = re.compile(r"-?(?:0|[1-9]\d{0,99})(?:\.\d{1,99})?", re.ASCII)
_PLACE = re.compile(
    rf"""
    (?P<run>[{HAN_DIGITS}{HAN_UNITS}点點]+) |
    (?P<sign>(?<![\w)])[-+][$€£¥₹₽﷼￥]?)?
    (?<![A-Za-z0-9_])(?<![A-Za-z0-9_][.,])
    (?P<body>(?:\d{{1,3}}(?:[ ']\d{{3}})+(?!\d)|\d+|(?<![\w.,])(?=\.\d))(?:[.,]\d+)*)
    (?:[eE](?P<exponent>[-+]?\d{{1,3}})(?![\w.]))?
    """,
    re.VERBOSE | re.ASCII,
)
_MEASURE = "千(?=[米克瓦卡赫帕焦伏升吨噸])|百(?=分)"
"""Kilo and percent, which belong to the unit behind them: 15千米 are 15 km."""
_MIXED = re.compile(
    rf"\s?(?=[{HAN_UNITS}])(?:(?!{_MEASURE})[{HAN_DIGITS}{HAN_UNITS}]|\d+(?:\.\d+)?)+"
)
_PERCENT = re.compile(
    r"\s?(?:%|percent\b|per cent\b|pct\b|بالمئة|بالمائة|في المئة|في المائة)", re.IGNORECASE
)
_MONEY = r"(?:[$€£¥₹₽﷼￥₩₺₫₪]|\b(?:USD|EUR|GBP|CNY|RMB|JPY|INR|HKD|AED|SAR|KWD|CHF|US|Rs\.?))"
_MONEY_BEFORE = re.compile(rf"{_MONEY}\s?-?$")
_MINUS_BEFORE = re.compile(
    rf"(?:(?<![\w)])-\s?(?:[A-Z]{{2,3}}\s?)?{_MONEY}?\s?|\b(?:minus|negative)\s+{_MONEY}?\s?"
    rf"|(?:负|負|零下)\s?{_MONEY}?|\b(?:سالب|ناقص)\s+)$",
    re.IGNORECASE,
)
_LOOSE_MINUS = re.compile(rf"(?:^|[=:(\n])\s*-\s+{_MONEY}?\s?$")
_PER_HUNDRED = re.compile("百分之$")
_SIGN_FIRST = re.compile(r"(?<![\d\s])\s*%\s?-?$|^%\s?-?$")
_BOUND_BEFORE = re.compile(
    r"(?:[<>≤≥±√^]|\bthan|\bat (?:least|most)|\bup to|分之|不到|超过|超過|至少|至多|大于|小于|多于|少于|几|幾|数"
    rf"|أكثر من|أقل من|على الأقل)\s*{_MONEY}?\s?$",
    re.IGNORECASE,
)
"""What makes the number that follows a bound, a part or a guess."""
_BROKEN_AFTER = re.compile(
    r"""
    \s?dozens?\b | \.\.\.? | … | \s?[½⅓⅔¼¾⅐-⅞] | [²³¹⁰-⁹₀-₉‰‱!°′″](?<!°) | \s*(?:\^|\*\*)
    | \s*[/:÷+*×xX·]\s*\d | \s?[-~到至]\s?\d | -(?![\w-])
    | [A-Za-z]+\d | _\d | \+(?![\w\s]) | w(?!\w) | \s?(?:[个個天年月日小时時钟鐘点點倍斤公块塊元]{0,3}半) | \s?[多余餘几幾] | 成 | 折 | 分之 | 兆
    | \s?[만억천백십조] | \s?(?:लाख|करोड़|हज़ार)
    | \s+and\s+(?:a|one|two|three)\s+(?:half|quarters?|thirds?) | \s+و(?:نصف|ربع|ثلث)
    | \s(?:[kKMBT]|b|CR|DR|[Cc]r)(?![\w]) | (?:CR|DR|[Cc]r|tn|MM|mil|mille)(?!\w)
    | \s(?:mil|mille|billon(?:es)?|billionen|bilh\w+|tn|mm)(?![\w])
    """,
    re.VERBOSE,
)
"""What would be lost if the number before it were taken alone."""
_SCALES = {
    "hundred": 100,
    **dict.fromkeys(("thousand", "thousands", "тыс", "ألف", "الف", "آلاف", "الاف", "ألفا"), 10**3),
    **dict.fromkeys(("مئة", "مائة"), 100),
    **dict.fromkeys(("lakh", "lakhs", "lac", "lacs"), 10**5),
    **dict.fromkeys(("million", "millions", "mn", "mio", "mln", "millionen", "millones"), 10**6),
    **dict.fromkeys(("млн", "مليون", "مليونا", "ملايين"), 10**6),
    **dict.fromkeys(("crore", "crores"), 10**7),
    **dict.fromkeys(("billion", "billions", "bn", "mrd", "milliard", "milliards"), 10**9),
    **dict.fromkeys(("milliarden", "млрд", "مليار", "مليارات", "بليون"), 10**9),
    **dict.fromkeys(("trillion", "trillions", "تريليون"), 10**12),
}
_SCALE = re.compile(
    rf"[\s-]?({'|'.join(sorted(_SCALES, key=len, reverse=True))})(?!\w)", re.IGNORECASE
)
_LETTER = re.compile(r"([kKmMbBT])(?![\w²³/])")
_LETTERS = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_MORE_WORDS = re.compile(
    r"[\s,-]*(?:and\s+)?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b|\s+و(?:مئ|مائ|ألف|خمس|عشر|ثلاث)",
    re.IGNORECASE,
)


class Number(NamedTuple):
    """A number as written; `12 %` is the value 12 with `percent` set."""

    value: Decimal
    percent: bool


class Written(NamedTuple):
    """A place in a text where a number stands."""

    number: Number | None
    """None: something that is no plain number, such as a date, a fraction or a range."""
    start: int
    end: int


def parse_number(text: str) -> Number | None:
    r"""The number that a text gives as its answer; None where there is none or it is not sure which.

    That is the one in the form of a final answer (`\boxed{7}`, `#### 7`, "the answer is 7", `= 7` at
    the end, a last line that is a number), or else the only one of the text, unless it is denied.

    Reads digits of every script, thousands separators of English, German, French, Swiss, Indian
    and Arabic writing, signs, currencies, exponents, and brackets around the whole text as a minus;
    thousand, million, k, lakh, 万, 亿 and the like multiply. A single comma before three digits
    separates thousands; before other digits it is a decimal comma, and a single point is a decimal
    point. Dates, fractions, ranges, bounds, and units that may mean two things (兆, `5 M`) are no
    number.

    Examples:
        >>> parse_number("It costs $1,234.50.")
        Number(value=Decimal('1234.50'), percent=False)
        >>> parse_number("١٬٢٣٤٫٥ ٪")
        Number(value=Decimal('1234.5'), percent=True)
        >>> parse_number("so 3 + 4 = 7\n#### 7").value
        Decimal('7')
        >>> parse_number("¥3,000万").value
        Decimal('30000000')
        >>> parse_number("3 of them cost 7") is None
        True
    """
    if _PLAINEST.fullmatch(text):  # most answers of most logs
        return Number(Decimal(text), False)
    from rixin.core.final_answers import final_number  # which reads its parts with this module

    return final_number(plain_text(text))


def plain_text(text: str) -> str:
    """The text with digits, signs, blanks and marks of all scripts as in ASCII."""
    if text.isascii():
        return text
    plain = "".join(
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in text.translate(_PLAIN)
    )
    return _WIDE_COMMA.sub(",", plain)


def numbers_in(plain: str) -> Iterator[Written]:
    """All places of a plain text where a number stands, in order.

    A single Chinese numeral is no number: 一 stands in 一共 and 一样.
    """
    position = 0
    for found in _PLACE.finditer(plain):
        if found.start() < position:  # it was a part of the number before it
            continue
        if found["body"] is None:
            number, position = _of_run(plain, found), found.end()
            if number is not None:
                yield Written(number, found.start(), position)
        else:
            number, position = _of_digits(plain, found)
            yield Written(number, found.start(), position)


def han_number(plain: str) -> Number | None:
    """The number that a whole text is in Chinese numerals, a currency or measure aside."""
    found = _ALONE.fullmatch(plain)
    if found is None:
        return None
    value = Decimal("0.5") if found["run"] in {"半", "一半"} else han_value(found["run"])
    if value is None:
        return None
    return Number(-value if found["minus"] else value, bool(found["percent"]))


_ALONE = re.compile(
    rf"\s*(?P<percent>百分之)?(?P<minus>负|負)?(?P<run>[{HAN_DIGITS}{HAN_UNITS}点點]+|一?半)"
    r"(?:[个個元块塊圆圓]整?|人民币|美元|公斤|人|岁|歲|天|小时|分钟|米|次|只|本|件)?[。.!\s]*"
)


def _of_run(plain: str, run: re.Match[str]) -> Number | None:
    """The number of a run of Chinese numerals; a run that is none is a part of some word."""
    before, after = (
        plain[max(0, run.start() - _NEAR) : run.start()],
        plain[run.end() : run.end() + 8],
    )
    value = han_value(run[0]) if len(run[0]) > 1 else None
    if value is None or _BROKEN_AFTER.match(after) or re.match(_MEASURE, run[0][-1] + after):
        return None
    percent = _PER_HUNDRED.search(before) is not None
    if not percent and (_BOUND_BEFORE.search(before) or before.endswith("第")):
        return None
    return Number(-value if before.endswith(("负", "負")) else value, percent)


def _of_digits(plain: str, found: re.Match[str]) -> tuple[Number | None, int]:
    """The number that begins with these digits, and where it ends."""
    before = plain[max(0, found.start() - _NEAR) : found.start()]
    value, end = _value(found), found.end()
    percent = _PER_HUNDRED.search(before) is not None or _SIGN_FIRST.search(before) is not None
    if value is None or _LOOSE_MINUS.search(before):
        return None, end
    if _BOUND_BEFORE.search(before) and not percent:
        return None, end
    if (mixed := _MIXED.match(plain, end)) is not None:
        end, run = mixed.end(), f"{abs(value):f}{mixed[0].strip()}"
        scaled = han_value(run)
        value = None if scaled is None else scaled.copy_sign(value)
    else:
        value, end = _scaled(plain, end, value, _MONEY_BEFORE.search(before) is not None)
    if value is None or _BROKEN_AFTER.match(plain, end):
        return None, end
    if not (found["sign"] or "") and _MINUS_BEFORE.search(before):
        value = -value
    if (sign := _PERCENT.match(plain, end)) is not None:
        percent, end = True, sign.end()
    return Number(value, percent), end


def _scaled(plain: str, end: int, value: Decimal, money: bool) -> tuple[Decimal | None, int]:
    """The value times the words or the letter of scale behind it, and where they end."""
    letter = _LETTER.match(plain, end)
    if letter is not None:
        sign = letter[1]
        if sign in "kKM" or money:
            return whole(value * _LETTERS[sign.lower()]), letter.end()
        return (value, letter.end()) if sign == "m" else (None, letter.end())
    begin = end
    while (scale := _SCALE.match(plain, end)) is not None:
        value, end = value * _SCALES[scale[1].lower()], scale.end()
    if end == begin:
        return value, end
    return (None if _MORE_WORDS.match(plain, end) else whole(value)), end


def _value(found: re.Match[str]) -> Decimal | None:
    digits = _point_only(found["body"].replace(" ", "").replace("'", ""))
    if digits is None or len(digits) > _LONGEST:
        return None
    negative = (found["sign"] or "").startswith("-")
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
