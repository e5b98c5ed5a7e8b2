"""`rixin requests`: what was asked of the gateway."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, ledger_option, since_option, table
from rixin.core.money import format_money

if TYPE_CHECKING:
    from rixin.ledger.store import Ledger
    from rixin.ledger.traffic import Wanted

_STATES = ("answered", "refused", "failed", "queued", "cancelled")
_LOOK_S = 0.5
_AT_ONCE = 1_000
_HEAD = (
    "time (UTC)",
    "request",
    "key",
    "release",
    "solver",
    "state",
    "HTTP",
    "cost",
    "ms",
    "tokens",
)


@click.command()
@click.option("--scenario", help="Name or file of the only one wanted.")
@click.option("--key", metavar="KEY", help="Of the key with this id or name alone.")
@click.option("--state", type=click.Choice(_STATES), help="queued: it waits for people.")
@since_option
@click.option("--last", default=50, show_default=True, type=click.IntRange(1), metavar="N")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@ledger_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def requests(
    *,
    scenario: str | None,
    key: str | None,
    state: str | None,
    since: float | None,
    last: int,
    follow: bool,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """List the last requests of the gateway, the newest at the end.

    Costs are in the scenario's currency; what was said is shown by rixin explain REQUEST.
    """
    from rixin.ledger.keys import find_key_ids
    from rixin.ledger.releases import currencies
    from rixin.ledger.traffic import Wanted, list_requests, newest_number
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        opened = workspace.desk().ledger
        if scenario is not None:
            scenario = workspace.scenario_name(scenario_path(scenario))
        key_ids = None if key is None else find_key_ids(opened, key)
        wanted = Wanted(scenario=scenario, key_ids=key_ids, state=state, since=since)
        show = _as_json if as_json else _Lines()
        newest = newest_number(opened)
        found = list_requests(opened, wanted, last=last)
        known = currencies(opened)
        for line in show([_plain(one, known) for one in found]):
            echo(line)
        if not found and not follow and not as_json:
            echo("no such request", err=True)
        if follow:
            newest = max([newest, *(one["seq"] for one in found)])
            with suppress(KeyboardInterrupt):  # it is how it ends
                _follow(opened, wanted, newest, show)
    return 0


def _follow(
    ledger: "Ledger",
    wanted: "Wanted",
    newest: int,
    show: Callable[[list[dict[str, Any]]], Iterator[str]],
) -> None:
    """Prints what is stored after a number, for as long as nobody ends it."""
    from rixin.ledger.releases import currencies
    from rixin.ledger.traffic import list_requests

    while True:
        found = list_requests(ledger, wanted, last=_AT_ONCE, after=newest)
        if found:
            known = currencies(ledger)
            for line in show([_plain(one, known) for one in found]):
                echo(line)
            newest = found[-1]["seq"]
        if len(found) < _AT_ONCE:
            time.sleep(_LOOK_S)


def _plain(row: Mapping[str, Any], currencies: Mapping[str, str]) -> dict[str, Any]:
    """A request as it is told: its time as text, its cost as an amount."""
    cost, release = row["cost_pico"], row["release"]
    at = datetime.fromtimestamp(row["at"], UTC).isoformat(timespec="milliseconds")
    return {
        "id": row["id"],
        "at": at,
        "key": row["key"],
        "key_name": row["key_name"],
        "scenario": row["scenario"],
        "release": None if release is None else f"{row['scenario']}@{release}",
        "solver": row["solver"],
        "state": row["state"],
        "status": row["status"],
        "cost": None if cost is None else f"{Decimal(cost).scaleb(-12).normalize():f}",
        "currency": currencies.get(row["scenario"], ""),
        "latency_s": row["latency_s"],
        "input_tokens": row["input_tokens"],
        "output_tokens": row["output_tokens"],
        "surface": row["surface"],
    }


def _as_json(rows: list[dict[str, Any]]) -> Iterator[str]:
    from rixin.report.columns import printable_json

    yield from (printable_json(json.dumps(one, ensure_ascii=False)) for one in rows)


class _Lines:
    """Rows as lines; the head stands above the first ones."""

    def __init__(self) -> None:
        self._head: tuple[tuple[str, ...], ...] = (_HEAD,)

    def __call__(self, rows: list[dict[str, Any]]) -> Iterator[str]:
        head, self._head = (self._head, ()) if rows else ((), self._head)
        if rows:
            yield from table([*head, *map(_cells, rows)])


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    cost = None if one["cost"] is None else Decimal(one["cost"])
    return (
        one["at"][:-6].replace("T", " "),
        one["id"],
        one["key_name"] or one["key"] or "–",
        one["release"] or one["scenario"] or "–",
        one["solver"] or "–",
        "waits" if one["state"] == "queued" else one["state"],
        str(one["status"]),
        format_money(cost, one["currency"]).strip(),
        f"{one['latency_s'] * 1e3:,.1f}",
        f"{one['input_tokens']:,} + {one['output_tokens']:,}",
    )
