"""An endpoint that answers to the byte what a test says, by the name of the model."""

import contextlib
import json
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from serve.house import create_key, release, start, write_scenario

USED = {"prompt_tokens": 2000, "completion_tokens": 500, "total_tokens": 2500}
"""At 10 and 40 for a million: 0.04."""
PAID = 40_000_000_000


class Reply:
    """One reply: status, body, headers."""

    def __init__(self, body, status=200, **headers):
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def stream(*events):
    return Reply(b"".join(events), content_type="text/event-stream")


def data(value):
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta=None, finish=None, **more):
    choice = {"index": 0, "delta": {} if delta is None else {"content": delta}}
    return {"id": "c", "choices": [{**choice, "finish_reason": finish}], **more}


def whole(content="fine", **more):
    choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
    return {"id": "1", "choices": [choice], **more}


def row_of(house, reply):
    """The row of a request, as soon as it is on the disk."""
    number = reply if isinstance(reply, str) else reply.headers["x-rixin-request-id"]
    end = time.monotonic() + 30
    with contextlib.closing(sqlite3.connect(house.ledger)) as database:
        database.row_factory = sqlite3.Row
        while time.monotonic() < end:
            asked = "SELECT * FROM requests WHERE id = ?"
            if (row := database.execute(asked, (number,)).fetchone()) is not None:
                words = json.loads(row["content"] or "{}")
                return {
                    **row,
                    "detail": json.loads(row["detail"]) | {"note": words.get("note", "")},
                }
            time.sleep(0.01)
    raise AssertionError(f"{number} is not on the disk")


class Scripted:
    """The endpoint: `replies` by model; a function gets the request and gives the reply."""

    def __init__(self, replies):
        self.replies, self.asked = replies, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append(asked)
                reply = outer.replies[asked["model"]]
                reply = reply(asked) if callable(reply) else reply
                self.send_response_only(reply.status, "Odd")
                length = {"content-length": str(len(reply.body))}
                for name, value in {**length, **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def seen(self, model):
        return [one for one in self.asked if one["model"] == model]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def scripted_house(folder, replies, *, more="", candidates="", solver="rules", **limits):
    """A gateway whose endpoints answer so, each under the name of its model."""
    endpoint = Scripted(replies)
    try:
        path = write_scenario(folder / "desk", endpoint.url, more=more, faults=tuple(replies))
        with path.open("a") as file:
            file.write(candidates)
        release(path, solver)
        house = start(path, key=create_key(path, **limits), upstream=endpoint)
        try:
            yield house
        finally:
            house.stop()
            house.process.stderr.close()
    finally:
        endpoint.close()
