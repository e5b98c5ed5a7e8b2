"""Spans, logs and roles of a real gateway."""

import json
import logging
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rixin.core.key import Limits
from rixin.serve.telemetry import JsonLines, TextLines
from rixin.workspace import Workspace
from serve.house import served

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def collector():
    bodies = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_and_log_lines_hold_facts_and_no_content(tmp_path, collector, monkeypatch):
    address, bodies = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    with served(tmp_path, "--log", "json", faults=("f500",)) as house:
        request = house.chat("a zebra of grey").headers["x-rixin-request-id"]
        house.chat("hello", "solver/f500")
        house.chat("hello", "my name is okapi")
        shown = house.ask("/metrics", method="GET").body.decode()
        body = {"model": "scenario/desk", "messages": [{"role": "user", "content": "a zebra"}]}
        parent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        assert house.ask("/v1/chat/completions", body, headers=parent).status == 200
        house.stop()
        time.sleep(0.2)
        lines = [json.loads(line) for line in house.lines if line.startswith("{")]
    sent = b"".join(bodies)
    for word in (b"gen_ai.operation.name", b"scenario/desk", b"rixin.solver", request.encode()):
        assert word in sent
    assert b"error.type" in sent
    assert bytes.fromhex(TRACE) in sent  # the span is a part of the caller's trace
    assert b"of grey" not in sent
    assert b"okapi" not in sent
    assert 'upstream_failures_total{solver="f500",kind="server_error"} 1' in shown
    assert all(line["time"].endswith("+00:00") for line in lines)
    (line,) = [one for one in lines if one.get("request_id") == request]
    assert (line["scenario"], line["solver"], line["status"]) == ("desk", "rules", 200)
    assert "of grey" not in json.dumps(lines)


def test_a_collector_that_never_answers_holds_nothing_up(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"http://127.0.0.1:{mute.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        with served(tmp_path, faults=()) as house:
            request = house.chat("a zebra").headers["x-rixin-request-id"]
            began = time.monotonic()
            assert house.stop() == 0
            assert time.monotonic() - began < 6
            assert request in house.statuses()


def test_the_service_is_called_as_the_environment_says(tmp_path, collector, monkeypatch):
    address, bodies = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{address}/v1/traces")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "desk-in-berlin")
    with served(tmp_path, faults=()) as house:
        house.chat("a zebra")
        house.stop()
    assert b"desk-in-berlin" in b"".join(bodies)


@pytest.mark.parametrize(
    ("role", "chat", "feedback"),
    [
        ("viewer", 403, 403),
        ("reviewer", 403, 200),
        ("admin", 200, 200),
        ("caller", 200, 404),
        ("operator", 200, 404),
        ("approver", 403, 403),
    ],
)
def test_a_role_is_what_a_key_may_do(house, role, chat, feedback):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(house.path)
        key = desk.create_key(role, role=role, scenarios=["desk"], limits=Limits())[0]
    time.sleep(0.8)
    request = house.chat("a zebra").headers["x-rixin-request-id"]
    time.sleep(0.3)
    assert house.ask("/v1/models", method="GET", key=key).status == 200
    reply = house.chat("a zebra", key=key)
    assert reply.status == chat
    said = {"request_id": request, "score": 1}
    assert house.ask("/v1/feedback", said, key=key).status == feedback


def test_a_reviewer_speaks_about_the_scenarios_of_his_key_alone(house):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(house.path)
        key = desk.create_key("r", role="reviewer", scenarios=["other"], limits=Limits())[0]
    time.sleep(0.8)
    request = house.chat("a zebra").headers["x-rixin-request-id"]
    time.sleep(0.3)
    assert house.ask("/v1/feedback", {"request_id": request, "score": 1}, key=key).status == 404


def test_who_is_turned_away_is_counted_and_named_in_the_log(tmp_path):
    with served(tmp_path, "--log", "json", faults=()) as house:
        request = house.chat("a zebra", key="rx-of-nobody").headers["x-rixin-request-id"]
        shown = house.ask("/metrics", method="GET").body.decode()
        house.stop()
        lines = [json.loads(line) for line in house.lines]
    assert 'rixin_requests_total{scenario="",solver="",code="401"} 1' in shown.splitlines()
    (line,) = [one for one in lines if one.get("request_id") == request]
    assert (line["status"], line["code"]) == (401, "invalid_api_key")
    assert "rx-of-nobody" not in json.dumps(lines)


@pytest.mark.parametrize("lines", [JsonLines(), TextLines("%(levelname)s %(message)s")])
def test_no_log_line_holds_the_text_of_an_exception_not_even_a_library_s(lines):
    try:
        raise ValueError("PATIENT JANE ROE")
    except ValueError as error:
        given = (type(error), error, error.__traceback__)
    record = logging.makeLogRecord({"msg": "Task failed", "exc_info": given})
    told = lines.format(record)
    assert "ValueError" in told
    assert "test_telemetry.py" in told
    assert "JANE" not in told
