"""Cases that go to people: listed, shown and answered; the caller polls, and a webhook is told."""

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import ClassVar

import pytest

from rixin.core.key import Limits
from rixin.engine.transport import HttpTransport
from rixin.errors import UnknownName, UsageError
from rixin.ledger.audit_check import check
from rixin.ledger.people import due, untold
from rixin.ledger.requests import Row, write_requests
from rixin.ledger.store import Ledger
from rixin.serve.metrics import Metrics
from rixin.serve.sensenova.tokens import secret_of, server_key
from rixin.serve.state import State
from rixin.serve.webhook import PAUSES_S, Webhook, check_address, read_secret
from rixin.workspace import Workspace
from rixin.workspace.people import answer_request
from serve.house import release, served, write_scenario

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MAIL = "ann@example.org"
GUARDED = "policy: {guards: [{pii: {action: redact}}]}"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Says 500 to the first call of each message, and takes those that come again."""

    calls: ClassVar[list] = []
    taken: ClassVar[list] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        name = self.headers["webhook-id"]
        again = any(headers["webhook-id"] == name for headers, _ in self.calls)
        if again:
            self.taken.append(name)
        self.calls.append((dict(self.headers.items()), body))
        self.send_response(204 if again else 500)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/told?token=x"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def house(tmp_path_factory, receiver):
    os.environ["RIXIN_WEBHOOK_SECRET"] = SECRET
    try:
        folder = tmp_path_factory.mktemp("people")
        with served(folder, "--webhook", receiver, more=GUARDED, solver="rules", faults=()) as one:
            yield one
    finally:
        del os.environ["RIXIN_WEBHOOK_SECRET"]


def rixin(house, *arguments, stdin=""):
    command = [sys.executable, "-m", "rixin", *arguments]
    done = subprocess.run(
        command, cwd=house.path.parent, capture_output=True, text=True, check=False, input=stdin
    )
    return done.returncode, done.stdout + done.stderr


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def queued(house, text="what does the okapi wear?"):
    """The id of a case that waits, as header and body say it."""
    reply = house.chat(text)
    name = reply.headers["x-rixin-request-id"]
    assert name in reply.json()["choices"][0]["message"]["refusal"]
    assert name in reply.json()["id"]
    return name


def metrics(house):
    return house.ask("/metrics", method="GET").body


def measured(house, series):
    """The value of a metric's series; 0 where there is none."""
    lines = metrics(house).decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(series + " "))


def told(name):
    """The calls to the webhook about a request: headers and body of each."""
    return [(headers, body) for headers, body in Receiver.calls if name in body.decode()]


def state(house, name, **more):
    return house.ask(f"/v1/requests/{name}", method="GET", **more)


def test_people_answer_the_caller_polls_and_the_webhook_is_told(house):
    waiting = 'rixin_people_waiting{scenario="desk"}'
    before = json.loads(rixin(house, "inbox", "--json")[1])["waiting"]  # of other tests
    name = queued(house)
    waits = state(house, name).json()
    until(lambda: measured(house, waiting) == before + 1)
    assert (waits["state"], waits["output"], waits["model"]) == ("queued", None, "scenario/desk")
    assert json.loads(rixin(house, "inbox", "--json")[1])["waiting"] == before + 1
    assert rixin(house, "inbox", "--json", "list")[0] == 2
    found = json.loads(rixin(house, "inbox", "list", "--json")[1])
    (case,) = [one for one in found["cases"] if one["id"] == name]
    assert (case["input"], case["key"]) == ("what does the okapi wear?", "test")
    assert name in rixin(house, "inbox")[1]
    code, said = rixin(house, "inbox", "show", name)
    assert (code, "Say what the animal wears" in said, "waits for people" in said) == (
        0,
        True,
        True,
    )
    code, said = rixin(house, "inbox", "answer", name, "-", stdin=f"velvet, says {MAIL}\n")
    assert (code, said.strip()) == (0, f"{name} is answered: velvet, says [email]")
    done = state(house, name).json()
    assert (done["state"], done["output"]) == ("answered", "velvet, says [email]")
    assert done["answered_at"] >= waits["created"]
    assert name not in rixin(house, "inbox")[1]
    said = rixin(house, "explain", name)[1]
    assert ("'velvet, says [email]'" in said, "answers True" in said) == (True, False)
    until(lambda: len(told(name)) == 2)  # the first was not taken
    (first, body), (again, same) = told(name)
    assert (first["webhook-id"], body) == (again["webhook-id"], same)
    message = json.loads(body)
    assert message["type"] == "request.answered"
    assert message["data"]["request_id"] == name
    assert message["data"]["output"] == "velvet, says [email]"
    signed = f"{again['webhook-id']}.{again['webhook-timestamp']}.".encode() + same
    proof = base64.b64encode(hmac.digest(bytes(range(32)), signed, hashlib.sha256)).decode()
    assert again["webhook-signature"] == f"v1,{proof}"
    sent = 'rixin_webhook_total{outcome="sent"}'
    until(lambda: measured(house, sent) == len(Receiver.taken))
    until(lambda: measured(house, waiting) == before)
    with Ledger(house.ledger) as ledger:
        until(lambda: due(ledger, time.time() + 1e6) == [])
        assert untold(ledger) == (0, "")
    assert any("was not told" in line and "HTTP 500" in line for line in house.lines)
    assert not any("token=x" in line for line in house.lines)


def test_only_the_key_that_asked_and_reviewers_see_a_request(house):
    name = queued(house)
    state(house, name)
    assert state(house, name, key=house.new_key()).status == 404
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(house.path)
        reviewer = desk.create_key("r", role="reviewer", limits=Limits())[0]
        elsewhere = desk.create_key("e", role="reviewer", scenarios=["x"], limits=Limits())[0]
    until(lambda: state(house, name, key=reviewer).status == 200)
    assert state(house, name, key=elsewhere).status in {401, 404}
    for odd in (name[:-1], name[:-1] + "g", "req_" + "0" * 32, "", name + "/x", "..%2f"):
        assert state(house, odd).status == 404
    assert state(house, name, key="rx-none").status == 401
    assert house.ask(f"/v1/requests/{name}", {}).status == 404


def test_an_answer_is_given_once_and_only_to_what_waits(house):
    name = queued(house)
    answered = house.chat("a zebra").headers["x-rixin-request-id"]
    until(lambda: state(house, name).status == 200 and state(house, answered).status == 200)
    assert state(house, answered).json()["output"] == "stripes"
    code, said = rixin(house, "inbox", "answer", answered, "spots")
    assert (code, "does not wait for people: it was answered" in said) == (2, True)
    assert rixin(house, "inbox", "answer", name)[0] == 2
    assert rixin(house, "inbox", "answer", name, " ")[0] == 2
    with Ledger(house.ledger) as ledger:
        with pytest.raises(UnknownName):
            answer_request(ledger, "req_" + "0" * 32, "x", by="ann")
        answer_request(ledger, name, "velvet", by="ann")
        with pytest.raises(UsageError, match="was answered already, by ann"):
            answer_request(ledger, name, "silk", by="bob")
    assert state(house, name).json()["output"] == "velvet"


def test_what_people_said_is_erased_with_the_rest_and_the_trail_holds(house):
    name = queued(house, "what does the erased ibex wear?")
    state(house, name)
    assert rixin(house, "inbox", "answer", name, "seldom seen taffeta")[0] == 0
    assert b"seldom seen taffeta" in whole(house)
    assert check(house.ledger).wrong == []
    assert rixin(house, "audit", "erase", name)[0] == 0
    assert state(house, name).json()["output"] is None
    assert state(house, name).json()["state"] == "answered"
    assert name not in rixin(house, "inbox")[1]
    assert check(house.ledger).wrong == []
    with sqlite3.connect(house.ledger) as database:
        texts = database.execute("SELECT group_concat(body) FROM feedback").fetchone()
    assert "taffeta" not in texts[0]
    database.close()


def whole(house):
    return b"".join(one.read_bytes() for one in house.ledger.parent.glob("ledger.sqlite3*"))


def test_requests_are_listed_by_scenario_key_state_and_time_and_followed(house):
    name = queued(house)
    until(lambda: state(house, name).status == 200)

    def listed(*options):
        code, said = rixin(house, "requests", "--json", "--last", "1000", *options)
        assert code == 0, said
        return [json.loads(line) for line in said.splitlines()]

    everything = listed()
    assert everything[-1]["id"] == name
    assert [one["at"] for one in everything] == sorted(one["at"] for one in everything)
    assert {one["state"] for one in listed("--state", "queued")} == {"queued"}
    assert name in {one["id"] for one in listed("--state", "queued", "--key", "test")}
    assert listed("--since", "2999-01-01") == []
    code, said = rixin(house, "requests", "--scenario", "other")
    assert (code, "unknown scenario 'other'" in said) == (2, True)
    assert listed("--since", "1d") == everything
    assert rixin(house, "requests", "--key", "nobody")[0] == 2
    assert rixin(house, "requests", "--since", "yesterday")[0] == 2
    code, said = rixin(house, "requests", "--state", "queued")
    assert (code, "waits" in said, "desk@1" in said, "okapi" in said) == (0, True, True, False)
    command = [sys.executable, "-m", "rixin", "requests", "--json", "--follow", "--last", "1"]
    process = subprocess.Popen(command, cwd=house.path.parent, stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(process.stdout.readline())["id"] == name
        later = queued(house)
        assert json.loads(process.stdout.readline())["id"] == later
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        process.stdout.close()


def test_where_nothing_is_kept_the_case_is_answered_elsewhere(tmp_path):
    with served(tmp_path, more="policy: {keep_content: false}", solver="rules", faults=()) as house:
        name = queued(house)
        until(lambda: state(house, name).status == 200)
        code, said = rixin(house, "inbox", "answer", name, "velvet")
        assert (code, "keeps nothing of what is said" in said) == (2, True)
        assert "(not kept, or erased)" in rixin(house, "inbox")[1]
        assert rixin(house, "inbox", "answer", name, "--elsewhere")[0] == 0
        assert state(house, name).json()["output"] is None
        assert state(house, name).json()["state"] == "answered"
        assert rixin(house, "inbox")[1].strip() == "nothing waits for people"


def test_a_webhook_elsewhere_is_not_told_where_nothing_may_leave(tmp_path):
    with served(tmp_path, more="policy: {egress: none}", solver="rules", faults=()) as house:
        name = queued(house)
        until(lambda: state(house, name).status == 200)
        assert rixin(house, "inbox", "answer", name, "velvet")[0] == 0
        with Ledger(house.ledger) as ledger:
            gone = asyncio.run(one_round(ledger, "http://192.0.2.1/x"))
            assert gone.trouble == ""
            assert due(ledger, time.time() + 1e6) == []
            (fault,) = facts(house, "fault")
            assert fault.startswith("desk: policy.egress is none, but http://")


def test_what_cannot_be_told_is_tried_again_and_given_up_in_the_end(tmp_path):
    with served(tmp_path, solver="rules", faults=()) as house:
        name = queued(house)
        until(lambda: state(house, name).status == 200)
        with Ledger(house.ledger) as ledger:
            answer_request(ledger, name, "velvet", by="ann")
            nowhere = "http://127.0.0.1:9/x"
            hook = asyncio.run(one_round(ledger, nowhere))
            assert hook.trouble == (
                "an answer of people could not be told yet to the webhook: connection"
            )
            asyncio.run(one_round(ledger, nowhere, sends=False))
            assert facts(house, "tries") == [1]
            for tries in range(1, len(PAUSES_S) + 1):
                alter(house, "UPDATE answers SET due = 0")
                asyncio.run(one_round(ledger, nowhere))
                assert facts(house, "tries") == [tries + 1]
            assert facts(house, "due") == [None]
            assert asyncio.run(one_round(ledger, nowhere)).trouble == ""


async def one_round(ledger, url, **more):
    transport = HttpTransport()
    state = State(ledger, transport, print)
    hook = Webhook(url, read_secret(SECRET), state, transport, Metrics(), **more)
    try:
        await hook.round()
    finally:
        await transport.close()
    return hook


def facts(house, column):
    database = sqlite3.connect(house.ledger)
    try:
        return [row[0] for row in database.execute(f"SELECT {column} FROM answers")]
    finally:
        database.close()


def alter(house, statement):
    database = sqlite3.connect(house.ledger)
    database.execute(statement)
    database.commit()
    database.close()


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "https://", "https://a b/", "https://x:99999/", "http://u:p@x/", "x\n"]
)
def test_what_is_no_address_for_a_webhook(url):
    with pytest.raises(UsageError):
        check_address(url)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "A" * 40, "whsec_%%%%"])
def test_what_is_no_secret_of_a_webhook(secret):
    with pytest.raises(UsageError, match="RIXIN_WEBHOOK_SECRET"):
        read_secret(secret)


def test_an_answer_has_the_form_that_the_contract_declares(tmp_path):
    path = write_scenario(tmp_path, "http://127.0.0.1:9/v1", faults=())
    labels = "output: {labels: [stripes, Fine Velvet]}"
    path.write_text(path.read_text().replace("output: free-text", labels))
    release(path, "rules")
    name = "req_" + "0" * 31 + "1"
    facts = [name, 1.0, 1, "desk", 1, "human", 200, "queued", 0, 0, 0, 0.1]
    with Ledger(path.parent / ".rixin" / "ledger.sqlite3") as ledger:
        detail = json.dumps({"surface": "openai.chat", "content": ""})
        write_requests(ledger, [Row(json.dumps([*facts, detail]).encode(), None)])
        with pytest.raises(UsageError, match="is not one of the labels: stripes, Fine Velvet"):
            answer_request(ledger, name, "eggs", by="ann")
        assert answer_request(ledger, name, "fine velvet", by="ann") == "Fine Velvet"
        facts[0] = name = "req_" + "0" * 31 + "2"
        write_requests(ledger, [Row(json.dumps([*facts, detail]).encode(), None)])
        assert answer_request(ledger, name, "eggs", by="ann", any_form=True) == "eggs"
    said = json.loads(rixin(SimpleNamespace(path=path), "inbox", "show", name, "--json")[1])
    assert said["labels"] == ["stripes", "Fine Velvet"]
    assert (said["answered_by"], said["feedback"][0]["expected"]) == ("ann", "eggs")


def test_a_reviewer_answers_over_the_api(house):
    name = queued(house)
    state(house, name)
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(house.path)
        reviewer = desk.create_key("help desk", role="reviewer", limits=Limits())[0]
    until(lambda: state(house, name, key=reviewer).status == 200)

    def give(output, request_id=name, key=reviewer, **more):
        body = {"request_id": request_id, "output": output, **more}
        return house.ask("/v1/answers", body, key=key)

    assert give("velvet", key=house.key).status == 403
    assert give("velvet", "req_" + "0" * 32).status == 404
    assert give(" ").status == 400
    assert house.ask("/v1/answers", {"request_id": name}, key=reviewer).status == 400
    reply = give(f"velvet of {MAIL}")
    assert (reply.status, reply.json()["output"]) == (200, "velvet of [email]")
    assert state(house, name).json()["output"] == "velvet of [email]"
    again = give("silk")
    assert (again.status, again.json()["error"]["code"]) == (409, "not_waiting")
    assert "key " in rixin(house, "explain", name)[1]
    assert check(house.ledger).wrong == []


def test_a_caller_who_signs_polls_with_a_token(house):
    import jwt

    with Workspace(quiet=True) as workspace:
        key = workspace.desk(house.path).create_key("nova", scenarios=["desk"], limits=Limits())[1]
    secret = secret_of(server_key(house.ledger), key.public_id)
    claims = {"iss": key.public_id, "exp": time.time() + 60, "nbf": time.time() - 5}
    token = jwt.encode(claims, secret, headers={"alg": "HS256", "typ": "JWT"})
    body = {"model": "scenario/desk", "messages": [{"role": "user", "content": "an okapi?"}]}
    path = "/v1/llm/chat-completions"
    reply = until(lambda: (one := house.ask(path, body, key=token)).status == 200 and one)
    name = reply.headers["x-rixin-request-id"]
    assert name in reply.json()["data"]["choices"][0]["message"]
    assert state(house, name, key=token).json()["state"] == "queued"
    assert state(house, name, key="a.b.c").status == 401
    assert state(house, name).status == 404
