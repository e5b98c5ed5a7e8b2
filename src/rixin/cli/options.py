"""Options that several commands share: the same name, variable and help everywhere."""

import json
from collections.abc import Callable
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
