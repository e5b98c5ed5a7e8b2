"""A stream is read as the event-stream standard has it, wherever packets cut it."""

import asyncio
import json
import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.serve.call import Call
from rixin.serve.sink import StreamSink
from serve.scripted import USED, chunk
from serve.scripted import data as spaced

PIECES = ["Hel", "lo ", "عربي", "中文 😀", "new\nline", 'quote "error" [DONE]', "\\ slash"]
LEADS = [b"", b"id: 7\n", b"event: message\n", b": ping\n", b"retry: 5\nid\n"]
ENDS = [b"\n", b"\r\n", b"\r"]


def compact(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + text.encode() + b"\n\n"


class Caller:
    """Who asked: takes what the sink writes."""

    def __init__(self):
        self.got = b""
        self.connection = SimpleNamespace(full=None)

    def begin(self, _):
        pass

    def write(self, some):
        self.got += some


def passed(packets, *, translate=None, answers=1):
    """What a caller gets of a stream, and its sink."""

    async def go():
        caller = Caller()
        call = Call(
            "req_1", 0.0, SimpleNamespace(revoked=False, warned_from=math.inf), "openai.chat"
        )
        upstream = SimpleNamespace(price_pico=lambda used: used.input_tokens)
        sink = StreamSink(
            caller,
            call,
            upstream,
            wants_usage=False,
            asked=100,
            translate=translate,
            answers=answers,
        )
        sink.on_head(200, {"content-type": "text/event-stream"})
        for packet in packets:
            sink.on_part(packet)
            sink.on_pause()
        sink.on_done()
        sink.settle(asked=True)
        return caller.got, sink

    return asyncio.run(go())


def cut(raw, places):
    places = sorted({0, len(raw), *(place % (len(raw) + 1) for place in places)})
    return [raw[begin:end] for begin, end in pairwise(places)]


def texts(raw):
    """What a client reads, event by event, as the standard says."""
    found = []
    for event in raw.decode().split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in event.split("\n") if line[:5] == "data:"]
        if lines:
            found.append(json.loads("\n".join(lines))["choices"][0]["delta"].get("content", ""))
    return found


@st.composite
def streams(draw):
    pieces = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
    data = draw(st.sampled_from([spaced, compact]))
    events = [data(chunk(piece)) for piece in pieces]
    events += [data(chunk(None, "stop")), data({"choices": [], "usage": USED}), b"data: [DONE]\n\n"]
    lead, end = draw(st.sampled_from(LEADS)), draw(st.sampled_from(ENDS))
    raw = b"".join(lead + event for event in events).replace(b"\n", end)
    return pieces, cut(raw, draw(st.lists(st.integers(0, 10**6), max_size=8)))


@given(streams())
@settings(deadline=None)
def test_lines_line_ends_and_packets_change_nothing(stream):
    pieces, packets = stream
    got, sink = passed(packets)
    assert (sink.broken, sink.failed) == (None, None)
    assert texts(got) == [*pieces, ""]
    assert (sink.call.input_tokens, sink.call.output_tokens) == (2000, 500)
    assert not sink.call.estimated


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=40))
@settings(deadline=None)
def test_every_chunk_of_a_block_is_passed_on_and_counted(pieces):
    events = [compact(chunk(piece)) for piece in [*pieces, *pieces]]
    got, sink = passed([b"".join(events), compact(chunk(None, "stop")) + b"data: [DONE]\n\n"])
    assert texts(got) == [*pieces, *pieces, ""]
    assert sink.call.output_tokens == len(events) + 1  # as estimated, where no figures came


@pytest.mark.parametrize(
    ("good", "bad"), [(b'X"', b"no end"), (b'X"}', b"no text"), (b"X", b"a line\nend")]
)
def test_a_broken_chunk_among_many_that_are_alike_ends_the_stream(good, bad):
    events = [compact(chunk(f"tok{number} ")) for number in range(20)]
    torn = compact(chunk("X")).replace(good, bad)
    got, sink = passed([b"".join([*events, torn, *events])])
    assert (sink.broken.kind, sink.failed) == ("bad_reply", None)
    assert got == b"".join(events)


def test_an_error_between_two_texts_is_seen():
    events = [compact(chunk(f"tok{number} ")) for number in range(20)]
    failed = compact({**chunk("X"), "error": {"message": "overloaded"}, **chunk("Y")})
    failed = failed.removesuffix(b"}\n\n") + b',"more":[{"delta":{"content":"Y"},'
    failed += b'"finish_reason":null}]}\n\n'
    assert failed.endswith(events[0][-20:])
    got, sink = passed([b"".join([*events, failed, *events])])
    assert sink.failed.words == "overloaded"
    assert got == b"".join([*events, failed])


@given(st.lists(st.binary(max_size=30) | st.sampled_from([b"data: ", b"\n\n", b"\r", b"{}", b":"])))
@settings(deadline=None)
def test_no_bytes_make_it_raise_and_none_look_like_an_answer(packets):
    _, sink = passed(packets)
    assert sink.done.done()
    assert sink.broken is not None or sink.failed is not None or b"[DONE]" in b"".join(packets)


def test_halves_of_characters_are_taken_out_of_streams():
    events = [spaced(chunk("cut \ud83d")), spaced(chunk("whole 😀", "stop")), b"data: [DONE]\n\n"]
    got, _ = passed([b"".join(events)])
    assert texts(got) == ["cut �", "whole 😀"]
    torn = spaced(chunk("X")).replace(b"X", b"cut \xe4\xb8")
    got, _ = passed([torn + b"".join(events[1:])])
    assert texts(got) == ["cut �", "whole 😀"]


def test_what_cannot_be_translated_breaks_the_stream():
    def translate(event):
        raise KeyError(event)

    got, sink = passed([spaced(chunk("x"))], translate=translate)
    assert (got, sink.broken.kind) == (b"", "bad_reply")


def test_a_reply_that_is_no_stream_is_bounded():
    async def go():
        upstream = SimpleNamespace(price_pico=lambda used: 0)
        call = Call(
            "req_1", 0.0, SimpleNamespace(revoked=False, warned_from=math.inf), "openai.chat"
        )
        sink = StreamSink(Caller(), call, upstream, wants_usage=False, asked=1)
        sink.on_head(200, {"content-type": "application/json"})
        for _ in range(100):
            sink.on_part(b" " * 100_000)
        return sink

    sink = asyncio.run(go())
    assert len(sink.body) <= 1 << 20
    assert sink.broken.kind == "bad_reply"


def choice(text, reason=None, index=0):
    return {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": reason}]}


@pytest.mark.parametrize("reason", ["", "null", "NULL", None])
@pytest.mark.parametrize("write", [compact, spaced])
def test_a_word_for_going_on_is_no_end(reason, write):
    events = [write(choice(f"part {number}", reason)) for number in range(4)]
    got, sink = passed(events)
    assert (str(sink.broken), got) == (
        "its stream ended before the answer did",
        b"".join(events),
    )
    _, sink = passed([*events, write(choice("", "stop"))])
    assert sink.broken is None


BROKEN_OFF = ["error", "network_error", "insufficient_system_resource", "abort", "Timeout"]


@pytest.mark.parametrize("reason", BROKEN_OFF)
@pytest.mark.parametrize("write", [compact, spaced])
def test_an_answer_that_was_broken_off_is_no_answer(reason, write):
    events = [write(choice(f"part {number}")) for number in range(4)]
    _, sink = passed([b"".join([*events, write(choice("", reason)), b"data: [DONE]\n\n"])])
    assert (sink.call.state, reason in sink.failed.words) == ("failed", True)


@pytest.mark.parametrize("together", [True, False])
def test_several_answers_are_over_when_each_of_them_is(together):
    events = [compact(choice("a", index=index)) for index in range(3)]
    events += [compact(choice("", "stop", index=index)) for index in (1, 0)]

    def end(*more):
        raw = [*events, *more]
        return passed([b"".join(raw)] if together else raw, answers=3)[1].broken

    assert str(end()) == "its stream ended before the answer did"
    assert end(compact(choice("", "length", index=2))) is None
    assert end(b"data: [DONE]\n\n") is None
    used = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
    assert end(compact({**choice("", "stop", index=2), "usage": used})) is None


@pytest.mark.parametrize(
    "late",
    [
        {"object": "error", "message": "boom", "code": 50000},
        {"code": "500", "message": "boom", "choices": []},
        {"base_resp": {"status_code": 1002, "status_msg": "boom"}, "choices": None},
        {"error_code": 336003, "error_msg": "boom"},
        {"detail": "boom"},
    ],
)
@pytest.mark.parametrize("write", [compact, spaced])
def test_an_error_without_the_word_in_a_stream_is_seen(late, write):
    good = [write(choice(f"part {number}")) for number in range(4)]
    _, sink = passed([b"".join([*good, write(late), b"data: [DONE]\n\n"])])
    assert (sink.call.state, sink.failed.words) == ("failed", "boom")


@pytest.mark.parametrize(
    "quiet",
    [
        b"data:\n\n",
        b"data: \n\n",
        b": ping\n\n",
        b"event: ping\n\n",
        compact({}),
        compact({"code": 0, "message": "ok"}),
        compact({"choices": [], "prompt_filter_results": []}),
        compact({"status": "processing", "message": "wait"}),
    ],
)
def test_events_that_only_keep_a_stream_open_end_no_answer(quiet):
    events = [compact(choice("a")), quiet, compact(choice("b")), quiet, compact(choice("", "stop"))]
    for packets in (events, [b"".join(events)]):
        _, sink = passed([*packets, b"data: [DONE]\n\n"])
        assert (sink.broken, sink.failed, sink.call.state) == (None, None, "answered")
