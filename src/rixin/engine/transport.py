"""The transport that the engine and the gateway share: a pool of plain HTTP/1.1 connections.

No retry, no redirect, no cookie, no proxy from the environment.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from functools import lru_cache
from typing import Any

from rixin.core.traces import log_traceback
from rixin.core.transport import Reply, TransportError
from rixin.engine.connections import Address, Connection, Sink, open_connection, split_url
from rixin.engine.wire import Round, RunningLoop

_MAX_REPLY = 32 * 1024 * 1024
_LOOK_S = 0.02
"""How often it is looked for calls that take too long."""
_log = logging.getLogger("rixin.engine")
_Head = tuple[tuple[str, str], ...]


class HttpTransport:
    """Pooled connections with keep-alive.

    Their number is not limited here: the engine's limits decide how many calls are under way, so
    that no call waits for a connection while its latency is measured.
    """

    def __init__(self) -> None:
        self._idle: dict[Address, deque[Connection]] = {}
        self._round = Round()
        self._running = RunningLoop()
        self._late = _Lateness()

    def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Coroutine[Any, Any, Reply]:
        """One POST; see `rixin.core.transport.Transport`."""
        return self._whole("POST", url, headers, body, timeout_s)

    def get(
        self, url: str, *, headers: Mapping[str, str], timeout_s: float
    ) -> Coroutine[Any, Any, Reply]:
        """One GET; see `rixin.core.transport.Transport`."""
        return self._whole("GET", url, headers, b"", timeout_s)

    async def begin(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, sink: Sink
    ) -> Connection:
        """Sends a request whose reply goes to `sink`; give the connection back with `release`.

        Raises:
            TransportError: There is no connection, or the URL is none.
        """
        address, head = _head(method, url, tuple(headers.items()))
        connection = self._take(address) or await open_connection(address, self._round)
        connection.send(b"%b%d\r\n\r\n%b" % (head, len(body), body), sink)
        return connection

    def release(self, url: str, connection: Connection) -> None:
        """Keeps a connection for the next request, or closes it where its reply is not whole."""
        if connection.is_open:
            idle = self._idle.get(split_url(url)[0])
            if idle is None:
                idle = self._idle[split_url(url)[0]] = deque()
            idle.append(connection)
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
        loop = self._running.get()
        sink = _Whole(timeout_s, loop)
        late, done = self._late, sink.done
        late.watch(sink, loop)
        try:
            sink.connection = await self.begin(method, url, headers, body, sink)
            await done
        finally:
            late.forget(sink)
            connection = sink.connection
            if connection is not None:
                if not done.done():
                    connection.abort()
                self.release(url, connection)
        parts = sink.parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return Reply(sink.status, sink.headers, body, connection.latency_s)


class _Whole:
    """Collects a reply."""

    __slots__ = ("_size", "connection", "done", "due", "headers", "parts", "status", "timeout_s")

    def __init__(self, timeout_s: float, loop: asyncio.AbstractEventLoop) -> None:
        self.connection: Connection | None = None
        self.done: asyncio.Future[None] = loop.create_future()
        self.timeout_s = timeout_s
        self.due = time.monotonic() + timeout_s
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.parts: list[bytes] = []
        self._size = 0

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.headers = status, headers
        if int(headers.get("content-length") or 0) > _MAX_REPLY:
            raise _too_large()

    def on_part(self, data: bytes) -> None:
        self.parts.append(data)
        self._size += len(data)
        if self._size > _MAX_REPLY:
            raise _too_large()

    def on_pause(self) -> None:
        pass

    def on_done(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def on_lost(self, error: TransportError) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def end(self) -> None:
        """No whole reply came in time."""
        self.on_lost(TransportError("timeout", f"no whole reply in {self.timeout_s:g} s"))
        if self.connection is not None:
            self.connection.abort()


class _Lateness:
    """Ends calls that take too long: one timer for all of them, as long as there are any."""

    def __init__(self) -> None:
        self._under_way: set[_Whole] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where the timer runs."""

    def watch(self, sink: _Whole, loop: asyncio.AbstractEventLoop) -> None:
        self._under_way.add(sink)
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(_LOOK_S, self._look)

    def forget(self, sink: _Whole) -> None:
        self._under_way.discard(sink)

    def _look(self) -> None:
        now = time.monotonic()
        for sink in [one for one in self._under_way if one.due <= now]:
            try:
                sink.end()
            except Exception as error:  # noqa: BLE001 - the timer of all others must go on
                self._under_way.discard(sink)
                log_traceback(_log, "a call that is late cannot be ended", error)
        loop, self._loop = self._loop, None
        if self._under_way and loop is not None:
            self._loop = loop
            loop.call_later(_LOOK_S, self._look)


def _too_large() -> TransportError:
    return TransportError("connection", f"a reply of more than {_MAX_REPLY:,} bytes is too large")


@lru_cache(maxsize=256)
def _head(method: str, url: str, headers: _Head) -> tuple[Address, bytes]:
    """Where to, and the head up to its length: the same for all calls of a solver."""
    address, path, host = split_url(url)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "User-Agent: rixin"]
    lines += [f"{name}: {value}" for name, value in headers]
    if any("\r" in line or "\n" in line for line in lines):
        raise TransportError("connection", "a header holds a line break", asked=False)
    lines.append("Content-Length: ")
    return address, "\r\n".join(lines).encode("latin-1", "replace")


async def measure_lag(seen: list[float], *, every_s: float = 0.1) -> None:
    """Notes in `seen[0]` the longest delay of the event loop, in seconds, until cancelled.

    Overload of our own process makes every latency look longer; the report must say so.
    """
    while True:
        begin = time.perf_counter()
        await asyncio.sleep(every_s)
        seen[0] = max(seen[0], time.perf_counter() - begin - every_s)
