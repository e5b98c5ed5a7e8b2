"""A model in llama.cpp, in this process: its tokens, its probabilities, what it writes."""

import json
import re
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from rixin.errors import ModelFault
from rixin.solvers._guidance import guided
from rixin.solvers._runtime import library, socket_folder
from rixin.solvers.prompt import Message

_BIAS = 100.0
_STEP = 256
_NO_JSON = "Q"
"""No JSON begins so."""
_PLACE = re.compile(r"@@place(\d+)@@")


class LlamaRefused(Exception):
    """A request that llama.cpp could not serve; the message says why."""


class Shares(NamedTuple):
    """How a model spreads its belief over the tokens that may come next."""

    probabilities: Mapping[int, float]
    """Summing to 1."""
    cached_tokens: int


class Reading(NamedTuple):
    """What a model wrote after a prompt."""

    text: str
    logprobs: tuple[float, ...]
    """Natural logarithm of the probability of each token."""
    cached_tokens: int
    finished: bool
    """False: it was cut at the most tokens it may have."""


class Llama:
    """A loaded model with one slot, which keeps what it has read until the next prompt differs.

    The last bits of a probability hang on where the slot's part of a prompt ends and reading
    begins, since many tokens at once are summed in another order than one. So whatever came
    before, a prompt is read from the end of what `read` has read: the same prompt gives the same
    bits.

    llama.cpp brings a web server along; it listens on a socket in a private folder instead of a
    port, behind a random key. Only one thread may call at a time, save `stop`.

    Args:
        path: A GGUF file.
        threads: Threads that write answers.
        context: Tokens that prompt and answer may have together; the model may know fewer.
        readers: Threads that read prompts; None: as many as write.

    Raises:
        MissingExtra: `xllamacpp` is not installed.
        ModelFault: The file cannot be loaded.
    """

    def __init__(
        self, path: Path, *, threads: int, context: int, readers: int | None = None
    ) -> None:
        self._folder = tempfile.mkdtemp(prefix="rixin-", dir=socket_folder())
        self._socket = f"{self._folder}/llama.sock"
        self._key = secrets.token_hex(16)
        self._stopped = threading.Event()
        self._server: Any = None
        self._head: list[int] = []
        self._after_head: int | None = None
        """Token of the slot behind the head."""
        try:
            self._server = self._start(path, threads, readers or threads, context)
            properties = self._get("GET", "/props")
        except BaseException:
            self.close()
            raise
        # llama.cpp rounds up, and takes less where the model was trained on less.
        self.context = min(context, int(properties["default_generation_settings"]["n_ctx"]))
        """Tokens that prompt and answer may have together."""
        self.end_token = self._encode(str(properties.get("eos_token") or "\n"), special=True)[-1]
        """What the model writes when it has finished."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; what looks like a control token in it is plain text."""
        return self._encode(text, special=False)

    def encode_chat(self, messages: Sequence[Message]) -> list[list[int]]:
        """The tokens of a chat, cut before and after the content of each message.

        Models whose template knows no system message get it as the first part of the next one.
        """
        pieces = self._template(messages)
        if pieces is None and messages[0].role == "system":
            first, second, *rest = messages
            joined = Message(second.role, f"{first.content}\n\n{second.content}")
            messages, pieces = [joined, *rest], self._template([joined, *rest])
        if pieces is None:
            raise LlamaRefused("the model's chat template leaves out messages")
        encoded = [self._encode(pieces[0], special=True, begin=True)]
        for message, piece in zip(messages, pieces[1:], strict=True):
            encoded += [self.encode(message.content), self._encode(piece, special=True)]
        return encoded

    def read(self, prompt: Sequence[int]) -> None:
        """Reads a prompt ahead, so that prompts which begin with it need not read it again.

        It goes in steps, so that `stop` need not wait for all of it.

        Raises:
            LlamaRefused: It does not fit, or `stop` was called.
        """
        self._head, self._after_head = [], None
        for end in range(_STEP, len(prompt) + _STEP, _STEP):
            step = {"prompt": list(prompt[:end]), "n_predict": 0, "cache_prompt": end > _STEP}
            self._complete(step)
        self._head = list(prompt)

    def weigh(self, prompt: Sequence[int], tokens: Sequence[int], *, again: bool = False) -> Shares:
        """The probabilities of some tokens after a prompt, as if no others could follow.

        One large bias on all of them leaves their odds as they are and everything else behind.

        Args:
            prompt: What comes before.
            tokens: Those that may follow.
            again: A further question about the same case: what it has in common with the last
                prompt is not read again.

        Raises:
            LlamaRefused: The prompt does not fit, or the model failed.
        """
        ask = self._complete if again else self._from_head
        (reply,) = ask(
            {
                "prompt": list(prompt),
                "n_predict": 1,
                "seed": 0,
                "n_probs": len(tokens),
                "post_sampling_probs": True,
                "samplers": ["top_k", "temperature"],
                "top_k": len(tokens),
                "temperature": 1.0,
                "logit_bias": [[token, _BIAS] for token in tokens],
            }
        )
        found = {
            entry["id"]: float(entry["prob"])
            for entry in _places(reply["choices"][0])[0]["top_probs"]
        }
        total = sum(found.get(token, 0.0) for token in tokens)
        shares = {token: found.get(token, 0.0) / total for token in tokens}
        return Shares(shares, _cached(reply))

    def write(
        self, prompt: Sequence[int], most: int, schema: Mapping[str, object] | None = None
    ) -> Reading:
        """Lets the model write its likeliest tokens.

        Args:
            prompt: What comes before.
            most: Tokens it may write.
            schema: A JSON Schema that the text must meet, as far as `forces` goes; written on
                one line, because small models may otherwise indent without end.

        Raises:
            LlamaRefused: The prompt does not fit, the model failed, or `stop` was called.
        """
        request = {
            "prompt": list(prompt),
            "n_predict": most,
            "n_probs": 1,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if schema is not None:
            request["json_schema"] = guided(schema)
        chunks = self._from_head(request)
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        places = [place for choice in choices for place in _places(choice)]
        return Reading(
            text="".join(choice["text"] for choice in choices),
            logprobs=tuple(float(place["logprob"]) for place in places),
            cached_tokens=_cached(chunks[-1]),
            finished=all(choice["finish_reason"] != "length" for choice in choices),
        )

    def forces(self, schema: Mapping[str, object]) -> bool:
        """Whether the grammar engine takes a schema: it says nothing where it does not.

        So the model is pushed towards what no JSON begins with.
        """
        (token, *_) = self.encode(_NO_JSON)
        request = {
            "prompt": [self.end_token],
            "n_predict": 1,
            "temperature": 0.0,
            "logit_bias": [[token, _BIAS]],
            "json_schema": guided(schema),
        }
        self._head, self._after_head = [], None
        (reply,) = self._complete(request)
        return not reply["choices"][0]["text"].startswith(_NO_JSON)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Makes what is under way end soon; may be called from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Frees the model; may be called twice."""
        self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, path: Path, threads: int, readers: int, context: int) -> object:
        xllamacpp = library()
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.cpuparams.n_threads, params.cpuparams_batch.n_threads = threads, readers
        params.n_ctx, params.n_parallel = context, 1
        params.hostnames, params.api_keys = [self._socket], [self._key]
        params.n_threads_http, params.ui, params.offline = 1, False, True
        params.verbosity = -1
        # What is here fits: neither shrink the context to free memory, nor keep old prompts in it.
        params.fit_params, params.cache_ram_mib, params.warmup = False, 0, False
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise ModelFault(
                f"llama.cpp cannot load {str(path)!r}",
                hint="the file may be broken or of a kind it does not know (rixin models verify), "
                "or memory too small: a model needs some more than its size on disk",
            ) from error

    def _template(self, messages: Sequence[Message]) -> list[str] | None:
        """What a chat has around the contents of its messages; None where it drops one."""
        chat = [
            {"role": message.role, "content": f"@@place{place}@@"}
            for place, message in enumerate(messages)
        ]
        body = {"messages": chat, "chat_template_kwargs": {"enable_thinking": False}}
        try:
            prompt = self._get("POST", "/apply-template", body)["prompt"]
        except LlamaRefused:
            return None
        pieces = _PLACE.split(prompt)
        wanted = [str(place) for place in range(len(messages))]
        return pieces[::2] if pieces[1::2] == wanted else None

    def _encode(self, text: str, *, special: bool, begin: bool = False) -> list[int]:
        body = {
            "content": text.encode("utf-8", "replace").decode(),
            "parse_special": special,
            "add_special": begin,
        }
        tokens: list[int] = self._get("POST", "/tokenize", body)["tokens"]
        return tokens

    def _get(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        connection = _SocketConnection(self._socket)
        headers = {"Authorization": f"Bearer {self._key}"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            reply: Mapping[str, Any] = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            raise LlamaRefused(f"llama.cpp does not answer: {error}") from error
        finally:
            connection.close()
        return _checked(reply)

    def _from_head(self, request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The reply to a prompt that is read from the end of the head on, whatever came before."""
        prompt, size = request["prompt"], len(self._head)
        if 0 < size < len(prompt) and prompt[:size] == self._head:
            for _ in range(2):
                chunks = self._cut_off(request, prompt[size])
                if _cached(chunks[-1]) == size:
                    return chunks
                self.read(self._head)  # a prompt that failed may have emptied the slot
            # A model that cannot be cut there (some with a sliding window) reads everything anew.
            self._head = []
        return self._complete({**request, "cache_prompt": False})

    def _cut_off(self, request: Mapping[str, Any], first: int) -> list[Mapping[str, Any]]:
        if self._after_head == first:  # the slot goes on as the prompt does
            other = 1 if first == 0 else 0
            self._complete({"prompt": [*self._head, other], "n_predict": 0})
        self._after_head = first
        return self._complete(request)

    def _complete(self, request: Mapping[str, object]) -> list[Mapping[str, Any]]:
        """The chunks of a reply; one where the request does not ask for a stream."""
        chunks: list[Mapping[str, Any]] = []

        def take(chunk: Mapping[str, Any]) -> bool:
            chunks.append(chunk)
            return self.stopped

        try:
            self._server.handle_completions(request, take)
        except (RuntimeError, ValueError) as error:
            raise LlamaRefused(f"llama.cpp failed: {error}") from error
        if self.stopped:
            raise LlamaRefused("the solver was closed")
        return [_checked(chunk) for chunk in chunks]


class _SocketConnection(HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _checked(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    if "error" in reply:
        error = reply["error"]
        raise LlamaRefused(str(error.get("message", error) if isinstance(error, dict) else error))
    return reply


def _places(choice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tokens of a choice, with their probabilities."""
    return list((choice["logprobs"] or {}).get("content", ()))


def _cached(reply: Mapping[str, Any]) -> int:
    return int(reply["usage"]["prompt_tokens_details"]["cached_tokens"])
