"""The local solver: a GGUF through llama.cpp, in this process, on this machine's processors."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from rixin.core.answer import Answer, Failure, Usage
from rixin.core.case import Case
from rixin.core.ids import digest, digest_json
from rixin.solvers._labels import margin, search_labels, separate
from rixin.solvers._llama import Llama, LlamaRefused, Reading, processors, runtime_version
from rixin.solvers.outputs import parse_output
from rixin.solvers.prompt import Prompt

_RECIPE = "local/1"
_HASHED = 1 << 20
_DEFAULT_TOKENS: Mapping[str, int] = {"number": 320, "json-schema": 512, "free-text": 256}
_MARK = "⟦case⟧"
"""Stands for a case's text while the chat template is laid around it."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """How a local model is run."""

    threads: int | None = None
    """Threads that compute; None: all processors but one, at least one. Threads wait for each
    other at every layer, so one that must share its processor with other work stalls all."""
    max_tokens: int | None = None
    """Tokens of an answer at most; None: by the kind of output. Labels need none."""
    context: int = 4096
    """Tokens that prompt and answer may have together."""


class LocalSolver:
    """Answers with a local model; `confidence` of a label is its margin over the next label.

    Of other outputs `confidence` is the geometric mean of the probabilities of their tokens.
    The model is loaded at the first `solve`; calls queue up before one thread, so that the event
    loop stays free, and `latency_s` is the time of a call without its time in the queue.

    Args:
        name: The name in the scenario file.
        model_path: A GGUF file.
        prompt: What the model is asked; see `build_prompt`.
        options: How it is run.
        say: Gets a line before each step that takes long; called from another thread.

    Raises:
        MissingExtra: The package that runs it is not installed.
        ModelFault: The file cannot be read.
    """

    def __init__(
        self,
        name: str,
        model_path: Path,
        prompt: Prompt,
        options: LocalOptions | None = None,
        *,
        say: Say | None = None,
    ) -> None:
        options = options or LocalOptions()
        self.name = name
        self.batch_size = 1
        self._path, self._prompt = model_path, prompt
        self._threads = options.threads or max(1, processors() - 1)
        self._max_tokens = options.max_tokens or _DEFAULT_TOKENS.get(prompt.output.kind, 1)
        self._context = options.context
        self._say = say or (lambda _: None)
        self._frame: _Frame | None = None
        self._worker: ThreadPoolExecutor | None = None
        self.fingerprint = self._identity()

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, in order."""
        loop = asyncio.get_running_loop()
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="llama")
        waiting = [loop.run_in_executor(self._worker, self._answer, case) for case in cases]
        return await asyncio.gather(*waiting)

    async def close(self) -> None:
        """Frees the model; may be called twice."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.shutdown(wait=True, cancel_futures=True)
        if self._frame is not None:
            self._frame.llama.close()
            self._frame = None

    def _identity(self) -> str:
        with self._path.open("rb") as file:
            head = file.read(_HASHED)
            size = file.seek(0, 2)
            file.seek(max(0, size - _HASHED))
            tail = file.read(_HASHED)
        return digest_json(
            {
                "recipe": _RECIPE,
                "runtime": runtime_version(),
                "model": digest(str(size), head.hex(), tail.hex()),
                "prompt": self._prompt.fingerprint,
                "max_tokens": self._max_tokens,
                "context": self._context,
            }
        )

    def _answer(self, case: Case) -> Answer:
        """In the worker's thread: one case from its text to its answer."""
        frame = self._frame or self._load()
        begin, cpu = time.perf_counter(), time.process_time()
        try:
            answer = frame.answer(case.input)
        except LlamaRefused as error:
            answer = Answer(failure=Failure(kind="refused", message=str(error)))
        return replace(
            answer,
            latency_s=time.perf_counter() - begin,
            usage=replace(answer.usage, cpu_s=time.process_time() - cpu),
        )

    def _load(self) -> "_Frame":
        self._say(f"loading {self._path.parent.name}/{self._path.name} ({self._threads} threads)")
        llama = Llama(self._path, threads=self._threads, context=self._context)
        self._frame = _Frame(llama, self._prompt, self._max_tokens)
        return self._frame


class _Frame:
    """A loaded model and the tokens that all cases share."""

    def __init__(self, llama: Llama, prompt: Prompt, max_tokens: int) -> None:
        self.llama, self._prompt, self._max_tokens = llama, prompt, max_tokens
        before, after = _around(llama, prompt)
        self._before = llama.tokens(before, special=True)
        self._after = llama.tokens(after, special=True)
        self._labels = prompt.output.labels if prompt.output.kind == "labels" else ()
        plain = [llama.tokens(label) for label in self._labels]
        self._sequences = separate(plain, llama.end_token()) if plain else []

    def answer(self, text: str) -> Answer:
        """The answer to one input.

        Raises:
            LlamaRefused: The prompt leaves no room for it.
        """
        prompt = self._fitted(text)
        if self._labels:
            return self._label(prompt)
        kind, schema = self._prompt.output.kind, self._prompt.output.schema
        reading = self.llama.write(
            prompt, self._max_tokens, schema if kind == "json-schema" else None
        )
        output = parse_output(kind, reading.text)
        if output is None:
            why = "" if reading.complete else f"; it was cut at {self._max_tokens} tokens"
            note = f"no {kind} in the answer{why}: {reading.text[-80:]!r}"
            return Answer(usage=_usage([reading]), note=note)
        return Answer(
            output=output, confidence=_mean(reading.probabilities), usage=_usage([reading])
        )

    def _fitted(self, text: str) -> tuple[int, ...]:
        """The prompt's tokens; a text that is too long loses its end."""
        case = self.llama.tokens(f" {self._prompt.text(text)}")
        longest = max((len(each) for each in self._sequences), default=self._max_tokens)
        room = self.llama.context - len(self._before) - len(self._after) - longest - 1
        if room < 1:
            raise LlamaRefused(
                f"the shared prompt of {len(self._before):,} tokens leaves no room in a context of"
                f" {self.llama.context:,}; raise `context` or lower `examples_per_label`"
            )
        return (*self._before, *case[:room], *self._after)

    def _label(self, prompt: tuple[int, ...]) -> Answer:
        readings: list[Reading] = []

        def ask(path: tuple[int, ...], admitted: tuple[int, ...]) -> Mapping[int, float]:
            readings.append(self.llama.shares((*prompt, *path), admitted))
            return readings[-1].shares

        found = search_labels(self._sequences, ask)
        best = max(range(len(found)), key=found.__getitem__)
        return Answer(
            output=self._labels[best],
            confidence=margin(found),
            probabilities=dict(zip(self._labels, found, strict=True)),
            usage=_usage(readings),
        )


def _around(llama: Llama, prompt: Prompt) -> tuple[str, str]:
    """What the chat template puts before and after a case's text."""
    messages = [message._asdict() for message in prompt.messages(_MARK)]
    try:
        whole = llama.chat(messages)
    except LlamaRefused:  # a template without a system role
        text = "\n\n".join(message["content"] for message in messages)
        whole = llama.chat([{"role": "user", "content": text}])
    before, _, after = whole.rpartition(_MARK)
    return before.rstrip(" "), after


def _usage(readings: Sequence[Reading]) -> Usage:
    return Usage(
        input_tokens=sum(reading.input_tokens for reading in readings),
        cached_tokens=sum(reading.cached_tokens for reading in readings),
        output_tokens=sum(reading.output_tokens for reading in readings),
        calls=len(readings),
    )


def _mean(probabilities: Sequence[float]) -> float | None:
    """Geometric mean; None where there is nothing to take it of."""
    if not probabilities:
        return None
    logs = [math.log(max(probability, 1e-12)) for probability in probabilities]
    return min(1.0, math.exp(sum(logs) / len(logs)))
