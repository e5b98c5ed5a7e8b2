"""The OpenAPI document of the gateway."""

from typing import Any

from rixin import __version__

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1, "maximum": 128}


def document() -> dict[str, Any]:
    """OpenAPI 3.1, as `GET /openapi.json` gives it."""
    model = {"type": "string", "description": "scenario/NAME, scenario/NAME@7 or solver/NAME"}
    message = {
        "type": "object",
        "required": ["role"],
        "properties": {
            "role": _TEXT,
            "content": {"type": ["string", "array", "null"], "items": {"type": "object"}},
        },
    }
    common = {"model": model, "stream": {"type": ["boolean", "null"]}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rixin gateway",
            "version": __version__,
            "description": "Releases of scenarios and declared endpoints behind OpenAI's API.",
        },
        "security": [{"key": []}],
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _error()},
        },
        "paths": {
            "/v1/chat/completions": _post(
                "chat",
                {
                    **common,
                    "messages": {"type": "array", "items": message},
                    "n": _COUNT,
                    "max_tokens": {"type": ["integer", "null"]},
                    "max_completion_tokens": {"type": ["integer", "null"]},
                    "stream_options": {
                        "type": ["object", "null"],
                        "properties": {"include_usage": {"type": ["boolean", "null"]}},
                    },
                },
                ["model", "messages"],
            ),
            "/v1/completions": _post(
                "completion",
                {
                    **common,
                    "prompt": {
                        "type": ["string", "array"],
                        "items": {"type": ["string", "integer", "array"]},
                    },
                    "n": _COUNT,
                    "max_tokens": {"type": ["integer", "null"]},
                },
                ["model"],
            ),
            "/v1/responses": _post(
                "response",
                {**common, "input": {"type": ["string", "array"], "items": {"type": "object"}}},
                ["model"],
            ),
            "/v1/embeddings": _post("embedding", {"model": model, "input": {}}, ["model"]),
            "/v1/feedback": _post(
                "feedback",
                {
                    "request_id": _TEXT,
                    "score": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                    "expected": {"type": ["string", "null"]},
                    "comment": _TEXT,
                },
                ["request_id"],
            ),
            "/v1/llm/chat-completions": _post(
                "sensenova_chat",
                {**common, "messages": {"type": "array", "items": message}, "n": _COUNT},
                ["model", "messages"],
            ),
            "/v1/llm/completions": _post(
                "sensenova_completion",
                {**common, "prompt": _TEXT, "n": _COUNT},
                ["model", "prompt"],
            ),
            "/v1/llm/models": _get("sensenova_models"),
            "/v1/models": _get("models"),
            "/v1/models/{id}": {
                **_get("model"),
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": _TEXT}],
            },
            "/healthz": _get("health", guarded=False),
            "/readyz": _get("readiness", guarded=False, also=("503",)),
            "/metrics": _get("metrics", guarded=False, media="text/plain"),
        },
    }


def _post(name: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": True,
    }
    answers = {
        "200": {
            "description": "the answer",
            "content": {"application/json": {}, "text/event-stream": {}},
        }
    }
    codes = ("400", "401", "403", "404", "408", "413", "429", "431", "500", "502", "503", "504")
    return {
        "post": {
            "operationId": name,
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": schema}},
            },
            "responses": {**answers, **{code: _refusal() for code in codes}},
        }
    }


def _get(
    name: str, *, guarded: bool = True, media: str = "application/json", also: tuple[str, ...] = ()
) -> dict[str, Any]:
    one: dict[str, Any] = {
        "operationId": name,
        "responses": {"200": {"description": "it", "content": {media: {}}}},
    }
    codes = ("401", "404", "503", *also) if guarded else also
    one["responses"] |= {code: _refusal() for code in codes}
    if not guarded:
        one["security"] = []
    return {"get": one}


def _refusal() -> dict[str, Any]:
    ref = {"$ref": "#/components/schemas/Error"}
    return {"description": "why not", "content": {"application/json": {"schema": ref}}}


def _error() -> dict[str, Any]:
    nullable = {"type": ["string", "null"]}
    return {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "message": _TEXT,
                    "type": nullable,
                    "param": nullable,
                    "code": nullable,
                },
            }
        },
    }
