"""Runs blocking calls in a thread that can be left behind when a call never ends."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple


class Ran(NamedTuple):
    """What a call gave or raised, and the CPU seconds it took."""

    value: object
    error: BaseException | None
    cpu_s: float


_Job = tuple[Callable[[], object], asyncio.AbstractEventLoop, "asyncio.Future[Ran]"]


class Worker:
    """One daemon thread; threads of the standard executor would keep the process from ending."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="rixin-function", daemon=True)
        self._thread.start()

    async def run(self, call: Callable[[], object]) -> Ran:
        """Runs the call in the thread; what it raises is a value."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Ran] = loop.create_future()
        self._jobs.put((call, loop, future))
        return await future

    def stop(self) -> None:
        """Ends the thread after the call that is under way."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            call, loop, future = job
            begin = time.thread_time()
            error: BaseException | None = None
            value: object = None
            try:
                value = call()
            except BaseException as raised:  # noqa: BLE001 - also exit(), or nobody is told
                error = raised
            ran = Ran(value, error, time.thread_time() - begin)
            with suppress(RuntimeError):  # the loop is gone, and with it who waited
                loop.call_soon_threadsafe(_deliver, future, ran)


def _deliver(future: "asyncio.Future[Ran]", ran: Ran) -> None:
    if not future.done():  # done: the caller gave up waiting
        future.set_result(ran)
