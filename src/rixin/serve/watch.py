"""What is told of each request while it is answered: counters, spans and the log of requests."""

import logging
import time
from collections.abc import Callable

from rixin.serve.call import Call, new_id
from rixin.serve.errors import Refusal
from rixin.serve.http import Request
from rixin.serve.metrics import Labels, Metrics, add_time

_LONGEST_PATH = 200
_log = logging.getLogger("rixin.serve")
_requests = logging.getLogger("rixin.requests")


class Watch:
    """Counts and logs what a worker does.

    Args:
        metrics: Its counters.
        trace: Makes a span of a call; None: nobody collects them.
    """

    def __init__(self, metrics: Metrics, trace: Callable[[Call], None] | None) -> None:
        self._metrics, self._trace = metrics, trace
        self._series: dict[tuple[str, str, int], _Series] = {}
        self._told: set[str] = set()
        """Solvers of which the log says already what is wrong."""

    def ended(self, call: Call) -> None:
        """A call has ended."""
        metrics, key = self._metrics, (call.scenario, call.solver, call.status)
        known = self._series.get(key)
        if known is None:
            known = self._series[key] = _Series(metrics, call)
        labels, seconds = known.labels, call.seconds
        known.requests[0] += 1
        add_time(known.duration, seconds)
        add_time(known.overhead, max(0.0, seconds - call.upstream_s))
        known.read[0] += call.input_tokens
        known.written[0] += call.output_tokens
        if call.cost_pico:
            known.cost[0] += call.cost_pico * 1e-12
        if len(call.steps) > 1:
            known.escalations[0] += len(call.steps) - 1
        for guard, _ in call.findings:
            metrics.count("rixin_guard_hits_total", (*labels[:1], ("guard", guard)))
        if self._trace is not None:
            self._trace(call)
        if _requests.isEnabledFor(logging.INFO):
            _requests.info(
                "request",
                extra={
                    "request_id": call.id,
                    "key": call.caller.key.public_id,
                    "scenario": call.scenario,
                    "release": call.release,
                    "solver": call.solver,
                    "status": call.status,
                    "state": call.state,
                    "seconds": round(seconds, 6),
                },
            )

    def turned_away(self, request: Request, refusal: Refusal) -> str:
        """A request became no call; gives it an id."""
        number = new_id(time.time())
        code = (("scenario", ""), ("solver", ""), ("code", str(refusal.status)))
        self._metrics.count("rixin_requests_total", code)
        if _requests.isEnabledFor(logging.INFO):
            said = {"status": refusal.status, "state": "refused", "code": refusal.code}
            where = {
                "request_id": number,
                "path": request.path[:_LONGEST_PATH],
                "address": request.connection.address,
            }
            _requests.info("request", extra={**where, **said})
        return number

    def failed(self, solver: str, kind: str) -> None:
        """A call of an endpoint has failed."""
        labels = (("solver", solver), ("kind", kind))
        self._metrics.count("rixin_upstream_failures_total", labels)

    def tell_operator(self, solver: str, what: str) -> None:
        """Says in the log what only the operator can mend, once for each solver."""
        if solver not in self._told:
            self._told.add(solver)
            _log.error("%s cannot be asked: %s", solver, what)


class _Series:
    """What is counted of calls that end alike."""

    __slots__ = (
        *("cost", "duration", "escalations", "labels", "overhead", "read", "requests", "written"),
    )

    def __init__(self, metrics: Metrics, call: Call) -> None:
        self.labels: Labels = (
            ("scenario", call.scenario),
            ("solver", call.solver),
            ("code", str(call.status)),
        )
        of_solver = self.labels[:2]
        self.requests = metrics.counter("rixin_requests_total", self.labels)
        self.read = metrics.counter("rixin_tokens_total", (*of_solver, ("direction", "input")))
        self.written = metrics.counter("rixin_tokens_total", (*of_solver, ("direction", "output")))
        self.cost = metrics.counter("rixin_cost_total", of_solver)
        self.escalations = metrics.counter("rixin_escalations_total", self.labels[:1])
        self.duration = metrics.histogram("rixin_request_duration_seconds", self.labels[:1])
        self.overhead = metrics.histogram("rixin_gateway_overhead_seconds", self.labels[:1])
