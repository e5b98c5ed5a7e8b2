"""Keys of the gateway: stored hashed, revoked but never removed."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, select, update

from rixin.core.key import Key, Limits, hash_key
from rixin.errors import UnknownName, UsageError
from rixin.ledger.audit import current_head, record_in, write_head
from rixin.ledger.audit_check import row_hash
from rixin.ledger.store import Ledger
from rixin.ledger.tables import keys


def add_key(
    ledger: Ledger,
    secret: str,
    *,
    name: str,
    role: str,
    scenarios: Sequence[str],
    limits: Limits,
    actor: str,
    now: datetime,
) -> Key:
    """Stores a key that was made; its secret part only as a hash.

    Args:
        ledger: The ledger.
        secret: The whole key, `rx-PUBLICID-SECRET`.
        name: What it is for.
        role: One of `ROLES`.
        scenarios: What it may call; empty: everything.
        limits: How much it may use.
        actor: Who made it.
        now: Aware time.
    """
    public = secret.split("-")[1]
    row = {
        "public_id": public,
        "hash": hash_key(secret),
        "name": name,
        "role": role,
        "scenarios": json.dumps(list(scenarios)),
        "limits": json.dumps(asdict(limits), default=str),
        "created_at": now.astimezone(UTC).isoformat(timespec="seconds"),
    }
    with ledger.append() as connection:
        connection.execute(insert(keys), [row])
        found = connection.execute(select(keys).where(keys.c.public_id == public)).one()
        detail = {name: row[name] for name in ("name", "role", "scenarios", "limits")}
        detail["row"] = row_hash([found.id, *row.values()])
        record_in(connection, "key.create", public, actor=actor, now=now, detail=detail)
    write_head(ledger, current_head(ledger), now)
    return _key(found)


def revoke_key(ledger: Ledger, key: str, *, actor: str, now: datetime) -> Key:
    """Ends a key; a running gateway refuses it within a second.

    Args:
        ledger: The ledger.
        key: Its public id, or the name that it alone has of those that are not revoked.
        actor: Who ends it.
        now: Aware time.

    Raises:
        UnknownName: There is no such key.
        UsageError: Several keys have this name.
    """
    moment = now.astimezone(UTC).isoformat(timespec="seconds")
    with ledger.append() as connection:
        public_id = _public_id(connection, key)
        one = keys.c.public_id == public_id
        connection.execute(
            update(keys).where(one, keys.c.revoked_at.is_(None)).values(revoked_at=moment)
        )
        record_in(connection, "key.revoke", public_id, actor=actor, now=now, detail={})
        found = connection.execute(select(keys).where(one)).one()
    write_head(ledger, current_head(ledger), now)
    return _key(found)


def _public_id(connection: Connection, key: str) -> str:
    columns = select(keys.c.public_id, keys.c.name, keys.c.revoked_at).order_by(keys.c.id)
    known = connection.execute(columns).all()
    if any(row.public_id == key for row in known):
        return key
    named = [row for row in known if row.name == key and key]
    found = [row.public_id for row in named if row.revoked_at is None]
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} keys have the name {key!r}: {', '.join(found)}",
            hint="name the one that shall end by its id",
        )
    if not named:
        names = [row.name for row in known if row.name]
        raise UnknownName("key", key, [*(row.public_id for row in known), *names])
    return str(found[0] if found else named[-1].public_id)


def list_keys(ledger: Ledger) -> list[Key]:
    """All keys, oldest first."""
    with ledger.read() as connection:
        return [_key(row) for row in connection.execute(select(keys).order_by(keys.c.id))]


def find_key_ids(ledger: Ledger, wanted: str) -> tuple[int, ...]:
    """Numbers of the keys that an id or a name means.

    Raises:
        UnknownName: There is none.
    """
    known = list_keys(ledger)
    found = tuple(key.id for key in known if wanted in {key.public_id, key.name})
    if not found:
        names = [key.name for key in known if key.name]
        raise UnknownName("key", wanted, [*(key.public_id for key in known), *names])
    return found


def read_keys(ledger: Ledger) -> tuple[list[Key], dict[str, str]]:
    """All keys that can be read, oldest first, and the public ids of the others with the reason."""
    found: list[Key] = []
    unread: dict[str, str] = {}
    with ledger.read() as connection:
        for row in connection.execute(select(keys).order_by(keys.c.id)):
            try:
                found.append(_key(row))
            except Exception as error:  # noqa: BLE001 - one row must not keep the others away
                unread[str(row.public_id)] = type(error).__name__
    return found, unread


def revoked_hashes(ledger: Ledger) -> frozenset[str]:
    """The hashes of all keys that were revoked; nothing else of a row has to be readable."""
    query = select(keys.c.hash).where(keys.c.revoked_at.is_not(None))
    with ledger.read() as connection:
        return frozenset(row.hash for row in connection.execute(query))


def _key(row: Any) -> Key:
    given = json.loads(row.limits)
    for field, value in given.items():
        if field.startswith("money") and value is not None:
            given[field] = Decimal(value)
    return Key(
        id=row.id,
        public_id=row.public_id,
        hash=row.hash,
        name=row.name,
        role=row.role,
        scenarios=tuple(json.loads(row.scenarios)),
        limits=Limits(**given),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
