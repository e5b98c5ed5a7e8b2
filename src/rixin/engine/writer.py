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

_MOST_WAITING = 4_000
_OnStored = Callable[[list[Outcome]], None]


class OutcomeWriter:
    """Collects outcomes and commits them together, in one thread, about 20 times a second.

    Args:
        ledger: The ledger.
        judge: Fingerprint of scorers and guards.
        every_s: Longest time between an answer and its commit, apart from the commit itself.
    """

    def __init__(self, ledger: Ledger, judge: str, *, every_s: float = 0.05) -> None:
        self._ledger = ledger
        self._judge = judge
        self._every_s = every_s
        self._waiting: dict[int, list[Outcome]] = {}
        self._count = 0
        self.watched: Mapping[int, _OnStored] = {}
        """Called with a solver's outcomes as soon as they are on disk, by solver number."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rixin-writer")
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._error: LedgerFault | None = None

    async def add(self, solver: int, outcomes: list[Outcome]) -> None:
        """Takes outcomes; waits where the disk is far behind.

        Raises:
            LedgerFault: An earlier commit failed.
        """
        if self._error is not None:
            raise self._error
        self._waiting.setdefault(solver, []).extend(outcomes)
        self._count += len(outcomes)
        if self._task is None:
            self._task = asyncio.create_task(self._loop())
        self._wake.set()
        if self._count >= _MOST_WAITING:
            await self.flush()

    async def flush(self) -> None:
        """Commits all that was added before this call.

        Raises:
            LedgerFault: A commit failed; what was committed before stays.
        """
        # Shielded: a cancelled caller must not tear a commit that is under way.
        await asyncio.shield(asyncio.ensure_future(self._flush()))

    async def _flush(self) -> None:
        async with self._lock:
            if self._error is not None:
                raise self._error
            batches, self._waiting, self._count = self._waiting, {}, 0
            loop = asyncio.get_running_loop()
            for solver, outcomes in batches.items():
                try:
                    await loop.run_in_executor(self._thread, self._commit, solver, outcomes)
                except LedgerFault as error:
                    self._error = error
                    raise
                self.watched.get(solver, _ignore)(outcomes)

    async def close(self) -> None:
        """Commits what is left and ends the thread."""
        try:
            if self._error is None:
                await self.flush()
        finally:
            if self._task is not None:
                self._task.cancel()
            self._thread.shutdown(wait=True)

    def _commit(self, solver: int, outcomes: list[Outcome]) -> None:
        write_outcomes(self._ledger, solver, self._judge, outcomes, asked_at=time.time())

    async def _loop(self) -> None:
        while self._error is None:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(self._every_s)
            # A failed commit is kept and raised to whoever adds or flushes next.
            with suppress(LedgerFault):
                await self.flush()


def _ignore(_outcomes: list[Outcome]) -> None:
    return
