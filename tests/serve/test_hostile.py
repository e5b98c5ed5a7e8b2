"""A small one of `make bench-hostile`: strangers who hold what they can disturb nobody."""

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benchmarks" / "hostile.py"


def test_strangers_who_hold_what_they_can_take_little_memory_and_stop_nobody():
    command = [sys.executable, str(BENCH), "--connections", "400", "--seconds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["came"] >= 400
    assert figures["healthz_failed"] == 0
    assert figures["healthz_asked"] > 0
    assert figures["worker_mb"] - figures["idle_mb"] < 60
