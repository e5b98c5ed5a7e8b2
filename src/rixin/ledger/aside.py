"""Rows that the ledger does not take: kept in a file beside it, each with the reason.

The file holds what was said, as the ledger does, and so only its owner may read it.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError

from rixin.errors import LedgerFault

_OF_A_ROW = (DataError, IntegrityError, InterfaceError, ProgrammingError)
_SAID = ("content", "body", "facts", "output", "steps", "note", "probabilities")
"""What may hold words of somebody."""
_MOST_BITS = 10_000
"""Of a number in digits: Python refuses to write longer ones."""


def aside_file(ledger: Path) -> Path:
    """Where the rows are that a ledger did not take."""
    return ledger.with_suffix(".aside.jsonl")


def set_aside(ledger: Path, rows: Iterable[tuple[str, Mapping[str, Any]]], why: str) -> None:
    """Adds rows to the file beside the ledger; they are on the disk when this returns.

    Args:
        ledger: The ledger's file.
        rows: The table that each was for, and its values by name; any values.
        why: Why the ledger does not take them.

    Raises:
        OSError: The file cannot be written; none of them is in it.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    lines = (
        json.dumps({"at": at, "table": table, "why": plain(why), "row": plain(row)}) + "\n"
        for table, row in rows
    )
    fd = os.open(aside_file(ledger), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # other workers add to it, too
        size = os.fstat(fd).st_size
        try:
            for line in lines:
                _write(fd, line.encode())
            os.fsync(fd)
        except BaseException:
            os.ftruncate(fd, size)
            raise
    finally:
        os.close(fd)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def erase_aside(ledger: Path, ids: Set[str], before: str) -> int:
    """Removes for good what was said in rows that were set aside; the rest of them stays.

    Args:
        ledger: The ledger's file.
        ids: Of requests.
        before: Rows that were set aside before this moment are emptied, too: a time in ISO 8601,
            UTC, or nothing.

    Returns:
        How many rows were emptied.
    """
    try:
        file = aside_file(ledger).open("r+b")
    except FileNotFoundError:
        return 0
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = file.readlines()
        emptied = [_emptied(line, ids, before) for line in lines]
        file.seek(0)
        file.writelines(emptied)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    return sum(new != old for new, old in zip(emptied, lines, strict=True))


def _emptied(line: bytes, ids: Set[str], before: str) -> bytes:
    entry = json.loads(line)
    row = entry["row"]
    if entry["at"] >= before and not {row.get("id"), row.get("request_id")} & ids:
        return line
    for name in _SAID:
        if name in row:
            row[name] = None
    return json.dumps(entry).encode() + b"\n"


def count_aside(ledger: Path) -> int:
    """How many rows are in the file beside a ledger."""
    try:
        with aside_file(ledger).open("rb") as file:
            return sum(1 for _ in file)
    except OSError:
        return 0


def is_of_a_row(error: Exception) -> bool:
    """Whether an error is about what was to be stored, and not about the ledger or the machine."""
    if isinstance(error, LedgerFault):
        return isinstance(error.__cause__, _OF_A_ROW)
    return not isinstance(error, OSError | MemoryError)


def reason(error: Exception) -> str:
    """Why a row cannot be stored, for the file beside the ledger."""
    cause = error.__cause__ if isinstance(error, LedgerFault) else error
    return f"{type(cause).__name__}: {getattr(cause, 'orig', cause)}"


def plain(value: Any, depth: int = 0) -> Any:
    """A value that `json.dumps` takes, whatever it was."""
    if depth > 50:
        return "…"
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return hex(value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return f"<{type(value).__name__}>"
