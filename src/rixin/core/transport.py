"""The one seam to the network: a transport posts bytes and gives bytes back, with times.

The engine implements it with a pool of plain connections, which the gateway uses, too. Solvers and tests
see only this protocol.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Reply(NamedTuple):
    """One HTTP reply, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Looked up by names in lower case."""
    body: bytes
    latency_s: float
    """Seconds from the request's first byte out to the reply's last byte in, at the socket."""


class TransportError(Exception):
    """No whole reply came.

    Args:
        kind: `timeout` or `connection`.
        message: What happened, in words.
        asked: Whether the server may have heard the request, and bill it.
    """

    def __init__(self, kind: str, message: str, *, asked: bool = True) -> None:
        super().__init__(message)
        self.kind = kind
        self.asked = asked


class Transport(Protocol):
    """Posts a body to a URL."""

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Reply:
        """One POST without any retry.

        Raises:
            TransportError: No whole reply came.
        """

    async def get(self, url: str, *, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """One GET without any retry.

        Raises:
            TransportError: No whole reply came.
        """

    async def close(self) -> None:
        """Closes all connections."""
