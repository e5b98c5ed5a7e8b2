"""OpenAI's API over a real gateway: what callers see, and what the ledger holds."""

import contextlib
import json
import sqlite3
import time
from decimal import Decimal

import pytest


def data(reply):
    """The JSON of a stream's events; the last one says that it is whole."""
    assert reply.events[-1] == "data: [DONE]"
    return [json.loads(event.removeprefix("data: ")) for event in reply.events[:-1]]


def test_the_cheap_solver_answers_and_nobody_else_is_asked(house):
    before = len(house.upstream.seen("good"))
    reply = house.chat("a zebra")
    body = reply.json()
    assert body["choices"][0]["message"] == {
        "role": "assistant",
        "content": "stripes",
        "refusal": None,
    }
    assert body["object"] == "chat.completion"
    assert body["model"] == "scenario/desk"
    assert body["usage"]["total_tokens"] == 0
    assert reply.headers["x-rixin-solver"] == "rules"
    assert reply.headers["x-rixin-release"] == "desk@1"
    assert reply.headers["x-request-id"] == reply.headers["x-rixin-request-id"]
    assert len(house.upstream.seen("good")) == before


def test_what_the_cheap_solver_cannot_say_goes_on(house):
    reply = house.chat("an okapi")
    assert reply.json()["choices"][0]["message"]["content"] == "fine"
    assert reply.headers["x-rixin-solver"] == "strong"
    assert float(reply.headers["x-rixin-cost"]) == pytest.approx(10 * 10e-6 + 1 * 40e-6)
    row = house.row(reply.headers["x-rixin-request-id"])
    assert (row["state"], row["status"], row["cost_pico"]) == ("answered", 200, 140_000_000)
    assert [step[0] for step in row["detail"]["steps"]] == ["rules", "strong"]
    assert row["content"]["input"] == "an okapi"


def test_a_scenario_streams_in_openai_chunks(house):
    reply = house.chat("a zebra", stream=True, stream_options={"include_usage": True})
    first, last, usage = data(reply)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "stripes"}
    assert first["usage"] is None
    assert last["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 0
    assert len({one["id"] for one in (first, last, usage)}) == 1


def test_n_gives_so_many_choices(house):
    assert len(house.chat("a zebra", n=3).json()["choices"]) == 3
    assert house.chat("a zebra", n=0).status == 400
    assert len(data(house.chat("a zebra", n=2, stream=True))) == 4


def test_a_pinned_release_answers(house):
    assert house.chat("a zebra", "scenario/desk@1").headers["x-rixin-release"] == "desk@1"
    assert house.chat("a zebra", "desk").status == 200
    gone = house.chat("a zebra", "scenario/desk@9")
    assert gone.status == 404
    assert "@1" in gone.json()["error"]["message"]
    assert house.chat("a zebra", "scenario/desk@x").status == 404
    assert house.chat("a zebra", "scenario/desk@²").status == 404


def test_a_request_is_passed_on_with_all_that_it_holds(house):
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    reply = house.chat("hello", "solver/strong", tools=tools, strange={"a": [1.5, None]}, seed=7)
    assert reply.json()["id"] == "chatcmpl-up"
    sent = house.upstream.seen("good")[-1]["body"]
    assert sent["model"] == "good"
    assert (sent["tools"], sent["strange"], sent["seed"]) == (tools, {"a": [1.5, None]}, 7)
    row = house.row(reply.headers["x-rixin-request-id"])
    assert (row["solver"], row["input_tokens"], row["cost_pico"]) == ("strong", 10, 140_000_000)


@pytest.mark.parametrize("asked", [False, True])
def test_a_stream_is_passed_on_and_its_usage_is_known_either_way(house, asked):
    more = {"stream_options": {"include_usage": True}} if asked else {}
    reply = house.chat("hello", "solver/desk/strong", stream=True, **more)
    chunks = data(reply)
    text = "".join(
        one["choices"][0]["delta"].get("content", "") for one in chunks if one["choices"]
    )
    assert text == "".join(f"t{n} " for n in range(20))
    assert any(not one["choices"] for one in chunks) is asked
    row = house.row(reply.headers["x-rixin-request-id"])
    assert (row["input_tokens"], row["output_tokens"]) == (10, 20)


def test_the_stream_of_a_response_is_passed_on(house):
    body = {"model": "solver/strong", "input": "the whole story", "stream": True}
    reply = house.ask("/v1/responses", body)
    kinds = [event.split("\n")[0].removeprefix("event: response.") for event in reply.events]
    assert (kinds[0], kinds[-1]) == ("created", "completed")
    assert b"[DONE]" not in reply.body
    assert reply.headers["x-rixin-cost"] == "unknown"  # it is not over when the headers go out
    row = house.row(reply.headers["x-rixin-request-id"])
    assert (row["state"], row["input_tokens"], row["output_tokens"]) == ("answered", 10, 4)
    for model, last in (("cut", "error"), ("cuterr", "failed")):
        reply = house.ask("/v1/responses", {**body, "model": f"solver/{model}"})
        assert last in reply.events[-1]
        assert house.row(reply.headers["x-rixin-request-id"])["state"] == "failed"


def test_what_a_scenario_does_not_read_is_named_or_refused(house):
    assert "x-rixin-unheeded" not in house.chat("a zebra").headers
    reply = house.chat("a zebra", temperature=0, tools=[])
    assert reply.headers["x-rixin-unheeded"] == "temperature, tools"
    reply = house.chat("a zebra", temperature=None, seed=7)
    assert reply.headers["x-rixin-unheeded"] == "seed"
    assert "x-rixin-unheeded" not in house.chat("a zebra", temperature=None).headers
    turns = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "a zebra"}]
    body = {"model": "scenario/desk", "messages": turns}
    reply = house.ask("/v1/chat/completions", body)
    assert reply.headers["x-rixin-unheeded"] == "messages but the last of the user"
    picture = {"type": "image_url", "image_url": {"url": "http://x/y.png"}}
    reply = house.chat([{"type": "text", "text": "a zebra"}, picture])
    assert (reply.status, reply.json()["error"]["param"]) == (400, "messages")
    assert "image_url" in reply.json()["error"]["message"]


def test_every_answer_has_the_headers(house):
    names = {f"x-rixin-{name}" for name in ("request-id", "solver", "cost", "release")}
    for reply in (
        house.chat("a zebra"),
        house.chat("a zebra", key="rx-wrong"),
        house.chat("a zebra", "scenario/none"),
        house.ask("/v1/models", method="GET"),
        house.ask("/v1/nope", method="GET"),
        house.ask("/v1/models", b"{}"),
        house.ask("/v1/chat/completions", b"{"),
    ):
        assert names <= reply.headers.keys(), reply.status


def test_completions_responses_and_embeddings(house):
    reply = house.ask("/v1/completions", {"model": "scenario/desk", "prompt": "a zebra"})
    assert reply.json()["choices"][0]["text"] == "stripes"
    assert reply.json()["object"] == "text_completion"
    both = {"model": "scenario/desk", "prompt": ["a zebra"], "stream": True}
    assert data(house.ask("/v1/completions", both))[0]["choices"][0]["text"] == "stripes"
    for tokens in ([5, 6], [[5, 6]], [[5, 6], [7]]):
        body = {"prompt": tokens, "echo": True, "logprobs": 1}
        reply = house.ask("/v1/completions", {"model": "solver/strong", **body})
        assert reply.status == 200
        assert house.upstream.seen("good")[-1]["body"]["prompt"] == tokens
        refused = house.ask("/v1/completions", {"model": "scenario/desk", **body})
        assert (refused.status, refused.json()["error"]["param"]) == (400, "prompt")
    reply = house.ask("/v1/responses", {"model": "scenario/desk", "input": "a zebra"})
    assert reply.json()["output"][0]["content"][0]["text"] == "stripes"
    turns = [{"role": "user", "content": [{"type": "input_text", "text": "a zebra"}]}]
    reply = house.ask("/v1/responses", {"model": "scenario/desk", "input": turns, "stream": True})
    kinds = [event.split("\n")[0].removeprefix("event: response.") for event in reply.events]
    assert kinds[0] == "created"
    assert kinds[-1] == "completed"
    assert "output_text.delta" in kinds
    reply = house.ask("/v1/embeddings", {"model": "solver/strong", "input": "x"})
    assert reply.json()["data"][0]["embedding"] == [0.5, 0.25]
    assert house.ask("/v1/embeddings", {"model": "scenario/desk", "input": "x"}).status == 400


def test_the_list_of_models_is_what_the_key_may_call(house):
    names = [one["id"] for one in house.ask("/v1/models", method="GET").json()["data"]]
    assert {"scenario/desk", "solver/strong", "solver/f429"} <= set(names)
    assert "solver/desk/strong" not in names  # one name for each, though both are known
    assert house.ask("/v1/models/solver/desk/strong", method="GET").status == 200
    one = house.ask("/v1/models/scenario/desk", method="GET").json()
    assert abs(one.pop("created") - time.time()) < 3_600
    assert one == {"id": "scenario/desk", "object": "model", "owned_by": "rixin"}
    assert house.ask("/v1/models/nope", method="GET").status == 404


def test_each_prompt_of_a_completion_is_a_case_of_its_own(house):
    body = {"model": "scenario/desk", "prompt": ["a zebra", "an okapi"], "n": 2}
    reply = house.ask("/v1/completions", body)
    found = reply.json()
    assert [one["text"] for one in found["choices"]] == ["stripes", "stripes", "fine", "fine"]
    assert [one["index"] for one in found["choices"]] == [0, 1, 2, 3]
    time.sleep(0.3)
    with contextlib.closing(sqlite3.connect(house.ledger)) as database:
        asked = "SELECT solver, cost_pico, input_tokens FROM requests ORDER BY seq DESC LIMIT 2"
        rows = database.execute(asked).fetchall()
    assert {one[0] for one in rows} == {"rules", "strong"}
    total = sum(one[1] for one in rows)
    assert Decimal(reply.headers["x-rixin-cost"]) == total * Decimal("1e-12")
    assert found["usage"]["prompt_tokens"] == sum(one[2] for one in rows)
    for prompt in ([], [1, 2], ["a zebra", " "], ["x"] * 129):
        assert house.ask("/v1/completions", {**body, "prompt": prompt}).status == 400


def test_feedback_is_kept_with_its_request(house):
    request = house.chat("a zebra").headers["x-rixin-request-id"]
    said = {"request_id": request, "score": 0.0, "expected": "spots"}
    assert house.ask("/v1/feedback", said).status == 200
    (kept,) = house.row(request)["feedback"]
    assert (kept["score"], kept["expected"]) == (0.0, "spots")
    assert house.ask("/v1/feedback", {"request_id": "req_0", "score": 1}).status == 404
    assert house.ask("/v1/feedback", {"request_id": request}).status == 400
    assert house.ask("/v1/feedback", {"request_id": request, "score": 2}).status == 400
    assert house.ask("/v1/feedback", b"[]").status == 400


@pytest.mark.parametrize(
    ("body", "word", "param"),
    [
        (b"{", "no JSON", None),
        (b"\xff\xfe", "no JSON", None),
        (b"[]", "object", None),
        (b'{"messages": []}', "model", None),
        ({"model": "scenario/desk"}, "messages", None),
        ({"model": "scenario/desk", "messages": []}, "no user message", "messages"),
        (
            {"model": "scenario/desk", "messages": [{"role": "user", "content": " "}]},
            "no user",
            "messages",
        ),
        ({"model": 7, "messages": []}, "str", "model"),
        ({"model": "scenario/desk", "messages": [{"content": "x"}]}, "role", "messages[0]"),
        (b'{"model":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "", None),
    ],
)
def test_a_body_that_cannot_be_understood_says_why(house, body, word, param):
    reply = house.ask("/v1/chat/completions", body)
    error = reply.json()["error"]
    assert reply.status == 400
    assert error["type"] == "invalid_request_error"
    assert word in error["message"]
    if param is not None:
        assert error["param"] == param


def test_keys_are_asked_for(house):
    assert house.ask("/v1/models", method="GET", key="rx-wrong-key").status == 401
    none = house.ask("/v1/models", method="GET", headers={"Authorization": ""})
    assert none.status == 401
    assert none.json()["error"]["code"] == "invalid_api_key"
    assert none.headers["www-authenticate"] == "Bearer"
    assert house.chat(model="scenario/other").status == 404


def test_addresses_that_are_not_there(house):
    assert house.ask("/v1/nope", {}).status == 404
    wrong = house.ask("/v1/chat/completions", method="GET")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")


def test_health_readiness_and_metrics(house):
    house.chat("a zebra")
    assert house.ask("/healthz", method="GET").json()["status"] == "ok"
    assert house.ask("/readyz", method="GET").json()["serves"] == {"desk": 1}
    text = house.ask("/metrics", method="GET").body.decode()
    assert 'rixin_requests_total{scenario="desk",solver="rules",code="200"}' in text
    assert 'rixin_request_duration_seconds_bucket{scenario="desk",le="+Inf"}' in text


def test_the_document_names_every_endpoint(house):
    from rixin.serve.app import ENDPOINTS

    document = house.ask("/openapi.json", method="GET").json()
    chat = document["components"]["schemas"]["ChatBody"]
    assert chat["required"] == ["model", "messages"]
    assert {"type": "integer", "minimum": 0} in chat["properties"]["max_tokens"]["anyOf"]
    paths = document["paths"]
    served = {(method, path) for method, path in ENDPOINTS if path != "/openapi.json"}
    named = {
        (method.upper(), path)
        for path, one in paths.items()
        for method in one
        if method != "parameters"
    }
    assert served <= named


def test_what_is_queued_for_people_says_so(tmp_path_factory):
    from serve.house import served

    with served(tmp_path_factory.mktemp("queue"), solver="rules", faults=()) as house:
        reply = house.chat("an okapi")
        message = reply.json()["choices"][0]["message"]
        assert reply.status == 200
        assert message["content"] is None
        assert "goes to people" in message["refusal"]
        assert reply.headers["x-rixin-solver"] == "human"
        assert house.row(reply.headers["x-rixin-request-id"])["state"] == "queued"
        chunk = data(house.chat("an okapi", stream=True))[0]
        assert "goes to people" in chunk["choices"][0]["delta"]["refusal"]
        said = house.ask("/v1/responses", {"model": "scenario/desk", "input": "an okapi"}).json()
        assert said["output"][0]["content"][0]["type"] == "refusal"
