"""HTTP/1.1 client connections that stay open: one protocol object each, parsed by llhttp.

What comes back goes to a `Sink` as it comes, so that a stream is passed on without being held;
a whole reply is a sink that collects.
"""

import asyncio
import ssl
import time
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import httptools

from rixin.core.transport import TransportError
from rixin.engine.wire import Round, Wire

_CONNECT_S = 10.0
_IDLE_S = 4.0
"""Common servers close a connection that was idle for five seconds."""
_NO_BODY = frozenset({204, 304})
_HEAD_BYTES = 64 * 1024
"""Of everything in a reply that is no body: heads, also interim ones, lines of chunks, trailers."""
_MOST_FIELDS = 256
_PIECE = 64 * 1024
"""Bytes that are inflated at a time: a kilobyte may become a megabyte."""


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int
    tls: bool


class Sink(Protocol):
    """Takes a reply as it comes in."""

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Status and headers, by names in lower case."""

    def on_part(self, data: bytes) -> None:
        """Some of the body, in order."""

    def on_pause(self) -> None:
        """All parts that came at once were given."""

    def on_done(self) -> None:
        """The reply is whole."""

    def on_lost(self, error: TransportError) -> None:
        """No whole reply will come."""


@cache
def split_url(url: str) -> tuple[Address, str, str]:
    """Address, path with query, and the Host header of a URL.

    Raises:
        TransportError: It is no http or https address.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise TransportError(
            "connection", f"{url!r} is no address: {error}", asked=False
        ) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise TransportError("connection", f"{url!r} is no http or https address", asked=False)
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    place = parts.netloc.rpartition("@")[2]
    return Address(host, port or (443 if tls else 80), tls), path, place


class Connection(Wire):
    """One connection; it carries one request at a time."""

    def __init__(self, round_: Round) -> None:
        super().__init__(round_)
        self.idle_since = 0.0
        self.latency_s = 0.0
        self._parser: Any = httptools.HttpResponseParser(self)
        self._sink: Sink | None = None
        self._began = 0.0
        self._headers: dict[str, str] = {}
        self._status = 0
        self._until_close = False
        self._head = self._fields = self._open = 0
        """Bytes and fields of the head, and bytes of which the parser has told nothing yet."""
        self._inflate: zlib._Decompress | None = None
        self._packed = b""
        """What is to be inflated once whoever takes the reply is not slow any more."""
        self._paused = self._more = self._whole = self._keep = False

    @property
    def is_open(self) -> bool:
        """Whether it can carry another request."""
        return self._sink is None and not self.is_closing

    def is_fresh(self, now: float) -> bool:
        """Whether it was used so lately that the server has hardly closed it."""
        return self.is_open and now - self.idle_since < _IDLE_S

    def send(self, request: bytes, sink: Sink) -> None:
        """Sends a request; its reply goes to `sink`."""
        self._sink = sink
        self._until_close, self._inflate = False, None
        self._head = self._fields = self._open = 0
        self._packed = b""
        self._paused = self._more = self._whole = False
        self.put(request)

    def flush(self) -> None:
        """The request goes out."""
        self._began = time.perf_counter()
        super().flush()

    def pause(self) -> None:
        """Reads no more until `resume`: whoever takes the reply is slow."""
        self._paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        self._paused = False
        self._unpack()
        if self._transport is not None and not self._transport.is_closing() and not self._paused:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Closes at once; the sink hears nothing more."""
        self._sink = None
        super().abort()

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        if self._sink is None:  # nobody asked: such a connection is not to be trusted
            self.abort()
            return
        self._open += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._lose(_cause(error))
        if self._head + self._open > _HEAD_BYTES:
            self._lose(_endless_head())
        if self._sink is not None:
            self._sink.on_pause()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; it and its parser refer to each other, which ends here."""
        self._parser = None
        if self._sink is None:
            return
        if self._until_close and exc is None:
            self._until_close = False
            self._end(keep=False)
            return
        if self._whole:  # all of it is here, and only not handed on
            return
        what = "closed the connection before its reply was whole"
        self._lose(TransportError("connection", f"the server {what}"))

    def on_message_begin(self) -> None:
        """A reply begins, also an interim one: their heads count together."""
        self._headers, self._status = {}, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of the head, or of a trailer, which decides nothing and is dropped."""
        self._open = 0
        self._head += len(name) + len(value)
        self._fields += 1
        if self._head > _HEAD_BYTES or self._fields > _MOST_FIELDS:
            raise _endless_head()
        if not self._status:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._open = 0
        self._status = self._parser.get_status_code()
        if self._status < 200 or self._sink is None:
            return
        headers = self._headers
        sized = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "")
        self._until_close = not sized and self._status not in _NO_BODY
        self._inflate = _inflater(headers.get("content-encoding", ""))
        self._sink.on_head(self._status, headers)

    def on_body(self, data: bytes) -> None:
        """Some of the body."""
        self._open = 0
        if self._sink is None:
            return
        if self._inflate is None:
            self._sink.on_part(data)
        else:
            self._packed += data
            self._more = True
            self._unpack()

    def on_message_complete(self) -> None:
        """The reply is whole."""
        if self._status >= 200:
            self._end(keep=self._parser.should_keep_alive())
        else:
            self._head += len(b"HTTP/1.1 100")

    def _unpack(self) -> None:
        """Inflates what is there, a piece at a time, as fast as it is taken."""
        inflate = self._inflate
        try:
            while self._more and not self._paused and self._sink is not None and inflate:
                piece = inflate.decompress(self._packed, _PIECE)
                self._packed = inflate.unconsumed_tail
                self._more = len(piece) == _PIECE and not inflate.eof
                self._sink.on_part(piece)
                if self._more:
                    self._sink.on_pause()
        except (zlib.error, TransportError) as error:
            if isinstance(error, zlib.error):
                what = f"the compressed reply is broken: {error}"
                error = TransportError("connection", what)
            self._lose(error)
        if self._whole and not self._more:
            self._whole = False
            self._finish(keep=self._keep)

    def _end(self, *, keep: bool) -> None:
        """All of the reply has come in; some of it may have to be handed on."""
        if self._inflate is None:
            self._finish(keep=keep)
            return
        self._whole, self._keep = True, keep
        self._unpack()

    def _finish(self, *, keep: bool) -> None:
        sink, self._sink = self._sink, None
        self.latency_s = time.perf_counter() - self._began
        self.idle_since = time.monotonic()
        if not keep:
            self.close()
        if sink is not None:
            sink.on_done()

    def _lose(self, error: TransportError) -> None:
        sink = self._sink
        self.abort()
        if sink is not None:
            sink.on_lost(error)


def _cause(error: httptools.HttpParserError) -> TransportError:
    """What a parser's error comes from: what was wrong with a part of the reply, or its form."""
    if isinstance(error.__context__, TransportError):
        return error.__context__
    return TransportError("connection", f"what came back is not HTTP: {error}")


def _endless_head() -> TransportError:
    what = f"the head of a reply has more than {_HEAD_BYTES:,} bytes or {_MOST_FIELDS} fields"
    return TransportError("connection", what)


def _inflater(encoding: str) -> "zlib._Decompress | None":
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return zlib.decompressobj(zlib.MAX_WBITS | 32)
    if encoding not in {"", "identity"}:
        raise TransportError("connection", f"the reply is compressed as {encoding!r}, unasked")
    return None


async def open_connection(address: Address, round_: Round) -> Connection:
    """A new connection.

    Raises:
        TransportError: Nobody listens there, or it takes too long.
    """
    loop = asyncio.get_running_loop()
    place = f"{address.host}:{address.port}"
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, connection = await loop.create_connection(
                lambda: Connection(round_),
                address.host,
                address.port,
                ssl=_tls() if address.tls else None,
            )
    except TimeoutError as error:
        raise TransportError(
            "connection", f"{place} did not take the call in 10 s", asked=False
        ) from error
    except ssl.SSLError as error:
        raise TransportError(
            "connection", f"no safe connection to {place}: {error.reason}", asked=False
        ) from error
    except OSError as error:
        raise TransportError("connection", _why(address, error), asked=False) from error
    return connection


def _why(address: Address, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return f"nobody listens at {address.host}:{address.port}"
    if "Name or service" in str(error) or "name resolution" in str(error):
        return f"the host {address.host!r} is not known here"
    return f"no connection to {address.host}:{address.port}: {error.strerror or error}"


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
