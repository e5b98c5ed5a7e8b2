"""Shingle sets held in memory, and the Jaccard similarity of many pairs of them at once."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from rixin.interop.shingles import I64, Shingles

MAX_SHINGLES = 4_000_000
"""Shingles that are held at most, 4 bytes each."""
_CHUNK = 250_000

U32 = npt.NDArray[np.uint32]
F64 = npt.NDArray[np.float64]


class ShingleSets:
    """Sets of shingles by number; see `hold_sets`.

    Args:
        numbers: Number of each set, ascending.
        sizes: Shingles of each set.
        starts: Where each set starts in `hashes`.
        hashes: Hashes, each once in its set.
    """

    def __init__(self, numbers: I64, sizes: I64, starts: I64, hashes: U32) -> None:
        self._numbers, self._sizes, self._starts, self._hashes = numbers, sizes, starts, hashes

    def similarity(self, first: I64, second: I64) -> F64:
        """Jaccard similarity of pairs of sets.

        Args:
            first: Set numbers, shape (n,).
            second: Set numbers, shape (n,).

        Returns:
            Similarities in [0, 1], shape (n,); NaN where a set is not held.
        """
        result = np.full(len(first), np.nan)
        a, b = self._find(first), self._find(second)
        known = np.flatnonzero((a >= 0) & (b >= 0))
        for part in self._parts(known, self._sizes[a[known]] + self._sizes[b[known]]):
            result[part] = self._jaccard(a[part], b[part])
        return result

    def _find(self, numbers: I64) -> I64:
        if not len(self._numbers):
            return np.full(len(numbers), -1)
        at = np.searchsorted(self._numbers, numbers).clip(max=len(self._numbers) - 1)
        return np.where(self._numbers[at] == numbers, at, -1)

    def _parts(self, pairs: I64, sizes: I64) -> Iterator[I64]:
        bounds = np.flatnonzero(np.diff(np.cumsum(sizes) // _CHUNK)) + 1
        yield from np.split(pairs, bounds)

    def _jaccard(self, a: I64, b: I64) -> F64:
        both = np.concatenate((self._labelled(a), self._labelled(b)))
        both.sort()
        twice = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
        shared = np.bincount(twice.astype(np.int64), minlength=len(a))
        ratio: F64 = shared / (self._sizes[a] + self._sizes[b] - shared)
        return ratio

    def _labelled(self, at: I64) -> npt.NDArray[np.uint64]:
        """The hashes of the sets end to end, each under the number of its pair."""
        sizes = self._sizes[at]
        ends = np.cumsum(sizes)
        places = np.arange(sizes.sum()) + np.repeat(self._starts[at] - (ends - sizes), sizes)
        labels = np.repeat(np.arange(len(at), dtype=np.uint64), sizes)
        joined: npt.NDArray[np.uint64] = (labels << np.uint64(32)) | self._hashes[places]
        return joined


def hold_sets(batches: Iterable[Shingles]) -> ShingleSets:
    """Holds shingle sets until `MAX_SHINGLES` are held; the sets after that are left out."""
    numbers, sizes = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    hashes, held = [np.empty(0, dtype=np.uint32)], 0
    for batch in batches:
        lengths = np.diff(batch.starts, append=len(batch.hashes))
        labels = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
        unique = np.unique((labels << np.uint64(32)) | (batch.hashes & np.uint64(0xFFFFFFFF)))
        numbers.append(batch.sets)
        sizes.append(np.bincount((unique >> np.uint64(32)).astype(np.int64)))
        hashes.append(unique.astype(np.uint32))
        held += len(unique)
        if held >= MAX_SHINGLES:
            break
    all_numbers, all_sizes = np.concatenate(numbers), np.concatenate(sizes)
    starts = np.cumsum(all_sizes) - all_sizes
    order = np.argsort(all_numbers)
    return ShingleSets(all_numbers[order], all_sizes[order], starts[order], np.concatenate(hashes))
