"""`make bench-engine`: how fast cases become stored outcomes, against a bare aiohttp loop.

Every figure is taken in this run, on this machine, against the same mock server; peers that are
installed are measured too, the others are skipped by name. The last line is one JSON object.
"""

import asyncio
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mock_server import MockServer

HERE = Path(__file__).parent
WORKER = HERE / "engine_worker.py"
TRUE_SCORE = 75.0
SPEED_CASES = 20_000


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="rixin-bench-"))
    taken_on = machine()
    try:
        with MockServer() as mock:
            figures = measure(mock, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(taken_on)
    show(figures)
    print(json.dumps({name: value for name, (value, _) in figures.items()}))


def measure(mock: MockServer, folder: Path) -> dict[str, tuple[float, str]]:
    """Figure name → value and the limit to reach, in words."""
    figures: dict[str, tuple[float, str]] = {}
    print("throughput, three runs each in turn …", file=sys.stderr)
    pairs = []
    for run in range(3):
        mock.set(delay=0)
        loop = worker("loop", mock, folder, cases=SPEED_CASES, concurrency=64)
        mock.set(delay=0)
        ours = worker("rixin", mock, folder / f"speed{run}", cases=SPEED_CASES, concurrency=64)
        pairs.append((ours, loop))
    ours, loop = sorted(pairs, key=lambda pair: pair[0]["wall_s"])[1]
    figures["stored_per_s"] = (round(SPEED_CASES / ours["wall_s"]), "≥ 1500")
    figures["loop_per_s"] = (round(SPEED_CASES / loop["wall_s"]), "")
    ratios = sorted(b["wall_s"] / a["wall_s"] for a, b in pairs)
    figures["ratio_to_loop"] = (round(ratios[1], 2), "≥ 0.5")
    figures["cpu_s_per_1k"] = (round(1_000 * ours["cpu_s"] / SPEED_CASES, 3), "≤ 0.6")

    print("10,000 cases at 256 in flight and 200 ms …", file=sys.stderr)
    mock.set(delay=200)
    loop = worker("loop", mock, folder, cases=10_000, concurrency=256)
    mock.set(delay=200)
    ours = worker("rixin", mock, folder / "wide", cases=10_000, concurrency=256)
    figures["wall_ratio_10k"] = (round(ours["wall_s"] / loop["wall_s"], 2), "≤ 1.15")
    base = worker("imports", mock, folder)["peak_mb"]
    figures["imports_mb"] = (round(base), "")
    figures["peak_mb_10k"] = (round(ours["peak_mb"] - base), "≤ 100 beyond the imports")

    print("latency of a 50 ms server, memory at 2,000 cases …", file=sys.stderr)
    mock.set(delay=50)
    ours = worker("rixin", mock, folder / "slow", cases=2_000, concurrency=64)
    figures["reported_latency_ms"] = (round(ours["latency_ms"], 1), "≤ 55")
    figures["peak_mb_2k"] = (round(ours["peak_mb"] - base), "≤ 80 beyond the imports")

    print("5 % 429 and 5 % 500 …", file=sys.stderr)
    mock.set(delay=0, p429=0.05, p500=0.05)
    ours = worker("rixin", mock, folder / "faults", cases=4_000, concurrency=64)
    figures["score_under_faults"] = (round(ours["score"], 2), f"= {TRUE_SCORE}")
    figures["unmeasured_under_faults"] = (ours["unmeasured"], "= 0")

    print("kill -9 in the middle, then again …", file=sys.stderr)
    figures["repeats_after_kill"] = (repeats_after_kill(mock, folder / "kill"), "calls")

    print("start-up …", file=sys.stderr)
    figures["help_s"] = (best_time([sys.executable, "-m", "rixin", "--help"]), "≤ 0.2")
    mock.set(delay=0)
    figures["one_case_s"] = (one_case(mock, folder / "one"), "≤ 0.8")

    print("1,000,000 cases from a log …", file=sys.stderr)
    million = worker("replay", mock, folder / "million", cases=1_000_000)
    figures["peak_mb_1m"] = (round(million["peak_mb"]), "< 300 in all")
    figures["replay_per_s"] = (round(1_000_000 / million["wall_s"]), "")
    figures.update(peers(mock, folder, figures["stored_per_s"][0]))
    return figures


def worker(kind: str, mock: MockServer, folder: Path, **options: Any) -> dict[str, float]:
    """Runs one measured process and gives what it prints."""
    command = [sys.executable, str(WORKER), kind, mock.url, str(folder), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{kind} failed:\n{done.stderr}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def repeats_after_kill(mock: MockServer, folder: Path) -> int:
    """Calls that the server got more than once when a run is killed and started again."""
    mock.set(delay=20)
    command = [sys.executable, str(WORKER), "rixin", mock.url, str(folder)]
    command.append(json.dumps({"cases": 2_000, "concurrency": 32}))
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    while mock.stats()["total"] < 700:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    stats = mock.stats()
    return int(stats["total"] - stats["distinct"])


def best_time(command: list[str], runs: int = 7) -> float:
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - begin)
    return round(sorted(times)[len(times) // 2], 3)


def one_case(mock: MockServer, folder: Path) -> float:
    """Seconds of a whole `rixin decide` on one certify case, the ledger new each time."""
    from engine_worker import write_scenario

    times = []
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for run in range(6):  # the first writes the bytecode, as an installation does
        path = write_scenario(folder / str(run), mock.url, cases=1, concurrency=1)
        begin = time.perf_counter()
        command = [sys.executable, "-m", "rixin", "decide", str(path), "--quiet"]
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, check=False
        )
        times.append(time.perf_counter() - begin)
    return round(sorted(times[1:])[2], 3)


def peers(mock: MockServer, folder: Path, ours_per_s: float) -> dict[str, tuple[float, str]]:
    """Stored results a second of the peers that are installed, and our ratio to each."""
    from engine_peers import stored_per_s

    found: dict[str, tuple[float, str]] = {}
    for name, program in (
        ("inspect", "inspect"),
        ("lm_eval", "lm_eval"),
        ("promptfoo", "promptfoo"),
    ):
        if shutil.which(program) is None:
            print(f"skipped {name}: {program!r} is not installed", file=sys.stderr)
            continue
        mock.set(delay=0)
        reached = stored_per_s(name, program, mock.url, folder)
        if reached is not None:
            found[f"{name}_per_s"] = (round(reached, 1), "peer")
            found[f"ratio_to_{name}"] = (round(ours_per_s / reached, 1), "ours / peer")
    return found


def machine() -> str:
    """What the figures were taken on, and how busy it was with other work before."""
    busy = f", load {os.getloadavg()[0]:.1f} before it began" if hasattr(os, "getloadavg") else ""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}{busy}"


def show(figures: dict[str, tuple[float, str]]) -> None:
    width = max(map(len, figures))
    for name, (value, limit) in figures.items():
        print(f"{name:<{width}}  {value:>10}   {limit}")


async def bare_loop(url: str, count: int, concurrency: int) -> float:
    """The same calls with aiohttp and nothing else: what our figures are a ratio to."""
    import aiohttp

    numbers = iter(range(count))

    async def work(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            body = {"model": "mock", "messages": [{"role": "user", "content": f"case {number}"}]}
            async with session.post(url + "/chat/completions", json=body) as reply:
                (await reply.json())["choices"][0]["message"]["content"]

    begin = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*[work(session) for _ in range(concurrency)])
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
