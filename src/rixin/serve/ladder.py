"""Climbs a release's solvers for one case: the cheapest first, on only where an answer fails.

What lets an answer stand is what was certified: nothing failed, no guard objects, and what speaks
for it reaches its threshold. An upstream that is down, busy or not to be paid is passed over.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rixin.core.answer import NOT_WHOLE, TOO_LONG, Answer, Failure, Step, is_below
from rixin.core.case import Case
from rixin.core.outcome import Violation
from rixin.serve.breaker import Breaker
from rixin.workspace.serving import Served, Tier

_QUEUE_S = 10.0
"""Seconds that a request waits for a local model at most."""


@dataclass(slots=True)
class Climb:
    """What came of one case."""

    answer: Answer | None = None
    """The one that stands; None: none does."""
    solver: str = ""
    steps: list[Step] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    failure: Failure | None = None
    """Of the solver that was asked last; None: it did not fail."""
    heard: bool = False
    """Whether any solver did its work, though it may have abstained or its answer does not stand."""
    cost_pico: int | None = 0
    """Of all calls, in 10⁻¹² currency units; None: not known."""
    input_tokens: int = 0
    output_tokens: int = 0
    upstream_s: float = 0.0
    """Seconds that calls of endpoints took."""
    outside: bool = False
    """A solver that was asked found the case unlike those that it has learnt from."""


@dataclass(slots=True)
class Ladder:
    """Climbs releases; keeps the breakers of their upstreams and the queues of local models.

    Args:
        on_failure: Gets the solver and the kind of every failed call.
    """

    on_failure: Callable[[str, str], None]
    breakers: dict[str, Breaker] = field(default_factory=dict)
    _queues: dict[int, asyncio.Semaphore] = field(default_factory=dict)

    async def climb(
        self, served: Served, case: Case, leaving: Case, *, may_pay: bool = True
    ) -> Climb:
        """Asks one solver after the other until an answer stands.

        Args:
            served: The release.
            case: What is asked.
            leaving: The same as it may leave this machine, for endpoints.
            may_pay: False: solvers that cost money elsewhere are passed over.
        """
        found, said = Climb(), []
        last, floor = served.tiers[-1], served.scenario.policy.abstain_below
        for tier in served.tiers:
            if tier.is_plain:
                answer = (await tier.solver.solve([case]))[0]
            else:
                answer = await self._ask(tier, leaving if tier.host else case, may_pay=may_pay)
            said.append(answer)
            speaks = answer.confidence
            if tier.speaks is not None and tier.least is not None:
                speaks = tier.speaks(said)
            violations = _check(served, case, answer) if served.guards else ()
            stands = not is_below(answer, floor) and _stands(
                answer, tier, speaks, violations, last=tier is last
            )
            self._note(found, tier, answer, violations)
            found.outside = found.outside or answer.outside
            output, failure = answer.output, answer.failure
            if failure is not None:
                output = f"({failure.kind}: {failure.message})"
            elif output is None and answer.note:
                output = f"({answer.note})"
            least = floor if tier.least is None else tier.least
            found.steps.append(Step(tier.name, output, speaks, least, not stands))
            if stands:
                found.answer, found.solver = answer, tier.name
                return found
        return found

    async def _ask(self, tier: Tier, case: Case, *, may_pay: bool) -> Answer:
        if not may_pay and (tier.most_pico is not None or tier.host):
            return _passed_over("budget", f"there is no money left for {tier.name}")
        if tier.kind == "local":
            return await self._queued(tier, case)
        breaker = self.breakers.get(tier.host)
        if breaker is None:
            breaker = self.breakers[tier.host] = Breaker()
        if breaker.until and (wait := breaker.wait(now=time.monotonic())) > 0:
            kind = "rate_limited" if breaker.limited else "open"
            message = f"{tier.name} is left alone for {wait:.0f} s"
            told = breaker.told(wait, now=time.monotonic())
            return _passed_over(kind, message, retry_after_s=told)
        answer = (await tier.solver.solve([case]))[0]
        failure = answer.failure
        if failure is not None and failure.kind == TOO_LONG:
            return answer  # nobody was asked: it says nothing about the upstream
        if failure is None or not failure.retryable:
            breaker.worked()
        else:
            breaker.failed(
                now=time.monotonic(),
                retry_after_s=failure.retry_after_s,
                limited=failure.kind == "rate_limited",
            )
        return answer

    async def _queued(self, tier: Tier, case: Case) -> Answer:
        """A local model answers one at a time: who waits too long goes on without it."""
        queue = self._queues.setdefault(id(tier.solver), asyncio.Semaphore(tier.concurrency))
        try:
            async with asyncio.timeout(_QUEUE_S):
                await queue.acquire()
        except TimeoutError:
            return _passed_over("busy", "the local model is busy", retry_after_s=_QUEUE_S)
        try:
            return (await tier.solver.solve([case]))[0]
        finally:
            queue.release()

    def _note(
        self, found: Climb, tier: Tier, answer: Answer, violations: Sequence[Violation]
    ) -> None:
        usage, failure = answer.usage, answer.failure
        if found.cost_pico is not None and (usage.calls or usage.cpu_s or failure is None):
            cost = tier.price_pico(answer)
            found.cost_pico = None if cost is None else found.cost_pico + cost
        found.input_tokens += usage.input_tokens
        found.output_tokens += usage.output_tokens
        if tier.host:
            found.upstream_s += answer.latency_s or 0.0
        found.failure = failure
        if failure is None or failure.kind in NOT_WHOLE:
            found.heard = True
        if failure is not None:
            self.on_failure(tier.name, failure.kind)
        found.violations += violations


def _passed_over(kind: str, message: str, *, retry_after_s: float | None = None) -> Answer:
    failure = Failure(kind=kind, message=message, retryable=True, retry_after_s=retry_after_s)
    return Answer(failure=failure)


def _check(served: Served, case: Case, answer: Answer) -> list[Violation]:
    if answer.failure is not None or answer.output is None:
        return []
    return [found for guard in served.guards for found in guard.check(case, answer.output)]


def _stands(
    answer: Answer,
    tier: Tier,
    speaks: float | None,
    violations: Sequence[Violation],
    *,
    last: bool,
) -> bool:
    """Nobody comes after the last one, but what a guard objects to is never given out."""
    if answer.failure is not None or answer.abstained or answer.output is None or violations:
        return False
    if last or tier.least is None:
        return True
    return speaks is not None and speaks >= tier.least
