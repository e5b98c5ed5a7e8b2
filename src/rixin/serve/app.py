"""Puts a worker together: every endpoint of every surface, and what answers the rest."""

import asyncio
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import IO

from rixin import __version__
from rixin.engine.transport import HttpTransport
from rixin.errors import LedgerFault, RixinError
from rixin.ledger.audit import record
from rixin.ledger.idempotency import lose_running
from rixin.ledger.people import waiting_counts
from rixin.ledger.releases import read_pointers
from rixin.ledger.requests import spent_by_scenario_since, used_since
from rixin.ledger.store import Ledger
from rixin.serve.bounds import Bounds, Hosts, is_loopback
from rixin.serve.capture import Capture, Policy
from rixin.serve.errors import Refusal
from rixin.serve.gateway import Endpoint, Gateway
from rixin.serve.http import Request, Server
from rixin.serve.meters import DAY, MONTH, Meters, period_start
from rixin.serve.metrics import KEY_EXPIRY, Metrics, collect, render
from rixin.serve.openai import people, routes
from rixin.serve.openai.envelope import encode, error_body
from rixin.serve.sensenova import routes as sensenova
from rixin.serve.sensenova.tokens import server_key
from rixin.serve.state import LOOK_S, State
from rixin.serve.telemetry import open_trace
from rixin.serve.told import check_metrics_reader, may_see_details
from rixin.serve.webhook import Webhook
from rixin.serve.writer import Writer
from rixin.workspace.actor import current_user
from rixin.workspace.mirroring import Mirror

_log = logging.getLogger("rixin.serve")
GRACE_S = 30.0
_NOTHING_SERVES = "no release serves yet: rixin promote SCENARIO"
_EXPIRE_S = 600.0
_SWEEP_S = 5.0
_SHARE_S = 1.0
_TELL_S = 1.0
_FOLLOW_S = 1.0
_COUNT_S = 2.0
_SWITCH_S = 0.000_5
"""Seconds after which the thread that writes rows gives way to the event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a gateway runs."""

    ledger: Path
    host: str = "127.0.0.1"
    port: int = 8200
    workers: int = 1
    bounds: Bounds = field(default_factory=Bounds)
    allowed_hosts: tuple[str, ...] = ()
    """Names by which the gateway may be asked for, beside its own."""
    metrics_key: str = ""
    """What `/metrics` asks for; empty: nothing on this machine, elsewhere a key of the gateway."""
    capture_bound_s: float = 0.1
    capture_policy: Policy = "refuse"
    grace_s: float = GRACE_S
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names that applications have, and the models they mean."""
    second: bool = False
    """Serves although another gateway serves the same ledger."""
    workspaces: tuple[Path, ...] = ()
    """Ledgers of other folders, whose scenarios are served, too."""
    webhook: str = ""
    """The address that is told when people have answered; empty: none is."""
    webhook_secret: bytes = field(default=b"", repr=False)
    """What it is signed with."""


_LINKS = {
    "openapi": ("/openapi.json", "what this server understands, as OpenAPI"),
    "models": ("/v1/models", "what a model may be; needs a key"),
    "healthz": ("/healthz", "whether the process lives"),
    "readyz": ("/readyz", "whether releases serve, and what is missing"),
    "metrics": ("/metrics", "counters, for Prometheus"),
}
_DOCS = "rixin serve --help, rixin keys --help, docs/serve.md"


async def home(_gateway: Gateway, request: Request) -> None:
    """`GET /`: where everything is, as a page for who asks for HTML, else as JSON."""
    if b"text/html" in request.headers.get(b"accept", b""):
        rows = "".join(
            f'<li><a href="{path}">{path}</a>: {about}</li>' for path, about in _LINKS.values()
        )
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Rixin gateway</title>'
            f"<h1>Rixin gateway {__version__}</h1><ul>{rows}</ul><p>Help: {_DOCS}</p></html>"
        )
        request.reply(200, page.encode(), content_type=b"text/html; charset=utf-8")
        return
    links = {name: path for name, (path, _) in _LINKS.items()}
    request.reply(200, encode({"name": "rixin", "version": __version__, **links, "docs": _DOCS}))


async def healthz(_gateway: Gateway, request: Request) -> None:
    """`GET /healthz`: the process lives."""
    request.reply(200, encode({"status": "ok", "version": __version__}))


async def readyz(gateway: Gateway, request: Request) -> None:
    """`GET /readyz`: releases are there and rows can be written; 503 says what is missing.

    Where another release serves in the place of one that cannot, it is 200 and `degraded`.
    """
    state, capture = gateway.state, gateway.capture
    missing = []
    if request.connection.server.draining:
        missing.append("this gateway ends")
    if not state.routes:
        missing.append("no release serves" if state.faults else _NOTHING_SERVES)
    if trouble := capture.trouble(time.monotonic()):
        missing.append(f"rows cannot be written: {trouble}")
    missing += [f"{name}: failed ({why}), see the log" for name, why in gateway.tasks.down.items()]
    ready = not missing
    missing += [f"{name}: {why}" for name, why in state.faults.items()]
    missing += [f"key {name} cannot be read: {why}" for name, why in state.unread.items()]
    if gateway.webhook is not None and gateway.webhook.trouble:
        missing.append(gateway.webhook.trouble)
    status = ("degraded" if missing else "ready") if ready else "not ready"
    served = {name: route.pointer.live for name, route in state.routes.items()}
    body: dict[str, object] = {"status": status}
    if may_see_details(gateway, request):
        body |= {"missing": missing, "serves": served}
    request.reply(200 if ready else 503, encode(body))


async def metrics(gateway: Gateway, request: Request) -> None:
    """`GET /metrics`: the counters of all workers.

    Raises:
        Refusal: Whoever asks from elsewhere has no key for it.
    """
    check_metrics_reader(gateway, request)
    _gauges(gateway)
    if gateway.folder is None:
        snapshots = [gateway.metrics.snapshot()]
    else:  # what is shown once is never taken back, also where this worker is killed
        own = _own_file(gateway)
        with suppress(OSError):  # a full disk: then they are in memory only
            gateway.metrics.write(own)
        others = collect(gateway.folder, without=own.name)
        snapshots = [gateway.metrics.snapshot(), *others]
    text = render(snapshots).encode()
    request.reply(200, text, content_type=b"text/plain; version=0.0.4; charset=utf-8")


async def openapi(_gateway: Gateway, request: Request) -> None:
    """`GET /openapi.json`: what this server understands."""
    request.reply(200, _document())


@cache
def _document() -> bytes:
    from rixin.serve.openai.document import document

    return encode(document())


async def others(gateway: Gateway, request: Request) -> None:
    """Addresses with a part that varies, and those that are not there."""
    path = request.path
    if path.startswith("/v1/models/") and request.method == "GET":
        await routes.model(gateway, request)
        return
    if path.startswith(people.REQUESTS) and request.method == "GET":
        await people.asked(gateway, request)
        return
    allowed = sorted({method for method, known in gateway.endpoints if known == path})
    if allowed:
        methods = ", ".join(allowed)
        raise Refusal(405, f"{path} takes {methods}", "method_not_allowed", allow=methods)
    raise Refusal(404, f"there is no {request.method} {path}; see /openapi.json", "not_found")


@asynccontextmanager
async def opened(
    settings: Settings,
    meters: Meters,
    *,
    say: Callable[[str], None],
    writer: Writer | None = None,
    only: tuple[str, int | None] | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway with all it holds; what was answered is on the disk when it closes.

    Args:
        settings: How.
        meters: What keys and scenarios have used.
        say: Gets a line before each step that takes long.
        writer: The process that commits rows; None: a thread does.
        only: A scenario and a release of it (None: the live one), where nothing else shall serve.

    Raises:
        LedgerFault: At the end, rows could not be stored.
    """
    ledger, transport = Ledger(settings.ledger), HttpTransport()
    key = server_key(settings.ledger)
    state = State(ledger, transport, say, only, aliases=settings.aliases, server_key=key)
    capture = Capture(
        ledger, bound_s=settings.capture_bound_s, policy=settings.capture_policy, writer=writer
    )
    tracing = open_trace()
    try:
        await state.load()
        yield Gateway(
            state=state,
            capture=capture,
            meters=meters,
            transport=transport,
            metrics=Metrics(),
            endpoints=ENDPOINTS,
            others=others,
            error_body=error_body,
            trace=None if tracing is None else tracing[0],
        )
    finally:
        try:
            await capture.close()
        finally:
            if tracing is not None:
                await asyncio.to_thread(tracing[1])
            await state.close()
            await transport.close()
            ledger.close()


class Worker:
    """One process that serves.

    Args:
        settings: How.
        meters_file: The counters that all workers share; None: this one is alone.
        number: Of this worker, from 0.
        folder: Where workers leave their counters for each other.
        alive: The reading end of a pipe that closes when the master has ended.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        meters_file: IO[bytes] | None = None,
        number: int = 0,
        folder: Path | None = None,
        alive: int | None = None,
    ) -> None:
        self.settings, self.number, self.folder = settings, number, folder
        self._alive = alive
        self.writer: Writer | None = None
        """The process that commits rows, once there is one."""
        self._meters_file = meters_file
        self.gateway: Gateway | None = None

    async def serve(
        self, listener: socket.socket, *, ready: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        """Serves until SIGTERM or SIGINT, then answers what is under way and ends.

        SIGINT again ends at once. SIGHUP, where nobody ignores it, means that the terminal is gone.
        """
        settings, loop = self.settings, asyncio.get_running_loop()
        ended, interrupts = asyncio.Event(), 0

        def on_interrupt() -> None:
            nonlocal interrupts
            interrupts += 1
            ended.set()
            if interrupts == 1 and self.gateway is not None and self.gateway.in_flight:
                say("what is under way is answered; Ctrl-C again ends at once")

        loop.add_signal_handler(signal.SIGINT, on_interrupt)
        loop.add_signal_handler(signal.SIGTERM, ended.set)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            loop.add_signal_handler(signal.SIGHUP, ended.set)
        if self._alive is not None:
            loop.add_reader(self._alive, self._on_orphaned, ended)
        meters = Meters(self._meters_file, self.number)
        quiet = say if self.number == 0 else (lambda _: None)  # one line of all workers is enough
        async with opened(settings, meters, say=quiet, writer=self.writer) as gateway:
            if self._meters_file is None:
                await asyncio.to_thread(start, settings, meters, gateway.state.ledger)
            self.gateway, gateway.folder = gateway, self.folder
            gateway.is_local, gateway.metrics_key = is_local(listener), settings.metrics_key
            server = _server(gateway, settings, listener)
            listening = await loop.create_server(server.protocol, sock=listener, backlog=4096)
            self._supervise(gateway, server)
            _calm()
            ready()
            try:
                await ended.wait()
            finally:
                listening.close()
                await server.drain(settings.grace_s, hurry=lambda: interrupts > 1)
                await gateway.idempotent.close(0.0 if interrupts > 1 else settings.grace_s)
                gateway.tasks.close()
                with suppress(OSError):
                    _share(gateway)
        if self._meters_file is None:
            await asyncio.to_thread(stop, settings)
            say("rixin serve has ended; what was under way is answered")

    def _on_orphaned(self, ended: asyncio.Event) -> None:
        """The master is gone, and nobody would start this worker anew: it ends as with SIGTERM."""
        assert self._alive is not None
        asyncio.get_running_loop().remove_reader(self._alive)
        _log.error("the master of worker %d is gone; the worker ends", self.number)
        ended.set()

    def _supervise(self, gateway: Gateway, server: Server) -> None:
        """What goes on beside requests; `/readyz` names what fails."""
        tasks, state = gateway.tasks, gateway.state
        tasks.every("reading keys and revocations", LOOK_S, state.load_keys, longest_s=2.0)
        tasks.every("following releases", LOOK_S, state.load_releases)
        tasks.every("removing old answers", _EXPIRE_S, gateway.idempotent.expire)
        tasks.every("writing rows", _SHARE_S, gateway.capture.mend)
        tasks.every("closing idle connections", _SWEEP_S, server.sweep)
        tasks.every("sharing counters", _SHARE_S, lambda: _share(gateway))
        if self.number == 0:  # one of all workers is enough
            tasks.every("counting what waits for people", _COUNT_S, partial(_count, gateway))
        if self.settings.workspaces and self.number == 0:
            mirrors = [Mirror(one) for one in self.settings.workspaces]
            follow = partial(_follow, gateway, mirrors)
            tasks.every("following other folders", _FOLLOW_S, follow)
        if self.settings.webhook:
            gateway.webhook = hook = Webhook(
                self.settings.webhook,
                self.settings.webhook_secret,
                state,
                gateway.transport,
                gateway.metrics,
                sends=self.number == 0,  # one of all workers is enough
            )
            tasks.every("telling what people answered", _TELL_S, hook.round)


async def _count(gateway: Gateway) -> None:
    """How many cases wait for people; a ledger that is away is told elsewhere."""
    with suppress(LedgerFault):
        found = await gateway.state.read(waiting_counts)
        gateway.metrics.clear("rixin_people_waiting")
        for name, count in found.items():
            gateway.metrics.set("rixin_people_waiting", (("scenario", name),), count)


async def _follow(gateway: Gateway, mirrors: Sequence[Mirror]) -> None:
    """Copies what serves in other folders; a folder where that fails holds up nobody."""
    faults = gateway.state.faults
    for mirror in mirrors:
        name = f"folder {mirror.source}"
        try:
            await gateway.state.read(mirror.look)
        except RixinError as error:
            if faults.get(name) != str(error):
                _log.error("%s cannot be followed: %s (%s)", name, error, error.hint)
            faults[name] = str(error)
        else:
            faults.pop(name, None)


def _server(gateway: Gateway, settings: Settings, listener: socket.socket) -> Server:
    names = {"localhost", settings.host, *settings.allowed_hosts}
    checked = is_local(listener) or bool(settings.allowed_hosts)
    return Server(
        gateway.handle,
        gateway.admit,
        gateway.refuse,
        bounds=replace(settings.bounds, connections=_places(settings.bounds.connections)),
        hosts=Hosts(names if checked else None),
    )


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return is_loopback(str(listener.getsockname()[0]))


def _places(wanted: int) -> int:
    """Connections that fit into what the system allows, with files left for all else."""
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if wanted <= files - files // 8:
        return wanted
    most = files - files // 8
    _log.warning("the system allows %d open files: %d connections at most (ulimit -n)", files, most)
    return most


def start(settings: Settings, meters: Meters, ledger: Ledger) -> None:
    """Counts in what was spent before, and enters the settings of this start into the trail."""
    seed(meters, ledger)
    detail = {
        "rixin": __version__,
        "workers": settings.workers,
        "bounds": asdict(settings.bounds),
        "capture_bound_s": settings.capture_bound_s,
        "capture_policy": settings.capture_policy,
        "aliases": dict(settings.aliases),
        "workspaces": [str(one) for one in settings.workspaces],
        "webhook": settings.webhook.partition("?")[0],
    }
    where = f"{settings.host}:{settings.port}"
    try:
        if not settings.second:  # else it may be under way in the other gateway
            lose_running(ledger)
        record(ledger, "serve.start", where, actor=current_user(), now=datetime.now(UTC), **detail)
    except LedgerFault as error:  # what is answered has a policy of its own
        _log.error("the start is not in the audit trail: %s", error)


def stop(settings: Settings) -> None:
    """Enters the end of a gateway into the trail; one without such an entry was killed."""
    if not settings.ledger.exists():
        return
    where = f"{settings.host}:{settings.port}"
    try:
        with Ledger(settings.ledger) as ledger:
            record(ledger, "serve.stop", where, actor=current_user(), now=datetime.now(UTC))
    except LedgerFault as error:
        _log.error("the end is not in the audit trail: %s", error)


def seed(meters: Meters, ledger: Ledger) -> None:
    """Counts in what was spent before this start, so that a restart opens no budget anew."""
    now = time.time()
    for name, period in (("day", DAY), ("month", MONTH)):
        begin = period_start(period, now)
        for key, used in used_since(ledger, begin, now).items():
            meters.start(2 * key, f"money_{name}", used.pico, now=now)
            meters.start(2 * key, f"requests_{name}", used.requests, now=now)
            meters.start(2 * key, f"tokens_{name}", used.tokens, now=now)
        by_scenario = spent_by_scenario_since(ledger, begin, now)
        for pointer in read_pointers(ledger)[0]:
            spent = by_scenario.get(pointer.scenario, 0)
            meters.start(2 * pointer.id + 1, f"money_{name}", spent, now=now)


def _calm() -> None:
    """No long pauses: neither from the collector nor from the thread that writes rows.

    What was built at the start stays; what a request leaves is freed by counting references.
    """
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _share(gateway: Gateway) -> None:
    """Leaves this worker's counters where the others find them."""
    if gateway.folder is not None:
        _gauges(gateway)
        gateway.metrics.write(_own_file(gateway))


def _own_file(gateway: Gateway) -> Path:
    import os

    assert gateway.folder is not None
    return gateway.folder / f"{os.getpid()}.json"


def _gauges(gateway: Gateway) -> None:
    shown = gateway.metrics
    shown.set("rixin_in_flight", (), gateway.in_flight)
    shown.set("rixin_capture_waiting", (), gateway.capture.waiting)
    shown.set("rixin_capture_waiting_bytes", (), gateway.capture.waiting_bytes)
    shown.set("rixin_capture_dropped_total", (), gateway.capture.dropped)
    shown.set("rixin_capture_aside_total", (), gateway.capture.aside)
    shown.clear(KEY_EXPIRY)
    if (expiry := gateway.state.next_expiry(time.time())) is not None:
        shown.set(KEY_EXPIRY, (), expiry)
    shown.clear("rixin_release_info")
    for name, route in gateway.state.routes.items():
        live = str(route.pointer.live)
        shown.set("rixin_release_info", (("scenario", name), ("release", live)), 1)


ENDPOINTS = {
    **routes.ENDPOINTS,
    **sensenova.ENDPOINTS,
    ("GET", "/"): Endpoint(home),
    ("GET", "/healthz"): Endpoint(healthz),
    ("GET", "/readyz"): Endpoint(readyz),
    ("GET", "/metrics"): Endpoint(metrics),
    ("GET", "/openapi.json"): Endpoint(openapi),
}
