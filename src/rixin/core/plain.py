"""Chat completions as nearly all are, read by their types in one step.

Each field is named here with the values that need no second look. So what is read here is whole,
holds nothing that has to be mended, states no error, and its usage adds up. All else, such as
tools, log-probabilities and cached tokens, is for `rixin.core.foreign` and `rixin.core.usage`.
"""

from typing import Annotated, Any, Literal

import msgspec

from rixin.core.answer import Usage
from rixin.core.usage import MOST_TOKENS

_Tokens = Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)]
_Nought = Annotated[int, msgspec.Meta(ge=0, le=0)]
_Empty = Annotated[list[Any], msgspec.Meta(max_length=0)]


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["assistant"]
    content: Annotated[str, msgspec.Meta(min_length=1)]
    refusal: None = None
    annotations: _Empty | None = None
    audio: None = None
    function_call: None = None
    tool_calls: _Empty | None = None
    reasoning: None = None
    reasoning_content: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    message: _Message
    finish_reason: Literal["stop", "length"]
    index: int = 0
    logprobs: None = None
    stop_reason: None = None
    token_ids: None = None


class _Details(msgspec.Struct, forbid_unknown_fields=True):
    cached_tokens: _Nought = 0
    reasoning_tokens: _Nought = 0
    audio_tokens: _Nought = 0
    accepted_prediction_tokens: _Nought = 0
    rejected_prediction_tokens: _Nought = 0


class _Used(msgspec.Struct, forbid_unknown_fields=True):
    prompt_tokens: _Tokens
    completion_tokens: _Tokens
    total_tokens: _Tokens
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None


class _Completion(msgspec.Struct, forbid_unknown_fields=True):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]
    usage: _Used
    model: str = ""
    id: str = ""
    object: str = ""
    created: int = 0
    system_fingerprint: str | None = None
    service_tier: Literal["default"] | None = None
    prompt_logprobs: None = None
    kv_transfer_params: None = None


class _Delta(msgspec.Struct, forbid_unknown_fields=True):
    content: str | None = None
    role: Literal["assistant"] | None = None
    refusal: None = None


class _ChunkChoice(msgspec.Struct, forbid_unknown_fields=True):
    delta: _Delta
    finish_reason: Literal["stop", "length"] | None = None
    index: int = 0
    logprobs: None = None
    stop_reason: None = None
    token_ids: None = None


class _Chunk(msgspec.Struct, forbid_unknown_fields=True):
    choices: list[_ChunkChoice]
    usage: _Used
    model: str = ""
    id: str = ""
    object: str = ""
    created: int = 0
    system_fingerprint: str | None = None
    service_tier: Literal["default"] | None = None


class PlainReply(msgspec.Struct):
    """What a plain chat completion says."""

    text: str
    model: str
    """As the server names it."""
    is_cut: bool
    """Whether the answer reached its limit of tokens."""
    usage: Usage


class PlainChunk(msgspec.Struct):
    """What a plain chunk with figures says."""

    usage: Usage
    is_last: bool
    """Whether the answer ends here."""
    is_bare: bool
    """Whether it holds nothing but the figures."""
    is_cut: bool
    """Whether the answer ends here at its limit of tokens."""
    says: bool
    """Whether it holds some of the answer."""


_decode = msgspec.json.Decoder(_Completion).decode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode


def read_plain(body: bytes) -> PlainReply | None:
    """What a chat completion says, where it is a plain one; None: it has to be read by parts.

    Args:
        body: A reply with a status from 200 to 299; no tier of service was asked for.

    Examples:
        >>> reply = read_plain(
        ...     b'{"choices": [{"message": {"role": "assistant", "content": "refund"},'
        ...     b'"finish_reason": "stop"}],'
        ...     b'"usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}}'
        ... )
        >>> reply.text, reply.usage.input_tokens
        ('refund', 9)
        >>> read_plain(b'{"error": "overloaded"}') is None
        True
    """
    try:
        reply = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    usage, choice = _usage(reply.usage), reply.choices[0]
    if usage is None:
        return None
    return PlainReply(choice.message.content, reply.model, choice.finish_reason == "length", usage)


def read_plain_chunk(data: bytes) -> PlainChunk | None:
    """What a chunk with figures says, where it is a plain one; None: it has to be read by parts.

    Args:
        data: Of one event of a stream; no tier of service was asked for.

    Examples:
        >>> read_plain_chunk(
        ...     b'{"choices": [], "usage":'
        ...     b'{"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}}'
        ... ).is_bare
        True
    """
    try:
        chunk = _decode_chunk(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    usage, choices = _usage(chunk.usage), chunk.choices
    if usage is None:
        return None
    ends = [choice.finish_reason for choice in choices if choice.finish_reason]
    says = any(choice.delta.content for choice in choices)
    return PlainChunk(usage, bool(ends), not choices, "length" in ends, says)


def _usage(used: _Used) -> Usage | None:
    read, written = used.prompt_tokens, used.completion_tokens
    if used.total_tokens != read + written:
        return None
    return _new(Usage, (read, written) + _REST)  # noqa: RUF005 - four times as fast as Usage(…)


_new = tuple.__new__
_REST = tuple(Usage(calls=1))[2:]
