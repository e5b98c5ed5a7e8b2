"""Charts as SVG text: no library, no script, colours from the page's own properties."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from rixin.core.verdict import Estimate, Standing
from rixin.report.columns import display_width
from rixin.report.data import ReportData, Waterfall
from rixin.report.figures import known, number, percent

Say = Callable[[str], str]
"""Gives a message in the reader's language."""
_WIDTH, _HEIGHT = 760.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 24.0, 24.0, 48.0
_CHAR, _LINE = 7.2, 15.0
_LOG_FROM = 12.0
"""Costs that lie further apart than this factor get a logarithmic axis."""
_BAR_WIDTH, _BAR_ROW = 420.0, 26.0


class Box(NamedTuple):
    """A rectangle on the chart."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share any area."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """A solver on the chart."""

    name: str
    cost: Estimate
    solved: Estimate
    shape: str
    """incumbent, holds, fails or open."""


class Placed(NamedTuple):
    """A label where it found room."""

    mark: Mark
    box: Box
    near: bool
    """False: it stands apart and a thin line leads to it."""


def marks_of(data: ReportData) -> list[Mark]:
    """The incumbent, then every candidate whose cost and solve rate are known."""
    people = data.verdict.incumbent
    stated = Mark(
        people.name,
        Estimate(people.cost_per_solved, None, None),
        Estimate(people.solved, None, None),
        "incumbent",
    )
    shapes = {Standing.HOLDS: "holds", Standing.FAILS: "fails"}
    found = [
        Mark(one.name, one.cost_per_solved, one.solved, shapes.get(one.standing, "open"))
        for one in data.verdict.candidates
        if known(one.cost_per_solved.value) is not None and one.solved.value is not None
    ]
    return [stated, *found]


class _Scale:
    """From a figure to its place; logarithmic where the figures lie far apart."""

    def __init__(self, values: Sequence[float], low: float, high: float) -> None:
        positive = [value for value in values if value > 0]
        least, most = min(positive, default=0.01), max(positive, default=1.0)
        self.log = most / least > _LOG_FROM
        self.low, self.high = low, high
        self.least, self.most = (least / 1.6, most * 1.6) if self.log else (0.0, most * 1.15)

    def __call__(self, value: float) -> float:
        bounded = min(max(value, self.least), self.most)
        if self.log:
            share = math.log(bounded / self.least) / math.log(self.most / self.least)
        else:
            share = bounded / self.most
        return self.low + share * (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round figures along the axis."""
        if not self.log:
            return _round_steps(self.least, self.most, 5)
        first, last = math.floor(math.log10(self.least)), math.ceil(math.log10(self.most))
        every = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
        inside = [value for value in every if self.least <= value <= self.most]
        tens = [value for value in inside if math.log10(value) % 1 == 0]
        return tens if len(tens) >= 3 else inside


class _Rates:
    """The vertical axis: solve rates, zoomed to where they lie."""

    def __init__(self, values: Sequence[float], top: float, bottom: float) -> None:
        least, most = min(values), max(values)
        spare = max(0.02, 0.12 * (most - least))
        self.least, self.most = max(0.0, least - spare), min(1.0, most + spare)
        self.top, self.bottom = top, bottom

    def __call__(self, value: float) -> float:
        bounded = min(max(value, self.least), self.most)
        share = (bounded - self.least) / (self.most - self.least)
        return self.bottom - share * (self.bottom - self.top)

    def ticks(self) -> list[float]:
        """Round rates along the axis."""
        return _round_steps(self.least, self.most, 5)


def _round_steps(least: float, most: float, about: int) -> list[float]:
    rough = (most - least) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(least / step - 1e-9)
    return [n * step for n in range(first, math.floor(most / step + 1e-9) + 1)]


def cost_chart(data: ReportData, say: Say, *, rtl: bool = False) -> str:
    """Cost per solved case against solve rate, with intervals, the floor and the incumbent.

    Args:
        data: What the report shows.
        say: Translates.
        rtl: Mirrors the chart for scripts that run from right to left.
    """
    marks = marks_of(data)
    chart = _Chart(data, marks, rtl)
    title = say("Cost per solved case against solve rate")
    told = "; ".join(
        f"{mark.name}: {percent(mark.solved.value)}, {number(mark.cost.value)}" for mark in marks
    )
    body = "".join(chart.parts(say))
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(told)}</desc>{body}</svg>"
    )


class _Chart:
    def __init__(self, data: ReportData, marks: Sequence[Mark], rtl: bool) -> None:
        self.data, self.marks, self.rtl = data, marks, rtl
        costs = [c for m in marks for c in _figures(m.cost)]
        rates = [r for m in marks for r in _figures(m.solved)]
        # The figures of the vertical axis stand where a line of the script begins.
        self.left, self.right = (_RIGHT, _WIDTH - _LEFT) if rtl else (_LEFT, _WIDTH - _RIGHT)
        low, high = self.left, self.right
        self.x = _Scale(costs, high, low) if rtl else _Scale(costs, low, high)
        self.y = _Rates([*rates, data.floor], _TOP, _HEIGHT - _BOTTOM)

    def parts(self, say: Say) -> Iterator[str]:
        yield from self._floor(say)
        yield from self._axes(say)
        for mark in self.marks:
            yield self._bars(mark)
        for mark in self.marks:
            yield self._shape(mark)
        for placed in self.labels():
            yield self._label(placed)

    def labels(self) -> list[Placed]:
        """Every label where it covers no mark and no other label."""
        points = [(self.x(m.cost.value or 0.0), self.y(m.solved.value or 0.0)) for m in self.marks]
        taken = [Box(x - 8, y - 8, 16, 16) for x, y in points]
        placed = []
        for mark, (x, y) in zip(self.marks, points, strict=True):
            box, near = _room(mark.name, x, y, taken)
            taken.append(box)
            placed.append(Placed(mark, box, near))
        return placed

    def _floor(self, say: Say) -> Iterator[str]:
        y, bottom = self.y(self.data.floor), _HEIGHT - _BOTTOM
        wide = self.right - self.left
        yield f'<rect class="below" x="{self.left}" y="{y:.1f}" width="{wide:g}" height="{bottom - y:.1f}"/>'
        yield f'<line class="floor" x1="{self.left}" y1="{y:.1f}" x2="{self.right}" y2="{y:.1f}"/>'
        side, anchor = (self.right - 4, "end") if not self.rtl else (self.left + 4, "start")
        text = f"{say('promised')} {percent(self.data.floor)}"
        yield _text(side, y + 14, text, anchor=anchor, kind="floor-text")

    def _axes(self, say: Say) -> Iterator[str]:
        bottom, edge = _HEIGHT - _BOTTOM, self.right if self.rtl else self.left
        for rate in self.y.ticks():
            y = self.y(rate)
            yield f'<line class="grid" x1="{self.left}" y1="{y:.1f}" x2="{self.right}" y2="{y:.1f}"/>'
            place, anchor = (edge + 8, "start") if self.rtl else (edge - 8, "end")
            yield _text(place, y + 4, percent(rate), anchor=anchor)
        for cost in self.x.ticks():
            x = self.x(cost)
            yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}"/>'
            yield _text(x, bottom + 18, number(cost), anchor="middle")
        axis = say("cost per solved case, {currency}").format(currency=self.data.verdict.currency)
        yield _text(_WIDTH / 2, _HEIGHT - 8, axis, anchor="middle", kind="axis")

    def _bars(self, mark: Mark) -> str:
        x, y = self.x(mark.cost.value or 0.0), self.y(mark.solved.value or 0.0)
        bars = ""
        if mark.solved.lower is not None and mark.solved.upper is not None:
            low, high = self.y(mark.solved.lower), self.y(mark.solved.upper)
            bars += f'<line class="bar {mark.shape}" x1="{x:.1f}" y1="{low:.1f}" x2="{x:.1f}" y2="{high:.1f}"/>'
        if mark.cost.lower is not None:
            far = self.x.most if known(mark.cost.upper) is None else mark.cost.upper or 0.0
            low, high = self.x(mark.cost.lower), self.x(far)
            bars += f'<line class="bar {mark.shape}" x1="{low:.1f}" y1="{y:.1f}" x2="{high:.1f}" y2="{y:.1f}"/>'
        return bars

    def _shape(self, mark: Mark) -> str:
        x, y = self.x(mark.cost.value or 0.0), self.y(mark.solved.value or 0.0)
        if mark.shape == "incumbent":
            path = f"M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z"
        elif mark.shape == "fails":
            path = f"M{x - 6:.1f} {y - 6:.1f}l12 12m-12 0l12 -12"
        else:
            return f'<circle class="mark {mark.shape}" cx="{x:.1f}" cy="{y:.1f}" r="6"/>'
        return f'<path class="mark {mark.shape}" d="{path}"/>'

    def _label(self, placed: Placed) -> str:
        box, mark = placed.box, placed.mark
        text = _text(box.x + box.width / 2, box.y + 11.5, mark.name, anchor="middle", kind="name")
        if placed.near:
            return text
        x, y = self.x(mark.cost.value or 0.0), self.y(mark.solved.value or 0.0)
        return (
            f'<line class="lead" x1="{x:.1f}" y1="{y:.1f}" x2="{box.x + box.width / 2:.1f}"'
            f' y2="{box.y + (0 if box.y > y else box.height):.1f}"/>{text}'
        )


def _figures(estimate: Estimate) -> Iterator[float]:
    for value in (estimate.value, estimate.lower, estimate.upper):
        finite = known(value)
        if finite is not None:
            yield finite


def _room(name: str, x: float, y: float, taken: Sequence[Box]) -> tuple[Box, bool]:
    """The nearest free place for a label, and whether it is beside its mark."""
    wide = min(display_width(name) * _CHAR + 6, _WIDTH / 2)
    beside = [
        Box(x + 11, y - 20, wide, _LINE),
        Box(x - 11 - wide, y - 20, wide, _LINE),
        Box(x + 11, y + 6, wide, _LINE),
        Box(x - 11 - wide, y + 6, wide, _LINE),
    ]
    apart = [
        Box(x - wide / 2 + side * 60, y + rows * _LINE, wide, _LINE)
        for rows in (-3, 2, -4, 3, -5, 4, -6, 5, -7, 6, -8, 7, -9, 8, -10, 10, 12, -12, 14, 16)
        for side in (0, 1, -1, 2, -2, 3, -3)
    ]
    for near, boxes in ((True, beside), (False, apart)):
        for box in boxes:
            inside = 2 <= box.x <= _WIDTH - 2 - wide and 2 <= box.y <= _HEIGHT - _BOTTOM - _LINE
            if inside and not any(box.overlaps(other) for other in taken):
                return box, near
    return Box(min(max(2.0, x), _WIDTH - 2 - wide), 2.0, wide, _LINE), False


def waterfall_chart(waterfall: Waterfall, largest: float, say: Say, *, rtl: bool = False) -> str:
    """Where a month's money comes from and goes, down to what is left.

    Args:
        waterfall: Name and parts; the parts add up to what is left.
        largest: The largest income of all charts on the page, so that they compare.
        say: Translates the labels.
        rtl: Mirrors the chart.
    """
    name, parts = waterfall
    net = sum(amount for _, amount in parts)
    rows, running = [], 0.0
    for label, amount in parts:
        rows.append(
            (say(label), running, running + amount, amount, "gain" if amount > 0 else "cost")
        )
        running += amount
    rows.append((say("what is left"), 0.0, net, net, "net" if net >= 0 else "loss"))
    low = min(0.0, *(min(begin, end) for _, begin, end, _, _ in rows))
    height = len(rows) * _BAR_ROW + 8
    told = "; ".join(f"{label}: {number(amount)}" for label, _, _, amount, _ in rows)
    body = "".join(_bar(row, index, low, max(largest, 1e-9), rtl) for index, row in enumerate(rows))
    return (
        f'<svg class="chart" viewBox="0 0 {_BAR_WIDTH:g} {height:g}" role="img">'
        f"<title>{escape(name)}</title><desc>{escape(told)}</desc>{body}</svg>"
    )


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
        + _text(name_at, y + 12.5, label, anchor=name_anchor)
        + _text(sum_at, y + 12.5, _sum(amount, largest), anchor=sum_anchor, kind="sum")
    )


def _sum(amount: float, largest: float) -> str:
    """An amount beside its bar, no finer than the largest one asks for."""
    if largest < 1000:
        return number(amount)
    return f"{amount:,.0f}".replace("-0", "0").replace("-", "−")


def _text(x: float, y: float, text: str, *, anchor: str, kind: str = "tick") -> str:
    # The anchors are sides of the picture, not of the script: direction is set for each text.
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" direction="ltr"'
        f' unicode-bidi="plaintext">{escape(text)}</text>'
    )
