"""`rixin runs`: what the runs of agents have spent."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rixin.cli.options import echo, json_option, ledger_option, print_json, since_option, table
from rixin.core.money import format_money, from_pico

if TYPE_CHECKING:
    from rixin.ledger.runs import Run

_HEAD = ("run", "parent", "key", "calls", "failed", "spent", "with children", "last call (UTC)")


@click.command()
@click.option("--key", metavar="KEY", help="Of the key with this id or name alone.")
@since_option
@click.option("--last", default=50, show_default=True, type=click.IntRange(1), metavar="N")
@ledger_option
@json_option
def runs(
    *, key: str | None, since: float | None, last: int, ledger: Path | None, as_json: bool
) -> int:
    """List the runs of agents, the one that was called last first, and what each has spent.

    A call belongs to a run by its header x-rixin-run, and to a parent's by x-rixin-parent-run.
    A cost that is not known counts as what was reserved for it.
    """
    from rixin.ledger.keys import find_key_ids
    from rixin.ledger.releases import currencies
    from rixin.ledger.runs import list_runs
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        opened = workspace.desk().ledger
        key_ids = None if key is None else find_key_ids(opened, key)
        found = list_runs(opened, key_ids=key_ids, since=since, most=last)
        known = currencies(opened)
    if as_json:
        print_json([_plain(one, known) for one in found])
        return 0
    if not found:
        echo("no such run; a call names one with the header x-rixin-run")
        return 0
    for line in table([_HEAD, *(_cells(one, found, known) for one in found)]):
        echo(line)
    return 0


def _cells(run: "Run", runs: Sequence["Run"], currencies: Mapping[str, str]) -> tuple[str, ...]:
    line = [one for one in runs if one.root == run.root]
    whole = sum(one.pico for one in line) if run.id == run.root and len(line) > 1 else None
    unknown = f" ({run.unknown} unknown)" if run.unknown else ""
    return (
        run.name or run.id[:12],
        run.parent or "–",
        run.key,
        f"{run.calls:,}",
        f"{run.failed:,}",
        _amount(run, run.pico, currencies) + unknown,
        "–" if whole is None else _amount(run, whole, currencies),
        f"{datetime.fromtimestamp(run.last_at, UTC):%Y-%m-%d %H:%M:%S}",
    )


def _amount(run: "Run", pico: int, currencies: Mapping[str, str]) -> str:
    """An amount with its currency, where all scenarios of the run have the same."""
    mine = {currencies.get(scenario, "") for scenario in run.scenarios}
    currency = mine.pop() if len(mine) == 1 else ""
    return format_money(from_pico(pico), currency).strip()


def _plain(run: "Run", currencies: Mapping[str, str]) -> dict[str, object]:
    plain = {name: value for name, value in run.to_dict().items() if name != "pico"}
    for name in ("first_at", "last_at"):
        moment = datetime.fromtimestamp(getattr(run, name), UTC)
        plain[name] = moment.isoformat(timespec="milliseconds")
    return {**plain, "currencies": sorted({currencies.get(one, "") for one in run.scenarios})}
