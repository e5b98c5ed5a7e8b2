"""llama.cpp in this process; the only module that imports `xllamacpp`."""

import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rixin.errors import MissingExtra, ModelFault

_ADMITTED = 100.0
"""Added to the scores of the tokens that may follow: e¹⁰⁰ to one against every other."""
_NO_LIMITS = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
"""Probabilities after sampling are those of the model only when no sampler cuts any."""
_NEVER_TOO_LATE_S = 600.0


class LlamaRefused(Exception):
    """The runtime refused a request; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one request gave."""

    text: str
    probabilities: tuple[float, ...]
    """Of each token that was written, before any constraint."""
    shares: Mapping[int, float]
    """Token → probability among the admitted ones."""
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    complete: bool
    """False where the answer was cut at its longest."""


class Llama:
    """A loaded model. Not for two threads at once.

    Args:
        path: A GGUF file.
        threads: Threads that compute, at least 1.
        context: Tokens of prompt and answer together.

    Raises:
        MissingExtra: The package is not installed.
        ModelFault: The file cannot be loaded.
    """

    def __init__(self, path: Path, *, threads: int, context: int) -> None:
        library = _library()
        self.context = context
        # The runtime listens on a random loopback port whatever one does: nobody else has the key.
        self._key = secrets.token_urlsafe(32)
        try:
            self._server: Any = library.Server(_params(library, path, threads, context, self._key))
        except (RuntimeError, ValueError, OSError) as error:
            raise _unusable(path, error) from error
        self._address = str(self._server.listening_address)

    def close(self) -> None:
        """Frees the model; may be called twice."""
        self._server = None

    def tokens(self, text: str, *, special: bool = False) -> tuple[int, ...]:
        """The tokens of a text.

        Args:
            text: The text.
            special: Read marks such as `<|im_end|>` as the tokens they name; never for text that
                came from outside.
        """
        body = {"content": text, "add_special": False, "parse_special": special}
        return tuple(int(token) for token in self._post("/tokenize", body)["tokens"])

    def chat(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The messages as the text that the model's own chat template makes of them."""
        return str(self._post("/apply-template", {"messages": list(messages)})["prompt"])

    def end_token(self) -> int:
        """The token that ends an answer."""
        return self.tokens(str(self._post("/props", None)["eos_token"]), special=True)[-1]

    def shares(self, prompt: Sequence[int], admitted: Sequence[int]) -> Reading:
        """The probability of each admitted token after a prompt, summing to 1."""
        body = {
            "n_predict": 1,
            "n_probs": len(admitted),
            "logit_bias": [[token, _ADMITTED] for token in admitted],
            "post_sampling_probs": True,
            **_NO_LIMITS,
        }
        return self._complete(prompt, body)

    def write(
        self, prompt: Sequence[int], max_tokens: int, schema: Mapping[str, object] | None = None
    ) -> Reading:
        """The likeliest answer, token by token; with a JSON Schema, one that meets it.

        Raises:
            LlamaRefused: The prompt is too long, or the schema cannot be read.
        """
        body: dict[str, object] = {"n_predict": max_tokens, "n_probs": 1, "temperature": 0.0}
        if schema is not None:
            body["json_schema"] = schema
        return self._complete(prompt, body)

    def _complete(self, prompt: Sequence[int], body: Mapping[str, object]) -> Reading:
        request = {"prompt": list(prompt), "cache_prompt": True, **body}
        try:
            reply = self._server.handle_completions(request)
        except (ValueError, RuntimeError) as error:
            raise LlamaRefused(str(error)) from error
        if "error" in reply:
            raise LlamaRefused(str(reply["error"].get("message", reply["error"])))
        return _reading(reply)

    def _post(self, path: str, body: Mapping[str, object] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, data=data, headers=headers)  # noqa: S310 - our own loopback port
        try:
            with _DIRECT.open(request, timeout=_NEVER_TOO_LATE_S) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise LlamaRefused(error.read().decode("utf-8", "replace")) from error


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""No proxy from the environment may see what goes to our own port."""


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def runtime_version() -> str:
    """Version of the runtime: another one may answer otherwise.

    Raises:
        MissingExtra: It is not installed.
    """
    _library()
    return version("xllamacpp")


def _library() -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtra("a local model", "local") from error
    return xllamacpp


def _params(library: Any, path: Path, threads: int, context: int, key: str) -> Any:
    params = library.CommonParams()
    params.model.path = str(path)
    params.api_keys = [key]
    params.n_ctx = context
    params.n_parallel = 1  # one slot: every case finds the shared prefix in its cache
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0
    params.fit_params = False
    params.warmup = False
    params.verbosity = -1
    return params


def _unusable(path: Path, error: Exception) -> ModelFault:
    return ModelFault(
        f"the model {str(path)!r} cannot be loaded: {str(error).strip() or 'no reason given'}",
        hint="check that it is a GGUF of a text model: rixin models verify",
    )


def _reading(reply: Mapping[str, Any]) -> Reading:
    choice, usage = reply["choices"][0], reply["usage"]
    places = (choice.get("logprobs") or {}).get("content", ())
    first = places[0].get("top_probs", ()) if places else ()
    details = usage.get("prompt_tokens_details") or {}
    return Reading(
        text=choice["text"],
        probabilities=tuple(_probability(place) for place in places),
        shares={int(each["id"]): float(each["prob"]) for each in first},
        input_tokens=int(usage["prompt_tokens"]),
        cached_tokens=int(details.get("cached_tokens", 0)),
        output_tokens=int(usage["completion_tokens"]),
        complete=choice["finish_reason"] != "length",
    )


def _probability(place: Mapping[str, Any]) -> float:
    import math

    return float(place["prob"]) if "prob" in place else math.exp(float(place["logprob"]))
