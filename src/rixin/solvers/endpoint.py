"""The endpoint solver: anything that speaks OpenAI's chat completions, through a transport."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from rixin.core.answer import TOO_LONG, Answer, Failure, Usage, cut_failure, is_cut, is_refused
from rixin.core.case import Case
from rixin.core.ids import digest_json
from rixin.core.plain import read_plain
from rixin.core.scenario import default_tokens
from rixin.core.transport import Reply, Transport, TransportError
from rixin.core.usage import BYTES_PER_TOKEN, read_usage
from rixin.solvers._chat import (
    Features,
    StatedError,
    answer_probabilities,
    choices_of,
    decoded,
    error_of,
    features_after,
    mean_probability,
    message_of,
    places_of,
    quoted,
    retry_after,
)
from rixin.solvers._labels import margin
from rixin.solvers._reasoning import choice_took_all
from rixin.solvers._said import Said, agreed, note_of, unread
from rixin.solvers.outputs import parse_output
from rixin.solvers.prompt import Prompt, label_schema

_log = logging.getLogger("rixin.solvers")
_RECIPE = "endpoint/2"
_MARK = "⟦case⟧"
_TOP = 20
"""Alternatives that are asked for at each token: the most that servers commonly give."""
_OVERHEAD = 64
"""Tokens that a chat template may add at most around two messages."""
_NOT_TAKEN = frozenset({400, 422, 501})
"""Statuses with which servers refuse a parameter."""
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
    schema: Literal["auto", "on", "off"] = "auto"
    """Whether it is asked with a JSON Schema: `auto`: until the server refuses."""
    context: int | None = None
    """Tokens that the model has room for, question and answer together; None: not known."""
    samples: int = 1
    """Answers that one call asks for; from two on their agreement is the confidence."""

    def __repr__(self) -> str:
        return f"EndpointOptions({self.model!r} at {self.base_url!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of what a server takes, and how more is found out."""

    features: Features | None = None
    """What it takes; None: it has not answered yet."""
    learns: Literal["words", "param", "never"] = "words"
    """From what more is found out. While deciding: from what the server says. Words may repeat those
    of a caller, so in serving: from the parameter that it names, and never where it is known."""
    learned: Callable[[Features], None] | None = None
    """Gets what the server was found to take: at its first answer, and when that changes."""


class EndpointSolver:
    """Answers with a model behind an OpenAI-compatible API.

    Labels and JSON are asked for with a JSON Schema, and with log-probabilities; a server that
    refuses one of these, and answers without it, is asked without it from then on. `confidence` of a label is its margin
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
        self._most = options.max_tokens or default_tokens("endpoint", kind) or 1
        self._features = Features(
            schema=kind in {"labels", "json-schema"} and options.schema != "off",
            logprobs=options.logprobs != "off" and options.samples == 1,
            temperature=True,
            newer_limit=False,
        )
        self._frames: dict[Features, tuple[bytes, bytes]] = {}
        self._known = Known()
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
                **({} if options.schema == "auto" else {"schema": options.schema}),
                **({} if options.context is None else {"context": options.context}),
            }
        )

    def start_from(self, known: Known) -> None:
        """Asks in the way that was found out before."""
        self._known, self._features = known, known.features or self._features

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, in order."""
        if len(cases) == 1:
            return [await self._answer(cases[0])]
        return [await self._answer(case) for case in cases]

    def prompt(self, text: str) -> Sequence[tuple[str, str]]:
        """The messages that are sent for a case: the role and the text of each."""
        return self._prompt.messages(text)

    async def close(self) -> None:
        """Nothing: the transport belongs to whoever made it."""

    def max_usage(self, case: Case) -> Usage:
        """The most tokens that one call for a case can use: a token is at least one byte."""
        text = self._prompt.text(case.input)
        before, after = self._frame(self._features)
        shared = len(before) + len(after)
        size = shared + len(text.encode("utf-8", "replace")) + _OVERHEAD
        return Usage(input_tokens=size, output_tokens=self._most * self._options.samples, calls=1)

    @property
    def goes_without_schema(self) -> bool:
        """Whether JSON is asked for without its schema, since the server refused that."""
        needs = self._prompt.output.kind == "json-schema"
        return needs and self._options.schema == "auto" and not self._features.schema

    def _too_long(self, case: Case) -> Failure | None:
        """Why the model has no room for a case, by an estimate; None: it has, or nobody knows."""
        room = self._options.context
        if room is None:
            return None
        said = sum(len(text.encode("utf-8", "replace")) for _, text in self.prompt(case.input))
        needed = said // BYTES_PER_TOKEN + self._most
        if needed <= room:
            return None
        message = f"it needs about {needed:,} tokens, and {self.name} has room for {room:,}"
        return Failure(kind=TOO_LONG, message=message)

    async def _answer(self, case: Case) -> Answer:
        if (failure := self._too_long(case)) is not None:
            return Answer(failure=failure)
        text = quoted(self._prompt.text(case.input))
        tried: list[Features] = []
        first: _Heard | None = None
        features = self._features
        while True:
            tried.append(features)
            before, after = self._frame(features)
            try:
                reply = await self._transport.post(
                    self._url,
                    headers=self._headers,
                    body=before + text + after,
                    timeout_s=self._options.timeout_s,
                )
            except TransportError as error:
                failure = Failure(kind=error.kind, message=str(error), retryable=True)
                used = Usage(calls=len(tried), unknown_calls=int(error.asked))
                return Answer(failure=failure, usage=used)
            if features == self._known.features and (answer := self._plain(reply, len(tried))):
                return answer
            body, mended = decoded(reply)
            heard = _Heard(reply, body, error_of(reply, body), mended)
            first = first or heard
            if heard.error is not None and reply.status in _NOT_TAKEN:
                features = self._next(features, heard.error, tried)
                if features not in tried:
                    continue
                heard = first  # nothing helped: what it said at first is the reason
            elif heard.error is None and features != self._known.features:
                await self._learn(features)
            return self._read(heard, len(tried))

    def _next(self, features: Features, error: StatedError, tried: Sequence[Features]) -> Features:
        """What to ask for after a refusal; one of those that were tried: there is nothing else."""
        if self._features not in tried:  # another case has found it out by now
            return self._features
        learns = self._known.learns
        if learns == "never" or (learns == "param" and not error.param):
            return features
        # In serving a schema is never dropped: what was promised is an answer of that form.
        serves = learns != "words" and self._prompt.output.kind == "json-schema"
        return features_after(
            features,
            error,
            keep_logprobs=self._options.logprobs == "on",
            keep_schema=serves or self._options.schema == "on",
        )

    async def _learn(self, features: Features) -> None:
        """Keeps what the server was found to take: it refused more, or nothing, and answered this."""
        if features != self._features:
            _log.warning("%s is asked with other parameters from now on: %s", self.name, features)
        self._features, self._known = features, replace(self._known, features=features)
        if self._known.learned is not None:
            await asyncio.to_thread(self._known.learned, features)

    def _frame(self, features: Features) -> tuple[bytes, bytes]:
        """The request around a case's text, made once."""
        known = self._frames.get(features)
        if known is None:
            messages = [message._asdict() for message in self._prompt.messages(_MARK)]
            parameters = self._parameters(features)
            body = {"model": self._options.model, "messages": messages, **parameters}
            before, _, after = json.dumps(body).rpartition(json.dumps(_MARK)[1:-1])
            known = self._frames[features] = before.encode(), after.encode()
        return known

    def _parameters(self, features: Features) -> dict[str, object]:
        output = self._prompt.output
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

    def _plain(self, reply: Reply, calls: int) -> Answer | None:
        """The answer of a plain reply, as nearly all are; None: it has to be read by parts."""
        if calls != 1 or not 200 <= reply.status < 300:
            return None
        plain = read_plain(reply.body)
        if plain is None or plain.is_cut:
            return None
        spec = self._prompt.output
        output = parse_output(spec.kind, plain.text, spec.labels)
        if output is None:
            return None
        return Answer(
            output=output,
            usage=plain.usage,
            latency_s=reply.latency_s,
            note=f"model {plain.model}" if plain.model else "",
        )

    def _read(self, heard: "_Heard", calls: int) -> Answer:
        reply, body, error, mended = heard
        used = read_usage(body, calls=calls)
        if error is not None:
            failure = self._refused(error, reply)
            return Answer(
                failure=failure, usage=used or Usage(calls=calls), latency_s=reply.latency_s
            )
        usage = used or Usage(calls=calls, unknown_calls=1)
        try:
            read = [self._understood(choice, used) for choice in choices_of(body)]
            found = read[0] if self._options.samples == 1 else agreed(read)
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as why:
            text = reply.body[:120].decode("utf-8", "replace")
            message = f"no chat completion ({why}): {text!r}"
            found = Failure(kind="bad_reply", message=message, retryable=True)
        if isinstance(found, Failure):
            return Answer(failure=found, usage=usage, latency_s=reply.latency_s)
        return Answer(
            output=found.output,
            confidence=found.confidence,
            probabilities=found.probabilities,
            usage=usage,
            latency_s=reply.latency_s,
            note="; ".join(filter(None, (found.unread, note_of(body, mended=mended)))),
        )

    def _understood(self, choice: Mapping[str, Any], used: Usage | None) -> Said | Failure:
        cause, spec = choice.get("finish_reason"), self._prompt.output
        text, refusal = message_of(choice)
        if refusal or is_refused(cause):
            why = refusal or "its content filter stopped the answer"
            return Failure(kind="refused", message=f"the model refused: {why}")
        if is_cut(cause):  # a number or label in the middle of it is not what it came to
            return cut_failure(self._most, in_reasoning=choice_took_all(choice, used))
        output = parse_output(spec.kind, text, spec.labels)
        if output is None:
            return Said(None, None, {}, unread(text, spec.kind))
        if spec.kind == "labels":
            places = places_of(choice)
            found = answer_probabilities(output, spec.labels, places) if places else {}
            return Said(output, margin(list(found.values())) if found else None, found)
        return Said(output, mean_probability(choice), {})

    def _refused(self, error: StatedError, reply: Reply) -> Failure:
        status, words = error.status, error.words
        wait = retry_after(reply.headers, time.time())
        told = f"HTTP {reply.status}: {words}" if reply.status >= 300 else words
        if status == 429:
            return Failure(kind="rate_limited", message=words, retryable=True, retry_after_s=wait)
        if status >= 500 or status in {408, 409, 425}:
            return Failure(kind="server_error", message=told, retryable=True, retry_after_s=wait)
        if status in _FATAL:
            return Failure(
                kind="fatal",
                message=self._fatal(status, f": {words}"),
                for_log=self._fatal(status, ""),
            )
        return Failure(kind="refused", message=told)

    def _fatal(self, status: int, said: str) -> str:
        options = self._options
        where = f"{options.base_url} {_FATAL[status]} (HTTP {status}{said})"
        if status == 404:
            return f"{where}; check the model name {options.model!r} and base_url"
        key = f"the key in {options.key_name}" if options.key else "no key was sent: set `key`"
        return f"{where}; check {key}" if options.key else f"{where}; {key}"


class _Heard(NamedTuple):
    """A reply, what it holds, and what it says went wrong."""

    reply: Reply
    body: Any
    error: StatedError | None
    mended: bool
    """Whether halves of characters, or numbers that are none, were taken out of it."""
