"""Retention: what is older is removed for good, facts too, and the trail still verifies.

An entry that is removed leaves its number and its hash, so no tree head changes. The requests that
it covers go with it; an entry of its own says up to where, before anything is removed, so that a
removal that was interrupted is one that holds, and the next one ends it. Entries about verdicts,
keys, releases and what serves stay, as these do: they are few, and what they cover is told by them.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from rixin.errors import LedgerFault, UsageError
from rixin.ledger.audit import PRUNE, REMOVED, record
from rixin.ledger.audit_check import MIGRATED, check
from rixin.ledger.store import Ledger
from rixin.ledger.tables import answers, audit, feedback, requests

LEAST_DAYS = 183
_AT_ONCE = 500
"""Entries in one transaction: a gateway that runs must not wait long for its turn to write."""
_STAYS = audit.c.action.in_((PRUNE, REMOVED["action"], MIGRATED, "decision")) | or_(
    audit.c.action.startswith("key."), audit.c.action.startswith("release.")
)
"""Entries about what is still there: without them nobody could tell whether it was altered."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a retention would remove."""

    before: str
    """UTC, in the form that entries have."""
    through: int
    """The number of the last entry that is older than that, as are all before it."""
    entries: int
    requests: int


def due(ledger: Ledger, days: int, now: datetime) -> Due:
    """What is older than so many days.

    Args:
        ledger: The ledger.
        days: How long everything is kept, at least `LEAST_DAYS`.
        now: Aware time.

    Raises:
        UsageError: That is shorter than the law allows.
    """
    if days < LEAST_DAYS:
        raise UsageError(
            f"{days} days are too short: the EU's AI Act (Art. 19 and 26) asks to keep logs for"
            f" six months at least, {LEAST_DAYS} days",
            hint="what was said may go earlier: rixin audit erase --older-than DAYS",
        )
    before = (now.astimezone(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    with ledger.read() as connection:
        through = _last_before(connection, before, now)
        old = (audit.c.seq <= through, ~_STAYS)
        entries = connection.execute(select(func.count()).where(*old)).scalar_one()
        covered = func.sum(func.json_extract(audit.c.detail, "$.count"))
        rows = connection.execute(select(covered).where(*old, audit.c.action == "requests"))
        return Due(before, through, entries, int(rows.scalar() or 0))


def prune(ledger: Ledger, what: Due, *, actor: str, now: datetime) -> None:
    """Removes what is due, and says so in the trail; with nothing due it does nothing.

    Raises:
        LedgerFault: The trail does not hold: what is wrong could no longer be told afterwards.
    """
    if not what.entries:
        return
    wrong = check(ledger.path).wrong
    if wrong:
        raise LedgerFault(
            f"the trail does not hold, so nothing was removed: {wrong[0]}",
            hint="see all of it with: rixin audit verify",
        )
    facts = {"through": what.through, "before": what.before}
    facts["kept"] = _kept(ledger, what.through)
    counts = {"entries": what.entries, "requests": what.requests}
    subject = f"before {what.before}"
    record(ledger, PRUNE, subject, actor=actor, now=now, **facts, **counts)
    done = 0
    while done < what.through:
        with ledger.append() as connection:
            done = _remove_some(connection, done, what.through)
    ledger.forget()


def _kept(ledger: Ledger, through: int) -> list[int]:
    """Entries that stay, but those that an earlier removal has named: none may be emptied later."""
    named = func.max(func.json_extract(audit.c.detail, "$.through"))
    earlier = select(named).where(audit.c.action == PRUNE, audit.c.detail.contains('"kept"'))
    with ledger.read() as connection:
        after = connection.execute(earlier).scalar() or 0
        query = select(audit.c.seq).where(audit.c.seq > after, audit.c.seq <= through, _STAYS)
        staying = connection.execute(query.where(audit.c.action != REMOVED["action"]))
        return [*staying.scalars()]


def _last_before(connection: Connection, before: str, now: datetime) -> int:
    """The number of the last entry that is older, as are all before it.

    What is dated after now was written by a clock that went wrong. It is older where one that was
    written later is.
    """
    newest = now.astimezone(UTC).isoformat(timespec="milliseconds")

    def number(query: ColumnElement[Any], *where: ColumnElement[bool]) -> int | None:
        found: int | None = connection.execute(select(query).where(*where)).scalar()
        return found

    seq, at = audit.c.seq, audit.c.at
    younger = number(func.min(seq), at >= before, at <= newest)
    older = (at < before,) if younger is None else (at < before, seq < younger)
    return number(func.max(seq), *older) or 0


def _remove_some(connection: Connection, done: int, through: int) -> int:
    """Removes the next entries after `done` with their requests; gives the last one's number."""
    old = (audit.c.seq > done, audit.c.seq <= through, ~_STAYS)
    found = connection.execute(
        select(audit.c.seq, audit.c.action, audit.c.detail)
        .where(*old)
        .order_by(audit.c.seq)
        .limit(_AT_ONCE)
    ).all()
    if not found:
        return through
    last = int(found[-1].seq)
    covered = (json.loads(one.detail)["count"] for one in found if one.action == "requests")
    _remove_requests(connection, sum(covered))
    connection.execute(update(audit).where(*old, audit.c.seq <= last).values(**REMOVED))
    return last


def _remove_requests(connection: Connection, count: int) -> None:
    """Removes so many of the oldest requests, and what was said about their answers."""
    oldest = select(requests.c.seq).order_by(requests.c.seq).offset(max(count - 1, 0)).limit(1)
    last = connection.execute(oldest).scalar()
    if not count or last is None:
        return
    old = select(requests.c.id).where(requests.c.seq <= last)
    for table in (feedback, answers):
        connection.execute(delete(table).where(table.c.request_id.in_(old)))
    connection.execute(delete(requests).where(requests.c.seq <= last))
