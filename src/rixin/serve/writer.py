"""The process that commits a worker's rows.

A worker forks it before its event loop begins and talks to it over a pair of sockets: rows as
lines one way, how many are on the disk the other way. It ends when the worker has: what the worker
had handed over is committed also after a kill -9.
"""

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rixin.core.traces import log_traceback
from rixin.errors import RixinError
from rixin.ledger.store import Ledger
from rixin.serve.committer import Committer, News

_BUFFER = 4 << 20
_MOST_FILES = 4_096
_LONGEST_END_S = 75.0
"""Seconds that its last commit may take: SQLite waits 30 for a lock, and then it sets rows aside."""
_LEAVE_S = 0.2
"""Seconds between its last word and its end."""
_log = logging.getLogger("rixin.serve")
_encode = msgspec.json.Encoder().encode
_news = msgspec.json.Decoder(News)


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
                _tell_why(error)
                os._exit(1)
            os._exit(0)
        theirs.close()
        self.channel.setblocking(False)

    def put(self, lines: Sequence[bytes]) -> None:
        """Rows that shall be committed; `push` sends them."""
        if lines:
            self._unsent += b"\n".join(lines) + b"\n"

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
        self.channel.settimeout(_LONGEST_END_S)
        told: list[News] = []
        with contextlib.suppress(OSError):  # it may be gone; what it said before stands
            self.channel.sendall(self._unsent)
            self.channel.shutdown(socket.SHUT_WR)
        while (news := self.news()) is not None:
            told += news
        self.reap()
        return told

    def reap(self) -> None:
        """Lets go of a process that has ended, or ends it; may wait for the system.

        One that has closed its end and lives on would be waited for in vain. What it was
        committing is on the disk as a whole or not at all.
        """
        self.channel.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            if os.waitpid(self.pid, os.WNOHANG) == (0, 0):
                time.sleep(_LEAVE_S)
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)


def _tell_why(error: BaseException) -> None:
    if isinstance(error, RixinError):
        _log.error("the process that writes rows: %s (%s)", error, error.hint)
    else:
        log_traceback(_log, "the process that writes rows has ended", error)


def _be_writer(channel: socket.socket, ledger: Path, gather_s: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when its worker has
    # Sockets that the worker listens on must not stay open here.
    os.closerange(3, channel.fileno())
    os.closerange(channel.fileno() + 1, _MOST_FILES)

    def tell(news: News) -> None:
        with contextlib.suppress(OSError):  # the worker may be gone: its rows are committed still
            channel.sendall(_encode(news) + b"\n")

    with Ledger(ledger) as opened:
        committer = Committer(opened, gather_s=gather_s, tell=tell)
        rest = b""
        while data := _received(channel, committer):
            *lines, rest = (rest + data).split(b"\n")
            committer.take(lines)
        committer.close()


def _received(channel: socket.socket, committer: Committer) -> bytes:
    """What the worker has sent; nothing: it has ended, or the thread that commits has."""
    ready = select.poll()
    ready.register(channel, select.POLLIN)
    try:
        while not ready.poll(1_000):
            if not committer.lives:
                return b""
        return channel.recv(1 << 20)
    except OSError:
        return b""
