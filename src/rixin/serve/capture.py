"""Capture: every answer becomes a row in the ledger, without an answer ever waiting for the disk.

Rows gather in memory and are committed together; a row is on the disk within the bound, 100 ms by
default, after its answer is out. When the disk cannot keep up, the policy decides: `drop` loses
rows and counts them, `refuse` answers no more requests until there is room.

A gateway's worker has a process that commits its rows: a thread takes the interpreter from the
event loop many times in each commit, which cost four in ten of the requests that a worker can
answer. Where there is no such process, or no more, a thread does it. The process is given no more
than it can commit soon, so that what waits for a disk waits once, here.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from rixin.core.traces import log_traceback
from rixin.errors import LedgerFault
from rixin.ledger.aside import aside_file, reason, set_aside
from rixin.ledger.requests import COLUMNS, Remark
from rixin.ledger.store import Ledger
from rixin.serve.committer import Committer, News, values_of
from rixin.serve.writer import Writer

Policy = Literal["drop", "refuse"]
BOUND_S = 0.1
_MOST_ROWS = 50_000
_MOST_BYTES = 64 << 20
_WINDOW = 8 << 20
"""Bytes of rows that the process may have at the same time; one row may be larger."""
_LATE_S = 15.0
"""Seconds beyond the bound after which a row that waits means that something stands still."""
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
        most_bytes: Bytes of rows that may wait.
        writer: The process that commits; None: a thread does. Its news come in this event loop.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        bound_s: float = BOUND_S,
        policy: Policy = "refuse",
        most: int = _MOST_ROWS,
        most_bytes: int = _MOST_BYTES,
        writer: Writer | None = None,
    ) -> None:
        self.dropped = 0
        self.written = 0
        self.aside = 0
        """Rows that the ledger did not take; they are in the file beside it."""
        self._left = 0
        """Those of them that were set aside because the ledger took nothing at the end."""
        self.longest_s = 0.0
        """The longest that a row has waited for the disk."""
        self.fault = ""
        """Why rows cannot be written; empty: they can."""
        self._ledger, self._bound_s, self._policy = ledger, bound_s, policy
        self._most, self._most_bytes = most, most_bytes
        self._rows: list[bytes] = []
        """Those that are not on the disk yet, as lines."""
        self._came: list[float] = []
        """When each of them did, on the monotonic clock."""
        # Two numbers, each with one thread that changes it: their difference is what waits.
        self._bytes_in = self._bytes_out = 0
        self._handed = 0
        """Those of them that the process has."""
        self._handed_until = 0
        """Bytes up to the last row that the process has."""
        self._held_back = False
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
    def waiting_bytes(self) -> int:
        """Bytes of the rows that are not on the disk yet."""
        return self._bytes_in - self._bytes_out

    @property
    def refuses(self) -> bool:
        """Whether no more requests may be answered until there is room."""
        return self._policy == "refuse" and self._is_full

    @property
    def by_thread(self) -> bool:
        """Whether a thread commits, as it does when the process for it has ended."""
        return self._committer is not None

    @property
    def _is_full(self) -> bool:
        return len(self._rows) >= self._most or (
            self._bytes_in - self._bytes_out >= self._most_bytes
        )

    def trouble(self, now: float) -> str:
        """Why rows are not on the disk within the bound; empty: they are.

        Args:
            now: On the monotonic clock.
        """
        if self.fault:
            return self.fault
        came = self._came[:1]
        late = now - came[0] if came else 0.0
        if late > self._bound_s + _LATE_S:
            return f"the oldest waits for {late:.0f} s"
        return ""

    def add(self, facts: list[Any], content: Mapping[str, Any] | None) -> None:
        """Takes a row; never waits, and never fails.

        Args:
            facts: Values in the order of `COLUMNS`, up to `detail`; `detail` is a mapping.
            content: What was said, with a salt; None: not to be kept.
        """
        try:
            said = None if content is None else _encode(content)
            facts[-1]["content"] = "" if said is None else hashlib.sha256(said).hexdigest()
            facts[-1] = _encode(facts[-1]).decode()
            line = _encode(facts)
        except Exception as error:  # noqa: BLE001 - the caller has an answer; its row is kept apart
            known = dict(zip(COLUMNS, facts, strict=False))
            self.put_aside({**known, "content": content}, error)
            return
        self._take(line if said is None else b"%b\t%b" % (line, said))

    def add_feedback(self, remark: Remark) -> None:
        """Takes what somebody says about an answer, as `add` does."""
        *facts, body = remark
        self._take(b"+%b\t%b" % (_encode(facts), body.encode("utf-8", "replace")))

    async def close(self) -> None:
        """Commits what waits; waits until it is on the disk, or cannot be written.

        Raises:
            LedgerFault: The ledger took no rows at the end; the message says how many, and where
                they are.
        """
        if self._writer is not None:
            self._hand()
            writer, self._writer = self._writer, None
            self._leave(writer)
            for news in await asyncio.to_thread(writer.finish):
                self._note(news)
            if self._rows and not self.fault:
                self._take_over()
        if self._committer is not None:
            await asyncio.to_thread(self._committer.close)
        if self._rows:
            self._keep_rest()
        if self._left or self._rows:
            raise self._incomplete(self._left, len(self._rows))

    def mend(self) -> None:
        """Begins a thread where neither a process nor a thread commits; for whoever supervises."""
        lives = self._committer is not None and self._committer.lives
        if self._writer is None and not lives:
            _log.error("no process writes rows any more; a thread does it from now on")
            self._take_over()

    def _thread(self) -> Committer:
        return Committer(self._ledger, gather_s=gather_s(self._bound_s), tell=self._note)

    def _take(self, line: bytes) -> None:
        if self._policy == "drop" and self._is_full:
            self.dropped += 1
            return
        self._rows.append(line)
        self._came.append(time.monotonic())
        self._bytes_in += len(line)
        if self._committer is not None:
            self._committer.take((line,))
        elif not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(HAND_S, self._hand)

    def put_aside(self, row: Mapping[str, Any], error: Exception) -> None:
        """Keeps a row that cannot be written down in the file beside the ledger; never fails."""
        log_traceback(_log, "a row cannot be written down, and is set aside", error)
        try:
            set_aside(self._ledger.path, [("requests", row)], reason(error))
        except Exception as failed:  # noqa: BLE001 - there is no other place for it
            log_traceback(_log, "a row is lost: it cannot be set aside", failed)
            self.dropped += 1
        else:
            self.aside += 1

    def _note(self, news: News) -> None:
        if news.fault and not self.fault:
            _log.error("what was answered cannot be stored: %s", news.fault)
        self.fault = news.fault
        if news.aside:
            self.aside += news.aside
            self._left += news.aside if news.fault else 0
            _log.error("%d rows are set aside in %s", news.aside, aside_file(self._ledger.path))
        done = news.written + news.aside
        if done:
            self.longest_s = max(self.longest_s, time.monotonic() - self._came[0])
            self._bytes_out += sum(map(len, self._rows[:done]))
            # `del` of a slice is one step for all threads: rows that came meanwhile stay.
            del self._rows[:done]
            del self._came[:done]
            self.written += news.written
            self._handed = max(0, self._handed - done)

    def _hand(self) -> None:
        """Gives the process what has gathered, as far as it shall have so much."""
        self._due = False
        if self._writer is None or self._handed == len(self._rows):
            return
        rows = self._rows[self._handed :]
        room = self._bytes_out + _WINDOW - self._handed_until
        self._held_back = room < self._bytes_in - self._handed_until
        if self._held_back:
            rows = _within(rows, room, alone=self._handed == 0)
        self._handed += len(rows)
        self._handed_until += sum(map(len, rows))
        self._writer.put(rows)
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
        told = writer.news()
        if told is None:
            self._leave(writer)
            self._writer = None
            # It may live on: the event loop must not wait for it.
            asyncio.get_running_loop().run_in_executor(None, writer.reap)
            self.mend()
            return
        for news in told:
            self._note(news)
        if self._held_back:
            self._hand()

    def _leave(self, writer: Writer) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(writer.channel)
        loop.remove_writer(writer.channel)

    def _take_over(self) -> None:
        """The process is gone: a thread goes on with what it has not told of."""
        committer = self._thread()
        committer.take(self._rows[:], doubtful=len(self._rows))
        self._committer = committer

    def _keep_rest(self) -> None:
        """What neither the process nor a thread has stored or set aside."""
        try:
            set_aside(self._ledger.path, map(values_of, self._rows), self.fault)
        except Exception as error:  # noqa: BLE001 - the caller tells their number
            log_traceback(_log, "rows cannot be set aside", error)
        else:
            self.aside += len(self._rows)
            self._left += len(self._rows)
            self._rows.clear()

    def _incomplete(self, aside: int, lost: int) -> LedgerFault:
        where = aside_file(self._ledger.path)
        kept = f"{aside:,} rows of what was answered are set aside in {where}" if aside else ""
        gone = f"{lost:,} rows of what was answered are lost" if lost else ""
        return LedgerFault(
            f"the ledger is not complete: {' and '.join(filter(None, (kept, gone)))}"
            f" ({self.fault or 'it did not take them'})",
            hint="mend that, and start again; rixin doctor names what was set aside",
        )


def _within(rows: Sequence[bytes], room: int, *, alone: bool) -> list[bytes]:
    """The first rows that fit into so many bytes; `alone`: at least one."""
    some: list[bytes] = []
    for line in rows:
        room -= len(line)
        if room < 0 and (some or not alone):
            break
        some.append(line)
    return some
