"""Near copies across pools: cases so alike that a pool no longer tests what it should.

Exact copies fall into one pool by construction. Near copies do not, and a solver that has learnt
from one is no longer tested by the other. They are found with MinHash signatures cut into bands, and
each found pair is verified on the whole shingle sets.

References:
    A. Broder (1997), On the resemblance and containment of documents.
    J. Leskovec, A. Rajaraman, J. Ullman (2014), Mining of Massive Datasets, §3.4.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rixin.core.ids import POOLS, Pool
from rixin.interop.shingle_sets import F64, U32, ShingleSets, hold_sets
from rixin.interop.shingles import I64, cut, mix

Item = tuple[str, Pool, str]
"""Key, pool and text of a case."""
BANDS, ROWS = 12, 5
"""A pair of Jaccard similarity s is looked at with chance 1 − (1 − s⁵)¹²: 99.2 % at 0.8."""
MAX_PAIRS = 250_000
"""Pairs that are verified at most; past it the result says that it is not complete."""
_NEIGHBOURS = 8
_EXAMPLES = 5
_LOW = (1 << 32) - 1


class NearPair(NamedTuple):
    """Two cases of different pools that are near copies."""

    first: str
    second: str
    similarity: float
    """Jaccard similarity of the shingle sets, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearCopies:
    """What a search for near copies found."""

    items: int
    """Cases that were searched."""
    pairs: int = 0
    """Pairs of near copies across pools; a lower bound within groups of more than 9 copies."""
    cases: frozenset[str] = frozenset()
    """Keys of the cases with a near copy in another pool."""
    examples: tuple[NearPair, ...] = ()
    """The first pairs, in the order of the file."""
    complete: bool = True
    """False: a limit on memory left likely pairs without a look, and all counts are lower bounds."""


def near_copies(items: Callable[[], Iterable[Item]], *, threshold: float = 0.8) -> NearCopies:
    """Finds near copies in different pools.

    Long texts are compared by triples of words, short ones and scripts without spaces by runs of
    five characters; case and punctuation do not count.

    Args:
        items: Gives a fresh iterator of (key, pool, text) at each call: the same items in the same
            order. It is called twice.
        threshold: Jaccard similarity from which two texts are near copies, in (0, 1].

    Raises:
        ValueError: `threshold` is outside (0, 1].

    Examples:
        >>> text = "please send me a new card because my old one was lost at the airport in May"
        >>> found = near_copies(lambda: [("a", "shape", text), ("b", "audit", text + "!!")])
        >>> found.pairs, sorted(found.cases)
        (1, ['a', 'b'])
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be in (0, 1], got {threshold!r}")
    pools = bytearray()
    sets, bands = _signatures(_numbered(items(), pools))
    likely = _likely_pairs(sets, bands, np.frombuffer(pools, dtype=np.uint8))
    del sets, bands
    if not len(likely):
        return NearCopies(items=len(pools))
    keys, held = _hold(items, likely)
    return _result(len(pools), keys, held, likely, threshold)


def _numbered(items: Iterable[Item], pools: bytearray) -> Iterator[tuple[int, str]]:
    for number, (_, pool, text) in enumerate(items):
        pools.append(POOLS.index(pool))
        yield number, text


def _signatures(texts: Iterable[tuple[int, str]]) -> tuple[U32, list[U32]]:
    """Number of each set, and for each batch its band hashes, shape (BANDS, n_sets)."""
    factors = mix(np.arange(1, BANDS * ROWS + 1, dtype=np.uint64)) | np.uint64(1)
    numbers, bands = [np.empty(0, dtype=np.uint32)], []
    for batch in cut(texts):
        numbers.append(batch.sets.astype(np.uint32))
        signature = np.zeros((BANDS, len(batch.sets)), dtype=np.uint32)
        for band in range(BANDS):
            joined = np.zeros(len(batch.sets), dtype=np.uint64)
            for factor in factors[band * ROWS : (band + 1) * ROWS]:
                joined = mix(joined + np.minimum.reduceat(batch.hashes * factor, batch.starts))
            signature[band] = joined >> np.uint64(32)
        bands.append(signature)
    return np.concatenate(numbers), bands


def _likely_pairs(sets: U32, bands: list[U32], pool: npt.NDArray[np.uint8]) -> I64:
    """Pairs of sets that share a band across pools, packed as first << 32 | second, ascending."""
    pool_of_set = pool[sets >> 1]
    found = np.empty(0, dtype=np.int64)
    for band in range(BANDS if len(sets) else 0):
        values = np.concatenate([batch[band] for batch in bands])
        order = np.argsort(values, kind="stable")
        values, pools = values[order], pool_of_set[order]
        # A group of many copies needs no look at every pair: the next few show each its nearest.
        for step in range(1, _NEIGHBOURS + 1):
            at = np.flatnonzero((values[step:] == values[:-step]) & (pools[step:] != pools[:-step]))
            first, second = (sets[order[at + shift]].astype(np.int64) for shift in (0, step))
            packed = (np.minimum(first, second) << 32) | np.maximum(first, second)
            found = np.union1d(found, packed[: MAX_PAIRS + 1])[: MAX_PAIRS + 1]
    return found


def _hold(items: Callable[[], Iterable[Item]], likely: I64) -> tuple[dict[int, str], ShingleSets]:
    wanted = np.unique(np.concatenate((likely >> 33, (likely & _LOW) >> 1)))
    keys: dict[int, str] = {}

    def texts() -> Iterator[tuple[int, str]]:
        is_wanted = np.zeros(wanted[-1] + 1, dtype=np.bool_)
        is_wanted[wanted] = True
        for flag, (number, (key, _, text)) in zip(is_wanted, enumerate(items()), strict=False):
            if flag:
                keys[number] = key
                yield number, text

    return keys, hold_sets(cut(texts()))


def _result(
    count: int, keys: dict[int, str], held: ShingleSets, likely: I64, threshold: float
) -> NearCopies:
    likely, rest = likely[:MAX_PAIRS], likely[MAX_PAIRS:]
    similarity = held.similarity(likely >> 32, likely & _LOW)
    near = similarity >= threshold
    pairs, best = _by_item(likely[near], similarity[near])
    first, second = pairs >> 32, pairs & _LOW
    return NearCopies(
        items=count,
        pairs=len(pairs),
        cases=frozenset(keys[item] for item in np.union1d(first, second).tolist()),
        examples=tuple(
            NearPair(keys[int(first[at])], keys[int(second[at])], round(float(best[at]), 4))
            for at in range(min(_EXAMPLES, len(pairs)))
        ),
        complete=not len(rest) and not np.isnan(similarity).any(),
    )


def _by_item(pairs: I64, similarity: F64) -> tuple[I64, F64]:
    """Pairs of items from pairs of sets: a text near both limits is cut, and may be found, twice."""
    items = ((pairs >> 33) << 32) | ((pairs & _LOW) >> 1)
    order = np.argsort(items, kind="stable")
    unique, starts = np.unique(items[order], return_index=True)
    best = np.maximum.reduceat(similarity[order], starts) if len(starts) else similarity
    return unique, best
