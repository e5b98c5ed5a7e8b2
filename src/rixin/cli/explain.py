"""`rixin explain`: one case, and what each solver made of it."""

from pathlib import Path

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import json_option, ledger_option, print_json


@click.command()
@click.argument("arguments", nargs=-1, metavar="[SCENARIO] CASE|REQUEST_ID")
@ledger_option
@json_option
def explain(arguments: tuple[str, ...], ledger: Path | None, as_json: bool) -> int:
    """Show what each solver said to one case, its score, cost, latency, confidence, and why.

    CASE is its own id, its line in the file (e.g. "line 12"), the beginning of its hash as
    reports show it, or a word of its text.

    A request of the gateway is explained by its id, as the header x-rixin-request-id says it:
    rixin explain req_….
    """
    from rixin.workspace import Workspace

    if len(arguments) == 1 and arguments[0].startswith("req_"):
        return _request(arguments[0], ledger, as_json=as_json)
    if not 1 <= len(arguments) <= 2:
        raise click.UsageError("name one case: rixin explain [SCENARIO] CASE")
    path = scenario_path(arguments[0] if len(arguments) == 2 else None)
    with Workspace(ledger=ledger) as workspace:
        explanation = workspace.explain(path, arguments[-1])
    if as_json:
        print_json(explanation.to_json())
    else:
        click.echo(explanation.text())
    return 0


def _request(request_id: str, ledger: Path | None, *, as_json: bool) -> int:
    from rixin.ledger.requests import find_request
    from rixin.report.request import explain_request
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        found = find_request(workspace.desk().ledger, request_id)
    if as_json:
        print_json(found)
    else:
        click.echo(explain_request(found))
    return 0
