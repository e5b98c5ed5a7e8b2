"""What the gateway answered: one row for each request, in batches that the audit trail covers.

A row's `leaf` is a hash of its facts and of a salted hash of its content, so that the content can
be erased and the row still be verified.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, case, delete, func, select, update

from rixin.core.merkle import leaf_hash, tree_head
from rixin.errors import UnknownName
from rixin.ledger.aside import erase_aside
from rixin.ledger.audit import current_head, record_in, removed_before, write_head
from rixin.ledger.store import Ledger
from rixin.ledger.tables import answers, feedback, idempotency, releases, requests

_values_of = msgspec.json.Decoder(list[Any]).decode
COLUMNS = (
    *("id", "at", "key_id", "scenario", "release", "solver", "status", "state", "cost_pico"),
    *("input_tokens", "output_tokens", "latency_s", "detail", "content", "leaf"),
)
_AT_ONCE = (256, 128, 64, 32, 16, 8, 4, 2, 1)
"""Rows of one statement, the most first: few statements for any number of rows."""
_INSERTS = {
    count: f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES "  # noqa: S608 - names of ours
    + ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * count)
    for count in _AT_ONCE
}


_NEWEST = "SELECT max(seq) FROM requests"
_RESERVED = func.json_extract(requests.c.detail, "$.reserved_pico")
COST = func.max(func.coalesce(requests.c.cost_pico, _RESERVED, 0), 0)
"""What a request has cost; a cost that is not known counts as what was reserved for it."""


class Row(NamedTuple):
    """A request that was answered, as it is kept."""

    facts: bytes
    """A JSON array of the values of `COLUMNS` up to `detail`: what the audit trail covers."""
    content: str | None
    """JSON text of what was said; None: it is not kept."""


class Remark(NamedTuple):
    """What somebody says about an answer."""

    request_id: str
    at: float
    """Seconds since the epoch."""
    key_id: int
    """Number of the key of whoever says it."""
    body: str
    """What is said, as JSON, with a salt, since its hash outlives it."""


def write_requests(
    ledger: Ledger, rows: Sequence[Row], *, now: datetime | None = None, doubtful: bool = False
) -> None:
    """Writes rows and their entry in the audit trail, all or none.

    Args:
        ledger: The ledger; SQLite.
        rows: At least one.
        now: Aware time; None: this moment.
        doubtful: Some of the rows may be there already; those are passed over.
    """
    now = now or datetime.now(UTC)
    with ledger.append() as connection:
        if doubtful:
            rows = _new_rows(connection, rows)
            if not rows:
                return
        newest = connection.exec_driver_sql(_NEWEST).scalar()
        leaves = [leaf_hash(row.facts) for row in rows]
        done = 0
        for count in _AT_ONCE:
            while len(rows) - done >= count:
                values: list[Any] = []
                for place in range(done, done + count):
                    values += _values_of(rows[place].facts)
                    values += (rows[place].content, leaves[place].hex())
                connection.exec_driver_sql(_INSERTS[count], tuple(values))
                done += count
        root = tree_head(leaves).hex()
        detail = {"count": len(rows), "root": root, "first": (newest or 0) + 1}
        record_in(connection, "requests", "gateway", actor="gateway", now=now, detail=detail)


def _new_rows(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    ids = {_values_of(row.facts)[0]: row for row in rows}
    found = connection.execute(select(requests.c.id).where(requests.c.id.in_(list(ids))))
    for one in found:
        del ids[one.id]
    return list(ids.values())


def note_head(ledger: Ledger) -> None:
    """Adds the tree head of now to the file beside the ledger."""
    write_head(ledger, current_head(ledger), datetime.now(UTC))


def find_request(ledger: Ledger, request_id: str) -> dict[str, Any]:
    """One request with all that was kept of it, and whether its release is certified.

    Raises:
        UnknownName: There is none.
    """
    with ledger.read() as connection:
        row = connection.execute(select(requests).where(requests.c.id == request_id)).first()
        said = connection.execute(
            select(feedback.c.at, feedback.c.body)
            .where(feedback.c.request_id == request_id)
            .order_by(feedback.c.seq)
        ).all()
        evidence = {} if row is None else _evidence(connection, row)
        by_people = connection.execute(
            select(answers.c.at, answers.c.author).where(answers.c.request_id == request_id)
        ).first()
    if row is None:
        before = removed_before(ledger)
        gone = "" if before is None else f"; retention has removed all before {before[:10]}"
        hint = f"its id is in the header x-rixin-request-id{gone}"
        raise UnknownName("request", request_id, (), hint=hint)
    found = dict(row._mapping)  # noqa: SLF001 - the public name of SQLAlchemy for a row as mapping
    found["detail"] = json.loads(found["detail"])
    found["erased"] = found["content"] is None and "content" in found["detail"]
    said_in_it = json.loads(found["content"] or "{}")
    for name in ("model", "note", "run", "parent_run"):
        if name in said_in_it:
            found["detail"][name] = said_in_it.pop(name)
    found["content"] = said_in_it if "input" in said_in_it else None
    found["feedback"] = [_heard(one.at, one.body) for one in said if one.body]
    if by_people is not None:
        found["answered_at"], found["answered_by"] = by_people.at, by_people.author
    return {**found, **evidence}


def _evidence(connection: Connection, row: Any) -> dict[str, Any]:
    """Whether the release that answered is certified, and the currency of its money."""
    wanted = (releases.c.scenario == row.scenario, releases.c.number == row.release)
    found = connection.execute(
        select(releases.c.certified, releases.c.frozen).where(*wanted)
    ).first()
    if found is None:
        return {"certified": None, "currency": ""}
    currency = json.loads(found.frozen)["economics"]["currency"]
    return {"certified": bool(found.certified), "currency": currency}


def origin_of(ledger: Ledger, request_id: str) -> tuple[str, int] | None:
    """The scenario of a request and the number of its key; None: there is no such request."""
    with ledger.read() as connection:
        asked = select(requests.c.scenario, requests.c.key_id).where(requests.c.id == request_id)
        found = connection.execute(asked).first()
    return None if found is None else (found.scenario, found.key_id)


def _heard(at: float, body: str) -> dict[str, Any]:
    said = json.loads(body)
    said.pop("salt", None)
    return {"at": at, **said}


class Used(NamedTuple):
    """What a key has used."""

    pico: int
    """Money in 10⁻¹² currency units."""
    requests: int
    tokens: int


def used_since(ledger: Ledger, moment: float, now: float) -> dict[int, Used]:
    """Key → what was used from a moment until now: meters start from it.

    A cost that is not known counts as what was reserved for it. Rows of a clock that went wrong,
    dated after now, are not of this period, and nothing costs less than nothing. A request that was
    refused counts in none of the limits.

    Args:
        ledger: The ledger.
        moment: Seconds since the epoch.
        now: The same.
    """
    counts = requests.c.state != "refused"
    tokens = func.sum(requests.c.input_tokens + requests.c.output_tokens)
    query = (
        select(requests.c.key_id, func.sum(COST), func.sum(case((counts, 1), else_=0)), tokens)
        .where(requests.c.at.between(moment, now))
        .group_by(requests.c.key_id)
    )
    with ledger.read() as connection:
        return {row[0]: Used(*map(int, row[1:])) for row in connection.execute(query)}


def spent_by_scenario_since(ledger: Ledger, moment: float, now: float) -> dict[str, int]:
    """Scenario → money spent from a moment until now, in 10⁻¹² currency units."""
    return dict(_spent(ledger, requests.c.scenario, moment, now))


def spent_by_key_since(
    ledger: Ledger, moment: float, now: float
) -> dict[tuple[int | None, str], int]:
    """The same by key and scenario."""
    both = func.json_array(requests.c.key_id, requests.c.scenario)
    found = _spent(ledger, both, moment, now)
    return {(key, scenario or ""): spent for [key, scenario], spent in _decoded(found)}


def _decoded(found: Iterator[tuple[str, int]]) -> Iterator[tuple[list[Any], int]]:
    yield from ((json.loads(both), spent) for both, spent in found)


def _spent(
    ledger: Ledger, group: ColumnElement[Any], moment: float, now: float
) -> Iterator[tuple[Any, int]]:
    of_period = requests.c.at.between(moment, now)
    query = select(group, func.sum(COST).label("spent")).where(of_period).group_by(group)
    with ledger.read() as connection:
        yield from ((row[0], int(row[1])) for row in connection.execute(query) if row[1])


def total_cost(ledger: Ledger) -> tuple[int, int]:
    """Requests with a cost, and their sum in 10⁻¹² currency units."""
    with ledger.read() as connection:
        row = connection.execute(
            select(func.count(requests.c.cost_pico), func.sum(requests.c.cost_pico))
        ).one()
    return int(row[0]), int(row[1] or 0)


def write_feedback(ledger: Ledger, remarks: Sequence[Remark], *, doubtful: bool = False) -> None:
    """Stores what was said about answers, each with an entry in the audit trail; all or none.

    Args:
        ledger: The ledger.
        remarks: At least one.
        doubtful: Some may be there already; those are passed over.
    """
    with ledger.append() as connection:
        for remark in remarks:
            if not (doubtful and _is_there(connection, remark)):
                add_remark(connection, remark)


def _is_there(connection: Connection, remark: Remark) -> bool:
    """The salt in a body makes it the only one of its kind."""
    asked = select(feedback.c.seq).where(
        feedback.c.request_id == remark.request_id, feedback.c.body == remark.body
    )
    return connection.execute(asked).first() is not None


def add_remark(connection: Connection, remark: Remark, *, actor: str = "") -> int:
    """Adds one inside a transaction that began with `Ledger.append`; gives its number.

    Args:
        connection: Of the transaction.
        remark: What is said.
        actor: Who says it; empty: the owner of the key.
    """
    connection.execute(feedback.insert(), [remark._asdict()])
    number = int(connection.execute(select(func.max(feedback.c.seq))).scalar_one())
    # What is said may be removed one day; its hash stays.
    said = hashlib.sha256(remark.body.encode()).hexdigest()
    detail = {"said": said, "at": remark.at, "key": remark.key_id, "number": number}
    record_in(
        connection,
        "feedback",
        remark.request_id,
        actor=actor or f"key {remark.key_id}",
        now=datetime.fromtimestamp(remark.at, UTC),
        detail=detail,
    )
    return number


def erase_content(ledger: Ledger, request_ids: Sequence[str], *, actor: str, now: datetime) -> int:
    """Removes for good what was said in requests and about them; facts, hashes and trail stay."""
    wanted = requests.c.id.in_(list(request_ids))
    done = _erase(ledger, wanted, wanted, ",".join(request_ids), actor=actor, now=now)
    return done + erase_aside(ledger.path, set(request_ids), "")


def erase_older(ledger: Ledger, moment: float, *, actor: str, now: datetime) -> int:
    """The same for all requests before a moment, in seconds since the epoch."""
    old = requests.c.at < moment
    before = datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
    kept = old & requests.c.content.is_not(None)
    done = _erase(ledger, kept, old, f"before {before}", actor=actor, now=now)
    return done + erase_aside(ledger.path, set(), before)


def _erase(
    ledger: Ledger,
    wanted: ColumnElement[bool],
    spoken_of: ColumnElement[bool],
    subject: str,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Empties the content of some requests and the feedback on some, with an entry that says so."""
    with ledger.append() as connection:
        done = int(connection.execute(update(requests).where(wanted).values(content=None)).rowcount)
        ids = select(requests.c.id).where(spoken_of)
        connection.execute(delete(idempotency).where(idempotency.c.request_id.in_(ids)))
        connection.execute(update(feedback).where(feedback.c.request_id.in_(ids)).values(body=""))
        detail = {"erased": done}
        record_in(connection, "content.erase", subject, actor=actor, now=now, detail=detail)
    ledger.forget()
    write_head(ledger, current_head(ledger), now)
    return done
