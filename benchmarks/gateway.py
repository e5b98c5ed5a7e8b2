"""`make bench-gateway`: what the gateway adds to an upstream, against limits and installed peers.

Key check, budget, cascade route and capture to the ledger are on, guards off. The mock upstream and
the load client are C programs of `shared/bench` (BENCH=DIR points elsewhere); every figure is taken
in this run. The last line is one JSON object.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway_peers import measure_peers

HERE = Path(__file__).parent
BENCH = Path(os.environ.get("BENCH", HERE.parents[1] / "shared" / "bench"))
SECONDS = float(os.environ.get("SECONDS_EACH", "4"))
QUESTION = (
    "My card was charged twice for the same order on Monday, once in euros and once in dollars. "
    "The shop says that it has one payment only. What do I have to do to get the second amount "
    "back, and how long will it take until I see it on my account?"
)
LONGER = (QUESTION + " ") * 4
"""About 1 kB."""
GUARDS = ", ".join(
    f"{{{name}: {{action: {action}, at: [egress]}}}}"
    for name, action in (("pii", "redact"), ("secrets", "block"), ("injection", "block"))
)
CONTRACT = """\
scenario: {name}
owner: bench
task: Answer the question of a customer.
cases: {{path: cases.csv, input: q, expected: a, pools: {{certify: 1.0}}}}
output: free-text
scorers: [exact]
demand: {{cases_per_month: 1000}}
incumbent: {{name: people, cost_per_case: 1, solved: 0.9, source: bench}}
economics: {{value_per_solved: 1, cost_per_wrong: 1, cost_per_review: 1}}
promise: {{solved: {{at_least: 0.5}}, harm: {{at_most: 0.01}}}}
policy: {{keep_content: false, guards: [{guards}]}}
candidates:
  - {{name: rules, rule: rules.yaml}}
  - {{name: strong, endpoint: {model}, base_url: '{url}', price: {{input: 0.1, output: 0.4}}, logprobs: off}}
  - {{name: ladder, cascade: [{{solver: rules, threshold: 0.5}}, {{solver: strong}}]}}
"""
STUDENT = """\
scenario: student
owner: bench
task: Choose the label that fits.
cases: {path: student.csv, input: q, expected: a}
output: {labels: from-cases}
demand: {cases_per_month: 1000}
incumbent: {name: people, cost_per_case: 1, solved: 0.9, source: bench}
economics: {value_per_solved: 1, cost_per_wrong: 1, cost_per_review: 1}
promise: {solved: {at_least: 0.5}, harm: {at_most: 0.01}}
policy: {keep_content: false}
candidates:
  - {name: small, student: tfidf-logistic}
"""
LIMITS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "requests_per_s": ("≥ 8,000", lambda x: x >= 8_000),
    "cpu_ms": ("≤ 0.15", lambda x: x <= 0.15),
    "added_p50_ms": ("≤ 0.4", lambda x: x <= 0.4),
    "added_p99_ms": ("≤ 1.0", lambda x: x <= 1.0),
    "added_p99_64_ms": ("≤ 3", lambda x: x <= 3),
    "added_p99_256_ms": ("≤ 8", lambda x: x <= 8),
    "guards_ms": ("≤ 1.0", lambda x: x <= 1.0),
    "streams_per_s": ("≥ 1,500", lambda x: x >= 1_500),
    "stream_cpu_ms": ("≤ 0.6", lambda x: x <= 0.6),
    "idle_mb": ("≤ 60", lambda x: x <= 60),
    "loaded_mb": ("≤ 120", lambda x: x <= 120),
    "start_s": ("≤ 0.6", lambda x: x <= 0.6),
    "two_workers_ratio": ("≥ 1.7", lambda x: x >= 1.7),
    "lost_rows": ("= 0", lambda x: x == 0),
}
SEEN = {
    "TensorZero 2026.6": (4_900.0, 0.20),
    "nginx": (49_700.0, 0.015),
    "MLflow": (905.0, 1.1),
    "Portkey": (749.0, 1.3),
    "LiteLLM": (85.0, 11.7),
}
"""Requests a second and CPU ms, where a peer does not run beside ours."""


def main() -> None:
    if not (BENCH / "load.c").exists():
        print(f"skipped: there is no load client at {BENCH}")
        print(json.dumps({}))
        return
    folder = Path(tempfile.mkdtemp(prefix="rixin-gateway-"))
    try:
        figures = measure(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    show(figures)
    print(json.dumps(figures))


def measure(folder: Path) -> dict[str, Any]:
    load, mock = build(folder, "load"), build(folder, "gateway_mock")
    port = free_port()
    upstream = subprocess.Popen([mock, str(port)], stdout=subprocess.DEVNULL)
    figures: dict[str, Any] = {}
    url = f"http://127.0.0.1:{port}/v1"
    try:
        header = prepare(folder, url)
        alone = run(load, port, folder, "mock", 64)
        quiet = run(load, port, folder, "mock", 1)
        figures["upstream_per_s"] = alone["rps"]
        with gateway(folder, figures) as (process, at):
            figures["idle_mb"] = memory(process)
            one_worker(load, folder, header, at, process, figures, quiet)
            figures["loaded_mb"] = memory(process)
            for clients in (64, 256):
                bare = run(load, port, folder, "mock-50", clients)
                ours = run(load, at, folder, "scenario/bench50", clients, header)
                figures[f"added_p99_{clients}_ms"] = round(ours["p99"] - bare["p99"], 2)
            begin = cpu(process)
            streams = run(load, at, folder, "solver/bench/strong", 64, header, stream=True)
            figures["streams_per_s"] = streams["rps"]
            figures["stream_cpu_ms"] = per_request(process, begin, streams)
        figures["lost_rows"] = lost_rows(folder)
        figures |= student(load, folder / "student")
        figures["guards_ms"] = guards_ms(load, folder, url)
        with gateway(folder, {}, "--workers", "2") as (_, at):
            both = run(load, at, folder, "scenario/bench", 64, header)
        figures["two_workers_ratio"] = round(both["rps"] / figures["requests_per_s"], 2)
        figures["two_workers_guarded_ratio"] = two_guarded_workers(load, folder / "guarded")
        figures["peers"] = peers(load, folder, url)
    finally:
        upstream.kill()
        upstream.wait()
    return figures


def student(load: str, folder: Path) -> dict[str, float]:
    """A small model of three labels: it answers in the worker itself."""
    from rixin.core.key import Limits
    from rixin.workspace import Workspace

    folder.mkdir()
    kinds = ("a refund of my payment", "a parcel that is late", "a password that I forgot")
    rows = [f"I write about {kinds[n % 3]} number {n * 7919},{n % 3}\n" for n in range(1_200)]
    (folder / "student.csv").write_text("q,a\n" + "".join(rows))
    path = folder / "student.yaml"
    path.write_text(STUDENT)
    with Workspace(quiet=True) as workspace:
        workspace.decide(path)
        desk = workspace.desk(path)
        desk.release(path)
        desk.promote("student")
        key = desk.create_key("bench", limits=Limits())[0]
    with gateway(folder, {}) as (process, at):
        begin = cpu(process)
        header = f"Authorization: Bearer {key}"
        found = run(load, at, folder, "scenario/student", 64, header)
        each = per_request(process, begin, found)
    return {"student_per_s": found["rps"], "student_cpu_ms": each}


def guards_ms(load: str, folder: Path, url: str) -> float:
    """What PII, secrets and injection guards add to a message of 1 kB: medians, 1 connection."""
    medians = []
    for name, guards in (("plain", ""), ("guarded", GUARDS)):
        own = folder / name
        own.mkdir()
        header = prepare(own, url, guards)
        (own / "header").write_text(header)
        with gateway(own, {}) as (_, at):
            found = run(load, at, own, "scenario/bench", 1, header, question=LONGER)
        if found["non2xx"]:
            sys.exit(f"{name}: {found['non2xx']} requests were refused")
        medians.append(found["p50"])
    return round(medians[1] - medians[0], 3)


def two_guarded_workers(load: str, folder: Path) -> float:
    """Two workers to one where the work is heavier, and load and upstream take less of the cores."""
    answered = []
    header = (folder / "header").read_text()
    for workers in ("1", "2"):
        with gateway(folder, {}, "--workers", workers) as (_, at):
            found = run(load, at, folder, "scenario/bench", 64, header, question=LONGER)
        answered.append(found["rps"])
    return round(answered[1] / answered[0], 2)


def one_worker(
    load: str,
    folder: Path,
    header: str,
    at: int,
    process: subprocess.Popen[str],
    figures: dict[str, float],
    quiet: dict[str, float],
) -> None:
    begin = cpu(process)
    ours = run(load, at, folder, "scenario/bench", 64, header)
    figures["requests_per_s"] = ours["rps"]
    figures["p99_64_ms"] = ours["p99"]
    figures["failed"] = ours["non2xx"] + ours["errs"]
    figures["cpu_ms"] = per_request(process, begin, ours)
    begin = cpu(process)
    passed = run(load, at, folder, "solver/bench/strong", 64, header)
    figures["passed_on_per_s"] = passed["rps"]
    figures["passed_on_cpu_ms"] = per_request(process, begin, passed)
    alone = run(load, at, folder, "scenario/bench", 1, header)
    figures["added_p50_ms"] = round(alone["p50"] - quiet["p50"], 3)
    figures["added_p99_ms"] = round(alone["p99"] - quiet["p99"], 3)


def build(folder: Path, name: str) -> str:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("the load client needs a C compiler: install gcc or clang")
    binary = folder / name
    command = [compiler, "-O2", "-w", "-o", str(binary), str(BENCH / f"{name}.c"), "-lm"]
    subprocess.run(command, check=True)
    return str(binary)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare(folder: Path, url: str, guards: str = "") -> str:
    """Two scenarios with a cascade in service; gives the header with a key that has a budget."""
    from decimal import Decimal

    from rixin.core.key import Limits
    from rixin.workspace import Workspace

    rows = "".join(f"{n * 2654435761 % 4294967296:x} zebra {n},stripes\n" for n in range(60))
    (folder / "cases.csv").write_text("q,a\n" + rows)
    (folder / "rules.yaml").write_text(
        "rules:\n  - {label: stripes, any: [zebra, okapi]}\ndefault: abstain\n"
    )
    with Workspace(quiet=True) as workspace:
        for name, model in (("bench", "mock"), ("bench50", "mock-50")):
            path = folder / f"{name}.yaml"
            path.write_text(CONTRACT.format(name=name, model=model, url=url, guards=guards))
            workspace.decide(path, only=["rules"])
            desk = workspace.desk(path)
            desk.release(path, force=True, solver="ladder")
            desk.promote(name)
        limits = Limits(money_per_day=Decimal(10**6), requests_per_minute=10**9, in_flight=10_000)
        key = workspace.desk(folder / "bench.yaml").create_key("bench", limits=limits)[0]
    return f"Authorization: Bearer {key}"


@contextmanager
def gateway(
    folder: Path, figures: dict[str, float], *options: str
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "rixin", "serve", "--port", str(port), *options],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while socket.socket().connect_ex(("127.0.0.1", port)):
        time.sleep(0.005)
        if process.poll() is not None:
            sys.exit("the gateway did not start")
    figures["start_s"] = round(time.perf_counter() - begin, 2)
    time.sleep(0.5)
    try:
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def run(
    load: str,
    port: int,
    folder: Path,
    model: str,
    clients: int,
    header: str = "",
    *,
    stream: bool = False,
    question: str = QUESTION,
) -> dict[str, float]:
    """Figures of one load: requests a second, percentiles in ms, failures."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": question}]}
    if stream:
        body["stream"] = True
    (folder / "body.json").write_text(json.dumps(body, separators=(",", ":")))
    command = [load, "-p", str(port), "-u", "/v1/chat/completions", "-c", str(clients)]
    command += ["-d", str(SECONDS), "-w", "1", "-b", str(folder / "body.json")]
    if header:
        command += ["-H", header]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def processes(process: subprocess.Popen[Any]) -> list[int]:
    """A gateway and what it has forked: the process that writes rows, and workers."""
    found = [process.pid]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def cpu(process: subprocess.Popen[Any]) -> float:
    """Seconds of all its processes."""
    ticks = 0
    for pid in processes(process):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def per_request(process: subprocess.Popen[str], begin: float, found: dict[str, float]) -> float:
    """CPU ms of a request; the warm-up second has as many requests as any other."""
    requests = found["rps"] * (SECONDS + 1)
    return round(1_000 * (cpu(process) - begin) / requests, 3)


def memory(process: subprocess.Popen[str]) -> float:
    """MB of all its processes; what they share is counted once."""
    kilobytes = 0
    for pid in processes(process):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(kilobytes / 1024)


def lost_rows(folder: Path) -> float:
    """Rows that the trail does not cover or that were altered: after a clean end there are none."""
    from rixin.ledger.audit_check import check

    return float(len(check(folder / ".rixin" / "ledger.sqlite3")[2]))


def peers(load: str, folder: Path, url: str) -> dict[str, dict[str, float]]:
    """Other gateways that are installed, one after the other."""

    def loaded(port: int, model: str, header: str) -> tuple[float, float]:
        found = run(load, port, folder, model, 64, header)
        answered = found["rps"] * (1 - (found["non2xx"] + found["errs"]) / max(1, found["n"]))
        return answered, found["rps"] * (SECONDS + 1)

    return measure_peers(folder, url, free_port, loaded, cpu)


def show(figures: dict[str, Any]) -> None:
    beside = figures["peers"]
    print(f"\n{'':<22}{'measured':>12}  limit")
    for name, value in figures.items():
        if name == "peers":
            continue
        limit, holds = LIMITS.get(name, ("", None))
        mark = "" if holds is None else ("✓ " if holds(value) else "✗ ")
        print(f"{name:<22}{value:>12,.3f}  {mark}{limit}")
    rows = {name: (one["requests_per_s"], one["cpu_ms"]) for name, one in beside.items()}
    elsewhere = {
        f"{name} *": seen
        for name, seen in SEEN.items()
        if not any(row.startswith(name.split()[0]) for row in rows)
    }
    print("\nRixin's cascade beside gateways that pass requests on, 64 connections, one worker")
    print(f"  {'':<24}{'requests/s':>12}{'ours is':>10}{'CPU ms':>10}{'ours is':>10}")
    for name, (rps, ms) in {**rows, **elsewhere}.items():
        times, share = figures["requests_per_s"] / rps, figures["cpu_ms"] / ms
        print(f"  {name:<24}{rps:>12,.0f}{times:>9.2f}×{ms:>10.3f}{share:>9.2f}×")
    print("  * not in this run: seen on a machine like this one")


if __name__ == "__main__":
    main()
