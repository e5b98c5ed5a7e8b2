"""Answers kept under the idempotency keys of callers, so that none is asked for, or paid, twice.

That a request has begun is on the disk before anybody is asked. A request that was cut off, since
the gateway was killed, may have been paid: it is told so, and not asked again.
"""

import os
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from rixin.ledger.store import Ledger
from rixin.ledger.tables import idempotency

KEPT_S = timedelta(hours=24).total_seconds()
"""How long an answer is kept, from when its request came."""
MOST_KEYS = 50_000
"""Of one caller at a time."""
MOST_BYTES = 64 << 20
"""Of the answers that are kept for one caller."""
_AT_ONCE = 500
"""Rows that end with one transaction: a gateway must not wait long for its turn to write."""


class KeptState(StrEnum):
    """What is known of a request."""

    RUNNING = "running"
    KEPT = "kept"
    LOST = "lost"
    """It was cut off, or its answer could not be kept: it may have been paid."""


class Kept(NamedTuple):
    """An answer as it went out."""

    status: int
    content_type: str
    head: str
    """Further header lines, each with its line end."""
    body: bytes
    streamed: bool
    request_id: str = ""


class Known(NamedTuple):
    """What the ledger holds under a key."""

    asked: str
    """SHA-256 of what was asked."""
    state: KeptState
    worker: int
    """The process that answers it."""
    answer: Kept | None


class Full(NamedTuple):
    """Nothing more is kept for a caller."""

    until: float
    """When there is room again, in seconds since the epoch."""


def begin(ledger: Ledger, name: str, key_id: int, asked: str, now: float) -> Known | Full | None:
    """Enters a request that is about to be answered by this process.

    Args:
        ledger: The ledger.
        name: SHA-256 of the idempotency key with its caller.
        key_id: The caller's key.
        asked: SHA-256 of what is asked.
        now: Seconds since the epoch.

    Returns:
        None: it is entered. Else what is known under this key already, or that there is no room.

    Raises:
        LedgerFault: The ledger cannot be written.
    """
    with ledger.append() as connection:
        row = connection.execute(select(idempotency).where(idempotency.c.id == name)).first()
        if row is not None and row.at > now - KEPT_S:
            return _known(row)
        old = select(idempotency.c.id).where(idempotency.c.at <= now - KEPT_S).limit(_AT_ONCE)
        connection.execute(delete(idempotency).where(idempotency.c.id.in_(old)))
        connection.execute(delete(idempotency).where(idempotency.c.id == name))
        sums = select(func.count(), func.sum(idempotency.c.size), func.min(idempotency.c.at))
        count, size, first = connection.execute(sums.where(idempotency.c.key_id == key_id)).one()
        if count >= MOST_KEYS or (size or 0) >= MOST_BYTES:
            return Full(first + KEPT_S)
        values = {"id": name, "key_id": key_id, "asked": asked, "at": now, "worker": os.getpid()}
        connection.execute(insert(idempotency), {**values, "state": KeptState.RUNNING, "size": 0})
    return None


def find(ledger: Ledger, name: str) -> Known | None:
    """What is known under a key; None: nothing.

    Raises:
        LedgerFault: The ledger cannot be read.
    """
    with ledger.read() as connection:
        row = connection.execute(select(idempotency).where(idempotency.c.id == name)).first()
    return None if row is None else _known(row)


def keep(ledger: Ledger, name: str, answer: Kept) -> None:
    """Keeps the answer to a request.

    Raises:
        LedgerFault: The ledger cannot be written.
    """
    size = len(answer.body) + len(answer.head)
    with ledger.append() as connection:
        values = {**answer._asdict(), "size": size, "state": KeptState.KEPT}
        connection.execute(update(idempotency).where(idempotency.c.id == name).values(values))


def lose(ledger: Ledger, name: str) -> None:
    """Notes that the answer to a request is not known, and that it may have been paid.

    Raises:
        LedgerFault: The ledger cannot be written.
    """
    with ledger.append() as connection:
        mine = idempotency.c.id == name
        connection.execute(update(idempotency).where(mine).values(state=KeptState.LOST))


def drop(ledger: Ledger, name: str) -> None:
    """Forgets a request for which nobody was paid: it may be asked again.

    Raises:
        LedgerFault: The ledger cannot be written.
    """
    with ledger.append() as connection:
        connection.execute(delete(idempotency).where(idempotency.c.id == name))


def lose_running(ledger: Ledger) -> None:
    """Notes at the start of a gateway that what was under way before was cut off.

    Raises:
        LedgerFault: The ledger cannot be written.
    """
    with ledger.append() as connection:
        running = idempotency.c.state == KeptState.RUNNING
        connection.execute(update(idempotency).where(running).values(state=KeptState.LOST))


def expire(ledger: Ledger, now: float) -> None:
    """Removes what has been kept long enough.

    Raises:
        LedgerFault: The ledger cannot be written.
    """
    old = select(idempotency.c.id).where(idempotency.c.at <= now - KEPT_S).limit(_AT_ONCE)
    with ledger.read() as connection:
        if connection.execute(old.limit(1)).first() is None:
            return
    with ledger.append() as connection:
        connection.execute(delete(idempotency).where(idempotency.c.id.in_(old)))


def _known(row: Any) -> Known:
    state, answer = KeptState(row.state), None
    if state is KeptState.KEPT:
        fields = {name: getattr(row, name) for name in Kept._fields}
        answer = Kept(**{**fields, "body": bytes(row.body), "streamed": bool(row.streamed)})
    return Known(row.asked, state, row.worker, answer)
