"""Bars and lines of money as SVG: where it goes in a month, and when it is earned back."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from rixin.report.data import Waterfall
from rixin.report.figures import money, number
from rixin.report.html_marks import Say
from rixin.report.summary import PaybackPoint, drawn_amounts
from rixin.report.svg import WIDE, Size, round_steps, svg, text_at

_BAR_WIDTH, _BAR_ROW = 420.0, 26.0
_TOP, _BOTTOM, _LEFT, _RIGHT = 16.0, 44.0, 74.0, 16.0


class Reach(NamedTuple):
    """The lowest and the highest amount that bars on one page go to, so that they compare."""

    low: float
    high: float


def reach_of(waterfalls: Sequence[Waterfall]) -> Reach:
    """How far the bars of all of them go."""
    places = [0.0]
    for _, parts in waterfalls:
        places += accumulate(drawn_amounts(parts))
    return Reach(min(places), max(places))


def waterfall_chart(waterfall: Waterfall, reach: Reach, say: Say, *, rtl: bool = False) -> str:
    """Where a month's money comes from and goes, down to what is left; or what all costs add up to.

    Args:
        waterfall: Name and parts; the parts add up to what is left.
        reach: Of all charts on the page.
        say: Translates the labels.
        rtl: Mirrors the chart.
    """
    name, parts = waterfall
    amounts = drawn_amounts(parts)
    earns = any(amount > 0 for _, amount in parts)
    net = sum(amounts)
    rows, running = [], 0.0
    for (label, _), amount in zip(parts, amounts, strict=True):
        kind = "gain" if amount > 0 and earns else "cost"
        rows.append((say(label), running, running + amount, amount, kind))
        running += amount
    if earns:
        rows.append((say("what is left"), 0.0, net, net, "net" if net >= 0 else "loss"))
    else:
        rows.append((say("all costs"), 0.0, net, net, "gain"))
    low, largest = reach
    height = len(rows) * _BAR_ROW + 8
    told = "; ".join(f"{label}: {number(amount)}" for label, _, _, amount, _ in rows)
    body = "".join(
        _bar(row, index, low, max(largest, low + 1e-9), rtl) for index, row in enumerate(rows)
    )
    return svg(Size(_BAR_WIDTH, height), name, told, body)


def _bar(
    row: tuple[str, float, float, float, str], index: int, low: float, largest: float, rtl: bool
) -> str:
    label, begin, end, amount, kind = row
    left, right = 170.0, _BAR_WIDTH - 70.0

    def at(value: float) -> float:
        share = (value - low) / (largest - low)
        return left + min(max(share, 0.0), 1.0) * (right - left)

    first, last = sorted((at(begin), at(end)))
    wide, y = max(last - first, 1.5), index * _BAR_ROW + 6
    x = _BAR_WIDTH - first - wide if rtl else first
    name_at, name_anchor = (_BAR_WIDTH - left + 8, "start") if rtl else (left - 8, "end")
    sum_at, sum_anchor = (4.0, "start") if rtl else (_BAR_WIDTH - 4, "end")
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:g}" width="{wide:.1f}" height="16" rx="2"/>'
        + text_at(name_at, y + 12.5, label, anchor=name_anchor)
        + text_at(sum_at, y + 12.5, _sum(amount, largest), anchor=sum_anchor, kind="sum")
    )


def _sum(amount: float, largest: float) -> str:
    """An amount beside its bar, no finer than the largest one asks for."""
    if largest < 1000:
        return number(amount)
    return f"{amount:,.0f}".replace("-0", "0").replace("-", "−")


def payback_chart(
    points: Sequence[PaybackPoint],
    currency: str,
    say: Say,
    *,
    rtl: bool = False,
    size: Size = WIDE,
    kind: str = "",
) -> str:
    """Money saved since the start, month by month: as expected, and at least.

    Args:
        points: From month 0 on, at least two.
        currency: Of the amounts.
        say: Translates.
        rtl: Mirrors the chart.
        size: Of the picture.
        kind: A class of the page's styles.
    """
    amounts = [one.expected for one in points] + [one.at_least or 0.0 for one in points]
    low, high = min(0.0, *amounts), max(0.0, *amounts)
    high = high if high > low else low + 1.0
    last, bottom = points[-1].month, size.height - _BOTTOM

    def x(month: float) -> float:
        at = _LEFT + (size.width - _LEFT - _RIGHT) * month / last
        return size.width - at if rtl else at

    def y(amount: float) -> float:
        return bottom - (amount - low) / (high - low) * (bottom - _TOP)

    parts = []
    for amount in round_steps(low, high, 4):
        parts.append(_line("grid", x(0), y(amount), x(last), y(amount)))
        place, anchor = (x(0) + 8, "start") if rtl else (x(0) - 8, "end")
        parts.append(text_at(place, y(amount) + 4, number(amount), anchor=anchor))
    parts.append(_line("zero", x(0), y(0), x(last), y(0)))
    every = 1 if last <= 12 and size.width > 500 else max(1, round(last / 6))
    parts += [
        text_at(x(month), bottom + 18, str(month), anchor="middle")
        for month in range(0, last + 1, every)
    ]
    axis = say("months, {currency}").format(currency=currency)
    parts.append(text_at(size.width / 2, size.height - 6, axis, anchor="middle", kind="axis"))
    sure = [(x(one.month), y(one.at_least)) for one in points if one.at_least is not None]
    parts.append(_path("sure", sure))
    parts.append(_path("expected", [(x(one.month), y(one.expected)) for one in points]))
    end = points[-1]
    told = f"{say('expected')}: {money(end.expected, currency)}"
    if end.at_least is not None:
        told += f"; {say('at least')}: {money(end.at_least, currency)}"
    return svg(size, say("Saved since the start"), told, "".join(parts), kind)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _path(kind: str, places: Sequence[tuple[float, float]]) -> str:
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return f'<path class="line {kind}" d="M{steps}"/>' if places else ""
