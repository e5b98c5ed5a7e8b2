"""A caller's mistake is told before anything is paid, and a solver's odd words stay one answer."""

import http.client
import json
import time

import jwt
import pytest

from rixin.serve.sensenova.tokens import secret_of, server_key
from serve.scripted import USED, Reply, row_of, scripted_house, whole

GUARDS = "policy: {guards: [{pii: {action: redact, at: [egress, capture]}}]}"
OWN = """\
  - {name: own, function: 'own:answer'}
  - {name: both, cascade: [{solver: own, threshold: 0.5}, {solver: up}]}
"""
CODE = """\
def answer(text):
    if "half" in text:
        return {"output": "cut \\ud83d", "confidence": 1.0}
    if "key" in text:
        return {"output": {"\\ud83d": [1]}, "confidence": 1.0}
    return {"output": "said " + text, "confidence": 0.9 if "okapi" in text else 0.1}
"""
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
HELLO = b'"messages": [{"role": "user", "content": "hello"}]'
DEEP = b"[" * 3000 + b"]" * 3000


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("requests")
    (folder / "desk").mkdir()
    (folder / "desk" / "own.py").write_text(CODE)
    replies = {"up": Reply(whole("stripes", usage=USED))}
    with scripted_house(folder, replies, more=GUARDS, candidates=OWN, solver="both") as house:
        yield house


@pytest.mark.parametrize("model", [b"scenario/desk", b"solver/up"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, HELLO + b', "a\xff": 1'),
        (CHAT, HELLO + b', "\\ud83d": 1'),
        (CHAT, b'"messages": [{"role": ["a"], "content": "hello"}]'),
        (CHAT, b'"messages": [{"role": "user", "content": "hello \\ud83d"}]'),
        (CHAT, b'"messages": [{"role": "user", "content": [{"type": ["text"], "text": "x"}]}]'),
        (RESPONSES, b'"input": [{"role": ["user"], "content": "hello"}]'),
        (RESPONSES, b'"input": [{"role": "user", "content": 7}]'),
        (RESPONSES, b'"input": "hello", "a\xff": 1'),
        ("/v1/completions", b'"prompt": "hello", "a\xff": 1'),
    ],
)
def test_what_cannot_be_read_is_refused_before_it_is_paid(house, path, body, model):
    before = len(house.upstream.asked)
    reply = house.ask(path, b'{"model": "' + model + b'", ' + body + b"}")
    if reply.status == 200:  # an endpoint may know what a scenario does not
        assert model == b"solver/up"
        assert b"\xff" not in body
        return
    assert reply.status == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert len(house.upstream.asked) == before
    assert row_of(house, reply)["cost_pico"] == 0


@pytest.mark.parametrize(
    "body",
    [
        HELLO + b', "metadata": ' + DEEP,
        HELLO + b', "metadata": {"a": ' + b"9" * 5000 + b"}",
        HELLO + b', "metadata": {"a": "\\ud83d"}',
        HELLO + b', "metadata": {"role": ["a"], "b": 1e999}',
        HELLO + b', "stream": true, "stream_options": {"\\ud83d": 1}',
    ],
)
def test_odd_fields_are_no_failure_of_the_gateway(house, body):
    reply = house.ask(CHAT, b'{"model": "solver/up", ' + body + b"}")
    assert reply.status in {200, 400, 502}
    assert "failed on" not in reply.body.decode()


def test_another_surface_refuses_what_cannot_be_read_before_it_is_paid(house):
    before, key = len(house.upstream.asked), house.key.split("-")[1]
    claims = {"iss": key, "exp": time.time() + 600, "nbf": time.time() - 5}
    token = jwt.encode(claims, secret_of(server_key(house.ledger), key), algorithm="HS256")
    said = b'"messages": [{"role": "user", "content": "hello"}]'
    for odd in (b'"a\xff": 1', b'"\\ud83d": 1', b'"know_ids": ' + DEEP):
        body = b'{"model": "scenario/desk", ' + said + b", " + odd + b"}"
        assert house.ask("/v1/llm/chat-completions", body, key=token).status == 400
    assert len(house.upstream.asked) == before


def test_each_caller_of_a_connection_gets_the_own_answer_whatever_a_solver_says(house):
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=20)
    said = {}
    for text in ("alpha okapi", "half", "beta okapi", "key", "gamma okapi"):
        body = {"model": "scenario/desk", "messages": [{"role": "user", "content": text}]}
        headers = {"Authorization": f"Bearer {house.key}"}
        connection.request("POST", CHAT, json.dumps(body), headers)
        reply = connection.getresponse()
        answer = json.loads(reply.read())
        assert reply.status == 200
        said[text] = answer["choices"][0]["message"]["content"], reply.headers["x-request-id"]
    connection.close()
    assert [output for output, _ in said.values()] == [
        *("said alpha okapi", "cut �", "said beta okapi", '{"�": [1]}', "said gamma okapi")
    ]
    for text, (_, number) in said.items():
        assert text in row_of(house, number)["content"]
