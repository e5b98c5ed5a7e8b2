"""`make bench-against COMMIT=…`: this gateway beside the one of another commit, in the same minutes.

A machine's speed changes from hour to hour, so both gateways run at once and are loaded in turns,
a second and a half each; a ratio is taken of each pair, and the median of these is shown. The other
commit is installed with its own dependencies into a folder that is removed at the end. The last
line is one JSON object.
"""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import gateway

ROUNDS = int(os.environ.get("ROUNDS", "8"))
CLIENTS = 64
LOADS = {
    "scenario": ("scenario/bench", False),
    "scenario, streamed": ("scenario/bench", True),
    "passed on": ("solver/bench/strong", False),
    "passed on, streamed": ("solver/bench/strong", True),
}
LIMIT = 0.97
"""Of the other's requests a second; its inverse is that of CPU time."""
PREPARE = (
    "import sys; sys.path.insert(0, {here!r}); import gateway; from pathlib import Path;"
    "print(gateway.prepare(Path.cwd(), {url!r}))"
)


class Side(NamedTuple):
    """One of the two gateways."""

    process: subprocess.Popen[Any]
    port: int
    folder: Path
    header: str

    def loaded(self, load: str, model: str, stream: bool) -> tuple[float, float]:
        """Requests a second, and CPU µs of one."""
        before = gateway.cpu(self.process)
        found = gateway.run(
            load, self.port, self.folder, model, CLIENTS, self.header, stream=stream
        )
        if found["non2xx"] or found["errs"]:
            sys.exit(f"requests for {model} fail: {found}")
        requests = found["rps"] * (gateway.SECONDS + 1)
        return found["rps"], 1e6 * (gateway.cpu(self.process) - before) / requests


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("which commit? make bench-against COMMIT=c8a8fd4")
    if not (gateway.BENCH / "load.c").exists():
        print(f"skipped: there is no load client at {gateway.BENCH}")
        print(json.dumps({}))
        return
    gateway.SECONDS = float(os.environ.get("SECONDS_EACH", "1.5"))
    folder = Path(tempfile.mkdtemp(prefix="rixin-against-"))
    try:
        print(json.dumps(measure(sys.argv[1], folder)))
    finally:
        subprocess.run(
            ["git", "worktree", "remove", "--force", str(folder / "tree")],
            cwd=gateway.HERE,
            capture_output=True,
            check=False,
        )
        shutil.rmtree(folder, ignore_errors=True)


def measure(commit: str, folder: Path) -> dict[str, Any]:
    """Both sides under each load, in turns."""
    other = installed(commit, folder)
    load, mock = gateway.build(folder, "load"), gateway.build(folder, "gateway_mock")
    port = gateway.free_port()
    upstream = subprocess.Popen([mock, str(port)], stdout=subprocess.DEVNULL)
    sides: list[Side] = []
    try:
        for number, python in enumerate((str(other), sys.executable)):
            sides.append(started(python, folder / str(number), f"http://127.0.0.1:{port}/v1"))
        print(f"{'':<22}{'requests/s':>11}{commit[:10]:>11}{'ratio':>8}{'CPU µs':>9}{'ratio':>8}")
        figures: dict[str, Any] = {"commit": commit, "rounds": ROUNDS}
        for name, (model, stream) in LOADS.items():
            figures[name] = compared(name, sides, load, model, stream)
        return figures
    finally:
        for side in sides:
            side.process.send_signal(signal.SIGTERM)
        for side in sides:
            side.process.wait(60)
        upstream.kill()


def compared(name: str, sides: list[Side], load: str, model: str, stream: bool) -> dict[str, float]:
    """The figures of one load; who goes first changes from round to round."""
    rounds = []
    for number in range(ROUNDS):
        turns = sides[::-1] if number % 2 else sides
        pair = [side.loaded(load, model, stream) for side in turns]
        rounds.append(pair[::-1] if number % 2 else pair)
    rps, before = (statistics.median(pair[side][0] for pair in rounds) for side in (1, 0))
    cpu = statistics.median(pair[1][1] for pair in rounds)
    faster = statistics.median(pair[1][0] / pair[0][0] for pair in rounds)
    dearer = statistics.median(pair[1][1] / pair[0][1] for pair in rounds)
    marks = ["✓" if holds else "✗" for holds in (faster >= LIMIT, dearer <= 1 / LIMIT)]
    print(
        f"{name:<22}{rps:>11,.0f}{before:>11,.0f}{faster:>7.3f}{marks[0]}"
        f"{cpu:>9.1f}{dearer:>7.3f}{marks[1]}",
        flush=True,
    )
    return {"requests_per_s": round(rps), "ratio": round(faster, 3), "cpu_ratio": round(dearer, 3)}


def installed(commit: str, folder: Path) -> Path:
    """The Python of an environment that holds the other commit."""
    tree, environment = folder / "tree", folder / "venv"
    for command in (
        ["git", "worktree", "add", "--quiet", "--detach", str(tree), commit],
        [sys.executable, "-m", "venv", str(environment)],
        [str(environment / "bin" / "pip"), "install", "--quiet", f"{tree}[serve]"],
    ):
        done = subprocess.run(
            command, cwd=gateway.HERE, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(
                f"{commit} cannot be installed ({' '.join(command[:3])}): {done.stderr[-500:]}"
            )
    return environment / "bin" / "python"


def started(python: str, folder: Path, url: str) -> Side:
    """A gateway with two scenarios in a folder of its own."""
    folder.mkdir()
    code = PREPARE.format(here=str(gateway.HERE), url=url)
    environment = dict(os.environ)
    if python != sys.executable:
        environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{python} cannot prepare its scenarios: {done.stderr[-500:]}")
    port = gateway.free_port()
    process = subprocess.Popen(
        [python, "-m", "rixin", "serve", "--port", str(port)],
        cwd=folder,
        env=environment,
        stderr=(folder / "serve.log").open("w"),
    )
    side = Side(process, port, folder, done.stdout.strip().splitlines()[-1])
    while socket.socket().connect_ex(("127.0.0.1", port)):
        time.sleep(0.02)
        if process.poll() is not None:
            sys.exit(f"a gateway did not start: {(folder / 'serve.log').read_text()[-500:]}")
    time.sleep(1)
    return side


if __name__ == "__main__":
    main()
