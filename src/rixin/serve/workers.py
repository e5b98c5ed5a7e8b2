"""The processes of a gateway: one master that holds the sockets, and workers that answer.

The master listens on one socket for each worker (SO_REUSEPORT) and keeps them open, so that a
worker that is killed or renewed loses no connection that waits. SIGHUP renews the workers one by
one, and none ends before the new one answers; SIGTERM and SIGINT end them after what is under way
is answered. Workers end with their master, also where that was killed.
"""

import contextlib
import logging
import os
import selectors
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, Any

from rixin.core.traces import log_traceback
from rixin.errors import EnvironmentFault, MissingExtra, NoLedger, RixinError
from rixin.ledger.store import Ledger
from rixin.serve.app import Settings, Worker, is_local, start, stop
from rixin.serve.capture import gather_s
from rixin.serve.meters import Meters, shared_file
from rixin.serve.metrics import retire
from rixin.serve.sole import sole
from rixin.serve.writer import Writer

_READY_S = 900.0
"""Seconds that a worker may take to load all that it serves; a student takes a minute at most."""
_UNSENT_BYTES = 128 * 1024
"""Of an answer that the system holds for a caller who does not read; without it megabytes."""
_LIVED_S = 60.0
"""Seconds after which a worker's end is no more part of a row of crashes."""
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Before a worker is started anew, by how many have ended there one soon after the other."""
_LOOK_S = 0.05
_FOLDER = ".counters-"
"""Of the folder beside the ledger, before the number of the master's process."""
_log = logging.getLogger("rixin.serve")
_NOTHING = "nothing yet (rixin promote SCENARIO)"


def serve(settings: Settings, *, say: Callable[[str], None]) -> int:
    """Serves until it is told to end; gives the exit code.

    Args:
        settings: How.
        say: Gets the lines for people.

    Raises:
        EnvironmentFault: The address is taken, or a package is missing.
    """
    listeners = _listen(settings)
    hint = "end it, or use --workers for more processes; --second where two are meant"
    with sole(settings.ledger, "rixin serve", hint=hint, second=settings.second):
        return _serve(settings, listeners, say)


def _serve(settings: Settings, listeners: list[socket.socket], say: Callable[[str], None]) -> int:
    meters_file = shared_file() if settings.workers > 1 else None
    if settings.workers == 1:
        return _run_worker(Worker(settings), listeners[0], say, settings)
    return _Master(settings, listeners, meters_file, say).run()


def _listen(settings: Settings) -> list[socket.socket]:
    if settings.workers > 1:  # shared sockets would also be shared with another gateway
        _bind(settings, settings.port, shared=False).close()
    found: list[socket.socket] = []
    for _ in range(settings.workers):
        port = found[0].getsockname()[1] if found else settings.port
        listener = _bind(settings, port, shared=settings.workers > 1)
        listener.listen(4096)
        listener.setblocking(False)
        listener.set_inheritable(True)
        found.append(listener)
    return found


def _bind(settings: Settings, port: int, *, shared: bool) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # connections inherit it
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    try:
        made.bind((settings.host, port))
    except OSError as error:
        made.close()
        raise EnvironmentFault(
            f"{settings.host}:{port} cannot be listened on: {error.strerror}",
            hint="another gateway may run there: choose another --port, or end it",
        ) from error
    return made


def _run_worker(
    worker: Worker,
    listener: socket.socket,
    say: Callable[[str], None],
    settings: Settings,
    ready: Callable[[], None] | None = None,
) -> int:
    try:
        import uvloop
    except ImportError as error:
        raise MissingExtra("rixin serve", "serve") from error
    _raise_file_limit()
    if not settings.ledger.exists():
        raise NoLedger(settings.ledger)  # it is away: an empty one must not take its place
    with Ledger(settings.ledger):
        pass  # one that cannot be used is told before anything begins
    # No event loop, no thread and no open ledger may go with a fork.
    worker.writer = Writer(settings.ledger, gather_s=gather_s(settings.capture_bound_s))

    def told() -> None:
        gateway = worker.gateway
        assert gateway is not None
        names = ", ".join(
            f"{name}@{route.pointer.live}" for name, route in gateway.state.routes.items()
        )
        nothing = "nothing: see above" if gateway.state.faults else _NOTHING
        say(f"rixin serves {names or nothing}")
        say(_of_ledger(settings))
        _warn_beyond(listener, say)
        say(f"at {_url(listener)}   (Ctrl-C ends it)")

    uvloop.run(worker.serve(listener, ready=ready or told, say=say))
    return 0


def _of_ledger(settings: Settings) -> str:
    """Which scenarios a gateway finds: those of one ledger, whatever folders they are in."""
    return (
        f"from the ledger {settings.ledger}; one gateway, one ledger: scenarios of several folders"
        " share one where RIXIN_LEDGER names it for every command, or --workspace DIR follows them"
    )


def _warn_beyond(listener: socket.socket, say: Callable[[str], None]) -> None:
    """Says what it means that other machines reach the gateway."""
    if not is_local(listener):
        say(
            "other machines reach it, without TLS: put a proxy with TLS before it, or keys and cases"
            " can be read on the way. /metrics and the details of /readyz need a key (--metrics-key),"
            " and --allowed-host NAME lets it answer to no other name"
        )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def _raise_file_limit() -> None:
    """As many connections as the system lets us have."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _tell(writing: int) -> None:
    os.write(writing, b"!")
    os.close(writing)


class _Master:
    """Starts workers, and starts them anew where they end."""

    def __init__(
        self,
        settings: Settings,
        listeners: list[socket.socket],
        meters_file: IO[bytes] | None,
        say: Callable[[str], None],
    ) -> None:
        self._settings, self._listeners, self._say = settings, listeners, say
        self._meters_file = meters_file
        self._meters = Meters(meters_file)
        self._folder = _own_folder(settings.ledger.parent)
        self._alive, self._held = os.pipe()
        """Nobody writes into it: that it is closed tells workers that the master is gone."""
        self._workers: dict[int, int] = {}
        """Process → place."""
        self._ready: dict[int, float] = {}
        """Process → when it was ready, on the monotonic clock; not of those that are to end."""
        self._due: dict[int, float] = {}
        """Place → when a worker is started there."""
        self._crashes = dict.fromkeys(range(settings.workers), 0)
        """Place → workers that ended there one soon after the other."""
        self._counted: Any = None
        """What workers that have ended counted."""
        self._ending = self._renew = False
        self._worst = 0
        """The exit code."""

    def run(self) -> int:
        """Until the last worker has ended.

        Raises:
            EnvironmentFault: A worker cannot start.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_end)
        signal.signal(signal.SIGHUP, self._on_renew)
        try:
            with Ledger(self._settings.ledger) as ledger:
                start(self._settings, self._meters, ledger)
            self._start_all()
            while self._workers or (self._due and not self._ending):
                self._watch()
            stop(self._settings)
            self._say("rixin serve has ended; what was under way is answered")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return self._worst

    def _start_all(self) -> None:
        for place in range(self._settings.workers):
            if not self._start(place) and not self._ending:
                self._on_end(signal.SIGTERM, None)
                self._worst = EnvironmentFault.exit_code
                self._say(f"worker {place} cannot start; the gateway ends")
                return
        self._say(_of_ledger(self._settings))
        _warn_beyond(self._listeners[0], self._say)
        self._say(
            f"rixin serves at {_url(self._listeners[0])} with {len(self._workers)} workers"
            "   (Ctrl-C ends it, SIGHUP renews the workers)"
        )

    def _watch(self) -> None:
        """One round; whatever fails in it, the next one comes."""
        try:
            if self._renew and not self._ending:
                self._renew = False
                self._renew_all()
            if not self._ending:
                self._start_due()
            pid, status = os.waitpid(-1, os.WNOHANG) if self._workers else (0, 0)
            if pid:
                self._on_exit(pid, os.waitstatus_to_exitcode(status))
                return
        except ChildProcessError:
            self._workers.clear()
        except Exception as error:  # noqa: BLE001 - without the master nobody starts workers anew
            log_traceback(_log, "the master of the workers failed, and goes on", error)
        time.sleep(_LOOK_S)

    def _on_exit(self, pid: int, status: int) -> None:
        place = self._workers.pop(pid, None)
        if place is None:
            return
        since = self._ready.pop(pid, None)
        self._counted = retire(self._folder / f"{pid}.json", self._counted)
        if place in self._due or place in map(self._workers.get, self._ready):
            return  # one that was renewed, or was to take its place
        if place not in self._workers.values():
            self._meters.forget_worker(place)
        if self._ending:
            self._worst = max(self._worst, status)
            return
        now = time.monotonic()
        lived = since is not None and now - since > _LIVED_S
        self._crashes[place] = 0 if lived else self._crashes[place] + 1
        pause = _PAUSES_S[min(self._crashes[place], len(_PAUSES_S) - 1)]
        self._due[place] = now + pause
        self._say(
            f"worker {place} (process {pid}) ended with status {status}; it is started anew"
            f"{f' in {pause:g} s' if pause else ''}"
        )

    def _start_due(self) -> None:
        now = time.monotonic()
        for place in [place for place, moment in self._due.items() if moment <= now]:
            del self._due[place]
            if not self._start(place) and place not in self._workers.values():
                self._due[place] = now + _PAUSES_S[-1]

    def _renew_all(self) -> None:
        """One by one: the new one answers before the old one ends, on the same socket."""
        # Not those that were renewed a moment ago and are still ending, or never began.
        for pid in [*self._ready]:
            place = self._workers[pid]
            if self._ending:
                return
            if not self._start(place):
                self._say(f"worker {place} cannot be renewed; the old one (process {pid}) stays")
                return
            del self._ready[pid]
            _signal(pid, signal.SIGTERM)
        self._say("the workers are renewed")

    def _start(self, place: int) -> bool:
        """Starts a worker and waits until it answers; ends it where it does not."""
        reading, writing = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            self._say(f"no process can be started for worker {place}: {error.strerror}")
            os.close(reading)
            os.close(writing)
            return False
        if pid == 0:
            os.close(reading)
            os._exit(self._be_worker(place, writing))
        os.close(writing)
        self._workers[pid] = place
        if self._ending:  # it was told to the others while this one was made
            _signal(pid, signal.SIGTERM)
        with selectors.DefaultSelector() as selector, os.fdopen(reading, "rb", buffering=0) as told:
            selector.register(told, selectors.EVENT_READ)
            if selector.select(_READY_S) and told.read(1):
                self._ready[pid] = time.monotonic()
                return True
        _signal(pid, signal.SIGKILL)
        return False

    def _be_worker(self, place: int, writing: int) -> int:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.close(self._held)
        # A socket that nobody answers on any more must not stay open here.
        for listener in {*self._listeners} - {self._listeners[place]}:
            listener.close()
        worker = Worker(
            self._settings,
            meters_file=self._meters_file,
            number=place,
            folder=self._folder,
            alive=self._alive,
        )
        try:
            return _run_worker(
                worker,
                self._listeners[place],
                self._say,
                self._settings,
                ready=lambda: _tell(writing),
            )
        except RixinError as error:
            self._say(f"worker {place}: {error} ({error.hint})")
            return error.exit_code
        except BaseException as error:  # noqa: BLE001 - nothing of a worker may reach the master's code
            log_traceback(_log, f"worker {place} ended", error)
            return 1

    def _on_end(self, number: int, _frame: FrameType | None) -> None:
        self._ending = True
        for pid in [*self._workers]:
            _signal(pid, signal.SIGTERM)

    def _on_renew(self, number: int, _frame: FrameType | None) -> None:
        self._renew = True


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _own_folder(beside: Path) -> Path:
    """Where this gateway's workers leave their counters; those of gateways that are gone are removed."""
    for old in beside.glob(f"{_FOLDER}*"):
        pid = old.name.removeprefix(_FOLDER)
        if pid.isdecimal() and (int(pid) == os.getpid() or not _lives(int(pid))):
            shutil.rmtree(old, ignore_errors=True)
    return beside / f"{_FOLDER}{os.getpid()}"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
