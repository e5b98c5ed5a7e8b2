"""Keys of the gateway: stored hashed, rotated, revoked, but never removed."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, insert, select, update

from rixin.core.key import Key, Limits, Secret, hash_key
from rixin.errors import UnknownName, UsageError
from rixin.ledger.audit import current_head, record_in, write_head
from rixin.ledger.audit_check import row_hash
from rixin.ledger.store import Ledger
from rixin.ledger.tables import key_secrets, keys


def add_key(  # noqa: PLR0913 - each is a column
    ledger: Ledger,
    secret: str,
    *,
    name: str,
    role: str,
    scenarios: Sequence[str],
    limits: Limits,
    actor: str,
    now: datetime,
    lifetime: timedelta | None = None,
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
        lifetime: How long it holds; None: until it is revoked.
    """
    public = secret.split("-")[1]
    row = {
        "public_id": public,
        "hash": hash_key(secret),
        "name": name,
        "role": role,
        "scenarios": json.dumps(list(scenarios)),
        "limits": json.dumps(asdict(limits), default=str),
        "created_at": _text(now),
    }
    with ledger.append() as connection:
        connection.execute(insert(keys), [row])
        found = connection.execute(select(keys).where(keys.c.public_id == public)).one()
        detail = {name: row[name] for name in ("name", "role", "scenarios", "limits")}
        detail["row"] = row_hash([found.id, *row.values()])
        if lifetime is not None:
            detail |= _add_secret(connection, found.id, secret, now, lifetime)
        record_in(connection, "key.create", public, actor=actor, now=now, detail=detail)
        made = _read(connection, found)
    write_head(ledger, current_head(ledger), now)
    return made


def rotate_key(
    ledger: Ledger,
    secret: str,
    *,
    grace: timedelta,
    lifetime: timedelta | None,
    actor: str,
    now: datetime,
) -> Key:
    """Gives a key another secret; its limits, its history and what it has used stay.

    Args:
        ledger: The ledger.
        secret: The whole key with its new secret, `rx-PUBLICID-SECRET`.
        grace: How long the earlier secrets still hold.
        lifetime: How long the new one holds; None: as long as the one before was made for.
        actor: Who does it.
        now: Aware time.

    Raises:
        UsageError: The key was revoked.
    """
    public = secret.split("-")[1]
    with ledger.append() as connection:
        row = connection.execute(select(keys).where(keys.c.public_id == public)).one()
        if row.revoked_at is not None:
            raise UsageError(
                f"key {public} was revoked on {row.revoked_at[:10]}",
                hint="a key that has ended is not rotated; make one: rixin keys create",
            )
        if lifetime is None:
            lifetime = _lifetime(_read(connection, row).secrets[-1])
        detail = _add_secret(connection, row.id, secret, now, lifetime, earlier_until=now + grace)
        record_in(connection, "key.rotate", public, actor=actor, now=now, detail=detail)
        rotated = _read(connection, row)
    write_head(ledger, current_head(ledger), now)
    return rotated


def _lifetime(secret: Secret) -> timedelta | None:
    if secret.expires_at is None:
        return None
    return datetime.fromisoformat(secret.expires_at) - datetime.fromisoformat(secret.made_at)


def _add_secret(
    connection: Connection,
    key_id: int,
    secret: str,
    now: datetime,
    lifetime: timedelta | None,
    earlier_until: datetime | None = None,
) -> dict[str, Any]:
    """Stores when a secret ends; gives what the trail keeps of it."""
    ends = {
        "expires_at": None if lifetime is None else _text(now + lifetime),
        "earlier_until": None if earlier_until is None else _text(earlier_until),
    }
    row = {"key_id": key_id, "hash": hash_key(secret), "made_at": _text(now), **ends}
    made = connection.execute(insert(key_secrets).returning(key_secrets.c.id), row).scalar_one()
    return {"secret": row_hash([made, *row.values()]), **ends}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


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
    moment = _text(now)
    with ledger.append() as connection:
        public_id = _public_id(connection, key)
        one = keys.c.public_id == public_id
        connection.execute(
            update(keys).where(one, keys.c.revoked_at.is_(None)).values(revoked_at=moment)
        )
        record_in(connection, "key.revoke", public_id, actor=actor, now=now, detail={})
        ended = _read(connection, connection.execute(select(keys).where(one)).one())
    write_head(ledger, current_head(ledger), now)
    return ended


def public_id_of(ledger: Ledger, key: str) -> str:
    """The public id of a key.

    Args:
        ledger: The ledger.
        key: Its public id, or the name that it alone has of those that are not revoked.

    Raises:
        UnknownName: There is no such key.
        UsageError: Several keys have this name.
    """
    with ledger.read() as connection:
        return _public_id(connection, key)


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
            hint="name the one that is meant by its id",
        )
    if not named:
        names = [row.name for row in known if row.name]
        raise UnknownName("key", key, [*(row.public_id for row in known), *names])
    return str(found[0] if found else named[-1].public_id)


def list_keys(ledger: Ledger) -> list[Key]:
    """All keys, oldest first."""
    with ledger.read() as connection:
        secrets = _secrets(connection)
        rows = connection.execute(select(keys).order_by(keys.c.id))
        return [_key(row, secrets.get(row.id, ())) for row in rows]


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
        secrets = _secrets(connection)
        for row in connection.execute(select(keys).order_by(keys.c.id)):
            try:
                found.append(_key(row, secrets.get(row.id, ())))
            except Exception as error:  # noqa: BLE001 - one row must not keep the others away
                unread[str(row.public_id)] = type(error).__name__
    return found, unread


def revoked_hashes(ledger: Ledger) -> frozenset[str]:
    """The hashes of all keys that were revoked; nothing else of a row has to be readable."""
    revoked = keys.c.revoked_at.is_not(None)
    rotated = select(key_secrets.c.hash).join(keys, keys.c.id == key_secrets.c.key_id)
    query = select(keys.c.hash).where(revoked).union(rotated.where(revoked))
    with ledger.read() as connection:
        return frozenset(row.hash for row in connection.execute(query))


def _read(connection: Connection, row: Any) -> Key:
    return _key(row, _secrets(connection, row.id).get(row.id, ()))


def _secrets(connection: Connection, key_id: int | None = None) -> dict[int, list[Any]]:
    """The rows of secrets by key, oldest first; None: of all keys."""
    query = select(key_secrets).order_by(key_secrets.c.id)
    if key_id is not None:
        query = query.where(key_secrets.c.key_id == key_id)
    found: dict[int, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.key_id, []).append(row)
    return found


def _secret(row: Any) -> Secret:
    """A secret as it was stored; a time that is none is told here, and not where it is used."""
    ends = [
        None if moment is None else _text(datetime.fromisoformat(moment))
        for moment in (row.expires_at, row.earlier_until)
    ]
    return Secret(hash=row.hash, made_at=row.made_at, expires_at=ends[0], earlier_until=ends[1])


def _key(row: Any, rows: Sequence[Any]) -> Key:
    """A key, with the rows of its secrets."""
    secrets = list(map(_secret, rows))
    if not secrets or secrets[0].hash != row.hash:
        secrets.insert(0, Secret(hash=row.hash, made_at=row.created_at))
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
        secrets=tuple(secrets),
    )
