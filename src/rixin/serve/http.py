"""HTTP/1.1 on the server's side: one protocol object for each connection, parsed by llhttp.

A request is handed over when it is whole; the next one on the same connection waits until the
answer to it is out. Whoever leaves has the task of his request cancelled.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import httptools

from rixin.engine.wire import Round, Wire

REQUEST_S = 30.0
"""Seconds in which a request must have come in whole."""
IDLE_S = 75.0
"""Seconds that a connection may stand without a request."""
_LINGER_S = 2.0
_FIRST_S = 0.5
"""Seconds in which a caller who has come surely sends his first request."""
_HEAD_BYTES = 64 * 1024
_HIGH_WATER = 64 * 1024
_JSON = b"application/json"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_REASONS = {code.value: code.phrase.encode() for code in HTTPStatus}
_STATUS = {code: b"HTTP/1.1 %d %b\r\n" % (code, phrase) for code, phrase in _REASONS.items()}


class Request:
    """One request, and the way back."""

    __slots__ = (
        *("body", "chunked", "connection", "headers", "keep_alive", "method", "path", "query"),
        "size",
    )

    def __init__(self, connection: "HttpConnection") -> None:
        self.connection = connection
        self.method = self.path = self.query = ""
        self.headers: dict[bytes, bytes] = {}
        """By names in lower case."""
        self.body = b""
        self.size = 0
        self.keep_alive = self.chunked = True
        """HTTP/1.0 knows no chunks: there a stream ends with the connection."""

    @property
    def began(self) -> bool:
        """Whether some of the answer is out."""
        return self.connection.streaming

    def header(self, name: bytes) -> str:
        """A header's value, empty where it is not there."""
        return self.headers.get(name, b"").decode("latin-1").strip()

    def reply(
        self, status: int, body: bytes, extra: bytes = b"", content_type: bytes = _JSON
    ) -> None:
        """Sends the whole answer; `extra` holds further header lines, each with its line end."""
        close = self._close_line()
        shown = b"" if self.method == "HEAD" else body
        self.connection.put(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n%b"
            % (_STATUS[status], content_type, len(body), extra, close, shown)
        )
        self.connection.finish(self)

    def begin(self, extra: bytes = b"") -> None:
        """Begins an event stream."""
        if not self.chunked:
            self.keep_alive = False
        close = self._close_line()
        self.connection.streaming = True
        self.connection.put(
            b"%bcontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
            b"x-accel-buffering: no\r\n%b%b%b\r\n"
            % (_STATUS[200], _CHUNKED if self.chunked else b"", extra, close)
        )

    def _close_line(self) -> bytes:
        if self.connection.server.draining:
            self.keep_alive = False
        return b"" if self.keep_alive else b"connection: close\r\n"

    def write(self, data: bytes) -> None:
        """Sends some of a stream."""
        self.connection.put(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def end(self, last: bytes = b"") -> None:
        """Ends a stream."""
        if not self.chunked:
            tail = last
        elif last:
            tail = b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last)
        else:
            tail = b"0\r\n\r\n"
        self.connection.put(tail)
        self.connection.streaming = False
        self.connection.finish(self)

    async def drain(self) -> None:
        """Waits until a slow reader has taken most of what was sent."""
        waiter = self.connection.full
        if waiter is not None:
            await waiter


Handler = Callable[[Request], Awaitable[None]]
Refuse = Callable[[Request, int, str], None]


class Server:
    """What all connections share.

    Args:
        handler: Answers a request; it is cancelled when the caller leaves.
        refuse: Answers what never becomes a request: too large, no HTTP.
        body_bytes: Size of a body at most.
    """

    def __init__(self, handler: Handler, refuse: Refuse, *, body_bytes: int) -> None:
        self.handler, self.refuse, self.body_bytes = handler, refuse, body_bytes
        self.connections: set[HttpConnection] = set()
        self.draining = False
        self.round = Round()
        self.loop = asyncio.get_running_loop()

    def protocol(self) -> "HttpConnection":
        """A new connection."""
        return HttpConnection(self)

    def sweep(self) -> None:
        """Closes connections that stand idle, or whose request never becomes whole."""
        now = time.monotonic()
        for connection in tuple(self.connections):
            connection.sweep(now)

    async def drain(self, grace_s: float, *, hurry: Callable[[], bool]) -> None:
        """Answers what is under way, takes nothing new, and closes all connections."""
        self.draining = True
        end = self.loop.time() + grace_s
        while self.loop.time() < end and not hurry():
            now = time.monotonic()
            busy = [one for one in self.connections if one.is_busy(now)]
            for one in self.connections.difference(busy):
                one.close()
            if not busy:
                break
            await asyncio.sleep(0.01)
        for one in tuple(self.connections):
            one.close()
        await asyncio.sleep(0)


class HttpConnection(Wire):
    """One caller."""

    def __init__(self, server: Server) -> None:
        super().__init__(server.round)
        self.server = server
        self.streaming = False
        self.full: asyncio.Future[None] | None = None
        """Set while the caller reads too slowly."""
        self.task: asyncio.Task[None] | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._request: Request | None = None
        self._parts: list[bytes] = []
        self._head = 0
        self._waiting: deque[Request] = deque()
        self._since = time.monotonic()
        self._refused = self._served = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller came."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller left: nobody waits for the answer."""
        self.server.connections.discard(self)
        self._waiting.clear()
        self.resume_writing()
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        """The caller reads too slowly."""
        self.full = self.server.loop.create_future()

    def resume_writing(self) -> None:
        """The caller reads again, or never will."""
        full, self.full = self.full, None
        if full is not None and not full.done():
            full.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if self._refused:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # not taken up, as RFC 9110 §7.8 allows
            if self._request_alive is not None:
                self._request_alive.keep_alive = False
        except httptools.HttpParserError as error:
            self._refuse(400, f"this is not HTTP/1.1: {error}")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._request, self._parts, self._head = Request(self), [], 0
        self._since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Some of the target."""
        self._count(len(url))
        assert self._request is not None
        self._request.path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._count(len(name) + len(value))
        assert self._request is not None
        self._request.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The head is whole."""
        request = self._request
        assert request is not None
        request.method = self._parser.get_method().decode("latin-1")
        path, _, request.query = request.path.partition("?")
        request.path = path
        request.keep_alive = self._parser.should_keep_alive() and not self.server.draining
        request.chunked = self._parser.get_http_version() != "1.0"
        length = request.headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.server.body_bytes:
            self._too_large()
        elif request.headers.get(b"expect", b"").lower() == b"100-continue":
            self.put(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Some of the body."""
        request = self._request
        if request is None or self._refused:
            return
        request.size += len(data)
        if request.size > self.server.body_bytes:
            self._too_large()
        else:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """The request is whole."""
        request, self._request = self._request, None
        if request is None or self._refused:
            return
        request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        if self.task is None:
            self._start(request)
        else:
            self._waiting.append(request)
            if len(self._waiting) > 1 and self._transport is not None:
                self._transport.pause_reading()

    def is_busy(self, now: float) -> bool:
        """Whether a request is under way, or about to come: the caller has only just come."""
        if self.task is not None or self._request is not None:
            return True
        return not self._served and now - self._since < _FIRST_S

    def finish(self, request: Request) -> None:
        """The answer to a request is out."""
        self._served = True
        self._since = time.monotonic()
        self.task, self._request_alive = None, None
        if self._refused:
            self.linger()
        elif not request.keep_alive or self.server.draining:
            self.close()
        elif self._waiting:
            self._start(self._waiting.popleft())
            if self._transport is not None:
                self._transport.resume_reading()

    def sweep(self, now: float) -> None:
        """Closes what stands too long."""
        if self.task is not None:
            return
        if self._request is not None:
            if now - self._since > REQUEST_S:
                self._refuse(408, f"the request did not come in whole within {REQUEST_S:g} s")
        elif now - self._since > IDLE_S:
            self.close()

    _request_alive: Request | None = None

    def _start(self, request: Request) -> None:
        self._request_alive = request
        self.task = self.server.loop.create_task(self.server.handler(request))  # type: ignore[arg-type]

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > _HEAD_BYTES:
            self._refuse(431, f"the head of a request may have {_HEAD_BYTES:,} bytes")

    def _too_large(self) -> None:
        self._refuse(413, f"a body may have {self.server.body_bytes:,} bytes")

    def _refuse(self, status: int, why: str) -> None:
        if self._refused:
            return
        self._refused = True
        request = self._request or Request(self)
        request.keep_alive = False
        if self.task is not None:
            self.close()
            return
        self.server.refuse(request, status, why)

    def linger(self) -> None:
        """Closes after the caller had time to read: what he still sends is thrown away."""
        if self.is_closing:
            return
        assert self._transport is not None
        self.flush()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.server.loop.call_later(_LINGER_S, self.close)
