"""`rixin doctor`: what works on this machine, what does not, and what to do."""

from pathlib import Path

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json, scenario_argument


@click.command()
@scenario_argument
@click.option(
    "--send-keys",
    is_flag=True,
    help="Send keys also to hosts that are not known as their providers: the scenario chose them.",
)
@ledger_option
@json_option
def doctor(scenario: str | None, send_keys: bool, ledger: Path | None, as_json: bool) -> int:
    """Check keys, endpoints, prices and their date, models, disk and database.

    With a scenario its endpoints, keys and models are checked too. A key is sent only to its
    provider or to this machine: rixin check says which key goes where. Exit code 4: something that
    is needed does not work.
    """
    from rixin.workspace import Workspace

    path = scenario_path(scenario) if scenario else None
    with Workspace(ledger=ledger) as workspace:
        findings = workspace.doctor(path, send_keys=send_keys)
    if as_json:
        print_json([finding.to_dict() for finding in findings])
    else:
        for finding in findings:
            echo(finding.text())
    return 4 if any(finding.state == "bad" for finding in findings) else 0
