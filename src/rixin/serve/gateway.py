"""The gateway: what every surface shares, from the key to the row in the ledger."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import ceil
from pathlib import Path
from typing import NamedTuple

from rixin.core.answer import TOO_LONG, Failure
from rixin.core.case import Case
from rixin.core.foreign import valid_text
from rixin.core.key import ROLES, hash_key
from rixin.core.traces import log_traceback
from rixin.engine.transport import HttpTransport
from rixin.serve.breaker import Breaker
from rixin.serve.call import Call, check_priced, keep, new_id, no_call_headers, reserve, settle
from rixin.serve.capture import Capture
from rixin.serve.errors import Refusal
from rixin.serve.guarding import Guarding, NeedsPeople, aside
from rixin.serve.http import Request
from rixin.serve.idempotency import FIELD, IdempotentRequests, Work
from rixin.serve.joining import join_run
from rixin.serve.ladder import Climb, Ladder
from rixin.serve.meters import Limit, Meters
from rixin.serve.metrics import Metrics
from rixin.serve.outgoing import Dialect
from rixin.serve.runs import Runs
from rixin.serve.state import Caller, Route, State
from rixin.serve.supervision import Supervisor
from rixin.serve.watch import Watch
from rixin.serve.webhook import Webhook
from rixin.workspace.serving import Served, Upstream

_log = logging.getLogger("rixin.serve")
_LONGEST_NAME = 200
_LATER = frozenset({"rate_limited", "budget"})
"""Failures of which the caller is told when to come back: people need not do the case."""
_KNOWN_KEYS = 10_000
_LONGEST_HEEDED_S = 60
"""Seconds of a Retry-After up to which clients wait; beyond, OpenAI's for Node comes back at once."""
QUEUED = "this case goes to people: it waits for them as {id}"

Answer = Callable[["Gateway", Request], Awaitable[None]]
ErrorBody = Callable[[Refusal], bytes]
Identify = Callable[["Gateway", Request], Caller]


class Endpoint(NamedTuple):
    """What is known of an address before the body of a request is read."""

    answer: Answer
    identify: Identify | None = None
    """Finds out who asks; None: no key is needed, and no body is read."""
    roles: frozenset[str] = frozenset(ROLES)
    """Of keys that may ask here."""
    others_do: str = ""
    """What keys with other roles do."""
    error_body: ErrorBody | None = None
    """None: that of the gateway."""
    body_bytes: int | None = None
    """Size of a body at most; None: that of the gateway."""


@dataclass(slots=True)
class Gateway:
    """One worker's gateway."""

    state: State
    capture: Capture
    meters: Meters
    transport: HttpTransport
    metrics: Metrics
    endpoints: dict[tuple[str, str], Endpoint]
    others: Answer
    """Answers what no endpoint is named for."""
    error_body: ErrorBody
    trace: Callable[[Call], None] | None = None
    """Makes a span of a call; None: nobody collects them."""
    folder: Path | None = None
    """Where workers leave their counters for each other."""
    is_local: bool = True
    """Whether only this machine reaches it."""
    metrics_key: str = ""
    """What opens `/metrics`; empty: there is none."""
    in_flight: int = 0
    tasks: Supervisor = field(default_factory=Supervisor)
    """What goes on beside requests."""
    known_keys: dict[bytes, Caller] = field(default_factory=dict)
    """By the header that was sent, so that a key is hashed once; only of keys that there are."""
    dialects: dict[str, Dialect] = field(default_factory=dict)
    webhook: Webhook | None = None
    """Tells that people answered; None: nobody is told."""
    watch: Watch = field(init=False)
    runs: Runs = field(init=False)
    ladder: Ladder = field(init=False)
    idempotent: IdempotentRequests = field(init=False)

    def __post_init__(self) -> None:
        self.runs = Runs(self.meters)
        self.watch = Watch(self.metrics, self.trace)
        self.ladder = Ladder(self.watch.failed)
        self.idempotent = IdempotentRequests(self.state, self.meters)

    async def handle(self, request: Request) -> None:
        """Answers one request, whatever happens."""
        self.in_flight += 1
        try:
            if FIELD in request.headers and request.caller is not None and request.method == "POST":
                await self._answer(request, partial(self.idempotent.answer, work=self._answer))
            else:
                await self._answer(request)
        except Refusal as refusal:
            self.refuse(request, refusal)
        finally:
            self.in_flight -= 1
            request.give_up()

    async def _answer(self, request: Request, work: Work | None = None) -> None:
        """Answers a request by its endpoint, or by other work, whatever happens."""
        endpoint: Endpoint | None = request.endpoint
        try:
            if work is not None:
                await work(request)
                return
            await (self.others if endpoint is None else endpoint.answer)(self, request)
        except Refusal as refusal:
            self.refuse(request, refusal)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            log_traceback(_log, "a request failed inside the gateway", error)
            if not request.is_answered:
                broken = Refusal(500, "the gateway failed; its log says why", "internal_error")
                self.refuse(request, broken)

    def endpoint(self, request: Request) -> Endpoint | None:
        """What answers an address; None: it is none, or one with a part that varies."""
        endpoint = self.endpoints.get((request.method, request.path))
        if endpoint is None and request.method == "HEAD":
            return self.endpoints.get(("GET", request.path))
        return endpoint

    def admit(self, request: Request) -> None:
        """Looks at the head of a request: whose it is, and how large its body may be.

        Raises:
            Refusal: Nobody who asks so is answered.
        """
        request.endpoint = endpoint = self.endpoint(request)
        if endpoint is None or endpoint.identify is None:
            request.keeps_body = False
            return
        caller = endpoint.identify(self, request)
        self.check(caller)
        if caller.key.role not in endpoint.roles:
            who = f"a key with the role {caller.key.role} {endpoint.others_do}"
            raise Refusal(403, who, "permission_denied")
        if (most := caller.key.limits.body_bytes) is not None:
            request.most = min(most, request.most)
        if (most := endpoint.body_bytes) is not None:
            request.most = min(most, request.most)
        request.caller = caller

    def caller(self, request: Request) -> Caller:
        """Who asks, by the key that was sent.

        Raises:
            Refusal: There is no key, or it is not known.
        """
        if request.caller is not None:
            known: Caller = request.caller
            return known
        sent = request.headers.get(b"authorization", b"")
        caller = self.known_keys.get(sent)
        if caller is not None:
            return caller
        given = request.header(b"authorization")
        if given[:7].lower() != "bearer ":
            raise Refusal(
                401,
                "no key was sent: put it into the header Authorization: Bearer KEY",
                "invalid_api_key",
            )
        caller = self.state.callers.get(hash_key(given[7:].strip()))
        if caller is None:
            raise Refusal(401, "this key is not known here", "invalid_api_key")
        if len(self.known_keys) < _KNOWN_KEYS:  # whether it was revoked is looked at each time
            self.known_keys[sent] = caller
        return caller

    def check(self, caller: Caller) -> None:
        """Looks whether a request of a caller can be answered now.

        Raises:
            Refusal: The key was revoked, or no row can be kept.
        """
        self.check_key(caller)
        if self.capture.refuses:
            raise Refusal(
                503,
                "the ledger takes no more rows at the moment, and nothing is answered unrecorded",
                "ledger_full",
                retry_after_s=5.0,
            )

    def check_key(self, caller: Caller) -> None:
        """Looks whether a key still holds.

        Raises:
            Refusal: It was revoked, or has ended.
        """
        if caller.revoked:
            raise Refusal(401, "this key was revoked", "invalid_api_key")
        if caller.ends <= time.time():
            raise Refusal(401, _ended(caller), "invalid_api_key")

    async def run(
        self,
        request: Request,
        surface: str,
        work: Callable[[Call], Awaitable[None]],
        error_body: ErrorBody,
    ) -> None:
        """One call: does the work, and writes down what came of it."""
        caller: Caller = request.caller
        self.check_key(caller)  # it may have waited for its turn
        now = time.time()
        call = Call(new_id(now), now, caller, surface)
        if b"x-rixin-run" in request.headers:
            call.run = request.header(b"x-rixin-run")
            call.parent_run = request.header(b"x-rixin-parent-run")
        if self.trace is not None:
            call.traceparent = request.header(b"traceparent")
        try:
            await work(call)
            if call.failure:
                self.watch.failed(call.solver, call.failure)
        except Refusal as refusal:
            call.refused(refusal)
            if refusal.failure:
                self.watch.failed(call.solver, refusal.failure)
            self.refuse(request, refusal, call, error_body)
        except asyncio.CancelledError:
            call.cancelled("the caller left")
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            log_traceback(_log, f"{call.id} failed inside the gateway", error)
            call.status, call.state = 500, "failed"
            broken = Refusal(
                500, f"the gateway failed on {call.id}; its log says why", "internal_error"
            )
            self.refuse(request, broken, call, error_body)
        finally:
            self._end(call)

    def _end(self, call: Call) -> None:
        """Writes down what came of a call; the answer is out, so nothing may be raised any more."""
        try:
            settle(call, self.meters)
            keep(call, self.capture)
        except Exception as error:  # noqa: BLE001 - see above
            log_traceback(_log, f"the row of {call.id} is kept without what was said", error)
            self._keep_facts(call)
        try:
            self.watch.ended(call)
        except Exception as error:  # noqa: BLE001 - see above
            log_traceback(_log, f"{call.id} is not counted", error)

    def _keep_facts(self, call: Call) -> None:
        """A row of a call whose texts cannot be stored."""
        call.content, call.steps, call.findings = None, [], []
        call.model, call.note = valid_text(call.model), "what was said cannot be stored"
        try:
            keep(call, self.capture)
        except Exception as error:  # noqa: BLE001 - as in _end
            log_traceback(_log, f"the row of {call.id} is lost", error)

    def refuse(
        self,
        request: Request,
        refusal: Refusal,
        call: Call | None = None,
        error_body: ErrorBody | None = None,
    ) -> None:
        """Says no, in the words of the surface; in a stream as its last event."""
        if error_body is None:
            endpoint: Endpoint | None = request.endpoint
            error_body = self.error_body if endpoint is None else endpoint.error_body
        body = (error_body or self.error_body)(refusal)
        if request.began:
            request.end(b"data: " + body + b"\n\n")
            return
        if call is None:
            extra = no_call_headers(self.watch.turned_away(request, refusal))
        else:
            extra = call.headers()
        if refusal.allow:
            extra += b"allow: %b\r\n" % refusal.allow.encode()
        retry = refusal.retry
        if refusal.retry_after_s is not None:
            wait = max(1, ceil(refusal.retry_after_s))
            extra += b"retry-after: %d\r\n" % wait
            if wait > _LONGEST_HEEDED_S:
                retry = False
        if retry is not None:
            extra += b"x-should-retry: %b\r\n" % (b"true" if retry else b"false")
        if refusal.status == 401:
            extra += b"www-authenticate: Bearer\r\n"
        request.reply(refusal.status, body, extra)

    def route(self, call: Call, model: str) -> tuple[Route, Served]:
        """The release that a model name like `scenario/desk@7` means.

        Raises:
            Refusal: There is none, or the key may not call it.
        """
        call.model = model[:_LONGEST_NAME]
        model = self.named(model)
        name, _, number = model.removeprefix("scenario/").partition("@")
        route = self.state.routes.get(name)
        if route is None or not call.caller.key.may_call(name):
            raise self.unknown(call.caller, model)
        if number and not number.isdecimal():
            raise Refusal(
                404, f"{number!r} is no release: name it as @7", "model_not_found", "model"
            )
        served = route.pick(int(number) if number else None)
        call.scenario = name
        call.release, call.certificate = served.release.number, served.release.seal
        return route, served

    def upstream(self, call: Call, model: str) -> Upstream:
        """The endpoint that a model name like `solver/strong` means.

        Raises:
            Refusal: There is none, or the key may not call it.
        """
        call.model = model[:_LONGEST_NAME]
        found = self.state.upstreams.get(self.named(model))
        if found is None or not call.caller.key.may_call(found.scenario):
            raise self.unknown(call.caller, model)
        call.scenario, call.solver = found.scenario, found.name
        return found

    def named(self, model: str) -> str:
        """The model that a name means: applications may keep the names they have."""
        return self.state.aliases.get(model, model)

    def may_call(self, caller: Caller, model: str) -> bool:
        """Whether a key may call a model that there is."""
        model = self.named(model)
        upstream = self.state.upstreams.get(model)
        scenario = model.removeprefix("scenario/") if upstream is None else upstream.scenario
        return caller.key.may_call(scenario)

    def unknown(self, caller: Caller, model: str) -> Refusal:
        """A model that is not there for a key, with some that are."""
        names = [name for name in self.state.names() if self.may_call(caller, name)]
        there = ", ".join(names[:12]) or "none: promote a release first"
        return Refusal(
            404,
            f"there is no model {model[:_LONGEST_NAME]!r} for this key; there are: {there}",
            "model_not_found",
            "model",
        )

    def limits(self, call: Call) -> tuple[Limit, ...]:
        """Those of the key and of the scenario."""
        route = self.state.routes.get(call.scenario)
        if route is None or not route.limits:
            return call.caller.limits
        return (*call.caller.limits, *route.limits)

    def is_of_run(self, call: Call) -> bool:
        """Whether a call names a run, or runs are limited: then it has to join one."""
        if call.run or call.caller.caps_runs:
            return True
        route = self.state.routes.get(call.scenario)
        return route is not None and route.caps_runs

    async def join_run(self, call: Call) -> None:
        """Finds the run that a call belongs to, and what limits it.

        Raises:
            Refusal: The run is none, or there is no room for it.
        """
        await join_run(self.state, self.runs, call, self.limits(call))

    def breaker(self, host: str) -> Breaker:
        """The breaker of an upstream."""
        return self.ladder.breakers.setdefault(host, Breaker())

    def dialect(self, host: str) -> Dialect:
        """What an upstream takes of what is added to requests."""
        return self.dialects.setdefault(host, Dialect())

    async def answer(self, call: Call, model: str, text: str) -> Climb:
        """Answers a case of a scenario.

        Raises:
            Refusal: No budget, or no solver can answer.
        """
        route, served = self.route(call, model)
        if self.is_of_run(call):
            await self.join_run(call)
        case = Case(id=call.id, key=call.id, input=text, expected=None, pool="audit")
        guarding, leaving = Guarding(served.text_guards), case
        try:
            if not guarding.is_idle:
                safe = await aside(len(text), lambda: guarding.leaving(text))
                leaving = case._replace(input=safe)
            may_pay = self._reserve(call, route, served, case)
            climb = await self.ladder.climb(served, case, leaving, may_pay=may_pay)
        except NeedsPeople as guard:
            climb = Climb()
            call.note = f"the guard {guard} hands it to people"
        except asyncio.CancelledError:
            call.cost_pico = None  # whoever was asked may have answered, and be billed
            raise
        finally:
            call.findings = guarding.findings
        call.steps, call.upstream_s = climb.steps, climb.upstream_s
        call.cost_pico, call.outside = climb.cost_pico, climb.outside
        call.input_tokens, call.output_tokens = climb.input_tokens, climb.output_tokens
        call.findings += [(one.guard, one.reason) for one in climb.violations]
        self._restore(climb, guarding, served)
        if served.scenario.policy.keep_content:
            call.content = await aside(
                0 if guarding.is_idle else len(text), lambda: _content(text, climb, guarding)
            )
        if climb.answer is not None:
            call.solver, call.confidence = climb.solver, climb.steps[-1].confidence
            return climb
        if climb.failure is not None and climb.failure.kind == "fatal":
            self.watch.tell_operator(climb.steps[-1].solver, climb.failure.for_log)
        kind = None if climb.failure is None else climb.failure.kind
        if climb.failure is None or (climb.heard and kind not in _LATER):
            call.state, call.solver = "queued", "human"
            if climb.failure is not None:
                call.note = f"{climb.steps[-1].solver} could not answer: {climb.failure.kind}"
            return climb
        raise refusal_of(climb.failure)

    async def answer_all(self, call: Call, model: str, texts: Sequence[str]) -> list[Climb]:
        """Answers some cases of one request; each is a row of its own.

        Raises:
            Refusal: One of them cannot be answered; the others are given up.
        """
        if len(texts) == 1:
            return [await self.answer(call, model, texts[0])]
        others = [call.beside(new_id(call.at)) for _ in texts[1:]]
        try:
            async with asyncio.TaskGroup() as group:
                first = group.create_task(self.answer(call, model, texts[0]))
                more = [
                    group.create_task(self._answer_beside(other, model, text))
                    for other, text in zip(others, texts[1:], strict=True)
                ]
        except* Refusal as refusals:
            raise refusals.exceptions[0] from None
        call.others = others
        return [first.result(), *(one.result() for one in more)]

    async def _answer_beside(self, call: Call, model: str, text: str) -> Climb:
        try:
            return await self.answer(call, model, text)
        except Refusal as refusal:
            call.refused(refusal)
            raise
        except asyncio.CancelledError:
            call.cancelled("another prompt of the same request failed, or the caller left")
            raise
        finally:
            self._end(call)

    def _restore(self, climb: Climb, guarding: Guarding, served: Served) -> None:
        """Puts back what was taken out, for the caller alone."""
        if guarding.is_idle or climb.answer is None or climb.answer.output is None:
            return
        declared = served.scenario.output.kind == "json-schema"
        output = guarding.names.restore_answer(climb.answer.output, declared=declared)
        climb.answer = climb.answer._replace(output=output)

    def _reserve(self, call: Call, route: Route, served: Served, case: Case) -> bool:
        limits = (*call.caller.limits, *route.limits)
        if not limits:
            return True
        for tier in served.tiers:
            if tier.host and tier.most_pico is None:
                check_priced(limits, tier.name)
        most = sum(tier.most_pico(case) for tier in served.tiers if tier.most_pico is not None)
        tokens = len(case.input.encode("utf-8", "replace")) // 4 + 1
        try:
            reserve(call, self.meters, limits, tokens=tokens, most_pico=most)
        except Refusal as refusal:
            cheaper = served.scenario.budget.over == "cheaper"
            if refusal.code != "insufficient_quota" or not cheaper:
                raise
            reserve(call, self.meters, limits, tokens=tokens, most_pico=0)
            call.note = "no money left: only solvers that pay nobody were asked"
            return False
        return True


def _content(text: str, climb: Climb, guarding: Guarding) -> dict[str, object]:
    """What was said, as it may be kept."""
    output = None if climb.answer is None else climb.answer.output
    said = [[step.solver, guarding.kept(step.output)] for step in climb.steps]
    return {"input": guarding.kept(text), "output": guarding.kept(output), "said": said}


def _ended(caller: Caller) -> str:
    moment = datetime.fromtimestamp(caller.ends, UTC).isoformat(timespec="seconds")
    if caller.place + 1 < len(caller.key.secrets):
        return f"this key was replaced by a newer one, and held until {moment}: use the newer one"
    return (
        f"this key ended at {moment}: who runs the gateway gives you a new one"
        f" (rixin keys rotate {caller.key.public_id})"
    )


def refusal_of(failure: Failure) -> Refusal:
    """Why nobody answered, with the status that fits."""
    message = f"no solver could answer: {failure.message}"
    if failure.kind == "fatal":  # its words are for whoever keeps the gateway
        message = "an endpoint refuses this gateway's own key or settings: tell its operator"
    status, code, wait = 502, "upstream_error", failure.retry_after_s
    retry = None if failure.retryable else False
    if failure.kind == "rate_limited":
        status, code, wait = 429, "rate_limit_exceeded", wait or 1.0
    elif failure.kind == "timeout":
        status, code, wait = 504, "upstream_timeout", None
    elif failure.kind in {"open", "busy"}:
        status, code = 503, "upstream_unavailable"
    elif failure.kind == "budget":
        status, code, retry = 429, "insufficient_quota", False
    elif failure.kind == TOO_LONG:
        status, code, message = 400, "context_length_exceeded", f"{message}: shorten it"
    note = f"no solver could answer: {failure.kind}"
    return Refusal(status, message, code, retry_after_s=wait, retry=retry, note=note)
