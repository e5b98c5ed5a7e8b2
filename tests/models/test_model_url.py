import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from model_shelf import WEIGHTS

from rixin.errors import ModelFault, UsageError
from rixin.models import url as url_module
from rixin.models.store import ModelStore

DIGEST = hashlib.sha256(WEIGHTS).hexdigest()
Line = Callable[[str], None]


class Hub(ThreadingHTTPServer):
    """Serves one file; can drop, refuse and ignore ranges."""

    body = WEIGHTS
    faults: list[str]
    ranges: list[str]


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        fault = self.server.faults.pop(0) if self.server.faults else ""
        wanted = self.headers.get("Range", "")
        self.server.ranges.append(wanted)
        if fault.isdigit():
            self.send_error(int(fault))
            return
        begin = 0 if fault == "whole" else int(wanted.removeprefix("bytes=").rstrip("-"))
        body = self.server.body
        if begin >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin : begin + 100] if fault == "drop" else body[begin:])

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(url_module.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Hub(("127.0.0.1", 0), Handler) as server:
        server.faults, server.ranges = [], []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


def address(hub: Hub) -> str:
    return f"http://127.0.0.1:{hub.server_address[1]}/mine.gguf"


def test_a_file_from_a_hub_becomes_a_model_without_its_secrets(hub: Hub, store: ModelStore) -> None:
    model = store.pull_url(address(hub) + "?token=secret", f"sha256:{DIGEST.upper()}", "mine")
    assert model.path.read_bytes() == WEIGHTS
    card = (model.path.parent / "model.json").read_text()
    assert "secret" not in card
    assert json.loads(card)["sources"] == [address(hub)]
    assert store.resolve("mine") == model.path


def test_what_was_fetched_before_is_not_fetched_again(hub: Hub, store: ModelStore) -> None:
    first = store.pull_url(address(hub), DIGEST, "mine")
    assert store.pull_url(address(hub), DIGEST, "mine") == first
    assert len(hub.ranges) == 1


def test_a_dropped_connection_goes_on_where_it_stopped(
    hub: Hub, store: ModelStore, lines: list[str], progress: Line
) -> None:
    hub.faults = ["drop", "503", "drop"]
    store.pull_url(address(hub), DIGEST, "mine", progress)
    assert hub.ranges == ["bytes=0-", "bytes=100-", "bytes=100-", "bytes=200-"]
    assert "closed after 100 of 10244 bytes; trying again, 3 tries left" in lines[0]
    assert lines[2].endswith("1 try left")


def test_a_server_without_ranges_begins_anew(hub: Hub, store: ModelStore) -> None:
    hub.faults = ["drop", "whole"]
    assert store.pull_url(address(hub), DIGEST, "mine").path.read_bytes() == WEIGHTS


def test_a_whole_partial_file_needs_only_its_hash(hub: Hub, store: ModelStore) -> None:
    partial = store.home / "downloads" / f"{DIGEST}.part"
    partial.parent.mkdir()
    partial.write_bytes(WEIGHTS)
    assert store.pull_url(address(hub), DIGEST, "mine").size == len(WEIGHTS)


def test_a_server_that_stays_down_keeps_what_was_fetched(hub: Hub, store: ModelStore) -> None:
    hub.faults = ["drop", "503", "503", "503"]
    with pytest.raises(ModelFault, match="cannot be fetched: HTTP Error 503") as fault:
        store.pull_url(address(hub), DIGEST, "mine")
    assert "kept" in str(fault.value.hint)
    assert (store.home / "downloads" / f"{DIGEST}.part").stat().st_size == 100


def test_a_refusal_is_not_tried_again(hub: Hub, store: ModelStore) -> None:
    hub.faults = ["404"]
    with pytest.raises(ModelFault, match="answers HTTP Error 404"):
        store.pull_url(address(hub), DIGEST, "mine")
    assert len(hub.ranges) == 1


def test_another_file_than_promised_is_dropped(hub: Hub, store: ModelStore) -> None:
    with pytest.raises(ModelFault, match="another SHA-256"):
        store.pull_url(address(hub), "c" * 64, "mine")
    assert list((store.home / "downloads").iterdir()) == []


def test_a_file_that_is_no_gguf_is_dropped(hub: Hub, store: ModelStore) -> None:
    hub.body = b"<html>log in first</html>"
    with pytest.raises(ModelFault, match="not a GGUF file"):
        store.pull_url(address(hub), hashlib.sha256(hub.body).hexdigest(), "mine")
    assert list((store.home / "downloads").iterdir()) == []


def test_progress_tells_how_far_it_is(
    hub: Hub,
    store: ModelStore,
    lines: list[str],
    progress: Line,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(url_module, "TICK_S", 0.0)
    monkeypatch.setattr(url_module, "CHUNK", 4096)
    store.pull_url(address(hub), DIGEST, "mine", progress)
    assert lines[0].startswith("0.0 MB of 0.0 MB, ")


@pytest.mark.parametrize(
    ("url", "sha256", "name", "what"),
    [
        ("https://h/x", "123", "mine", "not a SHA-256"),
        ("https://h/x", DIGEST, "../mine", "not a model name"),
        ("https://h/x", DIGEST, "smollm2", "belongs to the catalogue"),
        ("file:///etc/passwd", DIGEST, "mine", "not an HTTP address"),
    ],
)
def test_a_request_that_does_not_hold_is_refused(
    store: ModelStore, url: str, sha256: str, name: str, what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        store.pull_url(url, sha256, name)
