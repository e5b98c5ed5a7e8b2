"""When two spellings are one label.

Letter case, width, Unicode form, blanks, hyphens and underscores do not tell labels apart to a
reader. They are left out when labels are compared, as far as this keeps the labels of a scenario
apart: `no-go` and `no_go` in one scenario are two labels, and are then compared more strictly.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from rixin.core.ids import normalise
from rixin.core.text import strip_arabic_marks

_UNSEEN = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_DASHES = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-" * 7)
_SEPARATOR = re.compile(r"(?<=[^\W_])(?:\s+-\s+|[-_]|[\s_]+)(?=[^\W_])")
_JOINT = re.compile(r"(?<=[^\W\d_]) (?=[^\W_])|(?<=\d) (?=[^\W\d_])")
_MOST_NAMED = 6


def visible(text: str) -> str:
    r"""The text without characters that nobody sees: zero width, direction, soft hyphens.

    Examples:
        >>> visible("re\u00adfund\u200b")
        'refund'
    """
    return text if text.isascii() else _INVISIBLE.sub("", text)


def plain_label(text: str) -> str:
    """A label in the form in which texts are searched for it: one case, width and dash.

    Examples:
        >>> plain_label("Ｎｏｎ‑Toxic "), plain_label("٣")
        ('non-toxic', '3')
    """
    if text.isascii():
        return normalise(text)
    folded = strip_arabic_marks(normalise(visible(text))).translate(_DASHES).replace("’", "'")
    return "".join(str(int(sign)) if sign.isdecimal() else sign for sign in folded)


def spaced_label(text: str) -> str:
    """The same with one blank for each hyphen, underscore or run of blanks between words.

    A hyphen before a digit that follows no word is a sign, and stays.

    Examples:
        >>> spaced_label("Not_Spam"), spaced_label("not-spam"), spaced_label("-1")
        ('not spam', 'not spam', '-1')
    """
    return _SEPARATOR.sub(" ", plain_label(text))


def joined_label(text: str) -> str:
    """The same without what separates words; between two digits the blank stays.

    Examples:
        >>> joined_label("Non-toxic"), joined_label("top 10"), joined_label("1-2")
        ('nontoxic', 'top10', '1 2')
    """
    return _JOINT.sub("", spaced_label(text))


class LabelSet:
    """The labels of a scenario, found in whatever spelling keeps them apart.

    Args:
        labels: In their own spelling.

    Examples:
        >>> LabelSet(["spam", "not_spam"]).find("NOT SPAM")
        'not_spam'
    """

    def __init__(self, labels: Iterable[str]) -> None:
        self.labels = tuple(dict.fromkeys(labels))
        self._exact = frozenset(self.labels)
        self.fold: Callable[[str], str] = _loosest(self.labels)
        """The loosest folding that keeps the labels apart."""
        self._keys = {key: label for label in self.labels if (key := self.fold(label))}

    def find(self, text: str) -> str | None:
        """The label that a text is, in the label's own spelling; None: it is none."""
        return text if text in self._exact else self._keys.get(self.fold(text))

    def canonical(self, text: str) -> str:
        """The label that a text is, or the text itself where it is none."""
        return self.find(text) or text


@lru_cache(maxsize=64)
def label_set(labels: tuple[str, ...]) -> LabelSet:
    """The same, made once for each tuple of labels."""
    return LabelSet(labels)


def merge_spellings(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Labels as people typed them, with what nobody tells apart taken together.

    Args:
        counts: Spelling → how often.

    Returns:
        Label → its spellings with their counts; the label is the most frequent spelling, trimmed.
        Most frequent first.

    Examples:
        >>> merge_spellings({"refund ": 5, "Refund": 3, "delivery": 4})
        {'refund': {'refund ': 5, 'Refund': 3}, 'delivery': {'delivery': 4}}
    """
    groups: dict[str, dict[str, int]] = {}
    for spelling, count in counts.items():
        groups.setdefault(spaced_label(spelling), {})[spelling] = count
    merged = {_name(group): group for group in groups.values()}
    return dict(sorted(merged.items(), key=lambda item: -sum(item[1].values())))


def spelling_notes(labels: Sequence[str], counts: Mapping[str, int]) -> tuple[str, ...]:
    """What was taken together, in words: one sentence for each label with several spellings.

    Args:
        labels: The labels as they are used.
        counts: Spelling → how often.

    Examples:
        >>> spelling_notes(["refund"], {"refund": 7, "REFUND": 2})
        ("the label 'refund' (7) is also written 'REFUND' (2): taken as one label",)
    """
    known, others = label_set(tuple(labels)), dict[str, list[str]]()
    for spelling, count in counts.items():
        label = known.find(spelling)
        if label is not None and label != spelling:
            others.setdefault(label, []).append(f"{spelling!r} ({count:,})")
    return tuple(
        f"the label {label!r} ({counts.get(label, 0):,}) is also written {_some(found)}:"
        " taken as one label"
        for label, found in others.items()
    )


def _loosest(labels: Sequence[str]) -> Callable[[str], str]:
    for fold in (joined_label, spaced_label, plain_label, normalise):
        if len({fold(label) for label in labels}) == len(labels):
            return fold
    return str


def _name(spellings: Mapping[str, int]) -> str:
    trimmed: dict[str, int] = {}
    for spelling, count in spellings.items():
        name = visible(spelling).strip()
        trimmed[name] = trimmed.get(name, 0) + count
    return max(trimmed, key=lambda name: trimmed[name])


def _some(found: Sequence[str]) -> str:
    more = len(found) - _MOST_NAMED
    return ", ".join(found[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
