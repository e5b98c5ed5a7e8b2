"""Figures for people: rates, money, seconds and their intervals, the same in every format."""

import math
from collections.abc import Callable
from decimal import Decimal

from rixin.core.money import format_money
from rixin.core.verdict import Decision, Estimate, Standing, Verdict

UNKNOWN = "–"
"""Stands where a figure is not known; never a zero."""
MARKS = {Standing.HOLDS: "✓", Standing.FAILS: "✗", Standing.OPEN: "?", Standing.UNMEASURED: "–"}


def known(value: float | None) -> float | None:
    """The value where it is a finite number, else None.

    Examples:
        >>> known(float("inf")) is None
        True
    """
    return value if value is not None and math.isfinite(value) else None


def percent(value: float | None) -> str:
    """A rate as a percentage; never rounded to 0 or 100 when it is not.

    Examples:
        >>> percent(0.9604), percent(0.9999), percent(0.00004), percent(None)
        ('96.0 %', '99.99 %', '<0.01 %', '–')
    """
    return UNKNOWN if known(value) is None else f"{_hundred(value)} %"


def percent_span(estimate: Estimate) -> str:
    """The interval of a rate, `95.3–96.6 %`; empty where there is none.

    Examples:
        >>> percent_span(Estimate(0.96, 0.953, 0.966))
        '95.3–96.6 %'
    """
    return _span(estimate, _hundred, " %")


def score(value: float | None) -> str:
    """A mean score in [0, 1].

    Examples:
        >>> score(0.8125), score(None)
        ('0.812', '–')
    """
    return UNKNOWN if known(value) is None else f"{value:.3f}"


def score_span(estimate: Estimate) -> str:
    """The interval of a mean score.

    Examples:
        >>> score_span(Estimate(0.8, 0.75, 0.85))
        '0.750–0.850'
    """
    return _span(estimate, score, "")


def number(value: float | None) -> str:
    """An amount without its currency: whole above 1000, enough digits below 1.

    Examples:
        >>> number(12345.6), number(-4.5), number(0.00123456), number(0)
        ('12,346', '−4.50', '0.00123', '0.00')
    """
    if known(value) is None or value is None:
        return UNKNOWN
    size = abs(value)
    text = f"{size:,.0f}" if size >= 1000 else format_money(Decimal(repr(size)), "", digits=3)
    return f"−{text.strip()}" if value < 0 else text.strip()


def number_span(estimate: Estimate) -> str:
    """The interval of an amount, without its currency.

    Examples:
        >>> number_span(Estimate(0.05, 0.04, None))
        '≥ 0.04'
    """
    return _span(estimate, number, "")


def money(value: float | None, currency: str) -> str:
    """An amount with its currency.

    Examples:
        >>> money(-1234.5, "USD").replace("\N{NO-BREAK SPACE}", " ")
        '−USD 1,234'
    """
    if known(value) is None or value is None:
        return UNKNOWN
    return f"{'−' if value < 0 else ''}{currency}\N{NO-BREAK SPACE}{number(abs(value))}"


def signed(value: float) -> str:
    """An amount with its sign, for changes.

    Examples:
        >>> signed(1200.0), signed(-3.0), signed(0.0)
        ('+1,200', '−3.00', '0.00')
    """
    return f"+{number(value)}" if value > 0 else number(value)


def seconds(value: float | None) -> str:
    """A duration.

    Examples:
        >>> seconds(0.0123), seconds(0.0004), seconds(1.234), seconds(75)
        ('12 ms', '<1 ms', '1.2 s', '75 s')
    """
    if known(value) is None or value is None:
        return UNKNOWN
    if value < 0.001:
        return "<1 ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"


def seconds_span(estimate: Estimate) -> str:
    """The interval of a duration.

    Examples:
        >>> seconds_span(Estimate(1.2, 1.1, 1.4))
        '1.1 s–1.4 s'
    """
    return _span(estimate, seconds, "")


def risk(verdict: Verdict) -> str:
    """The chance that a verdict is wrong, in words; nothing is promised where nothing is told."""
    if verdict.decision is Decision.CANNOT_TELL:
        return "nothing is promised yet"
    return f"chance that this is wrong: at most {percent(verdict.error_chance)}"


def _hundred(value: float | None) -> str:
    assert value is not None
    scaled = value * 100
    text = f"{scaled:.1f}"
    if text == "100.0" and value < 1:
        return ">99.99" if scaled >= 99.995 else f"{scaled:.2f}"
    if text in {"0.0", "-0.0"} and value > 0:
        return "<0.01" if scaled < 0.005 else f"{scaled:.2f}"
    return text.replace("-", "−")


def _span(estimate: Estimate, show: Callable[[float | None], str], unit: str) -> str:
    lower, upper = known(estimate.lower), known(estimate.upper)
    if lower is None and upper is None:
        return ""
    if upper is None:
        return f"≥ {show(lower)}{unit}"
    if lower is None:
        return f"≤ {show(upper)}{unit}"
    if show(upper).startswith(">"):
        return f"{show(lower)} to over {show(upper)[1:]}{unit}"
    return f"{show(lower)}–{show(upper)}{unit}"
