"""The verdict for a terminal: no markup library, colour never alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rixin.core.verdict import CandidateResult, Decision, Standing, Verdict
from rixin.report.columns import clean, cut, display_width, pad, wrap
from rixin.report.data import ReportData
from rixin.report.figures import (
    MARKS,
    UNKNOWN,
    number,
    number_span,
    percent,
    percent_span,
    risk,
    score,
    score_span,
    seconds,
)

_RESET = "\x1b[0m"
_BOLD = "\x1b[1m"
_DIM = "\x1b[2m"
_COLOURS = {
    Standing.HOLDS: "\x1b[32m",
    Standing.FAILS: "\x1b[31m",
    Standing.OPEN: "\x1b[33m",
    Standing.UNMEASURED: _DIM,
}
_OF_DECISION = {
    Decision.ADOPT: _COLOURS[Standing.HOLDS],
    Decision.KEEP: _BOLD,
    Decision.NO_AI: _COLOURS[Standing.FAILS],
    Decision.CANNOT_TELL: _COLOURS[Standing.OPEN],
}
_GAP = 2
_NAME_AT_LEAST = 14


@dataclass(frozen=True, slots=True)
class _Row:
    """One solver: each cell has a figure and, below it, its interval."""

    cells: tuple[tuple[str, str], ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class _Column:
    """A column with its two-line heading; the highest `drop` goes first when space is short."""

    head: tuple[str, str]
    name: str
    drop: int


def render_text(data: ReportData, *, width: int = 100, colour: bool = False) -> str:
    """The verdict, the table, the reasons, what would change it, and the caveats.

    Args:
        data: What the workspace filled.
        width: Cells of a line, at least 60.
        colour: Use ANSI colours.
    """
    width = max(width, 60)
    verdict = data.verdict
    lines = [*_headline(data, width, colour), ""]
    lines += _table(data, width, colour)
    for title, items in (
        ("Why", (*verdict.because, *_reasons(verdict))),
        ("What would change it", verdict.changes),
        ("Caveats", (*verdict.warnings, *data.notes)),
    ):
        lines += _list(title, items, width, colour)
    return "\n".join(lines)


def _headline(data: ReportData, width: int, colour: bool) -> Iterator[str]:
    verdict = data.verdict
    for line in wrap(clean(verdict.headline), width):
        yield _paint(line, _BOLD + _OF_DECISION[verdict.decision], colour)
    facts = f"{data.scenario} · {data.owner} · {data.demand_per_month:,} cases a month"
    yield from wrap(f"{clean(facts)} · {risk(verdict)}", width)
    if data.illustrative:
        names = ", ".join(data.illustrative)
        yield from wrap(f"* assumed, nobody has stated it: {clean(names)}", width, rest="  ")


def _columns(data: ReportData) -> list[_Column]:
    currency = data.verdict.currency
    return [
        _Column(("", "solver"), "solver", 0),
        _Column(("", "solved"), "solved", 0),
        *([_Column(("mean", "score"), "score", 2)] if data.score_floor is not None else []),
        _Column(("", "harm"), "harm", 3),
        _Column(("cost a solved", f"case, {currency}{_star(data, 'cost_per_solved')}"), "cost", 1),
        _Column(
            ("saves a month", f"at least{_star(data, 'saving_per_month')}"),
            "saving",
            2,
        ),
        _Column(("latency", "p95"), "latency", 4),
    ]


def _star(data: ReportData, figure: str) -> str:
    return " *" if data.is_illustrative(figure) else ""


def _candidate_row(candidate: CandidateResult, *, scored: bool) -> _Row:
    tally = candidate.tally
    harm = percent(candidate.harm.value)
    upper = f"≤ {percent(candidate.harm.upper)}" if candidate.harm.upper is not None else ""
    saving = candidate.saving_per_month
    shown = number(saving.lower if saving.lower is not None else None)
    return _Row(
        (
            (
                f"{MARKS[candidate.standing]} {clean(candidate.name)}",
                f"  {candidate.kind}, n={tally.cases:,}",
            ),
            (percent(candidate.solved.value), percent_span(candidate.solved)),
            *([_score_cell(candidate)] if scored else []),
            (harm, upper),
            (number(candidate.cost_per_solved.value), number_span(candidate.cost_per_solved)),
            (shown, ""),
            (seconds(candidate.latency_p95.value), ""),
        ),
        candidate.standing,
    )


def _score_cell(candidate: CandidateResult) -> tuple[str, str]:
    found = candidate.score
    return (UNKNOWN, "") if found is None else (score(found.value), score_span(found))


def _incumbent_row(data: ReportData) -> _Row:
    incumbent = data.verdict.incumbent
    star = _star(data, "incumbent")
    return _Row(
        (
            (f"· {clean(incumbent.name)}", "  incumbent"),
            (f"{percent(incumbent.solved)}{star}", "as stated"),
            *([(UNKNOWN, "")] if data.score_floor is not None else []),
            (UNKNOWN, ""),
            (number(incumbent.cost_per_solved), "as stated"),
            (UNKNOWN, ""),
            (UNKNOWN, ""),
        ),
        None,
    )


def _table(data: ReportData, width: int, colour: bool) -> Iterator[str]:
    columns, scored = _columns(data), data.score_floor is not None
    rows = [_incumbent_row(data), *(_candidate_row(one, scored=scored) for one in data.shown())]
    shown = list(range(len(columns)))
    widths = [_natural(columns[index], rows, index) for index in shown]
    while True:
        spare = width - sum(widths[index] + _GAP for index in shown[1:])
        if spare >= min(widths[0], _NAME_AT_LEAST) or len(shown) == 2:
            break
        shown.remove(max(shown, key=lambda index: columns[index].drop))
    widths[0] = min(widths[0], max(spare, _NAME_AT_LEAST))
    for part in range(2):
        yield _paint(_line([column.head[part] for column in columns], widths, shown), _DIM, colour)
    yield "─" * min(width, sum(widths[index] + _GAP for index in shown) - _GAP)
    for row in rows:
        tint = _COLOURS[row.standing] if row.standing else ""
        yield _paint(_line([cell[0] for cell in row.cells], widths, shown), tint, colour)
        yield _paint(_line([cell[1] for cell in row.cells], widths, shown), _DIM, colour)
    yield ""
    yield from _legend(columns, shown, width)


def _legend(columns: Sequence[_Column], shown: Sequence[int], width: int) -> Iterator[str]:
    yield from wrap(
        "✓ holds the promise   ✗ fails it   ? open   – not measured or not known", width
    )
    hidden = [column.name for index, column in enumerate(columns) if index not in shown]
    if hidden:
        yield from wrap(f"no room for: {', '.join(hidden)} (widen the window, or --json)", width)


def _natural(column: _Column, rows: Sequence[_Row], index: int) -> int:
    cells = [*column.head, *(text for row in rows for text in row.cells[index])]
    return max(map(display_width, cells))


def _line(cells: Sequence[str], widths: Sequence[int], shown: Sequence[int]) -> str:
    parts = [pad(cut(cells[index], widths[index]), widths[index], end=index > 0) for index in shown]
    return (" " * _GAP).join(parts).rstrip()


def _reasons(verdict: Verdict) -> Iterator[str]:
    for candidate in verdict.candidates:
        if candidate.reasons:
            yield f"{MARKS[candidate.standing]} {candidate.name}: {'; '.join(candidate.reasons)}"


def _list(title: str, items: Sequence[str], width: int, colour: bool) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield _paint(title, _BOLD, colour)
    for item in items:
        yield from wrap(clean(item), width, first="  · ", rest="    ")


def _paint(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{_RESET}" if colour and code and text else text
