"""The transport on aiohttp; the only module that knows which HTTP client we use."""

import asyncio
import time
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from rixin.core.transport import Reply, TransportError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession, ClientTimeout

_MAX_REPLY = 32 * 1024 * 1024
_CONNECT_S = 10.0


class AiohttpTransport:
    """Pooled HTTP/1.1 with keep-alive; no retry, no redirect, no proxy from the environment.

    The number of connections is not limited here: the engine's limits decide how many calls
    are under way, so that no call waits for a connection while its latency is measured.
    """

    def __init__(self) -> None:
        self._session: ClientSession | None = None

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Reply:
        """One POST; see `rixin.core.transport.Transport`."""
        return await self._request("POST", url, headers, body, timeout_s)

    async def get(self, url: str, *, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """One GET; see `rixin.core.transport.Transport`."""
        return await self._request("GET", url, headers, None, timeout_s)

    async def close(self) -> None:
        """Closes all connections; may be called twice."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout_s: float,
    ) -> Reply:
        import aiohttp

        session, timeout = self._open(), _timeout(timeout_s)
        begin = time.perf_counter()
        try:
            async with session.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                data = await _read(response)
                latency = time.perf_counter() - begin
        except TimeoutError as error:
            raise TransportError("timeout", f"no whole reply in {timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportError("connection", f"{type(error).__name__}: {error}") from error
        return Reply(response.status, response.headers, data, latency)

    def _open(self) -> "ClientSession":
        if self._session is None:
            import aiohttp

            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=30)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "rixin"},
            )
        return self._session


async def _read(response: "ClientResponse") -> bytes:
    """The whole body; one without end must not fill the memory."""
    known = None if "Content-Encoding" in response.headers else response.content_length
    if known is not None and known <= _MAX_REPLY:
        return await response.read()
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > _MAX_REPLY:
            raise TransportError("connection", f"a reply of {size} bytes or more is too large")
    return b"".join(parts)


@cache
def _timeout(total_s: float) -> "ClientTimeout":
    import aiohttp

    return aiohttp.ClientTimeout(total=total_s, sock_connect=min(total_s, _CONNECT_S))


async def measure_lag(seen: list[float], *, every_s: float = 0.1) -> None:
    """Notes in `seen[0]` the longest delay of the event loop, in seconds, until cancelled.

    Overload of our own process makes every latency look longer; the report must say so.
    """
    while True:
        begin = time.perf_counter()
        await asyncio.sleep(every_s)
        seen[0] = max(seen[0], time.perf_counter() - begin - every_s)
