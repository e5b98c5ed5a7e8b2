"""Capture: every answer becomes a row in the ledger, without an answer ever waiting for the disk.

Rows gather in memory and a thread commits them together; a row is on the disk within the bound,
100 ms by default, after its answer is out. When the disk cannot keep up, the policy decides:
`drop` loses rows and counts them, `refuse` answers no more requests until there is room.
"""

import hashlib
import logging
import threading
import time
from typing import Any, Literal, NamedTuple

import msgspec

from rixin.core.merkle import leaf_hash
from rixin.errors import LedgerFault
from rixin.ledger.requests import note_head, write_requests
from rixin.ledger.store import Ledger

Policy = Literal["drop", "refuse"]
BOUND_S = 0.1
_MOST_ROWS = 50_000
_BATCH = 5_000
_HEAD_EVERY_S = 60.0
_AGAIN_S = 1.0
_log = logging.getLogger("rixin.serve")
_encode = msgspec.json.Encoder().encode


class _Row(NamedTuple):
    """A row that waits for the disk."""

    facts: list[Any]
    encoded: bytes
    """The facts as JSON: what the audit trail covers."""
    content: str | None
    came: float
    """On the monotonic clock."""


class Capture:
    """Commits rows in a thread of its own.

    Args:
        ledger: Where they go.
        bound_s: Seconds within which a row is on the disk.
        policy: What happens when there is no room for more.
        most: Rows that may wait.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        bound_s: float = BOUND_S,
        policy: Policy = "refuse",
        most: int = _MOST_ROWS,
    ) -> None:
        self.dropped = 0
        self.written = 0
        self.longest_s = 0.0
        """The longest that a row has waited for the disk."""
        self.fault = ""
        """Why rows cannot be written; empty: they can."""
        self._ledger, self._policy, self._most = ledger, policy, most
        self._gather_s = bound_s / 2
        self._rows: list[_Row] = []
        self._wake = threading.Event()
        self._closing = False
        self._head_at = 0.0
        self._thread = threading.Thread(target=self._run, name="rixin-capture", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rows that are not on the disk yet."""
        return len(self._rows)

    @property
    def refuses(self) -> bool:
        """Whether no more requests may be answered until there is room."""
        return self._policy == "refuse" and len(self._rows) >= self._most

    def add(self, facts: list[Any], content: bytes | None) -> None:
        """Takes a row; never waits.

        Args:
            facts: Values in the order of `COLUMNS`, up to `detail`; `detail` is a mapping.
            content: JSON text of what was said, with a salt; None: not to be kept.
        """
        if len(self._rows) >= self._most and self._policy == "drop":
            self.dropped += 1
            return
        digest = "" if content is None else hashlib.sha256(content).hexdigest()
        facts[-1]["content"] = digest
        facts[-1] = _encode(facts[-1]).decode()
        text = None if content is None else content.decode("utf-8", "replace")
        self._rows.append(_Row(facts, _encode(facts), text, time.monotonic()))
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Commits what waits, and ends the thread."""
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
                self._write(batch)
            except LedgerFault as error:
                self._lament(error)
                if self._closing:
                    return
                time.sleep(_AGAIN_S)
                continue
            # `del` of a slice is one step for all threads: rows that came meanwhile stay.
            del self._rows[: len(batch)]
            self.fault = ""
            self.written += len(batch)
            self.longest_s = max(self.longest_s, time.monotonic() - batch[0].came)
        if time.monotonic() - self._head_at > _HEAD_EVERY_S:
            self._note_head()

    def _write(self, batch: list[_Row]) -> None:
        leaves = [leaf_hash(row.encoded) for row in batch]
        rows = [
            (*row.facts, row.content, leaf.hex()) for row, leaf in zip(batch, leaves, strict=True)
        ]
        write_requests(self._ledger, rows, leaves)

    def _lament(self, error: LedgerFault) -> None:
        if not self.fault:
            _log.error("what was answered cannot be stored: %s (%s)", error, error.hint)
        self.fault = str(error)

    def _note_head(self) -> None:
        self._head_at = time.monotonic()
        try:
            note_head(self._ledger)
        except (LedgerFault, OSError) as error:
            _log.error("no tree head was written: %s", error)
