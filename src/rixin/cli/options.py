"""Options that several commands share: the same name, variable and help everywhere."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def scenario_argument(function: F) -> F:
    """The scenario file; without it the only one in this folder."""
    return click.argument("scenario", required=False, type=click.Path(dir_okay=False))(function)


def ledger_option(function: F) -> F:
    """Where outcomes are stored."""
    return click.option(
        "--ledger",
        envvar="RIXIN_LEDGER",
        show_envvar=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="The ledger file. [default: .rixin/ledger.sqlite3 beside the scenario]",
    )(function)


def json_option(function: F) -> F:
    """Machine-readable output."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def since_option(function: F) -> F:
    """What is older is left out."""
    return click.option(
        "--since",
        callback=_moment,
        metavar="TIME",
        help="Leave out what is older: 30m, 12h, 7d, 2026-11-01, or 2026-11-01T08:00 (UTC).",
    )(function)


_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """Seconds since the epoch that a time or a span before now means."""
    from datetime import UTC, datetime

    if text is None:
        return None
    count, unit = text[:-1], text[-1:]
    if unit in _UNITS and count.isdecimal() and len(count) < 9:
        return datetime.now(UTC).timestamp() - int(count) * _UNITS[unit]
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time: write 30m, 12h, 7d or 2026-11-01T08:00"
        ) from None


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with columns as wide as they must be, each on one line of a terminal."""
    from rixin.report.columns import one_line

    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        one_line(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def quiet_option(function: F) -> F:
    """No progress."""
    return click.option(
        "-q", "--quiet", envvar="RIXIN_QUIET", is_flag=True, help="No progress on stderr."
    )(function)


def echo(text: str = "", *, err: bool = False, colours: bool = False) -> None:
    """Prints what a command says: nothing in it acts on the terminal but our own colours."""
    from rixin.report.columns import printable

    click.echo(printable(text, colours=colours), err=err)


def print_json(value: object) -> None:
    """One JSON object on stdout; decimals as strings, so that no digit is lost."""
    from rixin.report.columns import printable_json

    click.echo(printable_json(json.dumps(value, ensure_ascii=False, indent=2, default=str)))
