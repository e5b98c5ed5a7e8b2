"""`rixin verify`."""

from pathlib import Path

import click

from rixin.cli.options import echo, json_option, ledger_option, print_json


@click.command()
@click.argument("certificate", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--scenario",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the scenario stands. [default: above the folder of the certificate]",
)
@ledger_option
@json_option
def verify(certificate: Path, scenario: Path | None, ledger: Path | None, as_json: bool) -> int:
    """Recompute a certificate from the stored rows, and say what differs.

    Nothing is asked: the contract in the certificate is judged anew on the rows of the ledger, and
    every count, bound and decision is compared; an altered row is named.

    Exit code 0: it holds; 1: something differs.
    """
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger, quiet=True) as workspace:
        found = workspace.verify(certificate, scenario)
    if as_json:
        print_json(found.to_dict())
    else:
        echo(found.text())
    return found.exit_code
