"""`Idempotency-Key`: whatever breaks, a request is asked and paid once."""

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import jwt
import pytest

from rixin.core.key import Limits
from rixin.ledger import idempotency as store
from rixin.ledger.requests import erase_content
from rixin.ledger.store import Ledger
from rixin.serve.idempotency import MOST_ANSWER
from rixin.serve.sensenova.tokens import secret_of, server_key
from rixin.workspace import Workspace
from serve.house import start
from serve.scripted import PAID, USED, Reply, chunk, data, row_of, scripted_house, stream, whole

NOW = 1_800_000_000.0
DONE = b"data: [DONE]\n\n"


class Gate:
    """A reply that is given once it is let."""

    def __init__(self):
        self.asked, self.open = threading.Semaphore(0), threading.Event()

    def __call__(self, _):
        self.asked.release()
        assert self.open.wait(60)
        return Reply(whole(usage=USED))


class Turns:
    """One reply after the other, the last one again and again."""

    def __init__(self, *replies):
        self.replies = list(replies)

    def __call__(self, _):
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


EVENTS = [data(chunk("Hel")), data(chunk("lo")), data(chunk(None, "stop"))]
REPLIES = {
    "fine": Reply(whole(usage=USED)),
    "words": stream(*EVENTS, data({"choices": [], "usage": USED}), DONE),
    "paidfailure": Reply({"error": {"message": "no", "code": 500}, "usage": USED}),
    "recovers": Turns(Reply({"error": {"message": "later"}}, 500), Reply(whole(usage=USED))),
    "long": Reply(whole("x" * (MOST_ANSWER + 1), usage=USED)),
}


def once(key, **more):
    return {"Idempotency-Key": key, **more}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with scripted_house(tmp_path_factory.mktemp("once"), REPLIES) as house:
        yield house


def is_replayed(reply):
    return reply.headers.get("idempotent-replayed") == "true"


def test_the_same_request_gets_the_answer_of_the_first_time(house):
    first, second = (house.chat("one", "solver/fine", headers=once("first")) for _ in range(2))
    assert (first.status, second.status, second.body) == (200, 200, first.body)
    assert (is_replayed(first), is_replayed(second)) == (False, True)
    for name in ("x-rixin-request-id", "x-rixin-cost", "content-type"):
        assert second.headers[name] == first.headers[name]
    assert len([one for one in house.upstream.seen("fine") if "one" in str(one)]) == 1
    assert row_of(house, first)["cost_pico"] == PAID


def test_another_body_or_path_under_the_key_is_refused_and_other_callers_are_apart(house):
    assert house.chat("mine", "solver/fine", headers=once("shared")).status == 200
    for reply in (
        house.chat("other", "solver/fine", headers=once("shared")),
        house.ask("/v1/completions", {"model": "solver/fine"}, headers=once("shared")),
    ):
        assert reply.status == 409
        assert reply.json()["error"]["code"] == "idempotency_key_reused"
        assert reply.headers["x-should-retry"] == "false"
    theirs = house.chat("other", "solver/fine", key=house.new_key(), headers=once("shared"))
    assert (theirs.status, is_replayed(theirs)) == (200, False)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ten_callers_with_one_key_pay_once(tmp_path, workers):
    gate = Gate()
    with scripted_house(tmp_path, {"slow": gate}) as house:
        house.stop()
        house.process.stderr.close()
        again = start(house.path, "--workers", workers, key=house.key, upstream=house.upstream)
        try:
            with ThreadPoolExecutor(10) as pool:
                asked = [
                    pool.submit(again.chat, "x", "solver/slow", headers=once("ten"))
                    for _ in range(10)
                ]
                assert gate.asked.acquire(timeout=60)
                gate.open.set()
                replies = [one.result() for one in asked]
            assert [one.status for one in replies] == [200] * 10
            assert len({one.body for one in replies}) == 1
            assert sum(map(is_replayed, replies)) == 9
            assert len(again.upstream.seen("slow")) == 1
        finally:
            again.stop()
            again.process.stderr.close()


def test_a_stream_is_told_again_event_by_event(house):
    given = {"stream": True, "headers": once("stream")}
    first, second = (house.chat("one", "solver/words", **given) for _ in range(2))
    assert second.events == first.events
    assert "[DONE]" in second.events[-1]
    assert is_replayed(second)
    assert second.headers["content-type"].startswith("text/event-stream")
    assert len(house.upstream.seen("words")) == 1


def test_a_caller_who_left_finds_the_answer(tmp_path):
    gate = Gate()
    with scripted_house(tmp_path, {"slow": gate}) as house:
        body = {"model": "solver/slow", "messages": [{"role": "user", "content": "x"}]}
        connection = http.client.HTTPConnection("127.0.0.1", house.port)
        head = {"Authorization": f"Bearer {house.key}", **once("left")}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), head)
        assert gate.asked.acquire(timeout=60)
        connection.close()
        with ThreadPoolExecutor(1) as pool:
            again = pool.submit(house.ask, "/v1/chat/completions", body, headers=once("left"))
            time.sleep(0.3)
            gate.open.set()
            reply = again.result()
        assert (reply.status, is_replayed(reply)) == (200, True)
        assert row_of(house, reply)["state"] == "answered"
        assert len(house.upstream.seen("slow")) == 1


def test_what_cost_nothing_may_be_asked_again(house):
    first, second, third = (
        house.chat("x", "solver/recovers", headers=once("again")) for _ in range(3)
    )
    assert [one.status for one in (first, second, third)] == [500, 200, 200]
    assert list(map(is_replayed, (first, second, third))) == [False, False, True]
    for _ in range(2):
        reply = house.chat("x", "solver/none", headers=once("none"))
        assert (reply.status, is_replayed(reply)) == (404, False)


def test_a_failure_that_was_paid_is_told_again_and_not_paid_again(house):
    replies = [house.chat("x", "solver/paidfailure", headers=once("paid")) for _ in range(2)]
    assert [one.status for one in replies] == [500, 500]
    assert is_replayed(replies[1])
    assert len(house.upstream.seen("paidfailure")) == 1


def test_an_answer_that_is_too_long_to_keep_is_not_paid_again(house):
    first, second = (house.chat("x", "solver/long", headers=once("long")) for _ in range(2))
    assert (first.status, second.status) == (200, 409)
    assert second.json()["error"]["code"] == "idempotency_outcome_unknown"
    assert len(house.upstream.seen("long")) == 1


@pytest.mark.parametrize("key", ["", "two words", "k" * 256, "\xe4"])
def test_a_key_that_is_none_is_refused(house, key):
    reply = house.chat("a zebra", headers=once(key))
    assert (reply.status, reply.json()["error"]["code"]) == (400, "invalid_idempotency_key")


def test_feedback_and_the_surface_of_sensenova_take_keys_too(house):
    asked = house.chat("a zebra", headers=once("zebra"))
    given = {"request_id": row_of(house, asked)["id"], "score": 1}
    for _ in range(2):
        reply = house.ask("/v1/feedback", given, headers=once("feedback"))
        assert reply.status < 300
    assert is_replayed(reply)
    house.ask("/v1/feedback", {**given, "comment": "the last"}, headers=once("other"))
    query, end = "SELECT body FROM feedback WHERE request_id = ?", time.monotonic() + 60
    with contextlib.closing(sqlite3.connect(house.ledger)) as database:
        while "the last" not in str(
            rows := database.execute(query, [given["request_id"]]).fetchall()
        ):
            assert time.monotonic() < end
    assert len(rows) == 2
    with Workspace(quiet=True) as workspace:
        key, *_ = workspace.desk(house.path).keys()
    claims = {"iss": key.public_id, "exp": int(time.time()) + 60}
    secret = secret_of(server_key(house.ledger), key.public_id)
    token = jwt.encode(claims, secret, algorithm="HS256")
    body = {"model": "scenario/desk", "messages": [{"role": "user", "content": "a zebra"}]}
    path = "/v1/llm/chat-completions"
    first, second = (house.ask(path, body, key=token, headers=once("nova")) for _ in range(2))
    assert (second.status, second.body, is_replayed(second)) == (200, first.body, True)
    other = house.ask(path, {**body, "n": 2}, key=token, headers=once("nova"))
    assert other.status == 409
    assert "stands for another request" in other.json()["error"]["message"]


def test_answers_outlive_a_restart_and_go_with_what_is_erased(tmp_path):
    with scripted_house(tmp_path, REPLIES) as house:
        first = house.chat("x", "solver/fine", headers=once("kept"))
        row_of(house, first)
        assert house.chat("x", "solver/fine", headers=once("kept")).status == 200
        house.stop(signal.SIGKILL)
        house.process.stderr.close()
        again = start(house.path, key=house.key, upstream=house.upstream)
        try:
            second = again.chat("x", "solver/fine", headers=once("kept"))
            assert (second.body, is_replayed(second)) == (first.body, True)
            assert len(again.upstream.seen("fine")) == 1
        finally:
            again.stop()
            again.process.stderr.close()
        with Ledger(house.ledger) as ledger:
            number = first.headers["x-rixin-request-id"]
            erase_content(ledger, [number], actor="ann", now=datetime.now(UTC))
        assert first.body not in house.ledger.read_bytes()


def test_a_gateway_that_is_killed_between_answer_and_store_pays_once(tmp_path):
    gate = Gate()
    with scripted_house(tmp_path, {"slow": gate}) as house:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(house.chat, "x", "solver/slow", headers=once("killed"))
            assert gate.asked.acquire(timeout=60)
            with contextlib.closing(sqlite3.connect(house.ledger, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")  # nothing more can be stored
                gate.open.set()
                assert asked.result().status == 200
                house.stop(signal.SIGKILL)
        house.process.stderr.close()
        again = start(house.path, key=house.key, upstream=house.upstream)
        try:
            for _ in range(2):
                reply = again.chat("x", "solver/slow", headers=once("killed"))
                assert reply.status == 409
                assert reply.json()["error"]["code"] == "idempotency_outcome_unknown"
                assert "may have been answered and paid" in reply.json()["error"]["message"]
                assert reply.headers["x-should-retry"] == "false"
            assert len(again.upstream.seen("slow")) == 1
            assert again.chat("x", "solver/slow", headers=once("anew")).status == 200
        finally:
            again.stop()
            again.process.stderr.close()


def test_what_a_killed_worker_had_under_way_is_told_by_the_others(tmp_path):
    gate = Gate()
    with scripted_house(tmp_path, {"slow": gate}) as house:
        house.stop()
        house.process.stderr.close()
        again = start(house.path, "--workers", "2", key=house.key, upstream=house.upstream)
        try:
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(again.chat, "x", "solver/slow", headers=once("worker"))
                assert gate.asked.acquire(timeout=60)
                with contextlib.closing(sqlite3.connect(house.ledger)) as database:
                    ((process,),) = database.execute("SELECT worker FROM idempotency").fetchall()
                os.kill(process, signal.SIGKILL)
                with pytest.raises((OSError, http.client.HTTPException)):
                    asked.result()
            gate.open.set()
            reply = again.chat("x", "solver/slow", headers=once("worker"))
            assert reply.json()["error"]["code"] == "idempotency_outcome_unknown"
            assert len(again.upstream.seen("slow")) == 1
        finally:
            again.stop()
            again.process.stderr.close()


def test_a_replay_counts_as_a_request(house):
    key = house.new_key(requests_per_day=3)
    replies = [house.chat("a zebra", key=key, headers=once("counted")) for _ in range(4)]
    assert [one.status for one in replies] == [200, 200, 200, 429]


def kept(text=b"fine"):
    return store.Kept(200, "application/json", "x: y\r\n", text, False, "req_1")


def test_answers_are_kept_for_a_day_and_within_bounds(tmp_path, monkeypatch):
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        assert store.begin(ledger, "a", 1, "asked", NOW) is None
        assert store.begin(ledger, "a", 1, "asked", NOW + 5).state is store.KeptState.RUNNING
        store.keep(ledger, "a", kept())
        known = store.begin(ledger, "a", 1, "asked", NOW + store.KEPT_S - 1)
        assert (known.answer, known.asked) == (kept(), "asked")
        store.expire(ledger, NOW + store.KEPT_S - 1)
        assert store.find(ledger, "a") is not None
        assert store.begin(ledger, "a", 1, "other", NOW + store.KEPT_S) is None  # it is a new one
        store.expire(ledger, NOW + 2 * store.KEPT_S)
        assert store.find(ledger, "a") is None

        monkeypatch.setattr(store, "MOST_KEYS", 2)
        monkeypatch.setattr(store, "MOST_BYTES", 20)
        assert store.begin(ledger, "a", 1, "asked", NOW) is None
        assert store.begin(ledger, "b", 1, "asked", NOW + 9) is None
        assert store.begin(ledger, "c", 1, "asked", NOW + 9) == store.Full(NOW + store.KEPT_S)
        assert store.begin(ledger, "d", 2, "asked", NOW + 9) is None  # of another caller
        store.keep(ledger, "d", kept(b"f" * 20))
        assert store.begin(ledger, "e", 2, "asked", NOW + 10) == store.Full(NOW + 9 + store.KEPT_S)
        store.drop(ledger, "a")
        assert store.begin(ledger, "c", 1, "asked", NOW + 10) is None
        store.lose_running(ledger)
        assert store.find(ledger, "c").state is store.KeptState.LOST
        assert store.find(ledger, "d").state is store.KeptState.KEPT


def test_a_caller_with_too_many_keys_is_told(tmp_path):
    with scripted_house(tmp_path, {"fine": REPLIES["fine"]}) as house:
        with Workspace(quiet=True) as workspace:
            secret, key = workspace.desk(house.path).create_key("many", limits=Limits())
        row = (key.id, "asked", time.time(), 1, "lost", 0)
        with contextlib.closing(sqlite3.connect(house.ledger)) as database, database:
            columns = "(id, key_id, asked, at, worker, state, size)"
            database.executemany(
                f"INSERT INTO idempotency {columns} VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((f"{n:064}", *row) for n in range(store.MOST_KEYS)),
            )
        end = time.monotonic() + 60
        while (reply := house.chat("x", key=secret, headers=once("one"))).status == 401:
            assert time.monotonic() < end
        assert (reply.status, reply.json()["error"]["code"]) == (429, "too_many_idempotency_keys")
        assert 86_000 < int(reply.headers["retry-after"]) <= 86_400
        assert house.chat("a zebra", key=secret).status == 200  # without a key nothing is kept
