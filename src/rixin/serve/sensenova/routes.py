"""SenseNova's endpoints: a thin adapter over the gateway."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from rixin.core.key import CALLERS
from rixin.serve.call import Call, no_call_headers
from rixin.serve.capable import check_capable
from rixin.serve.errors import Refusal, bad_request
from rixin.serve.gateway import QUEUED, Endpoint, Gateway
from rixin.serve.guarding import Guarding, aside
from rixin.serve.http import Request
from rixin.serve.outgoing import Outgoing
from rixin.serve.relay import relay, relay_stream
from rixin.serve.reserving import Asked, reserve_most
from rixin.serve.sensenova.bodies import NovaChatBody
from rixin.serve.sensenova.tokens import caller_of
from rixin.serve.sink import StreamSink
from rixin.serve.state import Caller
from rixin.solvers._chat import event_error, message_of
from rixin.workspace.serving import Upstream

_DONE = b"data:[DONE]\n\n"
_PASSED_ON = ("temperature", "top_p", "stop", "user")
_ELSEWHERE = ("know_ids", "knowledge_config", "plugins", "repetition_penalty")
"""Fields of parts that this gateway does not have; answers name those that were not heeded."""
_encode = msgspec.json.Encoder().encode


_decode = msgspec.json.Decoder(NovaChatBody).decode
_fields = msgspec.json.Decoder(dict[str, Any]).decode


async def chat(gateway: Gateway, request: Request) -> None:
    """`POST /v1/llm/chat-completions`."""

    async def work(call: Call) -> None:
        body = _read(request)
        said = [turn.content for turn in body.messages if turn.role == "user"]
        if not said or not said[-1].strip():
            raise bad_request("no user message holds a text", param="messages", code="3")
        await _answer(gateway, request, call, body, said[-1], "message")

    await gateway.run(request, "sensenova.chat", work, error_body)


async def completions(gateway: Gateway, request: Request) -> None:
    """`POST /v1/llm/completions`."""

    async def work(call: Call) -> None:
        body = _read(request)
        if not body.prompt.strip():
            raise bad_request("the prompt holds no text", param="prompt", code="3")
        await _answer(gateway, request, call, body, body.prompt, "text")

    await gateway.run(request, "sensenova.completions", work, error_body)


async def models(gateway: Gateway, request: Request) -> None:
    """`GET /v1/llm/models`."""
    caller: Caller = request.caller
    names = [name for name in gateway.state.names() if gateway.may_call(caller, name)]
    data = [{"id": name, "functions": ["chat"]} for name in names]
    request.reply(200, _encode({"data": data}), no_call_headers())


def error_body(refusal: Refusal) -> bytes:
    """An error as SenseNova writes it."""
    code = int(refusal.code) if refusal.code.isdigit() else _CODES.get(refusal.status, 13)
    return _encode({"error": {"code": code, "message": refusal.message, "details": []}})


_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 10, 413: 3, 429: 8, 502: 14, 503: 14, 504: 4}
"""The codes of gRPC, which SenseNova's errors carry."""


async def _answer(
    gateway: Gateway, request: Request, call: Call, body: NovaChatBody, text: str, place: str
) -> None:
    count = body.n or 1
    model = gateway.named(body.model)
    if model.startswith("solver/"):
        await _pass_on(gateway, request, call, body, model, place)
        return
    climb = await gateway.answer(call, model, text)
    queued = climb.answer is None
    output = QUEUED.format(id=call.id) if climb.answer is None else climb.answer.output or ""
    reason = "human" if queued else "stop"
    used = _usage(call)
    if body.stream:
        choices = [_choice(n, "delta", output, reason) for n in range(count)]
        request.begin(call.headers() + _unheeded(request))
        request.end(b"data:" + _wrapped(call, choices, used) + b"\n\n" + _DONE)
        return
    choices = [_choice(n, place, output, reason) for n in range(count)]
    request.reply(200, _wrapped(call, choices, used), call.headers() + _unheeded(request))


async def _pass_on(
    gateway: Gateway, request: Request, call: Call, body: NovaChatBody, model: str, place: str
) -> None:
    upstream = gateway.upstream(call, model)
    if gateway.is_of_run(call):
        await gateway.join_run(call)
    guarding = Guarding(upstream.text_guards)
    call.findings = guarding.findings
    fields = await aside(len(request.body), lambda: _translated(request, body, upstream, guarding))
    if upstream.is_bounded:
        check_capable(upstream, "/chat/completions", fields, body.max_new_tokens)
    sent = sum(map(len, fields.values()))
    limits, most = gateway.limits(call), body.max_new_tokens or upstream.most_tokens
    if limits:
        asked = Asked(fields, sent, most, body.n or 1)
        reserve_most(call, gateway.meters, limits, upstream, asked)
    breaker = gateway.breaker(upstream.host)
    outgoing = Outgoing(
        upstream,
        "/chat/completions",
        fields,
        gateway.dialect(upstream.host),
        limit=most,
        shrinks=body.max_new_tokens is None,
        usage={"include_usage": True} if body.stream else None,
    )
    if not body.stream:
        answer = await relay(gateway.transport, outgoing, call, breaker)
        restored = guarding.answer(answer) if guarding.findings else answer
        choices = [_said(one, "message", place) for one in _fields(restored).get("choices") or ()]
        request.reply(
            200, _wrapped(call, choices, _usage(call)), call.headers() + _unheeded(request)
        )
        return
    sink = StreamSink(
        request,
        call,
        upstream,
        wants_usage=False,
        asked=sent,
        translate=_chunk_of(call, guarding),
        answers=body.n or 1,
    )
    await relay_stream(gateway.transport, outgoing, sink, breaker)
    request.end(b"" if sink.failed is not None else _DONE)


def _translated(
    request: Request, body: NovaChatBody, upstream: Upstream, guarding: Guarding
) -> dict[str, msgspec.Raw]:
    """The request as OpenAI's chat writes it, without a limit."""
    given = _fields(request.body)
    messages = [{"role": turn.role, "content": turn.content} for turn in body.messages]
    sent: dict[str, Any] = {
        "model": upstream.model,
        "messages": messages or [{"role": "user", "content": body.prompt}],
        **{name: given[name] for name in _PASSED_ON if given.get(name) is not None},
    }
    if body.n:
        sent["n"] = body.n
    if body.stream:
        sent["stream"] = True
    fields = {name: msgspec.Raw(_encode(value)) for name, value in sent.items()}
    guarding.body(fields)
    return fields


def _chunk_of(call: Call, guarding: Guarding) -> Callable[[bytes], bytes]:
    restore = guarding.stream()

    def translate(event: bytes) -> bytes:
        _, _, data = (b"\n" + restore(event)).partition(b"\ndata:")
        if not data:
            return b""  # a comment, or lines that say nothing by themselves
        chunk = _fields(data.strip())
        if (error := event_error(chunk)) is not None:
            return b"data:" + error_body(Refusal(502, error.words, "upstream_error")) + b"\n\n"
        choices = [_said(one, "delta", "delta") for one in chunk.get("choices") or ()]
        return b"data:" + _wrapped(call, choices, None) + b"\n\n"

    return translate


def _said(choice: dict[str, Any], source: str, place: str) -> dict[str, Any]:
    """A choice of OpenAI's; what a server leaves out is empty here."""
    content, _ = message_of({"message": choice.get(source) or {}})
    reason = choice.get("finish_reason") or ("stop" if source == "message" else None)
    return _choice(choice.get("index", 0), place, content, reason)


def _choice(number: int, place: str, text: str, reason: str | None) -> dict[str, Any]:
    return {"index": number, "role": "assistant", place: text, "finish_reason": reason}


def _wrapped(call: Call, choices: list[dict[str, Any]], used: dict[str, int] | None) -> bytes:
    data: dict[str, Any] = {"id": call.id, "choices": choices}
    if used is not None:
        data["usage"] = used
    return _encode({"data": data})


def _usage(call: Call) -> dict[str, int]:
    return {
        "prompt_tokens": call.input_tokens,
        "knowledge_tokens": 0,
        "completion_tokens": call.output_tokens,
        "total_tokens": call.input_tokens + call.output_tokens,
    }


def _read(request: Request) -> NovaChatBody:
    try:
        _fields(request.body)  # all of it is read later, when it is paid for
        return _decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(str(error), code="3") from None


def _unheeded(request: Request) -> bytes:
    """Names the fields that were sent and not heeded: nothing is dropped in silence."""
    given = _fields(request.body)
    names = [name for name in _ELSEWHERE if given.get(name) is not None]
    return f"x-rixin-unheeded: {', '.join(names)}\r\n".encode() if names else b""


_asks = partial(
    Endpoint,
    identify=caller_of,
    roles=CALLERS,
    others_do="asks for no answers",
    error_body=error_body,
)
ENDPOINTS: dict[tuple[str, str], Endpoint] = {
    ("POST", "/v1/llm/chat-completions"): _asks(chat),
    ("POST", "/v1/llm/completions"): _asks(completions),
    ("GET", "/v1/llm/models"): Endpoint(models, caller_of, error_body=error_body),
}
