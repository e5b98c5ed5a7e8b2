"""Texts as sets of hashed shingles, many texts at once with numpy."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rixin.core.ids import normalise

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

WORDS = 3
"""Words in a shingle of a long text."""
CHARACTERS = 5
"""Characters in a shingle of a short text, and of a script without spaces."""
SHORT = 14
"""A text of fewer words is cut into characters."""
LONG = 10
"""A text of at least so many words is cut into words; from 10 to 13 a text is cut both ways, so that
a pair of near copies on either side of one limit is not missed."""
LONGEST = 20_000
"""Characters of a text that are looked at."""

_BATCH = 1 << 16
_NOT_A_WORD = re.compile(r"[\W_]+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_PRIME = 1099511628211
_POWERS = np.array([pow(_PRIME, i + 1, 1 << 64) for i in range(64)], dtype=np.uint64)
_SPACE, _END = np.uint64(32), np.uint64(10)


class Shingles(NamedTuple):
    """Shingle sets of some texts, end to end."""

    sets: I64
    """Number of each set: twice that of its item, plus 1 when it was cut into words."""
    starts: I64
    """Where each set starts in `hashes`, ascending."""
    hashes: U64
    """Hashes of shingles; one text may repeat some."""


def cut(texts: Iterable[tuple[int, str]]) -> Iterator[Shingles]:
    """Cuts texts into shingles, batch by batch.

    Punctuation and case do not count. A text without any letter or digit is cut as it is; one
    without any visible character gives no set.

    Args:
        texts: Item number and text, the numbers ascending.
    """
    for cut_words, batch in _batches(texts):
        numbers = np.array([2 * number + cut_words for number, _ in batch], dtype=np.int64)
        codes = _codes([text for _, text in batch])
        yield _word_shingles(codes, numbers) if cut_words else _char_shingles(codes, numbers)


def _batches(
    texts: Iterable[tuple[int, str]],
) -> Iterator[tuple[bool, list[tuple[int, str]]]]:
    held: dict[bool, list[tuple[int, str]]] = {True: [], False: []}
    sizes = {True: 0, False: 0}
    for number, text in texts:
        for cut_words, prepared in _prepare(text):
            held[cut_words].append((number, prepared))
            sizes[cut_words] += len(prepared)
            if sizes[cut_words] >= _BATCH:
                yield cut_words, held[cut_words]
                held[cut_words], sizes[cut_words] = [], 0
    for cut_words, batch in held.items():
        if batch:
            yield cut_words, batch


def _prepare(text: str) -> list[tuple[bool, str]]:
    plain = normalise(text[:LONGEST])[:LONGEST]
    words = _NOT_A_WORD.sub(" ", plain).strip() or plain
    if not words:
        return []
    count = words.count(" ") + 1
    if not words.isascii() and 4 * len(_UNSPACED.findall(words)) >= len(words):
        words, count = words.replace(" ", ""), 0
    cuts = [(True, words)] if count >= LONG else []
    if count < SHORT:
        cuts.append((False, words.ljust(CHARACTERS)))
    return cuts


def _codes(texts: list[str]) -> U64:
    data = "\n".join([*texts, ""]).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(data, dtype=np.uint32).astype(np.uint64)


def _char_shingles(codes: U64, numbers: I64) -> Shingles:
    # The end of a text is its own, so a window over an end is in two texts.
    owner = np.cumsum(codes == _END) - (codes == _END)
    count = len(codes) - CHARACTERS + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for i in range(CHARACTERS):
        hashes += codes[i : i + count] * _POWERS[i]
    inside = (codes[CHARACTERS - 1 :] != _END) & (owner[:count] == owner[CHARACTERS - 1 :])
    return _sets(mix(hashes[inside]), owner[:count][inside], numbers)


def _word_shingles(codes: U64, numbers: I64) -> Shingles:
    gap = (codes == _SPACE) | (codes == _END)
    starts = np.flatnonzero(~gap & np.concatenate(([True], gap[:-1])))
    place = np.arange(len(codes)) - np.repeat(starts, np.diff(starts, append=len(codes)))
    weighted = codes * _POWERS[place & 63]
    weighted[gap] = 0
    words = mix(np.add.reduceat(weighted, starts))
    owner = np.cumsum(codes == _END)[starts]
    count = len(words) - WORDS + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for i in range(WORDS):
        hashes += words[i : i + count] * _POWERS[i]
    inside = owner[:count] == owner[WORDS - 1 :]
    return _sets(mix(hashes[inside]), owner[:count][inside], numbers)


def _sets(hashes: U64, owner: I64, numbers: I64) -> Shingles:
    starts = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
    return Shingles(sets=numbers[owner[starts]], starts=starts, hashes=hashes)


def mix(values: U64) -> U64:
    """Spreads a hash over all its bits (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_A
    values = (values ^ (values >> np.uint64(27))) * _MIX_B
    mixed: U64 = values ^ (values >> np.uint64(31))
    return mixed
