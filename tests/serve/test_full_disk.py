"""A ledger that takes no rows: what waits is bounded in bytes, and the end says what is missing."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from rixin.ledger.aside import count_aside
from serve.house import served, start
from serve.test_faults import until

LONG = "a zebra " * 480_000
"""A case of 3.8 MB."""


@pytest.fixture
def small_disk(tmp_path):
    """A file system with room for few rows."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(command, check=False).returncode:
        pytest.skip("this test mounts a small file system, which only root may do")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def memory_mb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1_000


def ready(house):
    return house.ask("/readyz", method="GET", timeout=60)


@pytest.mark.timeout(300)
def test_a_full_disk_bounds_what_waits_in_bytes_and_the_end_says_what_is_lost(small_disk):
    with served(small_disk, faults=()) as house:
        (writer,) = house.children()
        small = house.chat("a zebra")
        assert small.status == 200
        before = memory_mb(house.process.pid), memory_mb(writer)
        statuses = [house.chat(LONG).status for _ in range(24)]
        assert set(statuses) == {200, 503}
        assert statuses == sorted(statuses)  # from one on, nothing is answered unrecorded
        assert 12 <= statuses.count(200) <= 22
        grown = memory_mb(house.process.pid) - before[0], memory_mb(writer) - before[1]
        assert grown[0] < 64 + 80
        assert grown[1] < 60
        assert (ready(house).status, "full" in ready(house).body.decode()) == (503, True)
        assert house.stop() == 4
        lost = statuses.count(200) + 1 - len(house.statuses())
        assert until(lambda: any("the ledger is not complete" in line for line in house.lines), 30)
        said = next(line for line in house.lines if "the ledger is not complete" in line)
        assert f"{lost:,} rows of what was answered are lost" in said


def test_what_a_ledger_does_not_take_at_the_end_is_set_aside(tmp_path):
    with served(tmp_path, faults=()) as house:
        assert house.chat("a zebra").status == 200
        assert until(lambda: len(house.statuses()) == 1, 30)
        away = house.ledger.with_suffix(".away")
        house.ledger.rename(away)
        assert [house.chat("a zebra").status for _ in range(5)] == [200] * 5
        assert house.stop() == 4
        assert count_aside(house.ledger) == 5
        assert until(lambda: any("5 rows of what was answered" in line for line in house.lines), 30)
        away.rename(house.ledger)
        again = start(house.path, key=house.key)
        assert again.chat("a zebra").status == 200
        assert again.stop() == 0
        again.process.stderr.close()


def test_feedback_on_a_busy_ledger_holds_up_nobody(tmp_path):
    with served(tmp_path, faults=()) as house:
        request = house.chat("a zebra").headers["x-rixin-request-id"]
        assert until(lambda: request in house.statuses(), 30)
        with contextlib.closing(sqlite3.connect(house.ledger)) as other:
            other.execute("BEGIN IMMEDIATE")  # another process writes
            said = {"request_id": request, "score": 1}
            assert {house.ask("/v1/feedback", said).status for _ in range(12)} == {200}
            assert house.chat("a zebra " * 2_000).status == 200
            assert "sharing" not in ready(house).body.decode()
            other.rollback()
        assert until(lambda: len(house.row(request)["feedback"]) == 12, 60)
