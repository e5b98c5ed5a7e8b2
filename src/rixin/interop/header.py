"""Finds the row of a table that names its columns: titles may stand above it, or there is none."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

TOP_ROWS = 60
"""Rows that are looked at."""
_MOST_ABOVE = 10
"""Rows that may stand above a header."""
_USED = 0.5
"""Share of the rows below that fill a column of the table."""
_LONGEST_NAME = 60
_FIGURE = re.compile(
    r"[+-]?[€$£¥]?\s?\d[\d.,' ]*\s?[%€$£¥]?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:\d\d.*)?"
)
Rows = Sequence[tuple[int, Sequence[str | None]]]


class Header(NamedTuple):
    """Where the names of the columns stand."""

    row: int | None
    """Its number in the file, as rows are counted there; 0: there is none; None: the first row."""
    sure: bool
    reason: str = ""
    """Why it is not the first row, or why that is not sure; empty: the first row, surely."""


def find_header(rows: Rows) -> Header:
    """Tells which row names the columns of a table.

    Args:
        rows: The first rows with something in them: their numbers and cells; an empty cell is
            None or has blanks only.

    Examples:
        >>> find_header([(1, ["text", "queue"]), (2, ["my card", "cards"])])
        Header(row=None, sure=True, reason='')
        >>> rows = [(1, ["Ticket", None, "Routing"]), (2, ["No", "Message", "Team"])]
        >>> rows += [(n, [str(n), f"message {n}", "IT"]) for n in range(3, 9)]
        >>> find_header(rows)
        Header(row=2, sure=True, reason='row 2 names the columns; what stands above it is a title')
    """
    if len(rows) < 2:
        return Header(None, sure=True)
    width = max(len(cells) for _, cells in rows)
    table = [
        [_text(cell) for cell in (*cells, *[None] * (width - len(cells)))] for _, cells in rows
    ]
    used = [_is_used(table, place) for place in range(width)]
    first, most = rows[0][0], min(_MOST_ABOVE, len(table) - 1)
    names = [
        at
        for at in range(most)
        if _is_whole(table[at], used) and _differs(table, at) and not _is_data(table, at)
    ]
    if _is_whole(table[0], used) and _is_data(table, 0):
        return Header(0, sure=_repeats(table, 0) > 0, reason=f"row {first} is a case, not names")
    above = [at for at in range(most) if not _is_whole(table[at], used)]
    if 0 in above:  # a title, or groups of columns
        lead = next((at for at in names if all(one in above for one in range(at))), None)
        if lead is None:
            return Header(None, sure=_only_first_is_empty(table[0]), reason=_GAPS.format(first))
        row = rows[lead][0]
        return Header(row, sure=True, reason=f"row {row} names the columns; {_TITLE}")
    if 1 in names and _is_second(table):
        row = rows[1][0]
        return Header(row, sure=False, reason=f"rows {first} and {row} both look like names")
    return Header(None, sure=True)


_TITLE = "what stands above it is a title"
_GAPS = "row {} leaves columns without a name"


def _text(cell: str | None) -> str | None:
    text = (cell or "").strip()
    return text or None


def _is_used(table: Sequence[Sequence[str | None]], place: int) -> bool:
    below = table[len(table) // 3 :]
    return sum(row[place] is not None for row in below) >= _USED * len(below)


def _is_whole(row: Sequence[str | None], used: Sequence[bool]) -> bool:
    """Whether it has something in each column that the table uses, and no name twice."""
    filled = [cell for cell in row if cell is not None]
    whole = all(cell is not None for cell, is_used in zip(row, used, strict=True) if is_used)
    return whole and len(set(filled)) == len(filled)


def _is_data(table: Sequence[Sequence[str | None]], at: int) -> bool:
    """Whether a row is like those below it: a figure over figures, or a value that comes again."""
    return _figures_over_figures(table, at) > 0 or _repeats(table, at) > 0


def _figures_over_figures(table: Sequence[Sequence[str | None]], at: int) -> int:
    return sum(
        cell is not None and _is_figure(cell) and _are_figures(table, at, place)
        for place, cell in enumerate(table[at])
    )


def _are_figures(table: Sequence[Sequence[str | None]], at: int, place: int) -> bool:
    below = [row[place] for row in table[at + 1 :] if row[place] is not None]
    return bool(below) and all(_is_figure(cell or "") for cell in below)


def _is_figure(cell: str) -> bool:
    return _FIGURE.fullmatch(cell) is not None


def _repeats(table: Sequence[Sequence[str | None]], at: int) -> int:
    """In how many columns a value of few comes again below, as labels do."""
    count = 0
    for place, cell in enumerate(table[at]):
        below = Counter(row[place] for row in table[at + 1 :] if row[place] is not None)
        few = len(below) <= max(2, sum(below.values()) // 3)
        count += cell is not None and few and below[cell] > 1
    return count


def _differs(table: Sequence[Sequence[str | None]], at: int) -> bool:
    """Whether all cells are short, and no figures."""
    cells = [cell for cell in table[at] if cell is not None]
    return all(len(cell) <= _LONGEST_NAME and not _is_figure(cell) for cell in cells)


def _is_second(table: Sequence[Sequence[str | None]]) -> bool:
    """Whether the second row is unlike those below it: words over figures, twice or everywhere."""
    over = sum(_are_figures(table, 1, place) for place in range(len(table[1])))
    return over > 0 and not _figures_over_figures(table, 1)


def _only_first_is_empty(row: Sequence[str | None]) -> bool:
    """Whether only the first column has no name: the numbers of rows, as pandas writes them."""
    return row[0] is None and all(cell is not None for cell in row[1:])
