"""Counters that workers share: each settlement counts once, and a cap is never overrun."""

import os
import time

from rixin.serve.meters import Amounts, Exceeded, Limit, Meters, shared_file

SETTLEMENTS = int(os.environ.get("RIXIN_SETTLEMENTS", "60000"))
"""Of all workers together; the environment can ask for a million."""
NOW = time.time()


def in_workers(count, work):
    """Runs `work(worker)` in processes of their own, which begin at one moment; its exit codes."""
    reading, writing = os.pipe()
    workers = []
    for worker in range(count):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.close(writing)
                os.read(reading, 1)  # until the parent lets go
                status = work(worker) or 0
            finally:
                os._exit(status)
        workers.append(pid)
    os.close(reading)
    os.close(writing)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers]


def test_workers_count_every_settlement():
    file, cap = shared_file(), Limit(0, "money_day", 1 << 60)

    def work(worker):
        meters = Meters(file, worker)
        for _ in range(SETTLEMENTS // 2):
            meters.settle(
                meters.reserve([cap], Amounts(money_day=5), now=NOW), Amounts(money_day=3)
            )

    assert in_workers(2, work) == [0, 0]
    counted = Meters(file, 5)
    assert counted.used(0, "money_day", now=NOW) == SETTLEMENTS // 2 * 2 * 3
    counted.close()


def test_workers_together_admit_no_more_than_a_cap():
    file, most = shared_file(), 4_000
    cap, tally = Limit(0, "money_day", most), Limit(2, "tokens", 1 << 60)

    def work(worker):
        meters = Meters(file, worker)
        while True:
            hold = meters.reserve([cap, tally], Amounts(tokens=1, money_day=1), now=NOW)
            if isinstance(hold, Exceeded):
                return
            meters.settle(hold, Amounts(tokens=1, money_day=1))

    assert in_workers(2, work) == [0, 0]
    counted = Meters(file, 5)
    assert counted.used(0, "money_day", now=NOW) == most
    assert counted.used(2, "tokens", now=NOW) == most
    counted.close()
