"""Releases, which never change, and the pointers that say which one serves."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, case, func, insert, select, update

from rixin.core.release import Pointer, Release
from rixin.errors import UnknownName
from rixin.ledger.audit import current_head, record_in, write_head
from rixin.ledger.audit_check import MADE, row_hash
from rixin.ledger.store import Ledger
from rixin.ledger.tables import pointers, releases

_COLUMNS = MADE["release.create"][2]


def add_release(
    ledger: Ledger,
    given: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    also: Mapping[str, Any] | None = None,
) -> Release:
    """Stores a release under the next number of its scenario.

    Args:
        ledger: The ledger.
        given: All fields of `Release` but `number`, `created_at` and `created_by`.
        actor: Who made it.
        now: Aware time.
        also: Further facts for its entry in the trail.
    """
    with ledger.append() as connection:
        newest = select(func.max(releases.c.number)).where(releases.c.scenario == given["scenario"])
        number = (connection.execute(newest).scalar() or 0) + 1
        release = Release(
            **given,
            number=number,
            created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            created_by=actor,
        )
        _insert(connection, release, actor=actor, now=now, also=also or {})
    write_head(ledger, current_head(ledger), now)
    return release


def copy_release(
    ledger: Ledger, release: Release, *, actor: str, now: datetime, source: str
) -> None:
    """Stores a release of another ledger under its own number, with an entry that says whence it is.

    Args:
        ledger: Where to; the scenario has no release of this number there.
        release: The release.
        actor: Who copies it.
        now: Aware time.
        source: The other ledger.
    """
    with ledger.append() as connection:
        _insert(connection, release, actor=actor, now=now, also={"copied_from": source})
    write_head(ledger, current_head(ledger), now)


def _insert(
    connection: Connection, release: Release, *, actor: str, now: datetime, also: Mapping[str, Any]
) -> None:
    row = {name: getattr(release, name) for name in Release.__slots__}
    row["certificate"] = json.dumps(release.certificate, ensure_ascii=False)
    connection.execute(insert(releases), [row])
    made = (releases.c.scenario == release.scenario, releases.c.number == release.number)
    record_in(
        connection,
        "release.create",
        f"{release.scenario}@{release.number}",
        actor=actor,
        now=now,
        detail={
            "solver": release.solver,
            "fingerprint": release.fingerprint,
            "certificate": release.seal,
            "certified": release.certified,
            "id": connection.execute(select(releases.c.id).where(*made)).scalar_one(),
            "row": row_hash([_stored(row[name]) for name in _COLUMNS]),
            **also,
        },
    )


def _stored(value: object) -> object:
    """A value as SQLite gives it back."""
    return int(value) if isinstance(value, bool) else value


def find_release(ledger: Ledger, scenario: str, number: int | None = None) -> Release:
    """One release of a scenario; without a number the newest.

    Raises:
        UnknownName: There is none.
    """
    query = select(releases).where(releases.c.scenario == scenario)
    if number is not None:
        query = query.where(releases.c.number == number)
    with ledger.read() as connection:
        row = connection.execute(query.order_by(releases.c.number.desc()).limit(1)).first()
    if row is None:
        wanted = scenario if number is None else f"{scenario}@{number}"
        raise UnknownName(
            "release", wanted, (), hint=f"make one with: rixin release {scenario}.yaml"
        )
    return _release(row)


def list_releases(ledger: Ledger, scenario: str | None = None) -> list[Release]:
    """All releases, or those of one scenario, oldest first."""
    query = select(releases).order_by(releases.c.id)
    if scenario is not None:
        query = query.where(releases.c.scenario == scenario)
    with ledger.read() as connection:
        return [_release(row) for row in connection.execute(query)]


def currencies(ledger: Ledger) -> dict[str, str]:
    """The currency of each scenario, as its newest release that can be read states it."""
    frozen = releases.c.frozen
    stated = case((func.json_valid(frozen), func.json_extract(frozen, "$.economics.currency")))
    query = select(releases.c.scenario, stated).order_by(releases.c.id)
    with ledger.read() as connection:
        return {name: str(stated) for name, stated in connection.execute(query) if stated}


def read_pointers(ledger: Ledger) -> tuple[list[Pointer], dict[str, str]]:
    """What serves of every scenario, and the scenarios where that cannot be read, with the reason."""
    found: list[Pointer] = []
    unread: dict[str, str] = {}
    with ledger.read() as connection:
        for row in connection.execute(select(pointers)):
            try:
                found.append(_pointer(row))
            except Exception as error:  # noqa: BLE001 - one row must not keep the others away
                unread[str(row.scenario)] = type(error).__name__
    return found, unread


def find_pointer(ledger: Ledger, scenario: str) -> Pointer | None:
    """The pointer of one scenario; None where none of its releases ever served."""
    with ledger.read() as connection:
        return _pointer_in(connection, scenario)


def move_pointer(
    ledger: Ledger,
    scenario: str,
    action: str,
    change: Mapping[str, Any],
    *,
    actor: str,
    now: datetime,
    approval: Mapping[str, Any] | None = None,
) -> Pointer:
    """Changes which releases serve, in one transaction with its audit entry.

    Args:
        ledger: The ledger.
        scenario: Its name.
        action: `release.promote`, `release.canary` or `release.rollback`.
        change: New values of `live`, `canary` and `share`; what is left out stays.
        actor: Who wants it.
        now: Aware time.
        approval: What the trail keeps of a second person.
    """
    with ledger.append() as connection:
        before = _pointer_in(connection, scenario)
        if before is None:
            blank = {"scenario": scenario, "share": 0, "history": "[]"}
            connection.execute(insert(pointers), [blank])
            before = _pointer_in(connection, scenario)
            assert before is not None
        history = before.history
        live = change.get("live", before.live)
        if live != before.live and before.live is not None:
            history = (before.live, *(one for one in history if one not in {before.live, live}))
        values = {
            "live": live,
            "canary": change.get("canary", before.canary),
            "share": change.get("share", before.share),
            "history": json.dumps(history),
        }
        connection.execute(update(pointers).where(pointers.c.scenario == scenario).values(**values))
        record_in(
            connection,
            action,
            scenario,
            actor=actor,
            now=now,
            detail={
                "id": before.id,
                "live": values["live"],
                "canary": values["canary"],
                "share": values["share"],
                "history": values["history"],
                "before": [before.live, before.canary, before.share],
                **(approval or {}),
            },
        )
        after = _pointer_in(connection, scenario)
    write_head(ledger, current_head(ledger), now)
    assert after is not None
    return after


def _pointer_in(connection: Connection, scenario: str) -> Pointer | None:
    row = connection.execute(select(pointers).where(pointers.c.scenario == scenario)).first()
    return None if row is None else _pointer(row)


def _pointer(row: Any) -> Pointer:
    return Pointer(
        id=row.id,
        scenario=row.scenario,
        live=row.live,
        canary=row.canary,
        share=row.share,
        history=tuple(json.loads(row.history)),
    )


def _release(row: Any) -> Release:
    known = {name: getattr(row, name) for name in Release.__slots__}
    return Release(**{**known, "certificate": json.loads(row.certificate)})
