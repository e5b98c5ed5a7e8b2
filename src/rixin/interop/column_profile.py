"""What the values of a column look like."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[+-]?[$€£¥]?\d[\d,٬]*([.٫]\d+)?%?")
_CODE = re.compile(r"[\w.:#/-]*\d[\w.:#/-]*")
MAX_LABELS = 200
_LONGEST_LABEL = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Shares are of the filled cells, in [0, 1]."""

    filled: float
    """Share of all cells that are filled."""
    count: int
    distinct: int
    length: float
    """Mean number of characters."""
    longest: int
    numbers: float
    codes: float
    """Share of single words with a digit in them: numbers of tickets, dates, hashes."""
    objects: float
    """Share of JSON objects and arrays."""
    values: tuple[str, ...]
    """Different values, sorted; empty where there are more than 200."""

    @property
    def repeats(self) -> float:
        """How often a value occurs on average."""
        return self.count / max(1, self.distinct)

    @property
    def unique(self) -> bool:
        """Whether each row has a value of its own."""
        return self.filled == 1.0 and self.distinct == self.count

    @property
    def constant(self) -> bool:
        """Whether the column says the same everywhere."""
        return self.distinct <= 1

    def is_label_like(self, least_repeats: float) -> bool:
        """Whether few short values come again and again."""
        few = 2 <= self.distinct <= MAX_LABELS and self.longest <= _LONGEST_LABEL
        return few and self.repeats >= least_repeats and self.objects < 0.5


def profile(cells: Sequence[str | None]) -> Profile:
    """Looks at a column.

    Args:
        cells: Its cells as text; None and white space are empty.

    Examples:
        >>> seen = profile(["yes", "no", "yes", None])
        >>> seen.distinct, seen.values, round(seen.filled, 2)
        (2, ('no', 'yes'), 0.75)
    """
    texts = [cell for cell in cells if cell is not None and cell.strip()]
    counts = Counter(texts)
    count = len(texts)
    return Profile(
        filled=count / max(1, len(cells)),
        count=count,
        distinct=len(counts),
        length=sum(map(len, texts)) / max(1, count),
        longest=max(map(len, texts), default=0),
        numbers=sum(bool(_NUMBER.fullmatch(text.strip())) for text in texts) / max(1, count),
        codes=sum(bool(_CODE.fullmatch(text.strip())) for text in texts) / max(1, count),
        objects=sum(map(_is_object, texts)) / max(1, count),
        values=tuple(sorted(counts)) if len(counts) <= MAX_LABELS else (),
    )


def _is_object(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
