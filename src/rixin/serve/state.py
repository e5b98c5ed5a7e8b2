"""What a worker knows: keys, releases and declared endpoints, in memory and refreshed on change.

No request reads the database. Twice a second a thread looks whether the audit trail has a new entry
of an operator; only then keys and pointers are read again, and releases that are new are built
and loaded beside those that serve: none is a route before it can answer at once. Keys are looked at apart from releases, and what was revoked before all
else: whatever is wrong with a release, a price or another key, a revoked key does not work.
"""

import asyncio
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeVar

from rixin.core.key import Key
from rixin.core.money import to_pico
from rixin.core.release import Pointer
from rixin.core.traces import log_traceback
from rixin.core.transport import Transport
from rixin.errors import RixinError
from rixin.guards.build import TextPolicy
from rixin.ledger.audit import news_since, record_change
from rixin.ledger.keys import read_keys, revoked_hashes
from rixin.ledger.releases import find_release, read_pointers
from rixin.ledger.store import Ledger
from rixin.serve.errors import Refusal
from rixin.serve.meters import MONEY_RUN, Limit
from rixin.workspace.actor import current_user
from rixin.workspace.endpoints import prices_in_force
from rixin.workspace.serving import Served, Upstream, build_served, upstreams_of
from rixin.workspace.sharing import SolverPool

T = TypeVar("T")
LOOK_S = 0.5
"""Seconds between two looks at what operators have changed."""
WARNED_S = 14 * 86_400.0
"""How long before its end a key says so in each answer."""
_READERS = 4
_LEAVE_S = 60.0
"""Seconds that a release which was taken out stays open for what it has begun."""
_log = logging.getLogger("rixin.serve")
_KINDS = {
    "requests_per_minute": "requests",
    "requests_per_day": "requests_day",
    "requests_per_month": "requests_month",
    "tokens_per_minute": "tokens",
    "tokens_per_day": "tokens_day",
    "tokens_per_month": "tokens_month",
    "in_flight": "in_flight",
    "money_per_minute": "money_minute",
    "money_per_day": "money_day",
    "money_per_month": "money_month",
    "money_per_run": MONEY_RUN,
}
"""Fields of a key's limits, and the kinds of the meters."""


@dataclass(slots=True)
class Caller:
    """A key that is in memory."""

    key: Key
    limits: tuple[Limit, ...]
    caps_runs: bool = False
    """Whether one of them is of what a run may cost."""
    revoked: bool = False
    """Set while requests of it are under way, too."""
    place: int = 0
    """Which of the key's secrets it is known by: 0 is the first."""
    ends: float = math.inf
    """When that secret ends, in seconds since the epoch."""
    warned_from: float = math.inf
    """From when on each answer says so."""
    notice: str = ""
    """The header line that does."""


@dataclass(slots=True)
class Route:
    """What a scenario's name leads to."""

    pointer: Pointer
    releases: dict[int, Served]
    limits: tuple[Limit, ...] = ()
    caps_runs: bool = False
    """As of a key."""

    @property
    def guards(self) -> tuple[TextPolicy, ...]:
        """Those of the live release."""
        live = self.releases.get(self.pointer.live or -1)
        return () if live is None else live.text_guards

    def pick(self, number: int | None) -> Served:
        """The release that answers: the wanted one, or the live one or its canary by lot."""
        if number is None:
            pointer = self.pointer
            number = pointer.live
            # A canary that cannot serve takes no traffic.
            if pointer.canary in self.releases and random.random() * 100 < pointer.share:  # noqa: S311
                number = pointer.canary
        served = self.releases.get(-1 if number is None else number)
        if served is None:
            if number in self.pointer.warm():
                raise Refusal(
                    503,
                    f"release {number} of {self.pointer.scenario} is not loaded yet: ask again in a"
                    " moment; if it stays so, the gateway's log says why",
                    "model_not_loaded",
                    "model",
                    retry_after_s=1.0,
                )
            ready = ", ".join(f"@{one}" for one in sorted(self.releases))
            raise Refusal(
                404,
                f"release {number} of {self.pointer.scenario} is not ready to serve; these are:"
                f" {ready}",
                "model_not_found",
                "model",
            )
        return served


@dataclass(slots=True)
class State:
    """All of it.

    Args:
        ledger: Where it is read from.
        transport: How endpoints are reached.
        say: Gets a line before each step that takes long.
        only: A scenario and a release of it (None: the live one), where nothing else shall serve.
    """

    ledger: Ledger
    transport: Transport
    say: Callable[[str], None]
    only: tuple[str, int | None] | None = None
    callers: dict[str, Caller] = field(default_factory=dict)
    """By the hash of the key."""
    by_public_id: dict[str, list[Caller]] = field(default_factory=dict)
    """One for each secret of a key, oldest first."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Names that applications have, and the models they mean."""
    server_key: bytes = b""
    """What secrets of keys are derived from, for surfaces whose callers sign."""
    routes: dict[str, Route] = field(default_factory=dict)
    """By scenario."""
    upstreams: dict[str, Upstream] = field(default_factory=dict)
    """By `solver/NAME`, and by `solver/SCENARIO/NAME`."""
    ready: bool = False
    faults: dict[str, str] = field(default_factory=dict)
    """Releases that cannot serve, and why."""
    unread: dict[str, str] = field(default_factory=dict)
    """Keys whose rows cannot be read, and why."""
    _pointers: list[Pointer] = field(default_factory=list)
    """What shall serve, as it was read last."""
    _loads: dict[tuple[str, int], asyncio.Task[Served | str]] = field(default_factory=dict)
    """Releases that are being built and loaded, by scenario and number."""
    _turns: tuple[asyncio.Semaphore, asyncio.Semaphore] = field(
        default_factory=lambda: (asyncio.Semaphore(), asyncio.Semaphore())
    )
    """One release at a time is loaded of those that served before, and one of the others."""
    _pool: SolverPool = field(default_factory=SolverPool)
    _leaving: list[tuple[float, Served]] = field(default_factory=list)
    """Releases that were taken out, and when they are closed, on the monotonic clock."""
    _seen_keys: int = 0
    """The newest entry of the audit trail after which keys were read."""
    _seen_releases: int = 0
    _readers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_READERS, thread_name_prefix="rixin-ledger")
    )
    """Of its own: long texts, which other threads read, keep nobody from the ledger."""

    async def read(self, look: Callable[..., T], *given: object) -> T:
        """What a function reads from the ledger, in a thread that does nothing else."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, look, self.ledger, *given)

    async def load(self) -> None:
        """Reads all; what cannot be read or built is named in `unread` and `faults`."""
        await self.load_keys()
        await self.load_releases()

    async def load_keys(self) -> None:
        """Reads the keys where an operator has done something, what was revoked first."""
        seen, changed = await self.read(news_since, self._seen_keys)
        if changed or not self._seen_keys:
            for one in await self.read(revoked_hashes):
                if one in self.callers:
                    self.callers[one].revoked = True
            keys, self.unread = await self.read(read_keys)
            self._take_keys(keys)
        self._seen_keys = seen

    async def load_releases(self) -> None:
        """Begins to load what shall serve where an operator has done something; takes what is ready.

        At the start it waits for what shall serve; from then on it never does, so that a rollback
        waits for no release that is being loaded.
        """
        while self._leaving and self._leaving[0][0] <= time.monotonic():
            await self._leaving.pop(0)[1].close()
        seen, changed = await self.read(news_since, self._seen_releases)
        if changed or not self.ready:
            pointers, unread = await self.read(read_pointers)
            asked = {one.scenario for one in pointers} if self.only is None else {self.only[0]}
            self._pointers = [one for one in pointers if one.scenario in asked]
            for name, why in unread.items():
                self.faults[f"{name}@pointer"] = f"what serves cannot be read: {why}"
            wanted = [task for one in self._pointers for task in self._begin(one)]
            if wanted and not self.ready:
                await asyncio.wait(wanted)
        if changed or not self.ready or any(task.done() for task in self._loads.values()):
            for pointer in self._pointers:
                await self._take_pointer(pointer)
        self._seen_releases, self.ready = seen, True

    async def close(self) -> None:
        """Gives back what releases hold."""
        for task in self._loads.values():
            task.cancel()
        for served in await asyncio.gather(*self._loads.values(), return_exceptions=True):
            if isinstance(served, Served):
                await served.close()
        warm = [one for route in self.routes.values() for one in route.releases.values()]
        for served in (*warm, *(one for _, one in self._leaving)):
            await served.close()
        self._readers.shutdown(wait=False, cancel_futures=True)

    def next_expiry(self, now: float) -> float | None:
        """When the next key ends that works and was given no newer secret; None: none will.

        Args:
            now: Seconds since the epoch.
        """
        newest = [callers[-1] for callers in self.by_public_id.values()]
        ends = [one.ends for one in newest if not one.revoked and now < one.ends < math.inf]
        return min(ends, default=None)

    def names(self) -> list[str]:
        """What `model` may be, for the list of models.

        An endpoint has one name in it: the short one where no other scenario has one of that name.
        """
        scenarios = [f"scenario/{name}" for name in self.routes]
        known = {(one.scenario, one.name) for one in self.upstreams.values()}
        of_name = Counter(name for _, name in known)
        endpoints = [
            f"solver/{name}" if of_name[name] == 1 else f"solver/{scenario}/{name}"
            for scenario, name in sorted(known)
        ]
        return [*scenarios, *endpoints, *self.aliases]

    def made_at(self, model: str) -> int:
        """When what a model name leads to was released, in seconds since the epoch; 0: not known."""
        upstream = self.upstreams.get(model)
        name = model.removeprefix("scenario/") if upstream is None else upstream.scenario
        route = self.routes.get(name.partition("@")[0])
        live = None if route is None else route.releases.get(route.pointer.live or -1)
        if live is None:
            return 0
        return int(datetime.fromisoformat(live.release.created_at).timestamp())

    def _take_keys(self, keys: list[Key]) -> None:
        for key in keys:
            mine = self.by_public_id.setdefault(key.public_id, [])
            for place, (secret, end) in enumerate(zip(key.secrets, key.ends(), strict=True)):
                known = self.callers.get(secret.hash)
                if known is None:
                    caps_runs = key.limits.money_per_run is not None
                    known = Caller(key, _limits_of(key), caps_runs, place=place)
                    self.callers[secret.hash] = known
                    mine.append(known)
                known.key, known.revoked = key, key.revoked_at is not None
                if end is not None:
                    known.ends = datetime.fromisoformat(end).timestamp()
                    known.warned_from = known.ends - WARNED_S
                    known.notice = f"x-rixin-key-expires: {end}\r\n"

    def _begin(self, pointer: Pointer) -> list[asyncio.Task[Served | str]]:
        """Begins to load what shall be warm; gives the loads of what shall serve."""
        scenario, route = pointer.scenario, self.routes.get(pointer.scenario)
        built = {} if route is None else route.releases
        serve = {pointer.live, pointer.canary, None if self.only is None else self.only[1]}
        for number in pointer.warm():
            if number in built or (scenario, number) in self._loads:
                continue
            if number in serve or self.only is None:
                task = asyncio.create_task(
                    self._load(scenario, number, self._turns[number in serve])
                )
                self._loads[scenario, number] = task
        return [
            task
            for (name, number), task in self._loads.items()
            if name == scenario and number in serve
        ]

    async def _take_pointer(self, pointer: Pointer) -> None:
        before = self.routes.get(pointer.scenario)
        built = dict(before.releases) if before is not None else {}
        for scenario, number in [*self._loads]:
            if scenario == pointer.scenario and self._loads[scenario, number].done():
                served = self._loads[scenario, number].result()
                self.faults.pop(f"{scenario}@{number}", None)
                if isinstance(served, Served):
                    built[number] = served
                else:
                    self.faults[f"{scenario}@{number}"] = served
                    del self._loads[scenario, number]
        self._keep_faults(pointer)
        kept = {number: one for number, one in built.items() if number in pointer.warm()}
        live = kept.get(pointer.live or -1)
        if live is None:
            return  # what served before goes on
        for number in built:
            self._loads.pop((pointer.scenario, number), None)
        if told := _what_changed(None if before is None else before.pointer, pointer):
            self.say(told)
        limits, caps_runs = _limits_of_scenario(pointer, live), live.scenario.budget.per_run
        self.routes[pointer.scenario] = Route(pointer, kept, limits, caps_runs is not None)
        self._declare(live)
        await self._note_prices(live)
        until = time.monotonic() + _LEAVE_S
        self._leaving += [(until, one) for number, one in built.items() if number not in kept]

    async def _note_prices(self, served: Served) -> None:
        """Enters the prices into the trail, where they are not those that it knows."""
        name = served.scenario.name
        try:
            prices = {"prices": prices_in_force(served.scenario)}
            note = partial(record_change, actor=current_user())
            await self.read(note, "serve.prices", name, prices)
        except RixinError as error:
            _log.warning("the prices of %s are not in the audit trail: %s", name, error)

    def _keep_faults(self, pointer: Pointer) -> None:
        """Forgets what is wrong with releases that shall not serve any more."""
        wanted = {f"{pointer.scenario}@{one}" for one in (pointer.live, pointer.canary)}
        for name in [*self.faults]:
            if name.rpartition("@")[0] == pointer.scenario and name not in wanted:
                del self.faults[name]

    async def _load(self, scenario: str, number: int, turn: asyncio.Semaphore) -> Served | str:
        """A release that can answer at once, or why it cannot."""
        name = f"{scenario}@{number}"
        try:
            async with turn:
                release = await self.read(find_release, scenario, number)
                build = partial(build_served, say=self.say, pool=self._pool)
                return await _loaded(await self.read(build, release, self.transport))
        except RixinError as error:
            _log.error("%s cannot serve: %s (%s)", name, error, error.hint)
            return str(error)
        except Exception as error:  # noqa: BLE001 - one release must not keep the others away
            log_traceback(_log, f"{name} cannot be built", error)
            return f"it cannot be built: {type(error).__name__}, see the log"

    def _declare(self, served: Served) -> None:
        """The endpoints that the contract declares and whose keys are there."""
        scenario = served.scenario
        for one in scenario.candidates:
            try:
                for upstream in upstreams_of(scenario, [one.name]):
                    self.upstreams[f"solver/{scenario.name}/{one.name}"] = upstream
                    short = f"solver/{one.name}"
                    if self.upstreams.setdefault(short, upstream).scenario == scenario.name:
                        self.upstreams[short] = upstream  # as it is declared now
            except RixinError as error:
                _log.warning("%s is not declared: %s", one.name, error)
            except Exception as error:  # noqa: BLE001 - one endpoint must not keep the others away
                log_traceback(_log, f"{one.name} is not declared", error)


def _what_changed(before: Pointer | None, after: Pointer) -> str:
    """What the log says of a pointer that was moved; empty: nothing."""
    name, canary = after.scenario, f"{after.share} % goes to release {after.canary} (canary)"
    if before is None:
        more = "" if after.canary is None else f"; {canary}"
        return f"{name}: release {after.live} serves, which is new here{more}"
    if after.live != before.live:
        back = " (rollback)" if after.live in before.history else ""
        return f"{name}: release {after.live} serves instead of {before.live}{back}"
    if (after.canary, after.share) == (before.canary, before.share):
        return ""
    if after.canary is None:
        return f"{name}: the canary {before.canary} has ended; release {after.live} serves"
    return f"{name}: {canary}"


async def _loaded(served: Served) -> Served:
    try:
        await served.load()
    except BaseException:
        await served.close()
        raise
    return served


def _limits_of(key: Key) -> tuple[Limit, ...]:
    found = []
    for name, kind in _KINDS.items():
        most = getattr(key.limits, name)
        if most is not None:
            most = to_pico(most) if kind.startswith("money") else most
            found.append(Limit(2 * key.id, kind, most))
    return tuple(found)


def _limits_of_scenario(pointer: Pointer, served: Served) -> tuple[Limit, ...]:
    budget = served.scenario.budget
    caps = (("money_day", budget.per_day), (MONEY_RUN, budget.per_run))
    return tuple(
        Limit(2 * pointer.id + 1, kind, to_pico(cap)) for kind, cap in caps if cap is not None
    )
