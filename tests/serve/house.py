"""A gateway to test: an upstream that misbehaves, a scenario, its release, and a real process."""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from rixin.core.key import Limits
from rixin.workspace import Workspace

HERE = Path(__file__).parent
FAULTS = (
    *("f429", "f500", "f400", "f401", "html503", "badjson", "empty", "nofields", "close", "hang"),
    *("slow", "cut", "cuterr", "badchunk", "stall", "slowstream", "short"),
)
CONTRACT = """\
scenario: desk
owner: test
task: Say what the animal wears.
cases: {{path: cases.csv, input: q, expected: a, pools: {{certify: 1.0}}}}
output: free-text
scorers: [exact]
demand: {{cases_per_month: 1000}}
incumbent: {{name: people, cost_per_case: 1, solved: 0.9, source: test}}
economics: {{value_per_solved: 1, cost_per_wrong: 1, cost_per_review: 1, build_cost: 0, cpu_hour: 0}}
promise: {{solved: {{at_least: 0.5}}, harm: {{at_most: 0.05}}}}
{more}
candidates:
  - {{name: rules, rule: rules.yaml}}
  - {{name: strong, endpoint: good, base_url: '{url}', logprobs: off, timeout: 2s, price: {{input: 10, output: 40}}}}
  - {{name: ladder, cascade: [{{solver: rules, threshold: 0.5}}, {{solver: strong}}]}}
{faults}
"""


@contextlib.contextmanager
def upstream(folder):
    """The misbehaving server: its address, and what it saw."""
    events = folder / "events.jsonl"
    command = [sys.executable, str(HERE / "upstream.py"), str(events)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    port = process.stdout.readline().strip()

    def seen(model, event="call"):
        lines = map(json.loads, events.read_text().splitlines())
        return [one for one in lines if one["model"] == model and one["event"] == event]

    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{port}/v1", seen=seen, process=process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def write_scenario(folder, url, *, more="", faults=FAULTS):
    """The scenario file, with one endpoint for each kind of fault."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"a zebra of the {n}th herd {n * 7919},stripes\n" for n in range(400))
    (folder / "cases.csv").write_text("q,a\n" + rows)
    (folder / "rules.yaml").write_text(
        "rules:\n  - {label: stripes, any: [zebra]}\ndefault: abstain\n"
    )
    lines = [
        f"  - {{name: {one}, endpoint: {one}, base_url: '{url}', logprobs: off, timeout: 1s,"
        " price: {input: 10, output: 40}}"
        for one in faults
    ]
    path = folder / "desk.yaml"
    path.write_text(CONTRACT.format(url=url, more=more, faults="\n".join(lines)))
    return path


def release(path, solver="ladder"):
    """Decides on the rules alone, and lets a solver serve."""
    with Workspace(quiet=True) as workspace:
        workspace.decide(path, only=["rules"])
        made = workspace.desk(path).release(path, force=True, solver=solver)
        workspace.desk(path).promote("desk")
    return made


def create_key(path, **limits):
    with Workspace(quiet=True) as workspace:
        return workspace.desk(path).create_key("test", scenarios=["desk"], limits=Limits(**limits))[
            0
        ]


@dataclass
class House:
    """A running gateway."""

    path: Path
    port: int
    process: subprocess.Popen
    key: str
    upstream: object = None
    lines: list = field(default_factory=list)

    @property
    def ledger(self):
        return self.path.parent / ".rixin" / "ledger.sqlite3"

    def ask(self, target, body=None, *, key=None, method="POST", headers=None, timeout=10):
        """Status, headers and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        try:
            connection.request(method, target, sent, given)
            reply = connection.getresponse()
            data = reply.read()
            return SimpleNamespace(
                status=reply.status,
                headers={name.lower(): value for name, value in reply.getheaders()},
                body=data,
                json=lambda: json.loads(data),
                events=[one for one in data.decode().split("\n\n") if one],
            )
        finally:
            connection.close()

    def chat(self, text="what is it?", model="scenario/desk", *, key=None, headers=None, **more):
        body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
        return self.ask("/v1/chat/completions", body, key=key, headers=headers)

    def new_key(self, **limits):
        """A key that the gateway, with all its workers, knows: each looks twice a second."""
        key = create_key(self.path, **limits)
        end, known = time.monotonic() + 60, 0
        while known < 12:  # each is asked on a new connection, of whichever worker
            refused = self.ask("/v1/models", key=key, method="GET").status == 401
            known = 0 if refused else known + 1
            assert time.monotonic() < end
            if refused:
                time.sleep(0.05)
        return key

    def statuses(self):
        """Request → status of all rows that are on the disk."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as database:
            return dict(database.execute("SELECT id, status FROM requests"))

    def row(self, request_id):
        from rixin.ledger.requests import find_request
        from rixin.ledger.store import Ledger

        time.sleep(0.3)
        with Ledger(self.ledger) as ledger:
            return find_request(ledger, request_id)

    def children(self):
        """The processes that the gateway has forked."""
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self, sign=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(40)


def start(path, *options, key="", upstream=None):
    """Starts `rixin serve` on a free port and waits until it answers."""
    command = [sys.executable, "-m", "rixin", "serve", "--port", "0", "--allowed-host", "x"]
    command += options
    process = subprocess.Popen(
        command, cwd=path.parent, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "http://" in line:
            port = int(line.split("http://")[1].split(":")[1].split("/")[0])
            threading.Thread(target=_read_on, args=(process, lines), daemon=True).start()
            return House(path, port, process, key, upstream, lines)
    raise AssertionError("".join(lines))


def _read_on(process, lines):
    with contextlib.suppress(ValueError):  # it is closed at the end of a test
        lines.extend(process.stderr)


@contextlib.contextmanager
def served(folder, *options, more="", solver="ladder", faults=FAULTS, **limits):
    """A gateway with a release of the scenario."""
    with upstream(folder) as up:
        path = write_scenario(folder / "desk", up.url, more=more, faults=faults)
        release(path, solver)
        house = start(path, *options, key=create_key(path, **limits), upstream=up)
        try:
            yield house
        finally:
            house.stop()
            house.process.stderr.close()
