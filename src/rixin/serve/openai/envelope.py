"""Bodies of OpenAI's API: what requests hold, how answers, chunks and errors are written."""

import time
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Any, ClassVar

import msgspec

from rixin.core.foreign import BadReply, mend_reply
from rixin.serve.errors import Refusal, bad_request
from rixin.serve.joining import is_of_run

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
DONE = b"data: [DONE]\n\n"
MOST_CHOICES = 128
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_LONGEST_LINE = 500
_HEEDED = frozenset({"model", "messages", "prompt", "input", "stream", "stream_options", "n"})
"""What a scenario reads of a request."""
Tokens = Annotated[int, msgspec.Meta(ge=0)]
_Limit = Annotated[int, msgspec.Meta(ge=1)]
"""Some servers take a limit of 0 for their default."""
Choices = Annotated[int, msgspec.Meta(ge=1, le=MOST_CHOICES)]
encode = msgspec.json.Encoder().encode


class Message(msgspec.Struct):
    """One message of a chat."""

    role: str
    content: str | list[dict[str, Any]] | None = None


class StreamOptions(msgspec.Struct):
    """What a stream shall hold."""

    include_usage: bool | None = None


class ChatBody(msgspec.Struct):
    """A chat: what the gateway itself reads; other fields are passed on to an endpoint."""

    model: str
    messages: Sequence[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Choices | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    metadata: Any = None

    @property
    def most(self) -> int | None:
        """Tokens of an answer at most; servers differ in which of the two names they heed."""
        older, newer = self.max_tokens, self.max_completion_tokens
        if older is None or newer is None:
            return newer if older is None else older
        return max(older, newer)

    @property
    def answers(self) -> int:
        """How many are asked for."""
        return self.n or 1


class TextMessage(Message, forbid_unknown_fields=True):
    """A message of nothing but text."""

    content: str
    name: str = ""


class TextChatBody(ChatBody, forbid_unknown_fields=True):
    """A chat as nearly all are: all fields are known, and its size bounds what it may cost."""

    messages: Sequence[TextMessage]
    max_tokens: _Limit | None = None
    max_completion_tokens: _Limit | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: msgspec.Raw | None = None
    user: str | None = None


_UNHEEDED = tuple(name for name in TextChatBody.__struct_fields__ if name not in _HEEDED)
_unheeded_fields = attrgetter(*_UNHEEDED)
_ALL_NONE = (None,) * len(_UNHEEDED)


class CompletionBody(msgspec.Struct):
    """A completion: what the gateway itself reads; other fields are passed on to an endpoint."""

    model: str
    prompt: str | list[Any] = ""
    """Texts, or tokens, which only endpoints read."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Choices | None = None
    best_of: Choices | None = None
    max_tokens: Tokens | None = None

    @property
    def most(self) -> int | None:
        """Tokens of an answer at most."""
        return self.max_tokens

    @property
    def answers(self) -> int:
        """How many are made: of each prompt so many as asked for."""
        prompt = self.prompt
        several = isinstance(prompt, list) and prompt and not isinstance(prompt[0], int)
        return (len(prompt) if several else 1) * max(self.n or 1, self.best_of or 1)


class EmbeddingBody(msgspec.Struct):
    """Embeddings: what the gateway itself reads; other fields are passed on to an endpoint."""

    model: str
    input: Any = ""
    most: ClassVar[int] = 0
    answers: ClassVar[int] = 1


class ResponseBody(msgspec.Struct):
    """A response: what the gateway itself reads; other fields are passed on to an endpoint."""

    model: str
    input: str | list[dict[str, Any]] = ""
    stream: bool | None = None
    max_output_tokens: Tokens | None = None
    metadata: Any = None
    answers: ClassVar[int] = 1

    @property
    def most(self) -> int | None:
        """Tokens of the answer at most."""
        return self.max_output_tokens


class FeedbackBody(msgspec.Struct):
    """What somebody says about an answer."""

    request_id: str
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    expected: str | None = None
    comment: str = ""


class AnswerBody(msgspec.Struct):
    """What people answer to a case that waits for them."""

    request_id: str
    output: str
    any_form: bool = False
    """Takes what is none of the labels, or has another form than the contract declares."""


_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (ChatBody, CompletionBody, EmbeddingBody, ResponseBody, FeedbackBody, AnswerBody)
}
_text_chat = msgspec.json.Decoder(TextChatBody).decode
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL = msgspec.Raw(b"null")


def read_body(kind: type, body: bytes) -> Any:
    """A request's body.

    Raises:
        Refusal: It is no JSON, or a field is missing or of another type.
    """
    try:
        if kind is ChatBody:
            try:
                return _text_chat(body)
            except msgspec.ValidationError:
                pass  # it holds more, or less
        return _decoders[kind].decode(body)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        param = place.rstrip("`").lstrip(".") or None
        raise bad_request(f"{reason}{f' at {param}' if param else ''}", param=param) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"the body is no JSON: {error}", code="invalid_json") from None


def fields(body: bytes, *, read: bool = False) -> dict[str, msgspec.Raw]:
    """The body's fields as they came, so that what is not known here is passed on unchanged.

    Args:
        body: Of the request.
        read: Whether all that they hold will be read here, as guards do.

    Raises:
        Refusal: A name or a text in it is none, or it is nested too deeply to be read.
    """
    try:
        found = _raw.decode(body)
        return _raw.decode(mend_reply(body)[1]) if read else found
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadReply) as error:
        raise bad_request(f"the body is no JSON: {error}", code="invalid_json") from None


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """The text of a message's content, its parts one after the other.

    Raises:
        Refusal: A part is no text, such as a picture.
    """
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        kind = str(part.get("type"))
        if kind not in _TEXT_PARTS or not isinstance(part.get("text"), str):
            raise bad_request(
                f"a scenario reads texts, and a part of the message is {kind[:40]!r}",
                param="messages",
            )
    return "\n".join(part["text"] for part in content)


def case_text(messages: Sequence[Message]) -> str:
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


def unheeded(body: bytes, turns: int = 1, read: ChatBody | ResponseBody | None = None) -> bytes:
    """A header line that names what a scenario did not read: nothing is dropped in silence.

    Args:
        body: Of the request.
        turns: Its messages; only one of them is the case.
        read: The same read, where it is a chat or a response.

    Raises:
        Refusal: The name of a field is no text.
    """
    if turns == 1 and type(read) is TextChatBody and _unheeded_fields(read) == _ALL_NONE:
        return b""
    names = [name for name, value in fields(body).items() if name not in _HEEDED and value != _NULL]
    if "metadata" in names and is_of_run(getattr(read, "metadata", None)):
        names.remove("metadata")
    if turns > 1:
        names.append("messages but the last of the user")
    if not names:
        return b""
    told = ", ".join(name for name in names if name.isprintable())[:_LONGEST_LINE]
    return b"x-rixin-unheeded: %b\r\n" % told.encode("ascii", "replace")


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
