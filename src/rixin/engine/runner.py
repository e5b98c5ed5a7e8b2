"""The path of one solver, from a case to its stored outcome."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from rixin.core.answer import TOO_LONG, Answer, Failure, Usage
from rixin.core.case import Case
from rixin.core.outcome import Outcome
from rixin.core.solver import Solver
from rixin.core.usage import total_usage
from rixin.engine.halt import Halt, Halted
from rixin.engine.judge import Judge
from rixin.engine.limits import Limiter
from rixin.engine.retry import SILENT, RetryPolicy, pause_s
from rixin.engine.spend import SpendCap
from rixin.engine.writer import OutcomeWriter
from rixin.errors import BudgetReached, EndpointFault, RixinError
from rixin.ledger.outcomes import stored_between
from rixin.ledger.store import Ledger
from rixin.pricing.rates import Rates

FATAL = "fatal"
"""Kind of a failure that every further case would meet: a wrong key or model name."""
_BATCHES_AHEAD = 4_000
_DOUBTFUL = 3
"""Cases that may fail before the first answer; one bad case must not stop all others."""
_NO_ANSWER = SILENT | {FATAL, TOO_LONG}
_NOTHING = Decimal(0)
_MAY_BE_BILLED = SILENT | {"bad_reply"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costing:
    """How a solver's answers are priced, in the scenario's currency."""

    price: Callable[[Answer], Decimal | None]
    """The cost of an answer; None: not known, which is never zero."""
    most: Callable[[Case], Decimal] | None = None
    """Upper bound of one call's cost, reserved under a spend cap; None: costs no money."""
    rates: Rates | None = None
    """Where the price is by tokens and nothing else."""
    most_usage: Callable[[Case], Usage] | None = None
    """What `most` is the cost of, where the price is by tokens."""
    cpu_hour: Decimal | None = None
    """The price of a core hour, where the price is by CPU time and nothing else."""


class _Call(NamedTuple):
    """One call with its money; see `Answer.cost` and `Answer.sunk`."""

    answer: Answer
    cost: Decimal | None
    sunk: Decimal


class Stored(NamedTuple):
    """What the ledger has for some cases."""

    measured: list[Outcome]
    judged_anew: list[Outcome]
    """Stored answers under new scorers or guards; on their way to the disk."""
    missing: list[Case]


@dataclass(slots=True, kw_only=True)
class Runner:
    """Asks, retries, prices, judges and stores; what is stored is never asked again."""

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
    halt: Halt = field(default_factory=Halt)
    ever_answered: bool = False
    """The server has replied at least once, so it is there and takes our key."""
    lent: int = 0
    """Cases that cascades have asked of it: whoever read what is stored before must read again."""
    _doubts: int = 0

    @property
    def name(self) -> str:
        """The solver's name."""
        return self.solver.name

    @property
    def _ahead(self) -> int:
        """Answers that may wait for the disk; with the calls under way, a kill repeats these."""
        return _BATCHES_AHEAD if self.solver.batch_size > 1 else max(16, self.limiter.limit // 2)

    @property
    def unproven(self) -> bool:
        """Whether cases should still go one by one: the server may be down or refuse us all."""
        return self.solver.batch_size == 1 and not self.ever_answered

    async def stored(self, cases: Sequence[Case]) -> Stored:
        """What is stored for cases in ascending order of id; answers are judged anew where needed.

        Raises:
            LedgerFault: The ledger cannot be read or written.
        """
        measured, answered = await asyncio.to_thread(
            stored_between, self.ledger, self.number, cases, judge=self.judge_fingerprint
        )
        again = [
            self.judge(case, self.name, answered[case.id])._replace(cached=True)
            for case in cases
            if case.id in answered
        ]
        if again:
            await self.writer.add(self.number, again, ahead=_BATCHES_AHEAD)
        done = measured.keys() | answered.keys()
        missing = [case for case in cases if case.id not in done] if done else list(cases)
        return Stored(list(measured.values()), again, missing)

    async def ask(self, cases: Sequence[Case]) -> list[Outcome]:
        """Asks the solver; the writer has its answers when this returns.

        Raises:
            EndpointFault: The solver cannot answer any case: it is down, misnamed or refuses us.
            BudgetReached: The next call could break the spend cap.
            LedgerFault: The ledger cannot be written.
            Halted: The run is ending, and the case was not asked.
        """
        try:
            return await self._ask(cases)
        except RixinError as error:
            self.halt.begin(error)
            raise

    async def _ask(self, cases: Sequence[Case]) -> list[Outcome]:
        answers = await self._answers(cases)
        outcomes = [
            self.judge(case, self.name, answer) for case, answer in zip(cases, answers, strict=True)
        ]
        await self.writer.add(self.number, outcomes, ahead=self._ahead)
        self._check_usable(outcomes)
        return outcomes

    async def _answers(self, cases: Sequence[Case]) -> Sequence[Answer]:
        if self.solver.batch_size == 1:
            return [await self._answer(case) for case in cases]
        return [self._priced(answer) for answer in await self.solver.solve(cases)]

    def _priced(self, answer: Answer) -> Answer:
        if answer.cost is not None or (cost := self.costing.price(answer)) is None:
            return answer
        return answer._replace(cost=cost)

    async def _answer(self, case: Case) -> Answer:
        call = await self._one_call(case)
        if call.answer.failure is None or self.members:  # members have retried on their own
            self.ever_answered = True
            return _with_money(call)
        calls = [call]
        while (failure := call.answer.failure) is not None:
            self.ever_answered |= failure.kind not in _NO_ANSWER and not failure.retryable
            if not self.retry.again(failure, len(calls), ever_answered=self.ever_answered):
                return _joined(calls)
            try:
                await self.halt.sleep(self.retry.delay_s(failure, len(calls), self.generator))
                call = await self._one_call(case)
            except Halted:  # the calls so far are stored with what they cost
                return _joined(calls)
            except BudgetReached as error:
                self.halt.begin(error)
                return _joined(calls)
            calls.append(call)
        self.ever_answered = True
        return _joined(calls)

    async def _one_call(self, case: Case) -> _Call:
        await self.limiter.acquire(self.halt)
        failure: Failure | None = None
        try:
            most = self.costing.most
            if most is None:
                call = await self._call(case)
            elif self.cap.cap is None:
                call = await self._call(case)
                self.cap.spent += call.sunk + (call.cost or 0)
            else:
                call = await self._capped_call(case, most(case))
            failure = call.answer.failure
            return call
        finally:
            self.limiter.release(
                limited=failure is not None and failure.kind == "rate_limited",
                retry_after_s=None if failure is None else pause_s(failure),
            )

    async def _capped_call(self, case: Case, most: Decimal) -> _Call:
        await self.cap.reserve(most)
        spent = most  # also of a call that is torn off: nobody knows what it cost
        try:
            self.halt.check()
            call = await self._call(case)
            spent = call.sunk + (call.cost or 0)
            return call
        except Halted:
            spent = _NOTHING
            raise
        finally:
            self.cap.settle(most, spent)

    async def _call(self, case: Case) -> _Call:
        answer = (await self.solver.solve([case]))[0]
        cost, most = self._cost(answer), self.costing.most
        unsure = cost is None or (not cost and _may_be_billed(answer))
        unsure |= answer.usage.unknown_calls > 0
        return _Call(answer, cost, most(case) if unsure and most is not None else _NOTHING)

    def _cost(self, answer: Answer) -> Decimal | None:
        return self.costing.price(answer) if answer.cost is None else answer.cost

    def _check_usable(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            failure = outcome.answer.failure
            if failure is None or self.members:
                continue
            if failure.kind == FATAL:
                raise _unusable(self.name, failure)
            if failure.retryable and not self.ever_answered:
                self._doubts += 1
                if failure.kind in SILENT or self._doubts >= _DOUBTFUL:
                    raise _unusable(self.name, failure)


def _with_money(call: _Call) -> Answer:
    answer, cost, sunk = call
    if answer.cost == cost and not sunk:
        return answer
    return answer._replace(cost=cost, sunk=answer.sunk + sunk)


def _joined(calls: Sequence[_Call]) -> Answer:
    """The last answer with the usage and the money of all calls for its case."""
    last = calls[-1]
    known = sum((call.cost for call in calls if call.cost is not None), _NOTHING)
    sunk = sum((call.sunk for call in calls), last.answer.sunk)
    return last.answer._replace(
        cost=None if last.cost is None else known,
        sunk=sunk if last.cost is not None else sunk + known,
        retries=len(calls) - 1,
        usage=total_usage(call.answer.usage for call in calls),
    )


def _may_be_billed(answer: Answer) -> bool:
    return answer.failure is not None and answer.failure.kind in _MAY_BE_BILLED


def _unusable(name: str, failure: Failure) -> EndpointFault:
    return EndpointFault(
        f"candidate {name!r} cannot be measured: {failure.message}",
        hint="start the server or check base_url and network, then run again"
        if failure.kind in SILENT
        else "mend it and run again; answers that are stored are not asked again",
    )


class Member:
    """A runner as a member of a cascade: stored answers first, what is missing is asked."""

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
        stored = await self._runner.stored(sorted(cases, key=lambda case: case.id))
        done = [*stored.measured, *stored.judged_anew]
        size = self.batch_size
        self._runner.lent += len(stored.missing)
        batches = [stored.missing[n : n + size] for n in range(0, len(stored.missing), size)]
        if batches and self._runner.unproven:
            done += await self._runner.ask(batches.pop(0))
        for outcomes in await _all_of([self._runner.ask(batch) for batch in batches]):
            done += outcomes
        answers = {
            one.case.id: one.answer._replace(vetoed=True) if one.violations else one.answer
            for one in done
        }
        return [answers[case.id] for case in cases]

    async def close(self) -> None:
        """Nothing: the runner owns the solver."""


async def _all_of(work: Sequence[Coroutine[None, None, list[Outcome]]]) -> list[list[Outcome]]:
    """Waits for all, then raises the first error: no call that is paid for is torn off."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        if tasks:
            await asyncio.wait(tasks)
    finally:
        for task in tasks:
            task.cancel()
    errors = [error for task in tasks if (error := task.exception())]
    if errors:
        raise errors[0]
    return [task.result() for task in tasks]
