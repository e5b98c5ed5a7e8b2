"""Scorers for texts: exact, label, contains, regex, similarity."""

import re
from collections import Counter
from collections.abc import Sequence

from rixin.core.ids import normalise
from rixin.core.labels import label_set
from rixin.core.outcome import Score
from rixin.core.text import compile_regex, words
from rixin.errors import UsageError
from rixin.scorers.base import ExpectationScorer, missed, passed, shown, unscored


class ExactScorer(ExpectationScorer):
    """Solved when output and expectation are the same text to a reader.

    Unicode forms (NFKC), case and white space do not count.
    """

    def __init__(self) -> None:
        super().__init__("exact", {})

    def _judge(self, expected: str, output: str) -> Score:
        if normalise(expected) == normalise(output):
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
    """Solved when the expected text stands somewhere in the output."""

    def __init__(self) -> None:
        super().__init__("contains", {})

    def _judge(self, expected: str, output: str) -> Score:
        wanted = normalise(expected)
        if not wanted:
            return unscored("the expected output is empty")
        if wanted in normalise(output):
            return passed()
        return missed(f"{shown(expected)} is not in {shown(output)}")


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
        super().__init__("regex", {"pattern": pattern})
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
            found = compile_regex(expected).search(output)
        except ValueError as error:
            return unscored(str(error))
        return passed() if found else missed(f"{shown(expected)} is not found in {shown(output)}")

    @staticmethod
    def _judge_part(pattern: re.Pattern[str], expected: str, output: str) -> Score:
        found = pattern.search(output)
        if found is None:
            return missed(f"{shown(pattern.pattern)} is not found in {shown(output)}")
        part = (found[1] if pattern.groups else found[0]) or ""
        if normalise(part) == normalise(expected):
            return passed()
        return missed(f"{shown(part)} is not {shown(expected)}")


class SimilarityScorer(ExpectationScorer):
    """F1 of the words that output and expectation share, in whatever order.

    Args:
        threshold: In (0, 1]; solved from this score.

    References:
        P. Rajpurkar et al. (2016), SQuAD, arXiv:1606.05250, section 6.1.
    """

    def __init__(self, threshold: float = 0.8) -> None:
        super().__init__("similarity", {"threshold": threshold})
        self._threshold = threshold

    def _judge(self, expected: str, output: str) -> Score:
        wanted = Counter(words(normalise(expected)))
        if not wanted:
            return unscored("the expected output has no words")
        given = Counter(words(normalise(output)))
        value = 2 * (wanted & given).total() / (wanted.total() + given.total())
        solved = value >= self._threshold
        reason = "" if solved else f"similarity {value:.2f} is below {self._threshold:g}"
        return Score(value=value, solved=solved, reason=reason)
