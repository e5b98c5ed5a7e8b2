"""Runs: what all calls of one job of an agent may cost together.

A caller names the run that a call belongs to; a run may name its parent, and draws on the cap of
the first of its line. The counters lie beside those of keys in the memory that all workers share.
They are only a cache: the sum of a run that is not there is read from the ledger.
"""

import hashlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from rixin.serve.meters import MOST_RUNS, MOST_WORKERS, RUN_FIELDS, Meters

LONGEST_NAME = 128
_WAYS = 16
"""Places that a run may have in the table: it is looked for in these alone."""
_IDLE_S = 60
"""Seconds after which the place of a run that does nothing may be given to another: by then all its
rows are in the ledger."""
_NAME, _ROOT, _TOUCHED, _SPENT, _HELD = 0, 2, 4, 5, 6

Id = tuple[int, int]
"""A run of a key: 126 bits of a hash."""


class Cap(NamedTuple):
    """The most that a run may cost."""

    run: Id
    most: int
    """In 10⁻¹² currency units."""
    whose: str
    """Who set it, in words."""


class Held(NamedTuple):
    """What was reserved for one call of a run."""

    runs: tuple[Id, ...]
    pico: int


class Spent(NamedTuple):
    """A cap that has no room left."""

    cap: Cap
    used: int
    """What is spent and reserved, in 10⁻¹² currency units."""


class TableFull(RuntimeError):
    """All places that a run may have are taken by others that are busy."""


def run_id(key: int, name: str) -> Id:
    """The run that a key means by a name.

    Args:
        key: Number of the key: another key's runs are others.
        name: As the caller wrote it.
    """
    return _id(f"{key}\0{name}")


def part_of(run: Id, scenario: str) -> Id:
    """What a run spends in one scenario, which has a cap of its own."""
    return _id(f"{to_hex(run)}\0{scenario}")


def to_hex(run: Id) -> str:
    """How a run is named in the ledger."""
    return f"{run[0]:016x}{run[1]:016x}"


def from_hex(text: str) -> Id:
    """The run that the ledger names so."""
    return int(text[:16], 16), int(text[16:], 16)


def _id(text: str) -> Id:
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
    high, low = digest[:8], digest[8:]
    # Signed cells hold 63 bits; a name is never nought, which marks a free place.
    return int.from_bytes(high, "big") >> 1 | 1, int.from_bytes(low, "big") >> 1


class Runs:
    """The table of runs.

    Args:
        meters: Whose memory and lock it shares.

    Examples:
        >>> meters = Meters()
        >>> runs, run = Runs(meters), run_id(1, "job-7")
        >>> runs.begin(run, run, 0, now=0.0)
        >>> held = runs.reserve([Cap(run, 100, "this key")], 80, now=0.0)
        >>> runs.reserve([Cap(run, 100, "this key")], 30, now=0.0).used
        80
        >>> runs.settle(held, 50)
        >>> runs.spent(run)
        50
        >>> meters.close()
    """

    def __init__(self, meters: Meters) -> None:
        self._meters, self._cells = meters, meters.run_cells
        self._column = _HELD + meters.worker

    def root(self, run: Id) -> Id | None:
        """The first of its line; None: the run is not in the table."""
        with self._meters.locked():
            at = self._find(run)
            return None if at is None else (self._cells[at + _ROOT], self._cells[at + _ROOT + 1])

    def spent(self, run: Id) -> int:
        """What it has spent and reserved, in 10⁻¹² currency units."""
        with self._meters.locked():
            at = self._find(run)
            return 0 if at is None else self._used(at)

    def begin(self, run: Id, root: Id, spent: int, *, now: float | None = None) -> None:
        """Takes a run in, unless it is there.

        Args:
            run: The run.
            root: The first of its line; itself where it has no parent.
            spent: What the ledger says that it has cost, in 10⁻¹² currency units.
            now: Seconds since the epoch; None: this moment.

        Raises:
            TableFull: There is no place for it.
        """
        moment = int(time.time() if now is None else now)
        with self._meters.locked():
            if self._find(run) is not None:
                return
            at, cells = self._place(run, moment), self._cells
            cells[at + _NAME], cells[at + _NAME + 1] = run
            cells[at + _ROOT], cells[at + _ROOT + 1] = root
            cells[at + _TOUCHED], cells[at + _SPENT] = moment, spent
            for column in range(at + _HELD, at + RUN_FIELDS):
                cells[column] = 0

    def reserve(self, caps: Sequence[Cap], pico: int, *, now: float | None = None) -> Held | Spent:
        """Sets money aside under all caps, or under none.

        Raises:
            TableFull: A run is not there any more.
        """
        moment = int(time.time() if now is None else now)
        with self._meters.locked():
            places = []
            for cap in caps:
                at = self._find(cap.run)
                if at is None:
                    raise TableFull
                used = self._used(at)
                if used + pico > cap.most:
                    return Spent(cap, used)
                places.append(at)
            for at in places:
                self._cells[at + self._column] += pico
                self._cells[at + _TOUCHED] = moment
        return Held(tuple(cap.run for cap in caps), pico)

    def settle(self, held: Held, pico: int, *, now: float | None = None) -> None:
        """Gives back what was reserved, and counts what was spent; only once for a call."""
        moment = int(time.time() if now is None else now)
        with self._meters.locked():
            for run in held.runs:
                at = self._find(run)
                if at is not None:  # what holds money keeps its place
                    self._cells[at + self._column] -= held.pico
                    self._cells[at + _SPENT] += pico
                    self._cells[at + _TOUCHED] = moment

    def _find(self, run: Id) -> int | None:
        cells, high, low = self._cells, run[0], run[1]
        for at in _places(run):
            if cells[at] == high and cells[at + 1] == low:
                return at
        return None

    def _place(self, run: Id, now: int) -> int:
        """A free place, or that of the run which has been idle the longest."""
        cells, places = self._cells, _places(run)
        free = next((at for at in places if not cells[at]), None)
        if free is not None:
            return free
        idle = [at for at in places if not self._held(at) and cells[at + _TOUCHED] < now - _IDLE_S]
        if not idle:
            raise TableFull
        return min(idle, key=lambda at: cells[at + _TOUCHED])

    def _held(self, at: int) -> int:
        return sum(self._cells[at + _HELD : at + _HELD + MOST_WORKERS])

    def _used(self, at: int) -> int:
        return self._cells[at + _SPENT] + self._held(at)


class Line:
    """What a call belongs to: its run, the first of its line, and what limits these.

    Args:
        runs: The table; None: the call names no run, and is one of its own.
        run: Of the call.
        root: The first of its line; itself where it has no parent.
        caps: On what the line may cost.
    """

    __slots__ = ("_held", "_runs", "caps", "root", "run")

    def __init__(self, runs: Runs | None, run: Id, root: Id, caps: Sequence[Cap]) -> None:
        self.run, self.root, self.caps = run, root, caps
        self._runs = runs
        self._held: Held | None = None

    def reserve(self, pico: int) -> Spent | None:
        """Sets money aside for the call, instead of what was before; gives the cap without room.

        Raises:
            TableFull: The run is not there any more.
        """
        if self._runs is None:
            return next((Spent(cap, 0) for cap in self.caps if pico > cap.most), None)
        self.settle(0)
        found = self._runs.reserve(self.caps, pico)
        if isinstance(found, Spent):
            return found
        self._held = found
        return None

    def settle(self, pico: int) -> None:
        """Counts what the call has cost; only once."""
        held, self._held = self._held, None
        if held is not None and self._runs is not None:
            self._runs.settle(held, pico)


def _places(run: Id) -> range:
    first = run[0] // 2 % (MOST_RUNS // _WAYS) * _WAYS * RUN_FIELDS
    return range(first, first + _WAYS * RUN_FIELDS, RUN_FIELDS)
