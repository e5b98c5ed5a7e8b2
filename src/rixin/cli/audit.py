"""`rixin audit`: the trail of everything that was done."""

from datetime import UTC, datetime
from pathlib import Path

import click

from rixin.cli.options import echo, json_option, ledger_option, print_json, since_option


@click.group()
def audit() -> None:
    """Verify and read the audit trail, erase what was said, and remove what is old."""


def _days(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    count = text.removesuffix("d")
    if not (count.isdecimal() and 0 < int(count) <= 100_000):
        raise click.BadParameter(f"{text!r} is no number of days: write it as 400d")
    return int(count)


@audit.command()
@click.option(
    "--heads",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tree heads that were kept elsewhere. [default: those beside the ledger]",
)
@ledger_option
@json_option
def verify(heads: Path | None, ledger: Path | None, as_json: bool) -> int:
    """Recompute every hash of the trail, offline; nothing of Rixin but one file is needed for it.

    Altered or missing entries and requests are named. A trail that was cut shows against the tree
    heads beside the ledger: keep a copy of that file elsewhere.

    Exit code 0: it holds; 1: something does not; 4: whether it was cut cannot be told.
    """
    import sqlite3

    from rixin.errors import LedgerFault
    from rixin.ledger.aside import aside_file, count_aside
    from rixin.ledger.audit_check import OLDER, check

    place = ledger or Path(".rixin") / "ledger.sqlite3"
    try:
        found = check(place, heads)
    except (OSError, sqlite3.Error) as error:
        raise LedgerFault(
            f"the ledger cannot be read: {error}", hint="name it with --ledger"
        ) from error
    entries, rows, wrong, removed, older, untold = found
    if as_json:
        seen = {"entries": entries, "removed": removed, "requests": rows, "older": older}
        seen["set_aside"] = count_aside(place)
        holds = None if untold and not wrong else not wrong
        print_json({**seen, "holds": holds, "wrong": wrong, "cannot_be_told": list(untold)})
        return found.exit_code
    for line in [*(f"✗ {one}" for one in wrong[:20]), *(f"? {one}" for one in untold)]:
        echo(line)
    if older:
        echo(f"{older:,} {OLDER}")
    if aside := count_aside(place):
        echo(f"{aside:,} rows that the ledger did not take are in {aside_file(place)}")
    more = f"; {len(wrong) - 20} more (--json shows all)" if len(wrong) > 20 else ""
    gone = f" ({removed:,} of them removed by retention)" if removed else ""
    echo(f"{entries:,} entries{gone}, {rows:,} requests: the trail {found.verdict}{more}")
    return found.exit_code


@audit.command()
@click.option("--last", default=20, show_default=True, type=click.IntRange(1), metavar="N")
@since_option
@click.option(
    "--action",
    "actions",
    multiple=True,
    metavar="WORD",
    help="Actions that begin so: release, key.revoke. [default: all]",
)
@click.option("--actor", metavar="NAME", help="What this one did: a user, gateway, key 3.")
@click.option("--no-traffic", is_flag=True, help="Leave out requests and feedback.")
@ledger_option
@json_option
def log(
    *,
    last: int,
    since: float | None,
    actions: tuple[str, ...],
    actor: str | None,
    no_traffic: bool,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Show the last entries: who did what, when."""
    import json

    from rixin.ledger.audit import REMOVED, entries
    from rixin.report.columns import one_line
    from rixin.workspace import Workspace

    with Workspace(ledger=ledger) as workspace:
        found = entries(
            workspace.desk().ledger,
            last,
            actions=actions,
            actor=actor,
            since=since,
            traffic=not no_traffic,
        )
    if as_json:
        print_json(found)
        return 0
    for one in found:
        if one["action"] == REMOVED["action"]:
            day = one["detail"]["removed_at"][:10]
            echo(f"entry {one['seq']}: removed by retention on {day}; its hash is kept")
            continue
        echo(
            one_line(
                f"{one['at']}  {one['actor']:<10} {one['action']:<16} {one['subject']}"
                f"  {json.dumps(one['detail'], ensure_ascii=False)}"
            )
        )
    return 0


@audit.command()
@click.argument("requests", nargs=-1)
@click.option("--older-than", callback=_days, metavar="DAYS", help="All that is older: 200d.")
@ledger_option
def erase(requests: tuple[str, ...], older_than: int | None, ledger: Path | None) -> int:
    """Remove for good what was said in REQUESTS; facts, hashes and the trail stay and verify.

    Facts go only with rixin audit prune.
    """
    from rixin.ledger.requests import erase_content, erase_older
    from rixin.workspace import Workspace

    if bool(requests) == (older_than is not None):
        raise click.UsageError("name requests, or give --older-than DAYS")
    now = datetime.now(UTC)
    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        if older_than is None:
            done = erase_content(desk.ledger, requests, actor=desk.actor, now=now)
        else:
            moment = now.timestamp() - 86_400 * older_than
            done = erase_older(desk.ledger, moment, actor=desk.actor, now=now)
    echo(f"erased what was said in {done:,} requests")
    return 0 if done or older_than is not None else 1


@audit.command()
@click.option(
    "--older-than",
    callback=_days,
    required=True,
    metavar="DAYS",
    help="How long all is kept, at least 183d: 400d.",
)
@click.option("--yes", is_flag=True, help="Remove it. [default: only say how much it is]")
@ledger_option
@json_option
def prune(older_than: int, yes: bool, ledger: Path | None, as_json: bool) -> int:
    """Remove for good what is older: requests with their facts, and the trail's entries.

    Without it everything is kept for ever. Entries leave their hashes, so the trail still
    verifies, and what was removed, up to when and by whom is an entry itself. The EU's AI Act
    (Art. 19 and 26) asks to keep logs for six months at least: less than 183 days is refused.
    """
    from dataclasses import asdict

    from rixin.ledger import retention
    from rixin.workspace import Workspace

    now = datetime.now(UTC)
    with Workspace(ledger=ledger) as workspace:
        desk = workspace.desk()
        what = retention.due(desk.ledger, older_than, now)
        if not as_json:
            echo(
                f"before {what.before[:19]} UTC: {what.requests:,} requests,"
                f" {what.entries:,} entries of the trail"
            )
        if yes:
            retention.prune(desk.ledger, what, actor=desk.actor, now=now)
    removed = yes and what.entries > 0
    if as_json:
        print_json({**asdict(what), "removed": removed})
    elif removed:
        echo("removed; the hashes of the entries stay, and the trail says so")
    elif what.entries:
        echo("nothing was removed yet: add --yes")
    return 0
