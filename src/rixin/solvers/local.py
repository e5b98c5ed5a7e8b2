"""The local solver: a GGUF through llama.cpp, in this process, on this machine's processors."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rixin.core.answer import Answer, Failure, Usage, cut_failure
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.core.scenario import default_tokens
from rixin.errors import ModelFault, UsageError
from rixin.solvers._gguf import weights_digest
from rixin.solvers._guidance import lacking, unforced
from rixin.solvers._labels import fit_offsets, margin, search_labels, separate, shift
from rixin.solvers._llama import Llama, LlamaRefused, Reading
from rixin.solvers._runtime import processors, runtime_version
from rixin.solvers.outputs import parse_output
from rixin.solvers.prompt import Example, Prompt

_RECIPE = "local/3"
_LEAST_ROOM = 16
_TOKEN_CHARACTERS = 20
_WITHOUT = "write the schema without it, and what it says into the task, or leave the candidate out"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """How a local model is run."""

    threads: int | None = None
    """Threads that compute; None: all processors read prompts, and all but one write answers.

    Threads wait for each other at every layer, so one that must share its processor with other
    work holds up all: for each token when they write, for each prompt when they read. Measured on
    two processors, two that read instead of one take 0.34 s a case instead of 0.51 s when nothing
    else runs, and 0.60 s instead of 0.53 s when one processor is busy.
    """
    max_tokens: int | None = None
    """Tokens of an answer at most; None: by the kind of output. Labels need none."""
    context: int = 4096
    """Tokens that prompt and answer may have together."""


class _Frame(NamedTuple):
    """What stands around a case in the prompt, as tokens."""

    head: list[int]
    tail: list[int]
    room: int
    """Tokens that are left for the case."""
    labels: list[tuple[int, ...]]


class LocalSolver:
    """Answers with a local model; `confidence` of a label is its margin over the next label.

    Of other outputs `confidence` is the geometric mean of the probabilities of their tokens. What
    holds no answer in the form that was asked for is given back as the model wrote it: it is a
    wrong answer, not a failed call; what was cut at its limit of tokens is no answer. The model is
    loaded and reads its examples by `load`, or else at the first `solve`; calls queue up before one thread, so that the event loop stays free, and `latency_s`
    is the time of a call without its time in the queue.

    Args:
        name: The name in the scenario file.
        model_path: A GGUF file.
        prompt: What the model is asked; see `build_prompt`.
        options: How it is run.
        calibration: Labelled cases of the shape pool in their random order, on which its lean
            towards some labels is measured when it is loaded; see `fit_offsets`.
        say: Gets a line before each step that takes long; called from another thread.

    Raises:
        MissingExtra: The package that runs it is not installed.
        ModelFault: The file cannot be read.
        UsageError: The JSON Schema has a pattern that the grammar engine cannot read.
    """

    def __init__(
        self,
        name: str,
        model_path: Path,
        prompt: Prompt,
        options: LocalOptions | None = None,
        *,
        calibration: Sequence[Example] = (),
        say: Say | None = None,
    ) -> None:
        options = options or LocalOptions()
        self._calibration = calibration
        self._offsets: list[float] | None = None
        self.name = name
        self.batch_size = 1
        self._path, self._prompt = model_path, prompt
        self._threads = options.threads or max(1, processors() - 1)
        self._readers = options.threads or processors()
        self._max_tokens = options.max_tokens or default_tokens("local", prompt.output.kind) or 1
        self._context = options.context
        self._schema = prompt.output.schema if prompt.output.kind == "json-schema" else None
        if self._schema is not None and (place := lacking(self._schema)) is not None:
            raise UsageError(_no_grammar(name, place), hint=_WITHOUT)
        self._say = say or (lambda _: None)
        self._llama: Llama | None = None
        self._frame: _Frame | None = None
        self._worker: ThreadPoolExecutor | None = None
        # Threads are left out: they change the time of an answer, not what is asked or read.
        self.fingerprint = digest(
            _RECIPE,
            runtime_version(),
            weights_digest(model_path),
            prompt.fingerprint,
            f"{self._max_tokens} {self._context}",
            *(part for example in calibration for part in example),
        )

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case; a label comes with the probability of every label.

        Raises:
            ModelFault: The model cannot be loaded, or not be held to the JSON Schema, so that no
                case can be answered.
        """
        loop, worker = asyncio.get_running_loop(), self._thread()
        return [await loop.run_in_executor(worker, self._answer, case.input) for case in cases]

    async def load(self) -> None:
        """Loads the model, which then reads its examples, once.

        Raises:
            ModelFault: The model cannot be loaded, or not be held to the JSON Schema.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread(), self._ready)

    def prompt(self, text: str) -> Sequence[tuple[str, str]]:
        """The messages that are sent for a case: the role and the text of each."""
        return self._prompt.messages(text)

    async def close(self) -> None:
        """Ends the thread and frees the model; the next `solve` loads it again."""
        worker, self._worker = self._worker, None
        if worker is not None:
            if self._llama is not None:
                self._llama.stop()
            await asyncio.to_thread(worker.shutdown, cancel_futures=True)
            self._unload()

    def _thread(self) -> ThreadPoolExecutor:
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="rixin-local")
        return self._worker

    def _answer(self, text: str) -> Answer:
        begin, begin_cpu = time.perf_counter(), time.process_time()
        try:
            llama, frame = self._ready()
            begin, begin_cpu = time.perf_counter(), time.process_time()
            answer = self._ask(llama, frame, text)
        except LlamaRefused as refused:
            answer = Answer(failure=Failure(kind="server_error", message=str(refused)))
        cpu_s = time.process_time() - begin_cpu  # of all threads: the model's own do the work
        usage = answer.usage._replace(cpu_s=cpu_s)
        return answer._replace(usage=usage, latency_s=time.perf_counter() - begin)

    def _ask(self, llama: Llama, frame: _Frame, text: str) -> Answer:
        if frame.room < _LEAST_ROOM:
            return _no_room(llama.context - frame.room, llama.context)
        read = self._prompt.text(text)
        tokens = llama.encode(read[: llama.context * _TOKEN_CHARACTERS])
        prompt = [*frame.head, *tokens[: frame.room], *frame.tail]
        note = "the text was cut to fit the model's context" if len(tokens) > frame.room else ""
        if frame.labels:
            return self._label(llama, frame, prompt)._replace(note=note)
        return self._text(llama.write(prompt, self._max_tokens, self._schema), len(prompt), note)

    def _label(self, llama: Llama, frame: _Frame, prompt: list[int]) -> Answer:
        chances, cached = _chances(llama, frame, prompt)
        if self._offsets is not None:
            chances = shift(chances, self._offsets)
        labels = self._prompt.output.labels
        return Answer(
            output=labels[chances.index(max(chances))],
            confidence=margin(chances),
            probabilities={
                label: round(chance, 6) for label, chance in zip(labels, chances, strict=True)
            },
            usage=Usage(
                input_tokens=len(prompt),
                cached_tokens=cached[0] if cached else 0,
                output_tokens=len(cached),
                calls=1,
            ),
        )

    def _text(self, reading: Reading, input_tokens: int, note: str) -> Answer:
        kind, count = self._prompt.output.kind, len(reading.logprobs)
        usage = Usage(
            input_tokens=input_tokens,
            cached_tokens=reading.cached_tokens,
            output_tokens=count,
            calls=1,
        )
        if not reading.finished:
            return Answer(failure=cut_failure(self._max_tokens), note=note, usage=usage)
        output = parse_output(kind, reading.text)
        notes = [note, "" if output is not None else f"no {kind} in what the model wrote"]
        return Answer(
            output=reading.text.strip() if output is None else output,
            confidence=min(1.0, math.exp(sum(reading.logprobs) / count)) if count else None,
            note="; ".join(filter(None, notes)),
            usage=usage,
        )

    def _ready(self) -> tuple[Llama, _Frame]:
        """The loaded model, with the part of the prompt that all cases share in its cache."""
        if self._llama is None or self._frame is None:
            self._say(self._loading())
            llama = self._llama = Llama(
                self._path, threads=self._threads, readers=self._readers, context=self._context
            )
            try:
                self._check_schema(llama)
                frame = self._build_frame(llama)
                if frame.room >= _LEAST_ROOM:
                    llama.read(frame.head)
            except LlamaRefused as refused:
                if llama.stopped:
                    raise
                self._unload()
                raise ModelFault(
                    f"the model {str(self._path)!r} cannot be asked: {refused}",
                    hint="use a model that was trained to chat",
                ) from refused
            self._calibrate(llama, frame)
            self._frame = frame
        return self._llama, self._frame

    def _check_schema(self, llama: Llama) -> None:
        place = None if self._schema is None else unforced(self._schema, llama.forces)
        if place is not None:
            self._unload()
            raise ModelFault(_no_grammar(self.name, place), hint=_WITHOUT)

    def _calibrate(self, llama: Llama, frame: _Frame) -> None:
        if not self._calibration or self._offsets is not None or frame.room < _LEAST_ROOM:
            return
        labels = self._prompt.output.labels
        begin, rows = time.perf_counter(), []
        for one in self._calibration:
            tokens = llama.encode(one.input)[: frame.room]
            rows.append(_chances(llama, frame, [*frame.head, *tokens, *frame.tail])[0])
            if len(rows) == 1:
                self._say(self._leaning(time.perf_counter() - begin))
        self._offsets = fit_offsets(rows, [labels.index(one.output) for one in self._calibration])

    def _loading(self) -> str:
        size = self._path.stat().st_size / 1e6
        examples = f" and reading {self._prompt.examples} examples" * bool(self._prompt.shown)
        threads = f"{self._readers} thread{'s' if self._readers > 1 else ''}"
        return f"{self.name}: loading {self._path.name} ({size:,.0f} MB){examples}, {threads}"

    def _leaning(self, seconds: float) -> str:
        """What is going on, and how long it takes, judged by the first case."""
        count = len(self._calibration)
        most = f"about {max(1, round(seconds * count))} s"
        return f"{self.name}: reading {count} known cases to see which labels it leans to, {most}"

    def _build_frame(self, llama: Llama) -> _Frame:
        output = self._prompt.output
        labels: list[tuple[int, ...]] = []
        if output.kind == "labels":
            labels = [tuple(llama.encode(label)) for label in output.labels]
            labels = separate(labels, llama.end_token)
        answer = max(map(len, labels)) if labels else self._max_tokens
        parts = llama.encode_chat(self._prompt.turns(""))
        head, tail = _fitting(parts, (llama.context - answer) * 3 // 4, self._prompt.examples)
        room = llama.context - answer - len(head) - len(tail)
        return _Frame(head, tail, room, labels)

    def _unload(self) -> None:
        llama, self._llama, self._frame = self._llama, None, None
        if llama is not None:
            llama.close()


def _chances(llama: Llama, frame: _Frame, prompt: list[int]) -> tuple[list[float], list[int]]:
    """The probability of each label, and how much of the prompt was cached at each question."""
    cached: list[int] = []

    def ask(path: tuple[int, ...], tokens: tuple[int, ...]) -> Mapping[int, float]:
        shares = llama.weigh([*prompt, *path], tokens, again=bool(cached))
        cached.append(shares.cached_tokens)
        return shares.probabilities

    return search_labels(frame.labels, ask), cached


def _fitting(parts: list[list[int]], most: int, examples: int) -> tuple[list[int], list[int]]:
    """What stands before and after the case, without the last examples where there is no room.

    Args:
        parts: Tokens of the chat; the last three are: before the case, the case, after it.
        most: Tokens that may stand around the case.
        examples: How many pairs of messages before the case may go.
    """
    parts = list(parts)
    while examples and sum(map(len, parts)) > most:
        del parts[-6:-2]  # question, what follows it, answer, what follows it
        examples -= 1
    return [token for part in parts[:-2] for token in part], parts[-1]


def _no_grammar(name: str, place: str) -> str:
    return (
        f"the local model {name!r} cannot be held to output.json-schema, {place}:"
        " the grammar engine of llama.cpp does not take it"
    )


def _no_room(taken: int, context: int) -> Answer:
    message = (
        f"task, labels and answer take {taken:,} of the {context:,} tokens that the model can hold; "
        "shorten them, lower max_tokens, or raise context"
    )
    return Answer(failure=Failure(kind="refused", message=message))
