"""The entry of a ledger that an older Rixin made: what was there when every row got an entry."""

from datetime import UTC, datetime

from sqlalchemy import Connection

from rixin.ledger.audit import record_in
from rixin.ledger.audit_check import (
    COMPLETE,
    MADE,
    MIGRATED,
    POINTER,
    VERDICT,
    columns_of,
    row_hash,
    row_name,
)


def note_migration(connection: Connection, before: int, after: int) -> None:
    """Enters a change of the schema into the trail.

    The rows of a ledger from before `COMPLETE` are listed by their hashes: some are older than the
    trail, and the entries of others were removed by the retention of that time.

    Args:
        connection: Inside `Ledger.append`.
        before: The schema version that the ledger had.
        after: The version that it has now.
    """
    detail: dict[str, object] = {"from": before, "to": after}
    if before < COMPLETE:
        detail |= _rows(connection)
    subject = f"schema {after}"
    now = datetime.now(UTC)
    record_in(connection, MIGRATED, subject, actor="rixin", now=now, detail=detail)


def _rows(connection: Connection) -> dict[str, dict[str, object]]:
    """Hashes of verdicts, keys, releases and pointers by name, and when keys were revoked."""

    def rows(table: str, columns: tuple[str, ...]) -> list[tuple[object, ...]]:
        query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY id"  # noqa: S608 - names of ours
        return [tuple(row) for row in connection.exec_driver_sql(query)]

    listed: dict[str, dict[str, object]] = {
        MADE[action][1]: {
            row_name(action, row): row_hash(row)
            for row in rows(MADE[action][1], columns_of(action))
        }
        for action in MADE
    }
    listed["decisions"] = {str(row[0]): row_hash(row) for row in rows("decisions", VERDICT)}
    listed["pointers"] = {str(row[1]): row_hash(row) for row in rows("pointers", POINTER)}
    ended = rows("keys", ("public_id", "revoked_at"))
    listed["revoked"] = {str(name): at for name, at in ended if at is not None}
    return listed
