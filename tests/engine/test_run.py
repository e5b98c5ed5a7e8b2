"""Workers over a sample: stopping, resuming, the rate, what a ledger's fault does."""

import asyncio
import os
import signal
import threading
import time

import pytest
from bench import Says, bench, right, texts

from rixin.core.answer import Answer
from rixin.engine import run as module
from rixin.engine.halt import Halt, Halted
from rixin.engine.run import StopRequest
from rixin.errors import LedgerFault, Stopped
from support import model_server


def test_a_run_asks_each_case_once_and_the_next_run_none(tmp_path):
    with model_server(right) as server, bench(tmp_path, 300) as many:
        first = many.run(server, concurrency=64)
        assert set(texts(server).values()) == {1}
        second = many.run(server, concurrency=64)
        assert len(server.calls) == 300
    assert (first.tally.solved, first.progress.asked) == (300, 300)
    assert (second.progress.stored, second.progress.asked) == (300, 0)


def test_no_more_calls_are_under_way_than_allowed(tmp_path):
    lock, now, most, together = threading.Lock(), [0], [0], threading.Barrier(6)

    def counted(number, body):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        if 1 < number < 8:  # the first is asked alone
            together.wait(10)
        time.sleep(0.01)
        with lock:
            now[0] -= 1
        return right(number, body)

    with model_server(counted) as server, bench(tmp_path, 60) as many:
        many.run(server, concurrency=6)
    assert 2 <= most[0] <= 6


def test_a_rate_per_minute_is_kept(tmp_path):
    moments = []

    def noted(number, body):
        moments.append(time.monotonic())
        return right(number, body)

    with model_server(noted) as server, bench(tmp_path, 12) as some:
        some.run(server, concurrency=12, rate=60 * 40)
    assert moments[-1] - moments[0] >= 11 / 40 - 0.02


def stopped(folder, *, asks, handler, after, count=100):
    """A run of eight workers that somebody stops after some calls; the second run finishes."""
    stop = StopRequest()

    async def main(many, server):
        async def somebody():
            while len(server.calls) < after:
                await asyncio.sleep(0.005)
            for _ in range(asks):
                stop.ask()
                await asyncio.sleep(0.05)

        asking = asyncio.create_task(somebody())
        ran = await many.go(server, stop=stop, timeout_s=100.0)
        await asking
        return ran

    release = threading.Event()
    with model_server(lambda n, body: handler(n, body, release)) as server:
        with bench(folder, count) as many:
            ran = asyncio.run(main(many, server))
            release.set()  # until here, calls that hang have not ended
            calls = len(server.calls)
            again = many.run(server)
            return ran, calls, again, texts(server)


def test_stopping_lets_calls_under_way_finish_and_the_next_run_goes_on(tmp_path):
    def slow(number, body, _):
        time.sleep(0.05)
        return right(number, body)

    ran, calls, again, asked = stopped(tmp_path, asks=1, handler=slow, after=10)
    assert isinstance(ran.error, Stopped)
    assert f"at {calls} of 100 cases" in str(ran.error)
    assert "it goes on from here" in ran.error.hint
    assert ran.tally.solved == calls < 30
    assert again.tally.solved == 100
    assert set(asked.values()) == {1}


def hangs(number, body, release):
    if number > 5:
        release.wait(100)
    return right(number, body)


def test_asked_twice_it_stops_at_once_and_keeps_what_is_stored(tmp_path):
    ran, _, again, asked = stopped(tmp_path, asks=2, handler=hangs, after=5 + 8)
    assert isinstance(ran.error, Stopped)
    assert ran.tally.solved == 5
    assert again.tally.solved == 100
    assert sum(asked.values()) == 100 + 8


def test_calls_that_hang_are_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_GRACE_S", 0.2)
    ran, *_ = stopped(tmp_path, asks=1, handler=hangs, after=5 + 8)
    assert isinstance(ran.error, Stopped)


def test_a_call_that_is_torn_off_is_counted_as_spent(tmp_path):
    stop, release = StopRequest(), threading.Event()

    async def main(many, server):
        work = asyncio.create_task(many.go(server, stop=stop, cap=100, concurrency=4))
        while len(server.calls) < 5:
            await asyncio.sleep(0.005)
        stop.ask()
        stop.ask()
        return await work

    def first_only(number, body):
        if number > 1:
            release.wait(100)
        return right(number, body)

    with model_server(first_only) as server, bench(tmp_path, 50) as many:
        ran = asyncio.run(main(many, server))
        release.set()
    assert ran.cap.spent == 1 + 4 * 2


def test_ctrl_c_asks_to_stop_and_twice_at_once():
    async def main():
        stop = StopRequest()
        async with stop.on_signals():
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.wait_for(stop.wished.wait(), 5)
            assert not stop.at_once.is_set()
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(stop.at_once.wait(), 5)

    before = signal.getsignal(signal.SIGINT)
    asyncio.run(main())
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_there_are_no_signals_and_the_run_goes_on():
    async def main():
        stop = StopRequest()
        async with stop.on_signals():
            ran.append(stop.wished.is_set())

    ran = []
    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    thread.join()
    assert ran == [False]


def test_a_ledger_that_cannot_be_read_ends_the_run_before_any_call(tmp_path):
    with model_server(right) as server, bench(tmp_path, 100) as many:
        with many.ledger.write() as connection:
            connection.exec_driver_sql("DROP TABLE outcomes")
        ran = many.run(server)
        assert server.calls == []
    assert isinstance(ran.error, LedgerFault)


def test_a_solver_that_breaks_its_promise_is_an_error_and_not_a_hang(tmp_path):
    class Raises(Says):
        async def solve(self, cases):
            if len(self.sizes) == 5:
                raise ZeroDivisionError
            return await super().solve(cases)

    with bench(tmp_path, 100) as many:
        with pytest.raises(ExceptionGroup) as caught:
            many.run(Raises(Answer(output="42")), concurrency=1)
        assert isinstance(caught.value.exceptions[0], ZeroDivisionError)
        assert len(many.rows()) == 5


def test_who_waits_before_a_call_is_told_that_the_run_ends():
    async def main():
        halt = Halt()
        halt.check()
        waiting = asyncio.create_task(halt.sleep(30))
        await asyncio.sleep(0)
        halt.begin()
        with pytest.raises(Halted):
            await waiting
        with pytest.raises(Halted):
            halt.check()

    asyncio.run(main())
