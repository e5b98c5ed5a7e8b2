"""What an endpoint cannot do is not sent to it: the next one is asked, or the caller is told."""

import json
import time

import pytest

from rixin.workspace import Workspace
from serve.house import create_key, start, write_scenario
from serve.scripted import USED, Reply, Scripted, row_of, whole

SMALL = """\
  - {{name: small, endpoint: small, base_url: '{url}', logprobs: off, max_tokens: 100, context: 500,
     supports: [], price: {{input: 10, output: 40}}}}
  - {{name: able, endpoint: able, base_url: '{url}', logprobs: off, context: 500,  max_tokens: 100,
     supports: [json_schema, tools, vision], price: {{input: 10, output: 40}}}}
  - {{name: twice, cascade: [{{solver: small, threshold: 0.5}}, {{solver: good}}]}}
"""
LONG = "an okapi " * 400
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
PICTURE = [
    {"type": "text", "text": "what is it?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBO" * 2_000}},
]


@pytest.fixture(scope="module")
def endpoint():
    answer = Reply(whole("stripes", usage=USED))
    one = Scripted(dict.fromkeys(("small", "able", "good"), answer))
    yield one
    one.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory, endpoint):
    path = write_scenario(tmp_path_factory.mktemp("able") / "desk", endpoint.url, faults=("good",))
    with path.open("a") as file:
        file.write(SMALL.format(url=endpoint.url))
    with Workspace(quiet=True) as workspace:
        workspace.decide(path, only=["rules"])
        for solver in ("small", "twice"):
            workspace.desk(path).release(path, force=True, solver=solver)
            workspace.desk(path).promote("desk")
    house = start(path, key=create_key(path))
    yield house
    house.stop()
    house.process.stderr.close()


def count(endpoint, model="small"):
    return len(endpoint.seen(model))


def test_a_tier_without_room_is_skipped_and_the_row_says_so(house, endpoint):
    before = count(endpoint)
    reply = house.chat(LONG)
    assert reply.json()["choices"][0]["message"]["content"] == "stripes"
    assert count(endpoint) == before
    row = row_of(house, reply)
    assert row["solver"] == "good"
    said = json.loads(row["content"])["said"]
    assert said[0][0] == "small"
    assert said[0][1].startswith("(too_long: it needs about 1,0")
    assert house.chat("an okapi").status == 200
    assert count(endpoint) == before + 1


def test_a_case_that_nobody_has_room_for_is_the_callers_to_shorten(house):
    while (reply := house.chat(LONG, "scenario/desk@1")).status == 503:
        assert reply.json()["error"]["code"] == "model_not_loaded"
        assert float(reply.headers["retry-after"]) >= 1
        time.sleep(0.1)
    assert reply.status == 400
    assert reply.json()["error"]["code"] == "context_length_exceeded"
    assert reply.headers["x-should-retry"] == "false"
    assert "shorten it" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("more", "need", "field"),
    [
        ({"response_format": SCHEMA}, "json_schema", "response_format"),
        ({"guided_json": {"type": "object"}}, "json_schema", "guided_json"),
        ({"tools": [TOOL]}, "tools", "tools"),
        ({"functions": [TOOL["function"]]}, "tools", "functions"),
    ],
)
def test_what_an_endpoint_lacks_is_refused_before_it_is_asked(house, endpoint, more, need, field):
    before = count(endpoint), count(endpoint, "able")
    reply = house.chat("an okapi", "solver/small", **more)
    error = reply.json()["error"]
    assert (reply.status, error["code"], error["param"]) == (400, "unsupported_parameter", field)
    assert f"small cannot do {need} (its `supports` in the contract" in error["message"]
    assert reply.headers["x-should-retry"] == "false"
    assert house.chat("an okapi", "solver/able", **more).status == 200
    assert (count(endpoint), count(endpoint, "able")) == (before[0], before[1] + 1)


def test_pictures_and_schemas_are_found_in_each_api(house, endpoint):
    before = count(endpoint)
    turns = [{"role": "user", "content": PICTURE}]
    chat = house.ask("/v1/chat/completions", {"model": "solver/small", "messages": turns})
    parts = [{"type": "input_image", "image_url": "data:image/png;base64,iVBO"}]
    asked = {"model": "solver/small", "input": [{"role": "user", "content": parts}]}
    response = house.ask("/v1/responses", asked)
    for reply, field in ((chat, "messages"), (response, "input")):
        assert (reply.status, reply.json()["error"]["param"]) == (400, field)
        assert "cannot do vision" in reply.json()["error"]["message"]
    asked = {"model": "solver/small", "input": "an okapi", "text": {"format": SCHEMA}}
    assert house.ask("/v1/responses", asked).json()["error"]["param"] == "text"
    assert count(endpoint) == before
    # The bytes of a picture are no tokens.
    able = house.ask("/v1/chat/completions", {"model": "solver/able", "messages": turns})
    assert able.status == 200


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tools": [], "response_format": None},
        {"response_format": {"type": "json_object"}},
        {"user": "image"},
        {"messages": [{"role": "user", "content": "an image, or a tool"}]},
    ],
)
def test_what_asks_for_nothing_special_passes(house, more):
    body = {"model": "solver/small", "messages": [{"role": "user", "content": "an okapi"}], **more}
    assert house.ask("/v1/chat/completions", body).status == 200


def test_what_an_endpoint_has_no_room_for_is_refused_before_it_is_asked(house, endpoint):
    before = count(endpoint)
    for text, more in ((LONG, {}), ("an okapi", {"max_tokens": 500})):
        reply = house.chat(text, "solver/small", **more)
        error = reply.json()["error"]
        assert (reply.status, error["code"]) == (400, "context_length_exceeded")
        assert (error["param"], "has room for 500" in error["message"]) == ("messages", True)
    assert count(endpoint) == before
    assert house.chat(LONG, "solver/good").status == 200


def test_a_refusal_that_was_seen_in_deciding_is_remembered(tmp_path):
    def reply(asked):
        if "response_format" in asked:
            return Reply({"error": {"message": "response_format is not supported"}}, 400)
        return Reply(whole('{"coat": "stripes"}', usage=USED))

    endpoint = Scripted({"odd": reply})
    try:
        path = write_scenario(tmp_path / "desk", endpoint.url, faults=("odd",))
        text = path.read_text().replace("output: free-text", "output: {json-schema: form.json}")
        path.write_text(text.replace("scorers: [exact]", "scorers: [json]"))
        (path.parent / "form.json").write_text('{"type": "object"}')
        with (path.parent / "cases.csv").open("w") as file:
            rows = (f"okapi {n * 7919} of {n}" for n in range(400))
            file.write("q,a\n" + "".join(f'{row},"{{""coat"": ""stripes""}}"\n' for row in rows))
        with Workspace(quiet=True) as workspace:
            result = workspace.decide(path, only=["odd"])
            workspace.desk(path).release(path, force=True, solver="odd")
            workspace.desk(path).promote("desk")
        assert any("odd refuses JSON Schemas" in line for line in result.verdict.warnings)
        house = start(path, key=create_key(path))
        try:
            before = len(endpoint.seen("odd"))
            refused = house.chat("an okapi", "solver/odd", response_format=SCHEMA)
            assert refused.status == 400
            assert "refused one when it was decided on" in refused.json()["error"]["message"]
            assert len(endpoint.seen("odd")) == before
            assert house.chat("an okapi", "solver/odd").status == 200
        finally:
            house.stop()
            house.process.stderr.close()
    finally:
        endpoint.close()
