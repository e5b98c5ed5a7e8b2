"""What was answered of a file, row by row, beside the output: a run that is killed loses nothing.

Each row is one line, handed to the system before the next one. One run at a time holds it.
"""

import fcntl
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from rixin.errors import ExportError, UsageError
from rixin.ledger.private import opener


class Journal:
    """The rows that are answered, as far as they are.

    Args:
        path: Its file; one that is there is gone on with.
        job: All that an answer depends on; rows of another job are never taken for ours.

    Raises:
        UsageError: Another run holds it, or it holds rows of another job.
        ExportError: It cannot be written.
    """

    def __init__(self, path: Path, job: str) -> None:
        self.path = path
        self.rows: dict[int, dict[str, Any]] = {}
        """Number of a row → what is added to it."""
        try:
            self._file = open(path, "a+b", buffering=0, opener=opener)  # noqa: SIM115 - see __exit__
        except OSError as error:
            raise ExportError(f"{path} cannot be written: {error.strerror}") from error
        try:
            self._hold()
            self._read(hashlib.sha256(job.encode("utf-8", "replace")).hexdigest().encode())
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Lets it go; one without a row leaves nothing."""
        if not self.rows:
            self.remove()
        self._file.close()

    def add(self, number: int, values: Mapping[str, Any]) -> None:
        """Notes an answered row.

        Raises:
            OSError: The disk takes no more.
        """
        self._write(json.dumps([number, values]).encode())
        self.rows[number] = dict(values)

    def remove(self) -> None:
        """Ends it: what it holds is in the output."""
        self.path.unlink(missing_ok=True)

    def _hold(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another run is writing what {self.path.name} is for",
                hint="wait for it, or name another output with -o",
            ) from None

    def _read(self, seal: bytes) -> None:
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        torn = len(lines.pop())  # the last line of a run that was killed
        if torn:
            self._file.truncate(self._file.seek(0, 2) - torn)
        if not lines:
            self._write(seal)
        elif lines[0] != seal:
            raise UsageError(
                f"{self.path} holds {len(lines) - 1:,} rows that were answered for another file,"
                " column, scenario or ledger",
                hint="finish that run, name another output with -o, or remove that file",
            )
        for line in lines[1:]:
            # Half a line, where the disk was full, or what somebody else wrote.
            with suppress(ValueError, TypeError, RecursionError):
                number, values = json.loads(line)
                if isinstance(number, int) and isinstance(values, dict):
                    self.rows[number] = values

    def _write(self, line: bytes) -> None:
        data = memoryview(line + b"\n")
        while data:
            data = data[self._file.write(data) :]
