"""Group commits off the event loop: an outcome counts when its transaction is on disk."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from rixin.core.outcome import Outcome
from rixin.core.traces import log_traceback
from rixin.errors import LedgerFault
from rixin.ledger.aside import aside_file, is_of_a_row, reason, set_aside
from rixin.ledger.outcomes import UNSTORABLE, unstorable, write_outcomes
from rixin.ledger.store import Ledger

_GATHER_S = 0.002
_log = logging.getLogger("rixin.engine")
_OnStored = Callable[[list[Outcome]], None]
_Rows = dict[int, list[Outcome]]
"""Outcomes by solver number."""
_Part = list[tuple[int, Outcome]]


class _Batch:
    """Outcomes that are committed together, by solver number."""

    __slots__ = ("count", "done", "rows", "stored")

    def __init__(self) -> None:
        self.rows: _Rows = {}
        self.stored: _Rows = {}
        """Those that are on the disk."""
        self.count = 0
        self.done = asyncio.Event()

    def add(self, solver: int, outcomes: list[Outcome]) -> None:
        self.rows.setdefault(solver, []).extend(outcomes)
        self.count += len(outcomes)


class OutcomeWriter:
    """Collects outcomes and commits them together, in one thread.

    While one commit is under way the outcomes for the next gather. When the ledger has no
    room left, its spare space is freed for what was paid already, and everybody who stores
    anything afterwards learns that the run must end; so does everybody when a commit fails in any
    other way. An outcome that the ledger cannot hold goes into the file beside it; the case is
    stored as not measured, so that nobody pays for it again, and the others as they are.

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
        self.replaced: dict[tuple[int, str], Outcome] = {}
        """What was stored in the place of outcomes that could not be, by solver and case."""
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
        except Exception as error:
            raise self._incomplete(error) from error
        finally:
            if self._task is not None:
                self._task.cancel()
            self._thread.shutdown(wait=True)

    def _incomplete(self, error: Exception) -> LedgerFault:
        """What is left goes into the file beside the ledger; gives what to tell of it."""
        fault, path = error if isinstance(error, LedgerFault) else _broken(error), self._ledger.path
        rows = [
            ("outcomes", {"solver": one.solver, "case_id": one.case.id, **one.answer._asdict()})
            for batch in self._lost
            for some in batch.rows.values()
            for one in some
        ]
        where = f"are set aside in {aside_file(path)}"
        try:
            set_aside(path, rows, reason(error))
        except OSError:
            where = "are lost"
        return LedgerFault(f"{fault}; {len(rows):,} answers {where}", hint=fault.hint)

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
            except Exception as error:  # noqa: BLE001 - whoever waits for it must learn of it
                log_traceback(_log, "outcomes cannot be written", error)
                self._fault = self._fault or _broken(error)
                self._lost.append(batch)
            finally:
                batch.done.set()

    async def _commit(self, batch: _Batch) -> None:
        if not batch.rows:
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._write, batch)
        finally:
            stored, batch.stored = batch.stored, {}
            for solver, outcomes in stored.items():
                self.watched.get(solver, _ignore)(outcomes)

    def _write(self, batch: _Batch) -> None:
        try:
            self._store(batch.rows)
        except Exception as error:
            if not is_of_a_row(error):
                raise
            self._write_apart(batch)
        else:
            batch.stored, batch.rows = batch.rows, {}

    def _store(self, rows: _Rows) -> None:
        try:
            write_outcomes(self._ledger, self._judge, rows, asked_at=time.time())
        except LedgerFault as fault:
            if is_of_a_row(fault) or not self._ledger.free_spare():
                raise
            self._fault = fault
            write_outcomes(self._ledger, self._judge, rows, asked_at=time.time())

    def _write_apart(self, batch: _Batch) -> None:
        """Some outcome cannot be stored: halves are tried, until it is alone."""
        parts = deque([[(solver, one) for solver, some in batch.rows.items() for one in some]])
        try:
            while parts:
                part = parts[0]
                smaller = self._try(part)
                parts.popleft()
                parts.extendleft(reversed(smaller))
                if not smaller:
                    for solver, outcome in part:
                        batch.stored.setdefault(solver, []).append(outcome)
        finally:
            batch.rows = _by_solver([one for part in parts for one in part])

    def _try(self, part: _Part) -> list[_Part]:
        """Stores some outcomes; where that cannot be, gives what to try instead."""
        try:
            self._store(_by_solver(part))
        except Exception as error:
            if not is_of_a_row(error):
                raise
            if len(part) > 1:
                half = len(part) // 2
                return [part[:half], part[half:]]
            solver, outcome = part[0]
            if outcome.reason == UNSTORABLE:
                raise  # what stands for it cannot be stored either
            return [[self._instead(solver, outcome, error)]]
        return []

    def _instead(self, solver: int, outcome: Outcome, error: Exception) -> tuple[int, Outcome]:
        """What is stored of an outcome that cannot be, which goes into the file beside the ledger."""
        path, why = self._ledger.path, reason(error)
        log_traceback(
            _log, f"an outcome cannot be stored: it is set aside in {aside_file(path)}", error
        )
        row = {"solver": outcome.solver, "case_id": outcome.case.id, **outcome.answer._asdict()}
        set_aside(path, [("outcomes", row)], why)
        instead = self.replaced[solver, outcome.case.id] = unstorable(outcome)
        return solver, instead


def _by_solver(items: _Part) -> _Rows:
    rows: _Rows = {}
    for solver, outcome in items:
        rows.setdefault(solver, []).append(outcome)
    return rows


def _broken(error: Exception) -> LedgerFault:
    fault = LedgerFault(
        f"outcomes cannot be written: {type(error).__name__}, see the log",
        hint="run again: what was stored stays, and is not asked again",
    )
    fault.__cause__ = error
    return fault


def _ignore(_outcomes: list[Outcome]) -> None:
    return
