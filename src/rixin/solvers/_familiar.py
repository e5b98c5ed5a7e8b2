"""Whether a text is unlike those that a student has learnt from: hardly a word of it is known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_RARE = 0.01
"""Share of the training texts that would be taken for unlike the others, at most."""


@dataclass(frozen=True, slots=True)
class Familiar:
    """The words that a student has met."""

    known: frozenset[str]
    bound: float
    """Share of a text's words up to which too few are known; -1: no text is told from the others."""

    def is_outside(self, words: Sequence[str]) -> bool:
        """Whether fewer words of a text are known than of nearly all that was learnt from."""
        return _share(set(words), self.known) <= self.bound


def familiar_with(texts: Sequence[Sequence[str]]) -> Familiar:
    """What is known after these texts.

    Of a training text those words count as known that stand in another one, too. The bound is set so
    that at most one in a hundred of them lies at it or below; where more have no known word at all, no
    text is told from them.

    Args:
        texts: The words of each training text.

    Examples:
        >>> familiar = familiar_with([["lost", "my", "card"], ["my", "card", "broke"]] * 100)
        >>> familiar.is_outside(["purple", "bananas"]), familiar.is_outside(["my", "card"])
        (True, False)
    """
    counts = Counter(word for text in texts for word in set(text))
    others = frozenset(word for word, count in counts.items() if count > 1)
    shares = sorted(_share(set(text), others) for text in texts)
    return Familiar(frozenset(counts), _bound(shares))


def _share(words: set[str], known: frozenset[str]) -> float:
    return len(words & known) / len(words) if words else 0.0


def _bound(shares: Sequence[float]) -> float:
    """The highest value below all but a few of the shares, which are sorted; -1: there is none."""
    place = int(_RARE * len(shares))
    lower = [share for share in shares[: place + 1] if share < shares[place]]
    return lower[-1] if lower else (-1.0 if not shares or shares[0] == 0.0 else shares[0] / 2)
