"""`rixin inbox`: what waits for people."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json, table

_LONGEST = 60


@click.group(invoke_without_command=True)
@ledger_option
@json_option
@click.pass_context
def inbox(context: click.Context, *, ledger: Path | None, as_json: bool) -> int | None:
    """List, show and answer the cases that wait for people. Without a command: list."""
    if context.invoked_subcommand is None:
        code: int = context.invoke(list_, ledger=ledger, as_json=as_json)
        return code
    if as_json or context.get_parameter_source("ledger") is ParameterSource.COMMANDLINE:
        raise click.UsageError("write options behind the command: rixin inbox list --json")
    return None


@inbox.command("list")
@click.option("--scenario", help="Name or file of the only one wanted.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1), metavar="N")
@ledger_option
@json_option
def list_(scenario: str | None, most: int, ledger: Path | None, as_json: bool) -> int:
    """List what waits, the oldest first."""
    from rixin.ledger.keys import list_keys
    from rixin.ledger.people import waiting
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        if scenario is not None:
            scenario = workspace.scenario_name(scenario_path(scenario))
        found, count = waiting(desk.ledger, scenario=scenario, most=most)
        names = {0: "rixin apply"} | {
            one.id: one.name or one.public_id for one in list_keys(desk.ledger)
        }
    cases = [{**one, "at": _time(one["at"]), "key": names.get(one.pop("key_id"))} for one in found]
    if as_json:
        print_json({"waiting": count, "cases": cases})
        return 0
    if not cases:
        echo("nothing waits for people")
        return 0
    head = ("waits since (UTC)", "request", "release", "key", "case")
    for line in table([head, *map(_cells, cases)]):
        echo(line)
    more = f"{count - len(cases):,} more; " * (count > len(cases))
    echo(f"{more}next: rixin inbox answer {cases[0]['id']} ANSWER")
    return 0


@inbox.command()
@click.argument("request_id", metavar="REQUEST")
@ledger_option
@json_option
def show(request_id: str, ledger: Path | None, as_json: bool) -> int:
    """Show a case: its whole input, what the solvers said, and what may be answered."""
    from rixin.ledger.requests import find_request
    from rixin.report.request import explain_request
    from rixin.workspace import Workspace
    from rixin.workspace.people import contract_of, labels_for

    with Workspace(ledger=ledger) as workspace:
        opened = workspace.desk().ledger
        found = find_request(opened, request_id)
        labels: tuple[str, ...] = ()
        task = ""
        if found["release"] is not None:
            scenario, release = contract_of(opened, found)
            labels, task = labels_for(opened, scenario, release), scenario.task
    if as_json:
        print_json({**found, "task": task, "labels": labels})
        return 0
    echo(explain_request(found))
    if found["content"] is not None:
        echo(f"\n{found['content']['input']}\n")
    echo(f"task:      {task}")
    if labels:
        echo(f"labels:    {', '.join(labels)}")
    return 0


@inbox.command()
@click.argument("request_id", metavar="REQUEST")
@click.argument("answer", required=False)
@click.option("--any-form", is_flag=True, help="Take what is no label, or has another form.")
@click.option("--elsewhere", is_flag=True, help="It was answered elsewhere: keep no answer.")
@ledger_option
@json_option
def answer(
    *,
    request_id: str,
    answer: str | None,
    any_form: bool,
    elsewhere: bool,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Answer a case; ANSWER is a text, or - to read it from the standard input.

    It becomes the answer of the request, which its caller gets with GET /v1/requests/REQUEST, and
    a label (feedback with what is right). It must have the form that the contract declares, passes the
    guards on what is kept, and can be erased with rixin audit erase. An answer is not changed.
    """
    from rixin.workspace import Workspace
    from rixin.workspace.people import answer_request

    if (answer is None) != elsewhere:
        raise click.UsageError("give an ANSWER, or --elsewhere")
    if answer == "-":
        answer = sys.stdin.read().rstrip("\n")
    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        kept = answer_request(desk.ledger, request_id, answer, by=desk.actor, any_form=any_form)
    if as_json:
        print_json({"id": request_id, "state": "answered", "output": kept})
    else:
        echo(f"{request_id} is answered{'' if kept is None else f': {kept}'}")
    return 0


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    said = "(not kept, or erased)" if one["input"] is None else " ".join(one["input"].split())
    short = f"{said[: _LONGEST - 1]}…" if len(said) > _LONGEST else said
    return (
        one["at"][:19].replace("T", " "),
        one["id"],
        f"{one['scenario']}@{one['release']}",
        one["key"] or "–",
        short,
    )
