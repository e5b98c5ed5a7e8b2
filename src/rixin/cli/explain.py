"""`rixin explain`: one case, and what each solver made of it."""

import re
from pathlib import Path

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json

_REQUEST = re.compile(r"req_[0-9a-f]{32}")


@click.command()
@click.argument("arguments", nargs=-1, metavar="[SCENARIO] CASE|REQUEST_ID")
@click.option("--prompt", "prompts", is_flag=True, help="Show the prompts as they are sent, too.")
@ledger_option
@json_option
def explain(
    *, arguments: tuple[str, ...], prompts: bool, ledger: Path | None, as_json: bool
) -> int:
    """Show what each solver said to one case, its score, cost, latency, confidence, and why.

    CASE is its own id, its line in the file (e.g. "line 12"), the beginning of its hash as
    reports show it, or a word of its text.

    A request of the gateway is explained by its id, as the header x-rixin-request-id says it:
    rixin explain req_…. It says which solver answered, with what confidence and threshold, why each
    step was passed on, what guards found, tokens, cost, release and certificate.
    """
    from rixin.workspace import Workspace

    if not 1 <= len(arguments) <= 2:
        raise click.UsageError("name one case: rixin explain [SCENARIO] CASE")
    if _REQUEST.fullmatch(arguments[-1]) or (arguments[0].startswith("req_") and not arguments[1:]):
        return _request(arguments, ledger, prompts=prompts, as_json=as_json)
    path = scenario_path(arguments[0] if len(arguments) == 2 else None)
    with Workspace(ledger=ledger) as workspace:
        explanation = workspace.explain(path, arguments[-1])
    if as_json:
        print_json(explanation.to_dict(prompts=prompts))
    else:
        echo(explanation.text(prompts=prompts))
    return 0


def _request(
    arguments: tuple[str, ...], ledger: Path | None, *, prompts: bool, as_json: bool
) -> int:
    from rixin.ledger.requests import find_request
    from rixin.report.explain import messages_json, messages_lines
    from rixin.report.request import explain_request
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk(*arguments[:-1])
        found = find_request(desk.ledger, arguments[-1])
        sent = desk.prompts(found) if prompts else {}
    if as_json:
        shown = {name: messages_json(messages) for name, messages in sent.items()}
        print_json({**found, **({"prompts": shown} if prompts else {})})
        return 0
    echo(explain_request(found))
    for name, messages in sent.items():
        echo("\n".join(["", f"prompt of {name}", *messages_lines(messages)]))
    if prompts and not sent:
        echo("prompt:    no solver with a prompt was asked, or what was asked is not kept")
    return 0
