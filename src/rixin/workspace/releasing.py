"""Releases, their pointers and keys: what an operator does, each step in the audit trail."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rixin.core.key import APPROVERS, ROLES, Key, Limits, hash_key
from rixin.core.release import Pointer, Release
from rixin.core.verdict import Decision
from rixin.errors import PromiseUnmet, UnknownName, UsageError
from rixin.interop.contract.load import changed_parts, load_scenario, scenario_as_stated
from rixin.ledger.decisions import last_decision
from rixin.ledger.keys import add_key, list_keys, public_id_of, revoke_key, rotate_key
from rixin.ledger.releases import (
    add_release,
    currencies,
    find_pointer,
    find_release,
    list_releases,
    move_pointer,
)
from rixin.ledger.requests import spent_by_key_since
from rixin.ledger.store import Ledger
from rixin.workspace.actor import current_user
from rixin.workspace.capabilities import with_features
from rixin.workspace.frozen import freeze, thaw
from rixin.workspace.verify import verify

_MONEY = frozenset(
    {
        "economics.cost_per_review",
        "economics.cost_per_wrong",
        "economics.value_per_solved",
        "incumbent",
    }
)
"""What a verdict in money rests on most."""
_CANARY = (5, 25)
"""Percent of the traffic, step by step, before all of it."""


class Desk:
    """Makes releases and keys on one ledger, and moves the pointers.

    Args:
        ledger: The ledger.
        actor: Who works at it; empty: the user of this process.
    """

    def __init__(self, ledger: Ledger, *, actor: str = "") -> None:
        self.ledger = ledger
        self.actor = actor or current_user()

    def release(
        self,
        path: Path,
        *,
        force: bool = False,
        solver: str | None = None,
        accept_assumptions: bool = False,
    ) -> Release:
        """Turns the latest verdict on a scenario into its next release.

        Where the newest release is the same already, it is that one: no new number is made.

        Args:
            path: The scenario file.
            force: Release what the verdict does not adopt; the release is marked for ever.
            solver: With `force`: the candidate; None: the one that the verdict names.
            accept_assumptions: The owner takes figures for money that nobody has stated: it is noted in
                the trail, with the owner's name.

        Raises:
            UsageError: There is no verdict, it was given on another text of the file, there is no
                such candidate, or all its figures for money are assumed and nobody accepts them.
            PromiseUnmet: The verdict adopts nothing, or its certificate does not hold any more.
        """
        scenario = load_scenario(path)
        last = last_decision(self.ledger, scenario.name)
        if last is None:
            raise UsageError(
                f"nothing was decided yet on {scenario.name}", hint=f"run: rixin decide {path}"
            )
        certificate = last["record"]["certificate"]
        if changed := changed_parts(path, certificate["contract"]):
            raise UsageError(
                f"{path.name} has changed since the verdict ({', '.join(changed)}): decide again",
                hint=f"run: rixin decide {path}",
            )
        chosen = solver or certificate["winner"]
        certified = self._certified(certificate, path, chosen)
        if not (certified is None or force):
            raise PromiseUnmet(
                certified, hint="release it all the same with --force: it stays marked"
            )
        line = _solver_line(certificate, chosen)
        stated = scenario_as_stated(certificate["contract"], path)
        prints = {one["name"]: one["fingerprint"] for one in certificate["solvers"]}
        given = {
            "scenario": scenario.name,
            "solver": line["name"],
            "fingerprint": line["fingerprint"],
            "dataset_id": certificate["cases"]["dataset"],
            "path": str(path.resolve()),
            "frozen": freeze(with_features(stated, prints, self.ledger)),
            "contract": certificate["contract"],
            "certificate": certificate,
            "certified": certified is None,
        }
        newest = self.newest(scenario.name)
        if newest is not None and _is_same(newest, given):
            return newest
        assumed = sorted(_MONEY & scenario.illustrative) if certified is None else []
        if assumed == sorted(_MONEY) and not accept_assumptions:
            raise UsageError(
                f"every figure for money in {path.name} is assumed ({', '.join(assumed)}): that"
                f" {chosen} pays rests on numbers that nobody has stated",
                hint=f"state them and decide again; or, where {scenario.owner} accepts them: rixin"
                f" release {path} --accept-assumptions",
            )
        also = {"assumed": assumed, "accepted_for": scenario.owner} if accept_assumptions else {}
        return add_release(self.ledger, given, actor=self.actor, now=_now(), also=also)

    def _certified(
        self, certificate: Mapping[str, Any], path: Path, chosen: str | None
    ) -> str | None:
        """Why a release would not be certified; None: it is."""
        if certificate["decision"] != Decision.ADOPT.value:
            return f"the verdict on {certificate['scenario']} adopts nothing: {certificate['headline']}"
        if chosen != certificate["winner"]:
            return f"the verdict adopts {certificate['winner']!r}, not {chosen!r}"
        found = verify(path, certificate, self.ledger, path)
        if not found.holds:
            return f"the certificate does not hold any more: {found.differences[0]}"
        return None

    def newest(self, scenario: str) -> Release | None:
        """The newest release of a scenario; None: there is none, or it cannot be read."""
        try:
            return find_release(self.ledger, scenario)
        except (UnknownName, ValueError):  # a broken row must not keep the next release away
            return None

    def releases(self, scenario: str | None = None) -> list[Release]:
        """The releases of one scenario or of all, oldest first."""
        return list_releases(self.ledger, scenario)

    def pointer(self, scenario: str) -> Pointer | None:
        """What serves a scenario; None: nothing yet."""
        return find_pointer(self.ledger, scenario)

    def promote(
        self,
        scenario: str,
        number: int | None = None,
        *,
        canary: int | None = None,
        approved_by: str = "",
        key: str = "",
    ) -> Pointer:
        """Lets a release serve: at once, or on a part of the traffic first.

        Args:
            scenario: Its name.
            number: Of the release; None: the newest.
            canary: Percent of the traffic, 1 to 99; None: all of it.
            approved_by: A second person, whose name is taken as given: it is kept, and is no approval
                where one is needed.
            key: The gateway's key of a second person, which proves the name.

        Raises:
            UnknownName: There is no such release.
            UsageError: The share is none, a second person is needed, or the key is none of theirs.
        """
        release = find_release(self.ledger, scenario, number)
        approval = self._approval(release, approved_by, key)
        if canary is None:
            change = {"live": release.number, "canary": None, "share": 0}
            return self._move(scenario, "release.promote", change, approval)
        if not 1 <= canary <= 99:
            raise UsageError(
                f"a canary takes 1 to 99 percent of the traffic, not {canary}",
                hint="leave --canary out to let it serve all of it",
            )
        before = find_pointer(self.ledger, scenario)
        if before is None or before.live is None:
            raise UsageError(
                f"nothing serves {scenario} yet, so there is nothing to try a canary beside",
                hint=f"run: rixin promote {scenario}",
            )
        change = {"canary": release.number, "share": canary}
        return self._move(scenario, "release.canary", change, approval)

    def rollback(self, scenario: str, number: int | None = None) -> Pointer:
        """Goes back: ends a canary, or lets the release before serve again.

        Args:
            scenario: Its name.
            number: Of a release that served before; None: the last one that served and is older. So a
                second rollback goes further back, and never to a release that was just taken out.

        Raises:
            UsageError: There is nothing to go back to.
        """
        pointer = find_pointer(self.ledger, scenario)
        if pointer is None:
            raise UsageError(f"nothing serves {scenario}", hint=f"run: rixin promote {scenario}")
        if number is not None:
            find_release(self.ledger, scenario, number)
            if number not in {pointer.live, *pointer.history}:
                raise UsageError(
                    f"{scenario}@{number} has never served, so there is no going back to it",
                    hint=f"let it serve with: rixin promote {scenario} {number}",
                )
        elif pointer.canary is not None:
            number = pointer.live
        else:
            number = _before(pointer)
        change = {"live": number, "canary": None, "share": 0}
        return self._move(scenario, "release.rollback", change)

    def create_key(
        self,
        name: str,
        *,
        role: str = "caller",
        scenarios: Sequence[str] = (),
        limits: Limits,
        lifetime: timedelta | None = None,
    ) -> tuple[str, Key]:
        """A new key; the secret is told only here.

        Args:
            name: What it is for.
            role: One of `rixin.core.key.ROLES`.
            scenarios: What it may call; empty: everything.
            limits: How much it may use.
            lifetime: When it ends by itself; None: never.

        Raises:
            UnknownName: There is no such role.
        """
        if role not in ROLES:
            raise UnknownName("role", role, ROLES)
        secret = _secret(secrets.token_hex(6))
        key = add_key(
            self.ledger,
            secret,
            name=name,
            role=role,
            scenarios=scenarios,
            limits=limits,
            actor=self.actor,
            now=_now(),
            lifetime=lifetime,
        )
        return secret, key

    def rotate_key(
        self, key: str, *, grace: timedelta, lifetime: timedelta | None = None
    ) -> tuple[str, Key]:
        """Gives a key a new secret, which is told only here; what it may use and has used stays.

        Args:
            key: Its public id or its name.
            grace: How long the secrets before it still hold.
            lifetime: When the new one ends by itself; None: after as long as the one before it.

        Raises:
            UnknownName: There is no such key.
            UsageError: Several keys have this name, or it was revoked.
        """
        secret = _secret(public_id_of(self.ledger, key))
        rotated = rotate_key(
            self.ledger, secret, grace=grace, lifetime=lifetime, actor=self.actor, now=_now()
        )
        return secret, rotated

    def keys(self) -> list[Key]:
        """All keys, revoked ones included."""
        return list_keys(self.ledger)

    def revoke_key(self, key: str) -> Key:
        """Ends a key, by its public id or its name; a running gateway refuses it within a second."""
        return revoke_key(self.ledger, key, actor=self.actor, now=_now())

    def prompts(self, request: Mapping[str, Any]) -> dict[str, Sequence[tuple[str, str]]]:
        """What each solver was sent for a request; see `rixin.workspace.serving.prompts_of`."""
        from rixin.engine.transport import HttpTransport
        from rixin.workspace.serving import prompts_of

        return prompts_of(self.ledger, request, HttpTransport())

    def currencies(self) -> dict[str, str]:
        """The currency of each scenario that has a release."""
        return currencies(self.ledger)

    def spent_today(self) -> dict[int | None, dict[str, Decimal]]:
        """Key → currency → what was spent since midnight, UTC; an unknown currency is empty."""
        now, known = _now(), self.currencies()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        spent = spent_by_key_since(self.ledger, midnight.timestamp(), now.timestamp())
        found: dict[int | None, dict[str, Decimal]] = {}
        for (key, scenario), pico in spent.items():
            sums, currency = found.setdefault(key, {}), known.get(scenario, "")
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(pico).scaleb(-12)
        return found

    def _approval(self, release: Release, approved_by: str, key: str) -> dict[str, Any]:
        """What the trail keeps of a second person; nothing where there is none and none is needed."""
        if key:
            return self._approval_by_key(release, key)
        if self._asks_for_two(release):
            unproved = f", and nothing proves the name {approved_by!r}" * bool(approved_by)
            raise UsageError(
                f"{release.scenario} asks for a second person to promote a release{unproved}",
                hint=f"somebody else than {release.created_by} gives their key of role approver:"
                " --key-file FILE",
            )
        return {"approved_by": approved_by, "proved": False} if approved_by else {}

    def _asks_for_two(self, release: Release) -> bool:
        """Whether a second person is needed: the contract that serves can ask for one, too."""
        found, pointer = [release], find_pointer(self.ledger, release.scenario)
        if pointer is not None and pointer.live is not None:
            found.append(find_release(self.ledger, release.scenario, pointer.live))
        return any(thaw(one.frozen, Path(one.path)).policy.second_person for one in found)

    def _approval_by_key(self, release: Release, secret: str) -> dict[str, Any]:
        hashed, now = hash_key(secret), _now().isoformat(timespec="seconds")
        key = next((one for one in self.keys() if one.holds(hashed, now)), None)
        reason = "" if key is None else _cannot_approve(key, release)
        if key is None or reason:
            raise UsageError(
                f"this key cannot approve {release.scenario}@{release.number}:"
                f" {reason or 'the ledger has no such key, or it has ended'}",
                hint="make one for the second person: rixin keys create --name NAME --role approver",
            )
        return {"approved_by": key.name, "proved": True, "key": key.public_id}

    def _move(
        self,
        scenario: str,
        action: str,
        change: Mapping[str, Any],
        approval: Mapping[str, Any] | None = None,
    ) -> Pointer:
        now = _now()
        return move_pointer(
            self.ledger, scenario, action, change, actor=self.actor, now=now, approval=approval
        )


def _is_same(release: Release, given: Mapping[str, Any]) -> bool:
    """Whether a release is what would be made; when it was decided does not count."""
    plain = given.keys() - {"certificate", "frozen"}
    if any(getattr(release, name) != given[name] for name in plain):
        return False
    path = Path(release.path)
    try:  # not as text: a set has another order in each process
        same = thaw(release.frozen, path) == thaw(given["frozen"], path)
    except UsageError:  # made by another version
        return False
    return same and release.seal == given["certificate"]["sha256"]


def next_share(pointer: Pointer) -> int | None:
    """The next step of a canary, in percent; None: all of the traffic.

    Examples:
        >>> next_share(Pointer(id=1, scenario="s", live=1, canary=2, share=5))
        25
    """
    return next((share for share in _CANARY if share > pointer.share), None)


def _before(pointer: Pointer) -> int:
    live = pointer.live or 0
    older = [one for one in pointer.history if one < live]
    if not older:
        raise UsageError(
            f"{pointer.scenario}@{live} is the first release that served",
            hint="name another: rixin rollback SCENARIO N",
        )
    return older[0]


def _cannot_approve(key: Key, release: Release) -> str:
    """Why the owner of a key is no second person for a release; empty: they are."""
    if key.revoked_at is not None:
        return "it is revoked"
    if key.role not in APPROVERS:
        return f"its role is {key.role}, not {' or '.join(sorted(APPROVERS))}"
    if not key.may_call(release.scenario):
        return "it is for other scenarios"
    if not _folded(key.name):
        return "it has no name, so whose it is cannot be told"
    if _folded(key.name) == _folded(release.created_by):
        return f"it is the key of {key.name}, who made the release"
    return ""


def _folded(name: str) -> str:
    return name.strip().casefold()


def _solver_line(certificate: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    lines = {line["name"]: line for line in certificate["solvers"]}
    served = [one for one, line in lines.items() if line["kind"] != "human"]
    if name is None:
        raise UsageError(
            "the verdict names no solver", hint=f"say which one: --solver {' or '.join(served)}"
        )
    if name not in served:
        raise UnknownName("solver", name, served)
    line: Mapping[str, Any] = lines[name]
    return line


def _now() -> datetime:
    return datetime.now(UTC)


def _secret(public_id: str) -> str:
    """A whole key with a new secret of 192 random bits."""
    return f"rx-{public_id}-{secrets.token_hex(24)}"
