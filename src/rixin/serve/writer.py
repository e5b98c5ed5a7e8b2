"""The process that commits a worker's rows.

A worker forks it before its event loop begins and talks to it over a pair of sockets: rows as
lines one way, how many are on the disk the other way. It ends when the worker has: what the worker
had handed over is committed also after a kill -9.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from rixin.ledger.requests import Row
from rixin.ledger.store import Ledger
from rixin.serve.committer import Committer

_BUFFER = 4 << 20
_MOST_FILES = 4_096
_encode = msgspec.json.Encoder().encode


class News(NamedTuple):
    """What the process says."""

    written: int
    """Rows that are on the disk now, the oldest ones."""
    fault: str
    """Why the others are not; empty: nothing speaks against it."""


_news = msgspec.json.Decoder(News)
_text = msgspec.json.Decoder(str)


class Writer:
    """The worker's side. To be made before any ledger is open in this process, and any thread runs.

    Args:
        ledger: Where rows go.
        gather_s: How long rows gather in the process.
    """

    def __init__(self, ledger: Path, *, gather_s: float) -> None:
        self.channel, theirs = socket.socketpair()
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._unsent = bytearray()
        self._heard = b""
        gc.freeze()  # what both have is looked at no more, and so stays shared
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _be_writer(theirs, ledger, gather_s)
            except BaseException as error:  # noqa: BLE001 - nothing may reach the worker's code
                print(f"the process that writes rows: {error}", file=sys.stderr)  # noqa: T201
                os._exit(1)
            os._exit(0)
        theirs.close()
        self.channel.setblocking(False)

    def put(self, rows: Sequence[Row]) -> None:
        """Rows that shall be committed; `push` sends them."""
        for facts, content in rows:
            self._unsent += facts
            if content is not None:
                self._unsent += b"\t"
                self._unsent += _encode(content)
            self._unsent += b"\n"

    def push(self) -> bool:
        """Sends as much as the process takes now; gives whether that is all."""
        try:
            while self._unsent:
                del self._unsent[: self.channel.send(self._unsent)]
        except BlockingIOError:
            return False
        except OSError:  # it is gone, which `news` tells
            self._unsent.clear()
        return True

    def news(self) -> list[News] | None:
        """What it has said meanwhile; None: it is gone."""
        try:
            data = self.channel.recv(1 << 16)
        except BlockingIOError:
            return []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._heard = (self._heard + data).split(b"\n")
        return [_news.decode(line) for line in lines]

    def finish(self) -> list[News]:
        """Sends the rest, and waits until the process has ended; gives what it said."""
        self.channel.setblocking(True)
        found: list[News] = []
        with contextlib.suppress(OSError):  # it may be gone; what it said before stands
            self.channel.sendall(self._unsent)
            self.channel.shutdown(socket.SHUT_WR)
        while (news := self.news()) is not None:
            found += news
        self.reap()
        return found

    def reap(self) -> None:
        """Lets go of a process that has ended."""
        self.channel.close()
        os.waitpid(self.pid, 0)


def _be_writer(channel: socket.socket, ledger: Path, gather_s: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when its worker has
    # Sockets that the worker listens on must not stay open here.
    os.closerange(3, channel.fileno())
    os.closerange(channel.fileno() + 1, _MOST_FILES)

    def tell(written: int, fault: str) -> None:
        with contextlib.suppress(OSError):  # the worker may be gone: its rows are committed still
            channel.sendall(_encode(News(written, fault)) + b"\n")

    with Ledger(ledger) as opened:
        committer = Committer(opened, gather_s=gather_s, tell=tell)
        rest = b""
        while data := _received(channel):
            *lines, rest = (rest + data).split(b"\n")
            committer.take([_row(line) for line in lines])
        committer.close()


def _received(channel: socket.socket) -> bytes:
    try:
        return channel.recv(1 << 20)
    except OSError:
        return b""


def _row(line: bytes) -> Row:
    """JSON holds neither a tab nor a line end as such."""
    facts, _, content = line.partition(b"\t")
    return Row(facts, _text.decode(content) if content else None)
