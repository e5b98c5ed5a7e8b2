"""Group commits off the event loop: an outcome counts when its transaction is on disk."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from rixin.core.outcome import Outcome
from rixin.errors import LedgerFault
from rixin.ledger.outcomes import write_outcomes
from rixin.ledger.store import Ledger

_GATHER_S = 0.002
_OnStored = Callable[[list[Outcome]], None]


class _Batch:
    """Outcomes that are committed together, by solver number."""

    __slots__ = ("count", "done", "rows")

    def __init__(self) -> None:
        self.rows: dict[int, list[Outcome]] = {}
        self.count = 0
        self.done = asyncio.Event()

    def add(self, solver: int, outcomes: list[Outcome]) -> None:
        self.rows.setdefault(solver, []).extend(outcomes)
        self.count += len(outcomes)


class OutcomeWriter:
    """Collects outcomes and commits them together, in one thread.

    While one commit is under way the outcomes for the next gather. When the ledger has no
    room left, its spare space is freed for what was paid already, and everybody who stores
    anything afterwards learns that the run must end.

    Args:
        ledger: The ledger.
        judge: Fingerprint of scorers and guards.
        gather_s: How long a busy writer waits for company before it commits.
    """

    def __init__(self, ledger: Ledger, judge: str, *, gather_s: float = _GATHER_S) -> None:
        self._ledger = ledger
        self._judge = judge
        self._gather_s = gather_s
        self._batch = _Batch()
        self._lost: list[_Batch] = []
        self.watched: Mapping[int, _OnStored] = {}
        """Called with a solver's outcomes as soon as they are on disk, by solver number."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rixin-writer")
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._fault: LedgerFault | None = None

    async def add(self, solver: int, outcomes: list[Outcome], *, ahead: int) -> None:
        """Takes outcomes; waits only once as many as `ahead` are not on disk.

        Raises:
            LedgerFault: An earlier commit failed; the run must end.
        """
        batch = self._take(solver, outcomes)
        if batch.count >= ahead:
            await batch.done.wait()
        self._check()

    async def flush(self) -> None:
        """Commits all that was added before this call.

        Raises:
            LedgerFault: A commit failed; what was committed before stays.
        """
        # Shielded: a cancelled caller must not tear a commit that is under way.
        await asyncio.shield(asyncio.ensure_future(self._commit_batch()))
        self._check()

    async def close(self) -> None:
        """Commits what is left, also what could not be committed before, and ends the thread.

        Raises:
            LedgerFault: Some outcomes could not be stored.
        """
        try:
            with suppress(LedgerFault):
                await self.flush()
            for batch in self._lost:
                await self._commit(batch)
        finally:
            if self._task is not None:
                self._task.cancel()
            self._thread.shutdown(wait=True)

    def _take(self, solver: int, outcomes: list[Outcome]) -> _Batch:
        batch = self._batch
        batch.add(solver, outcomes)
        if self._task is None:
            self._task = asyncio.create_task(self._loop())
        self._wake.set()
        return batch

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault

    async def _loop(self) -> None:
        crowd = False
        while True:
            await self._wake.wait()
            if crowd:  # one that comes alone, slowly, is not kept waiting
                await asyncio.sleep(self._gather_s)
            crowd = self._batch.count > 1
            # A fault is kept, and raised to whoever stores something next.
            with suppress(LedgerFault):
                await self.flush()

    async def _commit_batch(self) -> None:
        async with self._lock:
            self._wake.clear()
            batch, self._batch = self._batch, _Batch()
            try:
                await self._commit(batch)
            except LedgerFault as fault:
                self._fault = self._fault or fault
                self._lost.append(batch)
            finally:
                batch.done.set()

    async def _commit(self, batch: _Batch) -> None:
        if not batch.rows:
            return
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._write, batch.rows)
        for solver, outcomes in batch.rows.items():
            self.watched.get(solver, _ignore)(outcomes)

    def _write(self, rows: Mapping[int, list[Outcome]]) -> None:
        try:
            write_outcomes(self._ledger, self._judge, rows, asked_at=time.time())
        except LedgerFault as fault:
            if not self._ledger.free_spare():
                raise
            self._fault = fault
            write_outcomes(self._ledger, self._judge, rows, asked_at=time.time())


def _ignore(_outcomes: list[Outcome]) -> None:
    return
