"""Reasoning that took all tokens of an answer: a failure with a name, and no empty success."""

import json

import pytest

from serve.scripted import Reply, chunk, data, row_of, scripted_house, stream

DONE = b"data: [DONE]\n\n"
USED = {"prompt_tokens": 10, "completion_tokens": 160, "total_tokens": 170}
THOUGHT = {**USED, "completion_tokens_details": {"reasoning_tokens": 160}}
NOTE = "reasoning took all 160 tokens: raise `max_tokens`, or let the model reason less"
COST = 10 * 10_000_000 + 160 * 40_000_000


def cut(message, usage=USED, reason="length"):
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return Reply({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})


def streamed(*deltas, usage=USED, reason="length"):
    parts = [
        data({"id": "c", "choices": [{"index": 0, "delta": one, "finish_reason": None}]})
        for one in deltas
    ]
    return stream(*parts, data(chunk(None, reason)), data({"choices": [], "usage": usage}), DONE)


EMPTY = {
    "counted": cut({"content": ""}, THOUGHT),
    "nulls": cut({"content": None, "refusal": None, "tool_calls": []}, THOUGHT),
    "field": cut({"content": "", "reasoning_content": "They want"}),
    "router": cut({"content": "", "reasoning": "They want"}),
    "tags": cut({"content": "<think>\nThey want"}),
    "parts": cut({"content": [{"type": "thinking", "thinking": [{"text": "They"}]}]}),
    "words": cut({"content": "", "reasoning_content": "They"}, reason="max_tokens"),
}
SAID = {
    "begun": cut({"content": "The answer", "reasoning_content": "They want"}, THOUGHT),
    "behind": cut({"content": "<think>They want</think>The answer"}, THOUGHT),
    "tool": cut(
        {
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{"}}
            ],
        },
        THOUGHT,
    ),
    "stopped": cut({"content": "", "reasoning_content": "Nothing to say"}, reason="stop"),
    "blank": cut({"content": ""}),
}
EMPTY_STREAMS = {
    "scounted": streamed({"role": "assistant", "content": ""}, usage=THOUGHT),
    "sfield": streamed({"content": "", "reasoning_content": "They"}, {"reasoning_content": " w"}),
    "srouter": streamed(*({"reasoning": f"{n}", "content": ""} for n in range(9))),
    "sparts": streamed({"content": [{"type": "thinking", "thinking": [{"text": "They"}]}]}),
    "sfigures": stream(
        data({**chunk(""), "usage": THOUGHT}), data({**chunk("", "length"), "usage": THOUGHT}), DONE
    ),
}
SAID_STREAMS = {
    "sbegun": streamed({"reasoning_content": "They"}, {"content": "The"}, usage=THOUGHT),
    "salike": streamed({"content": ""}, *({"content": f"{n}"} for n in range(9)), usage=THOUGHT),
    "stool": streamed({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, usage=THOUGHT),
    "sstopped": streamed({"reasoning_content": "They"}, usage=THOUGHT, reason="stop"),
    "stold": stream(
        data({**chunk("Hi"), "usage": USED}), data({**chunk("", "length"), "usage": USED}), DONE
    ),
}
RESPONSE = {
    "id": "r",
    "object": "response",
    "status": "incomplete",
    "incomplete_details": {"reason": "max_output_tokens"},
    "output": [{"type": "reasoning", "id": "rs", "summary": []}],
    "usage": {
        "input_tokens": 10,
        "output_tokens": 160,
        "output_tokens_details": {"reasoning_tokens": 160},
        "total_tokens": 170,
    },
}
RESPONSES = {
    "response": Reply(RESPONSE),
    "sresponse": stream(
        data({"type": "response.created", "response": {"status": "in_progress"}}),
        data({"type": "response.incomplete", "response": RESPONSE}),
    ),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    replies = {**EMPTY, **SAID, **EMPTY_STREAMS, **SAID_STREAMS, **RESPONSES}
    with scripted_house(
        tmp_path_factory.mktemp("thought"),
        replies,
        candidates=(
            "  - {name: thinker, cascade: [{solver: rules, threshold: 0.5}, {solver: field}]}\n"
        ),
        solver="thinker",
    ) as house:
        yield house


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_answer_is_passed_on_and_named(house, name):
    reply = house.chat("hello", f"solver/{name}")
    assert reply.status == 200
    assert reply.body == EMPTY[name].body
    assert reply.headers["x-rixin-failure"] == "reasoning_limit"
    row = row_of(house, reply)
    assert (row["status"], row["state"], row["cost_pico"]) == (200, "failed", COST)
    assert row["detail"]["note"] == NOTE


@pytest.mark.parametrize("name", SAID)
def test_an_answer_that_says_something_or_was_not_cut_is_none_of_these(house, name):
    reply = house.chat("hello", f"solver/{name}")
    assert "x-rixin-failure" not in reply.headers
    assert row_of(house, reply)["state"] == "answered"


@pytest.mark.parametrize("name", [*EMPTY_STREAMS, *SAID_STREAMS])
def test_streams_are_judged_alike(house, name):
    reply = house.chat("hello", f"solver/{name}", stream=True)
    row, empty = row_of(house, reply), name in EMPTY_STREAMS
    assert (row["status"], row["state"]) == (200, "failed" if empty else "answered")
    assert row["detail"]["note"] == (NOTE if empty else "")
    assert row["cost_pico"] == COST
    assert "[DONE]" in reply.events[-1]


@pytest.mark.parametrize("streams", [False, True])
def test_responses_are_judged_alike(house, streams):
    name = "sresponse" if streams else "response"
    body = {"model": f"solver/{name}", "input": "hello", "stream": streams}
    reply = house.ask("/v1/responses", body)
    assert reply.status == 200
    row = row_of(house, reply)
    assert (row["state"], row["detail"]["note"], row["cost_pico"]) == ("failed", NOTE, COST)


def test_a_case_of_a_scenario_goes_on_and_the_metrics_name_it(house):
    reply = house.chat("an okapi")
    assert "goes to people" in reply.json()["choices"][0]["message"]["refusal"]
    row = row_of(house, reply)
    assert row["detail"]["note"] == "field could not answer: reasoning_limit"
    assert row["cost_pico"] == COST
    text = house.ask("/metrics", method="GET").body.decode()
    counted = [line for line in text.splitlines() if "upstream_failures_total{" in line]
    assert any('kind="reasoning_limit"' in line and "field" in line for line in counted)
    assert json.dumps(row["detail"]).count("They want") == 0
