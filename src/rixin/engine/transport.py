"""The transport that the engine and the gateway share: a pool of plain HTTP/1.1 connections.

No retry, no redirect, no cookie, no proxy from the environment.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from functools import lru_cache

from rixin.core.transport import Reply, TransportError
from rixin.engine.connections import Address, Connection, Sink, open_connection, split_url
from rixin.engine.wire import Round

_MAX_REPLY = 32 * 1024 * 1024
_Head = tuple[tuple[str, str], ...]


class HttpTransport:
    """Pooled connections with keep-alive.

    Their number is not limited here: the engine's limits decide how many calls are under way, so
    that no call waits for a connection while its latency is measured.
    """

    def __init__(self) -> None:
        self._idle: dict[Address, deque[Connection]] = {}
        self._round = Round()

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Reply:
        """One POST; see `rixin.core.transport.Transport`."""
        return await self._whole("POST", url, headers, body, timeout_s)

    async def get(self, url: str, *, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """One GET; see `rixin.core.transport.Transport`."""
        return await self._whole("GET", url, headers, b"", timeout_s)

    async def begin(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, sink: Sink
    ) -> Connection:
        """Sends a request whose reply goes to `sink`; give the connection back with `release`.

        Raises:
            TransportError: There is no connection, or the URL is none.
        """
        address, path, host = split_url(url)
        head = _head(method, path, host, tuple(headers.items()))
        connection = self._take(address) or await open_connection(address, self._round)
        connection.send(b"%bContent-Length: %d\r\n\r\n" % (head, len(body)), body, sink)
        return connection

    def release(self, url: str, connection: Connection) -> None:
        """Keeps a connection for the next request, or closes it where its reply is not whole."""
        if connection.is_open:
            self._idle.setdefault(split_url(url)[0], deque()).append(connection)
        else:
            connection.abort()

    async def close(self) -> None:
        """Closes all idle connections; may be called twice."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # the loop closes the sockets in its next round

    def _take(self, address: Address) -> Connection | None:
        """The connection that was used last; those that stood too long are closed."""
        idle, now = self._idle.get(address), time.monotonic()
        while idle:
            connection = idle.pop()
            if connection.is_fresh(now):
                return connection
            connection.abort()
        return None

    async def _whole(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Reply:
        sink = _Whole(timeout_s)
        try:
            sink.connection = await self.begin(method, url, headers, body, sink)
            return await sink.reply()
        finally:
            sink.stop()
            if sink.connection is not None:
                self.release(url, sink.connection)


class _Whole:
    """Collects a reply."""

    def __init__(self, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.connection: Connection | None = None
        self._timeout_s = timeout_s
        self._done: asyncio.Future[None] = loop.create_future()
        self._timer = loop.call_later(timeout_s, self._late)
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0

    async def reply(self) -> Reply:
        await self._done
        assert self.connection is not None
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return Reply(self._status, self._headers, body, self.connection.latency_s)

    def stop(self) -> None:
        self._timer.cancel()
        if self.connection is not None and not self._done.done():
            self.connection.abort()

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        self._status, self._headers = status, headers
        if int(headers.get("content-length") or 0) > _MAX_REPLY:
            raise _too_large()

    def on_part(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size > _MAX_REPLY:
            raise _too_large()

    def on_pause(self) -> None:
        pass

    def on_done(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def on_lost(self, error: TransportError) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _late(self) -> None:
        if not self._done.done():
            late = TransportError("timeout", f"no whole reply in {self._timeout_s:g} s")
            self._done.set_exception(late)
            if self.connection is not None:
                self.connection.abort()


def _too_large() -> TransportError:
    return TransportError("connection", f"a reply of more than {_MAX_REPLY:,} bytes is too large")


@lru_cache(maxsize=256)
def _head(method: str, path: str, host: str, headers: _Head) -> bytes:
    """The request's head without its length: the same for all calls of a solver."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: rixin"]
    lines += [f"{name}: {value}" for name, value in headers]
    if any("\r" in line or "\n" in line for line in lines):
        raise TransportError("connection", "a header holds a line break")
    return ("\r\n".join(lines) + "\r\n").encode("latin-1", "replace")


async def measure_lag(seen: list[float], *, every_s: float = 0.1) -> None:
    """Notes in `seen[0]` the longest delay of the event loop, in seconds, until cancelled.

    Overload of our own process makes every latency look longer; the report must say so.
    """
    while True:
        begin = time.perf_counter()
        await asyncio.sleep(every_s)
        seen[0] = max(seen[0], time.perf_counter() - begin - every_s)
