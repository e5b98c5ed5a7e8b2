"""Runs the contenders of a scenario: one event loop, one writer, one spend cap."""

import asyncio
import gc
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rixin.core.money import format_money
from rixin.core.solver import Solver
from rixin.core.transport import Transport
from rixin.engine.judge import Judge
from rixin.engine.limits import Limiter
from rixin.engine.progress import Progress, Reporter
from rixin.engine.run import StopRequest, run_candidate
from rixin.engine.runner import Member, Runner
from rixin.engine.spend import SpendCap
from rixin.engine.transport import measure_lag
from rixin.engine.writer import OutcomeWriter
from rixin.errors import EndpointFault, RixinError
from rixin.ledger.outcomes import solver_id
from rixin.ledger.store import Ledger
from rixin.ledger.tallies import Sample
from rixin.solvers.cascade import CascadeSolver
from rixin.workspace.contender import Contender

_LAG_WORTH_A_WORD_S = 0.25


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of the contenders over their samples."""

    ledger: Ledger
    judge: Judge
    contenders: Sequence[Contender]
    chosen: frozenset[str]
    """Names of those to run; the others only serve as members of cascades."""
    samples: dict[str, Sample]
    numbers: dict[str, int]
    transport: Transport
    reporter: Reporter
    currency: str
    cap: Decimal | None
    spent: Decimal
    """What the stored rows of paid candidates have cost already."""
    lag_s: float = 0.0
    unusable: list[RixinError] = field(default_factory=list)
    """Candidates that could not be measured; the others were."""

    async def go(self) -> None:
        """Brings every contender's sample to stored outcomes.

        Raises:
            Stopped: By Ctrl-C or the spend cap; all answers so far are stored.
            LedgerFault: The ledger cannot be written.
        """
        stop = StopRequest()
        writer = OutcomeWriter(self.ledger, self.judge.fingerprint)
        cap = SpendCap(self.cap, spent=self.spent, currency=self.currency)
        runners: dict[str, Runner] = {}
        gc.freeze()  # going over all that was loaded before, again and again, costs a tenth
        try:
            async with stop.on_signals():
                for contender in self.contenders:
                    runner = self._runner(contender, writer, cap, runners)
                    runners[contender.candidate.name] = runner
                    if contender.candidate.name in self.chosen:
                        await self._one(contender, runner, stop)
        finally:
            gc.unfreeze()
            await self._close(writer, runners)

    async def _one(self, contender: Contender, runner: Runner, stop: StopRequest) -> None:
        name = contender.candidate.name
        progress = Progress(name, self.samples[name].size, self.currency)
        seen = [0.0]
        lag = asyncio.create_task(measure_lag(seen))
        try:
            await run_candidate(
                runner,
                self.samples[name],
                progress,
                self.reporter,
                stop,
                concurrency=contender.concurrency,
            )
        except EndpointFault as error:
            self.unusable.append(error)
        finally:
            lag.cancel()
            if contender.candidate.kind == "endpoint":  # others take their times off the loop
                self.lag_s = max(self.lag_s, seen[0])
            self.reporter.done(progress)

    def _runner(
        self,
        contender: Contender,
        writer: OutcomeWriter,
        cap: SpendCap,
        runners: dict[str, Runner],
    ) -> Runner:
        name = contender.candidate.name
        members = tuple(runners[step] for step, _ in contender.steps)
        solver: Solver = contender.solver
        if members:
            steps = zip(members, contender.steps, strict=True)
            solver = CascadeSolver(name, [(Member(one), least) for one, (_, least) in steps])
        return Runner(
            solver=solver,
            kind=contender.candidate.kind,
            number=self.numbers[name],
            judge=self.judge,
            judge_fingerprint=self.judge.fingerprint,
            ledger=self.ledger,
            writer=writer,
            costing=contender.costing,
            cap=cap,
            limiter=Limiter(contender.concurrency, contender.rate_per_minute),
            generator=random.Random(0),  # noqa: S311 - jitter, not secrets
            members=members,
        )

    async def _close(self, writer: OutcomeWriter, runners: dict[str, Runner]) -> None:
        try:
            await writer.close()
        finally:
            for runner in runners.values():
                await runner.solver.close()
            await self.transport.close()

    def warnings(self) -> tuple[str, ...]:
        """What the reader of the report must know about this run."""
        found = [str(error) for error in self.unusable]
        if self.lag_s > _LAG_WORTH_A_WORD_S:
            found.append(
                f"this machine was busy: calls waited up to {self.lag_s:.1f} s for it, so the"
                " latencies look longer than they are"
            )
        return tuple(found)


def register(ledger: Ledger, contenders: Sequence[Contender]) -> dict[str, int]:
    """Name → number in the ledger of every contender's version."""
    return {
        one.candidate.name: solver_id(
            ledger, one.solver.fingerprint, one.candidate.name, one.candidate.kind
        )
        for one in contenders
    }


def cap_line(cap: Decimal | None, spent: Decimal, currency: str) -> str:
    """The spend cap in words."""
    if cap is None:
        return "no spend cap is set (budget.decide)"
    return f"spend cap {format_money(cap, currency)}, {format_money(spent, currency)} of it spent"
