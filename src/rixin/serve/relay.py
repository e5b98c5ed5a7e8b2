"""Passes a request on to an endpoint as it is, and its answer back as it comes.

Nothing is tried twice: who sent the request knows best. A stream that breaks in the middle ends in
an error event and without `[DONE]`, so that no client takes a part for the whole.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from rixin.core.answer import Usage
from rixin.core.transport import Reply, TransportError
from rixin.engine.connections import Connection
from rixin.engine.transport import HttpTransport
from rixin.serve.breaker import Breaker
from rixin.serve.call import Call
from rixin.serve.errors import Refusal
from rixin.serve.http import Request
from rixin.solvers._chat import refusal, retry_after
from rixin.workspace.serving import Upstream

_PING_S = 15.0
_LONGEST_EVENT = 4 << 20
_BYTES_PER_TOKEN = 4


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class UsageBody(msgspec.Struct):
    """What an endpoint says it used, under either API's names."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None

    def used(self) -> Usage:
        """As usage of one call."""
        details = self.prompt_tokens_details
        return Usage(
            input_tokens=self.prompt_tokens or self.input_tokens or 0,
            output_tokens=self.completion_tokens or self.output_tokens or 0,
            cached_tokens=0 if details is None else details.cached_tokens or 0,
            calls=1,
        )


class _Whole(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    data: list[msgspec.Raw] | None = None
    output: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None


class _Chunk(msgspec.Struct):
    choices: list[msgspec.Raw] | None = None
    usage: UsageBody | None = None


_whole = msgspec.json.Decoder(_Whole)
_chunk = msgspec.json.Decoder(_Chunk)


async def relay(
    transport: HttpTransport,
    upstream: Upstream,
    path: str,
    body: bytes,
    call: Call,
    breaker: Breaker,
) -> bytes:
    """The whole answer of an endpoint.

    Raises:
        Refusal: It refuses, fails, is late, or what it says is no answer.
    """
    _check_open(breaker, upstream)
    begin = time.perf_counter()
    try:
        reply = await transport.post(
            upstream.url + path, headers=upstream.headers, body=body, timeout_s=upstream.timeout_s
        )
    except TransportError as error:
        breaker.failed(now=time.monotonic())
        if error.kind == "timeout":
            call.cost_pico = None  # it may have answered, and be billed
        raise _unreachable(upstream, error) from error
    finally:
        call.upstream_s = time.perf_counter() - begin
    if reply.status != 200:
        raise refused(upstream, reply, breaker)
    breaker.worked()
    try:
        found = _whole.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_answer(upstream, str(error)) from None
    if found.choices is None and found.data is None and found.output is None:
        raise _no_answer(upstream, "it holds no choices")
    note_usage(call, upstream, found.usage, len(body), len(reply.body))
    return reply.body


def note_usage(
    call: Call, upstream: Upstream, said: UsageBody | None, asked: int, answered: int
) -> None:
    """Tokens and cost of a call; where the endpoint does not say, they are estimated by size."""
    if said is not None:
        used = said.used()
    else:
        used = Usage(
            input_tokens=asked // _BYTES_PER_TOKEN + 1,
            output_tokens=answered // _BYTES_PER_TOKEN + 1,
            calls=1,
        )
        call.estimated = True
    call.input_tokens, call.output_tokens = used.input_tokens, used.output_tokens
    call.cost_pico = upstream.price_pico(used)


def refused(upstream: Upstream, reply: Reply, breaker: Breaker) -> Refusal:
    """An endpoint's error, as ours: its status and its reason, and when to come back."""
    wait = retry_after(reply.headers, time.time())
    if reply.status == 429 or reply.status >= 500:
        breaker.failed(now=time.monotonic(), retry_after_s=wait if reply.status == 429 else None)
    else:
        breaker.worked()
    said = refusal(reply)
    if reply.status in {401, 403}:
        message = f"{upstream.name} refuses the key of this gateway, not yours: tell its operator ({said})"
        return Refusal(reply.status, message, "upstream_authentication", retry=False)
    status = reply.status if 400 <= reply.status < 600 else 502
    body = reply.body if _is_error(reply) else None
    code = {429: "rate_limit_exceeded"}.get(status, "upstream_error")
    return Refusal(
        status,
        f"{upstream.name} answered {reply.status}: {said}",
        code,
        retry_after_s=wait,
        body=body,
    )


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
        self._usage: UsageBody | None = None

    @property
    def streams(self) -> bool:
        """Whether what comes is an event stream."""
        kind = self.headers.get("content-type", "")
        return self.status == 200 and kind.startswith("text/event-stream")

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers of the endpoint."""
        self.status, self.headers = status, headers
        if self.streams:
            self.request.begin(self.call.headers())
        self.head.set_result(None)

    def on_part(self, data: bytes) -> None:
        """Some of the stream."""
        if not self.streams:
            self.body += data
        else:
            self._parts.append(data)

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

    def settle(self) -> None:
        """Tokens and cost, also of a part of an answer."""
        if self._usage is not None:
            note_usage(self.call, self.upstream, self._usage, 0, 0)
        elif self.status == 200:
            said = _BYTES_PER_TOKEN * max(0, self._chunks - 1)
            note_usage(self.call, self.upstream, None, self._asked, said)

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
        count = events.count(b"\n\n")
        plain = events.startswith(b"data: {") and events.endswith(b"}\n\n")
        plain = plain and events.count(b"}\n\ndata: {") == count - 1
        if plain and b'"usage":' not in events and b'data: {"error"' not in events:
            self._chunks += count  # most of a stream is like this
            self._note_finish(events)
            return events
        good = []
        for event in events[:-2].split(b"\n\n"):
            if not self._passes(event):
                continue
            if self.broken is not None:
                break
            good.append(event + b"\n\n")
            if self.failed:
                break
        return b"".join(good)

    def _passes(self, event: bytes) -> bool:
        """Whether one event goes on; what it says about the stream is noted."""
        if not event.startswith(b"data:"):
            return True
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
        self._usage = found.usage or self._usage
        return bool(found.choices) or self._wants_usage

    def _break(self, what: str, kind: str = "connection") -> None:
        self.broken = TransportError(kind, what)
        self._end()

    def _end(self) -> None:
        if not self.head.done():
            self.head.set_result(None)
        if not self.done.done():
            self.done.set_result(None)


async def relay_stream(
    transport: HttpTransport, path: str, body: bytes, sink: StreamSink, breaker: Breaker
) -> None:
    """Passes a stream on until its end.

    Raises:
        Refusal: The endpoint refuses, fails, is late, or its stream breaks.
    """
    upstream = sink.upstream
    _check_open(breaker, upstream)
    url, begin = upstream.url + path, time.perf_counter()
    connection: Connection | None = None
    try:
        connection = await transport.begin("POST", url, upstream.headers, body, sink)
        sink.connection = connection
        await _until_done(sink, upstream)
    except TransportError as error:
        sink.broken = error
    finally:
        sink.call.upstream_s = time.perf_counter() - begin
        sink.settle()
        if connection is not None:
            if not sink.done.done() or sink.broken is not None:
                connection.abort()
            transport.release(url, connection)
    if sink.broken is not None:
        if sink.broken.kind != "revoked":
            breaker.failed(now=time.monotonic())
        raise _unreachable(upstream, sink.broken)
    if sink.status != 200:
        raise refused(upstream, Reply(sink.status, sink.headers, bytes(sink.body), 0.0), breaker)
    if not sink.streams:
        raise _no_answer(upstream, "it is no event stream")
    breaker.worked()


async def _until_done(sink: StreamSink, upstream: Upstream) -> None:
    """Waits while something comes; a caller who knows that something is coming stays."""
    pinged = time.monotonic()
    while not sink.done.done():
        left = sink.last + upstream.timeout_s - time.monotonic()
        if left <= 0:
            late = f"nothing came for {upstream.timeout_s:g} s"
            raise TransportError("timeout", late)
        await asyncio.wait([sink.done], timeout=min(left, _PING_S))
        now = time.monotonic()
        if not sink.done.done() and sink.streams and now - max(pinged, sink.last) >= _PING_S:
            pinged = now
            sink.request.write(b": ping\n\n")


def _check_open(breaker: Breaker, upstream: Upstream) -> None:
    wait = breaker.wait(now=time.monotonic())
    if wait > 0:
        raise Refusal(
            503,
            f"{upstream.name} failed again and again and is left alone for {wait:.0f} s",
            "upstream_unavailable",
            retry_after_s=wait,
        )


def _unreachable(upstream: Upstream, error: TransportError) -> Refusal:
    if error.kind == "revoked":
        return Refusal(401, str(error), "invalid_api_key")
    status, code = (504, "upstream_timeout") if error.kind == "timeout" else (502, "upstream_error")
    return Refusal(status, f"{upstream.name}: {error}", code)


def _no_answer(upstream: Upstream, why: str) -> Refusal:
    return Refusal(502, f"what {upstream.name} sent is no answer: {why}", "upstream_error")


def _is_error(reply: Reply) -> bool:
    """Whether a body is an error as OpenAI writes it."""
    try:
        body: Any = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    error = body.get("error") if isinstance(body, dict) else None
    return isinstance(error, dict) and "message" in error
