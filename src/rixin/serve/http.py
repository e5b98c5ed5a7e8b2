"""HTTP/1.1 on the server's side: one protocol object for each connection, parsed by llhttp.

A request is handed over when it is whole; what follows on the same connection is looked at when the
answer to it is out and taken. Whoever leaves has the task of his request cancelled.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import httptools

from rixin.core.traces import log_traceback
from rixin.engine.wire import Round, Wire
from rixin.serve.bounds import Bounds, Crowd, Held, Hosts
from rixin.serve.errors import Refusal

REQUEST_S = 30.0
"""Seconds in which a request must have come in whole."""
IDLE_S = 75.0
"""Seconds that a connection may stand without a request."""
STALL_S = 30.0
"""Seconds after which a caller is cut who takes nothing of what was sent."""
HEAD_BYTES = 64 * 1024
MOST_FIELDS = 128
_LINGER_S = 2.0
_FIRST_S = 0.5
"""Seconds in which a caller who has come surely sends his first request."""
_HIGH_WATER = 4 * 1024
"""Beyond it an answer counts as not taken; what the kernel holds comes before."""
_SLICE = 4 * 1024
"""Bytes that are parsed at a time where it is not known how far the request goes."""
_REQUEST_COST = 512
"""Bytes that a parsed request takes beside its own."""
_JSON = b"application/json"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = {code.value: b"HTTP/1.1 %d %b\r\n" % (code, code.phrase.encode()) for code in HTTPStatus}
_ONCE = frozenset({b"authorization", b"content-length", b"host"})
"""Fields that decide who asks whom, and where a request ends."""
_ABSOLUTE = re.compile(r"https?://(?:[^/?@]*@)?([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_KNOWN_HOSTS = 64
_log = logging.getLogger("rixin.serve")
_OPEN, _STREAMING, _ANSWERED = range(3)


class AnsweredTwice(RuntimeError):
    """Something would have been sent that is no part of the answer to its request.

    The connection is closed: on it every later answer would be taken for that of another request.
    """


class Request:
    """One request, and the way back: it is answered once, by `reply` or by `begin` … `end`."""

    __slots__ = (
        *(
            "body",
            "caller",
            "chunked",
            "connection",
            "endpoint",
            "headers",
            "keep_alive",
            "keeps_body",
        ),
        *("method", "most", "path", "query", "refusal", "size", "stage"),
    )

    def __init__(self, connection: "HttpConnection") -> None:
        self.connection = connection
        self.method = self.path = self.query = ""
        self.headers: dict[bytes, bytes] = {}
        """By names in lower case."""
        self.body = b""
        self.size = 0
        """Of the body, as far as it has come."""
        self.most = connection.server.bounds.body_bytes
        """Size of the body at most."""
        self.keeps_body = True
        """False: nobody reads the body, so it is thrown away as it comes."""
        self.keep_alive = self.chunked = True
        """HTTP/1.0 knows no chunks: there a stream ends with the connection."""
        self.caller: Any = None
        """Who asks, once `Server.admit` has found out."""
        self.endpoint: Any = None
        """What answers it, the same."""
        self.refusal: Refusal | None = None
        self.stage = _OPEN

    @property
    def began(self) -> bool:
        """Whether a stream is under way."""
        return self.stage == _STREAMING

    @property
    def is_answered(self) -> bool:
        """Whether the whole answer is out."""
        return self.stage == _ANSWERED

    def header(self, name: bytes) -> str:
        """A header's value, empty where it is not there."""
        return self.headers.get(name, b"").decode("latin-1").strip()

    def reply(
        self, status: int, body: bytes, extra: bytes = b"", content_type: bytes = _JSON
    ) -> None:
        """Sends the whole answer; `extra` holds further header lines, each with its line end.

        Raises:
            AnsweredTwice: There is an answer already.
        """
        self._check(_OPEN)
        close = self._close_line()
        shown = b"" if self.method == "HEAD" else body
        answer = b"%bcontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n%b" % (
            *(_STATUS.get(status) or b"HTTP/1.1 %d \r\n" % status, content_type, len(body)),
            *(extra, close, shown),
        )
        self.stage = _ANSWERED
        self.connection.put(answer)
        self.connection.finish(self)

    def begin(self, extra: bytes = b"") -> None:
        """Begins an event stream.

        Raises:
            AnsweredTwice: There is an answer already.
        """
        self._check(_OPEN)
        if not self.chunked:
            self.keep_alive = False
        close = self._close_line()
        head = (
            b"%bcontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
            b"x-accel-buffering: no\r\n%b%b%b\r\n"
        ) % (_STATUS[200], _CHUNKED if self.chunked else b"", extra, close)
        self.stage = _STREAMING
        self.connection.put(head)

    def _close_line(self) -> bytes:
        if self.connection.server.draining:
            self.keep_alive = False
        return b"" if self.keep_alive else b"connection: close\r\n"

    def write(self, data: bytes) -> None:
        """Sends some of a stream.

        Raises:
            AnsweredTwice: No stream is under way.
        """
        self._check(_STREAMING)
        self.connection.put(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def end(self, last: bytes = b"") -> None:
        """Ends a stream.

        Raises:
            AnsweredTwice: No stream is under way.
        """
        self._check(_STREAMING)
        if not self.chunked:
            tail = last
        elif last:
            tail = b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last)
        else:
            tail = b"0\r\n\r\n"
        self.stage = _ANSWERED
        self.connection.put(tail)
        self.connection.finish(self)

    def give_up(self) -> None:
        """Closes the connection where the answer is not whole: nothing else may follow it."""
        if self.stage != _ANSWERED:
            self.connection.abort()

    async def drain(self) -> None:
        """Waits until a slow reader has taken most of what was sent."""
        waiter = self.connection.full
        if waiter is not None:
            await waiter

    def _check(self, stage: int) -> None:
        if self.stage != stage:
            self.connection.abort()
            what = ("has no stream", "is being streamed", "is out")[self.stage]
            raise AnsweredTwice(f"the answer to {self.method} {self.path[:200]} {what}")


Handler = Callable[[Request], Awaitable[None]]
Admit = Callable[[Request], None]
Refuse = Callable[[Request, Refusal], None]


class Server:
    """What all connections share.

    Args:
        handler: Answers a request; it is cancelled when the caller leaves.
        admit: Looks at a head before the body is read. It may set `caller`,
            `endpoint`, `most` and `keeps_body`, or raise a `Refusal`.
        refuse: Answers what never becomes a request: turned away, too large, no HTTP.
        bounds: How much connections may hold.
        hosts: Names by which this server may be asked for.
    """

    def __init__(
        self, handler: Handler, admit: Admit, refuse: Refuse, *, bounds: Bounds, hosts: Hosts
    ) -> None:
        self.handler, self.admit, self.refuse = handler, admit, refuse
        self.bounds, self.hosts = bounds, hosts
        self.known_hosts: set[bytes | None] = set()
        """Values of the field that were looked at, so that most requests cost one look."""
        self.connections: Crowd[HttpConnection] = Crowd(bounds.connections)
        self.held: Held[HttpConnection] = Held(bounds.held_bytes)
        self.keyed: Held[HttpConnection] = Held(bounds.keyed_bytes)
        self.bodies = 0
        """Bytes of all bodies that are held."""
        self.draining = False
        self.round = Round()
        self.loop = asyncio.get_running_loop()

    def protocol(self) -> "HttpConnection":
        """A new connection."""
        return HttpConnection(self)

    def check_host(self, request: Request, host: bytes | None) -> None:
        """Looks at the name by which the server is asked for.

        Raises:
            Refusal: It is missing, or no name of this server.
        """
        if host is None:
            if request.chunked:  # HTTP/1.0 has no such field
                raise Refusal(400, "a request of HTTP/1.1 names its Host", "bad_request")
        elif host not in self.hosts:
            shown = host[:100].decode("latin-1")
            raise Refusal(
                421,
                f"this gateway is not {shown!r}: its operator can allow the name with"
                " rixin serve --allowed-host",
                "misdirected_request",
            )
        elif len(self.known_hosts) < _KNOWN_HOSTS:
            self.known_hosts.add(host)

    def sweep(self) -> None:
        """Closes connections that stand idle, take nothing, or whose request never gets whole."""
        now = time.monotonic()
        for connection in self.connections:
            connection.sweep(now)

    async def drain(self, grace_s: float, *, hurry: Callable[[], bool]) -> None:
        """Answers what is under way, takes nothing new, and closes all connections."""
        self.draining = True
        end = self.loop.time() + grace_s
        while self.loop.time() < end and not hurry():
            now = time.monotonic()
            busy = False
            for connection in self.connections:
                if connection.is_busy(now):
                    busy = True
                else:
                    connection.close()
            if not busy:
                break
            await asyncio.sleep(0.01)
        for connection in self.connections:
            connection.close()
        await asyncio.sleep(0)


class HttpConnection(Wire):
    """One caller."""

    __slots__ = (
        *("__weakref__", "_backlog", "_closer", "_continue", "_head", "_held_by"),
        *("_left", "_open", "_parser", "_parts", "_refused", "_request", "_served", "_since"),
        *("_taken_at", "_unsent_before", "_waiting", "address", "current", "full", "server"),
        "task",
    )

    def __init__(self, server: Server) -> None:
        super().__init__(server.round)
        self.server: Server = server
        self.address = ""
        """Of the caller."""
        self.full: asyncio.Future[None] | None = None
        """Set while the caller reads too slowly."""
        self.current: Request | None = None
        """The one that is being answered."""
        self.task: asyncio.Task[None] | None = None
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._request: Request | None = None
        """The one that is coming in."""
        self._parts: list[bytes] = []
        self._open = 0
        """Bytes since a request began, its head was whole, or some of its body came: all that is no
        body, whether the parser has told of it or a line has no end."""
        self._head = 0
        """Bytes of the head, once it is whole."""
        self._left = 0
        """Bytes of the body that are still to come; 0 where that is not known."""
        self._waiting: list[Request] = []
        self._backlog = b""
        """What came in behind the request that is being answered."""
        self._held_by = server.held
        self._since = self._taken_at = time.monotonic()
        self._unsent_before = 0
        self._continue = self._refused = self._served = False
        self._closer: asyncio.TimerHandle | None = None

    @property
    def is_answering(self) -> bool:
        """Whether an answer is under way."""
        return self.current is not None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller came."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        if not self.server.connections.add(self):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller left: nobody waits for the answer, and all that he sent is let go.

        Connection and parser refer to each other, as do connection and request: without this
        they would stay until the cycle collector runs, which here is seldom.
        """
        server = self.server
        server.connections.remove(self)
        self._held_by.note(self, 0)
        for request in (self.current, self._request, *self._waiting):
            self._release(request)
        self._drop_input()
        self._waiting, self._unsent = [], []
        self._parser = self._transport = None
        self.resume_writing()
        self.current = None
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
        closer, self._closer = self._closer, None
        if closer is not None:
            closer.cancel()

    def abort(self) -> None:
        """Closes at once; what waits is thrown away, and what still comes, too."""
        self._refused = True
        super().abort()

    def pause_writing(self) -> None:
        """The caller reads too slowly."""
        self.full = self.server.loop.create_future()
        self._note_held()

    def resume_writing(self) -> None:
        """The caller reads again, or never will."""
        full, self.full = self.full, None
        if full is not None and not full.done():
            full.set_result(None)
        if not self.is_closing:
            if self.current is None:
                self._next()
            self._note_held()

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if self._refused:
            return
        if self.current is None and self.full is None and len(data) <= _SLICE:
            self._feed(data)
        else:
            self._backlog += data
            self._read_on()
        if self._request is not None or self._backlog or self._waiting:
            self._note_held()

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._refused:
            return
        self._request, self._parts = Request(self), []
        self._head = self._open = self._left = 0
        self._continue = False
        self._since = time.monotonic()

    def on_url(self, url: bytes) -> None:
        """Some of the target."""
        if self._request is not None:
            self._request.path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of the head, or of a trailer, which decides nothing and is dropped."""
        request = self._request
        if request is None or request.method:
            return
        name = name.lower()
        if name in request.headers and name in _ONCE:
            what = name.decode("latin-1")
            self._refuse(Refusal(400, f"the field {what} is there twice", "bad_request"))
        request.headers[name] = value

    def on_headers_complete(self) -> None:
        """The head is whole."""
        request, parser = self._request, self._parser
        if request is None or parser is None:
            return
        self._head, self._open = self._open, 0
        if len(request.headers) > MOST_FIELDS:
            self._too_long()
            return
        request.method = parser.get_method().decode("latin-1")
        request.keep_alive = parser.should_keep_alive() and not self.server.draining
        request.chunked = parser.get_http_version() != "1.0"
        try:
            self._take_target(request)
            self._admit(request)
        except Refusal as refusal:
            self._refuse(refusal)
            return
        if request.chunked and request.headers.get(b"expect", b"").lower() == b"100-continue":
            self._continue = True
            self._say_continue()

    def on_body(self, data: bytes) -> None:
        """Some of the body."""
        request = self._request
        if request is None:
            return
        self._open = 0
        size = len(data)
        if self._left:
            self._left -= size
        if request.size + size > request.most:
            self._refuse(_too_large(request.most))
            return
        request.size += size
        if request.keeps_body:
            self.server.bodies += size
            self._parts.append(data)
            if self.server.bodies > self.server.bounds.bodies_bytes:
                self._refuse(_too_many_bodies())

    def on_message_complete(self) -> None:
        """The request is whole."""
        request, self._request = self._request, None
        if request is None:
            return
        self._open = self._left = 0
        self._continue = False
        request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        self._start(request)

    def is_busy(self, now: float) -> bool:
        """Whether a request is under way, or about to come: the caller has only just come."""
        if self.current is not None or self._request is not None:
            return True
        return not self._served and now - self._since < _FIRST_S

    def finish(self, request: Request) -> None:
        """The answer to a request is out."""
        if self._parser is None:  # the caller has left
            return
        self._release(request)
        self._served = True
        self._since = time.monotonic()
        self.task = self.current = None
        if request.refusal is not None:
            self.linger()
        elif not request.keep_alive or self.server.draining:
            self.close()
        elif self.full is None and (self._waiting or self._backlog or self._continue):
            self._next()

    def sweep(self, now: float) -> None:
        """Closes what stands too long."""
        if self._is_stuck(now):
            self.abort()
        elif not self._may_start() or self.is_closing:
            return
        elif self._request is not None or self._open:
            if now - self._since > REQUEST_S:
                why = f"the request did not come in whole within {REQUEST_S:g} s"
                self._refuse(Refusal(408, why, "request_timeout"))
        elif now - self._since > IDLE_S:
            self.close()

    def linger(self) -> None:
        """Closes after the caller had time to read: what he still sends is thrown away.

        A server that fills up does not wait.
        """
        self._refused = True
        if self._transport is None or self.is_closing:
            return
        if len(self.server.connections) > self.server.connections.most // 2:
            self.close()
            return
        self.flush()
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._closer = self.server.loop.call_later(_LINGER_S, self.close)

    def _feed(self, data: bytes) -> None:
        self._open += len(data)
        try:
            self._parser.feed_data(data)  # type: ignore[union-attr]
        except httptools.HttpParserUpgrade:  # not taken up, as RFC 9110 §7.8 allows
            last = self._last()
            if last is not None:
                last.keep_alive = False
        except httptools.HttpParserCallbackError as error:
            log_traceback(_log, "the head of a request failed inside the gateway", error)
            broken = "the gateway failed; its log says why"
            self._refuse(Refusal(500, broken, "internal_error"))
        except httptools.HttpParserError as error:
            self._refuse(Refusal(400, f"this is not HTTP/1.1: {error}", "bad_request"))
        if self._open > HEAD_BYTES or (
            self._request is not None and len(self._request.headers) > MOST_FIELDS
        ):
            self._too_long()

    def _read_on(self) -> None:
        """Takes what came in up to the end of a request: the next one waits for its answer."""
        data, place = self._backlog, 0
        self._backlog = b""
        while place < len(data) and not self._refused and self._may_start():
            size = self._left or _SLICE
            self._feed(data[place : place + size])
            place += size
        if self._refused:
            return
        self._backlog = data[place:]
        transport = self._transport
        if transport is not None and not transport.is_closing():
            # A little more is read all the same: else it would not be seen that a caller leaves.
            if len(self._backlog) > _SLICE:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def _may_start(self) -> bool:
        return self.current is None and self.full is None

    def _next(self) -> None:
        """Goes on behind an answer that is out and taken."""
        if self._waiting:
            self._start(self._waiting.pop(0))
            return
        self._say_continue()
        if self._backlog:
            self._read_on()
        if self._backlog or self._request is not None:
            self._note_held()

    def _start(self, request: Request) -> None:
        if self.current is not None or self.full is not None:
            self._waiting.append(request)
            return
        self.current = request
        if request.refusal is not None:
            self.server.refuse(request, request.refusal)
        else:
            self.task = self.server.loop.create_task(self.server.handler(request))  # type: ignore[arg-type]

    def _take_target(self, request: Request) -> None:
        target = request.path
        if target[:1] != "/" and (absolute := _ABSOLUTE.fullmatch(target)):
            # The form that is sent to proxies; it names the host (RFC 9112 §3.2.2).
            request.headers[b"host"] = absolute[1].encode("latin-1")
            target = "/" + absolute[2].removeprefix("/")
        request.path, _, request.query = target.partition("?")

    def _admit(self, request: Request) -> None:
        """Looks at a head before any of the body is kept."""
        server, headers = self.server, request.headers
        host = headers.get(b"host")
        if host not in server.known_hosts:
            server.check_host(request, host)
        server.admit(request)
        if request.caller is not None and self._held_by is not server.keyed:
            self._held_by.note(self, 0)
            self._held_by = server.keyed
        length = headers.get(b"content-length")
        if length is not None:
            self._left = int(length)
            if self._left > request.most:
                raise _too_large(request.most)

    def _say_continue(self) -> None:
        """Tells who asked that the body may come; never into an answer that is under way."""
        if self._continue and self._may_start() and not self._waiting:
            self._continue = False
            self.put(_CONTINUE)

    def _refuse(self, refusal: Refusal) -> None:
        """Answers no, when it is its turn, and takes nothing more."""
        if self._refused:
            return
        self._refused = True
        request = self._request or Request(self)
        self._release(request)
        self._drop_input()
        last = self._last()
        if last is not None and not last.keep_alive:
            return  # whatever comes behind the last request is no request
        # Frames of a traceback hold what came in, and refer back to the request.
        refusal.__traceback__ = refusal.__context__ = refusal.__cause__ = None
        request.refusal, request.keep_alive = refusal, False
        self._start(request)

    def _drop_input(self) -> None:
        self._request, self._parts, self._backlog = None, [], b""
        self._open = self._left = 0

    def _last(self) -> Request | None:
        """The newest request that is whole and not answered yet."""
        return self._waiting[-1] if self._waiting else self.current

    def _release(self, request: Request | None) -> None:
        """Its body counts no more."""
        if request is not None:
            if request.keeps_body:
                self.server.bodies -= request.size
            request.size = 0

    def _too_long(self) -> None:
        why = f"the head of a request may have {HEAD_BYTES:,} bytes and {MOST_FIELDS} fields"
        self._refuse(Refusal(431, why, "request_head_too_large"))

    def _note_held(self) -> None:
        size = len(self._backlog) + _REQUEST_COST * len(self._waiting)
        if self._request is not None:
            size += self._head + self._open + _REQUEST_COST
        if self.full is not None and self._transport is not None:
            size += self._transport.get_write_buffer_size()
        self._held_by.note(self, size)

    def _is_stuck(self, now: float) -> bool:
        """Whether the caller has taken nothing for a while of what was sent to him."""
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        before, self._unsent_before = self._unsent_before, unsent
        waits = self.full is not None or self.is_closing
        if not waits or not before or unsent < before:
            self._taken_at = now
        return now - self._taken_at > STALL_S


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the body of this request may have {most:,} bytes", "request_too_large")


def _too_many_bodies() -> Refusal:
    why = "this gateway holds as many requests as it may at the moment"
    return Refusal(503, why, "overloaded", retry_after_s=2.0)
