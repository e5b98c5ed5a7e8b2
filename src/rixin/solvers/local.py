"""The local solver: a GGUF through llama.cpp, in this process, on this machine's processors."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from rixin.core.answer import Answer, Failure, Usage
from rixin.core.case import Case
from rixin.core.ids import digest, digest_json
from rixin.solvers._labels import margin, search_labels
from rixin.solvers._llama import Llama, LlamaRefused, Reading, processors, runtime_version
from rixin.solvers.outputs import parse_output
from rixin.solvers.prompt import Prompt

_RECIPE = "local/1"
_HASHED = 1 << 20
_DEFAULT_TOKENS: Mapping[str, int] = {"number": 320, "json-schema": 512, "free-text": 256}
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
        self._llama: Llama | None = None
        self._worker: ThreadPoolExecutor | None = None
        self.fingerprint = self._identity()
