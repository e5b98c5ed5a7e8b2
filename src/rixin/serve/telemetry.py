"""OpenTelemetry spans with GenAI names, and request logs as JSON; both without what was said.

The names are our own copy of those of the OpenTelemetry GenAI conventions (semantic-conventions-genai,
status Development, read in November 2026): they may change there without notice. Spans are sent only
where OTEL_EXPORTER_OTLP_ENDPOINT is set; this is the only module that imports OpenTelemetry.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rixin.core.traces import describe_error
from rixin.errors import MissingExtra
from rixin.report.columns import clean, printable_json
from rixin.serve.call import Call

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
WORKFLOW = "gen_ai.workflow.name"
ERROR_TYPE = "error.type"
_WANTED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LAST_S = 3.0
"""Seconds for the last spans, once the gateway ends."""
_OPERATIONS = {"embeddings": "embeddings", "completions": "text_completion"}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

Trace = Callable[[Call], None]


class TextLines(logging.Formatter):
    """Lines for people. Of an exception, also of a library's, they name types and places only."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the same
        """On one line: what is quoted in it can neither forge one nor act on a terminal."""
        return clean(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name of the base class
        """Types and frames: the texts of exceptions may hold what was said."""
        return describe_error(ei[1])


class JsonLines(TextLines):
    """One JSON object a line: time, level, logger, message and the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **fields,
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return printable_json(json.dumps(line, ensure_ascii=False, default=str))


def open_trace() -> tuple[Trace, Callable[[], None]] | None:
    """What makes a span of a call that has ended, and what sends the last ones; None: not wanted.

    Raises:
        MissingExtra: It is wanted, and the package is not installed.
    """
    if not any(map(os.environ.get, _WANTED)):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError as error:
        raise MissingExtra("OTEL_EXPORTER_OTLP_ENDPOINT", "otel") from error
    name = os.environ.get("OTEL_SERVICE_NAME") or "rixin"
    resource = Resource.create({"service.name": name})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("rixin.serve")
    propagator = TraceContextTextMapPropagator()

    def trace(call: Call) -> None:
        attributes = attributes_of(call)
        begin = int(call.at * 1e9)
        span = tracer.start_span(
            " ".join(
                str(attributes[one]) for one in (OPERATION, REQUEST_MODEL) if one in attributes
            ),
            context=propagator.extract({"traceparent": call.traceparent}),
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=begin,
        )
        if call.status >= 400:
            span.set_status(StatusCode.ERROR)
        span.end(begin + int(call.seconds * 1e9))

    def close() -> None:
        # A collector that is away would hold up the end for half a minute.
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(_LAST_S)

    return trace, close


def attributes_of(call: Call) -> dict[str, str | int | float]:
    """A call as attributes of a span."""
    found: dict[str, str | int | float] = {
        OPERATION: _OPERATIONS.get(call.surface.rpartition(".")[2], "chat"),
        PROVIDER: "rixin",
        INPUT_TOKENS: call.input_tokens,
        OUTPUT_TOKENS: call.output_tokens,
        WORKFLOW: call.scenario,
        "rixin.request.id": call.id,
        "rixin.solver": call.solver,
        "rixin.state": call.state,
        "http.response.status_code": call.status,
    }
    if call.scenario:  # else there is no such model, and a caller may call it whatever he likes
        found[REQUEST_MODEL] = call.model
    if call.release is not None:
        found["rixin.release"] = f"{call.scenario}@{call.release}"
    if call.cost_pico is not None:
        found["rixin.cost"] = call.cost_pico * 1e-12
    if call.status >= 400:
        found[ERROR_TYPE] = str(call.status)
    return found
