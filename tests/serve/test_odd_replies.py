"""Whatever an endpoint replies: one answer with a reason, the right row, and the right cost."""

import json

import pytest

from serve.scripted import PAID, USED, Reply, chunk, data, row_of, scripted_house, stream, whole

SAID = "Rate limit exceeded: free-models-per-day"
DEEP = b"[" * 200_000
STREAM_BEGIN = (data(chunk("Hel")), data(chunk("lo")))


def error(**more):
    return {"error": {"message": SAID, **more}}


def content(text, **more):
    return Reply(whole(text, **more))


PLAIN = {
    # what comes, the status and a word of the reason, and the cost; None: not known
    "deep": (Reply(DEEP), 502, "nested", None),
    "deep400": (Reply(DEEP, 400), 400, "[[[", 0),
    "digits": (Reply(b'{"choices": ' + b"9" * 5000 + b"}"), 502, "no JSON", None),
    "text": (Reply(b'"fine"'), 502, "no choices", None),
    "nochoices": (Reply({"usage": USED}), 502, "no choices", PAID),
    "choices5": (Reply({"choices": 5, "usage": USED}), 502, "no choices", PAID),
    "choicesmap": (Reply({"choices": {"0": 1}, "usage": USED}), 502, "no choices", PAID),
    "choice5": (Reply({"choices": [5]}), 502, "no choices", None),
    "message5": (Reply({"choices": [{"message": 5}]}), 502, "no choices", None),
    "html": (Reply(b"<html>"), 502, "no JSON", None),
    "nothing": (Reply(b"", 204), 502, "no JSON", None),
    "error200": (Reply(error(code=429)), 429, SAID, 0),
    "errornull": (Reply({**error(code=429), "choices": None}), 429, SAID, 0),
    "errorpaid": (Reply({**error(code=500), "usage": USED}), 500, SAID, PAID),
    "errorbeside": (Reply({**whole(), **error(code=503)}), 503, SAID, 0),
    "errortext": (Reply({"error": SAID}), 502, SAID, 0),
    "errorword": (Reply(error(code="rate_limit_exceeded")), 429, SAID, 0),
    "errorkind": (Reply(error(type="invalid_request_error")), 400, SAID, 0),
    "errordigits": (Reply(error(code="503")), 503, SAID, 0),
    "errorodd": (Reply(error(code=[1])), 502, SAID, 0),
    "errortop": (Reply({"code": 400, "message": SAID}), 400, SAID, 0),
    "errorbase": (Reply({"base_resp": {"status_code": 429, "status_msg": SAID}}), 429, SAID, 0),
    "errorkey": (Reply(error(code="invalid_api_key")), 401, "not yours", 0),
    "error529": (Reply(error(), 529, retry_after="900"), 503, SAID, 0),
    "error522": (Reply(b"<html>timed out</html>", 522), 502, "timed out", 0),
    "error499": (Reply(error(), 499), 502, SAID, 0),
    "error598": (Reply(b"", 598), 502, "no reason given", 0),
    "error302": (Reply(b"", 302), 502, "answered 302", 0),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    replies = {name: reply for name, (reply, *_) in PLAIN.items()}
    replies |= {name: reply for name, (reply, *_) in STREAMS.items()}
    replies |= {**GOOD, "failsalone": STREAMS["failsbeside"][0]}
    with scripted_house(tmp_path_factory.mktemp("odd"), replies) as house:
        yield house


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", PLAIN)
def test_a_reply_that_is_no_answer_is_told_with_its_reason(house, name, streams):
    _, status, word, cost = PLAIN[name]
    reply = house.chat("hello", f"solver/{name}", stream=streams)
    assert reply.status == status
    told = reply.json()["error"]["message"]
    # An endpoint that asks for a pause is asked once; the next one hears of the pause.
    assert word in told or "a pause of" in told or (streams and "no event stream" in told)
    row = row_of(house, reply)
    assert (row["status"], row["cost_pico"]) == (status, cost)
    assert row["state"] == ("failed" if status >= 500 else "refused")
    assert SAID not in json.dumps(row["detail"])


def test_a_pause_that_is_asked_for_with_an_odd_status_is_told(house):
    told = int(house.chat("hello", "solver/error529").headers["retry-after"])
    assert 800 < told <= 900


GOOD = {
    "half": content("cut \ud83d", usage=USED),
    "bytes": Reply(json.dumps(whole("X")).encode().replace(b"X", b"cut \xff")),
    "nan": content(float("nan"), usage=USED),
    "huge": content("fine", usage={"prompt_tokens": 10**19, "completion_tokens": 1}),
    "minus": content("fine", usage={"prompt_tokens": 10, "completion_tokens": -(10**6)}),
    "infinite": Reply(
        json.dumps(whole(usage={"prompt_tokens": 1, "completion_tokens": 7}))
        .encode()
        .replace(b"7", b"1e999")
    ),
    "unused": content("fine"),
    "created": Reply(whole(usage=USED), 201),
}


@pytest.mark.parametrize(
    ("name", "said", "cost"),
    [
        ("half", "cut �", PAID),
        ("bytes", "cut �", None),
        ("nan", None, PAID),
        ("huge", "fine", None),
        ("minus", "fine", None),
        ("infinite", "fine", None),
        ("unused", "fine", None),
        ("created", "fine", PAID),
    ],
)
def test_an_answer_is_valid_and_a_usage_that_is_none_is_not_known(house, name, said, cost):
    reply = house.chat("hello", f"solver/{name}")
    assert reply.status == 200
    assert reply.json()["choices"][0]["message"]["content"] == said
    row = row_of(house, reply)
    assert (row["state"], row["cost_pico"]) == ("answered", cost)
    assert ("halves of characters" in row["detail"]["note"]) == (
        name in {"half", "bytes", "nan", "infinite"}
    )


BEGIN = b"".join(STREAM_BEGIN)
FULL = [*STREAM_BEGIN, data(chunk(None, "stop")), data({"choices": [], "usage": USED})]
DONE = b"data: [DONE]\n\n"


def led(lead, *events):
    return stream(*(lead + event for event in events))


STREAMS = {
    # what comes, whether it ends well, and its cost
    "plain": (stream(*FULL, DONE), True, PAID),
    "ids": (led(b"id: 7\n", *FULL, DONE), True, PAID),
    "names": (led(b"event: message\n", *FULL, DONE), True, PAID),
    "comments": (led(b": ping\n", *FULL, DONE), True, PAID),
    "retries": (led(b"retry: 10\nid: 1\n: x\n", *FULL, DONE), True, PAID),
    "behind": (
        stream(*(one.replace(b"\n\n", b"\nid: 7\nevent: message\n\n") for one in [*FULL, DONE])),
        True,
        PAID,
    ),
    "tight": (stream(*(one.replace(b"data: ", b"data:") for one in [*FULL, DONE])), True, PAID),
    "crlf": (stream(*(one.replace(b"\n", b"\r\n") for one in [*FULL, DONE])), True, PAID),
    "cr": (stream(*(one.replace(b"\n", b"\r") for one in [*FULL, DONE])), True, PAID),
    "pieces": (
        stream(*(one.replace(b'"choices"', b'\ndata: "choices"') for one in FULL), DONE),
        True,
        PAID,
    ),
    "marked": (stream(b"\xef\xbb\xbf", *FULL, DONE), True, PAID),
    "blank": (stream(b"\n\n\n", *FULL, b"\n", DONE), True, PAID),
    "unended": (stream(*FULL, DONE.rstrip(b"\n")), True, PAID),
    "undone": (stream(*FULL), True, PAID),
    "notnull": (stream(*STREAM_BEGIN, data(chunk(None, "stop", error=None)), DONE), True, None),
    "beside": (stream(*FULL[:3], data(chunk(usage=USED)), DONE), True, PAID),
    "broken": (stream(*STREAM_BEGIN), False, None),
    "nojson": (stream(*STREAM_BEGIN, b"data: {no\n\n"), False, None),
    "number": (stream(*STREAM_BEGIN, b"data: 5\n\n"), False, None),
    "choices7": (stream(*STREAM_BEGIN, data({"choices": 7})), False, None),
    "deltas": (
        stream(*STREAM_BEGIN, data({"choices": [{"delta": 5}], "error": None})),
        False,
        None,
    ),
    "deepstream": (stream(*STREAM_BEGIN, b"data: " + DEEP[:5000] + b"\n\n"), False, None),
    "fails": (stream(*STREAM_BEGIN, data(error())), False, None),
    "failsfirst": (stream(data(error(code=503))), False, 0),
    "failsbeside": (
        stream(*STREAM_BEGIN, data(chunk(None, "error", **error(code=502)))),
        False,
        None,
    ),
    "failsempty": (stream(*STREAM_BEGIN, data({"choices": [], **error()})), False, None),
    "failsdone": (stream(*STREAM_BEGIN, data(chunk(None, "error", **error())), DONE), False, None),
    "failsblank": (
        stream(*STREAM_BEGIN, data(error()).replace(b'{"error"', b'{ "error"')),
        False,
        None,
    ),
    "failsbehind": (stream(*STREAM_BEGIN, data({"id": "x", **error()})), False, None),
    "failsinside": (
        stream(*STREAM_BEGIN, data({"choices": [{"index": 0, "delta": {}, **error()}]})),
        False,
        None,
    ),
    "failsword": (stream(*STREAM_BEGIN, data(chunk(None, "error"))), False, None),
    "failspaid": (stream(*STREAM_BEGIN, data({**error(), "usage": USED})), False, PAID),
    "failsnamed": (led(b"event: error\n", data({"message": SAID})), False, 0),
}


def told(event):
    """The data of an event that a caller got."""
    lines = [line[5:].strip() for line in event.split("\n") if line.startswith("data:")]
    return lines[0] if lines else ""


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_ends_as_it_should_whatever_its_lines(house, name):
    _, good, cost = STREAMS[name]
    reply = house.chat("hello", f"solver/{name}", stream=True)
    assert reply.status == 200
    events = [one for one in map(told, reply.events) if one]
    row = row_of(house, reply)
    assert (row["state"], row["cost_pico"]) == ("answered" if good else "failed", cost)
    assert (events[-1] == "[DONE]") == good
    if good:
        chunks = [json.loads(one) for one in events[:-1]]
        texts = [one["choices"][0]["delta"].get("content", "") for one in chunks]
        assert "".join(texts) == "Hello"
        assert all(one["choices"] for one in chunks)  # nobody asked for the usage
    else:
        last = json.loads(events[-1])
        assert sum('"error"' in one or one == events[-1] for one in events) == 1
        assert SAID in json.dumps(last) or not name.startswith("fails") or name == "failsword"
    assert SAID not in json.dumps(row["detail"])


def test_an_endpoint_that_fails_in_its_streams_is_left_alone(house):
    for _ in range(5):
        assert house.chat("hello", "solver/failsalone", stream=True).status == 200
    reply = house.chat("hello", "solver/failsalone", stream=True)
    assert reply.status == 503
    text = house.ask("/metrics", method="GET").body.decode()
    counted = [line for line in text.splitlines() if "failsalone" in line and "failures" in line]
    assert any('kind="server_error"' in line for line in counted)


def test_the_usage_is_told_to_who_asked_for_it_in_any_form_of_stream(house):
    for name in ("ids", "cr", "pieces"):
        reply = house.chat(
            "hello", f"solver/{name}", stream=True, stream_options={"include_usage": True}
        )
        used = [json.loads(one) for one in map(told, reply.events) if '"usage"' in one]
        assert used[-1]["usage"] == USED


def test_completions_are_read_in_the_same_way(house):
    body = {"model": "solver/ids", "prompt": "hello", "stream": True}
    reply = house.ask("/v1/completions", body)
    assert told(reply.events[-1]) == "[DONE]"
    assert row_of(house, reply)["cost_pico"] == PAID
