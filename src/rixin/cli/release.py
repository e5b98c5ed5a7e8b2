"""`rixin release`."""

from pathlib import Path
from typing import Any

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json, scenario_argument


@click.command()
@scenario_argument
@click.option("--force", is_flag=True, help="Release what the verdict does not adopt; marked so.")
@click.option("--solver", help="With --force: the candidate. [default: the verdict's]")
@click.option(
    "--accept-assumptions",
    is_flag=True,
    help="The owner accepts figures for money that nobody has stated; the trail says so.",
)
@click.option("--list", "listing", is_flag=True, help="List the releases instead.")
@ledger_option
@json_option
def release(
    *,
    scenario: str | None,
    force: bool,
    solver: str | None,
    accept_assumptions: bool,
    listing: bool,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Turn the latest certified verdict into the next release of the scenario.

    A release never changes: it holds the contract, the certificate and the version of the solver.
    Nothing serves it before rixin promote.

    A scenario file that has changed since the verdict is to be decided on first. Where nothing has
    changed since the newest release, no new one is made.

    Exit code 1: the verdict adopts nothing, or its certificate does not hold any more.
    """
    from rixin.interop.contract.load import load_scenario
    from rixin.workspace import Workspace

    path = scenario_path(scenario)
    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk(path)
        name = load_scenario(path).name
        before = desk.newest(name)
        given: dict[str, Any] = {"force": force, "solver": solver}
        given["accept_assumptions"] = accept_assumptions
        found = desk.releases(name) if listing else [desk.release(path, **given)]
        pointer = desk.pointer(name)
    if as_json:
        print_json([_plain(one) for one in found])
        return 0
    for one in found:
        mark = "certified" if one.certified else "NOT certified: forced"
        live = " · live" if pointer is not None and pointer.live == one.number else ""
        echo(
            f"{one.scenario}@{one.number}: {one.solver}, {mark}, {one.created_at},"
            f" by {one.created_by}{live}"
        )
    if listing and not found:
        echo(f"{name} has no release yet; make one with: rixin release {path}")
    if not listing and before is not None and found[0].number == before.number:
        echo("nothing has changed since this release: no new one was made")
    if not listing:
        echo(f"next: rixin promote {path}   # lets it serve")
    return 0


_LONG = frozenset({"contract", "certificate", "frozen"})


def _plain(one: object) -> dict[str, object]:
    from dataclasses import fields

    assert hasattr(one, "__dataclass_fields__")
    kept = [field.name for field in fields(one) if field.name not in _LONG]  # type: ignore[arg-type]
    return {name: getattr(one, name) for name in kept}
