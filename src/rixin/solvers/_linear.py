"""A fitted linear classifier of texts as plain arrays: it answers, and lies in a file, without scikit-learn.

scikit-learn checks its input anew in each of a dozen steps: 2 ms for one short text, where the
arithmetic takes a tenth. Here the weights of all labels lie in one array, so a text costs the reading
of its features and one product.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, NamedTuple

from rixin.solvers._familiar import Familiar
from rixin.solvers._features import part_features, single_words, word_features


class Reading(NamedTuple):
    """What a classifier makes of a text."""

    chances: list[float]
    """The probability of each label, in the order of the classifier's."""
    outside: bool
    """The text is unlike those that it has learnt from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a model reads of a text, and what it makes of it."""

    vocabulary: dict[str, int]
    """Feature → its row in `weights`."""
    rarity: list[float]
    """The inverse document frequency of each feature."""
    weights: Any
    """Features by labels; of two labels only the second has a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearModel:
    """Words, and parts of words, to labels."""

    labels: tuple[str, ...]
    constants: Any
    """One for each column of the weights."""
    views: tuple[View, View]
    """Of words with their neighbours, and of parts of words."""
    familiar: Familiar


def chances_of(model: LinearModel) -> Callable[[str], list[float]]:
    """What a model says of one text: the probability of each label."""
    read = _reader(model)
    return lambda text: read(text)[0]


def readings_of(model: LinearModel) -> Callable[[Sequence[str]], list[Reading]]:
    """The same for some texts, and whether each is unlike what the model has learnt from."""
    read, familiar = _reader(model), model.familiar

    def readings(texts: Sequence[str]) -> list[Reading]:
        return [
            Reading([round(chance, 6) for chance in chances], familiar.is_outside(words))
            for chances, words in map(read, texts)
        ]

    return readings


def _reader(model: LinearModel) -> Callable[[str], tuple[list[float], list[str]]]:
    """The chances of the labels of one text, and its words."""
    import numpy as np

    constants = model.constants
    analyzers = (word_features, part_features())
    views = [
        (analyze, view.vocabulary, view.rarity, view.weights)
        for analyze, view in zip(analyzers, model.views, strict=True)
    ]

    def read(text: str) -> tuple[list[float], list[str]]:
        margins = constants.copy()
        seen: list[list[str]] = []
        for analyze, vocabulary, rarity, part in views:
            features = analyze(text)
            seen.append(features)
            counts = Counter(filter(vocabulary.__contains__, features))
            if not counts:
                continue
            places = [vocabulary[one] for one in counts]
            heights = np.array(
                [
                    rarity[place] if count == 1 else (1.0 + log(count)) * rarity[place]
                    for place, count in zip(places, counts.values(), strict=True)
                ]
            )
            margins += (heights / np.sqrt(heights @ heights)) @ part[places]
        words = single_words(seen[0])
        each: list[float] = (1.0 / (1.0 + np.exp(-margins.clip(-700.0, 700.0)))).tolist()
        if len(each) == 1:
            return [1.0 - each[0], each[0]], words
        total = sum(each)
        return [chance / total for chance in each], words

    return read
