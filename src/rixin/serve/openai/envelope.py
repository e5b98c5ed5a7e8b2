"""Bodies of OpenAI's API: what requests hold, how answers, chunks and errors are written."""

import time
from typing import Any

import msgspec

from rixin.serve.errors import Refusal, bad_request

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
DONE = b"data: [DONE]\n\n"
encode = msgspec.json.Encoder().encode


class Message(msgspec.Struct):
    """One message of a chat."""

    role: str
    content: str | list[dict[str, Any]] | None = None


class StreamOptions(msgspec.Struct):
    """What a stream shall hold."""

    include_usage: bool | None = None


class ChatBody(msgspec.Struct):
    """The part of a chat request that the gateway itself reads; the rest is passed on."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None


class CompletionBody(msgspec.Struct):
    """The same of a completion."""

    model: str
    prompt: str | list[Any] = ""
    """Texts, or tokens, which only endpoints read."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    max_tokens: int | None = None


class EmbeddingBody(msgspec.Struct):
    """The same of embeddings."""

    model: str
    input: Any = ""


class ResponseBody(msgspec.Struct):
    """The same of a response."""

    model: str
    input: str | list[dict[str, Any]] = ""
    stream: bool | None = None
    max_output_tokens: int | None = None


_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (ChatBody, CompletionBody, EmbeddingBody, ResponseBody)
}
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_body(kind: type, body: bytes) -> Any:
    """A request's body.

    Raises:
        Refusal: It is no JSON, or a field is missing or of another type.
    """
    try:
        return _decoders[kind].decode(body)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        param = place.rstrip("`").lstrip(".") or None
        raise bad_request(f"{reason}{f' at {param}' if param else ''}", param=param) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"the body is no JSON: {error}", code="invalid_json") from None


def fields(body: bytes) -> dict[str, msgspec.Raw]:
    """The body's fields as they came, so that what is not known here is passed on unchanged."""
    return _raw.decode(body)


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """The text of a message's content, its parts one after the other."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = (part.get("text") for part in content if part.get("type") in {"text", "input_text"})
    return "\n".join(part for part in parts if isinstance(part, str))


def case_text(messages: list[Message]) -> str:
    """The input of a case: what the user said last.

    Raises:
        Refusal: There is none.
    """
    for message in reversed(messages):
        if message.role == "user":
            text = text_of(message.content)
            if text.strip():
                return text
            break
    raise bad_request(
        "a scenario answers what the user said last, and no user message holds a text",
        param="messages",
    )


def error_body(refusal: Refusal) -> bytes:
    """An error as OpenAI writes it."""
    if refusal.body is not None:
        return refusal.body
    kind = _TYPES.get(
        refusal.status, "server_error" if refusal.status >= 500 else "invalid_request_error"
    )
    error = {
        "message": refusal.message,
        "type": kind,
        "param": refusal.param,
        "code": refusal.code,
    }
    return encode({"error": error})


def usage(input_tokens: int, output_tokens: int) -> dict[str, int]:
    """Tokens; a solver without any reports real zeros."""
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
    }


def chat_completion(
    call_id: str, model: str, output: str | None, refusal: str | None, used: dict[str, int], n: int
) -> bytes:
    """A whole answer."""
    message = {"role": "assistant", "content": output, "refusal": refusal}
    choices = [
        {"index": place, "message": message, "logprobs": None, "finish_reason": "stop"}
        for place in range(n)
    ]
    return encode(
        {
            "id": f"chatcmpl-{call_id}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": choices,
            "usage": used,
        }
    )


def chat_chunks(
    call_id: str,
    model: str,
    output: str | None,
    refusal: str | None,
    used: dict[str, int] | None,
    n: int,
) -> bytes:
    """The same as a stream: the text in one piece, since the case was answered as a whole."""
    head = {
        "id": f"chatcmpl-{call_id}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
    }
    said = {"content": output} if refusal is None else {"refusal": refusal}
    deltas: list[dict[str, Any]] = [
        {**head, "choices": [_delta(place, {"role": "assistant", **said}, None)]}
        for place in range(n)
    ]
    deltas += [{**head, "choices": [_delta(place, {}, "stop")]} for place in range(n)]
    if used is not None:
        deltas = [{**one, "usage": None} for one in deltas]
        deltas.append({**head, "choices": [], "usage": used})
    return b"".join(b"data: " + encode(one) + b"\n\n" for one in deltas)


def _delta(place: int, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": place, "delta": delta, "logprobs": None, "finish_reason": reason}


def text_completion(
    call_id: str,
    model: str,
    outputs: list[str],
    used: dict[str, int],
    *,
    reason: str | None = "stop",
) -> bytes:
    """A completion; also the one chunk of a stream."""
    return encode(
        {
            "id": f"cmpl-{call_id}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
            "choices": [
                {"index": place, "text": text, "logprobs": None, "finish_reason": reason}
                for place, text in enumerate(outputs)
            ],
            "usage": used,
        }
    )
