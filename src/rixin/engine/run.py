"""Drives candidates over a sample of cases: workers, stopping, resuming."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from rixin.core.case import Case
from rixin.core.outcome import Outcome
from rixin.engine.progress import Progress, Reporter
from rixin.engine.runner import Runner
from rixin.errors import Stopped
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
        LedgerFault: The ledger cannot be written.
    """

    def on_stored(outcomes: list[Outcome]) -> None:
        progress.count(outcomes)
        reporter.update(progress)

    def on_member(outcomes: list[Outcome]) -> None:
        progress.count_member(outcomes)
        reporter.update(progress)

    watched = {runner.number: on_stored, **{member.number: on_member for member in runner.members}}
    runner.writer.watched = watched
    work = asyncio.create_task(_all_cases(runner, sample, stop, on_stored, concurrency))
    watch = asyncio.create_task(_give_up(stop))
    try:
        await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
        with suppress(asyncio.CancelledError):
            await work
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors
    finally:
        watch.cancel()
        await runner.writer.flush()
    if stop.wished.is_set():
        raise Stopped(
            f"stopped while {runner.name!r} was at {progress.stored} of {progress.total} cases",
            hint="run the same command again: it goes on from here, no stored answer is asked again",
        )


async def _all_cases(
    runner: Runner,
    sample: Sample,
    stop: StopRequest,
    on_stored: Callable[[list[Outcome]], None],
    concurrency: int,
) -> None:
    queue: asyncio.Queue[list[Case] | None] = asyncio.Queue(maxsize=2 * concurrency)
    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(_work(runner, queue, stop))
        first = True
        async for batch in _missing(runner, sample, on_stored):
            if stop.wished.is_set():
                break
            if first:  # alone: a server that is down or refuses us is found with one call
                await runner.ask(batch)
                first = False
            else:
                await queue.put(batch)
        for _ in range(concurrency):
            await queue.put(None)


async def _work(
    runner: Runner, queue: "asyncio.Queue[list[Case] | None]", stop: StopRequest
) -> None:
    while (batch := await queue.get()) is not None:
        if not stop.wished.is_set():
            await runner.ask(batch)


async def _missing(
    runner: Runner, sample: Sample, on_stored: Callable[[list[Outcome]], None]
) -> AsyncIterator[list[Case]]:
    """Batches of cases without a stored outcome; stored ones are counted on the way."""
    chunks = stream_cases(runner.ledger, sample.dataset_id, sample.pool, limit=sample.size)
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        stored = await runner.stored(chunk)
        on_stored(stored.measured)
        size = runner.solver.batch_size
        for start in range(0, len(stored.missing), size):
            yield stored.missing[start : start + size]


async def _give_up(stop: StopRequest) -> None:
    """Returns when calls under way should not be waited for any longer."""
    await stop.wished.wait()
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.at_once.wait(), _GRACE_S)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
