"""`rixin keys`: who may call the gateway, and how much."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from rixin.cli.options import echo, json_option, ledger_option, print_json, table
from rixin.core.key import ROLES, Key, Limits, parse_budget, parse_count


@click.group()
def keys() -> None:
    """Create, list and revoke keys of the gateway."""


@keys.command()
@click.option("--name", default="", help="What it is for.")
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    help="Name or file of what it may call. [default: all]",
)
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="caller",
    show_default=True,
    help="caller: an application, which only asks; approver: a person, who approves promotions.",
)
@click.option(
    "--budget", "budgets", multiple=True, metavar="MONEY/PERIOD", help="20/day, 300/month, 2/run."
)
@click.option(
    "--per-run",
    metavar="MONEY",
    help="What one run of an agent may cost, with its children (header x-rixin-run).",
)
@click.option(
    "--rate", "rates", multiple=True, metavar="N/PERIOD", help="Requests: 60/min, 5000/day."
)
@click.option("--tokens", multiple=True, metavar="N/PERIOD", help="Tokens: 100k/min, 2M/month.")
@click.option("--in-flight", type=click.IntRange(1), help="Requests at the same time.")
@click.option("--max-body", type=click.IntRange(1), metavar="BYTES", help="Size of a request.")
@click.option("--sensenova", is_flag=True, help="Show the access key and secret of that API.")
@ledger_option
@json_option
def create(
    *,
    name: str,
    scenarios: tuple[str, ...],
    role: str,
    budgets: tuple[str, ...],
    per_run: str | None,
    rates: tuple[str, ...],
    tokens: tuple[str, ...],
    in_flight: int | None,
    max_body: int | None,
    sensenova: bool,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Create a key. It is shown once, and only its hash is stored."""
    from rixin.workspace import Workspace

    limits = Limits(
        **_money(budgets if per_run is None else (*budgets, f"{per_run}/run")),
        **_counts("--rate", "requests", rates),
        **_counts("--tokens", "tokens", tokens),
        in_flight=in_flight,
        body_bytes=max_body,
    )
    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        scenarios = tuple(
            workspace.scenario_name(one) if one.endswith((".yaml", ".yml")) else one
            for one in scenarios
        )
        if sensenova:
            _signing_key(desk.ledger.path)  # whatever is wrong with it is told before a key is made
        secret, key = desk.create_key(name, role=role, scenarios=scenarios, limits=limits)
        known = {one.scenario for one in desk.releases()}
    for one in sorted(set(scenarios) - known):
        there = ", ".join(sorted(known)) or "none"
        echo(f"note: {one} has no release yet; scenarios with one: {there}", err=True)
    if sensenova:
        return _show_signing(key, desk.ledger.path, as_json=as_json)
    if as_json:
        print_json({"key": secret, **_plain(key)})
        return 0
    echo(secret)
    echo(f"key {key.public_id}: keep it now, it is not shown again", err=True)
    return 0


@keys.command("list")
@ledger_option
@json_option
def list_(ledger: Path | None, as_json: bool) -> int:
    """List all keys, without their secrets, with what they have spent today (UTC)."""
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        found, spent, currencies = desk.keys(), desk.spent_today(), desk.currencies()
    if as_json:
        print_json([{**_plain(one), "spent_today": spent.get(one.id, {})} for one in found])
        return 0
    if not found:
        echo("no key yet; make one with: rixin keys create --scenario NAME --budget 20/day")
        return 0
    head = ("key", "state", "role", "may call", "limits", "spent today", "name")
    rows = [head, *(_row(one, spent.get(one.id, {}), currencies) for one in found)]
    for line in table(rows):
        echo(line)
    return 0


@keys.command()
@click.argument("key")
@ledger_option
def revoke(key: str, ledger: Path | None) -> int:
    """End KEY, by its id or its name; a running gateway refuses it in a second."""
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        found = workspace.desk().revoke_key(key)
    echo(f"key {found.public_id} is revoked since {found.revoked_at}")
    return 0


def _row(key: Key, spent: Mapping[str, Decimal], currencies: Mapping[str, str]) -> tuple[str, ...]:
    limits = key.limits
    mine = {currencies.get(one, "") for one in key.scenarios or currencies}
    money = mine.pop() if len(mine) == 1 else ""
    given = (
        (_amount(money, limits.money_per_minute), "/minute"),
        (_amount(money, limits.money_per_day), "/day"),
        (_amount(money, limits.money_per_month), "/month"),
        (_amount(money, limits.money_per_run), " a run"),
        *(
            (getattr(limits, f"{what}_per_{period}"), f" {what}/{period}")
            for what in ("requests", "tokens")
            for period in ("minute", "day", "month")
        ),
        (limits.in_flight, " at once"),
        (limits.body_bytes, " bytes"),
    )
    return (
        key.public_id,
        f"revoked {key.revoked_at[:10]}" if key.revoked_at else "active",
        key.role,
        ", ".join(key.scenarios) or "all scenarios",
        ", ".join(f"{most}{unit}" for most, unit in given if most is not None) or "none",
        " + ".join(_amount(*one) or "" for one in sorted(spent.items())) or "0",
        key.name,
    )


def _amount(currency: str, amount: Decimal | None) -> str | None:
    """An amount with its currency, without digits that say nothing."""
    return None if amount is None else f"{currency} {amount.normalize():f}".strip()


def _signing_key(ledger: Path) -> bytes:
    from rixin.serve.sensenova.tokens import server_key

    return server_key(ledger)


def _show_signing(key: Key, ledger: Path, *, as_json: bool) -> int:
    from rixin.serve.sensenova.tokens import secret_of

    secret = secret_of(_signing_key(ledger), key.public_id)
    if as_json:
        print_json({"access_key_id": key.public_id, "secret_access_key": secret, **_plain(key)})
        return 0
    echo(f"SENSENOVA_ACCESS_KEY_ID={key.public_id}")
    echo(f"SENSENOVA_SECRET_ACCESS_KEY={secret}")
    return 0


def _money(budgets: tuple[str, ...]) -> dict[str, Any]:
    try:
        found = [parse_budget(one) for one in budgets]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--budget") from error
    if len(dict(found)) < len(found):
        raise click.BadParameter("one for each period", param_hint="--budget")
    return dict(found)


def _counts(option: str, what: str, given: tuple[str, ...]) -> dict[str, Any]:
    try:
        found = [parse_count(one) for one in given]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error
    if len(dict(found)) < len(found):
        raise click.BadParameter("one for each period", param_hint=option)
    return {f"{what}_per_{period}": most for period, most in found}


def _plain(key: Key) -> dict[str, object]:
    from dataclasses import asdict

    return {name: value for name, value in asdict(key).items() if name not in {"id", "hash"}}
