"""One solver's path on a real ledger, as the tests of the engine share it."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import Any

from rixin.core.answer import Answer
from rixin.core.outcome import Outcome
from rixin.core.scenario import OutputSpec
from rixin.core.verdict import Tally
from rixin.engine.judge import Judge
from rixin.engine.limits import Limiter
from rixin.engine.progress import Progress, Reporter
from rixin.engine.retry import RetryPolicy
from rixin.engine.run import Course, StopRequest
from rixin.engine.runner import Costing, Member, Runner
from rixin.engine.spend import SpendCap
from rixin.engine.transport import HttpTransport
from rixin.engine.writer import OutcomeWriter
from rixin.errors import LedgerFault, RixinError
from rixin.ledger.outcomes import solver_id
from rixin.ledger.sample import Sample
from rixin.ledger.tallies import tally
from rixin.pricing.book import given_rates
from rixin.scorers.text import ExactScorer
from rixin.solvers.cascade import CascadeSolver
from rixin.solvers.endpoint import EndpointOptions, EndpointSolver
from rixin.solvers.prompt import build_prompt
from support import ModelServer, completion, plain_cases, small_ledger

RATES = given_rates({"input": 0, "output": 500_000}, "", "test")
"""The plain completion of `support`, two tokens out, costs 1; a call may cost 2 at most."""
MOST_TOKENS = 4
EXACT = Judge(ExactScorer())
QUICK = RetryPolicy(base_s=0.001)


def right(_number, _body):
    """What a model says that solves every plain case."""
    return completion("42")


def texts(server):
    """How often each case's text reached the server."""
    found = (body["messages"][-1]["content"].rpartition("Input: ")[2] for body in server.calls)
    return Counter(text.partition("\n")[0] for text in found)


class Says:
    """A solver that gives one answer to all; counts the cases of each of its calls."""

    fingerprint = "says"

    def __init__(self, *answers: Answer, name: str = "says", batch_size: int = 1) -> None:
        self.name, self.batch_size = name, batch_size
        self.sizes: list[int] = []
        self._answers = list(answers)

    async def solve(self, cases):
        """The next of its answers; the last one again and again."""
        self.sizes.append(len(cases))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [answer] * len(cases)

    async def close(self):
        """Nothing to give back."""


@dataclass(slots=True)
class Ran:
    """What one run left behind."""

    tally: Tally | None
    """None where the ledger cannot be read."""
    progress: Progress
    error: RixinError | None
    cap: SpendCap
    shown: str
    given: list[Outcome]
    """What the looks gave back, one after the other."""

    def one(self):
        """Solved, retries, cost and what is sunk, of all rows together."""
        found = self.tally
        return found.solved, found.retries, found.cost_total, found.sunk


@dataclass(slots=True)
class Bench:
    """A ledger with plain cases, and a run over them."""

    ledger: Any
    cases: list[Any]

    def run(self, asked, **options):
        """Runs a solver, or the model behind a server, over all cases."""
        return asyncio.run(self.go(asked, **options))

    async def go(
        self, asked, *, stop=None, timeout_s=5.0, cap=None, spent=0, looks=None, **options
    ):
        """The same within a loop; `looks`: numbers of cases to stop at on the way."""
        transport, shown = HttpTransport(), StringIO()
        judge = options.pop("judge", EXACT)
        writer = OutcomeWriter(self.ledger, judge.fingerprint)
        money = SpendCap(
            None if cap is None else Decimal(cap), spent=Decimal(spent), currency="EUR"
        )

        def path(one, **more):
            solver = endpoint(one, transport, timeout_s) if _is_remote(one) else one
            return self.runner(solver, writer, money, judge, **options, **more)

        if isinstance(asked, list):  # of (solver, threshold): a cascade
            members = tuple(path(one) for one, _ in asked)
            steps = zip(map(Member, members), [least for _, least in asked], strict=True)
            options["concurrency"] = 1  # as the workspace drives a cascade
            runner = path(CascadeSolver("cascade", list(steps)), members=members)
        else:
            runner = path(asked)
        progress, error = Progress(runner.name, len(self.cases), "EUR"), None
        course = Course(
            runner, self.sample, progress, Reporter(shown), concurrency=runner.limiter.limit
        )
        given = []
        try:
            for cases in looks or [len(self.cases)]:
                given += await course.advance(cases, stop or StopRequest())
        except RixinError as caught:
            error = caught
        finally:
            try:
                await course.finish()
                await writer.close()
            except LedgerFault as caught:
                error = caught
            await transport.close()
        found = None if isinstance(error, LedgerFault) else self.tally(runner.number, judge)
        return Ran(found, progress, error, money, shown.getvalue(), given)

    def runner(self, solver, writer, money, judge, *, concurrency=8, rate=None, **more):
        """The path of one solver."""
        most = getattr(solver, "max_usage", None)
        costing = Costing(
            price=lambda answer: RATES.cost(answer.usage),
            most=most and (lambda case: RATES.cost(most(case))),
        )
        return Runner(
            solver=solver,
            kind="endpoint",
            number=solver_id(self.ledger, solver.fingerprint, solver.name, "endpoint"),
            judge=judge,
            judge_fingerprint=judge.fingerprint,
            ledger=self.ledger,
            writer=writer,
            cap=money,
            limiter=Limiter(concurrency, rate),
            **{"retry": QUICK, "costing": costing, **more},
        )

    @property
    def sample(self):
        """All cases."""
        return Sample("d", "certify", "~", len(self.cases))

    def tally(self, number, judge=EXACT):
        """The stored rows of one solver."""
        return tally(self.ledger, self.sample, number, judge.fingerprint, "any")

    def rows(self, columns="state"):
        """Stored rows, read past our own code."""
        connection = sqlite3.connect(self.ledger.path)
        try:
            return connection.execute(f"SELECT {columns} FROM outcomes").fetchall()
        finally:
            connection.close()


def _is_remote(asked):
    return isinstance(asked, ModelServer | str)


def endpoint(asked, transport, timeout_s=5.0):
    """The endpoint solver for a server or an address."""
    url = asked if isinstance(asked, str) else asked.url
    options = EndpointOptions(
        base_url=url, model="m", timeout_s=timeout_s, max_tokens=MOST_TOKENS, logprobs="off"
    )
    return EndpointSolver(
        "strong", transport, build_prompt("Say it.", OutputSpec(kind="text"), []), options
    )


@contextmanager
def bench(folder, count=1):
    """A bench with that many cases."""
    cases = plain_cases(count)
    with small_ledger(folder, cases) as ledger:
        yield Bench(ledger, cases)
