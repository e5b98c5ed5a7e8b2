"""`make bench-hostile`: what callers without a key can do to a worker, its memory and its other callers.

Ten thousand connections from fifty addresses of this machine hold what they can: places, half heads,
heads that come byte by byte, heads without an end, bodies, answers that nobody reads, and what is no
HTTP. Meanwhile others ask for /healthz, on a connection that stays and on new ones. The last line is
one JSON object. `hostile.py --connections 500 --seconds 5` is a small one.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

LIMITS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "worker_mb": ("≤ 200", lambda x: x <= 200),
    "healthz_p50_ms": ("≤ 50", lambda x: x <= 50),
    "healthz_p99_ms": ("≤ 50", lambda x: x <= 50),
    "healthz_failed": ("= 0", lambda x: x == 0),
    "worker_mb_after": ("≤ 200", lambda x: x <= 200),
}
ADDRESSES = 50
AT_ONCE = 200
"""Connections that are opened together."""
GET = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10485760\r\n\r\n"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--connections", type=int, default=10_000)
    arguments.add_argument("--seconds", type=float, default=20)
    arguments.add_argument("--callers", type=int, metavar="PORT", help="be the hostile callers")
    given = arguments.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if given.callers:
        import uvloop

        os.nice(10)  # they are elsewhere, and take no time from the machine that they ask
        uvloop.run(Crowd(given.callers, given.connections).stay())
        return
    figures = measure(min(given.connections, most - 500), given.seconds)
    show(figures)
    print(json.dumps(figures))


def measure(connections: int, seconds: float) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory(prefix="rixin-hostile-") as name,
        gateway(Path(name)) as (process, port),
    ):
        figures = {"connections": float(connections), "idle_mb": memory(process.pid)}
        quiet = healthz(port, process.pid, min(2.0, seconds))
        figures["quiet_p50_ms"] = quiet["p50"]
        begin = cpu(process.pid)
        with callers(port, connections) as held:
            found = healthz(port, process.pid, seconds)
            figures["held"], figures["came"] = held()
            figures["cpu_share"] = round((cpu(process.pid) - begin) / seconds, 2)
        figures |= {f"healthz_{name}_ms": found[name] for name in ("p50", "p99", "max")}
        figures["healthz_asked"] = found["asked"]
        figures["healthz_failed"] = found["failed"]
        figures["worker_mb"] = found["mb"]
        time.sleep(1)
        healthz(port, process.pid, 0.5)
        figures["worker_mb_after"] = memory(process.pid)
    return figures


@contextlib.contextmanager
def gateway(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A gateway that serves nothing yet: strangers get no further than its door."""
    from rixin.ledger.store import Ledger

    path = folder / ".rixin" / "ledger.sqlite3"
    path.parent.mkdir()
    Ledger(path).close()
    process = subprocess.Popen(
        [sys.executable, "-m", "rixin", "serve", "--port", "0"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    port = 0
    for line in process.stderr:
        if "http://127.0.0.1:" in line:
            port = int(line.split("http://127.0.0.1:")[1].split("/")[0])
            break
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        if not port:
            sys.exit("the gateway did not start")
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextlib.contextmanager
def callers(port: int, connections: int) -> Iterator[Callable[[], tuple[float, float]]]:
    """The hostile ones, in a process of their own; gives what counts those that hold on, and all."""
    command = [sys.executable, __file__, "--callers", str(port), "--connections", str(connections)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()  # all have come

    def held() -> tuple[float, float]:
        print("how many", file=process.stdin, flush=True)
        hold, came = process.stdout.readline().split()  # type: ignore[union-attr]
        return float(hold), float(came)

    try:
        yield held
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


class Hostile(asyncio.Protocol):
    """One connection; comes again where it is closed.

    Args:
        crowd: All of them.
        kind: What it does.
    """

    def __init__(self, crowd: "Crowd", kind: str) -> None:
        self.crowd, self.kind = crowd, kind

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.crowd.held.add(self)
        getattr(self, self.kind)()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.held.discard(self)
        self.crowd.gone.append(self.kind)

    def idle(self) -> None:
        pass

    def half_head(self) -> None:
        self.transport.write(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"y" * random.randrange(60_000)
        )

    def drip_head(self) -> None:
        self.transport.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        self.crowd.drips.append(self)

    def endless_head(self) -> None:
        self.transport.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: yyyyyyyy\r\n" * 20_000)

    def half_body(self) -> None:
        self.transport.write(POST + bytes(200_000))

    def unread(self) -> None:
        self.transport.pause_reading()
        self.transport.write(GET * 200)

    def no_http(self) -> None:
        self.transport.write(random.randbytes(2_000))


KINDS = (
    *("idle", "drip_head", "idle", "drip_head", "unread", "idle", "drip_head", "half_head"),
    *("idle", "drip_head", "endless_head", "half_body", "unread", "half_head", "no_http", "idle"),
)


class Crowd:
    """All hostile connections."""

    def __init__(self, port: int, count: int) -> None:
        self.port, self.count = port, count
        self.held: set[Hostile] = set()
        self.drips: list[Hostile] = []
        self.gone = [KINDS[number % len(KINDS)] for number in range(count)]
        """Kinds of connections that are to be opened."""
        self._number = 0

    async def stay(self) -> None:
        """Comes, says so, and stays until it is killed."""
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self._tell)
        told = False
        while True:
            some, self.gone = self.gone[:AT_ONCE], self.gone[AT_ONCE:]
            await asyncio.gather(*map(self._come, some), return_exceptions=True)
            if not told and self._number >= self.count:
                told = True
                print("here", flush=True)
            for one in random.sample(self.drips, min(len(self.drips), 100)):
                if one.transport.is_closing():
                    self.drips.remove(one)
                else:
                    one.transport.write(b"y")
            await asyncio.sleep(0.1)

    async def _come(self, kind: str) -> None:
        self._number += 1
        made = socket.socket()
        made.setblocking(False)
        if kind == "unread":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        made.bind((f"127.0.0.{2 + self._number % ADDRESSES}", 0))
        loop = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(loop.sock_connect(made, ("127.0.0.1", self.port)), 5)
            await loop.create_connection(lambda: Hostile(self, kind), sock=made)
        except OSError:
            made.close()
            self.gone.append(kind)

    def _tell(self) -> None:
        if not sys.stdin.readline():
            os._exit(0)
        print(len(self.held), self._number, flush=True)


def healthz(port: int, pid: int, seconds: float) -> dict[str, float]:
    """Asks twenty times a second, every other time on a new connection; ms, failures and peak MB."""
    times, failed, peak = [], 0, 0.0
    end = time.monotonic() + seconds
    stays = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while time.monotonic() < end:
        for connection in (stays, http.client.HTTPConnection("127.0.0.1", port, timeout=10)):
            begin = time.perf_counter()
            try:
                connection.request("GET", "/healthz")
                failed += connection.getresponse().read()[:1] != b"{"
            except (OSError, http.client.HTTPException):
                failed += 1
                connection.close()
            times.append(1_000 * (time.perf_counter() - begin))
            if connection is not stays:
                connection.close()
        peak = max(peak, memory(pid))
        time.sleep(0.05)
    stays.close()
    times.sort()
    return {
        "p50": round(median(times), 2),
        "p99": round(times[int(len(times) * 0.99)], 2),
        "max": round(times[-1], 2),
        "asked": float(len(times)),
        "failed": float(failed),
        "mb": peak,
    }


def memory(pid: int) -> float:
    """MB of the worker."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(one.split()[1]) for one in lines if one.startswith("VmRSS")) / 1024, 1)


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(figures: dict[str, float]) -> None:
    print(f"{'':<18}{'measured':>12}  limit")
    for name, value in figures.items():
        limit, holds = LIMITS.get(name, ("", None))
        mark = "" if holds is None else ("✓ " if holds(value) else "✗ ")
        print(f"{name:<18}{value:>12,.1f}  {mark}{limit}")


if __name__ == "__main__":
    main()
