"""One call from the request to its row: who asks, what it may cost, and what came of it."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rixin.core.answer import Step, cut_failure
from rixin.serve.capture import Capture
from rixin.serve.errors import Refusal
from rixin.serve.meters import MONEY_RUN, Amounts, Exceeded, Hold, Limit, Meters
from rixin.serve.runs import Line, Spent, TableFull, to_hex
from rixin.serve.state import Caller

_WHAT = {
    "requests": "{} requests a minute",
    "requests_day": "{} requests a day",
    "requests_month": "{} requests a month",
    "tokens": "{} tokens a minute",
    "tokens_day": "{} tokens a day",
    "tokens_month": "{} tokens a month",
    "money_minute": "a budget of {} a minute",
    "money_day": "a budget of {} a day",
    "money_month": "a budget of {} a month",
    "in_flight": "{} requests at the same time",
}
_RESETS = {"day": "it resets at 00:00 UTC", "month": "it resets when a month of UTC begins"}
_new = tuple.__new__
"""Makes a named tuple in a third of the time that its own takes."""
_FREE = frozenset(kind for kind in _WHAT if not kind.startswith("money"))
"""Kinds of limits that are none of money."""


@dataclass(slots=True)
class Call:
    """A call under way."""

    id: str
    at: float
    caller: Caller
    surface: str
    """Which API it came by."""
    scenario: str = ""
    began: float = field(default_factory=time.perf_counter)
    release: int | None = None
    certificate: str = ""
    solver: str = ""
    model: str = ""
    """As the caller named it."""
    state: str = "answered"
    """answered, refused, failed, queued (waits for people) or cancelled."""
    status: int = 200
    cost_pico: int | None = 0
    """In 10⁻¹² currency units; None: not known."""
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    """The upstream did not say what it used."""
    tier: str = ""
    """The tier of service that it asks an endpoint for, where that may cost more."""
    unread: Sequence[str] = ()
    """Figures of its usage that nobody understands: it may have cost more."""
    upstream_s: float = 0.0
    steps: list[Step] = field(default_factory=list)
    confidence: float | None = None
    """What speaks for the answer of a scenario, in [0, 1]; None: nothing is known."""
    outside: bool = False
    """The case is unlike those that a solver has learnt from."""
    findings: list[tuple[str, str]] = field(default_factory=list)
    """What guards found: guard and reason."""
    note: str = ""
    failure: str = ""
    """The kind of the failure of an answer that is passed on: of one whose stream failed, or in
    which nothing was said; empty: it did not fail."""
    content: Mapping[str, Any] | None = None
    """What was said; None: it is not kept."""
    hold: Hold | None = None
    run: str = ""
    """The run of an agent that it belongs to, as the caller named it; empty: none."""
    parent_run: str = ""
    line: Line | None = None
    """What is known of the run; None: nothing limits it, and the caller names none."""
    reserved_pico: int = 0
    traceparent: str = ""
    """The caller's own span, as W3C Trace Context writes it; read where spans are made."""
    others: Sequence["Call"] = ()
    """The further prompts of the same request, each a row of its own."""

    def beside(self, number: str) -> "Call":
        """Another one of the same request."""
        other = Call(number, self.at, self.caller, self.surface)
        other.run, other.parent_run = self.run, self.parent_run
        return other

    @property
    def seconds(self) -> float:
        """Since the request was whole."""
        return time.perf_counter() - self.began

    @property
    def run_names(self) -> dict[str, str]:
        """The run, and its parent where it has one, as the caller named them."""
        names = {"run": self.run, "parent_run": self.parent_run}
        return {what: name for what, name in names.items() if name}

    @property
    def money_pico(self) -> int:
        """What it counts as: a cost that is not known is all that was reserved."""
        return self.reserved_pico if self.cost_pico is None else self.cost_pico

    def refused(self, refusal: Refusal) -> None:
        """It ended so."""
        self.status, self.note = refusal.status, refusal.note or refusal.message
        self.state = "failed" if refusal.status >= 500 else "refused"

    def unsaid(self, limit: int | None) -> None:
        """The answer is passed on, and empty: reasoning took its tokens.

        Args:
            limit: How many these were; None: not known.
        """
        why = cut_failure(limit, in_reasoning=True)
        self.state, self.failure, self.note = "failed", why.kind, why.message

    def cancelled(self, why: str) -> None:
        """It ended so, whatever was under way."""
        self.status, self.state, self.note = 499, "cancelled", why

    def total_pico(self) -> int | None:
        """What the whole request cost; None: not known."""
        if not self.others:
            return self.cost_pico
        costs = [one.cost_pico for one in (self, *self.others)]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def headers(self) -> bytes:
        """What every answer says about itself, as header lines."""
        pico = self.total_pico()
        cost = "unknown" if pico is None else _amount(pico)
        release = "" if self.release is None else f"{self.scenario}@{self.release}"
        sure = self.confidence
        more = "" if sure is None else f"x-rixin-confidence: {sure:.4f}\r\n"
        if self.outside:
            more += "x-rixin-outside: true\r\n"
        if self.at >= self.caller.warned_from:
            more += self.caller.notice
        if self.failure:
            more += f"x-rixin-failure: {self.failure}\r\n"
        return (
            f"x-rixin-request-id: {self.id}\r\nx-request-id: {self.id}\r\n"
            f"x-rixin-solver: {_safe(self.solver)}\r\n"
            f"x-rixin-cost: {cost}\r\nx-rixin-release: {_safe(release)}\r\n{more}"
        ).encode("latin-1", "replace")


def no_call_headers(number: str = "") -> bytes:
    """The same of an answer that is no call: nobody was asked, and it costs nothing."""
    number = number or new_id(time.time())
    return (
        f"x-rixin-request-id: {number}\r\nx-request-id: {number}\r\n"
        "x-rixin-solver: \r\nx-rixin-cost: 0\r\nx-rixin-release: \r\n"
    ).encode()


_bits: list[str] = []


def random_hex() -> str:
    """96 random bits; they are fetched from the system many at a time."""
    if not _bits:
        some = os.urandom(12 * 256).hex()
        _bits.extend(some[place : place + 24] for place in range(0, len(some), 24))
    return _bits.pop()


def new_id(at: float) -> str:
    """A request id: random, with the time in front so that ids sort."""
    return f"req_{int(at):08x}{random_hex()}"


def reserve(
    call: Call, meters: Meters, limits: tuple[Limit, ...], *, tokens: int, most_pico: int
) -> None:
    """Sets aside what a call may use under all limits.

    Raises:
        Refusal: One of them has no room: 429 with when to come back.
    """
    if not limits:
        return
    if call.line is not None:
        _reserve_in_run(call, call.line, most_pico)
        limits = tuple(limit for limit in limits if limit.kind != MONEY_RUN)
    spends = (most_pico, most_pico, most_pico)
    amounts = _new(Amounts, (1, tokens, *spends, 1, 1, 1, tokens, tokens))
    found = meters.reserve(limits, amounts, now=call.at)
    if isinstance(found, Exceeded):
        raise _no_room(found, getattr(amounts, found.limit.kind))
    call.hold, call.reserved_pico = found, most_pico


def _reserve_in_run(call: Call, line: Line, most_pico: int) -> None:
    try:
        spent = line.reserve(most_pico)
    except TableFull:
        raise too_many_runs() from None
    if spent is not None:
        raise _run_spent(call, spent, most_pico)
    call.reserved_pico = most_pico


@contextmanager
def counted(limits: Sequence[Limit], meters: Meters, *, tokens: int, now: float) -> Iterator[None]:
    """Counts a request that asks nobody, such as feedback, under a key's limits but those of money.

    Args:
        limits: Of the key.
        meters: What keys have used.
        tokens: As many as it counts for.
        now: Seconds since the epoch.

    Raises:
        Refusal: One of them has no room: 429 with when to come back.
    """
    amounts = _new(Amounts, (1, tokens, 0, 0, 0, 1, 1, 1, tokens, tokens))
    held = meters.reserve([one for one in limits if one.kind in _FREE], amounts, now=now)
    if isinstance(held, Exceeded):
        raise _no_room(held, getattr(amounts, held.limit.kind))
    try:
        yield
    finally:
        meters.settle(held, amounts)


def check_priced(limits: Sequence[Limit], solver: str) -> None:
    """Refuses an endpoint whose price is not known, where a budget would have to count it.

    Raises:
        Refusal: One of the limits is of money.
    """
    if any(limit.kind.startswith("money") for limit in limits):
        raise Refusal(
            403,
            f"the price of {solver} is not known, so no budget can hold for it: state `price` in"
            " the contract, or use a key without a budget",
            "price_not_known",
            "model",
            retry=False,
        )


def settle(call: Call, meters: Meters) -> None:
    """Counts what the call used; an unknown cost counts as all that was reserved."""
    if call.line is not None:
        call.line.settle(call.money_pico)
    hold, call.hold = call.hold, None
    if hold is None:
        return
    money = call.money_pico
    tokens = call.input_tokens + call.output_tokens
    used = (1, tokens, money, money, money, 0, 1, 1, tokens, tokens)
    meters.settle(hold, _new(Amounts, used))


def keep(call: Call, capture: Capture) -> None:
    """Makes the call a row of the ledger."""
    detail: dict[str, Any] = {"surface": call.surface}
    # What a caller may have written is content: it can be erased, which facts cannot.
    words: dict[str, Any] = {"note": call.note} if call.note else {}
    if call.model:
        (detail if call.scenario else words)["model"] = call.model
    if call.certificate:
        detail["certificate"] = call.certificate
    if call.steps:
        detail["steps"] = [
            # An output is content: it is kept there, or not at all.
            [one.solver, None, one.confidence, one.threshold, one.escalated]
            for one in call.steps
        ]
    if call.findings:
        detail["findings"] = call.findings
    signs = {"estimated": call.estimated, "outside": call.outside}
    detail |= {name: True for name, holds in signs.items() if holds}
    if call.unread:
        detail["unread"] = list(call.unread)
    if call.run and call.line is not None:
        detail["run"], detail["root"] = to_hex(call.line.run), to_hex(call.line.root)
        words |= call.run_names
    if call.cost_pico is None and call.reserved_pico:
        detail["reserved_pico"] = call.reserved_pico  # it counts so after a restart, too
    if call.upstream_s:
        detail["upstream_s"] = round(call.upstream_s, 6)
    content = None
    if words or call.content is not None:
        content = {"salt": random_hex(), **words, **(call.content or {})}
    facts = [
        call.id,
        _number(call.at),
        call.caller.key.id,
        call.scenario,
        call.release,
        call.solver,
        call.status,
        call.state,
        call.cost_pico,
        call.input_tokens,
        call.output_tokens,
        _number(round(call.seconds, 6)),
        detail,
    ]
    capture.add(facts, content)


def _number(value: float) -> float | msgspec.Raw:
    """A number as Python's own JSON writes it: the audit trail is verified without msgspec.

    The two differ where there is an exponent.
    """
    return value if value >= 1e-4 else msgspec.Raw(repr(value).encode())


def _no_room(found: Exceeded, wanted: int) -> Refusal:
    limit, money = found.limit, found.limit.kind.startswith("money")
    most, used, need = map(_amount if money else str, (limit.most, found.used, wanted))
    whose = "this key" if limit.subject % 2 == 0 else "this scenario"
    ends = _RESETS.get(limit.kind.rpartition("_")[2], f"come back in {found.retry_after_s:.0f} s")
    return Refusal(
        429,
        f"{whose} has {_WHAT[limit.kind].format(most)}: {used} used or reserved, and this request"
        f" may need {need}; {ends}",
        "insufficient_quota" if money else "rate_limit_exceeded",
        retry_after_s=found.retry_after_s,
        retry=not money,
    )


def _run_spent(call: Call, found: Spent, wanted: int) -> Refusal:
    most, used, need = map(_amount, (found.cap.most, found.used, wanted))
    what = f"the run {call.run}" if call.run else "this call"
    why = f"{what} may cost {most}, as {found.cap.whose} says"
    return Refusal(
        429,
        f"{why}: {used} are spent or reserved by it and its children, and this request may need"
        f" {need}",
        "insufficient_quota",
        retry=False,
        note="its run has no money left",
    )


def too_many_runs() -> Refusal:
    """More runs are busy than can be counted at once."""
    why = "this gateway counts as many runs as it can at the moment"
    return Refusal(503, why, "overloaded", retry_after_s=30.0)


def _amount(pico: int) -> str:
    """An amount of money, with twelve digits after the point and no more than it needs."""
    whole, part = divmod(pico, 10**12)
    return f"{whole}.{part:012d}".rstrip("0").rstrip(".")


def _safe(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
