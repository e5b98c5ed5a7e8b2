"""Drives a candidate over its cases, from one look to the next: workers, stopping, resuming."""

import asyncio
import signal
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from rixin.core.case import Case
from rixin.core.outcome import Outcome
from rixin.engine.halt import Halt, Halted
from rixin.engine.progress import Progress, Reporter
from rixin.engine.runner import Runner
from rixin.errors import RixinError, Stopped
from rixin.ledger.cases import stream_cases
from rixin.ledger.sample import Sample

_GRACE_S = 10.0


class StopRequest:
    """A wish to stop: the first Ctrl-C lets calls under way finish, the second does not."""

    def __init__(self) -> None:
        self.wished = asyncio.Event()
        self.at_once = asyncio.Event()

    def ask(self) -> None:
        """Asks to stop; asked twice, at once."""
        (self.at_once if self.wished.is_set() else self.wished).set()

    @asynccontextmanager
    async def on_signals(self) -> AsyncIterator[None]:
        """SIGINT and SIGTERM ask to stop while this is open."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        try:
            for number in signals:
                loop.add_signal_handler(number, self.ask)
        except (ValueError, RuntimeError):  # not in the main thread (a notebook's kernel)
            yield
            return
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


class Course:
    """One candidate on its way through its cases, in their random order.

    Args:
        runner: The solver's path.
        sample: The most cases it may be asked.
        progress: Counts, updated as rows get to the disk.
        reporter: Shows them.
        concurrency: Calls under way at the most.
    """

    def __init__(
        self,
        runner: Runner,
        sample: Sample,
        progress: Progress,
        reporter: Reporter,
        *,
        concurrency: int,
    ) -> None:
        self.runner, self.progress, self.sample = runner, progress, sample
        self._reporter, self._concurrency = reporter, concurrency
        self._chunks = stream_cases(runner.ledger, sample)
        self._ahead: asyncio.Task[list[Case] | None] | None = None
        self._chunk: deque[Case] = deque()
        self._known: dict[str, Outcome] = {}
        self._anew: set[str] = set()
        self._ready: deque[list[Case]] = deque()
        self._target = self._dealt = self._lent = 0
        self._reading, self._first = asyncio.Lock(), asyncio.Lock()
        self._found: list[Outcome] | None = None
        self._halt = Halt()
        self._finished = False

    async def advance(
        self, cases: int, stop: StopRequest, *, collect: bool = True
    ) -> list[Outcome]:
        """Brings so many cases, from the first one on, to an outcome of this solver.

        The outcomes are on the disk when this returns; those that are not collected are on their
        way to it, and on it after `finish`.

        Args:
            cases: Of the sample; cases that were done before are not done again.
            stop: A wish to stop ends the work early.
            collect: Whether to give the outcomes back: a million of them take memory.

        Returns:
            The outcomes of the cases that were added, in the order of the cases.

        Raises:
            Stopped: The wish to stop came; all answers so far are stored.
            BudgetReached: The spend cap is reached.
            EndpointFault: The solver cannot answer any case.
            LedgerFault: The ledger cannot be read or written.
        """
        self._target, self._halt, self._finished = cases, Halt(), False
        self._found = [] if collect else None
        self._watch()
        await self._catch_up()
        try:
            await _until_stopped(self._all_cases(), self._halt, stop)
        finally:
            if self._halt.begun:
                await self.runner.writer.flush()
        if self._halt.reason is not None:
            raise self._halt.reason
        if stop.wished.is_set():
            raise Stopped(
                f"stopped while {self.runner.name!r} was at {self.progress.stored} of"
                f" {self.progress.total} cases",
                hint="run the same command again: it goes on from here, no stored answer is asked"
                " again",
            )
        return await self._stored_found()

    async def _stored_found(self) -> list[Outcome]:
        """The outcomes of this look as they are stored: one that cannot be counts as not measured."""
        if self._found is None:
            return []
        await self.runner.writer.flush()
        instead, number = self.runner.writer.replaced, self.runner.number
        stored = [instead.get((number, one.case.id), one) for one in self._found]
        return sorted(stored, key=lambda one: one.case.id)

    async def finish(self) -> None:
        """Brings everything to the disk and shows the last state; may be called twice.

        Raises:
            LedgerFault: The ledger cannot be written.
        """
        if self._finished:
            return
        self._finished = True
        if self._ahead is not None:
            await asyncio.wait([self._ahead])
        await self.runner.writer.flush()
        self._reporter.done(self.progress)

    def _watch(self) -> None:
        """Counts what gets to the disk, of this solver and of those it asks."""
        members = list(_members(self.runner))
        for one in (self.runner, *members):
            one.halt = self._halt
        watched = {member.number: self._on_member for member in members}
        before = self.runner.writer.watched  # what is on its way is counted where it was asked
        self.runner.writer.watched = {**before, **watched, self.runner.number: self._on_stored}

    def _on_stored(self, outcomes: list[Outcome]) -> None:
        self.progress.count(outcomes)
        self._reporter.update(self.progress)

    def _on_member(self, outcomes: list[Outcome]) -> None:
        self.progress.count_member(outcomes)
        self._reporter.update(self.progress)

    async def _all_cases(self) -> None:
        """Asks for every case that is not stored; why it ended early is in `halt`."""
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._concurrency, self._target - self._dealt)):
                group.create_task(self._work())

    async def _work(self) -> None:
        runner = self.runner
        with suppress(Halted, RixinError):  # the reason is in `halt`
            while not self._halt.begun and (batch := await self._take()) is not None:
                if runner.unproven:  # a server that is down or refuses us costs few calls
                    async with self._first:
                        self._halt.check()
                        if runner.unproven:
                            self._keep(await runner.ask(batch))
                            continue
                self._keep(await runner.ask(batch))

    def _keep(self, outcomes: list[Outcome]) -> None:
        if self._found is not None:
            self._found += outcomes

    async def _take(self) -> list[Case] | None:
        if not self._ready:
            async with self._reading:
                while not self._ready and self._dealt < self._target:
                    try:
                        if not self._chunk and not await self._read():
                            self._target = self._dealt
                            break
                    except RixinError as error:
                        self._halt.begin(error)
                        raise
                    self._deal()
        return self._ready.popleft() if self._ready else None

    def _deal(self) -> None:
        """Cases of this look into batches; what is stored is counted, not asked."""
        missing: list[Case] = []
        stored: list[Outcome] = []
        while self._chunk and self._dealt < self._target:
            case = self._chunk.popleft()
            self._dealt += 1
            known = self._known.pop(case.id, None)
            if known is None:
                missing.append(case)
                continue
            self._keep([known])
            if case.id not in self._anew:  # those are counted when they get to the disk
                stored.append(known)
        self._on_stored(stored)
        size = self.runner.solver.batch_size
        self._ready.extend(missing[start : start + size] for start in range(0, len(missing), size))

    async def _read(self) -> bool:
        """The next cases of the pool, with what is stored for them; False: there are no more."""
        ahead = self._ahead or asyncio.create_task(self._next_chunk())
        chunk = await ahead
        self._ahead = None
        if chunk is None:
            return False
        self._ahead = asyncio.create_task(self._next_chunk())
        self._anew = set()
        await self._look_up(chunk)
        self._chunk.extend(chunk)
        return True

    async def _look_up(self, cases: list[Case]) -> None:
        found = await self.runner.stored(cases)
        self._known = {one.case.id: one for one in (*found.measured, *found.judged_anew)}
        self._anew |= {one.case.id for one in found.judged_anew}

    async def _catch_up(self) -> None:
        """A cascade and its members ask each other's cases between two looks, each only once."""
        lent = self.runner.lent
        if self.runner.members or lent != self._lent:
            await self.runner.writer.flush()
        if lent != self._lent and self._chunk:
            await self._look_up(list(self._chunk))
        self._lent = lent

    async def _next_chunk(self) -> list[Case] | None:
        return await asyncio.to_thread(next, self._chunks, None)


async def _until_stopped(cases: Coroutine[Any, Any, None], halt: Halt, stop: StopRequest) -> None:
    work = asyncio.create_task(cases)
    watch = asyncio.create_task(_give_up(stop, halt))
    try:
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
    finally:
        work.cancel()
        watch.cancel()


async def _give_up(stop: StopRequest, halt: Halt) -> None:
    """Returns when calls under way should not be waited for any longer."""
    signs = [asyncio.create_task(one) for one in (stop.wished.wait(), halt.wait())]
    try:
        await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for sign in signs:
            sign.cancel()
    halt.begin()
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.at_once.wait(), _GRACE_S)


def _members(runner: Runner) -> Iterator[Runner]:
    for member in runner.members:
        yield member
        yield from _members(member)
