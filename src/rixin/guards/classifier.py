"""A small trained classifier of injections: hashed character n-grams, logistic regression."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

BITS = 17
SIZES = (2, 3, 4, 5)
WINDOW, STEP = 240, 120
"""Characters of a window, and from one to the next: an injection may stand in a long text."""
SHORTEST = 12
"""Texts with fewer characters are not classified."""
LONGEST = 20_000
"""Of a text, only so many characters are read."""
WEIGHTS = "injection_weights.bin"
_PRIME, _MIX = np.uint64(1_099_511_628_211), np.uint64(0x9E3779B97F4A7C15)

Features = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """The window of a text that looks most like an injection."""

    score: float
    """Logarithm of the odds; above a threshold it counts."""
    start: int
    end: int


def features(text: str) -> Features:
    """For each n-gram size and each place the number of the n-gram, as an array (4, places).

    Args:
        text: A folded text of at least `SHORTEST` characters.
    """
    data = text[:LONGEST].encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(data, dtype=np.uint32).astype(np.uint64)
    places = len(codes) - SIZES[-1] + 1
    state = np.full(places, 14_695_981_039_346_656_037, dtype=np.uint64)
    rows = []
    for offset in range(SIZES[-1]):
        state = (state ^ codes[offset : offset + places]) * _PRIME
        if offset + 1 in SIZES:
            rows.append((state * _MIX) >> np.uint64(64 - BITS))
    return np.array(rows, dtype=np.int64)


def windows(places: int) -> list[tuple[int, int]]:
    """Start and end of the windows of a text with so many places.

    Examples:
        >>> windows(100), windows(300)
        ([(0, 100)], [(0, 240), (60, 300)])
    """
    if places <= WINDOW:
        return [(0, places)]
    starts = [*range(0, places - WINDOW, STEP), places - WINDOW]
    return [(start, start + WINDOW) for start in starts]


class Classifier:
    """Scores texts with stored weights.

    Args:
        weights: One for each hashed n-gram.
        settings: `bias`, and the thresholds `user` and `tool`.
    """

    def __init__(self, weights: npt.NDArray[np.float32], settings: Mapping[str, float]) -> None:
        self._weights = weights
        self._bias = settings["bias"]
        self.thresholds = {"user": settings["user"], "tool": settings["tool"]}

    def suspect(self, text: str) -> Suspect | None:
        """The most suspicious window; None for a text that is too short to tell.

        Args:
            text: A folded text.
        """
        if len(text) < SHORTEST:
            return None
        sums = np.cumsum(self._weights[features(text)].sum(axis=0), dtype=np.float64)
        best = max(
            ((self._score(sums, start, end), start, end) for start, end in windows(len(sums))),
        )
        return Suspect(best[0], best[1], min(best[2] + SIZES[-1] - 1, len(text)))

    def _score(self, sums: npt.NDArray[np.float64], start: int, end: int) -> float:
        total = sums[end - 1] - (sums[start - 1] if start else 0.0)
        root: float = (end - start) ** 0.5
        return float(total) / root + self._bias


def pack(weights: npt.NDArray[np.float64], settings: Mapping[str, float]) -> bytes:
    """Weights as a file: one line of JSON and a signed byte for each weight, compressed."""
    scale = float(np.abs(weights).max()) / 127
    small = np.rint(weights / scale).astype(np.int8)
    head = json.dumps({**settings, "scale": scale}).encode()
    return zlib.compress(head + b"\n" + small.tobytes(), 9)


def unpack(data: bytes) -> Classifier:
    """The classifier in a file that `pack` made."""
    head, _, body = zlib.decompress(data).partition(b"\n")
    settings: dict[str, Any] = json.loads(head)
    small = np.frombuffer(body, dtype=np.int8)
    return Classifier(small.astype(np.float32) * np.float32(settings["scale"]), settings)


@cache
def shipped() -> Classifier:
    """The classifier of this version; read at the first use."""
    return unpack(shipped_bytes())


@cache
def shipped_bytes() -> bytes:
    """The file with the weights."""
    return (files("rixin.guards") / WEIGHTS).read_bytes()
