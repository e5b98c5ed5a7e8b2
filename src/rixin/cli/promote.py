"""`rixin promote` and `rixin rollback`: which release serves."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json
from rixin.core.release import Pointer

if TYPE_CHECKING:
    from rixin.workspace.releasing import Desk


_PROVED = "proved by their key, which the trail names; who promotes is who RIXIN_ACTOR says"
_CLAIMED = "a name that was given: nothing proves it, and the trail says so"


@click.command()
@click.argument("scenario", type=click.Path(dir_okay=False))
@click.argument("number", type=click.IntRange(1, 10**9), required=False)
@click.option("--canary", type=int, metavar="PERCENT", help="Only this part of the traffic.")
@click.option(
    "--key-file",
    type=click.File(encoding="utf-8", errors="replace"),
    help="The second person's key, in a file; - is stdin. [default: RIXIN_APPROVER_KEY]",
)
@click.option("--approved-by", default="", help="A name for the trail: nothing proves it.")
@ledger_option
@json_option
def promote(
    scenario: str,
    number: int | None,
    canary: int | None,
    key_file: TextIO | None,
    approved_by: str,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Let release NUMBER of SCENARIO serve; without a number the newest.

    A running gateway takes it up within a second, and no request is lost. With --canary 5, then
    25, then without it, the release takes over step by step.

    Where the scenario says policy.second_person, somebody else than who made the release proves it
    with their key of role approver or admin; the trail keeps the key's name. A key of an
    application approves nothing, and neither does a name that nothing proves.
    """
    from rixin.workspace import Workspace
    from rixin.workspace.releasing import next_share

    key = _key(key_file)
    if key and approved_by:
        raise click.UsageError("a key names its owner: leave out --approved-by")
    with Workspace(ledger=ledger) as workspace:
        desk, name = workspace.desk(scenario), workspace.scenario_name(scenario_path(scenario))
        pointer = desk.promote(name, number, canary=canary, approved_by=approved_by, key=key)
        forced = _forced(desk, name)
    _show(pointer, forced, as_json=as_json)
    if not as_json and (key or approved_by):
        echo(f"second person: {_PROVED if key else f'{approved_by}, {_CLAIMED}'}")
    if pointer.canary is not None and not as_json:
        share = next_share(pointer)
        more = "" if share is None else f" --canary {share}"
        echo(f"next: rixin promote {scenario} {pointer.canary}{more}")
    elif not as_json:
        echo("next: rixin serve   # one that runs already follows within a second")
    return 0


def _key(file: TextIO | None) -> str:
    if file is None:
        return os.environ.get("RIXIN_APPROVER_KEY", "").strip()
    key = file.read().strip()
    if not key:
        raise click.BadParameter("there is no key in it", param_hint="--key-file")
    return key


@click.command()
@click.argument("scenario", type=click.Path(dir_okay=False))
@click.argument("number", type=click.IntRange(1, 10**9), required=False)
@ledger_option
@json_option
def rollback(scenario: str, number: int | None, ledger: Path | None, as_json: bool) -> int:
    """End a canary, or let the release before serve SCENARIO again.

    The last three releases stay warm in a running gateway: going back takes a second.
    """
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        desk, name = workspace.desk(scenario), workspace.scenario_name(scenario_path(scenario))
        pointer, forced = desk.rollback(name, number), _forced(desk, name)
    _show(pointer, forced, as_json=as_json)
    return 0


def _forced(desk: "Desk", name: str) -> set[int | None]:
    return {one.number for one in desk.releases(name) if not one.certified}


def _show(pointer: Pointer, forced: set[int | None], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "scenario": pointer.scenario,
                "live": pointer.live,
                "certified": pointer.live not in forced,
                "canary": pointer.canary,
                "share": pointer.share,
            }
        )
        return
    mark = " (NOT certified: forced)"
    live = mark if pointer.live in forced else ""
    canary = ""
    if pointer.canary is not None:
        known = mark if pointer.canary in forced else ""
        canary = f"; {pointer.share} % goes to release {pointer.canary} (canary){known}"
    echo(f"{pointer.scenario}: release {pointer.live} serves{live}{canary}")
