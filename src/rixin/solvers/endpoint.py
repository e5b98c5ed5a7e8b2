"""The endpoint solver: anything that speaks OpenAI's chat completions, through a transport."""

import json
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rixin.core.answer import Answer, Failure, Usage
from rixin.core.case import Case
from rixin.core.ids import digest_json
from rixin.core.transport import Reply, Transport, TransportError
from rixin.core.usage import read_usage
from rixin.solvers._chat import (
    Features,
    answer_probabilities,
    features_after,
    quoted,
    read_json,
    refusal,
    retry_after,
)
from rixin.solvers._labels import margin
from rixin.solvers.outputs import parse_output
from rixin.solvers.prompt import Prompt, label_schema

_RECIPE = "endpoint/1"
_MARK = "⟦case⟧"
_TOP = 20
"""Alternatives that are asked for at each token: the most that servers commonly give."""
_DEFAULT_TOKENS: Mapping[str, int] = {"labels": 64, "number": 512, "json-schema": 1024}
_OVERHEAD = 64
"""Tokens that a chat template may add at most around two messages."""
_FATAL = {401: "refuses the key", 403: "forbids this call", 404: "does not know this address"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointOptions:
    """Where a model listens and how it is asked."""

    base_url: str
    """Ends before `/chat/completions`."""
    model: str
    key: str | None = None
    """Sent as a bearer token; never shown, stored or hashed."""
    key_name: str = ""
    """Where the key came from, for messages."""
    timeout_s: float = 60.0
    temperature: float = 0.0
    max_tokens: int | None = None
    """Tokens of an answer at most; None: by the kind of output."""
    logprobs: str = "auto"
    """`on`, `off`, or `auto`: until the server refuses."""
    samples: int = 1
    """Answers that one call asks for; from two on their agreement is the confidence."""

    def __repr__(self) -> str:
        return f"EndpointOptions({self.model!r} at {self.base_url!r})"


class EndpointSolver:
    """Answers with a model behind an OpenAI-compatible API.

    Labels and JSON are asked for with a JSON Schema, and with log-probabilities; a server that
    refuses one of these is asked without it from then on. `confidence` of a label is its margin
    over the next label, of other outputs the geometric mean of the probabilities of their tokens;
    None where the server gives no log-probabilities. With `samples`, one call asks for several
    answers (`n`), the most frequent one is given, and its share among them is the confidence, None
    where the server gives one only. What goes wrong is a failure that says whether to call again;
    this solver never does.

    Args:
        name: The name in the scenario file.
        transport: Posts the requests.
        prompt: What the model is asked; the part that all cases share goes first.
        options: Where and how.
    """

    def __init__(
        self, name: str, transport: Transport, prompt: Prompt, options: EndpointOptions
    ) -> None:
        self.name = name
        self.batch_size = 1
        self._transport, self._prompt, self._options = transport, prompt, options
        self._url = f"{options.base_url}/chat/completions"
        self._headers = {"Content-Type": "application/json"}
        if options.key:
            self._headers["Authorization"] = f"Bearer {options.key}"
        kind = prompt.output.kind
        self._most = options.max_tokens or _DEFAULT_TOKENS.get(kind, 512)
        self._features = Features(
            schema=kind in {"labels", "json-schema"},
            logprobs=options.logprobs != "off" and options.samples == 1,
            temperature=True,
            newer_limit=False,
        )
        self._before, self._after = self._frame()
        self.fingerprint = digest_json(
            {
                "recipe": _RECIPE,
                "url": options.base_url,
                "model": options.model,
                "temperature": options.temperature,
                "max_tokens": self._most,
                "logprobs": options.logprobs,
                "prompt": prompt.fingerprint,
                **({} if options.samples == 1 else {"samples": options.samples}),
            }
        )

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, in order."""
        if len(cases) == 1:
            return [await self._answer(cases[0])]
        return [await self._answer(case) for case in cases]

    async def close(self) -> None:
        """Nothing: the transport belongs to whoever made it."""

    def max_usage(self, case: Case) -> Usage:
        """The most tokens that one call for a case can use: a token is at least one byte."""
        text = self._prompt.text(case.input)
        shared = len(self._before) + len(self._after)
        size = shared + len(text.encode("utf-8", "replace")) + _OVERHEAD
        return Usage(input_tokens=size, output_tokens=self._most * self._options.samples, calls=1)

    async def _answer(self, case: Case) -> Answer:
        text = quoted(self._prompt.text(case.input))
        calls = 0
        while True:
            asked_with = self._features
            calls += 1
            try:
                reply = await self._transport.post(
                    self._url,
                    headers=self._headers,
                    body=self._before + text + self._after,
                    timeout_s=self._options.timeout_s,
                )
            except TransportError as error:
                failure = Failure(kind=error.kind, message=str(error), retryable=True)
                return Answer(failure=failure, usage=Usage(calls=calls))
            if reply.status in {400, 422, 501} and self._adapt(asked_with, reply):
                continue
            return self._read(reply, calls)

    def _adapt(self, asked_with: Features, reply: Reply) -> bool:
        """Whether to ask again, without what the server refused."""
        if asked_with == self._features:
            keep = self._options.logprobs == "on"
            self._features = features_after(asked_with, refusal(reply), keep_logprobs=keep)
            self._before, self._after = self._frame()
        return asked_with != self._features

    def _frame(self) -> tuple[bytes, bytes]:
        """The request around a case's text, made once."""
        messages = [message._asdict() for message in self._prompt.messages(_MARK)]
        body = {"model": self._options.model, "messages": messages, **self._parameters()}
        before, _, after = json.dumps(body).rpartition(json.dumps(_MARK)[1:-1])
        return before.encode(), after.encode()

    def _parameters(self) -> dict[str, object]:
        features, output = self._features, self._prompt.output
        limit = "max_completion_tokens" if features.newer_limit else "max_tokens"
        found: dict[str, object] = {limit: self._most}
        if self._options.samples > 1:
            found["n"] = self._options.samples
        if features.temperature:
            found["temperature"] = self._options.temperature
        if features.logprobs:
            found |= {"logprobs": True, "top_logprobs": _TOP if output.kind == "labels" else 0}
        if features.schema:
            schema = label_schema(output.labels) if output.kind == "labels" else output.schema
            named: dict[str, object] = {"name": "answer", "schema": schema}
            if output.kind == "labels":
                named["strict"] = True
            found["response_format"] = {"type": "json_schema", "json_schema": named}
        return found

    def _read(self, reply: Reply, calls: int) -> Answer:
        if reply.status != 200:
            return _failed(self._refused(reply), reply, calls)
        try:
            body = read_json(reply.body)
            usage = read_usage(body, calls=calls) or Usage(calls=calls)
            choices = body["choices"]
            read = [self._understood(choice, choice["message"]) for choice in choices]
            found = read[0] if self._options.samples == 1 else _agreed(read)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            text = reply.body[:120].decode("utf-8", "replace")
            message = f"no chat completion ({error}): {text!r}"
            failure = Failure(kind="bad_reply", message=message, retryable=True)
            return _failed(failure, reply, calls)
        if isinstance(found, Failure):
            return Answer(failure=found, usage=usage, latency_s=reply.latency_s)
        return Answer(
            output=found.output,
            confidence=found.confidence,
            probabilities=found.probabilities,
            usage=usage,
            latency_s=reply.latency_s,
            note=_note(body),
        )

    def _understood(
        self, choice: Mapping[str, Any], message: Mapping[str, Any]
    ) -> "_Said | Failure":
        cause, spec = choice.get("finish_reason"), self._prompt.output
        if message.get("refusal") or cause == "content_filter":
            why = message.get("refusal") or "its content filter stopped the answer"
            return Failure(kind="refused", message=f"the model refused: {why}")
        output = parse_output(spec.kind, message.get("content") or "", spec.labels)
        if output is None and cause == "length":
            cut = f"the answer was cut at {self._most} tokens: raise `max_tokens`"
            return Failure(kind="bad_reply", message=cut)
        places = (choice.get("logprobs") or {}).get("content")
        if output is None or not places:
            return _Said(output, None, {})
        if spec.kind == "labels":
            found = answer_probabilities(output, spec.labels, places)
            return _Said(output, margin(list(found.values())) if found else None, found)
        mean = sum(float(place["logprob"]) for place in places) / len(places)
        return _Said(output, min(1.0, math.exp(mean)), {})

    def _refused(self, reply: Reply) -> Failure:
        said = refusal(reply)
        if reply.status == 429:
            wait = retry_after(reply.headers, time.time())
            return Failure(kind="rate_limited", message=said, retryable=True, retry_after_s=wait)
        if reply.status >= 500 or reply.status in {408, 409, 425}:
            wait = retry_after(reply.headers, time.time())
            return Failure(
                kind="server_error",
                message=f"HTTP {reply.status}: {said}",
                retryable=True,
                retry_after_s=wait,
            )
        if reply.status in _FATAL:
            return Failure(
                kind="fatal",
                message=self._fatal(reply.status, f": {said}"),
                for_log=self._fatal(reply.status, ""),
            )
        return Failure(kind="refused", message=f"HTTP {reply.status}: {said}")

    def _fatal(self, status: int, said: str) -> str:
        options = self._options
        where = f"{options.base_url} {_FATAL[status]} (HTTP {status}{said})"
        if status == 404:
            return f"{where}; check the model name {options.model!r} and base_url"
        key = f"the key in {options.key_name}" if options.key else "no key was sent: set `key`"
        return f"{where}; check {key}" if options.key else f"{where}; {key}"


class _Said(NamedTuple):
    """What a reply holds."""

    output: str | None
    confidence: float | None
    probabilities: Mapping[str, float]


def _agreed(read: "Sequence[_Said | Failure]") -> "_Said | Failure":
    """The most frequent of several answers, the first of those that are as frequent.

    One that was refused or cut counts as an answer of its own.
    """
    outputs = Counter(one.output for one in read if isinstance(one, _Said) and one.output)
    if not outputs:
        return read[0]
    ((output, count),) = outputs.most_common(1)
    return _Said(output, count / len(read) if len(read) > 1 else None, {})


def _failed(failure: Failure, reply: Reply, calls: int) -> Answer:
    return Answer(failure=failure, usage=Usage(calls=calls), latency_s=reply.latency_s)


def _note(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    return f"model {model}" if isinstance(model, str) else ""
