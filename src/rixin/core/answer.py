"""An answer: what a solver says to a case, or why it could not.

What is made for every answer is a named tuple: a hundred thousand of them are made in a decision,
three times as fast as frozen data classes.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple


class Usage(NamedTuple):
    """What an answer used up; the price book turns it into money."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Part of `input_tokens` that the server read from its cache."""
    cpu_s: float = 0.0
    """CPU seconds on this machine (local solvers)."""
    calls: int = 0
    """Requests sent to a model, failed tries included."""
    unknown_calls: int = 0
    """Part of `calls` that may have been billed and of which nobody knows what they used."""
    cache_write_tokens: int = 0
    """Part of `input_tokens` that the server wrote to its cache."""
    cache_write_1h_tokens: int = 0
    """Part of `cache_write_tokens` that is kept for an hour, not for some minutes."""
    reasoning_tokens: int = 0
    """Part of `output_tokens` that was thought and not shown."""
    citation_tokens: int = 0
    """Part of `output_tokens` that are pages read, as search models bill them."""
    audio_input_tokens: int = 0
    """Part of `input_tokens`; cached ones counted."""
    audio_cached_tokens: int = 0
    """Part of both `audio_input_tokens` and `cached_tokens`."""
    audio_output_tokens: int = 0
    """Part of `output_tokens`."""
    image_input_tokens: int = 0
    """Part of `input_tokens`; cached ones counted."""
    image_cached_tokens: int = 0
    """Part of both `image_input_tokens` and `cached_tokens`."""
    image_output_tokens: int = 0
    """Part of `output_tokens`."""
    video_input_tokens: int = 0
    """Part of `input_tokens`."""
    video_output_tokens: int = 0
    """Part of `output_tokens`."""
    images: int = 0
    """Pictures made, where a server counts them."""
    searches: int = 0
    """Searches that the server made on the way."""
    service_tier: str = ""
    """How it was served, in the server's word: `flex`, `priority`, `batch`; empty: as usual."""
    unread: tuple[str, ...] = ()
    """Names of stated figures that were not understood: the bill may be higher by them."""


CUT = "cut"
"""Kind of the failure of an answer that reached its limit of tokens."""
REASONING_LIMIT = "reasoning_limit"
"""The same where reasoning took all of them: nothing was said."""
TOO_LONG = "too_long"
"""Kind of the failure of a case that the model has no room for: nobody was asked."""
NOT_WHOLE = frozenset({CUT, REASONING_LIMIT})
"""Kinds of the failures of answers that a higher limit of tokens would mend."""
_CUT_REASONS = frozenset(
    (
        *("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "token_limit"),
        *("error_limit", "model_length", "context", "context_length", "max_context_length"),
        *("context_window_exceeded", "model_context_window_exceeded", "truncated", "incomplete"),
    )
)
_REFUSING_REASONS = frozenset(
    (
        *("content_filter", "content_filtered", "sensitive", "safety", "refusal", "recitation"),
        *("blocklist", "blocked", "spii", "prohibited_content", "error_toxic", "moderation"),
        "guardrail_intervened",
    )
)
_FAILING_REASONS = frozenset(
    (
        *("error", "network_error", "server_error", "internal_error", "failed", "interrupted"),
        *("insufficient_system_resource", "abort", "aborted", "cancel", "cancelled", "canceled"),
        *("user_cancel", "timeout", "overloaded", "unavailable", "malformed_function_call"),
    )
)
"""Words of DeepSeek, Zhipu, SenseNova, vLLM, Mistral, Anthropic, Cohere, Gemini and others."""


class Failure(NamedTuple):
    """Why a case was not measured: it is neither solved nor unsolved."""

    kind: str
    """A stable word: rate_limited, server_error, timeout, connection, bad_reply, refused,
    crashed, no_record, budget, cut, reasoning_limit, too_long."""
    message: str
    retryable: bool = False
    retry_after_s: float | None = None
    for_log: str = ""
    """The message without the words of whoever was asked: they may repeat what was said."""


class Step(NamedTuple):
    """One solver's part in a cascade, for the explanation."""

    solver: str
    output: str | None
    confidence: float | None
    threshold: float | None
    escalated: bool


class Answer(NamedTuple):
    """A solver's output for one case."""

    output: str | None = None
    """The output; None when the solver abstained or failed."""
    confidence: float | None = None
    """In [0, 1], higher is surer; None where the solver has none."""
    abstained: bool = False
    """The solver declined: the case goes to people."""
    usage: Usage = Usage()
    cost: Decimal | None = None
    """In the scenario's currency, set from the price book or by the solver; None: not known."""
    sunk: Decimal = Decimal(0)
    """The most that calls for this case may have cost beyond `cost`: those that timed out,
    were lost, or did not say what they used."""
    latency_s: float | None = None
    """Seconds from the first byte sent to the last byte received; None: not known."""
    retries: int = 0
    failure: Failure | None = None
    probabilities: Mapping[str, float] = MappingProxyType({})
    """Label → probability, where the solver gives them."""
    steps: tuple[Step, ...] = ()
    vetoed: bool = False
    """A guard found something: in a cascade it does not stand where somebody comes after."""
    recorded_score: float | None = None
    """In [0, 1]: a score that came with a recorded answer; no scorer is asked then."""
    outside: bool = False
    """The case is unlike those that the solver has learnt from; it is told to callers, not stored."""
    note: str = ""
    """Why the solver answered so, in words: the rule that matched, the model as returned."""


def is_cut(finish_reason: object) -> bool:
    """Whether a server's word for why it stopped says that the answer is not whole.

    Examples:
        >>> is_cut("length"), is_cut("MAX_TOKENS"), is_cut("stop"), is_cut(None)
        (True, True, False, False)
    """
    return _is_one_of(finish_reason, _CUT_REASONS)


def is_refused(finish_reason: object) -> bool:
    """Whether it says that the answer was held back for what is in it.

    Examples:
        >>> is_refused("content_filter"), is_refused("sensitive"), is_refused("stop")
        (True, True, False)
    """
    return _is_one_of(finish_reason, _REFUSING_REASONS)


def is_failed(finish_reason: object) -> bool:
    """Whether it says that the server broke off: what was said till then is no answer.

    Examples:
        >>> is_failed("insufficient_system_resource"), is_failed("error"), is_failed("stop")
        (True, True, False)
    """
    return _is_one_of(finish_reason, _FAILING_REASONS)


def is_end(finish_reason: object) -> bool:
    """Whether it says that an answer is over: some servers write a word while they go on.

    Examples:
        >>> is_end("stop"), is_end("error"), is_end(""), is_end("null"), is_end(None)
        (True, True, False, False, False)
    """
    return isinstance(finish_reason, str) and finish_reason.strip().lower() not in {"", "null"}


def _is_one_of(reason: object, words: frozenset[str]) -> bool:
    return isinstance(reason, str) and reason.strip().lower() in words


def is_below(answer: Answer, least: float | None) -> bool:
    """Whether an answer has less confidence than it must have; one without any has not.

    Examples:
        >>> sure = Answer(output="spam", confidence=0.6)
        >>> is_below(sure, 0.8), is_below(sure, 0.5), is_below(sure, None)
        (True, False, False)
    """
    return least is not None and answer.confidence is not None and answer.confidence < least


def cut_failure(limit: int | None = None, *, in_reasoning: bool = False) -> Failure:
    """Why an answer that was cut is none: nobody knows what it would have come to.

    Args:
        limit: The tokens that it might have; None: not known.
        in_reasoning: It was cut before the first word of the answer.

    Examples:
        >>> cut_failure(160, in_reasoning=True).message
        'reasoning took all 160 tokens: raise `max_tokens`, or let the model reason less'
    """
    if in_reasoning:
        most = "tokens of the answer" if limit is None else f"{limit:,} tokens"
        hint = "raise `max_tokens`, or let the model reason less"
        return Failure(kind=REASONING_LIMIT, message=f"reasoning took all {most}: {hint}")
    at = "" if limit is None else f" at {limit:,} tokens: raise `max_tokens`"
    return Failure(kind=CUT, message=f"the answer was cut{at}")
