"""Commits the rows of requests together, in a thread."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from rixin.errors import LedgerFault
from rixin.ledger.requests import Row, note_head, write_requests
from rixin.ledger.store import Ledger

_BATCH = 5_000
_HEAD_EVERY_S = 60.0
_AGAIN_S = 1.0
_log = logging.getLogger("rixin.serve")


class Committer:
    """Gathers rows for a while and commits them; tries again for as long as that fails.

    Args:
        ledger: Where they go.
        gather_s: How long rows gather.
        tell: Gets the number of rows that are on the disk now, and why others are not; it is
            called in the thread.
    """

    def __init__(
        self, ledger: Ledger, *, gather_s: float, tell: Callable[[int, str], None]
    ) -> None:
        self._ledger, self._gather_s, self._tell = ledger, gather_s, tell
        self._rows: list[Row] = []
        self._doubtful = 0
        self._wake = threading.Event()
        self._closing = False
        self._head_at = 0.0
        self._thread = threading.Thread(target=self._run, name="rixin-capture", daemon=True)
        self._thread.start()

    def take(self, rows: Sequence[Row], *, doubtful: int = 0) -> None:
        """Takes rows; never waits.

        Args:
            rows: In the order in which they were answered.
            doubtful: How many of all that wait may be on the disk already.
        """
        self._doubtful += doubtful
        self._rows += rows
        self._wake.set()

    def close(self) -> None:
        """Commits what waits, in one try, and ends the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait()
            if not self._closing:
                time.sleep(self._gather_s)
            self._wake.clear()
            self._flush()
        self._flush()
        self._note_head()

    def _flush(self) -> None:
        while self._rows:
            batch = self._rows[:_BATCH]
            try:
                write_requests(self._ledger, batch, doubtful=self._doubtful > 0)
            except LedgerFault as error:
                self._tell(0, f"{error} ({error.hint})")
                if self._closing:
                    return
                time.sleep(_AGAIN_S)
                continue
            # `del` of a slice is one step for all threads: rows that came meanwhile stay.
            del self._rows[: len(batch)]
            self._doubtful = max(0, self._doubtful - len(batch))
            self._tell(len(batch), "")
        if time.monotonic() - self._head_at > _HEAD_EVERY_S:
            self._note_head()

    def _note_head(self) -> None:
        self._head_at = time.monotonic()
        try:
            note_head(self._ledger)
        except LedgerFault as error:
            _log.error("no tree head was written: %s", error)
