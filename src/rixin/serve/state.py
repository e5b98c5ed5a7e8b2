"""What a worker knows: keys, releases and declared endpoints, in memory and refreshed on change.

No request reads the database. A thread looks once a second whether the audit trail has a new entry
of an operator; only then keys and pointers are read again, and releases that are new are built
beside those that serve.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rixin.core.key import Key
from rixin.core.money import to_pico
from rixin.core.release import Pointer
from rixin.core.transport import Transport
from rixin.errors import RixinError
from rixin.guards.build import TextPolicy
from rixin.ledger.audit import news_since
from rixin.ledger.keys import list_keys
from rixin.ledger.releases import all_pointers, find_release
from rixin.ledger.store import Ledger
from rixin.serve.errors import Refusal
from rixin.serve.meters import Limit
from rixin.workspace.serving import Served, Upstream, build_served, upstreams_of

_LOOK_S = 0.5
_LEAVE_S = 60.0
"""Seconds that a release which was taken out stays open for what it has begun."""
_log = logging.getLogger("rixin.serve")
_MONEY = {
    "money_per_minute": "money_minute",
    "money_per_day": "money_day",
    "money_per_month": "money_month",
}


@dataclass(slots=True)
class Caller:
    """A key that is in memory."""

    key: Key
    limits: tuple[Limit, ...]
    revoked: bool = False
    """Set while requests of it are under way, too."""


@dataclass(slots=True)
class Route:
    """What a scenario's name leads to."""

    pointer: Pointer
    releases: dict[int, Served]
    limits: tuple[Limit, ...] = ()

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
    """

    ledger: Ledger
    transport: Transport
    say: Callable[[str], None]
    callers: dict[str, Caller] = field(default_factory=dict)
    """By the hash of the key."""
    by_public_id: dict[str, Caller] = field(default_factory=dict)
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
    _leaving: list[tuple[float, Served]] = field(default_factory=list)
    """Releases that were taken out, and when they are closed, on the monotonic clock."""
    _seen: int = 0
    """The newest entry of the audit trail that was looked at."""

    async def load(self) -> None:
        """Reads all that has changed; releases that cannot be built are named in `faults`."""
        seen, changed = await asyncio.to_thread(news_since, self.ledger, self._seen)
        if self.ready and not changed:
            self._seen = seen
            return
        self._take_keys(await asyncio.to_thread(list_keys, self.ledger))
        for pointer in await asyncio.to_thread(all_pointers, self.ledger):
            await self._take_pointer(pointer)
        self._seen, self.ready = seen, True

    async def follow(self) -> None:
        """Keeps up with the ledger until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            while self._leaving and self._leaving[0][0] <= time.monotonic():
                await self._leaving.pop(0)[1].close()
            try:
                await self.load()
            except RixinError as error:
                _log.error("what has changed cannot be read: %s", error)

    async def close(self) -> None:
        """Gives back what releases hold."""
        warm = [one for route in self.routes.values() for one in route.releases.values()]
        for served in (*warm, *(one for _, one in self._leaving)):
            await served.close()

    def names(self) -> list[str]:
        """What `model` may be, for the list of models."""
        scenarios = (f"scenario/{name}" for name in self.routes)
        return [*scenarios, *self.upstreams, *self.aliases]

    def _take_keys(self, keys: list[Key]) -> None:
        for key in keys:
            known = self.callers.get(key.hash)
            if known is None:
                self.callers[key.hash] = known = Caller(key, _limits_of(key))
                self.by_public_id[key.public_id] = known
            known.revoked = key.revoked_at is not None

    async def _take_pointer(self, pointer: Pointer) -> None:
        before = self.routes.get(pointer.scenario)
        built = dict(before.releases) if before is not None else {}
        for number in pointer.warm():
            if number not in built:
                served = await self._build(pointer.scenario, number)
                if served is not None:
                    built[number] = served
        self._keep_faults(pointer)
        kept = {number: one for number, one in built.items() if number in pointer.warm()}
        live = kept.get(pointer.live or -1)
        if live is None:
            return  # what served before goes on
        self.routes[pointer.scenario] = Route(pointer, kept, _limits_of_scenario(pointer, live))
        self._declare(live)
        until = time.monotonic() + _LEAVE_S
        self._leaving += [(until, one) for number, one in built.items() if number not in kept]

    def _keep_faults(self, pointer: Pointer) -> None:
        """Forgets what is wrong with releases that shall not serve any more."""
        wanted = {f"{pointer.scenario}@{one}" for one in (pointer.live, pointer.canary)}
        for name in [*self.faults]:
            if name.rpartition("@")[0] == pointer.scenario and name not in wanted:
                del self.faults[name]

    async def _build(self, scenario: str, number: int) -> Served | None:
        name = f"{scenario}@{number}"
        try:
            release = await asyncio.to_thread(find_release, self.ledger, scenario, number)
            served = build_served(self.ledger, release, self.transport, say=self.say)
        except RixinError as error:
            self.faults[name] = str(error)
            _log.error("%s cannot serve: %s (%s)", name, error, error.hint)
            return None
        self.faults.pop(name, None)
        return served

    def _declare(self, served: Served) -> None:
        """The endpoints that the contract declares and whose keys are there."""
        scenario = served.scenario
        forbidden = scenario.policy.egress == "none"
        for one in scenario.candidates:
            try:
                for upstream in upstreams_of(scenario, [one.name]):
                    if upstream.remote and forbidden:
                        continue
                    self.upstreams[f"solver/{scenario.name}/{one.name}"] = upstream
                    self.upstreams.setdefault(f"solver/{one.name}", upstream)
            except RixinError as error:
                _log.warning("%s is not declared: %s", one.name, error)


def _limits_of(key: Key) -> tuple[Limit, ...]:
    given, subject = key.limits, 2 * key.id
    found = []
    if given.requests_per_minute is not None:
        found.append(Limit(subject, "requests", given.requests_per_minute))
    if given.tokens_per_minute is not None:
        found.append(Limit(subject, "tokens", given.tokens_per_minute))
    if given.in_flight is not None:
        found.append(Limit(subject, "in_flight", given.in_flight))
    for name, kind in _MONEY.items():
        amount = getattr(given, name)
        if amount is not None:
            found.append(Limit(subject, kind, to_pico(amount)))
    return tuple(found)


def _limits_of_scenario(pointer: Pointer, served: Served) -> tuple[Limit, ...]:
    cap = served.scenario.budget.per_day
    return () if cap is None else (Limit(2 * pointer.id + 1, "money_day", to_pico(cap)),)
