"""A user's own Python function as a solver."""

import asyncio
import inspect
import time
from collections.abc import Sequence
from typing import Literal

from rixin.core.answer import Answer, Failure, Usage
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.plugins import Plugin
from rixin.solvers._reply import case_fields, crashed, read_reply
from rixin.solvers._worker import Ran, Worker

Argument = Literal["input", "case"]


class FunctionSolver:
    """Answers with a user's function, sync or async.

    The function gets the input text, or with `argument="case"` a mapping with id, input and
    stratum. It returns the output, None to abstain, or a mapping with output, confidence and
    cost. A sync function runs in a thread of its own, one call after the other; an async one is
    called for a whole batch at once.

    Args:
        name: The name in the scenario file.
        plugin: The function, as `rixin.plugins.load_plugin` gives it.
        argument: What the function is called with.
        timeout_s: Seconds a call may take; a sync call that takes longer is left behind.
    """

    def __init__(
        self, name: str, plugin: Plugin, *, argument: Argument = "input", timeout_s: float = 60.0
    ) -> None:
        self.name = name
        self.batch_size = 32
        self.fingerprint = digest("function/1", plugin.target, plugin.source_hash, argument)
        self._call = plugin.call
        self._argument = argument
        self._timeout_s = timeout_s
        self._is_async = any(
            map(inspect.iscoroutinefunction, (plugin.call, type(plugin.call).__call__))
        )
        self._worker: Worker | None = None
        self._turn = asyncio.Lock()

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case; what the function raises is a failure of that case."""
        if self._is_async:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(case)) for case in cases]
            return [task.result() for task in tasks]
        async with self._turn:
            return [await self._one(case) for case in cases]

    async def close(self) -> None:
        """Ends the function's thread."""
        self._drop_worker()

    async def _one(self, case: Case) -> Answer:
        begin = time.perf_counter()
        limit = asyncio.timeout(self._timeout_s)
        try:
            async with limit:
                ran = await self._run(case)
        except TimeoutError:
            return self._too_slow()
        if ran.error is not None:
            return _raised(ran.error)
        answer = read_reply(ran.value)
        usage = Usage(cpu_s=ran.cpu_s)
        return answer._replace(usage=usage, latency_s=time.perf_counter() - begin)

    async def _run(self, case: Case) -> Ran:
        argument = case.input if self._argument == "input" else case_fields(case)
        if self._is_async:
            return await self._await(argument)
        self._worker = self._worker or Worker()
        return await self._worker.run(lambda: self._call(argument))

    async def _await(self, argument: object) -> Ran:
        reply = self._call(argument)
        assert inspect.isawaitable(reply)
        try:
            return Ran(await reply, None, 0.0)
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything
            return Ran(None, error, 0.0)

    def _too_slow(self) -> Answer:
        self._drop_worker()
        message = f"the function took longer than {self._timeout_s:g} s"
        return Answer(failure=Failure(kind="timeout", message=message))

    def _drop_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()


def _raised(error: BaseException) -> Answer:
    return crashed(f"{type(error).__name__}: {error}")
