"""What is read by its types at once says the same as what is read by parts."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.foreign import mend_reply
from rixin.core.plain import read_plain, read_plain_chunk
from rixin.core.transport import Reply
from rixin.core.usage import read_usage
from rixin.solvers._chat import choices_of, error_of, message_of

USED = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}
MESSAGE = {"role": "assistant", "content": "refund", "refusal": None}
CHOICE = {"index": 0, "message": MESSAGE, "logprobs": None, "finish_reason": "stop"}
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "small",
    "choices": [CHOICE],
    "usage": USED,
    "system_fingerprint": "fp",
}

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**65),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["length", "error", "default", "priority", "cut \ud83d", [], {}, [{}]]),
)
places = st.sampled_from(
    [
        *((name,) for name in (*REPLY, "error", "service_tier", "timings", "output")),
        *(("choices", 0, name) for name in (*CHOICE, "error", "usage")),
        *(("choices", 0, "message", name) for name in (*MESSAGE, "tool_calls", "audio")),
        *(("usage", name) for name in (*USED, "cached_tokens", "prompt_tokens_details")),
    ]
)


def changed(changes):
    """The reply with other values in some places; None for a value that is left out."""
    reply = json.loads(json.dumps(REPLY))
    for place, value in changes:
        inner = reply
        for name in place[:-1]:
            inner = inner[name] if isinstance(inner, dict | list) and inner else {}
        if isinstance(inner, dict):
            inner[place[-1]] = copy.deepcopy(value)  # Hypothesis may give one value twice
    return json.dumps(reply).encode()


def test_an_ordinary_reply_is_plain():
    reply = read_plain(json.dumps(REPLY).encode())
    assert (reply.text, reply.model, reply.is_cut) == ("refund", "small", False)
    assert reply.usage == read_usage(REPLY)


def test_noughts_of_details_change_nothing():
    details = {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": None}
    reply = {**REPLY, "usage": {**USED, **details}, "service_tier": "default"}
    assert read_plain(json.dumps(reply).encode()).usage == read_usage(reply)


def test_a_cut_answer_is_told():
    reply = {**REPLY, "choices": [{**CHOICE, "finish_reason": "length"}]}
    assert read_plain(json.dumps(reply).encode()).is_cut


@given(st.lists(st.tuples(places, values), max_size=3))
def test_a_plain_reply_says_what_it_says_by_parts(changes):
    raw = changed(changes)
    plain = read_plain(raw)
    if plain is None:
        return
    body, data = mend_reply(raw)
    assert data is raw
    assert error_of(Reply(200, {}, raw, 0.0), body) is None
    assert plain.usage == read_usage(body)
    (choice,) = choices_of(body)
    assert message_of(choice) == (plain.text, "")
    assert plain.is_cut == (choice["finish_reason"] == "length")


@pytest.mark.parametrize(
    "change",
    [
        (("usage", "total_tokens"), 24),
        (("usage", "cached_tokens"), 3),
        (("usage", "prompt_tokens_details"), {"cached_tokens": 3}),
        (("usage", "completion_tokens"), -3),
        (("usage", "prompt_tokens"), 10**10),
        (("service_tier",), "priority"),
        (("error",), "overloaded"),
        (("choices", 0, "finish_reason"), "error"),
        (("choices", 0, "message", "content"), ""),
        (("choices", 0, "message", "content"), "cut \ud83d"),
        (("choices", 0, "message", "tool_calls"), [{}]),
        (("choices", 0, "message", "refusal"), "no"),
        (("choices",), []),
        (("choices",), [CHOICE, CHOICE]),
        (("timings",), {"cache_n": 9}),
    ],
)
def test_what_needs_a_second_look_is_not_plain(change):
    assert read_plain(changed([change])) is None


@pytest.mark.parametrize("raw", [b"", b"null", b"[1]", b'{"id": "\xff"}', b"[" * 5000])
def test_no_reply_is_not_plain(raw):
    assert read_plain(raw) is None
    assert read_plain_chunk(raw) is None


CHUNK = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": USED}


def test_a_chunk_with_figures_is_read():
    chunk = read_plain_chunk(json.dumps(CHUNK).encode())
    assert (chunk.usage, chunk.is_last, chunk.is_bare) == (read_usage(CHUNK), True, False)
    bare = read_plain_chunk(json.dumps({**CHUNK, "choices": []}).encode())
    assert (bare.usage, bare.is_last, bare.is_bare) == (read_usage(CHUNK), False, True)
    more = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "x"}}]}
    assert not read_plain_chunk(json.dumps(more).encode()).is_last


@pytest.mark.parametrize(
    "change", [{"error": "overloaded"}, {"usage": {**USED, "total_tokens": 9}}, {"usage": None}]
)
def test_a_chunk_that_needs_a_second_look_is_not_plain(change):
    assert read_plain_chunk(json.dumps({**CHUNK, **change}).encode()) is None
