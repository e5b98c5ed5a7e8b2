"""The audit trail: entries that each carry the hash of the one before, and tree heads over all.

An entry's bytes are its fields as JSON; its hash covers them and the hash before. A tree head
(RFC 6962) of the whole trail is kept in the ledger and, from time to time, in a file beside it:
who keeps a copy of that file sees when the trail was cut or rewritten.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from rixin.core.merkle import Frontier, leaf_hash
from rixin.ledger.private import opener
from rixin.ledger.store import Ledger
from rixin.ledger.tables import audit, meta

GENESIS = "0" * 64
FIELDS = ("seq", "at", "actor", "action", "subject", "detail", "previous")
REMOVED = {
    "at": "",
    "actor": "",
    "action": "removed",
    "subject": "",
    "detail": "{}",
    "previous": "",
}
"""What is left of an entry that retention removed, beside its number and its hash."""
PRUNE = "retention.prune"
"""The action of an entry that says what retention removed."""
TRAFFIC = ("requests", "feedback")
"""Actions of callers, which change nothing that a gateway goes by."""
_log = logging.getLogger("rixin.ledger")
_FRONTIER = "audit_frontier"
# Built once: a gateway under load appends an entry twenty times a second.
_LAST = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
_APPEND = insert(audit)
_HEAD = select(meta.c.value).where(meta.c.name == _FRONTIER)
_MOVE = update(meta).where(meta.c.name == _FRONTIER).values(value=bindparam("written"))


def record(
    ledger: Ledger,
    action: str,
    subject: str,
    *,
    actor: str,
    now: datetime,
    **detail: Any,
) -> int:
    """Appends one entry and a tree head in the file beside the ledger; gives its number.

    Args:
        ledger: The ledger.
        action: A stable word, like `key.create`.
        subject: What it was done to.
        actor: Who did it.
        now: Aware time.
        **detail: Further facts, as values that `json.dumps` takes.
    """
    with ledger.append() as connection:
        number = record_in(connection, action, subject, actor=actor, now=now, detail=detail)
        head = _frontier(connection)
    write_head(ledger, head, now)
    return number


def record_in(
    connection: Connection,
    action: str,
    subject: str,
    *,
    actor: str,
    now: datetime,
    detail: Mapping[str, Any],
) -> int:
    """The same inside a transaction that began with `Ledger.append`."""
    last = connection.execute(_LAST).first()
    row: dict[str, Any] = {
        "seq": 1 if last is None else last.seq + 1,
        "at": now.astimezone(UTC).isoformat(timespec="milliseconds"),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True, default=str),
        "previous": GENESIS if last is None else last.hash,
    }
    row["hash"] = entry_hash(row)
    connection.execute(_APPEND, [row])
    head = _frontier(connection)
    head.append(leaf_hash(bytes.fromhex(row["hash"])))
    written = json.dumps([head.size, [peak.hex() for peak in head.peaks]])
    if connection.execute(_MOVE, {"written": written}).rowcount == 0:
        connection.execute(insert(meta), [{"name": _FRONTIER, "value": written}])
    return int(row["seq"])


def record_change(
    ledger: Ledger,
    action: str,
    subject: str,
    state: Mapping[str, Any],
    *,
    actor: str,
    at_first: Mapping[str, Any] | None = None,
) -> bool:
    """Appends an entry where a state is not what the last entry of that action says of a subject.

    Args:
        ledger: The ledger.
        action: A stable word.
        subject: What the state is of.
        state: All of it, as values that `json.dumps` takes.
        actor: Who works.
        at_first: The state where no entry says any; None: none is the same as it.

    Returns:
        Whether it has changed.
    """
    written = json.loads(json.dumps(state))
    same = (audit.c.action == action, audit.c.subject == subject)
    query = select(audit.c.detail).where(*same).order_by(audit.c.seq.desc()).limit(1)
    now = datetime.now(UTC)
    with ledger.append() as connection:
        last = connection.execute(query).scalar()
        known = at_first if last is None else json.loads(last)
        if known == written:
            return False
        record_in(connection, action, subject, actor=actor, now=now, detail=written)
        head = _frontier(connection)
    write_head(ledger, head, now)
    return True


def entry_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 of an entry's fields, the hash of the entry before among them."""
    body = json.dumps([row[name] for name in FIELDS], ensure_ascii=False)
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


def heads_file(ledger: Path) -> Path:
    """Where tree heads are kept beside a ledger."""
    return ledger.with_suffix(".heads.jsonl")


def write_head(ledger: Ledger, head: Frontier, now: datetime) -> None:
    """Adds a tree head to the file beside the ledger.

    What it is about is on the disk already: where the file cannot be written, the log says so.
    """
    line = {
        "size": head.size,
        "root": head.root().hex(),
        "at": now.astimezone(UTC).isoformat(timespec="seconds"),
    }
    try:
        with open(heads_file(ledger.path), "a", encoding="utf-8", opener=opener) as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        _log.error("no tree head was written: %s", error)


def current_head(ledger: Ledger) -> Frontier:
    """The tree over all entries so far."""
    with ledger.read() as connection:
        return _frontier(connection)


def _frontier(connection: Connection) -> Frontier:
    value = connection.execute(_HEAD).scalar()
    if value is None:
        return Frontier()
    size, peaks = json.loads(value)
    return Frontier(size, (bytes.fromhex(peak) for peak in peaks))


def news_since(ledger: Ledger, seq: int) -> tuple[int, bool]:
    """The number of the newest entry, and whether one after `seq` is about more than traffic."""
    query = select(func.max(audit.c.seq), func.max(audit.c.action.not_in(TRAFFIC)))
    with ledger.read() as connection:
        newest, more = connection.execute(query.where(audit.c.seq > seq)).one()
    return (seq, False) if newest is None else (newest, bool(more))


def entries(
    ledger: Ledger,
    last: int,
    *,
    actions: Sequence[str] = (),
    actor: str | None = None,
    since: float | None = None,
    traffic: bool = True,
) -> list[dict[str, Any]]:
    """The last entries, oldest first, with their details as values.

    One that retention removed has the action `removed` and tells when, in its detail.

    Args:
        ledger: The ledger.
        last: So many of them at most.
        actions: Those that begin with one of these words; none: all.
        actor: Those of this one.
        since: Those of this moment on, in seconds since the epoch.
        traffic: Those about requests and feedback, too.
    """
    begins = [audit.c.action.startswith(one, autoescape=True) for one in actions]
    wanted = [or_(*begins)] if begins else []
    wanted += [] if actor is None else [audit.c.actor == actor]
    wanted += [] if traffic else [audit.c.action.not_in(TRAFFIC)]
    if since is not None:
        begin = datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds")
        wanted.append(audit.c.at >= begin)
    query = select(audit).order_by(audit.c.seq.desc()).limit(last)
    query = query.where(*wanted)
    with ledger.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - public in SQLAlchemy
        removals = _removals(connection)
    found = [{**row, "detail": json.loads(row["detail"])} for row in reversed(rows)]
    for one in found:
        if one["action"] == REMOVED["action"]:
            days = (at for at, said in removals if said["through"] >= one["seq"])
            one["detail"] = {"removed_at": next(days, "")}
    return found


def removed_before(ledger: Ledger) -> str | None:
    """The moment before which retention has removed what there was; None: it never has."""
    with ledger.read() as connection:
        removals = _removals(connection)
    return max((said["before"] for _, said in removals), default=None)


def _removals(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    """When retention removed something, and what; oldest first."""
    query = select(audit.c.at, audit.c.detail).where(audit.c.action == PRUNE).order_by(audit.c.seq)
    return [(row.at, json.loads(row.detail)) for row in connection.execute(query)]
