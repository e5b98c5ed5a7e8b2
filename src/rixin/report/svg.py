"""Charts as SVG text: no library, no script, colours from the page's own properties."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from rixin.core.verdict import Estimate, Standing
from rixin.report.columns import display_width
from rixin.report.data import ReportData
from rixin.report.figures import known, number, percent
from rixin.report.html_marks import Say

_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 24.0, 24.0, 48.0
_CHAR, _LINE = 7.2, 15.0
_LOG_FROM = 12.0
"""Costs that lie further apart than this factor get a logarithmic axis."""


class Size(NamedTuple):
    """Of a chart, in units of its own; text has 12 of them."""

    width: float
    height: float


WIDE, NARROW = Size(760.0, 400.0), Size(380.0, 340.0)
"""For a screen, and for a telephone."""


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
            return round_steps(self.least, self.most, 5)
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
        return round_steps(self.least, self.most, 5)


def round_steps(least: float, most: float, about: int) -> list[float]:
    """Round figures from `least` to `most`, about so many."""
    rough = (most - least) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(least / step - 1e-9)
    return [n * step for n in range(first, math.floor(most / step + 1e-9) + 1)]


def cost_chart(
    data: ReportData, say: Say, *, rtl: bool = False, size: Size = WIDE, kind: str = ""
) -> str:
    """Cost per solved case against solve rate, with intervals, the floor and the incumbent.

    Args:
        data: What the report shows.
        say: Translates.
        rtl: Mirrors the chart for scripts that run from right to left.
        size: Of the picture.
        kind: A class of the page's styles.
    """
    marks = marks_of(data)
    chart = _Chart(data, marks, rtl, size)
    title = say("Cost per solved case against solve rate")
    told = "; ".join(
        f"{mark.name}: {percent(mark.solved.value)}, {number(mark.cost.value)}" for mark in marks
    )
    return svg(size, title, told, "".join(chart.parts(say)), kind)


def svg(size: Size, title: str, told: str, body: str, kind: str = "") -> str:
    """A picture that tells its figures in words, too."""
    name = f"chart {kind}".rstrip()
    return (
        f'<svg class="{name}" viewBox="0 0 {size.width:g} {size.height:g}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(told)}</desc>{body}</svg>"
    )


class _Chart:
    def __init__(
        self, data: ReportData, marks: Sequence[Mark], rtl: bool, size: Size = WIDE
    ) -> None:
        self.data, self.marks, self.rtl, self.size = data, marks, rtl, size
        costs = [c for m in marks for c in _figures(m.cost)]
        rates = [r for m in marks for r in _figures(m.solved)]
        # The figures of the vertical axis stand where a line of the script begins.
        self.left, self.right = (
            (_RIGHT, self.size.width - _LEFT) if rtl else (_LEFT, self.size.width - _RIGHT)
        )
        low, high = self.left, self.right
        self.x = _Scale(costs, high, low) if rtl else _Scale(costs, low, high)
        self.y = _Rates([*rates, data.floor], _TOP, self.size.height - _BOTTOM)

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
            box, near = _room(mark.name, x, y, taken, self.size)
            taken.append(box)
            placed.append(Placed(mark, box, near))
        return placed

    def _floor(self, say: Say) -> Iterator[str]:
        y, bottom = self.y(self.data.floor), self.size.height - _BOTTOM
        wide = self.right - self.left
        yield f'<rect class="below" x="{self.left}" y="{y:.1f}" width="{wide:g}" height="{bottom - y:.1f}"/>'
        yield f'<line class="floor" x1="{self.left}" y1="{y:.1f}" x2="{self.right}" y2="{y:.1f}"/>'
        side, anchor = (self.right - 4, "end") if not self.rtl else (self.left + 4, "start")
        text = f"{say('promised')} {percent(self.data.floor)}"
        yield text_at(side, y + 14, text, anchor=anchor, kind="floor-text")

    def _axes(self, say: Say) -> Iterator[str]:
        bottom, edge = self.size.height - _BOTTOM, self.right if self.rtl else self.left
        for rate in self.y.ticks():
            y = self.y(rate)
            yield f'<line class="grid" x1="{self.left}" y1="{y:.1f}" x2="{self.right}" y2="{y:.1f}"/>'
            place, anchor = (edge + 8, "start") if self.rtl else (edge - 8, "end")
            yield text_at(place, y + 4, percent(rate), anchor=anchor)
        for cost in self.x.ticks():
            x = self.x(cost)
            yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}"/>'
            yield text_at(x, bottom + 18, number(cost), anchor="middle")
        axis = say("cost per solved case, {currency}").format(currency=self.data.verdict.currency)
        yield text_at(self.size.width / 2, self.size.height - 8, axis, anchor="middle", kind="axis")

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
        text = text_at(box.x + box.width / 2, box.y + 11.5, mark.name, anchor="middle", kind="name")
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


def _room(name: str, x: float, y: float, taken: Sequence[Box], size: Size) -> tuple[Box, bool]:
    """The nearest free place for a label, and whether it is beside its mark."""
    wide = min(display_width(name) * _CHAR + 6, size.width / 2)
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
            inside = (
                2 <= box.x <= size.width - 2 - wide and 2 <= box.y <= size.height - _BOTTOM - _LINE
            )
            if inside and not any(box.overlaps(other) for other in taken):
                return box, near
    return Box(min(max(2.0, x), size.width - 2 - wide), 2.0, wide, _LINE), False


def text_at(x: float, y: float, text: str, *, anchor: str, kind: str = "tick") -> str:
    """A text of a chart; `anchor` is where in it the place is."""
    # The anchors are sides of the picture, not of the script: direction is set for each text.
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" direction="ltr"'
        f' unicode-bidi="plaintext">{escape(text)}</text>'
    )
