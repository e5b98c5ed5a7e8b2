"""Helpers that tests share: a real model server on loopback, a small ledger, plain cases."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rixin.core.case import Case, make_case
from rixin.ledger.cases import import_staged, stage_cases
from rixin.ledger.store import Ledger

ALL_CERTIFY = {"certify": 1.0}
Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[[int, dict[str, Any]], Reply]


def completion(content: str, **more: Any) -> Reply:
    """A chat completion with that content."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "test-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22},
        **more,
    }
    return 200, {}, json.dumps(body).encode()


def failure(status: int, message: str, **headers: str) -> Reply:
    """An OpenAI-style error."""
    return status, headers, json.dumps({"error": {"message": message, "type": "x"}}).encode()


class ModelServer:
    """A model server on loopback; `handler(number of the call, body)` says what it answers."""

    def __init__(self, handler: Handler) -> None:
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        lock = threading.Lock()
        outer = self

        class Connection(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.calls.append(body)
                    outer.headers.append(dict(self.headers))
                    number = len(outer.calls)
                status, headers, data = handler(number, body)
                if status == 0:  # drop the connection
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 512

            def handle_error(self, *_: Any) -> None:
                pass  # clients that leave early are part of some tests

        self._server = Listener(("127.0.0.1", 0), Connection)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def model_server(handler: Handler) -> Iterator[ModelServer]:
    """A `ModelServer` that is closed at the end."""
    server = ModelServer(handler)
    try:
        yield server
    finally:
        server.close()


def plain_cases(count: int, expected: Callable[[int], str | None] = lambda n: "42") -> list[Case]:
    """Cases of the certify pool."""
    return [make_case(f"case number {n}", expected(n), ALL_CERTIFY) for n in range(count)]


def import_cases(ledger: Ledger, dataset_id: str, cases: Iterable[Case]) -> None:
    """Cases as a data set with a name instead of an id."""
    stage_cases(ledger, cases)
    import_staged(ledger, dataset_id, "cases.csv", now=datetime(2026, 1, 1, tzinfo=UTC))


@contextmanager
def small_ledger(folder: Path, cases: list[Case]) -> Iterator[Ledger]:
    """A ledger with one data set, `d`."""
    with Ledger(folder / "ledger.sqlite3") as ledger:
        import_cases(ledger, "d", cases)
        yield ledger
