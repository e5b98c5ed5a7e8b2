"""The student: TF-IDF and logistic regression, trained on the shape pool only."""

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rixin.core.answer import Answer, Usage
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.errors import CasesError
from rixin.solvers._features import READ_CHARACTERS
from rixin.solvers._linear import Reading
from rixin.solvers._linear_file import trained_once
from rixin.solvers._tfidf import Classifier, fit_classifier, sklearn_version

_RECIPE = "tfidf-logistic/1"
_BATCH = 500
_SMALLEST_PROBABILITY = 0.001
_WARM_TEXTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentSize:
    """Bounds on what a student reads and remembers, so that memory stays bounded too."""

    max_train: int = 20_000
    """Training cases."""
    max_characters: int = 6_000_000
    """Characters of all training cases together; of each case the first 1,000 are read."""
    max_features: int = 50_000
    """Features of each of its two views: words with pairs of words, and parts of words."""


class StudentSolver:
    """Answers labels; `confidence` is the margin between its two likeliest labels.

    Of more cases than it may train on it takes those first in the cases' random order, whatever
    the order of the file. It is fitted by `load`, or else at the first `solve`, in a thread.

    Args:
        name: The name in the scenario file.
        cases: Training cases, read once and at once; those without expected output are left out.
        size: Bounds on the training.
        say: Gets a line before the training.
        shelf: A folder where what is trained is kept for other processes; None: it is not.

    Raises:
        CasesError: The cases hold fewer than two labels.
    """

    def __init__(
        self,
        name: str,
        cases: Iterable[Case],
        size: StudentSize | None = None,
        *,
        say: Callable[[str], None] | None = None,
        shelf: Path | None = None,
    ) -> None:
        self.name = name
        self._shelf = shelf
        self._say = say or (lambda _: None)
        self.batch_size = _BATCH
        self.fit_seconds: float | None = None
        """CPU seconds of the training; None before it."""
        self._size = size or StudentSize()
        self._texts, self._labels, ids = _training_set(cases, self._size)
        self.training_cases = len(ids)
        found = sorted(set(self._labels))
        if len(found) < 2:
            raise CasesError(
                f"the student {name!r} needs at least two labels to learn from, "
                f"and its {len(ids)} shape cases hold {len(found)}: {found!r}",
                hint="give more cases with an expected output, or leave the student out",
            )
        self.fingerprint = digest(_RECIPE, sklearn_version(), repr(self._size), *ids)
        self._fitting: asyncio.Future[Classifier] | None = None

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, with a probability per label (those of at least 0.001)."""
        classifier = await self._fitted()
        texts = [case.input for case in cases]
        if len(texts) == 1:  # half a millisecond at most: a thread takes longer to reach
            return _answer(classifier, texts)
        return await asyncio.to_thread(_answer, classifier, texts)

    async def load(self) -> None:
        """Fits the model, once, and reads some texts: the first one takes longer than all others."""
        classifier = await self._fitted()
        await asyncio.to_thread(classifier.read, self._texts[:_WARM_TEXTS])

    async def close(self) -> None:
        """Forgets the fitted model; the next `solve` fits it again."""
        fitting, self._fitting = self._fitting, None
        if fitting is not None:
            await asyncio.wait([fitting])

    async def _fitted(self) -> Classifier:
        if self._fitting is None:
            self._fitting = asyncio.ensure_future(asyncio.to_thread(self._fit))
        return await asyncio.shield(self._fitting)

    def _fit(self) -> Classifier:
        begin = time.thread_time()
        kept = None if self._shelf is None else self._shelf / self.fingerprint
        classifier = self._train() if kept is None else trained_once(kept, self._train)
        self.fit_seconds = time.thread_time() - begin
        return classifier

    def _train(self) -> Classifier:
        self._say(f"{self.name}: training on {self.training_cases:,} cases")
        return fit_classifier(self._texts, self._labels, self._size.max_features)


def _training_set(
    cases: Iterable[Case], size: StudentSize
) -> tuple[list[str], list[str], list[str]]:
    entries = (
        (case.key, case.id, case.input[:READ_CHARACTERS], case.expected)
        for case in cases
        if case.expected is not None
    )
    texts: list[str] = []
    labels: list[str] = []
    ids: list[str] = []
    left = size.max_characters
    for _, identity, text, label in heapq.nsmallest(
        size.max_train, entries, key=lambda entry: entry[:2]
    ):
        left -= len(text)
        if left < 0 and len(set(labels)) > 1:
            break
        texts.append(text)
        labels.append(label)
        ids.append(identity)
    return texts, labels, ids


def _answer(classifier: Classifier, texts: Sequence[str]) -> list[Answer]:
    begin, begin_cpu = time.perf_counter(), time.thread_time()
    readings = classifier.read(texts)
    each = 1 / max(1, len(texts))
    latency = (time.perf_counter() - begin) * each
    usage = Usage(cpu_s=(time.thread_time() - begin_cpu) * each)
    return [_one(classifier.labels, one, usage, latency) for one in readings]


def _one(labels: Sequence[str], reading: Reading, usage: Usage, latency_s: float) -> Answer:
    row = reading.chances
    second, first = sorted(row)[-2:]
    return Answer(
        output=labels[row.index(first)],
        confidence=min(1.0, max(0.0, first - second)),
        usage=usage,
        latency_s=latency_s,
        probabilities={
            label: chance
            for label, chance in zip(labels, row, strict=True)
            if chance >= _SMALLEST_PROBABILITY
        },
        outside=reading.outside,
    )
