"""Group commits: what counts is on the disk."""

import asyncio
import json
import sqlite3
import time
from contextlib import contextmanager
from decimal import Decimal

import pytest
from bench import EXACT, Says, bench
from sqlalchemy import event

from rixin.core.answer import Answer, Usage
from rixin.core.outcome import Outcome, Score, State
from rixin.engine.writer import OutcomeWriter
from rixin.errors import LedgerFault
from rixin.ledger.aside import aside_file, count_aside
from rixin.ledger.outcomes import solver_id


def judged(cases):
    return [EXACT(case, "s", Answer(output="42")) for case in cases]


def on_disk(path):
    """Ids of the cases with a row, seen from outside."""
    connection = sqlite3.connect(path)
    try:
        return {row[0] for row in connection.execute("SELECT case_id FROM outcomes")}
    finally:
        connection.close()


def write(some, work, **options):
    """Runs `work(writer, solver number)` with a writer that is closed at the end."""

    async def main():
        writer = OutcomeWriter(some.ledger, EXACT.fingerprint, **options)
        number = solver_id(some.ledger, "s", "s", "rule")
        try:
            return await work(writer, number)
        finally:
            await writer.close()

    return asyncio.run(main())


def test_an_answer_is_on_disk_before_it_is_counted(tmp_path):
    with bench(tmp_path, 200) as many:
        counted, early = [], []

        def on_stored(outcomes):
            counted.extend(outcomes)
            early.extend({one.case.id for one in counted} - on_disk(many.ledger.path))

        async def work(writer, number):
            writer.watched = {number: on_stored}
            for outcome in judged(many.cases):
                await writer.add(number, [outcome], ahead=16)
                await asyncio.sleep(0)

        write(many, work)
        assert (len(counted), early) == (200, [])


def test_who_is_too_far_ahead_waits_for_the_disk(tmp_path):
    with bench(tmp_path, 40) as some:

        async def work(writer, number):
            for done, outcome in enumerate(judged(some.cases), 1):
                await writer.add(number, [outcome], ahead=4)
                assert len(on_disk(some.ledger.path)) > done - 4

        write(some, work)


def test_outcomes_that_come_together_are_committed_together(tmp_path):
    with bench(tmp_path, 400) as many:

        async def work(writer, number):
            adds = [writer.add(number, [one], ahead=1) for one in judged(many.cases)]
            await asyncio.gather(*adds)

        write(many, work)
        moments = many.rows("DISTINCT asked_at")
    assert len(moments) <= 3


def test_one_that_comes_alone_is_not_kept_waiting(tmp_path):
    with bench(tmp_path, 5) as some:

        async def work(writer, number):
            begin = time.monotonic()
            for outcome in judged(some.cases):
                await writer.add(number, [outcome], ahead=1)
            return time.monotonic() - begin

        assert write(some, work, gather_s=30) < 10


def test_a_caller_that_is_cancelled_tears_no_commit(tmp_path):
    with bench(tmp_path, 300) as many:

        async def work(writer, number):
            await writer.add(number, judged(many.cases), ahead=10_000)
            flush = asyncio.create_task(writer.flush())
            await asyncio.sleep(0)
            flush.cancel()
            await asyncio.gather(flush, return_exceptions=True)

        write(many, work)
        assert len(on_disk(many.ledger.path)) == 300


@contextmanager
def full(ledger, pages):
    """Room for so many pages only: SQLite's own limit raises the very error of a full disk."""
    with ledger.read() as connection:
        pages += connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def limit(connection, _):
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(ledger._engine, "connect", limit)
    ledger.close()  # it opens new connections when it needs them
    yield
    event.remove(ledger._engine, "connect", limit)
    ledger.close()


def test_a_full_ledger_ends_the_run_and_keeps_what_was_there(tmp_path):
    with bench(tmp_path, 3_000) as many:

        async def work(writer, number):
            await writer.add(number, judged(many.cases[:10]), ahead=1)
            with pytest.raises(LedgerFault, match="full"):
                await writer.add(number, judged(many.cases[10:]), ahead=1)
            with pytest.raises(LedgerFault, match="full"):
                await writer.flush()

        with full(many.ledger, 4), pytest.raises(LedgerFault, match="full"):
            write(many, work)
        assert on_disk(many.ledger.path) == {case.id for case in many.cases[:10]}


def test_what_could_not_be_stored_is_stored_at_the_end_if_there_is_room(tmp_path):
    with bench(tmp_path, 3_000) as many:

        async def work(writer, number):
            with full(many.ledger, 2), pytest.raises(LedgerFault, match="full"):
                await writer.add(number, judged(many.cases), ahead=1)

        write(many, work)
        assert len(on_disk(many.ledger.path)) == 3_000


def test_a_run_on_a_full_ledger_asks_few_cases_more(tmp_path):
    solver = Says(Answer(output="42", note="x" * 20_000))
    with bench(tmp_path, 3_000) as many:
        with full(many.ledger, 100):
            ran = many.run(solver, concurrency=4)
        assert isinstance(ran.error, LedgerFault)
        assert len(solver.sizes) < 200
        stored = len(many.rows())
        again = many.run(solver, concurrency=4)
    assert (again.error, again.tally.solved) == (None, 3_000)
    assert again.progress.asked == 3_000 - stored


ODD = {
    "more tokens than the database holds": Answer(output="42", usage=Usage(input_tokens=10**19)),
    "more money than the database holds": Answer(output="42", cost=Decimal("1e30")),
    "half a character": Answer(output="42", note="cut \ud83d"),
    "half a character in the output": Answer(output="cut \ud83d"),
    "a value of no kind": Answer(output=["42"]),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_outcome_that_cannot_be_stored_keeps_no_other_away(tmp_path, kind):
    with bench(tmp_path, 400) as many:
        odd = many.cases[170]
        answers = {odd.id: ODD[kind]._replace(cost=ODD[kind].cost or Decimal(3))}

        async def work(writer, number):
            stored = []
            writer.watched = {number: stored.extend}
            for case in many.cases:
                answer = answers.get(case.id, Answer(output="42", cost=Decimal(1)))
                state = State.SOLVED
                outcome = Outcome(case, "s", answer, state, Score(1.0, solved=True))
                await writer.add(number, [outcome], ahead=500)
            await writer.flush()
            return stored, writer.replaced, number

        stored, replaced, number = write(many, work)
        assert len(stored) == len(on_disk(many.ledger.path)) == 400
        (instead,) = [one for one in stored if one.state is State.UNMEASURED]
        assert (instead.case.id, instead.reason) == (odd.id, "cannot be stored")
        assert replaced == {(number, odd.id): instead}
        assert len(many.rows()) == 400
        (line,) = aside_file(many.ledger.path).read_text().splitlines()
        assert json.loads(line)["row"]["case_id"] == odd.id
        # What was paid stays paid, as far as a figure of it can be kept.
        paid = {"more money than the database holds": None}.get(kind, Decimal(3))
        assert instead.answer.cost == paid


def test_a_run_goes_on_after_an_outcome_that_cannot_be_stored_and_asks_nobody_twice(tmp_path):
    right = Answer(output="42", cost=Decimal(0))
    odd = right._replace(usage=Usage(input_tokens=1 << 64))
    with bench(tmp_path, 200) as many:
        solver = Says(right, right, right, odd, right)
        ran = many.run(solver, concurrency=2)
        assert (ran.error, ran.tally.solved, ran.progress.unmeasured) == (None, 199, 1)
        assert sum(one.state is State.SOLVED for one in ran.given) == 199
        again = many.run(Says(right), concurrency=2)
        assert (again.progress.asked, again.tally.solved) == (0, 199)


def test_whoever_waits_for_a_writer_that_broke_gets_its_error(tmp_path):
    with bench(tmp_path, 20) as some:

        async def work(writer, number):
            def fails(_outcomes):
                raise ZeroDivisionError

            writer.watched = {number: fails}
            with pytest.raises(LedgerFault, match="ZeroDivisionError"):
                await writer.add(number, judged(some.cases[:10]), ahead=1)
            with pytest.raises(LedgerFault, match="ZeroDivisionError"):
                await writer.add(number, judged(some.cases[10:]), ahead=1)
            writer.watched = {}

        write(some, work)
        assert len(on_disk(some.ledger.path)) == 20


def test_what_a_full_ledger_does_not_take_at_the_end_is_set_aside(tmp_path):
    with bench(tmp_path, 3_000) as many:

        async def work(writer, number):
            with pytest.raises(LedgerFault, match="full"):
                await writer.add(number, judged(many.cases), ahead=1)

        with full(many.ledger, 4), pytest.raises(LedgerFault, match="3,000 answers are set aside"):
            write(many, work)
        assert count_aside(many.ledger.path) == 3_000
