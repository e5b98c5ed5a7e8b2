"""Scorers for texts: exact, label, contains, regex, similarity."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from rixin.core.denial import denial_count, denies
from rixin.core.ids import normalise
from rixin.core.labels import label_set
from rixin.core.numbers import numbers_in, plain_text
from rixin.core.outcome import Score
from rixin.core.regex import compile_regex, find_first
from rixin.core.text import whole_word_pattern, words
from rixin.errors import UsageError
from rixin.scorers.base import (
    ExpectationScorer,
    missed,
    passed,
    same_text,
    shown,
    unscored,
)

_CLAUSE_END = re.compile(r"[.,;:!?。，；：！？、،؛؟\n]")
_WINDOW = 60
"""Characters before a text in which a word may deny it."""


class ExactScorer(ExpectationScorer):
    """Solved when output and expectation are the same text to a reader.

    Unicode forms (NFKC), case and white space do not count; raised digits and fractions do.
    """

    def __init__(self) -> None:
        super().__init__("exact", {}, version=2)

    def _judge(self, expected: str, output: str) -> Score:
        if not expected.strip():
            return unscored("the expected output is empty")
        if same_text(expected, output):
            return passed()
        return missed(f"{shown(output)} is not {shown(expected)}")


class LabelScorer(ExpectationScorer):
    """Solved when output and expectation are one label, in whatever spelling.

    See `rixin.core.labels`; it says when an output is no label at all.

    Args:
        labels: The labels that may be given; an expectation outside them is not scored.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__("label", {"labels": sorted(labels)}, version=2)
        self._labels = label_set(tuple(labels))

    def _judge(self, expected: str, output: str) -> Score:
        wanted, given = self._labels.find(expected), self._labels.find(output)
        if wanted is None:
            return unscored(f"the expected output {shown(expected)} is not one of the labels")
        if given is None:
            return missed(f"{shown(output)} is not one of the labels")
        return passed() if given == wanted else missed(f"{shown(output)} is not {shown(expected)}")


class ContainsScorer(ExpectationScorer):
    """Solved when the expected text stands whole in the output, and is not denied there.

    It may not be a part of a longer word or number: 5 is not in 15, nor in 1.5 or -5.
    """

    def __init__(self) -> None:
        super().__init__("contains", {}, version=2)

    def _judge(self, expected: str, output: str) -> Score:
        wanted, given = normalise(expected), normalise(output)
        if not wanted:
            return unscored("the expected output is empty")
        places = [found.start() for found in _whole(wanted).finditer(given)]
        if not places:
            return missed(f"{shown(expected)} is not in {shown(output)}")
        if all(_is_denied(given, place) for place in places):
            return missed(f"{shown(expected)} is denied in {shown(output)}")
        return passed()


class RegexScorer(ExpectationScorer):
    """Solved by a regular expression.

    Args:
        pattern: Takes the part of the output that counts (its first group, or all that it finds),
            which must then equal the expectation; None: the expectation is itself an expression
            that must be found in the output.

    Raises:
        UsageError: The pattern is not a regular expression.
    """

    def __init__(self, pattern: str | None = None) -> None:
        super().__init__("regex", {"pattern": pattern}, version=2)
        try:
            self._pattern = None if pattern is None else compile_regex(pattern)
        except ValueError as error:
            raise UsageError(
                f"the pattern of scorer 'regex': {error}", hint="mend it in the scenario"
            ) from error

    def _judge(self, expected: str, output: str) -> Score:
        if self._pattern is not None:
            return self._judge_part(self._pattern, expected, output)
        if not expected:
            return unscored("the expected output is empty")
        try:
            found = find_first(compile_regex(expected), output)
        except ValueError as error:
            return unscored(str(error))
        return passed() if found else missed(f"{shown(expected)} is not found in {shown(output)}")

    @staticmethod
    def _judge_part(pattern: re.Pattern[str], expected: str, output: str) -> Score:
        found = find_first(pattern, output)
        if found is None:
            return missed(f"{shown(pattern.pattern)} is not found in {shown(output)}")
        part = (found[1] if pattern.groups else found[0]) or ""
        if part.strip() and same_text(part, expected):
            return passed()
        return missed(f"{shown(part)} is not {shown(expected)}")


class SimilarityScorer(ExpectationScorer):
    """F1 of the words that output and expectation share, in whatever order.

    One word less may be the opposite: with other numbers, or more or fewer words that deny, it is
    not solved however similar it is.

    Args:
        threshold: In (0, 1]; solved from this score.

    References:
        P. Rajpurkar et al. (2016), SQuAD, arXiv:1606.05250, section 6.1.
    """

    def __init__(self, threshold: float = 0.8) -> None:
        super().__init__("similarity", {"threshold": threshold}, version=2)
        self._threshold = threshold

    def _judge(self, expected: str, output: str) -> Score:
        wanted = Counter(words(normalise(expected)))
        if not wanted:
            return unscored("the expected output has no words")
        given = Counter(words(normalise(output)))
        value = 2 * (wanted & given).total() / (wanted.total() + given.total())
        reason = f"similarity {value:.2f} is below {self._threshold:g}"
        if value >= self._threshold:
            reason = _contradiction(expected, output)
        return Score(value=value, solved=not reason, reason=reason)


@lru_cache(maxsize=1_024)
def _whole(wanted: str) -> re.Pattern[str]:
    """Finds a normalised text where no letter or digit of the same word or number is beside it."""
    before = r"(?<![\d.,])(?<!(?<!\w)[-−])" if wanted[0].isdigit() else ""
    after = r"(?![.,]?\d)(?!\s?[%‰])" if wanted[-1].isdigit() else ""
    return re.compile(f"{before}{whole_word_pattern(wanted)}{after}")


def _is_denied(given: str, place: int) -> bool:
    """Whether one of the three words before a place of the same clause denies what stands there."""
    clause = _CLAUSE_END.split(given[max(0, place - _WINDOW) : place])[-1]
    return denies(" ".join(clause.split(" ")[-4:]))


def _contradiction(expected: str, output: str) -> str:
    """What tells two similar texts apart in what they say; empty where nothing does."""
    wanted, given = (Counter(_numbers(text)) for text in (expected, output))
    if wanted != given:
        return "other numbers"
    counts = [denial_count(normalise(text)) for text in (expected, output)]
    return "" if counts[0] == counts[1] else "one denies what the other says"


def _numbers(text: str) -> list[str]:
    plain = plain_text(text)
    return [
        plain[one.start : one.end].strip() if one.number is None else str(one.number)
        for one in numbers_in(plain)
    ]
