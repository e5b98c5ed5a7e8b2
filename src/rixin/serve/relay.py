"""Passes a request on to an endpoint as it is, and its answer back as it comes.

Nothing is tried twice: who sent the request knows best. A stream that breaks in the middle ends in
an error event and without `[DONE]`, so that no client takes a part for the whole.
"""

import asyncio
import re
import time
from typing import Any

import msgspec

from rixin.core.transport import Reply, TransportError
from rixin.engine.connections import Connection
from rixin.engine.transport import HttpTransport
from rixin.serve.breaker import Breaker
from rixin.serve.call import Call
from rixin.serve.errors import Refusal
from rixin.serve.sink import StreamSink
from rixin.serve.usage import Stated, note_usage
from rixin.solvers._chat import refusal, retry_after
from rixin.workspace.serving import Upstream

_PING_S = 15.0
_WORD = re.compile("[a-z0-9_.-]{1,60}")


class _Whole(Stated):
    data: list[msgspec.Raw] | None = None
    output: list[msgspec.Raw] | None = None


_whole = msgspec.json.Decoder(_Whole)


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
    except asyncio.CancelledError:
        call.cost_pico = None  # the same
        raise
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
    note_usage(call, upstream, found.used(), len(body), len(reply.body))
    return reply.body


def refused(upstream: Upstream, reply: Reply, breaker: Breaker) -> Refusal:
    """An endpoint's error, as ours: its status and its reason, and when to come back."""
    wait = retry_after(reply.headers, time.time())
    if reply.status == 429 or reply.status >= 500:
        limited = reply.status == 429
        pause = wait if limited else None
        breaker.failed(now=time.monotonic(), retry_after_s=pause, limited=limited)
    else:
        breaker.worked()
    said = refusal(reply)
    if reply.status in {401, 403}:
        message = f"{upstream.name} refuses the key of this gateway, not yours: tell its operator"
        return Refusal(
            reply.status,
            f"{message} ({said})",
            "upstream_authentication",
            retry=False,
            note=message,
            failure="fatal",
        )
    status = reply.status if 400 <= reply.status < 600 else 502
    body = reply.body if _error(reply) is not None else None
    code = {429: "rate_limit_exceeded"}.get(status, "upstream_error")
    return Refusal(
        status,
        f"{upstream.name} answered {reply.status}: {said}",
        code,
        retry_after_s=wait,
        body=body,
        note=f"{upstream.name} answered {reply.status}{_code(reply)}",
        failure=_kind(reply.status),
    )


def _kind(status: int) -> str:
    if status == 429:
        return "rate_limited"
    return "server_error" if status >= 500 else "refused"


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
        sink.settle(billed=error.kind == "timeout")
    except asyncio.CancelledError:
        sink.settle(billed=True)
        raise
    else:
        sink.settle()
    finally:
        sink.call.upstream_s = time.perf_counter() - begin
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
    if wait > 0 and breaker.limited:
        message = f"{upstream.name} asked for a pause of {wait:.0f} s more"
        raise Refusal(429, message, "rate_limit_exceeded", retry_after_s=wait, failure="open")
    if wait > 0:
        raise Refusal(
            503,
            f"{upstream.name} failed again and again and is left alone for {wait:.0f} s",
            "upstream_unavailable",
            retry_after_s=wait,
            failure="open",
        )


def _unreachable(upstream: Upstream, error: TransportError) -> Refusal:
    if error.kind == "revoked":
        return Refusal(401, str(error), "invalid_api_key")
    status, code = (504, "upstream_timeout") if error.kind == "timeout" else (502, "upstream_error")
    return Refusal(status, f"{upstream.name}: {error}", code, failure=error.kind)


def _no_answer(upstream: Upstream, why: str) -> Refusal:
    said = f"what {upstream.name} sent is no answer: {why}"
    return Refusal(502, said, "upstream_error", failure="bad_reply")


def _error(reply: Reply) -> dict[str, Any] | None:
    """The error of a body, where it has one as OpenAI writes it."""
    try:
        body: Any = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) and "message" in error else None


def _code(reply: Reply) -> str:
    """The stable word of an error, which holds nothing of what was said."""
    code = (_error(reply) or {}).get("code")
    return f" ({code})" if isinstance(code, str) and _WORD.fullmatch(code) else ""
