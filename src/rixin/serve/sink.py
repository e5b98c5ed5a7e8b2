"""Writes an endpoint's event stream to the caller, event by event, and notices where it breaks."""

import asyncio
import time
from collections.abc import Callable, Mapping

import msgspec

from rixin.core.answer import Usage
from rixin.core.transport import TransportError
from rixin.engine.connections import Connection
from rixin.serve.call import Call
from rixin.serve.http import Request
from rixin.serve.usage import BYTES_PER_TOKEN, Stated, note_usage
from rixin.workspace.serving import Upstream

_LONGEST_EVENT = 4 << 20
_SPECIAL = (b'"usage":{', b'"usage": {', b'{"error"', b"[DONE]")
"""What an event holds that has to be looked at by itself."""
_WHOLE = frozenset({"response.completed", "response.incomplete"})
_FAILED = frozenset({"response.failed", "error"})


class _Chunk(Stated):
    type: str = ""
    """Of an event of a response; chunks of chats and completions have none."""
    response: Stated | None = None


_chunk = msgspec.json.Decoder(_Chunk)


class StreamSink:
    """Writes an endpoint's event stream to the caller, event by event.

    Args:
        request: The caller's request.
        call: What is written down about it.
        upstream: The endpoint.
        wants_usage: Whether the caller asked for the chunk with the usage.
        asked: Size of the request in bytes.
        translate: Writes an event in the words of another surface; None: as it came.
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
    ) -> None:
        loop = asyncio.get_running_loop()
        self.status = 0
        self.streams = False
        """Whether what comes is an event stream."""
        self.headers: Mapping[str, str] = {}
        self.body = bytearray()
        """Of a reply that is no stream."""
        self.head: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.last = time.monotonic()
        self.broken: TransportError | None = None
        self.failed = False
        """The endpoint said so itself, in the stream."""
        self.connection: Connection | None = None
        self.request, self.call, self.upstream = request, call, upstream
        self._wants_usage, self._asked = wants_usage, asked
        self._translate = translate
        self._parts: list[bytes] = []
        self._tail = b""
        self._chunks = 0
        self._finished = False
        self._usage: Usage | None = None

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers of the endpoint."""
        self.status, self.headers = status, headers
        kind = headers.get("content-type", "")
        self.streams = status == 200 and kind.startswith("text/event-stream")
        if self.streams:
            self.call.cost_pico = None  # until its end
            self.request.begin(self.call.headers())
        self.head.set_result(None)

    def on_part(self, data: bytes) -> None:
        """Some of the stream."""
        if self.streams:
            self._parts.append(data)
        else:
            self.body += data

    def on_pause(self) -> None:
        """All that came at once is there: it goes on in one piece."""
        if not self._parts:
            return
        data, self._parts = b"".join(self._parts), []
        self.last = time.monotonic()
        if self.broken is not None or self.failed:
            return
        if self.call.caller.revoked:
            self._break("the key of this request was revoked", "revoked")
            return
        buffer = self._tail + data
        if b"\r" in buffer:
            buffer = buffer.replace(b"\r\n", b"\n")
        end = buffer.rfind(b"\n\n") + 2
        if end == 1:
            self._tail = buffer
            if len(buffer) > _LONGEST_EVENT:
                self._break("an event of its stream is too long")
            return
        self._tail = buffer[end:]
        self._write(buffer[:end])

    def on_done(self) -> None:
        """The stream is over."""
        self.on_pause()
        if self.broken is None and not self.failed and self.streams and not self._finished:
            self._break("its stream ended before the answer did")
        self._end()

    def on_lost(self, error: TransportError) -> None:
        """The stream was cut."""
        self.on_pause()
        self.broken = error
        self._end()

    def settle(self, *, billed: bool = False) -> None:
        """Tokens and cost, also of a part of an answer.

        Args:
            billed: Whether it may cost something that nothing has come yet.
        """
        if self._usage is not None:
            note_usage(self.call, self.upstream, self._usage, 0, 0)
        elif self.status == 200:
            said = BYTES_PER_TOKEN * max(0, self._chunks - 1)
            note_usage(self.call, self.upstream, None, self._asked, said)
        elif billed and not self.status:
            self.call.cost_pico = None
        if self.failed:
            self.call.state, self.call.status = "failed", 502
            self.call.note = "the endpoint failed in its stream"

    def _write(self, events: bytes) -> None:
        good = self._checked(events)
        if self._translate is not None:
            good = b"".join(map(self._translate, good[:-2].split(b"\n\n"))) if good else b""
        if good:
            self.request.write(good)
            full = self.request.connection.full
            if full is not None and self.connection is not None:
                self.connection.pause()
                full.add_done_callback(self._on_drained)

    def _on_drained(self, _full: object) -> None:
        self.last = time.monotonic()
        if self.connection is not None and not self.done.done():
            self.connection.resume()

    def _checked(self, events: bytes) -> bytes:
        """The events that the caller gets; stops at the first that is none."""
        plain, events = self._plain(events)
        if not events:
            return plain
        good = [plain]
        for event in events[:-2].split(b"\n\n"):
            if not self._passes(event):
                continue
            if self.broken is not None:
                break
            good.append(event + b"\n\n")
            if self.failed:
                break
        return b"".join(good)

    def _plain(self, events: bytes) -> tuple[bytes, bytes]:
        """The events in front that are plain chunks, as most of a stream is, and the rest."""
        places = [place for mark in _SPECIAL if (place := events.find(mark)) >= 0]
        end = events.rfind(b"\n\n", 0, min(places)) + 2 if places else len(events)
        front = events[:end] if end > 1 else b""
        count = front.count(b"\n\n")
        shaped = front.startswith(b"data: {") and front.endswith(b"}\n\n")
        if not shaped or front.count(b"}\n\ndata: {") != count - 1:
            return b"", events
        self._chunks += count
        self._note_finish(front)
        return front, events[end:]

    def _passes(self, event: bytes) -> bool:
        """Whether one event goes on; what it says about the stream is noted."""
        if not event.startswith(b"data:"):
            return self._passes_named(event)
        data = event[5:].strip()
        if data == b"[DONE]":
            self._finished = True
            return False
        if not (data.startswith(b"{") and data.endswith(b"}")):
            self._break("an event of its stream is no JSON")
            return True
        self._chunks += 1
        self._note_finish(event)
        self.failed = data.startswith(b'{"error"')
        return b'"usage":' not in event or self._take_usage(data)

    def _passes_named(self, event: bytes) -> bool:
        """The same of an event with a name, as a response's stream has them, and of a comment."""
        data = event.partition(b"\ndata:")[2].strip()
        if not data:
            return True
        try:
            found = _chunk.decode(data)
        except msgspec.DecodeError:
            self._break("an event of its stream is no JSON")
            return True
        self._chunks += found.type.endswith(".delta")
        if found.type in _WHOLE | _FAILED:
            self._finished = True
            self.failed = found.type in _FAILED
            self._usage = (found.response or found).used() or self._usage
        return True

    def _note_finish(self, events: bytes) -> None:
        if self._finished or b'"finish_reason"' not in events:
            return
        last = events.rpartition(b'"finish_reason"')[2].lstrip(b": ")
        self._finished = last.startswith(b'"')

    def _take_usage(self, data: bytes) -> bool:
        """Whether an event with the usage is passed on, too."""
        try:
            found = _chunk.decode(data)
        except msgspec.DecodeError:
            return True
        self._usage = found.used() or self._usage  # totals so far: the last one counts
        return bool(found.choices) or self._wants_usage

    def _break(self, what: str, kind: str = "connection") -> None:
        self.broken = TransportError(kind, what)
        self._end()

    def _end(self) -> None:
        if not self.head.done():
            self.head.set_result(None)
        if not self.done.done():
            self.done.set_result(None)
