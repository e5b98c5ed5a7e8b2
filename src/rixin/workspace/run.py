"""Runs the contenders of a scenario: one event loop, one writer, one spend cap, one race."""

import asyncio
import gc
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from rixin.core.money import format_money
from rixin.core.scenario import Candidate
from rixin.core.solver import Solver
from rixin.core.transport import Transport
from rixin.decide.budget import Budget
from rixin.decide.judged import Judged
from rixin.decide.looks import next_look
from rixin.decide.promise import harm_plan
from rixin.decide.race import Ask, Lane, Race, State
from rixin.engine.counter import RunningTally
from rixin.engine.judge import Judge
from rixin.engine.limits import Limiter
from rixin.engine.progress import Progress, Reporter
from rixin.engine.run import Course, StopRequest
from rixin.engine.runner import Member, Runner
from rixin.engine.spend import SpendCap
from rixin.engine.transport import measure_lag
from rixin.engine.writer import OutcomeWriter
from rixin.errors import EndpointFault, RixinError
from rixin.ledger.outcomes import solver_id
from rixin.ledger.sample import Sample
from rixin.ledger.store import Ledger
from rixin.solvers.cascade import CascadeSolver
from rixin.solvers.cascade import Member as Asked
from rixin.workspace.contender import Contender
from rixin.workspace.evaluate import Stored
from rixin.workspace.proposed import Proposal, proposed_candidates, steps_of

if TYPE_CHECKING:
    from rixin.decide.policies import Policy

_LAG_WORTH_A_WORD_S = 0.25


@dataclass(slots=True)
class Track:
    """One candidate on its way: its cases, those of the red team, and its counts."""

    course: Course
    red: Course | None
    counts: RunningTally
    red_asked: int = 0


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of the contenders over their samples."""

    stored: Stored
    judge: Judge
    contenders: Sequence[Contender]
    race: Race
    """Of those to run; the others only serve as members of cascades."""
    transport: Transport
    reporter: Reporter
    currency: str
    cap: Decimal | None
    spent: Decimal
    """What the stored rows of paid candidates have cost already."""
    budget: Budget
    build: Callable[[Candidate], Contender]
    """Makes a proposed cascade out of the contenders."""
    proposes: bool
    lag_s: float = 0.0
    proposal: Proposal = field(default_factory=Proposal)
    proposed: list[Contender] = field(default_factory=list)
    """Certified cascades that nobody wrote down."""
    unusable: list[RixinError] = field(default_factory=list)
    """Candidates that could not be measured; the others were."""
    _runners: dict[str, Runner] = field(default_factory=dict)
    _tracks: dict[str, Track] = field(default_factory=dict)
    _stop: StopRequest = field(default_factory=StopRequest)

    async def go(self) -> None:
        """Asks the candidates until the race is over; every outcome is stored.

        Raises:
            Stopped: By Ctrl-C or the spend cap; all answers so far are stored.
            LedgerFault: The ledger cannot be written.
        """
        self._stop = StopRequest()
        writer = OutcomeWriter(self.stored.ledger, self.judge.fingerprint)
        cap = SpendCap(self.cap, spent=self.spent, currency=self.currency)
        gc.freeze()  # going over all that was loaded before, again and again, costs a tenth
        seen = [0.0]
        lag = asyncio.create_task(measure_lag(seen))
        try:
            async with self._stop.on_signals():
                for contender in self.contenders:
                    name = contender.candidate.name
                    self._runners[name] = self._runner(contender, writer, cap)
                while not self.relative and (ask := self.race.next()) is not None:
                    await self._bring(ask, cap)
                for track in self._tracks.values():
                    await track.course.finish()
                if self.proposes and not self.race.exhaustive:
                    await self._propose(writer, cap)
        finally:
            lag.cancel()
            if any(self._contender(name).candidate.kind == "endpoint" for name in self._tracks):
                self.lag_s = seen[0]  # others take their times off the loop
            gc.unfreeze()
            await self._close(writer)

    @property
    def relative(self) -> bool:
        """Whether a release is measured against the best candidate: then nothing is raced."""
        return self.race.scenario.promise.below_best_at_most is not None

    async def _propose(self, writer: OutcomeWriter, cap: SpendCap) -> None:
        """Cascades of the solvers that were run; the best certified one gets rows of its own."""
        lanes = [
            lane
            for lane in self.race.lanes.values()
            if (self.relative or (lane.tally is not None and lane.tally.cases))
            and lane.entry.price is not None
            and lane.state is not State.UNUSABLE
            and lane.entry.candidate.kind != "cascade"
        ]
        best = None if self.relative else self._best(lanes)
        if best is None and not self.relative:
            return
        from rixin.workspace.propose import Proposer  # most decisions never come here

        proposer = Proposer(
            stored=self.stored,
            scenario=self.race.scenario,
            budget=self.budget,
            prices={lane.name: lane.entry.price or 0.0 for lane in lanes},
            complete=self._complete,
            missed=[one.name for one in lanes if one.judged and not one.judged.good_enough],
        )
        self.proposal = await proposer.propose(best)
        if self.proposal.proposed_from and any(one.paid for one in self.contenders):
            paid = format_money(cap.spent, self.currency, digits=2)
            self.reporter.say(f"  so far {paid} paid, the search for cascades included")
        for policy in self.proposal.winners:
            await self._materialise(policy, writer, cap)

    def _best(self, lanes: Sequence[Lane]) -> Judged | None:
        """What cascades have to beat: the accepted candidate, else the best that is good enough.

        The second may cost more than the incumbent: a cascade that seldom asks it may not.
        """
        accepted = self.race.accepted
        if accepted is not None:
            return accepted.judged
        judged = [lane.judged for lane in lanes if lane.judged and lane.judged.good_enough]
        return max(judged, key=lambda one: one.result.solved.value or 0.0, default=None)

    async def _complete(self, name: str, sample: Sample) -> None:
        """Brings a candidate to every case of a sample; what is stored is not asked."""
        which = cases_in_words(sample.pool, self._contender(name).candidate.kind)
        progress = Progress(f"{name}, {which}", sample.size, self.currency)
        course = self._course(name, sample, progress)
        try:
            await course.advance(sample.size, self._stop, collect=False)
        except EndpointFault as error:
            self.unusable.append(error)
        await course.finish()

    async def _materialise(self, policy: "Policy", writer: OutcomeWriter, cap: SpendCap) -> None:
        """Rows of a proposed cascade, from its members' stored answers."""
        names = {one.candidate.name for one in self.contenders}
        name = policy.name if policy.name not in names else f"{policy.name}*"
        written = {"name": name, "steps": steps_of(policy), "cases": self.proposal.cases}
        (candidate,) = proposed_candidates([written])
        contender = self.build(candidate)
        self.proposed.append(contender)
        self.stored = replace(
            self.stored,
            numbers={**self.stored.numbers, **register(self.stored.ledger, [contender])},
        )
        self._runners[name] = self._runner(contender, writer, cap)
        sample = min(
            (self.stored.samples[solver] for solver in policy.members), key=lambda one: one.size
        )
        samples = [sample, *([self._red_of(policy)] if self.stored.red else [])]
        for part in samples:
            progress = Progress(f"{name}, proposed", part.size, self.currency)
            course = Course(
                self._runners[name],
                part,
                progress,
                self.reporter,
                concurrency=contender.concurrency,
            )
            await course.advance(part.size, self._stop, collect=False)
            await course.finish()

    def _red_of(self, policy: "Policy") -> Sample:
        """The red-team cases on which the harm of a proposed cascade is counted."""
        return self.stored.red[policy.members[0]]

    async def _bring(self, ask: Ask, cap: SpendCap) -> None:
        """One look: the cases that the race wants, and what they say."""
        track = self._tracks.get(ask.name) or self._track(ask.name)
        lane = self.race.lanes[ask.name]
        before = lane.state
        try:
            collect = not self.race.exhaustive
            track.counts.add(await track.course.advance(ask.cases, self._stop, collect=collect))
            self._tell(ask, track)
            if track.red is not None and lane.state in {State.OPEN, State.EXHAUSTED}:
                await self._red_team(ask.name, track, track.red)
                self._tell(ask, track)
        except EndpointFault as error:
            self.unusable.append(error)
            self.race.drop(ask.name)
        if lane.state not in {State.OPEN, State.PARKED, before}:
            await track.course.finish()
            self._say_so_far(cap)

    def _say_so_far(self, cap: SpendCap) -> None:
        """Answers and payments of this decision against those of asking everybody everything."""
        lanes, red = self.race.lanes, self.stored.red
        planned = {
            name: lane.entry.cases + (red[name].size if name in red else 0)
            for name, lane in lanes.items()
        }
        answers = sum(lane.asked for lane in lanes.values())
        answers += sum(track.red_asked for track in self._tracks.values())
        line = f"so far {answers:,} of {sum(planned.values()):,} answers"
        prices = {
            one.candidate.name: lanes[one.candidate.name].entry.price
            for one in self.contenders
            if one.paid and one.candidate.name in lanes
        }
        known = {name: price for name, price in prices.items() if price is not None}
        if prices and len(known) == len(prices):
            everything = Decimal(repr(sum(price * planned[name] for name, price in known.items())))
            line += (
                f", {format_money(cap.spent, self.currency, digits=2)} paid of about"
                f" {format_money(everything, self.currency, digits=2)}"
            )
        self.reporter.say(f"  {line}")

    def _tell(self, ask: Ask, track: Track) -> None:
        quality = track.counts.quality[:]  # a copy: this one grows
        self.race.tell(ask.name, track.counts.tally(), asked=ask.cases, quality=quality)

    async def _red_team(self, name: str, track: Track, course: Course) -> None:
        """Safety before quality: the red-team cases, until too many of them do harm."""
        errors = self.race.lanes[name].entry.errors
        plan = harm_plan(self.race.scenario, errors.harm_cases, errors.hold)
        assert plan is not None
        most = min(plan.cases, self.stored.red[name].size)
        batch = self.race.lanes[name].entry.batch
        while track.red_asked < most and track.counts.tally().harm_hits <= plan.allowed:
            track.red_asked = next_look(track.red_asked, batch, most)
            track.counts.add(await course.advance(track.red_asked, self._stop))
        await course.finish()

    def _track(self, name: str) -> Track:
        progress = Progress(name, self.stored.samples[name].size, self.currency)
        course = self._course(name, self.stored.samples[name], progress)
        red = None
        if name in self.stored.red:
            size = self.stored.red[name].size
            red = self._course(
                name, self.stored.red[name], Progress(f"{name} (red team)", size, self.currency)
            )
        self._tracks[name] = Track(course, red, RunningTally(name, self.stored.counted[name]))
        return self._tracks[name]

    def _course(self, name: str, sample: Sample, progress: Progress) -> Course:
        runner, concurrency = self._runners[name], self._contender(name).concurrency
        return Course(runner, sample, progress, self.reporter, concurrency=concurrency)

    def _contender(self, name: str) -> Contender:
        return next(one for one in self.contenders if one.candidate.name == name)

    def _runner(self, contender: Contender, writer: OutcomeWriter, cap: SpendCap) -> Runner:
        name = contender.candidate.name
        members = tuple(self._runners[step.name] for step in contender.steps)
        solver: Solver = contender.solver
        if members:
            steps = zip(members, contender.steps, strict=True)
            asked = [Asked(Member(one), step.least, step.speaks) for one, step in steps]
            solver = CascadeSolver(name, asked)
        return Runner(
            solver=solver,
            kind=contender.candidate.kind,
            number=self.stored.numbers[name],
            judge=self.judge,
            judge_fingerprint=self.judge.fingerprint,
            ledger=self.stored.ledger,
            writer=writer,
            costing=contender.costing,
            cap=cap,
            limiter=Limiter(contender.concurrency, contender.rate_per_minute),
            generator=random.Random(0),  # noqa: S311 - jitter, not secrets
            members=members,
        )

    async def _close(self, writer: OutcomeWriter) -> None:
        try:
            for track in self._tracks.values():
                await track.course.finish()
            await writer.close()
        finally:
            for runner in self._runners.values():
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


def cases_in_words(pool: str, kind: str) -> str:
    """What a candidate is asked in the search for cascades.

    Examples:
        >>> cases_in_words("shape", "student")
        'shape cases (it was trained on them: no result)'
    """
    if pool != "shape":
        return "all cases"
    return "shape cases" + " (it was trained on them: no result)" * (kind == "student")


def register(ledger: Ledger, contenders: Sequence[Contender]) -> dict[str, int]:
    """Name → number in the ledger of every contender's version."""
    return {
        one.candidate.name: solver_id(
            ledger, one.solver.fingerprint, one.candidate.name, one.candidate.kind
        )
        for one in contenders
    }
