"""What stands in the HTML page from outside: text, figures and sentences, escaped and marked."""

from html import escape

from rixin.report.data import ReportData
from rixin.report.svg import Say


def stamp(data: ReportData, figure: str, say: Say) -> str:
    """Says of a figure that it is a default and not the user's; else nothing."""
    if not data.is_illustrative(figure):
        return ""
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


def _kept_together(text: str) -> str:
    """Escaped text in which no percent sign begins a line."""
    return escape(text).replace(" %", "\N{NO-BREAK SPACE}%")
