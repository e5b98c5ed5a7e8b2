"""`rixin decide` and what it shares with `rixin report`."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import (
    echo,
    json_option,
    ledger_option,
    print_json,
    quiet_option,
    scenario_argument,
)

if TYPE_CHECKING:
    from rixin.workspace import Result


@click.command()
@scenario_argument
@click.option(
    "--only", multiple=True, metavar="NAME", help="Run only this candidate; may be repeated."
)
@click.option(
    "--exhaustive",
    is_flag=True,
    help="Ask every candidate all its cases, whatever they show.",
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Where the HTML goes."
)
@ledger_option
@json_option
@quiet_option
def decide(
    scenario: str | None,
    only: tuple[str, ...],
    exhaustive: bool,
    html: Path | None,
    ledger: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Ask the candidates of a scenario, the cheapest first, and print the verdict.

    Each is asked until it is settled whether it holds the promise and pays; dearer ones that
    cannot be better are not asked at all. The verdict comes with a certificate: rixin verify.

    What is stored is never asked or paid again: run it again after an interruption, with more
    cases or with one more candidate, and only what is new is done.

    Exit code 0: adopt; 1: nothing is to be adopted; 3: stopped, run again to go on.
    """
    from rixin.workspace import Workspace

    path = scenario_path(scenario)
    with Workspace(ledger=ledger, quiet=quiet) as workspace:
        result = workspace.decide(path, only=only, exhaustive=exhaustive)
        target = html or workspace.folder_of(path) / f"{result.data.scenario}.html"
        certificate = workspace.folder_of(path) / f"{result.data.scenario}.certificate.json"
        result.write(target)
        result.write_certificate(certificate)
    show(result, as_json=as_json)
    if not as_json:
        echo(f"\nreport: {target}")
        echo(f"proof:  rixin verify {certificate}")
        echo(f"next:   {_next_step(path, result)}")
    return result.exit_code


def _next_step(path: Path, result: "Result") -> str:
    """The command that explains one case, where there is one that solvers answered differently."""
    command, differing = f"rixin explain {shlex.quote(str(path))}", result.data.differing
    if not differing:
        return f"{command} CASE   (what was answered and why; CASE is its id or a word of it)"
    case = shlex.quote(differing[0].ref or differing[0].id[:12])
    return f"{command} {case}   (why each solver answered as it did)"


def show(result: "Result", *, as_json: bool) -> None:
    """The verdict on stdout, as text as wide as the terminal or as JSON."""
    if as_json:
        print_json(result.to_dict())
        return
    live = sys.stdout.isatty()
    width = min(shutil.get_terminal_size((100, 24)).columns, 120) if live else 100
    colours = live and "NO_COLOR" not in os.environ
    echo(result.text(width=width, colour=colours), colours=colours)
