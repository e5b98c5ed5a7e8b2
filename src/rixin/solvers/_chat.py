"""Reads what servers of chat completions reply, with all their differences."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from rixin.core.transport import Reply
from rixin.solvers._labels import Alternative, Place, read_places

_LONGEST_WAIT_S = 120.0


class Features(NamedTuple):
    """What a server is asked for beyond the messages; it may refuse any of these."""

    schema: bool
    logprobs: bool
    temperature: bool
    newer_limit: bool
    """`max_completion_tokens` instead of `max_tokens`."""


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


def read_json(body: bytes) -> Any:
    """What a JSON text holds; NaN and other encodings, which some servers send, are read, too.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(body)


def features_after(features: Features, said: str, *, keep_logprobs: bool = False) -> Features:
    """What to ask for after a server refused a request; the same where nothing is left to drop.

    Args:
        features: What it was asked for.
        said: Its error message.
        keep_logprobs: The user insists on them.

    Examples:
        >>> features_after(Features(True, True, True, False), "logprobs is not supported")
        Features(schema=True, logprobs=False, temperature=True, newer_limit=False)
    """
    low = said.lower()
    if "max_completion_tokens" in low and not features.newer_limit:
        return features._replace(newer_limit=True)
    if "max_completion_tokens" in low and features.newer_limit:
        return features._replace(newer_limit=False)
    if "logprob" in low and features.logprobs and not keep_logprobs:
        return features._replace(logprobs=False)
    if features.schema and any(word in low for word in ("response_format", "schema", "grammar")):
        return features._replace(schema=False)
    if "temperature" in low and features.temperature:
        return features._replace(temperature=False)
    return features


def refusal(reply: Reply) -> str:
    """The message of an error reply, in at most 300 characters.

    Examples:
        >>> refusal(Reply(400, {}, b'{"error": {"message": "no such model"}}', 0.1))
        'no such model'
    """
    text = reply.body.decode("utf-8", "replace").strip()
    try:
        body = json.loads(text)
        error = body.get("error", body)
        found = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        found = None
    return (str(found) if found else text or "no reason given")[:300]


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait, from `retry-after-ms` or `retry-after`.

    Examples:
        >>> retry_after({"retry-after": "2"}, 0.0), retry_after({"retry-after-ms": "250"}, 0.0)
        (2.0, 0.25)
    """
    given = headers.get("retry-after-ms")
    scale = 0.001 if given is not None else 1.0
    given = given if given is not None else headers.get("retry-after")
    if given is None:
        return None
    try:
        wait = float(given) * scale
    except ValueError:
        try:
            moment = parsedate_to_datetime(given)
        except ValueError:
            return None
        wait = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now
    return min(max(wait, 0.0), _LONGEST_WAIT_S) if math.isfinite(wait) else None


def answer_probabilities(
    label: str, labels: Sequence[str], places: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Label → probability from the log-probabilities beside an answer; empty where they say nothing.

    The label is looked for in the tokens, not in the message: servers tidy that up.

    Args:
        label: The label that was read from the answer.
        labels: All labels.
        places: One entry for each token, with `token`, `logprob` and `top_logprobs`.
    """
    said = "".join(place["token"] for place in places)
    for written in (label, json.dumps(label)[1:-1]):
        start = said.rfind(written)
        if start >= 0:
            closing = '"' if said[start + len(written) :].startswith('"') else ""
            return read_places([_place(place) for place in places], start, labels, closing)
    return {}


def _place(place: Mapping[str, Any]) -> Place:
    others = place.get("top_logprobs") or ()
    found = tuple(Alternative(each["token"], math.exp(each["logprob"])) for each in others)
    own = Alternative(place["token"], math.exp(place["logprob"]))
    if all(each.text != own.text for each in found):
        found = (*found, own)
    return Place(place["token"], found)
