"""Commits the rows of requests together, in a thread.

Rows come as lines: facts as a JSON array, a tab, and what was said as JSON; those of feedback
begin with a plus. JSON holds neither a tab nor a line end as such.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, takewhile
from typing import Any, NamedTuple

import msgspec

from rixin.core.traces import log_traceback
from rixin.errors import RixinError
from rixin.ledger.aside import is_of_a_row, reason, set_aside
from rixin.ledger.requests import (
    COLUMNS,
    Remark,
    Row,
    note_head,
    write_feedback,
    write_requests,
)
from rixin.ledger.store import Ledger

_MOST_ROWS = 5_000
_MOST_BYTES = 4 << 20
"""Of the rows of one commit; one row may be larger."""
_HEAD_EVERY_S = 60.0
_AGAIN_S = (1.0, 2.0, 5.0)
"""Pauses after tries that failed; the last one again and again."""
_log = logging.getLogger("rixin.serve")
_values_of = msgspec.json.Decoder(list[Any]).decode


class News(NamedTuple):
    """What became of rows, the oldest ones first."""

    written: int = 0
    """Rows that are on the disk now."""
    aside: int = 0
    """Rows after those that the ledger does not take; they are in the file beside it."""
    fault: str = ""
    """Why the others are not on the disk; empty: nothing speaks against it. With rows set aside:
    not they were at fault, but the ledger."""


class Committer:
    """Gathers rows for a while and commits them; tries again for as long as that fails.

    A row that cannot be stored is put into the file beside the ledger, and the others are stored.

    Args:
        ledger: Where they go.
        gather_s: How long rows gather.
        tell: Gets what becomes of them; it is called in the thread.
    """

    def __init__(self, ledger: Ledger, *, gather_s: float, tell: Callable[[News], None]) -> None:
        self._ledger, self._gather_s, self._tell = ledger, gather_s, tell
        self._lines: list[bytes] = []
        self._doubtful = 0
        self._most = _MOST_ROWS
        self._failures, self._gave_up, self._fault = 0, False, ""
        self._wake, self._end = threading.Event(), threading.Event()
        self._head_at = 0.0
        self._thread = threading.Thread(target=self._run, name="rixin-capture", daemon=True)
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether its thread does."""
        return self._thread.is_alive()

    def take(self, lines: Sequence[bytes], *, doubtful: int = 0) -> None:
        """Takes rows; never waits.

        Args:
            lines: In the order in which they were answered.
            doubtful: How many of all that wait may be on the disk already.
        """
        self._doubtful += doubtful
        self._lines += lines
        self._wake.set()

    def close(self) -> None:
        """Commits what waits, in one try, and ends the thread; sets aside what cannot be stored."""
        self._end.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._end.is_set():
                self._wake.wait()
                self._end.wait(self._gather_s)
                self._wake.clear()
                self._flush()
            if not self._gave_up:
                self._flush()
            self._leave()
            self._note_head()
        except BaseException as error:  # noqa: BLE001 - whoever has a copy of the rows goes on
            log_traceback(_log, "the thread that writes rows has ended", error)

    def _flush(self) -> None:
        """Stores all that waits; returns earlier only where that fails at the end."""
        while self._lines:
            batch = self._batch()
            try:
                self._store(batch)
            except Exception as error:  # noqa: BLE001 - rows wait for whatever it is to pass
                if is_of_a_row(error):
                    self._divide(batch, error)
                elif self._failed(error):
                    return
            else:
                self._most, self._failures = min(_MOST_ROWS, 2 * self._most), 0
                self._done(len(batch), News(written=len(batch)))
        if time.monotonic() - self._head_at > _HEAD_EVERY_S:
            self._note_head()

    def _batch(self) -> list[bytes]:
        """The oldest rows, all of one kind, as many as are committed together."""
        some = self._lines[: self._most]
        kind = some[0][:1]
        sizes = zip(some, accumulate(map(len, some)), strict=True)
        alike = takewhile(lambda one: one[1] <= _MOST_BYTES and one[0][:1] == kind, sizes)
        return [line for line, _ in alike] or some[:1]

    def _store(self, batch: Sequence[bytes]) -> None:
        doubtful = self._doubtful > 0
        if batch[0].startswith(b"+"):
            write_feedback(self._ledger, [_remark(one) for one in batch], doubtful=doubtful)
        else:
            write_requests(self._ledger, [_row(one) for one in batch], doubtful=doubtful)

    def _divide(self, batch: Sequence[bytes], error: Exception) -> None:
        """One of these rows cannot be stored: fewer are tried, until it is alone."""
        if len(batch) > 1:
            self._most = len(batch) // 2
            return
        log_traceback(_log, "a row cannot be stored, and is set aside", error)
        try:
            self._put_aside(batch, reason(error), fault="")
        except Exception as failed:  # noqa: BLE001 - it waits, with those after it
            self._failed(failed)

    def _failed(self, error: Exception) -> bool:
        """The ledger takes nothing now: tells it, and waits; gives whether this is the end."""
        self._gave_up = self._end.is_set()  # it began before, or was the one try that is left
        # What a failed commit has left is not known.
        self._doubtful = len(self._lines)
        self._fault = _fault(error)
        self._tell(News(fault=self._fault))
        pause = _AGAIN_S[min(self._failures, len(_AGAIN_S) - 1)]
        self._failures += 1
        return self._end.wait(pause)

    def _put_aside(self, lines: Sequence[bytes], why: str, *, fault: str) -> None:
        set_aside(self._ledger.path, map(values_of, lines), why)
        self._done(len(lines), News(aside=len(lines), fault=fault))

    def _done(self, count: int, news: News) -> None:
        # `del` of a slice is one step for all threads: rows that came meanwhile stay.
        del self._lines[:count]
        self._doubtful = max(0, self._doubtful - count)
        self._tell(news)

    def _leave(self) -> None:
        """At the end, what could not be committed goes beside the ledger."""
        why = "the ledger took no rows when this process ended"
        try:
            while self._lines:
                self._put_aside(self._batch(), why, fault=self._fault or why)
        except Exception as error:  # noqa: BLE001 - whoever has a copy is told
            self._tell(News(fault=_fault(error)))

    def _note_head(self) -> None:
        self._head_at = time.monotonic()
        try:
            note_head(self._ledger)
        except Exception as error:  # noqa: BLE001 - the next one is written in a minute
            log_traceback(_log, "no tree head was written", error)


def _fault(error: Exception) -> str:
    """In words; those of an error that nobody expected may hold what was said."""
    if isinstance(error, RixinError):
        return f"{error} ({error.hint})"
    return getattr(error, "strerror", None) or type(error).__name__


def _row(line: bytes) -> Row:
    facts, _, content = line.partition(b"\t")
    return Row(facts, content.decode() if content else None)


def _remark(line: bytes) -> Remark:
    facts, _, body = line[1:].partition(b"\t")
    request_id, at, key_id = _values_of(facts)
    return Remark(request_id, at, key_id, body.decode())


def values_of(line: bytes) -> tuple[str, Mapping[str, Any]]:
    """The table of a row and its values by name, as far as it can be read."""
    feedback = line.startswith(b"+")
    facts, _, said = line[feedback:].partition(b"\t")
    names = Remark._fields if feedback else COLUMNS
    try:
        known = dict(zip(names, _values_of(facts), strict=False))
    except (msgspec.DecodeError, ValueError):
        known = {"facts": facts}
    return (
        ("feedback", {**known, "body": said})
        if feedback
        else (
            "requests",
            {**known, "content": said},
        )
    )
