"""The OpenAPI document of the gateway, generated from what reads the requests."""

from typing import Any

import msgspec

from rixin import __version__
from rixin.serve.openai import envelope
from rixin.serve.sensenova import bodies

_TEXT: dict[str, Any] = {"type": "string"}
_ID = {"name": "id", "in": "path", "required": True, "schema": _TEXT}
_ERRORS = (
    "400",
    "401",
    "403",
    "404",
    "405",
    "408",
    "409",
    "413",
    "421",
    "429",
    "431",
    "500",
    "502",
    "503",
    "504",
)
_HEADERS = {
    "x-rixin-request-id": "the id of this call, for `rixin explain`",
    "x-rixin-solver": "who answered; `human`: it waits for people",
    "x-rixin-cost": "in the scenario's currency; `unknown` where it is not known, or not yet",
    "x-rixin-confidence": "what speaks for a scenario's answer, 0 to 1; absent where nothing is known",
    "x-rixin-outside": "`true`: hardly a word of the case is known to the student that was asked",
    "x-rixin-failure": "`reasoning_limit`: the answer is empty, since reasoning took all its tokens",
    "x-rixin-key-expires": "when the key that was sent ends; absent until 14 days before",
    "x-rixin-release": "SCENARIO@NUMBER; empty for what is passed on",
    "x-rixin-unheeded": "parameters of the request that a scenario does not heed",
    "idempotent-replayed": "`true`: the answer that the same request got before; nobody was asked",
}
_FROM_CALLERS = {
    "Idempotency-Key": "of 1 to 255 characters: the same request under the same key is answered, and"
    " paid, once within 24 hours",
    "x-rixin-run": "the run of an agent that the call belongs to",
    "x-rixin-parent-run": "the run that began it; a whole line with commas, `left, job`",
    "traceparent": "the caller's span, as W3C Trace Context writes it",
}
_POSTS: dict[str, tuple[str, type, bool, str]] = {
    "/v1/chat/completions": ("chat", envelope.ChatBody, True, "Error"),
    "/v1/completions": ("completion", envelope.CompletionBody, True, "Error"),
    "/v1/responses": ("response", envelope.ResponseBody, True, "Error"),
    "/v1/embeddings": ("embedding", envelope.EmbeddingBody, False, "Error"),
    "/v1/answers": ("answer", envelope.AnswerBody, False, "Error"),
    "/v1/feedback": ("feedback", envelope.FeedbackBody, False, "Error"),
    "/v1/llm/chat-completions": ("sensenova_chat", bodies.NovaChatBody, True, "NovaError"),
    "/v1/llm/completions": ("sensenova_completion", bodies.NovaBody, True, "NovaError"),
}
"""Path → name, what reads a request, whether it can stream, and the shape of its errors."""


_SUMMARIES = {
    "chat": "Answer a chat: with a scenario's release, or passed on to a declared endpoint",
    "completion": "Answer a prompt",
    "response": "Answer in the form of OpenAI's Responses",
    "embedding": "Embed texts with a declared endpoint",
    "answer": "Answer a case that waits for people",
    "feedback": "Say how good an answer was, or what would have been right",
    "sensenova_chat": "Answer a chat of SenseNova's client",
    "sensenova_completion": "Answer a prompt of SenseNova's client",
    "sensenova_models": "List the models for SenseNova's client",
    "models": "List what a `model` may be",
    "model": "Show one model",
    "request": "Show what became of a request, and the answer of people once there is one",
    "home": "Say where everything is, as JSON or as a page",
    "health": "Say that the process lives",
    "readiness": "Say whether releases serve and rows can be written, and what is missing",
    "metrics": "Tell the counters of all workers, for Prometheus",
}
"""What each operation does, by its name."""


def document() -> dict[str, Any]:
    """OpenAPI 3.1, as `GET /openapi.json` gives it."""
    kinds = {kind.__name__: kind for _, kind, _, _ in _POSTS.values()}
    _, schemas = msgspec.json.schema_components(
        kinds.values(), ref_template="#/components/schemas/{name}"
    )
    posts = {
        path: _post(name, kind.__name__, streams=streams, error=error)
        for path, (name, kind, streams, error) in _POSTS.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rixin gateway",
            "version": __version__,
            "description": "Releases of scenarios and declared endpoints behind OpenAI's API. A"
            " `model` is scenario/NAME, scenario/NAME@7 or solver/NAME.",
        },
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {**schemas, "Error": _error(), "NovaError": _nova_error()},
        },
        "paths": {
            **posts,
            "/v1/llm/models": _get("sensenova_models", error="NovaError"),
            "/v1/models": _get("models"),
            "/v1/models/{id}": {**_get("model"), "parameters": [_ID]},
            "/v1/requests/{id}": {**_get("request", also=("429",)), "parameters": [_ID]},
            "/": _get("home", guarded=False),
            "/healthz": _get("health", guarded=False),
            "/readyz": _get("readiness", guarded=False, also=("503",)),
            "/metrics": _get("metrics", guarded=False, also=("401", "403"), media="text/plain"),
        },
    }


def _post(name: str, kind: str, *, streams: bool, error: str) -> dict[str, Any]:
    media: dict[str, Any] = {"application/json": {}}
    if streams:
        media["text/event-stream"] = {}
    schema = {"$ref": f"#/components/schemas/{kind}"}
    return {
        "post": {
            "operationId": name,
            "summary": _SUMMARIES[name],
            "parameters": [
                {"name": field, "in": "header", "description": text, "schema": _TEXT}
                for field, text in _FROM_CALLERS.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
            "responses": {
                "200": {"description": "the answer", "headers": _headers(), "content": media},
                **{code: _refusal(error) for code in _ERRORS},
            },
        }
    }


def _get(
    name: str,
    *,
    guarded: bool = True,
    media: str = "application/json",
    also: tuple[str, ...] = (),
    error: str = "Error",
) -> dict[str, Any]:
    one: dict[str, Any] = {
        "operationId": name,
        "summary": _SUMMARIES[name],
        "responses": {"200": {"description": "it", "content": {media: {}}}},
    }
    codes = ("401", "404", "503", *also) if guarded else also
    one["responses"] |= {code: _refusal(error) for code in codes}
    if not guarded:
        one["security"] = []
    return {"get": one}


def _headers() -> dict[str, Any]:
    return {name: {"description": text, "schema": _TEXT} for name, text in _HEADERS.items()}


def _refusal(error: str) -> dict[str, Any]:
    ref = {"$ref": f"#/components/schemas/{error}"}
    return {
        "description": "why not",
        "headers": _headers(),
        "content": {"application/json": {"schema": ref}},
    }


def _error() -> dict[str, Any]:
    nullable = {"type": ["string", "null"]}
    return _wrapped({"message": _TEXT, "type": nullable, "param": nullable, "code": nullable})


def _nova_error() -> dict[str, Any]:
    return _wrapped({"code": {"type": "integer"}, "message": _TEXT, "details": {"type": "array"}})


def _wrapped(properties: dict[str, Any]) -> dict[str, Any]:
    error = {"type": "object", "required": [*properties], "properties": properties}
    return {"type": "object", "required": ["error"], "properties": {"error": error}}
