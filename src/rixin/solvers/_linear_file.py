"""A fitted model in a file: trained once, and read by all processes that answer with it.

Numbers and words only, no code: whoever reads it runs nothing. The weights are mapped, so that the
processes of a gateway share them.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rixin.core.traces import log_traceback
from rixin.solvers._familiar import Familiar
from rixin.solvers._linear import LinearModel, View
from rixin.solvers._tfidf import Classifier, classifier_of

_FORM = "rixin-student/1"
_MOST_FILES = 16
"""Students of one folder that are kept, the last that were read."""
_log = logging.getLogger("rixin.solvers")


def trained_once(path: Path, train: Callable[[], Classifier]) -> Classifier:
    """The classifier of a file, or else a trained one, which is left there.

    One process at a time trains for a file; the others wait and read it. Where nothing can be written,
    each trains for itself.

    Args:
        path: Without an ending: weights and the rest are two files.
        train: Gives what the file shall hold.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(path))
        except OSError as error:
            _log.warning("a student is trained without being kept: %s", error.strerror)
            return train()
        model = _read(path)
        if model is not None:
            return classifier_of(model)
        classifier = train()
        if classifier.model is not None:
            _write(path, classifier.model)
        return classifier


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(path: Path) -> LinearModel | None:
    """The model of a file; None: there is none, or it is not whole."""
    import numpy as np

    weights, rest = path.with_suffix(".npy"), path.with_suffix(".json")
    try:
        kept = json.loads(rest.read_bytes())
        if kept["form"] != _FORM or _digest(weights) != kept["weights"]:
            return None
        mapped = np.asarray(np.load(weights, mmap_mode="r", allow_pickle=False))
        os.utime(rest)
        return _model(kept, mapped)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        log_traceback(_log, "a student that was kept cannot be read, and is trained anew", error)
        return None


def _model(kept: dict[str, Any], weights: Any) -> LinearModel:
    import numpy as np

    views, begin = [], 0
    for words, rarity in kept["views"]:
        part = weights[begin : begin + len(words)]
        vocabulary = {word: place for place, word in enumerate(words)}
        views.append(View(vocabulary=vocabulary, rarity=rarity, weights=part))
        begin += len(words)
    words, parts = views
    return LinearModel(
        labels=tuple(kept["labels"]),
        constants=np.array(kept["constants"], dtype=np.float64),
        views=(words, parts),
        familiar=Familiar(frozenset(kept["known"]), kept["bound"]),
    )


def _write(path: Path, model: LinearModel) -> None:
    """Leaves a model in a file, as a whole or not at all; never fails."""
    import numpy as np

    weights, rest = path.with_suffix(".npy"), path.with_suffix(".json")
    try:
        with _replacing(weights) as new, new.open("wb") as file:
            np.save(file, np.concatenate([one.weights for one in model.views]), allow_pickle=False)
        kept = {
            "form": _FORM,
            "weights": _digest(weights),
            "labels": model.labels,
            "constants": model.constants.tolist(),
            "views": [[_in_order(one.vocabulary), one.rarity] for one in model.views],
            "known": sorted(model.familiar.known),
            "bound": model.familiar.bound,
        }
        with _replacing(rest) as new:
            new.write_text(json.dumps(kept), encoding="utf-8")
        _remove_old(path.parent)
    except OSError as error:
        _log.warning("a trained student cannot be kept: %s", error.strerror)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A private file that takes the place of another one once it is whole."""
    new = path.with_name(f"{path.name}.new")
    os.close(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _in_order(vocabulary: dict[str, int]) -> list[str]:
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_old(folder: Path) -> None:
    kept = sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in kept[_MOST_FILES:]:
        for ending in (".json", ".npy", ".lock"):
            old.with_suffix(ending).unlink(missing_ok=True)
