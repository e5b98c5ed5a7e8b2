"""Capture: every answer becomes a row in the ledger, without an answer ever waiting for the disk.

Rows gather in memory and are committed together; a row is on the disk within the bound, 100 ms by
default, after its answer is out. When the disk cannot keep up, the policy decides: `drop` loses
rows and counts them, `refuse` answers no more requests until there is room.

A gateway's worker has a process that commits its rows: a thread takes the interpreter from the
event loop many times in each commit, which cost four in ten of the requests that a worker can
answer. Where there is no such process, or no more, a thread does it.
"""

import asyncio
import hashlib
import logging
import time
from typing import Any, Literal

import msgspec

from rixin.ledger.requests import Row
from rixin.ledger.store import Ledger
from rixin.serve.committer import Committer
from rixin.serve.writer import Writer

Policy = Literal["drop", "refuse"]
BOUND_S = 0.1
_MOST_ROWS = 50_000
HAND_S = 0.005
"""Seconds for which rows gather before the process gets them."""
_log = logging.getLogger("rixin.serve")
_encode = msgspec.json.Encoder().encode


def gather_s(bound_s: float) -> float:
    """How long rows gather before they are committed: half of the bound is left for the disk."""
    return bound_s / 2


class Capture:
    """Takes rows, and has them committed.

    Args:
        ledger: Where they go.
        bound_s: Seconds within which a row is on the disk.
        policy: What happens when there is no room for more.
        most: Rows that may wait.
        writer: The process that commits; None: a thread does. Its news come in this event loop.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        bound_s: float = BOUND_S,
        policy: Policy = "refuse",
        most: int = _MOST_ROWS,
        writer: Writer | None = None,
    ) -> None:
        self.dropped = 0
        self.written = 0
        self.longest_s = 0.0
        """The longest that a row has waited for the disk."""
        self.fault = ""
        """Why rows cannot be written; empty: they can."""
        self._ledger, self._bound_s, self._policy, self._most = ledger, bound_s, policy, most
        self._rows: list[Row] = []
        """Those that are not on the disk yet."""
        self._came: list[float] = []
        """When each of them did, on the monotonic clock."""
        self._handed = 0
        """Those of them that the process has."""
        self._due = False
        self._writer = writer
        self._committer: Committer | None = None
        if writer is None:
            self._committer = self._thread()
        else:
            asyncio.get_running_loop().add_reader(writer.channel, self._hear)

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
        digest, text = "", None
        if content is not None:
            digest = hashlib.sha256(content).hexdigest()
            text = content.decode("utf-8", "replace")
        facts[-1]["content"] = digest
        facts[-1] = _encode(facts[-1]).decode()
        row = Row(_encode(facts), text)
        self._rows.append(row)
        self._came.append(time.monotonic())
        if self._committer is not None:
            self._committer.take((row,))
        elif not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(HAND_S, self._hand)

    async def close(self) -> None:
        """Commits what waits; waits until it is on the disk, or cannot be written."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._leave(writer)
            await asyncio.to_thread(self._finish, writer)
        if self._committer is not None:
            await asyncio.to_thread(self._committer.close)

    def _thread(self) -> Committer:
        return Committer(self._ledger, gather_s=gather_s(self._bound_s), tell=self._note)

    def _note(self, written: int, fault: str) -> None:
        if fault and not self.fault:
            _log.error("what was answered cannot be stored: %s", fault)
        self.fault = fault
        if written:
            self.longest_s = max(self.longest_s, time.monotonic() - self._came[0])
            # `del` of a slice is one step for all threads: rows that came meanwhile stay.
            del self._rows[:written]
            del self._came[:written]
            self.written += written
            self._handed = max(0, self._handed - written)

    def _hand(self) -> None:
        """Gives the process what has gathered."""
        self._due = False
        if self._writer is not None:
            self._writer.put(self._rows[self._handed :])
            self._handed = len(self._rows)
            self._push(self._writer)

    def _push(self, writer: Writer) -> None:
        loop = asyncio.get_running_loop()
        if writer.push():
            loop.remove_writer(writer.channel)
        else:
            loop.add_writer(writer.channel, self._push, writer)

    def _hear(self) -> None:
        """What the process says."""
        writer = self._writer
        assert writer is not None
        news = writer.news()
        if news is None:
            self._leave(writer)
            writer.reap()
            self._writer = None
            self._take_over()
            return
        for one in news:
            self._note(one.written, one.fault)

    def _leave(self, writer: Writer) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(writer.channel)
        loop.remove_writer(writer.channel)

    def _take_over(self) -> None:
        """The process is gone: a thread goes on with what it has not told of."""
        _log.error("the process that writes rows has ended; a thread does it from now on")
        self._committer = self._thread()
        self._committer.take(self._rows[:], doubtful=self._handed)

    def _finish(self, writer: Writer) -> None:
        writer.put(self._rows[self._handed :])
        self._handed = len(self._rows)
        for one in writer.finish():
            self._note(one.written, one.fault)
        if self._rows and not self.fault:
            self._take_over()
