"""Meters: what keys and scenarios have used, reserved before a call and settled after it.

The counters lie in one memory that all workers share. Each worker keeps what it has reserved in a
column of its own, so that the reservations of one that was killed can be given back.
"""

import fcntl
import mmap
import os
import tempfile
import time
from calendar import timegm
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, NamedTuple

MINUTE, DAY, MONTH, NOW = range(4)
"""Periods of a limit; NOW counts what is under way."""
MOST_SUBJECTS = 8_192
MOST_WORKERS = 32
MONEY_RUN = "money_run"
"""Kind of the limit of what a run may cost, which is counted elsewhere: see `rixin.serve.runs`."""
MOST_RUNS = 16_384
RUN_FIELDS = 6 + MOST_WORKERS
"""Of each run, see `rixin.serve.runs`."""
_PERIODS = (MINUTE, MINUTE, MINUTE, DAY, MONTH, NOW, DAY, MONTH, DAY, MONTH)
"""Of each field of `Amounts`."""
_IN_FLIGHT = 5
_FIELDS = 2 + MOST_WORKERS
_COUNTERS = MOST_SUBJECTS * len(_PERIODS) * _FIELDS
"""Cells of the counters of keys and scenarios; behind them are those of runs."""


class Limit(NamedTuple):
    """One limit of a key or a scenario."""

    subject: int
    """From 0; keys have even numbers, scenarios odd ones."""
    kind: str
    """A field of `Amounts`, or `MONEY_RUN`."""
    most: int
    """Money in 10⁻¹² currency units."""


class Exceeded(NamedTuple):
    """A limit that has no room left."""

    limit: Limit
    used: int
    retry_after_s: float
    """Until the period ends."""


class Amounts(NamedTuple):
    """What a call may use, or has used; the fields are the kinds of limits, in their order."""

    requests: int = 0
    tokens: int = 0
    money_minute: int = 0
    money_day: int = 0
    money_month: int = 0
    in_flight: int = 0
    requests_day: int = 0
    requests_month: int = 0
    tokens_day: int = 0
    tokens_month: int = 0


class Hold(NamedTuple):
    """What was reserved for one call."""

    places: list[tuple[int, int, int]]
    """Offset of each counter, the number of its kind, and the amount reserved in it."""


class Meters:
    """Counters of all limits.

    Args:
        file: An open file that all workers share; None: of this process alone.
        worker: Number of this worker, from 0.

    Examples:
        >>> meters, cap = Meters(), Limit(0, "money_day", 100)
        >>> hold = meters.reserve([cap], Amounts(money_day=80), now=0.0)
        >>> isinstance(meters.reserve([cap], Amounts(money_day=30), now=0.0), Exceeded)
        True
        >>> meters.settle(hold, Amounts(money_day=50))
        >>> isinstance(meters.reserve([cap], Amounts(money_day=30), now=0.0), Hold)
        True
        >>> meters.close()
    """

    def __init__(self, file: IO[bytes] | None = None, worker: int = 0) -> None:
        self._shared = file is not None
        self._file = file if file is not None else shared_file()
        self._fd = self._file.fileno()
        self._memory = mmap.mmap(self._fd, _size())
        self._all = memoryview(self._memory).cast("q")
        self._cells, self.run_cells = self._all[:_COUNTERS], self._all[_COUNTERS:]
        self.worker, self._worker = worker, 2 + worker
        self._known: dict[tuple[int, str], tuple[int, int]] = {}
        self._from = -60.0
        """When the current minute began, in seconds since the epoch."""
        self._periods: tuple[int, ...] = ()
        """The number of the current period of each kind: it changes with a minute at most."""

    def reserve(self, limits: Sequence[Limit], amounts: Amounts, *, now: float) -> Hold | Exceeded:
        """Sets amounts aside under all limits, or under none.

        Args:
            limits: Those that hold for the call.
            amounts: The most that the call may use.
            now: Seconds since the epoch.
        """
        cells, column = self._cells, self._worker
        self._lock()
        try:
            places: list[tuple[int, int, int]] = []
            for limit in limits:
                at, kind = self._at(limit.subject, limit.kind, now)
                amount, used = amounts[kind], self._used(at)
                if used + amount > limit.most:
                    return Exceeded(limit, used, _left(_PERIODS[kind], now))
                places.append((at, kind, amount))
            for at, _, amount in places:
                cells[at + column] += amount
        finally:
            self._unlock()
        return Hold(places)

    def settle(self, hold: Hold, used: Amounts) -> None:
        """Gives back what was reserved, and counts what was used; only once for a call."""
        cells, column = self._cells, self._worker
        self._lock()
        try:
            for at, kind, amount in hold.places:
                cells[at + column] -= amount
                if kind != _IN_FLIGHT:
                    cells[at + 1] += used[kind]
        finally:
            self._unlock()

    def start(self, subject: int, kind: str, used: int, *, now: float) -> None:
        """Sets what was used in the current period before this process began."""
        with self.locked():
            self._cells[self._at(subject, kind, now)[0] + 1] = used

    def used(self, subject: int, kind: str, *, now: float) -> int:
        """What is used and reserved in the current period."""
        with self.locked():
            return self._used(self._at(subject, kind, now)[0])

    def forget_worker(self, worker: int) -> None:
        """Gives back the reservations of a worker that is gone."""
        with self.locked():
            for at in range(0, len(self._cells), _FIELDS):
                self._cells[at + 2 + worker] = 0
            for at in range(0, len(self.run_cells), RUN_FIELDS):
                self.run_cells[at + RUN_FIELDS - MOST_WORKERS + worker] = 0

    def close(self) -> None:
        """Lets go of the memory."""
        self._cells.release()
        self.run_cells.release()
        self._all.release()
        self._memory.close()
        self._file.close()

    def _used(self, at: int) -> int:
        cells = self._cells
        if not self._shared:
            return cells[at + 1] + cells[at + 2]
        return cells[at + 1] + sum(cells[at + 2 : at + _FIELDS])

    def _at(self, subject: int, name: str, now: float) -> tuple[int, int]:
        """The counter of a limit, begun anew where its period is over, and the number of its kind."""
        known = self._known.get((subject, name))
        if known is None:
            kind = Amounts._fields.index(name)
            at = (subject % MOST_SUBJECTS * len(_PERIODS) + kind) * _FIELDS
            known = self._known[subject, name] = (at, kind)
        at, kind = known
        if not self._from <= now < self._from + 60:
            self._from = now // 60 * 60
            self._periods = tuple(_period(period, now) for period in _PERIODS)
        period = self._periods[kind]
        # A clock that is set back does not open the period anew.
        if self._cells[at] < period:
            self._cells[at], self._cells[at + 1] = period, 0
        return known

    # A lock of `flock` belongs to the open file, which workers inherit: it would exclude nobody.
    # One of `lockf` belongs to the process, and goes when that is killed.
    def _lock(self) -> None:
        if self._shared:
            fcntl.lockf(self._fd, fcntl.LOCK_EX)

    def _unlock(self) -> None:
        if self._shared:
            fcntl.lockf(self._fd, fcntl.LOCK_UN)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """As long as no other worker changes the memory."""
        self._lock()
        try:
            yield
        finally:
            self._unlock()


def shared_file() -> IO[bytes]:
    """A file without a name that is as large as the counters; most of it takes no room.

    It is in memory where the system can: to write to one on a full disk would kill the worker.
    """
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("rixin-meters"), "w+b")
    else:
        file = tempfile.TemporaryFile(prefix="rixin-meters-")  # noqa: SIM115 - as long as the process
    os.truncate(file.fileno(), _size())
    return file


def _size() -> int:
    return (_COUNTERS + MOST_RUNS * RUN_FIELDS) * 8


def _period(kind: int, now: float) -> int:
    """The number of the current minute, day or month (UTC); always 0 for what is under way."""
    if kind == NOW:
        return 0
    if kind == MINUTE:
        return int(now) // 60
    if kind == DAY:
        return int(now) // 86_400
    return _month(int(now) // 86_400)


@lru_cache(maxsize=4)
def _month(day: int) -> int:
    moment = time.gmtime(day * 86_400)
    return moment.tm_year * 12 + moment.tm_mon


def period_start(kind: int, now: float) -> float:
    """When the current day or month (UTC) began, in seconds since the epoch."""
    if kind == DAY:
        return now // 86_400 * 86_400
    moment = time.gmtime(now)
    return float(timegm((moment.tm_year, moment.tm_mon, 1, 0, 0, 0)))


def _left(kind: int, now: float) -> float:
    if kind == NOW:
        return 1.0
    if kind == MINUTE:
        return 60 - now % 60
    if kind == DAY:
        return 86_400 - now % 86_400
    moment = time.gmtime(now)
    year, month = (
        (moment.tm_year, moment.tm_mon + 1) if moment.tm_mon < 12 else (moment.tm_year + 1, 1)
    )
    return timegm((year, month, 1, 0, 0, 0)) - now
