"""The path of one solver, from a case to its stored outcome."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from rixin.core.answer import Answer, Failure
from rixin.core.case import Case
from rixin.core.outcome import Outcome
from rixin.core.solver import Solver
from rixin.engine.judge import Judge
from rixin.engine.limits import Limiter
from rixin.engine.retry import RetryPolicy
from rixin.engine.spend import SpendCap
from rixin.engine.writer import OutcomeWriter
from rixin.errors import EndpointFault
from rixin.ledger.outcomes import stored_between
from rixin.ledger.store import Ledger

FATAL = "fatal"
"""Kind of a failure that every further case would meet: a wrong key or model name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costing:
    """How a solver's answers are priced, in the scenario's currency."""

    price: Callable[[Answer], Decimal | None]
    """The cost of an answer; None: not known, which is never zero."""
    most: Callable[[Case], Decimal] | None = None
    """Upper bound of one call's cost, reserved under the spend cap; None: costs no money."""


class Stored(NamedTuple):
    """What the ledger has for some cases."""

    measured: list[Outcome]
    judged_anew: list[Outcome]
    """Stored answers under new scorers or guards; on their way to the disk."""
    missing: list[Case]


@dataclass(slots=True, kw_only=True)
class Runner:
    """Asks, retries, prices, judges and stores; what is stored is never asked again.

    Raises (from `outcomes`):
        EndpointFault: The solver cannot answer any case: it is down, misnamed or refuses us.
        BudgetReached: The next call could break the spend cap.
    """

    solver: Solver
    kind: str
    number: int
    """The solver's number in the ledger."""
    judge: Judge
    judge_fingerprint: str
    ledger: Ledger
    writer: OutcomeWriter
    costing: Costing
    cap: SpendCap
    limiter: Limiter
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    generator: random.Random = field(default_factory=random.Random)
    members: "tuple[Runner, ...]" = ()
    """Of a cascade: the runners behind its members."""
    ever_answered: bool = False

    @property
    def name(self) -> str:
        """The solver's name."""
        return self.solver.name

    async def stored(self, cases: Sequence[Case]) -> "Stored":
        """What is stored for cases in ascending order of id; answers are judged anew where needed."""
        measured, answered = await asyncio.to_thread(
            stored_between, self.ledger, self.number, cases, judge=self.judge_fingerprint
        )
        again = [
            replace(self.judge(case, self.name, answered[case.id]), cached=True)
            for case in cases
            if case.id in answered and case.id not in measured
        ]
        if again:
            await self.writer.add(self.number, again)
        done = measured.keys() | answered.keys()
        return Stored(
            list(measured.values()), again, [case for case in cases if case.id not in done]
        )

    async def ask(self, cases: Sequence[Case]) -> list[Outcome]:
        """Asks the solver and hands the outcomes to the writer."""
        answers = await self._answers(cases)
        outcomes = [
            self.judge(case, self.name, self._priced(answer))
            for case, answer in zip(cases, answers, strict=True)
        ]
        await self.writer.add(self.number, outcomes)
        self._check_fatal(outcomes)
        return outcomes

    async def _answers(self, cases: Sequence[Case]) -> Sequence[Answer]:
        if self.solver.batch_size > 1:
            return await self.solver.solve(cases)
        return [await self._answer(case) for case in cases]

    async def _answer(self, case: Case) -> Answer:
        tries, calls = 0, 0
        while True:
            answer = await self._one_call(case)
            tries += 1
            calls += answer.usage.calls
            failure = answer.failure
            if failure is None:
                self.ever_answered = True
            if failure is None or not self.retry.again(
                failure, tries, ever_answered=self.ever_answered
            ):
                return (
                    replace(answer, retries=tries - 1, usage=replace(answer.usage, calls=calls))
                    if tries > 1
                    else answer
                )
            await asyncio.sleep(self.retry.delay_s(failure, tries, self.generator))

    async def _one_call(self, case: Case) -> Answer:
        most = self.costing.most(case) if self.costing.most else None
        await self.limiter.acquire()
        limited, retry_after = False, None
        try:
            if most is not None:
                await self.cap.reserve(most)
            answer = Answer()
            try:
                answer = (await self.solver.solve([case]))[0]
            finally:
                if most is not None:
                    self.cap.settle(most, self.costing.price(answer) or Decimal(0))
            if answer.failure is not None:
                limited = answer.failure.kind == "rate_limited"
                retry_after = answer.failure.retry_after_s
            return answer
        finally:
            self.limiter.release(limited=limited, retry_after_s=retry_after)

    def _priced(self, answer: Answer) -> Answer:
        if answer.cost is not None:
            return answer
        cost = self.costing.price(answer)
        return answer if cost is None else replace(answer, cost=cost)

    def _check_fatal(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            failure = outcome.answer.failure
            if failure is None:
                continue
            if failure.kind == FATAL or (failure.retryable and not self.ever_answered):
                raise _unusable(self.name, failure)


def _unusable(name: str, failure: Failure) -> EndpointFault:
    return EndpointFault(
        f"candidate {name!r} cannot be measured: {failure.message}",
        hint="mend it and run again; answers that are stored are not asked again"
        if failure.kind == FATAL
        else "start the server or check base_url and network, then run again",
    )


class Member:
    """A runner as a member of a cascade: stored answers first, what is missing is asked."""

    batch_size = 1

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.batch_size = runner.solver.batch_size

    @property
    def name(self) -> str:
        """The member's name."""
        return self._runner.name

    @property
    def fingerprint(self) -> str:
        """The member's fingerprint."""
        return self._runner.solver.fingerprint

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, in order, each with its cost."""
        if not cases:
            return []
        stored = await self._runner.stored(cases)
        done = [*stored.measured, *stored.judged_anew]
        if self.batch_size > 1:
            done += await self._runner.ask(stored.missing) if stored.missing else []
        else:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._runner.ask([case])) for case in stored.missing]
            done += [outcome for task in tasks for outcome in task.result()]
        answers = {outcome.case.id: outcome.answer for outcome in done}
        return [answers[case.id] for case in cases]

    async def close(self) -> None:
        """Nothing: the runner owns the solver."""
