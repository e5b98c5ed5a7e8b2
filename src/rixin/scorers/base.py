"""What all scorers share: a name, a fingerprint, and what they say without an expectation."""

import re
from collections.abc import Mapping

from rixin.core.case import Case
from rixin.core.ids import digest_json, normalise
from rixin.core.labels import visible
from rixin.core.outcome import Score

_RAISED = re.compile("[²³¹⁰-₟¼-¾⅐-⅟↉①-⓿]")
"""What Unicode's compatibility form would make plain digits and letters of."""


def unscored(reason: str) -> Score:
    """No score, which is not a score of zero."""
    return Score(value=None, solved=False, reason=reason)


def passed(reason: str = "") -> Score:
    """A full score."""
    return Score(value=1.0, solved=True, reason=reason)


def missed(reason: str) -> Score:
    """A score of zero."""
    return Score(value=0.0, solved=False, reason=reason)


def same_text(left: str, right: str) -> bool:
    """Whether two texts are the same to a reader: case, width and white space do not count.

    Raised and lowered signs and fractions do: 10² is not 102.
    """
    return comparable_text(left) == comparable_text(right)


def comparable_text(text: str) -> str:
    """A text in the form in which two are the same to a reader."""
    return normalise(_RAISED.sub("\0\\g<0>", visible(text)))


def shown(text: str) -> str:
    """A text as it stands in a reason: quoted and cut."""
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


class ExpectationScorer:
    """Base of scorers that need an expected output.

    Args:
        name: The name in the scenario file.
        options: Everything that can change a score; it is hashed into the fingerprint.
        version: Raised with every change by which the same answer may score otherwise.
    """

    def __init__(self, name: str, options: Mapping[str, object], *, version: int = 1) -> None:
        self.name = name
        self.fingerprint = digest_json({"scorer": f"{name}/{version}", **options})

    def score(self, case: Case, output: str) -> Score:
        """The score of one output; unscored where the case has no expectation."""
        if case.expected is None:
            return unscored("no expected output")
        return self._judge(case.expected, output)

    def _judge(self, expected: str, output: str) -> Score:
        raise NotImplementedError
