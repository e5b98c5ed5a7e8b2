"""Random and mutated requests and replies against a real gateway: `make fuzz`.

    python tests/fuzz/run.py [--seconds 180] [--seed N] [requests | replies]

What must hold, whatever comes in: each request gets one answer, its own, and none is the gateway's
own failure; each id that was told is on the disk; the gateway stays ready and small; the audit log
holds. A failure prints the seed and the number of the request, which make it again.
"""

import argparse
import contextlib
import http.client
import json
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.shapes import encode, mutate, mutate_bytes, odd_value
from serve.house import create_key, release, start, write_scenario

HERE = Path(__file__).parent
SEEDS = HERE / "seeds.txt"
"""Seeds that once showed a fault: they are run first."""
ADDRESSES = [f"127.0.{n // 200 + 1}.{n % 200 + 1}" for n in range(40)]
GUARDS = "policy: {guards: [{pii: {action: redact, at: [egress, capture]}}, {injection: {action: observe}}]}"
MOST_MB = 400
MARKER = re.compile(rb"m\d+q\d+z[0-9a-f]{8}")
THREADS = 4


def marker_of(seed: int, number: int) -> str:
    """What tells whose answer it is, with a sum at its end: a mutation makes no other one of it."""
    name = f"m{seed}q{number}z"
    return f"{name}{zlib.crc32(name.encode()):08x}"


def markers_in(data: bytes) -> set[bytes]:
    """The markers that stand whole in some bytes."""
    found = set(MARKER.findall(data))
    return {one for one in found if one[-8:].decode() == f"{zlib.crc32(one[:-8]):08x}"}


class Fault(Exception):
    """What must hold did not."""


@contextlib.contextmanager
def gateway(folder: Path, seed: int, what: str):
    """A gateway with guards, a cascade and many endpoints that all are the odd server."""
    mode = "mutated" if what == "replies" else "plain"
    command = [sys.executable, str(HERE / "upstream.py"), str(seed), mode, *ADDRESSES]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    port = server.stdout.readline().strip()
    try:
        path = write_scenario(folder, f"http://{ADDRESSES[0]}:{port}/v1", more=GUARDS, faults=())
        with path.open("a") as file:
            for number, address in enumerate(ADDRESSES):
                file.write(
                    f"  - {{name: up{number}, endpoint: up, base_url: 'http://{address}:{port}/v1',"
                    " logprobs: off, timeout: 3s, price: {input: 10, output: 40}}\n"
                )
        release(path)
        house = start(path, key=create_key(path))
        try:
            yield house
        finally:
            house.stop()
            house.process.stderr.close()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def body_of(rng: Random, marker: str) -> tuple[str, dict]:
    """A path, and a good request for it."""
    model = rng.choice(("scenario/desk", f"solver/up{rng.randrange(len(ADDRESSES))}"))
    text = rng.choice((f"a zebra {marker}", f"an okapi {marker}", f"{marker} jane.roe@example.com"))
    stream = {"stream": True} if rng.random() < 0.4 else {}
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": text}]
    parts = [{"role": "user", "content": [{"type": "text", "text": text}]}]
    return rng.choice(
        (
            ("/v1/chat/completions", {"model": model, "messages": messages, "n": 1, **stream}),
            (
                "/v1/chat/completions",
                {"model": model, "messages": parts, "max_tokens": 9, **stream},
            ),
            ("/v1/completions", {"model": model, "prompt": text, "user": "someone", **stream}),
            ("/v1/responses", {"model": model, "input": text, "metadata": {"a": "b"}, **stream}),
            ("/v1/embeddings", {"model": model, "input": [text]}),
            ("/v1/feedback", {"request_id": "req_0", "score": 1, "comment": text}),
            ("/v1/llm/chat-completions", {"model": model, "messages": messages, **stream}),
        )
    )


def wire_of(rng: Random, what: str, key: str, marker: str) -> tuple[bytes, bool]:
    """The bytes of one request, and whether they are sound HTTP."""
    path, body = body_of(rng, marker)
    if what == "replies" or rng.random() < 0.1:
        return _framed(path, encode(rng, body), key), True
    kind = rng.randrange(10)
    if kind < 5:
        for _ in range(rng.randrange(1, 4)):
            body = mutate(rng, body)
        return _framed(path, encode(rng, body), key), True
    if kind < 6:
        return _framed(path, encode(rng, odd_value(rng)), key), True
    if kind < 8:
        return _framed(path, mutate_bytes(rng, encode(rng, body)), key), True
    return mutate_bytes(rng, _framed(path, encode(rng, body), key)), False


def _framed(path: str, body: bytes, key: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Caller:
    """One caller after the other on kept connections; `told` is filled with the ids of rows."""

    def __init__(self, house, what: str, seed: int, told: set[str]) -> None:
        self.house, self.what, self.seed, self.told = house, what, seed, told
        self.wire: socket.socket | None = None

    def send(self, number: int) -> None:
        """Sends request `number` of the seed and checks its answer."""
        rng = Random(f"{self.seed} {number}")
        marker = marker_of(self.seed, number)
        data, sound = wire_of(rng, self.what, self.house.key, marker)
        if self.wire is None:
            self.wire = socket.create_connection(("127.0.0.1", self.house.port), timeout=60)
        try:
            self.wire.sendall(data)
            if not sound:  # what is missing will not come
                self.wire.shutdown(socket.SHUT_WR)
            own = {marker.encode(), *markers_in(data)}  # a mutation may have changed it
            keep = self._check(own, sound)
        except ConnectionError:
            if sound:
                raise
            keep = False
        if not keep:
            self.close()

    def _check(self, own: set[bytes], sound: bool) -> bool:
        reply = http.client.HTTPResponse(self.wire, method="POST")
        try:
            reply.begin()
            body = reply.read()
        except http.client.HTTPException as error:
            if sound:
                raise Fault(f"no whole answer: {error!r}") from None
            return False
        if foreign := markers_in(body) - own:
            raise Fault(f"the answer belongs to {foreign}, not to {own}")
        if b'"internal_error"' in body:
            raise Fault(f"the gateway itself failed: {body[-300:]!r}")
        if reply.headers.get("x-rixin-solver"):  # who is turned away at the door has no row
            self.told.add(reply.headers["x-rixin-request-id"])
        return sound and not reply.will_close

    def close(self) -> None:
        """Leaves."""
        if self.wire is not None:
            self.wire.close()
            self.wire = None


def fuzz(what: str, seconds: float, seed: int, only: int | None = None) -> int:
    """Runs one kind for some seconds; returns how many requests were sent.

    Raises:
        Fault: Something did not hold.
    """
    with tempfile.TemporaryDirectory() as folder, gateway(Path(folder), seed, what) as house:
        told: set[str] = set()
        sent, faults = [0] * THREADS, []
        end = time.monotonic() + seconds

        def work(place: int) -> None:
            caller, number = Caller(house, what, seed, told), place
            try:
                while time.monotonic() < end and not faults:
                    try:
                        caller.send(number if only is None else only)
                    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                        faults.append(f"{what}, seed {seed}, request {number}: {error!r}")
                    sent[place] += 1
                    number += THREADS
            finally:
                caller.close()

        threads = [threading.Thread(target=work, args=[place]) for place in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        faults += _state_faults(house, told)
        if faults:
            raise Fault("; ".join(faults))
        return sum(sent)


def _state_faults(house, told: set[str]) -> list[str]:
    """What does not hold of the gateway after all requests."""
    faults = []
    ready = house.ask("/readyz", method="GET")
    if ready.status != 200:
        faults.append(f"not ready: {ready.body!r}")
    status = Path(f"/proc/{house.process.pid}/status").read_text()
    if (peak := int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024) > MOST_MB:
        faults.append(f"{peak:.0f} MB at most")
    if house.stop() != 0:
        faults.append(f"it ended with {house.process.returncode}")
    if lost := told - house.statuses().keys():
        faults.append(f"{len(lost)} of {len(told)} rows are not on the disk: {sorted(lost)[:3]}")
    if tracebacks := [line for line in house.lines if "Traceback" in line or "Error" in line]:
        faults.append(f"the log holds {tracebacks[:3]}")
    command = [sys.executable, "-m", "rixin", "audit", "verify"]
    done = subprocess.run(
        command, cwd=house.path.parent, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        faults.append(f"the audit log does not hold: {done.stdout}{done.stderr}")
    return faults


def main() -> int:
    """Runs the kept seeds for a moment each, then a new one for as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="?", choices=("requests", "replies"))
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--only", type=int, help="send this request again and again")
    options = parser.parse_args()
    kept = [] if options.seed is not None else [int(one) for one in SEEDS.read_text().split()]
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    for what in [options.what] if options.what else ["requests", "replies"]:
        for number in [*kept, seed]:
            seconds = options.seconds if number == seed else 5
            try:
                sent = fuzz(what, seconds, number, options.only)
            except Fault as fault:
                print(f"FAILED {fault}\nagain: python {sys.argv[0]} {what} --seed {number}")
                return 1
            print(json.dumps({"what": what, "seed": number, "seconds": seconds, "sent": sent}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
