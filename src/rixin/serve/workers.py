"""The processes of a gateway: one master that holds the sockets, and workers that answer.

The master listens on one socket for each worker (SO_REUSEPORT) and keeps them open, so that a
worker that is killed or renewed loses no connection that waits. SIGHUP renews the workers one by
one; SIGTERM and SIGINT end them after what is under way is answered.
"""

import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from rixin.errors import EnvironmentFault, MissingExtra
from rixin.ledger.store import Ledger
from rixin.serve.app import Settings, Worker, start
from rixin.serve.capture import gather_s
from rixin.serve.meters import Meters, shared_file
from rixin.serve.metrics import retire
from rixin.serve.writer import Writer

_READY_S = 120.0
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
        say(f"at {_url(listener)}   (Ctrl-C ends it)")

    uvloop.run(worker.serve(listener, ready=ready or told, say=say))
    return 0


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
        self._folder = Path(tempfile.mkdtemp(prefix="rixin-serve-"))
        self._workers: dict[int, int] = {}
        """Process → place."""
        self._old: set[int] = set()
        self._ready: set[int] = set()
        self._ending = self._renew = False

    def run(self) -> int:
        """Until the last worker has ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_end)
        signal.signal(signal.SIGHUP, self._on_renew)
        try:
            with Ledger(self._settings.ledger) as ledger:
                start(self._settings, self._meters, ledger)
            for place in range(self._settings.workers):
                self._start(place)
            self._say(
                f"rixin serves at {_url(self._listeners[0])} with {len(self._workers)} workers"
                "   (Ctrl-C ends it, SIGHUP renews the workers)"
            )
            while self._workers:
                self._watch()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return 0

    def _watch(self) -> None:
        if self._renew and not self._ending:
            self._renew = False
            self._renew_all()
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            time.sleep(0.05)
            return
        self._on_exit(pid, status)

    def _on_exit(self, pid: int, status: int) -> None:
        place = self._workers.pop(pid, None)
        self._old.discard(pid)
        retire(self._folder / f"{pid}.json")
        if place is None:
            return
        if place not in self._workers.values():
            self._meters.forget_worker(place)
        if self._ending:
            return
        if pid not in self._ready:
            self._say(f"worker {place} cannot start (status {status}); the gateway ends")
            self._on_end(signal.SIGTERM, None)
        elif place not in self._workers.values():
            self._say(f"worker {place} (process {pid}) ended with status {status}; started anew")
            self._start(place)

    def _renew_all(self) -> None:
        """One by one: the new one answers before the old one ends, on the same socket."""
        for pid, place in list(self._workers.items()):
            self._start(place)
            self._old.add(pid)
            os.kill(pid, signal.SIGTERM)
        self._say("the workers are renewed")

    def _start(self, place: int) -> None:
        """Starts a worker and waits until it answers."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os._exit(self._be_worker(place, writing))
        os.close(writing)
        self._workers[pid] = place
        with selectors.DefaultSelector() as selector, os.fdopen(reading, "rb", buffering=0) as told:
            selector.register(told, selectors.EVENT_READ)
            if selector.select(_READY_S) and told.read(1):
                self._ready.add(pid)

    def _be_worker(self, place: int, writing: int) -> int:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        worker = Worker(
            self._settings, meters_file=self._meters_file, number=place, folder=self._folder
        )
        try:
            return _run_worker(
                worker,
                self._listeners[place],
                self._say,
                self._settings,
                ready=lambda: _tell(writing),
            )
        except BaseException as error:  # noqa: BLE001 - nothing of a worker may reach the master's code
            print(f"worker {place}: {error}", file=sys.stderr)  # noqa: T201 - there is nobody above
            return 1

    def _on_end(self, number: int, _frame: FrameType | None) -> None:
        self._ending = True
        for pid in self._workers:
            os.kill(pid, signal.SIGTERM)

    def _on_renew(self, number: int, _frame: FrameType | None) -> None:
        self._renew = True
