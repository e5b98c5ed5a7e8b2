"""What a request that is passed on may use at most, worked out before it leaves.

A budget holds only if no call can cost more than what was set aside for it. So what makes a call
dearer without showing in its size is bounded by the contract, counted, or refused here.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import msgspec

from rixin.core.foreign import BadReply, decode_reply
from rixin.pricing.rates import CHEAPER
from rixin.serve.call import Call, check_priced, reserve
from rixin.serve.errors import Refusal, bad_request
from rixin.serve.meters import MONEY_RUN, Limit, Meters
from rixin.workspace.serving import Upstream

BYTES_PER_TOKEN = 4
"""Of an estimate, for limits of tokens."""
_ADDED = 32
"""Tokens that a chat template may add, beyond the signs of the JSON around a short chat."""
_ADDED_BY_TOOLS = 1_024
"""Tokens that a server may add to explain tools to a model."""

_MONEY = frozenset({"money_minute", "money_day", "money_month", MONEY_RUN})
_TOKENS = frozenset({"tokens", "tokens_day", "tokens_month"})
_LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens"})
_OTHER_LIMITS = frozenset(
    {
        *("n_predict", "num_predict", "max_new_tokens", "max_gen_len", "max_length"),
        *("maxtokens", "maxoutputtokens", "maxcompletiontokens", "options", "generation_config"),
        *("candidate_count", "num_return_sequences", "use_beam_search", "beam_width"),
    }
)
"""Other words for how much is written; servers heed them beside or instead of the API's own."""
_ELSEWHERE = frozenset(
    {
        *("previous_response_id", "conversation", "cached_content", "extra_body", "container"),
        *("context_management", "vector_store_ids", "file_ids", "files"),
    }
)
"""Fields that stand for tokens that are not in the request."""
_SERVER_WORK = frozenset(
    {
        *("web_search_options", "search_parameters", "plugins", "enable_search", "mcp_servers"),
        *("search_options", "web_search", "models", "route", "preset", "tool_resources"),
    }
)
"""Fields that make a server do what is billed beside tokens, or ask another model."""
_TOOLS = frozenset({"function", "custom", "local_shell", "shell", "apply_patch"})
"""Kinds of tools that the caller runs; all others are run by the server, and billed."""
_DEARER = (
    _ELSEWHERE
    | _SERVER_WORK
    | {"tools", "service_tier", "speed", "prediction"}
    | {"thinking", "thinking_budget", "enable_thinking", "reasoning"}
)
"""Fields that may make a call dearer than its size and its limit say."""
_SPELT = frozenset(
    {
        *("model", "messages", "input", "prompt", "stream", "n", "best_of", "stream_options"),
        *(*_LIMITS, *_DEARER),
    }
)
"""Fields that must be spelt as the API has them: some servers heed them in any case of letters."""
_COMMON = _LIMITS | {"model", "messages", "input", "prompt", "stream", "stream_options", "n"}
"""Fields that nearly all requests have, spelt so."""
_UNLIMITED = _COMMON - _LIMITS
_NOTHING = frozenset({b"", b"null", b"false", b"[]", b"{}", b'""'})
_CONTENT = ("messages", "input")
_PART = re.compile(
    rb'"(?:type"\s*:\s*"[a-z_]{0,24}(?:image|file|audio|video|document|item_reference)'
    rb'|[a-z_]{0,24}(?:image|audio|video|file)s?_?(?:url|id|data)?"\s*:)',
    re.IGNORECASE,
)
"""A part of a message that is no text, by its type or by a key; one quote begins both, for speed."""
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")


class Most(NamedTuple):
    """The most that a request may use."""

    read: int
    written: int
    """Tokens."""
    pictures: int
    tier: str | None
    """The tier of service that it asks for; None: the server chooses."""
    media: bool
    """Whether it holds sound or pictures."""


class Asked(msgspec.Struct, frozen=True):
    """What a request asks for."""

    fields: Mapping[str, msgspec.Raw]
    """The request, as JSON by names."""
    size: int
    """Its bytes."""
    most: int
    """Tokens of each answer at most."""
    answers: int
    """How many are made."""
    is_text: bool = False
    """Whether it is nothing but text, so that its size bounds what it may cost."""


def reserve_most(
    call: Call, meters: Meters, limits: Sequence[Limit], upstream: Upstream, asked: Asked
) -> None:
    """Sets aside what a request may use, under all limits of its key and scenario.

    Args:
        call: The request.
        meters: What is used already.
        limits: Of its key and its scenario.
        upstream: Where it goes.
        asked: What it asks for.

    Raises:
        Refusal: A limit has no room (429), or nobody can say what the request may cost (403).
    """
    pico = _most_pico(limits, upstream, asked) if has_money(limits) else 0
    tokens = asked.size // BYTES_PER_TOKEN + 1 + asked.most * asked.answers
    reserve(call, meters, tuple(limits), tokens=tokens, most_pico=pico)


def has_money(limits: Sequence[Limit]) -> bool:
    """Whether one of them is of money."""
    for limit in limits:  # noqa: SIM110 - a generator takes three times as long
        if limit.kind in _MONEY:
            return True
    return False


def has_tokens(limits: Sequence[Limit]) -> bool:
    """Whether one of them is of tokens."""
    return any(limit.kind in _TOKENS for limit in limits)


def check_limit(fields: Mapping[str, msgspec.Raw]) -> None:
    """Refuses what would make a server write more than the limit that was counted.

    Raises:
        Refusal: A limit is nothing, or written in a word that not every server heeds.
    """
    if fields.keys() <= _UNLIMITED:  # as most are
        return
    for name in fields.keys() - _COMMON:
        plain = name.casefold()
        if plain in _OTHER_LIMITS and _says(fields, name):
            mend = "say max_tokens instead (max_output_tokens in /v1/responses)"
            raise _unbounded(
                f"{name!r} may make the answer longer than what is counted", name, mend
            )
        if plain != name and plain in _SPELT:
            raise _unbounded(f"{name!r} is not spelt as the API has it", name, f"write {plain!r}")
    for name in _LIMITS:
        if name in fields and _raw(fields, name) in {b"0", b"0.0", b"-0"}:
            why = f"{name}: 0 bounds nothing, since some servers take it for their default"
            raise _unbounded(why, name, "ask for 1 token at least")


def most_of(asked: Asked, upstream: Upstream) -> Most:
    """The most that a request may use.

    Raises:
        Refusal: Its size is elsewhere and the contract states no most, or the server would do
            what is billed beside tokens.
    """
    fields, answers = asked.fields, asked.answers
    odd = fields.keys() & _DEARER
    if odd:
        _check_work(fields, odd)
    read = asked.size + _ADDED + (_ADDED_BY_TOOLS if "tools" in fields else 0)
    elsewhere = _elsewhere(fields, odd)
    if elsewhere and upstream.max_input_tokens is None:
        mend = f"state `max_input_tokens` of {upstream.name} in the contract, or leave it out"
        raise _unbounded(f"{elsewhere!r} is not in the request itself", elsewhere, mend)
    if upstream.max_input_tokens is not None:
        read = upstream.max_input_tokens if elsewhere else min(read, upstream.max_input_tokens)
    written = (asked.most + (_beside(fields) if odd else 0)) * answers
    return Most(read, written, answers, _tier(fields) if odd else None, bool(elsewhere))


def _most_pico(limits: Sequence[Limit], upstream: Upstream, asked: Asked) -> int:
    pricer = upstream.pricer
    if pricer is None or not pricer.is_bounded:
        check_priced(limits, upstream.name)
        return 0
    if asked.is_text and upstream.max_input_tokens is None:
        written = asked.most * asked.answers
        pico = pricer.bound(asked.size + _ADDED, written, asked.answers, None, media=False)
        if pico is not None:
            return pico
    whole = most_of(asked, upstream)
    pico = pricer.bound(*whole[:4], media=whole.media)
    if pico is None:
        mend = "state its price in the contract, or leave it out"
        raise _unbounded(f"service_tier {whole.tier!r} has no price", "service_tier", mend)
    return pico


def is_elsewhere(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether the size of a request does not tell how much is read: pictures, sound, files."""
    return bool(_elsewhere(fields, fields.keys() & _DEARER))


def _elsewhere(fields: Mapping[str, msgspec.Raw], odd: Set[str]) -> str:
    """What of a request has its size elsewhere, or in pictures and sound; empty: nothing."""
    for name in odd & _ELSEWHERE:
        if _says(fields, name):
            return name
    if "prompt" in fields and _raw(fields, "prompt")[:1] == b"{":
        return "prompt"  # one that is stored with the server
    for name in _CONTENT:
        if name in fields and (part := _part(bytes(fields[name]), name)):
            return part
    return ""


def _part(content: bytes, name: str) -> str:
    """The first part of messages that is no text."""
    if b"\\u00" in content and _ESCAPED_LETTER.search(content):
        plain = json.dumps(_read(content, name), ensure_ascii=False)
        content = plain.encode("utf-8", "replace")
    match = _PART.search(content)
    if match is None:
        return ""
    end = content.find(b'"', match.end())
    word = match[0] if match[0].rstrip().endswith(b":") else content[match.start() : end]
    return word.decode("ascii", "replace").strip('": ').rpartition('"')[2]


def _check_work(fields: Mapping[str, msgspec.Raw], odd: Set[str]) -> None:
    """Refuses what the server does and bills beside tokens."""
    for name in odd & _SERVER_WORK:
        if _says(fields, name):
            mend = "leave it out, or use a key without a budget"
            raise _unbounded(f"what {name!r} costs is billed beside tokens", name, mend)
    for kind in _kinds(_value(fields, "tools")):
        if kind not in _TOOLS:
            mend = "leave it out, or use a key without a budget"
            raise _unbounded(f"the server runs the tool {kind!r} and bills it", "tools", mend)


def _kinds(tools: object) -> Iterable[str]:
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            yield "?"
        elif "type" in tool:
            yield str(tool["type"])
        else:  # the caller's own need no type everywhere; a server's are named by their key
            yield (
                "function" if tool.keys() & {"function", "input_schema"} else next(iter(tool), "?")
            )


def _beside(fields: Mapping[str, msgspec.Raw]) -> int:
    """Tokens that may be written beside the answer: thoughts with a bound of their own, guesses."""
    if _raw(fields, "enable_thinking") == b"true" and "thinking_budget" not in fields:
        why = "thoughts have no bound, since max_tokens is for the answer alone"
        raise _unbounded(why, "enable_thinking", "state `thinking_budget`")
    bounds = [_value(fields, "thinking_budget")]
    for name, inner in (("thinking", "budget_tokens"), ("reasoning", "max_tokens")):
        value = _value(fields, name)
        bounds.append(value.get(inner) if isinstance(value, dict) else None)
    thoughts = sum(bound for bound in bounds if isinstance(bound, int) and bound > 0)
    return thoughts + len(_raw(fields, "prediction"))


def dearer_tier(fields: Mapping[str, msgspec.Raw]) -> str:
    """The tier of service that it asks for, where that may cost more than the usual one."""
    if "service_tier" not in fields and "speed" not in fields:
        return ""
    tier = _tier(fields)
    return "" if tier is None or tier in CHEAPER or tier == "auto" else tier


def _tier(fields: Mapping[str, msgspec.Raw]) -> str | None:
    """The one tier that it asks for."""
    words = [_value(fields, name) for name in ("service_tier", "speed")]
    stated = [word for word in words if isinstance(word, str)]
    return stated[0] if len(stated) == 1 else None


def _raw(fields: Mapping[str, msgspec.Raw], name: str) -> bytes:
    return bytes(fields[name]).strip() if name in fields else b""


def _value(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    return _read(fields[name], name) if name in fields else None


def _read(raw: msgspec.Raw | bytes, name: str) -> Any:
    try:
        return decode_reply(bytes(raw))
    except BadReply as error:
        raise bad_request(f"{name} cannot be read: {error}", param=name) from None


def _says(fields: Mapping[str, msgspec.Raw], name: str) -> bool:
    """Whether a field is more than nothing."""
    return _raw(fields, name) not in _NOTHING


def _unbounded(why: str, param: str, mend: str) -> Refusal:
    message = f"no limit can hold for this request: {why}; {mend}"
    return Refusal(403, message, "cost_not_bounded", param, retry=False)
