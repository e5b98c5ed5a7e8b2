"""Passes a request on to an endpoint as it is, and its answer back as it comes.

Nothing is tried twice: who sent the request knows best. A stream that breaks in the middle ends in
an error event and without `[DONE]`, so that no client takes a part for the whole.
"""

import asyncio
import re
import time
from typing import Any

import msgspec

from rixin.core.foreign import BadReply, mend_reply
from rixin.core.plain import read_plain
from rixin.core.transport import Reply, TransportError
from rixin.core.usage import read_usage
from rixin.engine.connections import Connection
from rixin.engine.transport import HttpTransport
from rixin.serve.breaker import Breaker
from rixin.serve.call import Call
from rixin.serve.errors import Refusal
from rixin.serve.outgoing import Outgoing
from rixin.serve.sink import StreamSink
from rixin.serve.usage import note_usage
from rixin.solvers._chat import StatedError, error_of, retry_after
from rixin.solvers._reasoning import took_all
from rixin.workspace.serving import Upstream

_PING_S = 15.0
_OBJECT_OR_NONE = (dict, type(None))
_WORD = re.compile("[a-z0-9_.-]{1,60}")
_MENDED = "the answer held halves of characters or numbers that are none; they were taken out"


class _Vectors(msgspec.Struct):
    """An answer of thousands of numbers, which are not read."""

    data: list[msgspec.Raw]
    usage: Any = None
    error: Any = None


_vectors = msgspec.json.Decoder(_Vectors)


async def relay(
    transport: HttpTransport, outgoing: Outgoing, call: Call, breaker: Breaker
) -> bytes:
    """The whole answer of an endpoint.

    Raises:
        Refusal: It refuses, fails, is late, or what it says is no answer.
    """
    upstream = outgoing.upstream
    _check_open(breaker, upstream)
    while True:
        sent = outgoing.body()
        begin = time.perf_counter()
        try:
            reply = await transport.post(
                upstream.url + outgoing.path,
                headers=upstream.headers,
                body=sent,
                timeout_s=upstream.timeout_s,
            )
        except (TransportError, asyncio.CancelledError) as why:
            raise _unheard(why, upstream, call, breaker) from None
        finally:
            call.upstream_s += time.perf_counter() - begin
        plain = None if call.tier or not 200 <= reply.status < 300 else read_plain(reply.body)
        if plain is not None and not plain.is_cut:
            breaker.worked()
            outgoing.answered()
            note_usage(call, upstream, plain.usage, 0, 0)
            return reply.body
        body, data = _read(outgoing.path, reply)
        error = error_of(reply, body)
        if error is None or not outgoing.adapts(reply.status, error):
            break
    if error is not None:
        raise _refused(upstream, reply, body, error, call, breaker)
    if not _is_answer(body):
        raise _no_answer(upstream, "it holds no choices", body, call, breaker)
    breaker.worked()
    outgoing.answered()
    used = read_usage(body, asked_tier=call.tier)
    note_usage(call, upstream, used, len(sent), len(data))
    if data is not reply.body:
        call.note = _MENDED
    if took_all(body, used):
        call.unsaid(None if used is None else used.output_tokens)
    return data


def _unheard(
    why: TransportError | asyncio.CancelledError, upstream: Upstream, call: Call, breaker: Breaker
) -> Refusal | asyncio.CancelledError:
    """What to raise where no reply was heard; who was asked may have answered, and be billed."""
    if isinstance(why, asyncio.CancelledError):
        call.cost_pico = None
        return why
    breaker.failed(now=time.monotonic())
    if why.asked:
        call.cost_pico = None
    return _unreachable(upstream, why)


def _read(path: str, reply: Reply) -> tuple[Any, bytes]:
    """What a reply holds, None where it cannot be read, and the reply as it may be passed on."""
    if path == "/embeddings":
        try:
            found = _vectors.decode(reply.body)
            return {"data": found.data, "usage": found.usage, "error": found.error}, reply.body
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # whatever it is, it is no long list of numbers
    try:
        return mend_reply(reply.body)
    except BadReply:
        return None, b""


def _is_answer(body: Any) -> bool:
    """Whether a body holds an answer of any kind, in the form that the gateway walks through."""
    if not isinstance(body, dict):
        return False
    choices = body.get("choices")
    if choices is None:
        return isinstance(body.get("data"), list) or isinstance(body.get("output"), list)
    if not isinstance(choices, list):
        return False
    for choice in choices:  # a generator would take twice as long
        if not isinstance(choice, dict) or not isinstance(choice.get("index", 0), int):
            return False
        if not isinstance(choice.get("message", choice), _OBJECT_OR_NONE):
            return False
    return True


def _refused(
    upstream: Upstream, reply: Reply, body: Any, error: StatedError, call: Call, breaker: Breaker
) -> Refusal:
    """An endpoint's error, as ours: its status and its words, and when to come back."""
    _note_paid(upstream, body, call, if_unknown=0)
    wait = retry_after(reply.headers, time.time())
    _hear(breaker, error, wait)
    number = error.status if reply.status < 300 else reply.status
    if error.status in {401, 403}:
        message = f"{upstream.name} refuses the key of this gateway, not yours: tell its operator"
        return Refusal(
            error.status,
            f"{message} ({error.words})",
            "upstream_authentication",
            retry=False,
            note=message,
            failure="fatal",
        )
    code = f" ({error.code})" if _WORD.fullmatch(error.code) else ""
    return Refusal(
        error.status,
        f"{upstream.name} answered {number}: {error.words}",
        {429: "rate_limit_exceeded"}.get(error.status, "upstream_error"),
        retry_after_s=wait,
        body=_own_words(reply, body),
        note=f"{upstream.name} answered {number}{code}",
        failure=failure_kind(error.status),
    )


def _own_words(reply: Reply, body: Any) -> bytes | None:
    """The body of an error, where it is one as OpenAI writes it."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return None
    return mend_reply(reply.body)[1]


def _note_paid(upstream: Upstream, body: Any, call: Call, *, if_unknown: int | None) -> None:
    """Counts what a reply says it used, though it is no answer."""
    used = read_usage(body, asked_tier=call.tier)
    if used is None:
        call.cost_pico = if_unknown
    else:
        note_usage(call, upstream, used, 0, 0)


def _hear(breaker: Breaker, error: StatedError, wait: float | None) -> None:
    if error.status == 429 or error.status >= 500:
        limited = error.status == 429
        breaker.failed(now=time.monotonic(), retry_after_s=wait, limited=limited)
    else:
        breaker.worked()


def failure_kind(status: int) -> str:
    """The kind of a failure with this status, see `rixin.core.answer.Failure`."""
    if status == 429:
        return "rate_limited"
    return "server_error" if status >= 500 else "refused"


async def relay_stream(
    transport: HttpTransport, outgoing: Outgoing, sink: StreamSink, breaker: Breaker
) -> None:
    """Passes a stream on until its end.

    Raises:
        Refusal: The endpoint refuses, fails, is late, or its stream breaks.
    """
    upstream, call = outgoing.upstream, sink.call
    _check_open(breaker, upstream)
    await _streamed(transport, outgoing, sink, breaker)
    while not sink.streams:
        reply = Reply(sink.status, sink.headers, bytes(sink.body), 0.0)
        body, _ = _read(outgoing.path, reply)
        error = error_of(reply, body)
        if error is None:
            raise _no_answer(upstream, "it is no event stream", body, call, breaker)
        if not outgoing.adapts(reply.status, error):
            raise _refused(upstream, reply, body, error, call, breaker)
        sink.restart()
        await _streamed(transport, outgoing, sink, breaker)
    outgoing.answered()
    if sink.failed is None:
        breaker.worked()
    else:
        _hear(breaker, sink.failed, None)
        call.failure = failure_kind(sink.failed.status)


async def _streamed(
    transport: HttpTransport, outgoing: Outgoing, sink: StreamSink, breaker: Breaker
) -> None:
    """Asks, and waits until all is passed on.

    Raises:
        Refusal: The stream broke, or nobody answered.
    """
    upstream = outgoing.upstream
    url, begin = upstream.url + outgoing.path, time.perf_counter()
    connection: Connection | None = None
    patience: _Patience | None = None
    try:
        connection = await transport.begin("POST", url, upstream.headers, outgoing.body(), sink)
        sink.connection = connection
        patience = _Patience(sink, upstream.timeout_s)
        await sink.done
    except TransportError as error:
        sink.broken = error
    except asyncio.CancelledError:
        sink.settle(asked=True)
        raise
    finally:
        sink.call.upstream_s += time.perf_counter() - begin
        if patience is not None:
            patience.end()
        if connection is not None:
            if not sink.done.done() or sink.broken is not None:
                connection.abort()
            transport.release(url, connection)
    broken = sink.broken
    if broken is not None or sink.streams:
        sink.settle(asked=broken is None or broken.asked)
    if broken is not None:
        if broken.kind != "revoked":
            breaker.failed(now=time.monotonic())
        raise _unreachable(upstream, broken)


class _Patience:
    """Ends a stream in which nothing comes; a caller who knows that something is coming stays.

    Args:
        sink: The stream.
        timeout_s: Seconds in which something must come.
    """

    __slots__ = ("_pinged", "_sink", "_timeout_s", "_timer")

    def __init__(self, sink: StreamSink, timeout_s: float) -> None:
        self._sink, self._timeout_s, self._pinged = sink, timeout_s, sink.last
        self._timer = sink.loop.call_later(min(timeout_s, _PING_S), self._look)

    def end(self) -> None:
        """The stream is over."""
        self._timer.cancel()

    def _look(self) -> None:
        sink, now = self._sink, time.monotonic()
        if sink.done.done():
            return
        left = sink.last + self._timeout_s - now
        if left <= 0:
            sink.on_lost(TransportError("timeout", f"nothing came for {self._timeout_s:g} s"))
            return
        if sink.streams and now - max(self._pinged, sink.last) >= _PING_S:
            self._pinged = now
            sink.request.write(b": ping\n\n")
        self._timer = sink.loop.call_later(min(left, _PING_S), self._look)


def _check_open(breaker: Breaker, upstream: Upstream) -> None:
    now = time.monotonic()
    wait = breaker.wait(now=now)
    if wait <= 0:
        return
    told = breaker.told(wait, now=now)
    message = f"{upstream.name} failed again and again and is left alone for {told:.0f} s"
    if breaker.asked_until > now:
        message = f"{upstream.name} asked for a pause of {told:.0f} s more"
    status, code = 503, "upstream_unavailable"
    if breaker.limited:
        status, code = 429, "rate_limit_exceeded"
    raise Refusal(status, message, code, retry_after_s=told, failure="open")


def _unreachable(upstream: Upstream, error: TransportError) -> Refusal:
    if error.kind == "revoked":
        return Refusal(401, str(error), "invalid_api_key")
    status, code = (504, "upstream_timeout") if error.kind == "timeout" else (502, "upstream_error")
    return Refusal(status, f"{upstream.name}: {error}", code, failure=error.kind)


def _no_answer(upstream: Upstream, why: str, body: Any, call: Call, breaker: Breaker) -> Refusal:
    """What an endpoint sent is none: the next caller is not helped by it either."""
    breaker.failed(now=time.monotonic())
    _note_paid(upstream, body, call, if_unknown=None)
    if body is None:
        why = "it is no JSON, or nested too deeply"
    said = f"what {upstream.name} sent is no answer: {why}"
    return Refusal(502, said, "upstream_error", failure="bad_reply")
