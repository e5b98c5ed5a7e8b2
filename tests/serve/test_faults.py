"""What callers see, what the upstream sees and what the ledger holds when something breaks."""

import contextlib
import http.client
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from decimal import Decimal

import pytest

from rixin.ledger import audit_check
from rixin.ledger.store import Ledger
from serve.house import create_key, release, served, start, upstream, write_scenario


def errors(reply):
    """The error event with which a broken stream ends."""
    assert reply.events[-1] != "data: [DONE]"
    return json.loads(reply.events[-1].removeprefix("data: "))["error"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("faults")) as one:
        yield one


@pytest.mark.parametrize(
    ("model", "status", "word", "headers"),
    [
        ("f429", 429, "rate limit", {"retry-after": "7"}),
        ("f500", 500, "server had an error", {}),
        ("f400", 400, "context length", {}),
        ("f401", 401, "the key of this gateway, not yours", {"x-should-retry": "false"}),
        ("html503", 503, "answered 503", {"retry-after": "3"}),
        ("badjson", 502, "no answer", {}),
        ("empty", 502, "no answer", {}),
        ("nofields", 502, "no choices", {}),
        ("close", 502, "closed the connection", {}),
        ("hang", 504, "no whole reply in 1 s", {}),
    ],
)
def test_an_upstream_that_fails(house, model, status, word, headers):
    reply = house.chat("hello", f"solver/{model}")
    assert reply.status == status
    assert word in reply.json()["error"]["message"]
    for name, value in headers.items():
        assert reply.headers[name] == value
    assert len(house.upstream.seen(model)) == 1  # nothing is tried twice
    row = house.row(reply.headers["x-rixin-request-id"])
    assert row["status"] == status
    assert row["state"] == ("failed" if status >= 500 else "refused")
    streamed = house.chat("hello", f"solver/{model}", stream=True)
    assert streamed.status in {status, 503}  # a breaker may be open by then
    assert "error" in streamed.json()


def test_a_caller_who_waits_for_a_slow_answer_gets_it(house):
    assert house.chat("hello", "solver/slow").status == 200


@pytest.mark.parametrize(
    ("model", "word"),
    [
        ("cut", "closed the connection"),
        ("short", "ended before the answer did"),
        ("badchunk", "no JSON"),
        ("stall", "nothing came for 1 s"),
        ("cuterr", "overloaded"),
    ],
)
def test_a_stream_that_breaks_never_looks_whole(house, model, word):
    reply = house.chat("hello", f"solver/{model}", stream=True)
    assert reply.status == 200
    assert word in errors(reply)["message"]
    assert sum('"content"' in event for event in reply.events) >= 6
    row = house.row(reply.headers["x-rixin-request-id"])
    assert row["state"] == "failed"
    assert row["detail"].get("estimated")


def leave(house, body, *, after):
    """Sends a request and goes away."""
    sent = json.dumps(body).encode()
    with socket.create_connection(("127.0.0.1", house.port)) as one:
        one.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (house.key.encode(), len(sent), sent)
        )
        if after == "some":
            assert one.recv(100)
        else:
            time.sleep(0.3)


def row_of_state(house, state):
    """Status and cost of the last row that ended so."""
    with contextlib.closing(sqlite3.connect(house.ledger)) as database:
        asked = "SELECT status, cost_pico FROM requests WHERE state = ? ORDER BY seq DESC"
        return database.execute(asked, (state,)).fetchone()


def until(found, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found():
            return True
        time.sleep(0.05)
    return False


def test_the_upstream_hears_that_the_caller_left(house):
    whole = len(house.upstream.seen("slow", "whole"))
    leave(house, {"model": "solver/slow", "messages": []}, after="nothing")
    assert until(lambda: len(house.upstream.seen("slow", "left")) == 1)
    assert len(house.upstream.seen("slow", "whole")) == whole
    assert until(lambda: row_of_state(house, "cancelled") == (499, None))
    whole = len(house.upstream.seen("slowstream", "whole"))
    body = {"model": "solver/slowstream", "messages": [], "stream": True}
    leave(house, body, after="some")
    assert until(lambda: len(house.upstream.seen("slowstream", "left")) == 1)
    assert len(house.upstream.seen("slowstream", "whole")) == whole


def test_a_slow_reader_gets_all_of_a_stream(house):
    sent = json.dumps({"model": "solver/strong", "messages": [], "stream": True}).encode()
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        one.connect(("127.0.0.1", house.port))
        one.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (house.key.encode(), len(sent), sent)
        )
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            got += one.recv(200)
            time.sleep(0.005)
    assert got.count(b'"content"') == 21
    assert b"[DONE]" in got


def test_a_body_that_is_too_large_is_refused_before_it_is_read(house):
    with socket.create_connection(("127.0.0.1", house.port)) as one:
        one.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
            b"Content-Length: 104857600\r\n\r\n" % house.key.encode()
        )
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(100):
                one.sendall(bytes(1 << 20))
        assert b" 413 " in one.recv(100)
    assert house.chat("a zebra").status == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"hello\r\n\r\n", b" 400 "),
        (
            b"GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
            b" 404 ",
        ),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", b" 431 "),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b" 400 "),
    ],
)
def test_what_is_no_request_is_refused(house, raw, status):
    with socket.create_connection(("127.0.0.1", house.port)) as one:
        one.sendall(raw)
        assert status in one.recv(200)


def test_http_1_0_gets_no_chunks_and_head_no_body(house):
    sent = json.dumps({"model": "solver/strong", "messages": [], "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", house.port)) as one:
        one.sendall(
            b"POST /v1/chat/completions HTTP/1.0\r\nAuthorization: Bearer %b\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (house.key.encode(), len(sent), sent)
        )
        got = b""
        while piece := one.recv(4096):  # until the connection ends
            got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert body.startswith(b"data: {")
    assert body.endswith(b"data: [DONE]\n\n")
    asked = b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\nHEAD /v1/nope HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", house.port)) as one:
        one.sendall(asked)
        time.sleep(0.3)
        heads = one.recv(4096).split(b"\r\n\r\n")
    assert [line[:12] for line in heads] == [b"HTTP/1.1 200", b"HTTP/1.1 404", b""]


def test_requests_in_one_packet_are_answered_in_order(house):
    one = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", house.port)) as sent:
        sent.sendall(one % b"/healthz" + one % b"/nope" + one % b"/healthz")
        got = b""
        while got.count(b"HTTP/1.1") < 3 or not got.endswith(b"}"):
            got += sent.recv(4096)
    assert [line.split()[1] for line in got.split(b"HTTP/1.1")[1:] for line in [b"x" + line]] == [
        b"200",
        b"404",
        b"200",
    ]


def test_ten_thousand_idle_connections_disturb_nobody(house):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    idle: list[socket.socket] = []
    try:
        many = range(min(10_000, most - 1_000))
        idle += [socket.create_connection(("127.0.0.1", house.port)) for _ in many]
        begin = time.perf_counter()
        assert house.chat("a zebra").status == 200
        assert time.perf_counter() - begin < 1
    finally:
        for one in idle:
            one.close()


def slow_stream(house, key):
    """A connection on which a slow stream has begun, and its first bytes."""
    sent = json.dumps({"model": "solver/slowstream", "messages": [], "stream": True}).encode()
    one = socket.create_connection(("127.0.0.1", house.port))
    one.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (key.encode(), len(sent), sent)
    )
    return one, one.recv(4096)


def rest_of(one, got):
    while not got.endswith(b"0\r\n\r\n"):
        piece = one.recv(4096)
        assert piece, got
        got += piece
    return got


def test_a_key_that_is_revoked_ends_its_streams(house):
    from rixin.workspace import Workspace

    key = house.new_key()
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(house.path)
        one, got = slow_stream(house, key)
        with one:
            desk.revoke_key(key.split("-")[1])
            got = rest_of(one, got)
    assert b"was revoked" in got
    assert b"[DONE]" not in got
    reply = house.chat("a zebra", key=key)
    assert (reply.status, reply.json()["error"]["code"]) == (401, "invalid_api_key")


def test_a_budget_that_is_gone_during_a_stream_does_not_cut_it(house):
    """The most that it can cost was set aside before; only whoever comes later is refused."""
    key = house.new_key(money_per_day=Decimal("0.25"))
    one, got = slow_stream(house, key)
    with one:
        later = house.chat("x", "solver/strong", key=key)
        got = rest_of(one, got)
    assert (later.status, later.json()["error"]["code"]) == (429, "insufficient_quota")
    assert b"t19 " in got
    assert b"[DONE]" in got


def test_an_upstream_that_fails_again_and_again_is_left_alone(tmp_path):
    with served(tmp_path, faults=("f500",)) as house:
        statuses = [house.chat("x", "solver/f500").status for _ in range(7)]
        assert statuses == [500] * 5 + [503] * 2
        assert len(house.upstream.seen("f500")) == 5
        assert house.chat("hello", "solver/strong").status == 200


def test_an_upstream_that_asks_for_a_pause_gets_it(tmp_path):
    with served(tmp_path, faults=("f429",)) as house:
        replies = [house.chat("x", "solver/f429") for _ in range(3)]
        assert [one.status for one in replies] == [429] * 3
        assert [one.headers["retry-after"] for one in replies] == ["7"] * 3
        assert len(house.upstream.seen("f429")) == 1


def test_with_every_upstream_down_the_local_solver_goes_on(tmp_path):
    with served(tmp_path, faults=()) as house:
        house.upstream.process.kill()
        house.upstream.process.wait()
        assert house.chat("a zebra").json()["choices"][0]["message"]["content"] == "stripes"
        reply = house.chat("an okapi")
        assert reply.status == 200
        assert "goes to people" in reply.json()["choices"][0]["message"]["refusal"]
        row = house.row(reply.headers["x-rixin-request-id"])
        assert (row["state"], row["solver"]) == ("queued", "human")
        assert row["detail"]["note"] == "strong could not answer: connection"


def test_with_every_upstream_down_and_no_local_solver_the_request_fails(tmp_path):
    with served(tmp_path, faults=(), solver="strong") as house:
        house.upstream.process.kill()
        house.upstream.process.wait()
        reply = house.chat("a zebra")
        assert reply.status == 502
        assert "nobody listens" in reply.json()["error"]["message"]
        assert house.row(reply.headers["x-rixin-request-id"])["state"] == "failed"


@pytest.mark.parametrize(
    ("fault", "statuses", "state", "cost"),
    [
        ("f429", [429, 429], "refused", 0),
        ("hang", [200], "queued", None),
        ("badjson", [200], "queued", None),
        ("f401", [200], "queued", 0),
        ("length", [200], "queued", 140_000_000),
    ],
)
def test_a_scenario_whose_endpoint_fails(tmp_path, fault, statuses, state, cost):
    with upstream(tmp_path) as up:
        path = write_scenario(tmp_path / "desk", up.url, faults=())
        text = path.read_text().replace("endpoint: good", f"endpoint: {fault}")
        path.write_text(text.replace("timeout: 2s", "timeout: 500ms"))
        release(path)
        house = start(path, key=create_key(path), upstream=up)
        try:
            replies = [house.chat("an okapi") for _ in statuses]
            assert [one.status for one in replies] == statuses
            if fault == "f429":  # the second one is told without a call
                assert [int(one.headers["retry-after"]) for one in replies] == [7, 7]
                assert len(up.seen(fault)) == 1
            row = house.row(replies[0].headers["x-rixin-request-id"])
            assert (row["state"], row["cost_pico"]) == (state, cost)
            assert up.url not in replies[0].body.decode()
            assert house.chat("a zebra").json()["choices"][0]["message"]["content"] == "stripes"
            if fault == "f401":  # an endpoint's words may repeat what was said
                log = "".join(house.lines)
                assert "refuses the key (HTTP 401)" in log
                assert "incorrect key" not in log
        finally:
            house.stop()
            house.process.stderr.close()


def asked(house, stop, statuses, text="a zebra"):
    """Calls until it is told to stop."""
    while not stop.is_set():
        try:
            statuses.append(house.chat(text).status)
        except OSError as error:
            statuses.append(repr(error))


def begin_slow_call(house):
    """A call that is under way for half a second, and where its reply will be."""
    replies = []
    call = threading.Thread(target=lambda: replies.append(house.chat("x", "solver/slow")))
    call.start()
    time.sleep(0.25)
    return call, replies


def test_a_drain_answers_what_is_under_way(tmp_path):
    with served(tmp_path, faults=("slow",)) as house:
        call, replies = begin_slow_call(house)
        with socket.create_connection(("127.0.0.1", house.port)) as probe:
            house.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 503 " in probe.recv(1000).partition(b"\r\n")[0]
        assert house.stop() == 0
        call.join()
        assert replies[0].status == 200
        assert replies[0].headers["connection"] == "close"
        again = start(house.path, key=house.key)
        assert again.row(replies[0].headers["x-rixin-request-id"])["status"] == 200
        again.stop()
        again.process.stderr.close()


def test_an_ipv6_address_is_told_in_brackets(tmp_path):
    Ledger(tmp_path / "ledger.sqlite3").close()
    command = [sys.executable, "-m", "rixin", "serve", "--host", "::1", "--port", "0", "--ledger"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "ledger.sqlite3")], stderr=subprocess.PIPE, text=True
    )
    lines = [process.stderr.readline() for _ in range(3)]
    process.terminate()
    assert process.wait(20) == 0
    process.stderr.close()
    assert lines[2].startswith("at http://[::1]:"), lines


def test_a_second_gateway_does_not_share_the_port(tmp_path):
    with served(tmp_path, "--workers", "2", faults=()) as house:
        command = [sys.executable, "-m", "rixin", "serve", "--workers", "2", "--port"]
        second = subprocess.run(
            [*command, str(house.port)],
            cwd=house.path.parent,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (second.returncode, "cannot be listened on" in second.stderr) == (4, True)


def test_a_terminal_that_closes_cuts_nothing_off(tmp_path):
    with served(tmp_path, faults=("slow",)) as house:
        call, replies = begin_slow_call(house)
        assert house.stop(signal.SIGHUP) == 0
        call.join()
        assert replies[0].status == 200


def test_a_second_interrupt_ends_at_once(tmp_path):
    with upstream(tmp_path) as up:
        path = write_scenario(tmp_path / "desk", up.url, faults=("hang",))
        path.write_text(path.read_text().replace("timeout: 1s", "timeout: 15s"))
        release(path)
        house = start(path, key=create_key(path), upstream=up)
        call = threading.Thread(target=lambda: asked_once(house))
        call.start()
        assert until(lambda: up.seen("hang"), 5)
        house.process.send_signal(signal.SIGINT)
        assert until(lambda: any("Ctrl-C again" in line for line in house.lines), 5)
        began = time.monotonic()
        assert house.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 5
        call.join()
        house.process.stderr.close()
        assert set(house.statuses().values()) == {499}


def asked_once(house):
    """A call whose end does not matter."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        house.chat("x", "solver/hang")


def test_workers_are_renewed_under_load_without_a_failed_request(tmp_path):
    with served(tmp_path, "--workers", "2", faults=()) as house:
        stop, statuses = threading.Event(), []
        callers = [threading.Thread(target=asked, args=(house, stop, statuses)) for _ in range(4)]
        for one in callers:
            one.start()
        time.sleep(0.5)
        house.process.send_signal(signal.SIGHUP)
        assert until(lambda: any("renewed" in line for line in house.lines), 20)
        time.sleep(1)
        stop.set()
        for one in callers:
            one.join()
        assert set(statuses) == {200}
        assert len(statuses) > 50


def test_a_worker_that_is_killed_is_started_anew(tmp_path):
    with served(tmp_path, "--workers", "2", faults=()) as house:
        victim = house.children()[0]
        stop, statuses = threading.Event(), []
        callers = [threading.Thread(target=asked, args=(house, stop, statuses)) for _ in range(4)]
        for one in callers:
            one.start()
        time.sleep(0.5)
        os.kill(victim, signal.SIGKILL)
        assert until(lambda: any("started anew" in line for line in house.lines), 20)
        time.sleep(0.5)
        stop.set()
        for one in callers:
            one.join()
        lost = [one for one in statuses if one != 200]
        assert len(lost) <= 4  # at most what each caller had under way there
        assert statuses[-1] == 200


def test_a_prompt_that_fails_ends_its_request_and_every_row_says_so(tmp_path):
    more = "policy: {guards: [{pii: {action: block, kinds: [email], at: [egress]}}]}"
    with served(tmp_path, more=more, faults=()) as house:
        prompts = ["a zebra", "ann@example.org"]
        body = {"model": "scenario/desk", "prompt": prompts}
        reply = house.ask("/v1/completions", body)
        assert (reply.status, reply.json()["error"]["code"]) == (400, "content_filter")
        time.sleep(0.3)
        assert sorted(house.statuses().values()) == [400, 400]


def test_what_was_answered_survives_a_kill(tmp_path):
    with served(tmp_path, faults=()) as house:
        early = [house.chat("a zebra").headers["x-rixin-request-id"] for _ in range(20)]
        time.sleep(0.25)
        house.process.kill()
        house.process.wait()
        assert house.statuses() == dict.fromkeys(early, 200)


def test_what_the_writing_process_has_survives_a_kill_of_the_worker(tmp_path):
    with served(tmp_path, "--capture-bound", "2000", faults=()) as house:
        early = [house.chat("a zebra").headers["x-rixin-request-id"] for _ in range(20)]
        time.sleep(0.1)  # it has them, and gathers for a second before it commits
        house.process.kill()
        house.process.wait()
        assert house.statuses() == {}
        assert until(house.statuses)
        assert house.statuses() == dict.fromkeys(early, 200)


@pytest.mark.parametrize("bound", ["50", "2000"])
def test_when_the_writing_process_is_killed_no_row_is_lost_or_doubled(tmp_path, bound):
    with served(tmp_path, "--capture-bound", bound, faults=()) as house:
        stop, ids = threading.Event(), []

        def call():
            while not stop.is_set():
                ids.append(house.chat("a zebra").headers["x-rixin-request-id"])

        callers = [threading.Thread(target=call) for _ in range(4)]
        for one in callers:
            one.start()
        time.sleep(0.5)
        os.kill(house.children()[0], signal.SIGKILL)
        time.sleep(0.5)
        stop.set()
        for one in callers:
            one.join()
        assert house.stop() == 0
        assert house.statuses() == dict.fromkeys(ids, 200)
        found = audit_check.check(house.ledger)
        assert (found.requests, found.wrong) == (len(ids), [])
        assert any("a thread does it" in line for line in house.lines)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
@pytest.mark.parametrize("policy", ["refuse", "drop"])
def test_a_full_disk_does_what_the_policy_says(tmp_path, policy):
    import resource

    with served(tmp_path, "--when-full", policy, faults=()) as house:
        assert house.chat("a zebra").status == 200
        time.sleep(0.3)
        (writer,) = house.children()
        soft, hard = resource.prlimit(writer, resource.RLIMIT_FSIZE)
        resource.prlimit(writer, resource.RLIMIT_FSIZE, (4096, hard))
        reply = house.chat("a zebra")
        assert reply.status == 200  # there is room in memory for a while
        time.sleep(0.5)
        ready = house.ask("/readyz", method="GET")
        assert ready.status == 503
        assert "cannot be written" in ready.body.decode()
        resource.prlimit(writer, resource.RLIMIT_FSIZE, (soft, hard))
        assert until(lambda: house.ask("/readyz", method="GET").status == 200)
        assert house.row(reply.headers["x-rixin-request-id"])["status"] == 200


def test_rows_wait_while_the_ledger_is_not_where_it_was(tmp_path):
    with served(tmp_path, faults=()) as house:
        before = house.chat("a zebra").headers["x-rixin-request-id"]
        time.sleep(0.5)
        away = house.ledger.with_suffix(".away")
        house.ledger.rename(away)
        request = house.chat("a zebra").headers["x-rixin-request-id"]
        time.sleep(0.5)
        ready = house.ask("/readyz", method="GET")
        assert (ready.status, "was moved" in ready.body.decode()) == (503, True)
        assert house.ask("/v1/feedback", {"request_id": before, "score": 1}).status == 503
        away.rename(house.ledger)
        assert until(lambda: house.ask("/readyz", method="GET").status == 200, 30)
        assert until(lambda: request in house.statuses(), 30)
