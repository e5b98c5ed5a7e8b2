"""`rixin verify`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json

if TYPE_CHECKING:
    from rixin.workspace import Workspace


@click.command()
@click.argument(
    "certificate",
    required=False,
    metavar="[CERTIFICATE|SCENARIO]",
    type=click.Path(dir_okay=False, path_type=Path),
)
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the scenario stands. [default: above the folder of the certificate]",
)
@ledger_option
@json_option
def verify(
    certificate: Path | None, scenario: Path | None, ledger: Path | None, as_json: bool
) -> int:
    """Recompute a certificate from the stored rows, and say what differs.

    CERTIFICATE is the JSON file that a decision wrote; the name or file of a SCENARIO stands for
    its last one. Nothing is asked: the contract in the certificate is judged anew on the rows of
    the ledger, and every count, bound and decision is compared; an altered row is named.

    Exit code 0: it holds; 1: something differs.
    """
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger, quiet=True) as workspace:
        verification = workspace.verify(_certificate(certificate, workspace), scenario)
    if as_json:
        print_json(verification.to_dict())
    else:
        echo(verification.text())
    return verification.exit_code


def _certificate(argument: Path | None, workspace: "Workspace") -> Path:
    """The certificate's file: the argument itself, or that of the scenario which it names."""
    if argument is not None and argument.suffix not in {".yaml", ".yml"} and argument.exists():
        return argument
    scenario = scenario_path(None if argument is None else str(argument))
    if not scenario.exists():
        return scenario
    name = workspace.scenario_name(scenario)
    return workspace.folder_of(scenario) / f"{name}.certificate.json"
