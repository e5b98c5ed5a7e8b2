"""Opening, migrating and locking the ledger; errors of the database become `LedgerFault`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from rixin.errors import LedgerFault
from rixin.ledger import tables
from rixin.ledger.private import close_to_others, make_file, make_folder, opener

_SPARE_BYTES = 4 << 20
"""Room for the answers to some hundred calls that are under way when the disk is full."""
# FULL: a commit is on the disk, not in its cache, before it counts.
# secure_delete: what is removed is overwritten; not every build of SQLite does so by default.
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-8000", "secure_delete=ON")


class Ledger:
    """The store of one workspace, in one SQLite file (WAL).

    Args:
        path: The database file; its folder is made where it is missing.

    Raises:
        LedgerFault: The folder is read-only, the disk is full, the file is no ledger, or a
            newer Rixin wrote it.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with Ledger(Path(folder) / "ledger.sqlite3") as ledger:
        ...         ledger.version == len(tables.MIGRATIONS)
        True
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            make_folder(path.parent, private=True)
            make_file(path)  # the logs that SQLite lays beside it get its rights
            close_to_others(path)
        except OSError as error:
            raise _fault(path, error) from error
        self._engine = _engine(path)
        self._file: tuple[int, int] | None = None
        try:
            self._migrate()
            self._file = _identity(path)
        except LedgerFault:
            self.close()
            raise

    @property
    def version(self) -> int:
        """The schema version of the file."""
        with self.read() as connection:
            return _version(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading."""
        self._check_place()
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _fault(self.path, error) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in one transaction: all of it is on disk at the end, or nothing."""
        self._check_place()
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise _fault(self.path, error) from error

    @contextmanager
    def append(self) -> Iterator[Connection]:
        """As `write`, with the right to write from the start: what is read stays true until then.

        A log that several processes append to is read at its end first.
        """
        self._check_place()
        try:
            with self._engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                connection.commit()
        except SQLAlchemyError as error:
            raise _fault(self.path, error) from error

    def _check_place(self) -> None:
        """Refuses a file that was removed or replaced.

        Nobody would find what is written there; and where there is none, a connection makes an
        empty one, and goes on reading that when the ledger is back.
        """
        if self._file is not None and _identity(self.path) != self._file:
            raise LedgerFault(
                f"the ledger {str(self.path)!r} was moved, removed or replaced",
                hint="put it back; or, where another one shall be used, start anew",
            )

    def forget(self) -> None:
        """Takes what was removed or overwritten out of the log beside the file, too.

        Where somebody reads it at this moment, the log is emptied later.
        """
        with self.read() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """The right to decide on this ledger; one process at a time has it.

        Meanwhile some disk space is set aside, see `free_spare`.

        Raises:
            LedgerFault: Another process has it, or there is no space left.
        """
        with self._lock_file(".lock") as fd:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                owner = os.read(fd, 100).decode("ascii", "replace").strip() or "another process"
                raise LedgerFault(
                    f"{owner} is deciding on the ledger {str(self.path)!r}",
                    hint="wait until it ends, or stop it; nothing was changed by this call",
                ) from error
            try:
                os.ftruncate(fd, 0)
                os.write(fd, f"process {os.getpid()}".encode())
                _set_aside(self._spare)
                yield
            finally:
                self.free_spare()

    @contextmanager
    def importing(self) -> Iterator[None]:
        """The right to bring in cases; waits while another process has it."""
        with self._lock_file(".import-lock") as fd:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield

    def free_spare(self) -> bool:
        """Gives the space free that was set aside, so that what is paid for can be stored.

        Returns:
            Whether there was any.
        """
        try:
            self._spare.unlink()
        except OSError:
            return False
        return True

    @property
    def _spare(self) -> Path:
        return self.path.with_suffix(".spare")

    @contextmanager
    def _lock_file(self, suffix: str) -> Iterator[int]:
        try:
            fd = os.open(self.path.with_suffix(suffix), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _fault(self.path, error) from error
        try:
            yield fd
        except OSError as error:
            raise _fault(self.path, error) from error
        finally:
            os.close(fd)

    def close(self) -> None:
        """Closes the database."""
        self._engine.dispose()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _migrate(self) -> None:
        newest = len(tables.MIGRATIONS)
        with self.read() as connection:
            current = _version(connection)
        if current > newest:
            raise LedgerFault(
                f"the ledger {str(self.path)!r} has schema version {current}; "
                f"this Rixin knows versions up to {newest}",
                hint="upgrade Rixin, or point --ledger at another file; nothing was changed",
            )
        if current == newest:
            return
        from rixin.ledger.audit import current_head, write_head
        from rixin.ledger.migrating import note_migration

        with self.append() as connection:  # all tables or none; and only one process makes them
            before = _version(connection)
            for migration in tables.MIGRATIONS[before:]:
                migration(connection)
            row = {"name": "schema_version", "value": str(newest)}
            connection.execute(delete(tables.meta).where(tables.meta.c.name == row["name"]))
            connection.execute(insert(tables.meta), [row])
            if noted := 0 < before < newest:
                note_migration(connection, before, newest)
        if noted:
            write_head(self, current_head(self), datetime.now(UTC))


def _version(connection: Connection) -> int:
    """The schema version of a ledger; 0 where it has no tables yet."""
    if not inspect(connection).has_table(tables.meta.name):
        return 0
    query = select(tables.meta.c.value).where(tables.meta.c.name == "schema_version")
    return int(connection.execute(query).scalar() or 0)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to; None: to none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_aside(path: Path) -> None:
    with open(path, "wb", opener=opener) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, _SPARE_BYTES)
        else:
            file.write(bytes(_SPARE_BYTES))


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _fault(path: Path, error: Exception) -> LedgerFault:
    cause = str(getattr(error, "orig", error))
    hint = "check the path and its rights"
    for sign, mend in _MENDS.items():
        if sign in cause:
            hint = mend
            break
    free = ""
    with suppress(OSError):
        stat = os.statvfs(path.parent)
        free = f" ({stat.f_bavail * stat.f_frsize // 1_000_000} MB free)"
    return LedgerFault(f"the ledger {str(path)!r} cannot be used: {cause}{free}", hint=hint)


_MENDS = {
    "disk is full": "free some space and run again; what was stored stays, nothing is repeated",
    "No space left": "free some space and run again; what was stored stays, nothing is repeated",
    "disk I/O error": "check free space and the disk; what was stored stays",
    "readonly": "make the folder writable, or point --ledger at a folder that is",
    "Read-only": "make the folder writable, or point --ledger at a folder that is",
    "not permitted": "make the folder writable, or point --ledger at a folder that is",
    "Permission denied": "make the folder writable, or point --ledger at a folder that is",
    "unable to open": "make the folder writable, or point --ledger at a folder that is",
    "File exists": "a file stands where the folder should be: point --ledger somewhere else",
    "Not a directory": "a file stands where the folder should be: point --ledger somewhere else",
    "not a database": "the file is no ledger: move it away, or point --ledger at another file",
    "locked": "another program holds the file; wait until it ends",
}
