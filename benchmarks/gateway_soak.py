"""`make soak`: the gateway at half load for ten minutes; MINUTES=1 makes it short.

Memory and latency must stay flat, no row may be lost, and the money in the ledger must be that of
the calls which the mock server counted. The last line is one JSON object.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import gateway as bench
from mock_server import MockServer
from rixin.ledger.audit_check import check
from rixin.ledger.requests import total_cost
from rixin.ledger.store import Ledger

MINUTES = int(os.environ.get("MINUTES", "10"))
PART_S = 60.0
_CLIENTS = 32


def main() -> None:
    if not (bench.BENCH / "load.c").exists():
        print(f"skipped: there is no load client at {bench.BENCH}")
        print(json.dumps({}))
        return
    folder = Path(tempfile.mkdtemp(prefix="rixin-soak-"))
    try:
        with MockServer() as mock:
            figures = soak(folder, mock)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))


def soak(folder: Path, mock: MockServer) -> dict[str, float]:
    load = bench.build(folder, "load")
    # Only what the mock is paid counts: the rules of the cascade cost nothing here.
    free = "cost_per_review: 1, cpu_hour: 0}}"
    bench.CONTRACT = bench.CONTRACT.replace("cost_per_review: 1}}", free)
    header = bench.prepare(folder, mock.url)
    parts: list[dict[str, float]] = []
    with bench.gateway(folder, {}) as (process, port):
        first = bench.run(load, port, folder, "scenario/bench", _CLIENTS, header)
        rate = int(first["rps"] / 2)
        print(f"{rate:,} requests/s for {MINUTES} minutes")
        print(f"{'minute':>6}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'MB':>7}")
        for minute in range(1, MINUTES + 1):
            found = steady(load, port, folder, header, rate)
            found["mb"] = bench.memory(process)
            parts.append(found)
            print(
                f"{minute:>6}{found['rps']:>12,.0f}{found['p50']:>9.2f}{found['p99']:>9.2f}"
                f"{found['mb']:>7.0f}",
                flush=True,
            )
    calls = mock.stats()["total"]
    with Ledger(folder / ".rixin" / "ledger.sqlite3") as ledger:
        rows, pico = total_cost(ledger)
    unit = pico // rows
    wrong = check(folder / ".rixin" / "ledger.sqlite3")[2]
    print(f"{calls:,} calls at the mock, {rows:,} rows with a cost, {pico / 1e12:.6f} in all")
    print(f"money exact: {pico == calls * unit}; trail: {'holds' if not wrong else wrong[0]}")
    return {
        "calls": calls,
        "rows": rows,
        "money_difference_pico": pico - calls * unit,
        "failed": sum(one["non2xx"] + one["errs"] for one in parts),
        "mb_first": parts[0]["mb"],
        "mb_last": parts[-1]["mb"],
        "p99_first_ms": parts[0]["p99"],
        "p99_last_ms": parts[-1]["p99"],
        "trail_faults": len(wrong),
    }


def steady(load: str, port: int, folder: Path, header: str, rate: int) -> dict[str, float]:
    command = [load, "-p", str(port), "-u", "/v1/chat/completions", "-c", str(_CLIENTS)]
    command += ["-d", str(PART_S), "-w", "0", "-R", str(rate), "-b", str(folder / "body.json")]
    command += ["-H", header]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
