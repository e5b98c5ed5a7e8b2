"""A course from look to look: nothing twice, nothing left out, whoever asked it before."""

import asyncio
import time
from decimal import Decimal
from io import StringIO

from bench import EXACT, Says, bench, right, texts

from rixin.core.answer import Answer
from rixin.engine.judge import Judge
from rixin.engine.progress import Progress, Reporter
from rixin.engine.run import Course, StopRequest
from rixin.engine.runner import Member
from rixin.engine.spend import SpendCap
from rixin.engine.writer import OutcomeWriter
from rixin.errors import Stopped
from rixin.scorers.text import ContainsScorer
from rixin.solvers.cascade import CascadeSolver
from support import model_server

LOOKS = [1, 10, 10, 137, 300]
SURE = Answer(output="42", confidence=0.9)


def ids(outcomes):
    return [one.case.id for one in outcomes]


def in_order(many):
    return sorted(case.id for case in many.cases)


def test_several_looks_do_what_one_does(tmp_path):
    with model_server(right) as server, bench(tmp_path, 300) as many:
        ran = many.run(server, looks=LOOKS, concurrency=16)
        assert set(texts(server).values()) == {1}
        assert len(many.rows()) == 300
    assert ids(ran.given) == in_order(many)
    assert (ran.tally.solved, ran.progress.asked, ran.progress.stored) == (300, 300, 300)
    with model_server(right) as server, bench(tmp_path / "one", 300) as many:
        assert ids(many.run(server).given) == ids(ran.given)


def test_a_look_asks_no_case_beyond_it(tmp_path):
    with model_server(right) as server, bench(tmp_path, 300) as many:
        ran = many.run(server, looks=[10, 35], concurrency=64)
        assert len(server.calls) == 35
    assert ids(ran.given) == in_order(many)[:35]


def test_batches_stop_at_the_look(tmp_path):
    with bench(tmp_path, 60) as many:
        says = Says(SURE, batch_size=8)
        ran = many.run(says, looks=[10, 60], concurrency=2)
    assert sum(says.sizes) == len(ran.given) == 60
    assert sum(says.sizes[:2]) == 10


def test_what_is_stored_is_given_back_and_not_asked(tmp_path):
    with model_server(right) as server, bench(tmp_path, 100) as many:
        many.run(server, looks=[40])
        again = many.run(server, looks=[30, 50, 100])
        assert len(server.calls) == 100
    assert ids(again.given) == in_order(many)
    assert [one.cached for one in again.given] == [True] * 40 + [False] * 60
    assert (again.progress.stored, again.progress.asked) == (100, 60)


def test_answers_that_are_judged_anew_are_counted_once(tmp_path):
    with model_server(right) as server, bench(tmp_path, 100) as many:
        many.run(server, looks=[40])
        again = many.run(server, looks=[20, 100], judge=Judge(ContainsScorer()))
        assert len(server.calls) == 100
        assert len(many.rows()) == 140
    assert ids(again.given) == in_order(many)
    assert again.progress.stored == 100
    assert again.tally.solved == 100


def test_a_course_longer_than_a_chunk_of_the_ledger_goes_through(tmp_path):
    with bench(tmp_path, 4500) as many:
        ran = many.run(Says(SURE, batch_size=500), looks=[1999, 2001, 4500])
    assert ids(ran.given) == in_order(many)


def test_more_cases_than_there_are_end_with_the_last(tmp_path):
    with bench(tmp_path, 20) as many:
        ran = many.run(Says(SURE), looks=[15, 400, 500])
    assert ids(ran.given) == in_order(many)


def test_ctrl_c_between_two_looks_asks_nothing_more(tmp_path):
    stop = StopRequest()

    def stops(number, body):
        if number == 30:
            stop.ask()  # while the last answer of the first look is under way
        time.sleep(0.002)
        return right(number, body)

    async def main(many, server):
        return await many.go(server, looks=[30, 60, 100], stop=stop)

    with model_server(stops) as server, bench(tmp_path, 100) as many:
        ran = asyncio.run(main(many, server))
        assert isinstance(ran.error, Stopped)
        assert 30 <= len(server.calls) == ran.tally.solved < 60
        again = many.run(server, looks=[30, 60, 100])
        assert set(texts(server).values()) == {1}
    assert again.tally.solved == 100


class Two:
    """A solver that is a candidate of its own and a member of a cascade."""

    def __init__(self, many):
        self.many, self.alone = many, Says(SURE, name="alone")
        self.writer = OutcomeWriter(many.ledger, EXACT.fingerprint)
        cap = SpendCap(None, spent=Decimal(0), currency="EUR")
        runner = many.runner(self.alone, self.writer, cap, EXACT)
        solver = CascadeSolver("cascade", [(Member(runner), 0.5), (Member(runner), None)])
        both = many.runner(solver, self.writer, cap, EXACT, members=(runner,))
        self.first, self.second = self.course(runner), self.course(both)

    def course(self, runner):
        progress = Progress(runner.name, len(self.many.cases), "EUR")
        return Course(runner, self.many.sample, progress, Reporter(StringIO()), concurrency=4)

    async def close(self):
        await self.first.finish()
        await self.second.finish()
        await self.writer.close()


def test_what_a_cascade_asked_of_a_parked_candidate_is_not_asked_again(tmp_path):
    async def main(many):
        two, stop = Two(many), StopRequest()
        try:
            given = await two.first.advance(10, stop)
            await two.second.advance(50, stop)
            given += await two.first.advance(30, stop)
            given += await two.first.advance(80, stop)
            return two.alone, given
        finally:
            await two.close()

    with bench(tmp_path, 100) as many:
        alone, given = asyncio.run(main(many))
    assert ids(given) == in_order(many)[:80]
    assert sum(alone.sizes) == 80


def test_what_a_parked_candidate_was_just_asked_is_known_to_a_cascade(tmp_path):
    async def main(many):
        two, stop = Two(many), StopRequest()
        try:
            await two.first.advance(10, stop)
            return two.alone, await two.second.advance(10, stop)
        finally:
            await two.close()

    with bench(tmp_path, 100) as many:
        alone, given = asyncio.run(main(many))
    assert len(given) == 10
    assert sum(alone.sizes) == 10
