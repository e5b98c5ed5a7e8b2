"""Writes an endpoint's event stream to the caller, event by event, and notices where it breaks.

Plain chunks of a chat, which most of a stream are, go on as they came. All else is read as the
event-stream standard (WHATWG HTML §9.2) has it: any line end, any order of lines, data in pieces.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rixin.core.answer import Usage, is_cut, is_end
from rixin.core.foreign import BadReply, mend_reply
from rixin.core.plain import read_plain_chunk
from rixin.core.transport import TransportError
from rixin.core.usage import BYTES_PER_TOKEN, read_usage, states_usage
from rixin.engine.connections import Connection
from rixin.engine.wire import RunningLoop
from rixin.serve.call import Call
from rixin.serve.events import is_event, read_event
from rixin.serve.http import Request
from rixin.serve.usage import note_usage
from rixin.solvers._chat import StatedError, event_error, flat_error, read_error
from rixin.solvers._reasoning import says_something, thinks, took_all
from rixin.workspace.serving import Upstream

_LONGEST_EVENT = 4 << 20
_MOST_BODY = 1 << 20
"""Bytes of a reply that is no stream: an error, which is told in a few hundred."""
_SPECIAL = (b'"usage":{', b'"usage": {', b'_tokens"', b'"error"', b"[DONE]")
"""What an event holds that has to be looked at by itself."""
_HALVES = (b"\\ud", b"\\uD")
"""The same, where it holds a backslash at all: one sign is found twenty times as fast as two."""
_DATA, _DONE = b"data: ", b"data: [DONE]"
_TEXT = re.compile(rb'"content": ?"([^"\\]*)"')
_TEXTS = re.compile(rb'(?:[^"\\]|\\["\\/bfnrt]|\\u(?![dD])[0-9a-fA-F]{4})*+')
"""Texts as they stand in JSON, whole and without halves of characters, a line each."""
_SAID = re.compile(
    rb'"(?:content|refusal)": ?"[^"]|"type": ?"text"|"(?:tool_calls|function_call|audio)": ?[\[{][^\]}]'
)
"""Where a chunk holds some of an answer, and not thoughts alone."""
_REASON = re.compile(rb'"finish_reason": ?"([^"]{0,40})')
_PLAIN_REASONS = frozenset({b"", b"null", b"stop", b"length", b"tool_calls", b"function_call"})
"""Why an answer ends, or goes on, where nothing went wrong."""
_THOUGHT = re.compile(rb'"(?:reasoning|thinking)')
_MARK = b"\xef\xbb\xbf"
_running = RunningLoop()
_WHOLE = frozenset({"response.completed", "response.incomplete"})
_FAILED = frozenset({"response.failed", "error"})


class StreamSink:
    """Writes an endpoint's event stream to the caller, event by event.

    Args:
        request: The caller's request.
        call: What is written down about it.
        upstream: The endpoint.
        wants_usage: Whether the caller asked for the chunk with the usage.
        asked: Size of the request in bytes.
        translate: Writes an event in the words of another surface; None: as it came.
        answers: How many were asked for: the stream is over when all of them are.
    """

    def __init__(
        self,
        request: Request,
        call: Call,
        upstream: Upstream,
        *,
        wants_usage: bool,
        asked: int,
        translate: Callable[[bytes], bytes] | None = None,
        answers: int = 1,
    ) -> None:
        self.request, self.call, self.upstream = request, call, upstream
        self.loop = _running.get()
        self.restart()
        self._wants_usage, self._asked = wants_usage, asked
        self._translate = translate
        self._parts: list[bytes] = []
        self._tail = b""
        self._begun = self._returned = False
        """Whether anything came, and whether the last byte of it was a carriage return."""
        self._chunks = 0
        self._finished = False
        self._several = answers > 1
        self._open: set[object] = set()
        """Of several answers, those that began and did not end."""
        self._usage: Usage | None = None
        self._silent, self._thought, self._cut = True, False, False
        """Whether nothing was said so far, something was thought, and it reached its limit."""
        self._lead = self._trail = b""
        """What stands before and behind the text of a plain chunk; empty: it is not known."""

    def restart(self) -> None:
        """Before the endpoint is asked, also once more: nothing has come."""
        self.status = 0
        self.streams = False
        """Whether what comes is an event stream."""
        self.headers: Mapping[str, str] = {}
        self.body = bytearray()
        """Of a reply that is no stream."""
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.last = time.monotonic()
        self.broken: TransportError | None = None
        self.failed: StatedError | None = None
        """What the endpoint itself said went wrong, in the stream."""
        self.connection: Connection | None = None

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers of the endpoint."""
        self.status, self.headers = status, headers
        kind = headers.get("content-type", "")
        self.streams = 200 <= status < 300 and kind.lower().startswith("text/event-stream")
        if self.streams:
            self.call.cost_pico = None  # until its end
            self.request.begin(self.call.headers())

    def on_part(self, data: bytes) -> None:
        """Some of the stream."""
        if self.streams:
            self._parts.append(data)
        elif len(self.body) + len(data) <= _MOST_BODY:
            self.body += data
        elif self.broken is None:
            self._break("what it sent is no event stream, and too long for an error", "bad_reply")

    def on_pause(self) -> None:
        """All that came at once is there: it goes on in one piece."""
        if not self._parts:
            return
        data, self._parts = b"".join(self._parts), []
        self.last = time.monotonic()
        if self._is_over:
            return
        if self.call.caller.revoked:
            self._break("the key of this request was revoked", "revoked")
            return
        buffer = self._tail + self._plain_lines(data)
        end = buffer.rfind(b"\n\n") + 2
        if end == 1:
            self._tail = buffer
            if len(buffer) > _LONGEST_EVENT:
                self._break("an event of its stream is too long")
            return
        self._tail = buffer[end:]
        self._write(buffer[:end])

    def _plain_lines(self, data: bytes) -> bytes:
        """The same with a line feed at the end of each line, wherever packets cut it."""
        if self._returned and data.startswith(b"\n"):
            data = data[1:]  # the second half of a line end
        self._returned = False
        if not self._begun:
            data, self._begun = data.removeprefix(_MARK), True
        if b"\r" in data:
            self._returned = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def on_done(self) -> None:
        """The stream is over."""
        self.on_pause()
        if self.streams and not self._is_over and is_event(self._tail):
            self._write(self._tail.strip(b"\n") + b"\n\n")
        if self.streams and not self._is_over and not self._finished:
            self._break("its stream ended before the answer did")
        self._end()

    @property
    def _is_over(self) -> bool:
        """Whether nothing more is passed on."""
        return self.broken is not None or self.failed is not None

    def on_lost(self, error: TransportError) -> None:
        """The stream was cut."""
        self.on_pause()
        self.broken = error
        self._end()

    def settle(self, *, asked: bool) -> None:
        """Tokens and cost, also of a part of an answer.

        Args:
            asked: Whether it may cost something that nothing has come yet.
        """
        whole = self._finished or self.failed is not None
        if self.failed is not None:
            self.call.state, self.call.status = "failed", 502
            self.call.note = "the endpoint failed in its stream"
        if self.failed is not None and self._usage is None and self._chunks <= 1:
            self.call.cost_pico = 0  # nobody is charged for an answer that never was
        elif self._usage is not None or self.streams:
            written = BYTES_PER_TOKEN * max(0, self._chunks - 1)
            note_usage(self.call, self.upstream, self._usage, self._asked, written)
            if not whole:
                self.call.cost_pico = None  # of the part that never came, nobody knows
            if self._cut and self._silent and self.failed is None:
                self._judge_silence()
        elif asked:
            self.call.cost_pico = None

    def _judge_silence(self) -> None:
        used = self._usage
        if self._thought or (used is not None and used.reasoning_tokens):
            self.call.unsaid(None if used is None else used.output_tokens)

    def _write(self, events: bytes) -> None:
        good = self._checked(events)
        if self._translate is not None and good:
            try:
                good = b"".join(map(self._translate, good[:-2].split(b"\n\n")))
            except (ValueError, LookupError, TypeError, AttributeError):
                self._break("an event of its stream is no chunk of an answer", "bad_reply")
                return
        if good:
            self.request.write(good)
            full = self.request.connection.full
            if full is not None and self.connection is not None:
                self.connection.pause()
                full.add_done_callback(self._on_drained)
        if self.failed is not None:
            self._end()  # nothing that comes behind it is passed on

    def _on_drained(self, _full: object) -> None:
        self.last = time.monotonic()
        if self.connection is not None and not self.done.done():
            self.connection.resume()

    def _checked(self, events: bytes) -> bytes:
        """The events that the caller gets; stops at the first that is none."""
        chunks = events[:-2].split(b"\n\n")
        count = self._plain_chunks(chunks)
        if count == len(chunks):
            return events
        good = [chunk + b"\n\n" for chunk in chunks[:count]]
        for event in chunks[count:]:
            passed = self._passed(event) if event else b""
            if self.broken is not None:
                break
            good.append(passed)
            if self.failed is not None:
                break
        return b"".join(good)

    def _plain_chunks(self, chunks: list[bytes]) -> int:
        """How many in front are plain chunks, as most of a stream is."""
        if self._several:  # each says when it is over
            return 0
        count = self._alike(chunks) or self._plain(chunks[:2])
        if count < min(2, len(chunks)) or count == len(chunks):
            return count
        rest = chunks[count:]
        return count + (self._alike(rest) or self._plain(rest))

    def _plain(self, chunks: list[bytes]) -> int:
        """The same, whatever they have in common."""
        events = b"\n\n".join(chunks) + b"\n\n"
        marks = _SPECIAL if b"\\" not in events else _SPECIAL + _HALVES
        places = [place for mark in marks if (place := events.find(mark)) >= 0]
        end = events.rfind(b"\n\n", 0, min(places)) + 2 if places else len(events)
        front = events[:end] if end > 1 else b""
        count = front.count(b"\n\n")
        shaped = front.startswith(b"data: {") and front.endswith(b"}\n\n")
        if not shaped or front.count(b"}\n\ndata: {") != count - 1 or not _is_text(front):
            return 0
        if front.count(b"\n") != 2 * count:  # an event of more than one line
            return 0
        if front.count(b'"choices":[{') + front.count(b'"choices": [{') != count:
            return 0
        reasons = _REASON.findall(front) if not self._finished else ()
        if not _PLAIN_REASONS.issuperset(reasons):
            return 0
        self._chunks += count
        self._note_finish(reasons)
        if self._silent:
            self._silent = _SAID.search(front) is None
            self._thought = self._thought or _THOUGHT.search(front) is not None
        if not self._finished:
            self._learn(chunks[count - 1])
        return count

    def _learn(self, chunk: bytes) -> None:
        """Notes what stands around the text of a plain chunk: the next ones may be alike."""
        text = _TEXT.search(chunk)
        if text is not None:
            start, end = text.span(1)
            self._lead, self._trail = chunk[:start], chunk[end:]

    def _alike(self, chunks: list[bytes]) -> int:
        """How many chunks in front differ from a plain one in nothing but their text."""
        lead, trail = self._lead, self._trail
        if self._finished or not lead:
            return 0
        start, end = len(lead), -len(trail)
        texts = []
        for chunk in chunks:
            if not (chunk.startswith(lead) and chunk.endswith(trail)):
                break
            texts.append(chunk[start:end])
        text, count = b"\n".join(texts), len(texts)
        size = len(text) + 1 + count * (start - end - 1)
        if size != sum(map(len, chunks[:count])):  # a lead and a trail overlap
            return 0
        if not count or text.count(b"\n") != count - 1 or not _is_text(text):
            return 0
        if (b'"' in text or b"\\" in text) and _TEXTS.fullmatch(text) is None:
            return 0
        self._chunks += count
        if len(text) >= count:  # not all of them are empty
            self._silent = False
        return count

    def _passed(self, event: bytes) -> bytes:
        """What the caller gets of one event; what it says about the stream is noted."""
        if event == _DONE:
            self._finished = True
            return b""
        if not (self.call.tier or self._several) and (
            chunk := read_plain_chunk(event.removeprefix(_DATA))
        ):
            self._chunks += 1
            self._usage, self._finished = chunk.usage, self._finished or chunk.is_last
            self._cut, self._silent = self._cut or chunk.is_cut, self._silent and not chunk.says
            return event + b"\n\n" if self._wants_usage or not chunk.is_bare else b""
        lead, name, data = read_event(event)
        if data is None:
            return event + b"\n\n"
        if data.strip() in {b"", b"[DONE]"}:
            self._finished = self._finished or data.strip() != b""
            return b""
        try:
            body, mended = mend_reply(data)
        except BadReply:
            body, mended = None, b""
        if not isinstance(body, dict):
            self._break("an event of its stream is no JSON", "bad_reply")
            return b""
        if not self._read(body, name):
            return b""
        if b"\n" in mended:  # between the parts of JSON a line end is as good as a blank
            mended = mended.replace(b"\n", b" ")
        return b"%bdata: %b\n\n" % (lead, mended.strip())

    def _read(self, body: dict[str, Any], name: bytes) -> bool:
        """Notes what an event says about the stream; gives whether it is passed on."""
        kind, choices = body.get("type"), body.get("choices")
        if choices is not None and not _are_choices(choices):
            self._break("an event of its stream is no chunk of an answer", "bad_reply")
            return False
        written = isinstance(kind, str) and kind.endswith(".delta")
        self._chunks += written if isinstance(kind, str) else 1
        used = read_usage(body, asked_tier=self.call.tier)
        if used is not None or states_usage(body):  # totals so far: the last ones count
            self._usage = used
        if kind in _WHOLE:
            self._finished = True
            self._cut = self._thought = took_all(body.get("response"), used)
        for choice in choices or ():
            reason, delta = choice.get("finish_reason"), choice.get("delta") or {}
            place = choice.get("index", 0)
            if is_end(reason):
                self._open.discard(place)
                self._finished = not self._open
            elif self._several and not self._finished:
                self._open.add(place)
            self._cut = self._cut or is_cut(reason)
            self._silent = self._silent and not says_something(delta)
            self._thought = self._thought or thinks(delta)
        self.failed = event_error(body)
        if self.failed is None and (kind in _FAILED or name == b"error"):
            self.failed = read_error(body, body)
        elif self.failed is None and kind is None and not choices and used is None:
            self.failed = flat_error(body)
        asked = self._wants_usage or isinstance(kind, str) or self.failed is not None
        return asked or bool(choices) or not body.get("usage")

    def _note_finish(self, reasons: Sequence[bytes]) -> None:
        for reason in reasons:
            said = reason.decode()
            self._finished = self._finished or is_end(said)
            self._cut = self._cut or is_cut(said)

    def _break(self, what: str, kind: str = "connection") -> None:
        self.broken = TransportError(kind, what)
        if self.connection is not None:
            self.connection.abort()
        self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _are_choices(value: Any) -> bool:
    """Whether it is a list of choices in the form that the gateway walks through."""
    return isinstance(value, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("delta"), dict | None)
        and isinstance(one.get("index", 0), int)
        for one in value
    )
