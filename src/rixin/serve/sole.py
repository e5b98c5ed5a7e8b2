"""The lock of whoever counts the budgets of a ledger: two would each count for themselves."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rixin.errors import EnvironmentFault


@contextmanager
def sole(ledger: Path, what: str, *, hint: str, second: bool = False) -> Iterator[None]:
    """Works on a ledger alone; the lock goes with this process.

    Args:
        ledger: The ledger.
        what: Who works, such as `rixin serve`.
        hint: What to do where somebody else works on it.
        second: Go on although somebody does.

    Raises:
        EnvironmentFault: Somebody else works on it.
    """
    lock = os.open(ledger.with_suffix(".serve-lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # Of the process: workers that outlive their master by a moment do not hold it.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if not second:
            number, _, who = os.read(lock, 100).decode("ascii", "replace").strip().partition(" ")
            os.close(lock)
            raise EnvironmentFault(
                f"{who or 'another gateway'} (process {number or 'unknown'}) works on the ledger"
                f" {str(ledger)!r}; two would each count budgets for themselves",
                hint=hint,
            ) from error
    else:
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()} {what}".encode())
    try:
        yield
    finally:
        os.close(lock)
