"""Processes that are killed, renewed, orphaned or started twice."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rixin.ledger.store import Ledger
from rixin.serve import writer as writing
from rixin.serve.call import keep
from rixin.serve.capture import Capture
from rixin.serve.writer import Writer
from serve.house import served, start
from serve.test_capture import call_of
from serve.test_faults import until


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def descendants(pid):
    found = []
    with contextlib.suppress(OSError):
        for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(one), *descendants(int(one))]
    return found


def ready(house):
    return house.ask("/readyz", method="GET", timeout=30)


def unready(house, task):
    """Whether the worker that answers says so; the others may not have met it yet."""
    reply = ready(house)
    return reply.status == 503 and task in reply.body.decode()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_outlives_a_master_that_is_killed(tmp_path, workers):
    with served(tmp_path, "--workers", workers, faults=()) as house:
        assert house.chat("a zebra").status == 200
        under = descendants(house.process.pid)
        assert len(under) == {"1": 1, "2": 4}[workers]
        house.process.kill()
        house.process.wait()
        assert until(lambda: not any(map(lives, under)), 30)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", house.port))
        again = start(house.path, "--port", str(house.port), key=house.key)
        assert again.chat("a zebra").status == 200
        assert again.stop() == 0
        again.process.stderr.close()


def test_counters_that_somebody_removes_end_neither_a_task_nor_the_master(tmp_path):
    with served(tmp_path, "--workers", "2", faults=()) as house:
        assert until(lambda: len(list(house.ledger.parent.glob(".counters-*/*.json"))) >= 2, 30)
        (folder,) = house.ledger.parent.glob(".counters-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        shutil.rmtree(folder)
        assert house.ask("/metrics", method="GET").status == 200
        shutil.rmtree(folder, ignore_errors=True)
        folder.write_text("a file in its place")
        assert house.ask("/metrics", method="GET").status == 200
        assert until(lambda: unready(house, "sharing counters"), 30)
        os.kill(house.children()[0], signal.SIGKILL)
        assert until(lambda: any("started anew" in line for line in house.lines), 30)
        folder.unlink()
        assert until(lambda: len(house.children()) == 2, 30)
        assert until(lambda: all(ready(house).status == 200 for _ in range(8)), 30)
        assert house.stop() == 0


def test_a_renewal_keeps_the_old_worker_where_no_new_one_can_start(tmp_path):
    with served(tmp_path, "--workers", "2", faults=()) as house:
        before = set(house.children())
        away = house.ledger.with_suffix(".away")
        house.ledger.rename(away)
        house.process.send_signal(signal.SIGHUP)
        assert until(lambda: any("cannot be renewed" in line for line in house.lines), 60)
        assert not house.ledger.exists()
        assert set(house.children()) >= before
        assert house.chat("a zebra").status == 200
        away.rename(house.ledger)
        for count in (1, 2):  # the second while those of the first are still ending
            house.process.send_signal(signal.SIGHUP)
            said = "are renewed"
            assert until(lambda: sum(said in one for one in house.lines) == count, 60)  # noqa: B023
        assert until(lambda: len(house.children()) == 2, 60)
        assert not before & set(house.children())
        assert until(lambda: ready(house).status == 200, 30)


def test_workers_that_crash_again_and_again_are_started_after_growing_pauses(tmp_path):
    with served(tmp_path, "--workers", "2", faults=()) as house:
        for count in range(1, 4):
            os.kill(house.children()[0], signal.SIGKILL)
            assert until(
                lambda: sum("started anew" in line for line in house.lines) == count,  # noqa: B023
                30,
            )
            assert until(lambda: len(house.children()) == 2, 30)
        pauses = [line.split(" in ")[1] for line in house.lines if "started anew" in line]
        assert pauses[0] == "0.2 s\n"
        assert house.chat("a zebra").status == 200


def test_a_second_gateway_on_a_ledger_is_refused_unless_somebody_insists(tmp_path):
    with served(tmp_path, faults=()) as house:
        command = [sys.executable, "-m", "rixin", "serve", "--port", "0"]
        options = {"cwd": house.path.parent, "capture_output": True, "text": True}
        second = subprocess.run(command, timeout=60, check=False, **options)
        assert second.returncode == 4
        assert f"rixin serve (process {house.process.pid}) works on the ledger" in second.stderr
        assert "--second" in second.stderr
        both = start(house.path, "--second", key=house.key)
        assert (both.chat("a zebra").status, house.chat("a zebra").status) == (200, 200)
        assert both.stop() == 0
        both.process.stderr.close()


def test_a_writing_process_that_hangs_stops_neither_the_event_loop_nor_rows(tmp_path, monkeypatch):
    def hang(channel, _ledger, _gather_s):
        channel.close()
        time.sleep(300)

    monkeypatch.setattr(writing, "_be_writer", hang)
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    writer = Writer(path, gather_s=0.01)

    async def main():
        with Ledger(path) as ledger:
            capture = Capture(ledger, bound_s=0.01, writer=writer)
            for _ in range(20):
                keep(call_of(0.1, "x"), capture)
                await asyncio.sleep(0)
            while capture.waiting:
                await asyncio.sleep(0.01)
            await capture.close()
            return capture.written

    assert asyncio.run(main()) == 20
    assert until(lambda: not lives(writer.pid), 30)


def test_rows_that_wait_too_long_are_trouble(tmp_path):
    async def main():
        with Ledger(tmp_path / "ledger.sqlite3") as ledger:
            capture = Capture(ledger, bound_s=10)
            now = time.monotonic()
            assert capture.trouble(now + 100) == ""
            keep(call_of(0.1, "x"), capture)
            assert capture.trouble(now) == ""
            assert "the oldest waits for" in capture.trouble(now + 100)
            await capture.close()
            assert capture.trouble(now + 100) == ""

    asyncio.run(main())


def test_a_thread_that_writes_rows_is_begun_anew(tmp_path):
    async def main():
        with Ledger(tmp_path / "ledger.sqlite3") as ledger:
            capture = Capture(ledger, bound_s=0.01)
            capture._committer.close()  # as if it had ended
            keep(call_of(0.1, "x"), capture)
            capture.mend()
            capture.mend()
            await capture.close()
            return capture.written

    assert asyncio.run(main()) == 1


def test_apply_and_a_gateway_do_not_count_a_cap_on_money_each_for_itself(tmp_path):
    with served(tmp_path, faults=(), more="budget: {per_day: 1}\n") as house:
        (house.path.parent / "in.csv").write_text("q\na zebra\n")
        command = [sys.executable, "-m", "rixin", "apply", "desk.yaml", "in.csv", "-o", "out.csv"]

        def applied():
            return subprocess.run(
                command, cwd=house.path.parent, capture_output=True, text=True, check=False
            )

        refused = applied()
        assert refused.returncode == 4
        assert f"rixin serve (process {house.process.pid}) works on the ledger" in refused.stderr
        assert "end that first, or ask the gateway that serves" in refused.stderr
        house.stop()
        assert applied().returncode == 0
