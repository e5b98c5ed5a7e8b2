"""`rixin keys`: who may call the gateway, and how much."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from rixin.cli.options import echo, json_option, ledger_option, print_json, table
from rixin.core.key import ROLES, Key, Limits, parse_budget, parse_count, parse_lifetime
from rixin.core.money import format_money


@click.group()
def keys() -> None:
    """Create, list, rotate and revoke keys of the gateway."""


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
@click.option(
    "--expires", metavar="SPAN", help="When it ends by itself: 90d, 12h. [default: never]"
)
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
    expires: str | None,
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
    lifetime = _span("--expires", expires)
    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        scenarios = tuple(
            workspace.scenario_name(one) if one.endswith((".yaml", ".yml")) else one
            for one in scenarios
        )
        if sensenova:
            _signing_key(desk.ledger.path)  # whatever is wrong with it is told before a key is made
        secret, key = desk.create_key(
            name, role=role, scenarios=scenarios, limits=limits, lifetime=lifetime
        )
        known = {one.scenario for one in desk.releases()}
    for one in sorted(set(scenarios) - known):
        there = ", ".join(sorted(known)) or "none"
        echo(f"note: {one} has no release yet; scenarios with one: {there}", err=True)
    if sensenova:
        return _show_signing(key, desk.ledger.path, as_json=as_json)
    return _show(secret, key, as_json=as_json)


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


@keys.command()
@click.argument("key")
@click.option(
    "--grace",
    default="7d",
    show_default=True,
    metavar="SPAN",
    help="How long the secret of before still holds; 0: it ends at once.",
)
@click.option(
    "--expires",
    metavar="SPAN",
    help="When the new secret ends by itself. [default: after as long as the one before]",
)
@click.option("--sensenova", is_flag=True, help="Show the access key and secret of that API.")
@ledger_option
@json_option
def rotate(
    *,
    key: str,
    grace: str,
    expires: str | None,
    sensenova: bool,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Give KEY, named by its id or its name, a new secret.

    Both secrets work until the grace is over; limits, budgets and history stay those of the key.
    """
    from rixin.workspace import Workspace

    span = timedelta() if grace == "0" else _span("--grace", grace) or timedelta()
    lifetime = _span("--expires", expires)
    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        if sensenova:
            _signing_key(desk.ledger.path)
        secret, rotated = desk.rotate_key(key, grace=span, lifetime=lifetime)
    if sensenova:
        return _show_signing(rotated, desk.ledger.path, as_json=as_json)
    return _show(secret, rotated, as_json=as_json)


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
        _state(key, datetime.now(UTC).isoformat(timespec="seconds")),
        key.role,
        ", ".join(key.scenarios) or "all scenarios",
        ", ".join(f"{most}{unit}" for most, unit in given if most is not None) or "none",
        " + ".join(format_money(paid, unit).strip() for unit, paid in sorted(spent.items())) or "0",
        key.name,
    )


def _state(key: Key, now: str) -> str:
    """Whether it works, and until when."""
    if key.revoked_at:
        return f"revoked {key.revoked_at[:10]}"
    *earlier, last = key.ends()
    if last is not None and last <= now:
        return f"expired {last[:10]}"
    state = "active" if last is None else f"until {last[:10]}"
    grace = max((end for end in earlier if end is not None and end > now), default=None)
    return state if grace is None else f"{state}, earlier secret until {grace[:10]}"


def _amount(currency: str, amount: Decimal | None) -> str | None:
    """An amount with its currency, without digits that say nothing."""
    return None if amount is None else f"{currency} {amount.normalize():f}".strip()


def _signing_key(ledger: Path) -> bytes:
    from rixin.serve.sensenova.tokens import server_key

    return server_key(ledger)


def _show_signing(key: Key, ledger: Path, *, as_json: bool) -> int:
    from rixin.serve.sensenova.tokens import secret_of

    secret = secret_of(_signing_key(ledger), key.public_id, len(key.secrets) - 1)
    if as_json:
        print_json({"access_key_id": key.public_id, "secret_access_key": secret, **_plain(key)})
        return 0
    echo(f"SENSENOVA_ACCESS_KEY_ID={key.public_id}")
    echo(f"SENSENOVA_SECRET_ACCESS_KEY={secret}")
    return 0


def _show(secret: str, key: Key, *, as_json: bool) -> int:
    if as_json:
        print_json({"key": secret, **_plain(key)})
        return 0
    echo(secret)
    until = "" if key.expires_at is None else f"; it ends at {key.expires_at}"
    echo(f"key {key.public_id}: keep it now, it is not shown again{until}", err=True)
    *earlier, _ = key.ends()
    if earlier and earlier[-1] is not None:
        echo(f"the secret before it ends at {earlier[-1]}", err=True)
    return 0


def _span(option: str, text: str | None) -> timedelta | None:
    try:
        return None if text is None else parse_lifetime(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


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

    secrets = [
        {"made_at": one.made_at, "ends_at": end}
        for one, end in zip(key.secrets, key.ends(), strict=True)
    ]
    plain = {name: value for name, value in asdict(key).items() if name not in {"id", "hash"}}
    return {**plain, "expires_at": key.expires_at, "secrets": secrets}
