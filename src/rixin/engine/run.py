"""Drives candidates over a sample of cases: workers, stopping, resuming."""

import asyncio
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, suppress

from rixin.core.case import Case
from rixin.core.outcome import Outcome
from rixin.engine.halt import Halt, Halted
from rixin.engine.progress import Progress, Reporter
from rixin.engine.runner import Runner
from rixin.errors import RixinError, Stopped
from rixin.ledger.cases import stream_cases
from rixin.ledger.tallies import Sample

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


async def run_candidate(
    runner: Runner,
    sample: Sample,
    progress: Progress,
    reporter: Reporter,
    stop: StopRequest,
    *,
    concurrency: int,
) -> None:
    """Brings every case of the sample to a stored outcome of this solver.

    Args:
        runner: The solver's path.
        sample: The cases.
        progress: Counts, updated as rows get to the disk.
        reporter: Shows them.
        stop: A wish to stop ends the work early.
        concurrency: Calls under way at the most.

    Raises:
        Stopped: The wish to stop came; all answers so far are stored.
        BudgetReached: The spend cap is reached.
        EndpointFault: The solver cannot answer any case.
        LedgerFault: The ledger cannot be read or written.
    """

    def on_stored(outcomes: list[Outcome]) -> None:
        progress.count(outcomes)
        reporter.update(progress)

    def on_member(outcomes: list[Outcome]) -> None:
        progress.count_member(outcomes)
        reporter.update(progress)

    halt, members = Halt(), list(_members(runner))
    for one in (runner, *members):
        one.halt = halt
    watched = {member.number: on_member for member in members}
    runner.writer.watched = {**watched, runner.number: on_stored}
    drive = _Drive(runner, sample, halt, on_stored, concurrency)
    await _until_stopped(drive, stop)
    if halt.reason is not None:
        raise halt.reason
    if stop.wished.is_set():
        raise Stopped(
            f"stopped while {runner.name!r} was at {progress.stored} of {progress.total} cases",
            hint="run the same command again: it goes on from here, no stored answer is asked again",
        )


async def _until_stopped(drive: "_Drive", stop: StopRequest) -> None:
    work = asyncio.create_task(drive.all_cases())
    watch = asyncio.create_task(_give_up(stop, drive.halt))
    try:
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
    finally:
        work.cancel()
        watch.cancel()
        await drive.runner.writer.flush()


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


class _Drive:
    """Workers that take cases until all are stored or the run ends early."""

    def __init__(
        self,
        runner: Runner,
        sample: Sample,
        halt: Halt,
        on_stored: Callable[[list[Outcome]], None],
        concurrency: int,
    ) -> None:
        self.runner, self.halt = runner, halt
        self._sample, self._on_stored, self._concurrency = sample, on_stored, concurrency
        self._ready: deque[list[Case]] = deque()
        self._reading = asyncio.Lock()
        self._first = asyncio.Lock()

    async def all_cases(self) -> None:
        """Asks for every case that is not stored; why it ended early is in `halt`."""
        async with aclosing(self._missing()) as missing, asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._work(missing))

    async def _work(self, missing: AsyncGenerator[list[list[Case]], None]) -> None:
        with suppress(Halted, RixinError):  # the reason is in `halt`
            while not self.halt.begun and (batch := await self._take(missing)) is not None:
                if self.runner.unproven:  # a server that is down or refuses us costs few calls
                    async with self._first:
                        self.halt.check()
                        if self.runner.unproven:
                            await self.runner.ask(batch)
                            continue
                await self.runner.ask(batch)

    async def _take(self, missing: AsyncGenerator[list[list[Case]], None]) -> list[Case] | None:
        if not self._ready:
            async with self._reading:
                while not self._ready:
                    try:
                        self._ready.extend(await anext(missing))
                    except StopAsyncIteration:
                        return None
                    except RixinError as error:
                        self.halt.begin(error)
                        raise
        return self._ready.popleft()

    async def _missing(self) -> AsyncGenerator[list[list[Case]], None]:
        """Batches of cases without a stored outcome; stored ones are counted on the way."""
        runner, sample = self.runner, self._sample
        chunks = stream_cases(runner.ledger, sample.dataset_id, sample.pool, limit=sample.size)
        size = runner.solver.batch_size
        ahead = asyncio.create_task(asyncio.to_thread(next, chunks, None))
        try:
            while (chunk := await ahead) is not None:
                ahead = asyncio.create_task(asyncio.to_thread(next, chunks, None))
                stored = await runner.stored(chunk)
                self._on_stored(stored.measured)
                missing = stored.missing
                yield [missing[start : start + size] for start in range(0, len(missing), size)]
        finally:
            await asyncio.wait([ahead])


def _members(runner: Runner) -> Iterator[Runner]:
    for member in runner.members:
        yield member
        yield from _members(member)
