"""Recorded outcomes of many models on many prompts, as cases and logs that Rixin reads.

The files have the columns source, dataset, split, item_id, model, score, cost_usd, prompt_tokens,
output_tokens, latency_ms, confidence, answer (`shared/data/outcomes`). A model is taken when it was
measured on all but a few items of its set, an item when all these models were.
"""

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(
    os.environ.get("OUTCOMES", Path(__file__).parents[2] / "shared" / "data" / "outcomes")
)
_COLUMNS = (
    *("dataset", "split", "item_id", "model", "score", "cost_usd", "confidence", "answer"),
    *("prompt_tokens", "output_tokens"),
)
_MEASURED = 0.995
_DEFAULT_PRICE = 1e-6
"""Per token, where a source has no costs: then only the number of tokens tells prices apart."""


@dataclass(frozen=True)
class Outcomes:
    """One set: models in rows, items in columns."""

    name: str
    models: tuple[str, ...]
    items: tuple[str, ...]
    solved: NDArray[np.float64]
    cost: NDArray[np.float64]
    confidence: NDArray[np.float64]
    """NaN where there is none; log-probabilities are at most 0."""
    answers: NDArray[Any]

    @property
    def rate(self) -> NDArray[np.float64]:
        """True solve rate of each model: over all items."""
        return np.asarray(self.solved.mean(axis=1))

    @property
    def price(self) -> NDArray[np.float64]:
        """Mean cost of an answer of each model."""
        return np.asarray(self.cost.mean(axis=1))

    def write_logs(self, folder: Path) -> None:
        """One log for each model, to be replayed."""
        folder.mkdir(parents=True, exist_ok=True)
        for k in range(len(self.models)):
            with (folder / f"log{k}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["id", "score", "cost", "confidence", "said"])
                writer.writerows(self._rows(k))

    def _rows(self, k: int) -> Iterator[tuple[object, ...]]:
        sure = np.exp(np.minimum(self.confidence[k], 0.0))
        for i, item in enumerate(self.items):
            known = "" if np.isnan(sure[i]) else f"{sure[i]:.9f}"
            yield (
                item,
                f"{self.solved[k, i]:g}",
                f"{self.cost[k, i]:.12f}",
                known,
                self.answers[k, i],
            )

    def write_cases(self, path: Path, seed: int) -> None:
        """The items as cases; another seed gives another random order and other pools."""
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows((item, _words(f"{seed} {item}")) for item in self.items)

    def candidates(self, *, confidence: bool) -> str:
        """The models as replay candidates of a contract."""
        columns = "id: id, score: score, cost: cost, output: said"
        columns += ", confidence: confidence" if confidence else ""
        return "".join(
            f"  - {{name: m{k}, replay: log{k}.csv, columns: {{{columns}}}}}\n"
            for k in range(len(self.models))
        )


def _words(text: str) -> str:
    """A text that is no near copy of any other."""
    return hashlib.sha256(text.encode()).hexdigest()


def load(file: str, dataset: str, split: str | None = None) -> Outcomes | None:
    """One set of a file; None where the file or the set is not there."""
    from arro3.io import read_parquet

    path = FOLDER / f"{file}.parquet"
    if not path.exists():
        return None
    table = read_parquet(path).read_all()
    columns = {name: list(table[name].to_pylist()) for name in _COLUMNS}
    rows = [
        i
        for i, (found, part) in enumerate(zip(columns["dataset"], columns["split"], strict=True))
        if found == dataset and (split is None or part == split)
    ]
    return _matrix(f"{dataset}", columns, rows) if rows else None


def sets_of(file: str) -> list[tuple[str, str]]:
    """Every (dataset, split) of a file."""
    from arro3.io import read_parquet

    table = read_parquet(FOLDER / f"{file}.parquet").read_all()
    return sorted(set(zip(table["dataset"].to_pylist(), table["split"].to_pylist(), strict=True)))


def _matrix(name: str, columns: dict[str, list[Any]], rows: Sequence[int]) -> Outcomes | None:
    models = sorted({columns["model"][i] for i in rows})
    items = sorted({columns["item_id"][i] for i in rows})
    row_of = {model: k for k, model in enumerate(models)}
    column_of = {item: k for k, item in enumerate(items)}
    shape = (len(models), len(items))
    score, cost, sure = (np.full(shape, np.nan) for _ in range(3))
    answers = np.full(shape, "", dtype=object)
    for i in rows:
        at = row_of[columns["model"][i]], column_of[columns["item_id"][i]]
        score[at] = _number(columns["score"][i])
        cost[at] = _cost(columns, i)
        sure[at] = _number(columns["confidence"][i])
        answers[at] = columns["answer"][i] or ""
    whole = np.isfinite(score).mean(axis=1) > _MEASURED
    kept = np.isfinite(score[whole]).all(axis=0)
    if whole.sum() < 2 or kept.sum() < 100:
        return None
    cost = cost[whole][:, kept]
    cost = np.where(np.isnan(cost), np.nanmedian(cost, axis=1, keepdims=True), cost)
    return Outcomes(
        name,
        tuple(np.array(models)[whole]),
        tuple(np.array(items)[kept]),
        (score[whole][:, kept] >= 0.5).astype(float),
        cost,
        sure[whole][:, kept],
        answers[whole][:, kept],
    )


def _cost(columns: dict[str, list[Any]], i: int) -> float:
    given = columns["cost_usd"][i]
    if given is not None:
        return float(given)
    tokens = (columns["prompt_tokens"][i] or 0) + (columns["output_tokens"][i] or 0)
    return _DEFAULT_PRICE * max(1, tokens)


def _number(value: object) -> float:
    return np.nan if value is None else float(str(value))
