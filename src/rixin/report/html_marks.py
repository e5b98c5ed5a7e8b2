"""What stands in the HTML page from outside, and the shapes that its sections are built of."""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from rixin.report.data import ReportData

Say = Callable[[str], str]
"""Gives a message in the reader's language."""


class Head(NamedTuple):
    """The heading of a column."""

    text: str
    figures: bool = False
    """Its cells are figures, which stand at the end of their column."""
    stamp: str = ""
    """HTML behind the text."""


class Row(NamedTuple):
    """A row of a table: HTML of its name and of its cells."""

    name: str
    cells: Sequence[str]
    kind: str = ""


def stamp(data: ReportData, figure: str, say: Say) -> str:
    """Says of a figure that it is a default and not the user's; else nothing."""
    return assumed(say) if data.is_illustrative(figure) else ""


def assumed(say: Say) -> str:
    """The mark of a figure that nobody has stated."""
    return f' <span class="stamp">{escape(say("assumed"))}</span>'


def user(text: str) -> str:
    """Text that came from outside: escaped, in its own direction."""
    return f'<bdi dir="auto">{escape(text)}</bdi>'


def num(text: str) -> str:
    """A figure, which keeps its direction within any sentence."""
    return f"<bdi>{_kept_together(text)}</bdi>"


def english(text: str) -> str:
    """A sentence of the verdict, which is written in English."""
    return f'<span lang="en" dir="auto">{_kept_together(text)}</span>'


def code(text: str) -> str:
    """What is typed into a terminal, or stands in a scenario file."""
    return f'<code dir="ltr">{escape(text)}</code>'


def told(message: str, **fields: str) -> str:
    """A message with HTML in its places.

    Examples:
        >>> told("{a} & b", a="<b>1</b>")
        '<b>1</b> &amp; b'
    """
    return escape(message, quote=False).format(**fields)


def section(title: str, *parts: str, stamped: str = "") -> str:
    """A part of the page under its heading."""
    return f"<section><h2>{escape(title)}{stamped}</h2>{''.join(parts)}</section>"


def note(html: str) -> str:
    """A line of small print; empty where there is nothing to say."""
    return f"<p class=note>{html}</p>" if html else ""


def table(heads: Sequence[Head], rows: Sequence[Row]) -> str:
    """A table; on a narrow screen each row becomes a card."""
    head = "".join(
        f'<th scope="col"{_end(one.figures)}>{escape(one.text)}{one.stamp}</th>' for one in heads
    )
    body = "".join(_row(heads, one) for one in rows)
    return f'<table class="cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(heads: Sequence[Head], row: Row) -> str:
    cells = "".join(
        f'<td{_end(head.figures)} data-name="{escape(head.text)}"><span>{cell}</span></td>'
        for head, cell in zip(heads[1:], row.cells, strict=True)
    )
    kind = f' class="{row.kind}"' if row.kind else ""
    return f'<tr{kind}><th scope="row">{row.name}</th>{cells}</tr>'


def _end(figures: bool) -> str:
    return ' class="n"' if figures else ""


def _kept_together(text: str) -> str:
    """Escaped text in which no percent sign begins a line."""
    return escape(text).replace(" %", "\N{NO-BREAK SPACE}%")
