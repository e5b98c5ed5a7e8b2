"""Endless tasks that do not end in silence: each round that fails is told, and tried again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from rixin.core.traces import log_traceback

_LONGEST_PAUSE_S = 5.0
_log = logging.getLogger("rixin.serve")


class Supervisor:
    """Repeats the rounds of tasks, whatever happens in them."""

    def __init__(self) -> None:
        self.down: dict[str, str] = {}
        """Tasks whose last round failed, by name, and the type of the error."""
        self._tasks: list[asyncio.Task[None]] = []

    def every(
        self,
        name: str,
        seconds: float,
        work: Callable[[], Awaitable[None] | None],
        *,
        longest_s: float = _LONGEST_PAUSE_S,
    ) -> None:
        """Does a round of work again and again until `close`.

        After one that failed, the pause doubles each time, and `down` names the task until a round
        succeeds.

        Args:
            name: Of the task, for people.
            seconds: Between two rounds.
            work: One round.
            longest_s: The longest pause.
        """
        task = asyncio.get_running_loop().create_task(self._repeat(name, seconds, work, longest_s))
        self._tasks.append(task)

    def close(self) -> None:
        """Ends all tasks."""
        for task in self._tasks:
            task.cancel()

    async def _repeat(
        self,
        name: str,
        seconds: float,
        work: Callable[[], Awaitable[None] | None],
        longest_s: float,
    ) -> NoReturn:
        pause = seconds
        while True:
            await asyncio.sleep(pause)
            error = await _failure(work)
            if error is None:
                self.down.pop(name, None)
                pause = seconds
                continue
            pause = max(seconds, min(2 * pause, longest_s))
            self._note(name, error, pause)

    def _note(self, name: str, error: BaseException, pause: float) -> None:
        kind = type(error).__name__
        if self.down.get(name) == kind:  # its traceback is in the log
            _log.error("%s failed again (%s), and is tried again in %g s", name, kind, pause)
        else:
            log_traceback(_log, f"{name} failed, and is tried again in {pause:g} s", error)
        self.down[name] = kind


async def _failure(work: Callable[[], Awaitable[None] | None]) -> BaseException | None:
    """What a round raised; None: nothing."""
    try:
        doing = work()
        if doing is not None:
            await doing
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return error  # something in it was cancelled, not the task
    except Exception as error:  # noqa: BLE001 - whatever it is, the task goes on
        return error
    return None
