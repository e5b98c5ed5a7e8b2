"""The sending side of connections, of the client's kind and of the server's."""

import asyncio
import logging

from rixin.core.traces import log_traceback

_log = logging.getLogger("rixin.engine")
_AT_ONCE = 16
"""Connections that send together, so that none waits long for the others."""


class RunningLoop:
    """The running event loop, looked up once for as long as it runs.

    Before Python 3.12 each look asks the system for the number of the process: on a virtual machine
    that takes as long as a hundred lines of Python.
    """

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        """The loop of whoever calls; all calls come from one thread at a time.

        Raises:
            RuntimeError: None is running.
        """
        loop = self._loop
        if loop is None or not loop.is_running():
            loop = self._loop = asyncio.get_running_loop()
        return loop


class Round:
    """What connections send in one round of the event loop: the first at once, the rest by some.

    Waking a process that sleeps costs more than sending to it. When the rest goes out back to
    back, whoever was woken by the first piece is still awake: at 64 connections a gateway answers
    a quarter more requests in the same time.
    """

    def __init__(self) -> None:
        self._running = RunningLoop()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where a round is under way."""
        self._waiting: list[Wire] = []

    def is_first(self) -> bool:
        """Whether nothing was sent in this round yet; from now on something was."""
        if self._loop is not None and self._loop.is_running():
            return False
        loop = self._running.get()
        self._loop, self._waiting = loop, []
        loop.call_soon(self._end)
        return True

    def add(self, wire: "Wire") -> None:
        """It sends at the end of this round, or with the next few."""
        self._waiting.append(wire)
        if len(self._waiting) >= _AT_ONCE:
            self._send()

    def _end(self) -> None:
        self._loop = None
        self._send()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for wire in waiting:
            try:
                wire.flush()
            except Exception as error:  # noqa: BLE001 - the others must not wait for ever
                log_traceback(_log, "a connection that cannot be written to is closed", error)
                wire.abort()


class Wire(asyncio.Protocol):
    """A connection that sends in rounds.

    Args:
        round_: Shared by all that should send together.
    """

    __slots__ = ("_round", "_transport", "_unsent")

    def __init__(self, round_: Round) -> None:
        self._transport: asyncio.Transport | None = None
        self._round = round_
        self._unsent: list[bytes] = []

    @property
    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport is None or self._transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The connection is there."""
        self._transport = transport

    def put(self, data: bytes) -> None:
        """Sends in this round."""
        unsent = self._unsent
        unsent.append(data)
        if len(unsent) > 1:
            return
        if self._round.is_first():
            self.flush()
        else:
            self._round.add(self)

    def flush(self) -> None:
        """Sends now what waits; nothing where the other side is gone."""
        unsent = self._unsent
        if not unsent:
            return
        self._unsent = []
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def close(self) -> None:
        """Closes when all is sent."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Closes at once; what waits is thrown away."""
        self._unsent.clear()
        if self._transport is not None:
            self._transport.abort()
