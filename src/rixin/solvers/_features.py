"""What a student sees of a text: its words, pairs of words, and parts of words."""

from collections.abc import Callable
from itertools import pairwise

from rixin.core.ids import normalise
from rixin.core.text import words

READ_CHARACTERS = 1_000
"""Longer texts are cut here: measured on news, reading on gains nothing and costs time."""
_KNOWN_WORDS = 20_000
_SIZES = (2, 3, 4)

Analyzer = Callable[[str], list[str]]


def word_features(text: str) -> list[str]:
    """The words of a text and each two neighbours; scripts without spaces give characters.

    Examples:
        >>> word_features("Lost my card")
        ['lost', 'my', 'card', 'lost my', 'my card']
    """
    found = _words(text)
    return found + [f"{left} {right}" for left, right in pairwise(found)]


def single_words(features: list[str]) -> list[str]:
    """The words among the features of a text.

    Examples:
        >>> single_words(word_features("Lost my card"))
        ['lost', 'my', 'card']
    """
    return features[: (len(features) + 1) // 2]


def part_features() -> Analyzer:
    """A function that gives the parts of words: runs of 2 to 4 characters, borders included.

    It remembers the parts of frequent words, which makes it several times faster.
    """
    known: dict[str, list[str]] = {}

    def features(text: str) -> list[str]:
        found: list[str] = []
        for word in _words(text):
            parts = known.get(word)
            if parts is None:
                parts = _parts(word)
                if len(known) < _KNOWN_WORDS:
                    known[word] = parts
            found += parts
        return found

    return features


def _words(text: str) -> list[str]:
    return words(normalise(text[:READ_CHARACTERS]))


def _parts(word: str) -> list[str]:
    padded = f" {word} "
    return [padded[i : i + size] for size in _SIZES for i in range(len(padded) - size + 1)]
