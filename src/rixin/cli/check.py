"""`rixin check`: the contract, the demand score, and what a decision will cost."""

from pathlib import Path

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json, scenario_argument


@click.command()
@scenario_argument
@ledger_option
@json_option
def check(scenario: str | None, ledger: Path | None, as_json: bool) -> int:
    """Check a scenario: every mistake at once, with line, reason and mend.

    Shows whether the job is worth a decision at all, and what the decision will cost at most.
    No solver is called.
    """
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        found = workspace.check(scenario_path(scenario))
    if as_json:
        print_json(found.to_dict())
    else:
        echo(found.text())
    return found.exit_code
