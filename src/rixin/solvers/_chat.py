"""Reads what servers of chat completions reply, with all their differences.

What a server sends has come through `rixin.core.foreign` by then; that a place holds what it should
is judged here, and what is wrong is a `BadReply`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from rixin.core.answer import is_failed
from rixin.core.foreign import BadReply, finite_number, mend_reply
from rixin.core.transport import Reply
from rixin.solvers._labels import Alternative, Place, read_places

_LONGEST_TOLD_S = 30 * 86_400.0
_LONGEST_WORDS = 300
_ABOVE_ONE = 0.01
"""Logarithms of probabilities are not above 0, save for rounding."""
_LOG_OF_NOTHING = -700.0
_STATUSES = frozenset(one.value for one in HTTPStatus if one >= 400)
_TEXT_PARTS = frozenset({"text", "output_text"})
_NAMED: tuple[tuple[int, tuple[str, ...]], ...] = (
    (429, ("rate_limit", "ratelimit", "too_many", "throttl", "quota", "exhausted")),
    (503, ("overload", "unavailable", "capacity", "busy")),
    (504, ("timeout", "timed_out", "deadline")),
    (401, ("api_key", "apikey", "authenticat", "unauthorized", "invalid_token")),
    (403, ("permission", "forbidden", "access_denied")),
    (404, ("not_found", "notfound")),
    (400, ("invalid", "bad_request", "unsupported", "context_length", "content", "moderation")),
)
"""Statuses that words of an error name, the first one that fits."""


_ALL_IS_WELL = frozenset({"0", "200", "ok", "success", "processing", "queued", "running"})
"""Codes of events that only say that something is coming."""


class Features(NamedTuple):
    """What a server is asked for beyond the messages; it may refuse any of these."""

    schema: bool
    logprobs: bool
    temperature: bool
    newer_limit: bool
    """`max_completion_tokens` instead of `max_tokens`."""


class StatedError(NamedTuple):
    """What a server says went wrong."""

    status: int
    """A status that there is, from 400 on."""
    words: str
    """Its own, at most 300 characters: they may repeat what it was asked."""
    code: str = ""
    """A stable word, which holds nothing of what it was asked; empty: none."""
    param: str = ""
    """The parameter that it objects to; empty: not told."""


def quoted(text: str) -> bytes:
    r"""A text as it stands in JSON, without the quotes around it.

    Examples:
        >>> quoted('say "é"\n').decode()
        'say \\"é\\"\\n'
    """
    try:
        return msgspec.json.encode(text)[1:-1]
    except UnicodeEncodeError:  # half of a pair of surrogates, which no UTF-8 can hold
        return json.dumps(text)[1:-1].encode()


def features_after(
    features: Features,
    error: StatedError,
    *,
    keep_logprobs: bool = False,
    keep_schema: bool = False,
) -> Features:
    """What to ask for after a server refused a request; the same where nothing is left to drop.

    Args:
        features: What it was asked for.
        error: What it said.
        keep_logprobs: The user insists on them.
        keep_schema: So for the JSON Schema.

    Examples:
        >>> error = StatedError(400, "logprobs is not supported")
        >>> features_after(Features(True, True, True, False), error)
        Features(schema=True, logprobs=False, temperature=True, newer_limit=False)
    """
    low = (error.param or error.words).lower()
    if "max_completion_tokens" in low or ("max_tokens" in low and not features.newer_limit):
        return features._replace(newer_limit=not features.newer_limit)
    if "logprob" in low and features.logprobs and not keep_logprobs:
        return features._replace(logprobs=False)
    about_schema = any(word in low for word in ("response_format", "schema", "grammar"))
    if about_schema and features.schema and not keep_schema:
        return features._replace(schema=False)
    if "temperature" in low and features.temperature:
        return features._replace(temperature=False)
    return features


def standard_status(status: int) -> int:
    """The status itself, or what fits best for one that HTTP does not define.

    Examples:
        >>> standard_status(429), standard_status(529), standard_status(520), standard_status(499)
        (429, 503, 502, 502)
    """
    if status in _STATUSES:
        return status
    return (
        503 if status == 529 else 502
    )  # Anthropic's "overloaded", and Cloudflare's and nginx's own


def error_of(reply: Reply, body: Any) -> StatedError | None:
    """What a server says went wrong; None: nothing.

    Args:
        reply: The reply; a status from 200 to 299 does not mean that all is well.
        body: The same decoded; None where it cannot be.
    """
    said = _stated(body, whatever=not 200 <= reply.status < 300)
    if 200 <= reply.status < 300:
        return said
    status = standard_status(reply.status)
    if said is not None and said.words:
        return said._replace(status=status)
    text = reply.body[: 4 * _LONGEST_WORDS].decode("utf-8", "replace").strip()
    return StatedError(status, text[:_LONGEST_WORDS] or "no reason given")


def decoded(reply: Reply) -> tuple[Any, bool]:
    """What a reply holds, None where it cannot be read, and whether something in it was mended."""
    try:
        body, data = mend_reply(reply.body)
    except BadReply:
        return None, False
    return body, data is not reply.body


def event_error(body: Mapping[str, Any]) -> StatedError | None:
    """What a chunk of a stream, or an answer, says went wrong: at its top or in a choice."""
    choices = body.get("choices")
    if type(choices) is list and len(choices) == 1 and not ("error" in body or "response" in body):
        only = choices[0]  # as nearly all are
        if type(only) is dict and "error" not in only and not is_failed(only.get("finish_reason")):
            return None
    for holder in (body, body.get("response"), *_list(body.get("choices"))):
        if isinstance(holder, dict) and (
            holder.get("error") or is_failed(holder.get("finish_reason"))
        ):
            why = f"the answer was broken off: {holder.get('finish_reason')}"
            return read_error(holder.get("error") or why, holder)
    return None


def flat_error(body: Mapping[str, Any]) -> StatedError | None:
    """What an event that is nothing of an answer says went wrong, in fields at its top.

    Examples:
        >>> flat_error({"object": "error", "message": "out of memory", "code": 500}).words
        'out of memory'
        >>> flat_error({"status": "ok", "message": "still here"}) is None
        True
    """
    if str(_word(body)).lower() in _ALL_IS_WELL:
        return None
    return _stated(body, whatever=body.get("object") == "error" or "detail" in body)


def _stated(body: Any, *, whatever: bool) -> StatedError | None:
    """The error in a decoded body.

    Args:
        body: The body.
        whatever: It is known that there is one: any words are its reason.
    """
    if not isinstance(body, dict):
        return read_error(body, {}) if whatever and isinstance(body, str) else None
    if (found := event_error(body)) is not None:
        return found
    if whatever or not (body.get("choices") or body.get("data") or body.get("output")):
        base = body.get("base_resp")
        for holder in (body, base if isinstance(base, dict) else {}):
            if (whatever or _word(holder)) and _words(holder):
                return read_error(holder, holder)
    return None


def read_error(error: Any, holder: Mapping[str, Any]) -> StatedError:
    """An error as a server writes it: an object, a text, or fields beside it.

    Args:
        error: The error.
        holder: What it was found in.
    """
    fields = error if isinstance(error, dict) else {}
    words = _words(fields) or (error if isinstance(error, str) else "") or _words(holder)
    words = (words or json.dumps(error, ensure_ascii=False))[:_LONGEST_WORDS]
    word, param = _word(fields) or _word(holder), fields.get("param")
    kind = fields.get("type")
    named = _status_named(word) or _status_named(kind) or 502
    code = word if isinstance(word, str) and not word.isdigit() else ""
    return StatedError(named, words, code, param if isinstance(param, str) else "")


def _words(fields: Mapping[str, Any]) -> str:
    names = ("message", "detail", "error_msg", "error_message", "status_msg", "msg")
    told = [fields[name] for name in names if isinstance(fields.get(name), str) and fields[name]]
    if told or not isinstance(fields.get("detail"), list):
        return told[0] if told else ""
    return json.dumps(fields["detail"], ensure_ascii=False)


def _word(fields: Mapping[str, Any]) -> Any:
    """Its code: a number, or a word."""
    names = ("code", "error_code", "status_code", "status")
    return next((word for name in names if (word := fields.get(name))), None)


def _status_named(word: Any) -> int | None:
    if isinstance(word, str) and word.isdecimal() and len(word) < 6:
        word = int(word)
    if isinstance(word, int | float) and not isinstance(word, bool):
        return standard_status(int(word)) if 400 <= word < 600 else None
    if not isinstance(word, str):
        return None
    low = word.lower().replace("-", "_").replace(" ", "_")
    return next((status for status, parts in _NAMED if any(part in low for part in parts)), None)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait, from `retry-after-ms` or `retry-after`.

    Examples:
        >>> retry_after({"retry-after": "2"}, 0.0), retry_after({"retry-after-ms": "250"}, 0.0)
        (2.0, 0.25)
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        wait = _wait(headers[name], scale, now) if name in headers else None
        if wait is not None:
            return min(max(wait, 0.0), _LONGEST_TOLD_S)
    return None


def _wait(stated: str, scale: float, now: float) -> float | None:
    try:
        wait = float(stated) * scale
    except ValueError:
        try:
            moment = parsedate_to_datetime(stated)
            wait = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return wait if math.isfinite(wait) else None


def choices_of(body: Any) -> list[Mapping[str, Any]]:
    """The choices of a chat completion, at least one.

    Raises:
        BadReply: It holds none, or they are no objects.
    """
    if body is None:
        raise BadReply("it is no JSON, or nested too deeply")
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices:
        raise BadReply("it holds no choices")
    if not all(isinstance(one, dict) for one in choices):
        raise BadReply("its choices are no objects")
    return choices


def message_of(choice: Mapping[str, Any]) -> tuple[str, str]:
    """What a choice says, and why it refuses; thoughts and parts of other kinds are passed over.

    Raises:
        BadReply: Its message is none.

    Examples:
        >>> message_of({"message": {"content": [{"type": "text", "text": "refund"}]}})
        ('refund', '')
    """
    message = choice.get("message")
    if not isinstance(message, dict):
        raise BadReply("a choice holds no message")
    content, refusal = message.get("content"), message.get("refusal")
    if type(content) is str and not refusal:
        return content, ""
    if content is not None and not isinstance(content, str | list | dict):
        raise BadReply("the content of a message is no text")
    parts = content if isinstance(content, list) else [content]
    refusals = [one.get("refusal") for one in parts if isinstance(one, dict)]
    why = next((one for one in (refusal, *refusals) if one), "")
    return "".join(map(_part_text, parts)), why if isinstance(why, str) else "it does not say why"


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type", "text") not in _TEXT_PARTS:
        return ""
    text = part.get("text")
    if isinstance(text, dict):
        text = text.get("value")
    return text if isinstance(text, str) else ""


def places_of(choice: Mapping[str, Any]) -> list[Place]:
    """The tokens of an answer with their probabilities; empty where the server tells none.

    Raises:
        BadReply: They are no tokens, or no logarithms of probabilities.
    """
    return [_place(token) for token in _tokens(choice)]


def mean_probability(choice: Mapping[str, Any]) -> float | None:
    """The geometric mean of the probabilities of an answer's tokens; None where it tells none.

    Raises:
        BadReply: They are no tokens, or no logarithms of probabilities.
    """
    logs = [_logprob(token) for token in _tokens(choice)]
    return min(1.0, math.exp(sum(logs) / len(logs))) if logs else None


def answer_probabilities(
    label: str, labels: Sequence[str], places: Sequence[Place]
) -> dict[str, float]:
    """Label → probability from the log-probabilities beside an answer; empty where they say nothing.

    The label is looked for in the tokens, not in the message: servers tidy that up.

    Args:
        label: The label that was read from the answer.
        labels: All labels.
        places: The tokens in order.
    """
    said = "".join(place.text for place in places)
    thought = max(0, said.rfind("</think>"))
    for written in (label, json.dumps(label)[1:-1]):
        start = said.find(written, thought)  # the first: what follows may be its reason
        if start >= 0:
            closing = '"' if said[start + len(written) :].startswith('"') else ""
            return read_places(places, start, labels, closing)
    return {}


def _tokens(choice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    logprobs = choice.get("logprobs")
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    return _objects(tokens)


def _place(token: Mapping[str, Any]) -> Place:
    own = Alternative(_text(token), math.exp(_logprob(token)))
    others = tuple(
        Alternative(_text(other), math.exp(_logprob(other)))
        for other in _objects(token.get("top_logprobs"))
    )
    if all(other.text != own.text for other in others):
        others = (*others, own)
    return Place(own.text, others)


def _text(token: Mapping[str, Any]) -> str:
    text = token.get("token")
    if not isinstance(text, str):
        raise BadReply("a token of its log-probabilities is no text")
    return text


def _logprob(token: Mapping[str, Any]) -> float:
    """The logarithm of a probability; that of 0, which JSON cannot hold, is not told."""
    stated = token.get("logprob")
    if stated is None:
        return _LOG_OF_NOTHING
    logprob = finite_number(stated)
    if logprob is None or logprob > _ABOVE_ONE:
        raise BadReply(f"a log-probability of {str(stated)[:20]} is none")
    return max(_LOG_OF_NOTHING, min(0.0, logprob))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    objects = value or []
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        raise BadReply("its log-probabilities are no list of tokens")
    return objects


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
