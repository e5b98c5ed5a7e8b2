"""Numbers written with Chinese units, in signs or mixed with digits: 三万五, 1.2亿, 3万5."""

import re
from decimal import Decimal

_DIGITS = {
    sign: value
    for value, signs in enumerate(
        ("〇", "一壹", "二两兩贰貳", "三叁", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
    )
    for sign in signs
}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1_000, "仟": 1_000}
_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_ZERO, _POINT = "零", "点點"
HAN_DIGITS = "".join(_DIGITS) + _ZERO
HAN_UNITS = "".join((*_SMALL, *_LARGE))
_TOKEN = re.compile(rf"\d+(?:\.\d+)?|[{HAN_DIGITS}{HAN_UNITS}]")
_WITH_POINT = re.compile(rf"([^{_POINT}]+)[{_POINT}]([{HAN_DIGITS}]+)([{''.join(_LARGE)}]*)")


def han_value(run: str) -> Decimal | None:
    """What a run of Chinese numerals and digits says; None where it is no number, or not surely.

    Units multiply, and a single digit behind a unit counts the next lower one, as it is spoken.
    Signs one after the other are digits from four on or with a zero: 三四 may be "three or four".

    Args:
        run: Digits with a point only, and Chinese numerals.

    Examples:
        >>> [str(han_value(run)) for run in ("三万五", "1.2亿", "3万5千", "一百零一", "两千三", "万一")]
        ['35000', '120000000', '35000', '101', '2300', 'None']
    """
    pointed = _WITH_POINT.fullmatch(run)
    if pointed is not None:
        value = _pointed(*pointed.groups())
    elif all(sign in HAN_DIGITS for sign in run):
        value = _spelt(run)
    else:
        tokens = _TOKEN.findall(run)
        value = _Sum().of(tokens) if "".join(tokens) == run else None
    return None if value is None else whole(value)


def whole(value: Decimal) -> Decimal:
    """The value without zeros behind its point, where nothing else stands there.

    Examples:
        >>> str(whole(Decimal("1.2") * 10**4)), str(whole(Decimal("1.20")))
        ('12000', '1.20')
    """
    integral = value.to_integral_value()
    return integral if integral == value else value


def _pointed(whole: str, decimals: str, units: str) -> Decimal | None:
    before = han_value(whole)
    if before is None or before != before.to_integral_value():
        return None
    value = before + Decimal(f"0.{''.join(str(_digit(sign)) for sign in decimals)}")
    for unit in units:
        value *= _LARGE[unit]
    return value


def _spelt(signs: str) -> Decimal | None:
    if 1 < len(signs) < 4 and not {"〇", _ZERO} & set(signs):
        return None
    return Decimal("".join(str(_digit(sign)) for sign in signs))


def _digit(sign: str) -> int:
    return _DIGITS.get(sign, 0)


class _Sum:
    """The sum so far while tokens are read from left to right."""

    def __init__(self) -> None:
        self.total = self.section = Decimal(0)
        self.number: Decimal | None = None
        self.written = ""
        self.unit = 0
        """The last unit; 0: none yet, or a zero came after it."""
        self.small: int | None = None
        self.large: int | None = None
        self.has_zero = False

    def of(self, tokens: list[str]) -> Decimal | None:
        """The value of all tokens; None where they do not follow each other so."""
        fractions = sum("." in token for token in tokens)
        numbers = sum(token[0].isdigit() or token in _DIGITS for token in tokens)
        if fractions and numbers > 1:
            return None
        return self._end() if all(map(self._take, tokens)) else None

    def _take(self, token: str) -> bool:
        if token in _SMALL:
            return self._small(_SMALL[token])
        if token in _LARGE:
            return self._large(_LARGE[token])
        if self.number is not None:
            return False
        if token == _ZERO:
            self.has_zero = True
            return True
        self.number, self.written = Decimal(_DIGITS.get(token, token)), token
        return True

    def _small(self, unit: int) -> bool:
        if self.number is None and (unit != 10 or self.section):
            return False
        if self.small is not None and unit >= self.small:
            return False
        self.section += (1 if self.number is None else self.number) * unit
        self.number, self.small, self.unit, self.has_zero = None, unit, unit, False
        return True

    def _large(self, unit: int) -> bool:
        section = self.section + (self.number or 0)
        if self.number is None and not section and not self.total:
            return False
        if unit == self.large:
            return False
        if self.large is not None and unit > self.large:
            self.total = (self.total + section) * unit
        else:
            self.total += section * unit
        self.section, self.number, self.small = Decimal(0), None, None
        self.large, self.unit, self.has_zero = unit, unit, False
        return True

    def _end(self) -> Decimal | None:
        value = self.total + self.section
        if self.number is None:
            return value if self.unit else None
        power = len(str(self.unit)) - 1
        if self.has_zero or self.unit <= 10 or len(self.written) == power:
            return value + self.number if self.number < max(self.unit, 10) else None
        return value + self.number * self.unit / 10 if len(self.written) == 1 else None
