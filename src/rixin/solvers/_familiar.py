"""Whether a text is unlike those that a student has learnt from: hardly a word of it is known."""

from collections import Counter
from collections.abc import Callable, Sequence

_RARE = 0.01
"""Share of the training texts that would be taken for unlike the others, at most."""


def outsider(texts: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], bool]:
    """A function that tells whether fewer words of a text are known than of nearly all others.

    Of a training text those words count as known that stand in another one, too. The bound is set so
    that at most one in a hundred of them lies at it or below; where more have no known word at all, no
    text is told from them.

    Args:
        texts: The words of each training text.

    Examples:
        >>> is_outside = outsider([["lost", "my", "card"], ["my", "card", "broke"]] * 100)
        >>> is_outside(["purple", "bananas"]), is_outside(["my", "card"])
        (True, False)
    """
    counts = Counter(word for text in texts for word in set(text))
    others = {word for word, count in counts.items() if count > 1}
    shares = sorted(_share(set(text), others) for text in texts)
    bound = _bound(shares)
    known = frozenset(counts)

    def is_outside(words: Sequence[str]) -> bool:
        return _share(set(words), known) <= bound

    return is_outside


def _share(words: set[str], known: set[str] | frozenset[str]) -> float:
    return len(words & known) / len(words) if words else 0.0


def _bound(shares: Sequence[float]) -> float:
    """The highest value below all but a few of the shares, which are sorted; -1: there is none."""
    place = int(_RARE * len(shares))
    lower = [share for share in shares[: place + 1] if share < shares[place]]
    return lower[-1] if lower else (-1.0 if not shares or shares[0] == 0.0 else shares[0] / 2)
