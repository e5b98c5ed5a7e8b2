"""From case to stored outcome: faults, retries, money, judging anew, cascades."""

import asyncio
import threading
import time
from collections import Counter
from decimal import Decimal

import pytest
from bench import EXACT, QUICK, Says, bench, right, texts

from rixin.core.answer import Answer, Failure, Usage
from rixin.engine.judge import Judge
from rixin.engine.retry import RetryPolicy
from rixin.engine.runner import Costing, Member
from rixin.engine.spend import SpendCap
from rixin.engine.writer import OutcomeWriter
from rixin.errors import BudgetReached, EndpointFault
from rixin.scorers.text import ContainsScorer
from support import completion, failure, model_server

BUSY = failure(429, "slow down", **{"Retry-After": "0.01"})
DROPPED = (0, {}, b"")
LATE = "late"
SOLVED = Answer(output="42", usage=Usage(output_tokens=2, calls=1))
PAID_FAILURE = Answer(
    failure=Failure(kind="server_error", message="broke off", retryable=True),
    usage=Usage(output_tokens=2, calls=1),
)


@pytest.mark.parametrize(
    ("fault", "sunk"),
    [
        (BUSY, 0),
        (failure(500, "oops"), 0),
        ((200, {}, b'{"choices": ['), 4),
        ((200, {}, b"<html>busy</html>"), 4),
        (DROPPED, 4),
        (LATE, 4),
    ],
    ids=["429", "500", "broken JSON", "no JSON", "dropped", "late"],
)
def test_a_case_is_solved_after_two_faults_and_its_money_is_that_of_all_calls(
    tmp_path, fault, sunk
):
    never = threading.Event()

    def twice(number, body):
        if number > 2:
            return right(number, body)
        if fault is LATE:
            never.wait(5)
            return DROPPED
        return fault

    with model_server(twice) as server, bench(tmp_path) as one:
        ran = one.run(server, timeout_s=0.1 if fault is LATE else 5)
        assert len(server.calls) == 3
        never.set()
        assert one.rows("calls, output") == [(3, "42")]
    assert ran.error is None
    assert ran.one() == (1, 2, 1, sunk)
    assert ran.tally.spent == 1 + sunk


def test_the_server_says_how_long_to_wait(tmp_path):
    moments = []

    def busy_once(number, body):
        moments.append(time.monotonic())
        wait = failure(429, "slow down", **{"Retry-After": "0.3"})
        return wait if number == 1 else right(number, body)

    with model_server(busy_once) as server, bench(tmp_path, 5) as some:
        ran = some.run(server)
    assert ran.tally.solved == 5
    assert moments[1] - moments[0] >= 0.3


@pytest.mark.parametrize(
    ("status", "word"), [(401, "refuses the key"), (403, "forbids"), (404, "check the model name")]
)
def test_what_every_case_would_meet_is_found_with_one_call(tmp_path, status, word):
    with model_server(lambda *_: failure(status, "no")) as server, bench(tmp_path, 200) as many:
        ran = many.run(server, concurrency=64)
        assert len(server.calls) == 1
    assert isinstance(ran.error, EndpointFault)
    assert word in str(ran.error)
    assert "mend it and run again" in ran.error.hint


def test_a_server_that_never_answers_costs_few_calls(tmp_path):
    never = threading.Event()

    def silent(*_):
        never.wait(5)
        return DROPPED

    with model_server(silent) as server, bench(tmp_path, 200) as many:
        ran = many.run(server, concurrency=64, timeout_s=0.05)
        assert len(server.calls) == QUICK.tries_before_success
        never.set()
    assert "cannot be measured: no whole reply in 0.05 s" in str(ran.error)
    assert "start the server" in ran.error.hint


def test_a_server_that_is_down_is_found_without_an_answer(tmp_path):
    with bench(tmp_path, 200) as many:
        ran = many.run("http://127.0.0.1:9/v1", concurrency=64)
    assert isinstance(ran.error, EndpointFault)
    assert ran.tally.unmeasured == 1


def test_a_server_that_only_fails_is_given_up_after_three_cases(tmp_path):
    with model_server(lambda *_: failure(500, "oops")) as server, bench(tmp_path, 200) as many:
        ran = many.run(server, concurrency=64, retry=RetryPolicy(tries=4, base_s=0.001))
        assert len(server.calls) == 3 * 4
    assert isinstance(ran.error, EndpointFault)
    assert (ran.tally.unmeasured, ran.tally.retries) == (3, 9)


def test_one_bad_case_does_not_stop_the_others(tmp_path):
    def poisoned(number, body):
        bad = "case number 7\n" in body["messages"][-1]["content"]
        return failure(500, "oops") if bad else right(number, body)

    with model_server(poisoned) as server, bench(tmp_path, 40) as some:
        ran = some.run(server)
        assert texts(server)["case number 7"] == QUICK.tries
        again = some.run(server)
        assert texts(server)["case number 7"] == 2 * QUICK.tries
        assert sum(texts(server).values()) == 39 + 2 * QUICK.tries
    assert ran.error is again.error is None
    assert (ran.tally.solved, ran.tally.lost) == (39, (("server_error", 1),))


def test_a_refused_case_is_not_asked_twice_and_its_tokens_are_paid(tmp_path):
    def refuses(*_):
        status, headers, body = completion("")
        return status, headers, body.replace(b'"stop"', b'"content_filter"')

    with model_server(refuses) as server, bench(tmp_path, 3) as some:
        ran = some.run(server)
        assert len(server.calls) == 3
    assert ran.tally.lost == (("refused", 3),)
    assert ran.tally.spent == 3


def test_calls_that_failed_and_cost_money_are_in_the_cost(tmp_path):
    with bench(tmp_path) as one:
        ran = one.run(Says(PAID_FAILURE, PAID_FAILURE, SOLVED))
    assert ran.one() == (1, 2, 3, 0)


def test_where_the_last_cost_is_not_known_the_others_are_sunk(tmp_path):
    prices = iter([Decimal(1), None])
    costing = Costing(price=lambda _: next(prices), most=lambda _: Decimal(2))
    with bench(tmp_path) as one:
        ran = one.run(Says(PAID_FAILURE, SOLVED), costing=costing)
    assert (ran.tally.solved, ran.tally.cost_known, ran.tally.sunk) == (1, 0, 3)


@pytest.mark.parametrize("every", [0, 3], ids=["answers", "also lost calls"])
def test_the_cap_holds_under_many_calls_and_counts_what_was_spent_before(tmp_path, every):
    well = threading.Event()

    def some_lost(number, body):
        time.sleep(0.005)
        lost = every and number % every == 0 and not well.is_set()
        return DROPPED if lost else right(number, body)

    with model_server(some_lost) as server, bench(tmp_path, 300) as many:
        first = many.run(server, concurrency=64, cap=50)
        billed = first.tally.spent
        assert isinstance(first.error, BudgetReached)
        assert 48 < billed == first.cap.spent <= 50
        assert len(server.calls) <= 50
        second = many.run(server, concurrency=64, cap=70, spent=billed)
        assert isinstance(second.error, BudgetReached)
        assert 68 < second.tally.spent == second.cap.spent <= 70
        assert len(server.calls) <= 70
        well.set()
        assert many.run(server, concurrency=64).tally.solved == 300


def test_a_cap_that_is_reached_between_two_tries_keeps_the_first(tmp_path):
    with model_server(lambda *_: DROPPED) as server, bench(tmp_path) as one:
        ran = one.run(server, cap=3)
        assert len(server.calls) == 1
    assert isinstance(ran.error, BudgetReached)
    assert ran.one() == (0, 0, 0, 2)


def test_who_waits_for_money_when_the_run_ends_spends_none(tmp_path):
    def key_is_withdrawn(number, body):
        time.sleep(0.05)
        return right(number, body) if number == 1 else failure(401, "key withdrawn")

    with model_server(key_is_withdrawn) as server, bench(tmp_path, 20) as some:
        ran = some.run(server, concurrency=4, cap=4)  # holds one call at a time
        assert len(server.calls) == 2
    assert isinstance(ran.error, EndpointFault)
    assert ran.cap.spent == ran.tally.spent == 1


def test_stored_answers_are_judged_anew_without_a_call(tmp_path):
    with model_server(lambda *_: completion("it is 42")) as server, bench(tmp_path, 30) as some:
        strict = some.run(server)
        assert len(server.calls) == 30
        mild = some.run(server, judge=Judge(ContainsScorer()))
        assert len(server.calls) == 30
    assert (strict.tally.solved, strict.tally.cost_total) == (0, 30)
    assert (mild.tally.solved, mild.tally.cost_total) == (30, 30)
    assert (mild.progress.stored, mild.progress.asked, mild.progress.spent) == (30, 0, 0)


def test_a_batch_solver_gets_whole_batches_and_its_answers_are_priced(tmp_path):
    solver = Says(SOLVED, batch_size=32)
    with bench(tmp_path, 100) as many:
        ran = many.run(solver, concurrency=1)
        assert many.run(solver, concurrency=1).progress.asked == 0
    assert solver.sizes == [32, 32, 32, 4]
    assert (ran.tally.solved, ran.tally.cost_total) == (100, 100)


def test_a_batch_solver_may_know_its_own_cost(tmp_path):
    solver = Says(Answer(output="42", cost=Decimal("0.25")), batch_size=8)
    with bench(tmp_path, 10) as some:
        assert some.run(solver).tally.cost_total == Decimal("2.5")


def test_after_an_error_calls_under_way_are_stored_and_none_is_begun(tmp_path):
    refused, all_in = threading.Event(), threading.Barrier(8)

    def seventh_is_refused(number, body):
        if number == 1:
            return right(number, body)
        all_in.wait(5)  # eight calls are under way
        if number == 7:
            refused.set()
            return failure(401, "key withdrawn")
        refused.wait(5)
        time.sleep(0.1)
        return right(number, body)

    with model_server(seventh_is_refused) as server, bench(tmp_path, 100) as many:
        ran = many.run(server, concurrency=8)
        assert len(server.calls) == 9
    assert isinstance(ran.error, EndpointFault)
    assert (ran.tally.solved, ran.tally.unmeasured) == (8, 1)


def test_an_error_ends_the_waiting_for_another_try(tmp_path):
    both = threading.Barrier(2)

    def told_to_wait_long(number, body):
        if number == 1:
            return right(number, body)
        both.wait(5)
        if number == 2:
            return failure(429, "slow down", **{"Retry-After": "50"})
        time.sleep(0.1)
        return failure(401, "key withdrawn")

    begin = time.monotonic()
    with model_server(told_to_wait_long) as server, bench(tmp_path, 20) as some:
        ran = some.run(server, concurrency=2)
        assert len(server.calls) == 3
    assert time.monotonic() - begin < 5
    assert dict(ran.tally.lost) == {"fatal": 1, "rate_limited": 1}


UNSURE = Answer(output="42", confidence=0.2, usage=Usage(output_tokens=2, calls=1))


def test_a_cascade_asks_its_members_and_stores_their_answers_as_well(tmp_path):
    cheap = Says(UNSURE, name="cheap", batch_size=32)
    with model_server(right) as server, bench(tmp_path, 40) as some:
        ran = some.run([(cheap, 0.5), (server, None)])
        assert (cheap.sizes, len(server.calls)) == ([32, 8], 40)
        assert ran.tally.cost_total == 40 * 2
        assert (ran.progress.members_asked, ran.progress.spent) == (80, 80)
        alone = some.run(server)
        assert (alone.tally.solved, alone.progress.asked) == (40, 0)
        assert len(server.calls) == 40


def test_a_cascade_takes_what_its_members_have_stored(tmp_path):
    cheap = Says(UNSURE, name="cheap", batch_size=32)
    with model_server(right) as server, bench(tmp_path, 40) as some:
        some.run(server)
        ran = some.run([(cheap, 0.5), (server, None)])
        assert len(server.calls) == 40
    assert (ran.tally.solved, ran.progress.members_asked, ran.progress.spent) == (40, 40, 40)


def test_a_cascade_on_a_server_that_is_down_costs_few_calls(tmp_path):
    cheap = Says(UNSURE, name="cheap", batch_size=32)
    with model_server(lambda *_: DROPPED) as server, bench(tmp_path, 40) as some:
        ran = some.run([(cheap, 0.5), (server, None)])
        assert len(server.calls) == QUICK.tries_before_success
    assert isinstance(ran.error, EndpointFault)
    assert "'strong' cannot be measured" in str(ran.error)


def test_a_member_that_fails_tears_no_call_of_the_others_off(tmp_path):
    cheap, refused = Says(UNSURE, name="cheap", batch_size=32), threading.Event()

    def third_is_refused(number, body):
        if number == 3:
            refused.set()
            return failure(401, "key withdrawn")
        if number > 1:
            refused.wait(5)
            time.sleep(0.1)
        return right(number, body)

    with model_server(third_is_refused) as server, bench(tmp_path, 32) as some:
        ran = some.run([(cheap, 0.5), (server, None)], concurrency=4)
        assert len(server.calls) == 5  # the first alone, then four; 27 waited in vain
        states = Counter(state for (state,) in some.rows())
    assert isinstance(ran.error, EndpointFault)
    assert states == {"solved": 32 + 4, "unmeasured": 1}


def test_a_member_of_a_cascade_is_closed_by_its_owner_only(tmp_path):
    async def main(some):
        writer = OutcomeWriter(some.ledger, EXACT.fingerprint)
        cap = SpendCap(None, spent=Decimal(0), currency="EUR")
        solver = Says(SOLVED)
        member = Member(some.runner(solver, writer, cap, EXACT))
        await member.close()
        assert await member.solve([]) == []
        (answer,) = await member.solve(some.cases)
        await writer.close()
        return answer.output

    with bench(tmp_path) as one:
        assert asyncio.run(main(one)) == "42"
