"""OpenAI's endpoints: a thin adapter over the gateway."""

import json
import logging
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

import msgspec

from rixin.core.key import CALLERS, OF_ALL, REVIEWERS, Key
from rixin.core.usage import BYTES_PER_TOKEN
from rixin.errors import LedgerFault
from rixin.ledger.requests import Remark, origin_of
from rixin.serve.call import Call, counted, no_call_headers, random_hex
from rixin.serve.capable import check_capable
from rixin.serve.errors import Refusal, bad_request
from rixin.serve.gateway import QUEUED, Endpoint, Gateway
from rixin.serve.guarding import Guarding, aside
from rixin.serve.http import Request
from rixin.serve.joining import name_run
from rixin.serve.ladder import Climb
from rixin.serve.openai import envelope as bodies
from rixin.serve.openai.people import answer, may_know, unknown_request, written
from rixin.serve.outgoing import Outgoing
from rixin.serve.relay import relay, relay_stream
from rixin.serve.reserving import (
    Asked,
    check_limit,
    dearer_tier,
    has_money,
    has_tokens,
    reserve_most,
)
from rixin.serve.sink import StreamSink
from rixin.workspace.serving import Upstream

_log = logging.getLogger("rixin.serve")
_MOST_PROMPTS = 128
_FEEDBACK_BYTES = 256 << 10
"""Of one feedback; each is kept as long as its request."""
_NULL = msgspec.Raw(b"null")
_options = msgspec.json.Decoder(dict[str, Any] | None).decode


async def chat(gateway: Gateway, request: Request) -> None:
    """`POST /v1/chat/completions`."""

    async def work(call: Call) -> None:
        body: bodies.ChatBody = bodies.read_body(bodies.ChatBody, request.body)
        if body.metadata is not None:
            name_run(call, body.metadata)
        if gateway.named(body.model).startswith("solver/"):
            await _pass_on(gateway, request, call, "/chat/completions", body)
            return
        count, turns = body.answers, len(body.messages)
        unheeded = bodies.unheeded(request.body, turns, body)
        climb = await gateway.answer(call, body.model, bodies.case_text(body.messages))
        output, refusal, used = _said(call, climb)
        headers = call.headers() + unheeded
        if body.stream:
            options = body.stream_options
            wanted = used if options is not None and options.include_usage else None
            events = bodies.chat_chunks(call.id, body.model, output, refusal, wanted, count)
            _stream(request, events + bodies.DONE, headers)
        else:
            whole = bodies.chat_completion(call.id, body.model, output, refusal, used, count)
            request.reply(200, whole, headers)

    await gateway.run(request, "openai.chat", work, bodies.error_body)


async def completions(gateway: Gateway, request: Request) -> None:
    """`POST /v1/completions`."""

    async def work(call: Call) -> None:
        body: bodies.CompletionBody = bodies.read_body(bodies.CompletionBody, request.body)
        if gateway.named(body.model).startswith("solver/"):
            await _pass_on(gateway, request, call, "/completions", body)
            return
        prompts, count = _prompts(body.prompt), body.n or 1
        unheeded = bodies.unheeded(request.body)
        climbs = await gateway.answer_all(call, body.model, prompts)
        calls = (call, *call.others)
        used = bodies.usage(
            sum(one.input_tokens for one in calls), sum(one.output_tokens for one in calls)
        )
        outputs = []
        for one, climb in zip(calls, climbs, strict=True):
            output, refusal, _ = _said(one, climb)
            outputs += [output or refusal or ""] * count
        text = bodies.text_completion(call.id, body.model, outputs, used)
        headers = call.headers() + unheeded
        if body.stream:
            _stream(request, b"data: " + text + b"\n\n" + bodies.DONE, headers)
        else:
            request.reply(200, text, headers)

    await gateway.run(request, "openai.completions", work, bodies.error_body)


async def responses(gateway: Gateway, request: Request) -> None:
    """`POST /v1/responses`."""

    async def work(call: Call) -> None:
        body: bodies.ResponseBody = bodies.read_body(bodies.ResponseBody, request.body)
        if body.metadata is not None:
            name_run(call, body.metadata)
        if gateway.named(body.model).startswith("solver/"):
            await _pass_on(gateway, request, call, "/responses", body)
            return
        given = body.input
        messages = [bodies.Message("user", given)] if isinstance(given, str) else _turns(given)
        unheeded = bodies.unheeded(request.body, len(messages), body)
        climb = await gateway.answer(call, body.model, bodies.case_text(messages))
        output, refusal, used = _said(call, climb)
        whole = _response(call, body.model, output, refusal, used)
        headers = call.headers() + unheeded
        if body.stream:
            _stream(request, _response_events(whole), headers)
        else:
            request.reply(200, bodies.encode(whole), headers)

    await gateway.run(request, "openai.responses", work, bodies.error_body)


async def embeddings(gateway: Gateway, request: Request) -> None:
    """`POST /v1/embeddings`: passed on to a declared endpoint."""

    async def work(call: Call) -> None:
        body: bodies.EmbeddingBody = bodies.read_body(bodies.EmbeddingBody, request.body)
        if not gateway.named(body.model).startswith("solver/"):
            raise bad_request(
                "a scenario gives answers, no embeddings: name an endpoint, as solver/NAME",
                param="model",
            )
        await _pass_on(gateway, request, call, "/embeddings", body)

    await gateway.run(request, "openai.embeddings", work, bodies.error_body)


async def models(gateway: Gateway, request: Request) -> None:
    """`GET /v1/models`: what this key may call."""
    caller = gateway.caller(request)
    names = [name for name in gateway.state.names() if gateway.may_call(caller, name)]
    data = [_model(gateway, name) for name in names]
    request.reply(200, bodies.encode({"object": "list", "data": data}), no_call_headers())


async def model(gateway: Gateway, request: Request) -> None:
    """`GET /v1/models/{id}`."""
    caller = gateway.caller(request)
    gateway.check_key(caller)
    name = unquote(request.path.removeprefix("/v1/models/"))
    state = gateway.state
    is_there = name in state.upstreams or name in state.names()
    if not is_there or not gateway.may_call(caller, name):
        raise gateway.unknown(caller, name)
    request.reply(200, bodies.encode(_model(gateway, name)), no_call_headers())


async def feedback(gateway: Gateway, request: Request) -> None:
    """`POST /v1/feedback`: callers speak about their own answers, reviewers about all."""
    caller = gateway.caller(request)
    body: bodies.FeedbackBody = bodies.read_body(bodies.FeedbackBody, request.body)
    if body.score is None and body.expected is None and not body.comment:
        raise bad_request("it says nothing: give score, expected or comment", param="score")
    tokens, now = len(request.body) // BYTES_PER_TOKEN + 1, time.time()
    with counted(caller.limits, gateway.meters, tokens=tokens, now=now):
        scenario = await _origin(gateway, caller.key, body.request_id)
        if gateway.capture.fault:
            raise _takes_no_feedback()
        said = await aside(len(request.body), lambda: _remark(gateway, scenario, body))
        gateway.capture.add_feedback(Remark(body.request_id, now, caller.key.id, said))
    said_of = {"object": "feedback", "request_id": body.request_id}
    request.reply(200, bodies.encode(said_of), no_call_headers())


async def _origin(gateway: Gateway, key: Key, request_id: str) -> str:
    """The scenario of a request that this key may speak about.

    Raises:
        Refusal: There is none, or the ledger cannot be read.
    """
    try:
        origin = await written(gateway, origin_of, request_id)
    except LedgerFault as fault:
        _log.error("feedback cannot be stored: %s", fault)
        raise _takes_no_feedback() from fault
    if origin is None or not may_know(key, *origin):
        raise unknown_request(request_id)
    return origin[0]


def _takes_no_feedback() -> Refusal:
    why = "the ledger takes no feedback at the moment"
    return Refusal(503, why, "ledger_full", retry_after_s=5.0)


def _remark(gateway: Gateway, scenario: str, body: bodies.FeedbackBody) -> str:
    """What is kept of feedback: it passes the guards that all passes which is kept."""
    route = gateway.state.routes.get(scenario)
    guarding = Guarding(() if route is None else route.guards)
    kept = {
        "score": body.score,
        "expected": guarding.kept(body.expected),
        "comment": guarding.kept(body.comment),
        "salt": random_hex(),
    }
    return json.dumps(kept, ensure_ascii=False)


async def _pass_on(gateway: Gateway, request: Request, call: Call, path: str, body: Any) -> None:
    upstream = gateway.upstream(call, body.model)
    if gateway.is_of_run(call):
        await gateway.join_run(call)
    guarding = Guarding(upstream.text_guards)
    fields = bodies.fields(request.body, read=not guarding.is_idle)
    fields["model"] = msgspec.Raw(bodies.encode(upstream.model))
    if not guarding.is_idle:
        call.findings = guarding.findings
        await aside(len(request.body), lambda: guarding.body(fields))
    if upstream.is_bounded:
        check_capable(upstream, path, fields, body.most)
    if "service_tier" in fields or "speed" in fields:
        call.tier = dearer_tier(fields)
    size = len(request.body)
    if call.findings:  # placeholders may be longer than what they stand for
        size = max(size, sum(map(len, fields.values())))
    limit = _reserved(gateway, call, body, upstream, fields, size)
    options = getattr(body, "stream_options", None)
    wants_usage = options is not None and bool(options.include_usage)
    streams = bool(getattr(body, "stream", None))
    usage = None
    if streams and path != "/responses" and not wants_usage:
        usage = {**_stream_options(fields), "include_usage": True}
    outgoing = Outgoing(
        upstream, path, fields, gateway.dialect(upstream.host), limit=limit, usage=usage
    )
    breaker = gateway.breaker(upstream.host)
    if not streams:
        answer = await relay(gateway.transport, outgoing, call, breaker)
        if guarding.findings:
            answer = guarding.answer(answer)
        request.reply(200, answer, call.headers())
        return
    sink = StreamSink(
        request,
        call,
        upstream,
        wants_usage=wants_usage,
        asked=len(request.body),
        translate=guarding.stream() if guarding.findings else None,
        answers=getattr(body, "answers", 1),
    )
    await relay_stream(gateway.transport, outgoing, sink, breaker)
    request.end(b"" if sink.failed is not None or path == "/responses" else bodies.DONE)


def _stream_options(fields: Mapping[str, msgspec.Raw]) -> dict[str, Any]:
    try:
        return _options(fields.get("stream_options", _NULL)) or {}
    except msgspec.DecodeError as error:
        raise bad_request(f"no JSON: {error}", param="stream_options") from None


def _reserved(
    gateway: Gateway,
    call: Call,
    body: Any,
    upstream: Upstream,
    fields: dict[str, msgspec.Raw],
    size: int,
) -> int | None:
    """Sets aside what a request may use; gives the limit of tokens that must be added to it.

    Where the request says none and tokens or money are limited, it gets one, since a cap must hold.
    """
    limits = gateway.limits(call)
    if not limits:
        return None
    stated = body.most
    most = upstream.most_tokens if stated is None else stated
    counted = has_money(limits) or has_tokens(limits)
    is_text = type(body) is bodies.TextChatBody
    if counted and not is_text:
        check_limit(fields)
    asked = Asked(fields, size, most, body.answers, is_text)
    reserve_most(call, gateway.meters, limits, upstream, asked)
    return most if stated is None and counted else None


def _prompts(prompt: str | list[Any]) -> list[str]:
    """The cases of a completion: one or some texts."""
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not 1 <= len(prompts) <= _MOST_PROMPTS:
        raise bad_request(f"a scenario answers 1 to {_MOST_PROMPTS} prompts", param="prompt")
    if not all(isinstance(one, str) and one.strip() for one in prompts):
        raise bad_request("a scenario answers prompts that are texts", param="prompt")
    return prompts


def _said(call: Call, climb: Climb) -> tuple[str | None, str | None, dict[str, int]]:
    """Output, refusal and usage of a scenario's answer."""
    used = bodies.usage(call.input_tokens, call.output_tokens)
    if climb.answer is None:
        return None, QUEUED.format(id=call.id), used
    return climb.answer.output, None, used


def _stream(request: Request, events: bytes, headers: bytes) -> None:
    request.begin(headers)
    request.end(events)


def _model(gateway: Gateway, name: str) -> dict[str, object]:
    created = gateway.state.made_at(gateway.named(name))
    return {"id": name, "object": "model", "created": created, "owned_by": "rixin"}


def _turns(items: list[dict[str, Any]]) -> list[bodies.Message]:
    try:
        return [
            msgspec.convert(item, bodies.Message)
            for item in items
            if item.get("type", "message") == "message"
        ]
    except msgspec.ValidationError as error:
        raise bad_request(f"an item of input is no message: {error}", param="input") from None


def _response(
    call: Call, name: str, output: str | None, refusal: str | None, used: dict[str, int]
) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": output, "annotations": []}
    if refusal is not None:
        part = {"type": "refusal", "refusal": refusal}
    return {
        "id": f"resp_{call.id}",
        "object": "response",
        "created_at": int(call.at),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": name,
        "output": [
            {
                "type": "message",
                "id": f"msg_{call.id}",
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        ],
        "parallel_tool_calls": False,
        "temperature": None,
        "tool_choice": "none",
        "tools": [],
        "top_p": None,
        "usage": {
            "input_tokens": used["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": used["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": used["total_tokens"],
        },
    }


def _response_events(whole: dict[str, Any]) -> bytes:
    """The events of a response, in their order."""
    item = whole["output"][0]
    part = item["content"][0]
    at = {"output_index": 0, "content_index": 0, "item_id": item["id"]}
    kind, text = (
        ("output_text", part.get("text")) if "text" in part else ("refusal", part["refusal"])
    )
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    done_key = "text" if kind == "output_text" else "refusal"
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        (
            "response.output_item.added",
            {"output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
        ),
        ("response.content_part.added", {**at, "part": {**part, done_key: ""}}),
        (f"response.{kind}.delta", {**at, "delta": text, "logprobs": []}),
        (f"response.{kind}.done", {**at, done_key: text, "logprobs": []}),
        ("response.content_part.done", {**at, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    ]
    return b"".join(
        b"event: %b\ndata: %b\n\n"
        % (name.encode(), bodies.encode({"type": name, "sequence_number": number, **fields}))
        for number, (name, fields) in enumerate(events)
    )


_asks = partial(Endpoint, identify=Gateway.caller, roles=CALLERS, others_do="asks for no answers")
ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("POST", "/v1/chat/completions"): _asks(chat),
    ("POST", "/v1/completions"): _asks(completions),
    ("POST", "/v1/responses"): _asks(responses),
    ("POST", "/v1/embeddings"): _asks(embeddings),
    ("GET", "/v1/models"): Endpoint(models, Gateway.caller),
    ("POST", "/v1/answers"): Endpoint(
        answer, Gateway.caller, OF_ALL, "answers for nobody", body_bytes=_FEEDBACK_BYTES
    ),
    ("POST", "/v1/feedback"): Endpoint(
        feedback, Gateway.caller, REVIEWERS, "gives no feedback", body_bytes=_FEEDBACK_BYTES
    ),
}
