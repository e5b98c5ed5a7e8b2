"""Several scorers as one."""

from collections.abc import Sequence

from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.core.outcome import Score
from rixin.core.solver import Scorer
from rixin.scorers.base import unscored


class CombinedScorer:
    """Solved when every scorer that gives a score says so; the value is the mean of the scores.

    Args:
        scorers: At least one.
    """

    def __init__(self, scorers: Sequence[Scorer]) -> None:
        self.name = "+".join(scorer.name for scorer in scorers)
        self.fingerprint = digest("combined/1", *(scorer.fingerprint for scorer in scorers))
        self._scorers = tuple(scorers)

    def score(self, case: Case, output: str) -> Score:
        """The joint score; unscored only where no scorer gives a score."""
        scores = [(scorer.name, scorer.score(case, output)) for scorer in self._scorers]
        values = [score.value for _, score in scores if score.value is not None]
        if not values:
            return unscored("; ".join(dict.fromkeys(score.reason for _, score in scores)))
        wrong = [
            f"{name}: {s.reason}" for name, s in scores if s.value is not None and not s.solved
        ]
        return Score(
            value=sum(values) / len(values),
            solved=not wrong,
            reason="; ".join(wrong),
            parts=tuple((name, score.value) for name, score in scores),
        )


def combine(scorers: Sequence[Scorer]) -> Scorer:
    """The scorers as one; a single one stays as it is.

    Raises:
        ValueError: There is none.
    """
    if not scorers:
        raise ValueError("there is no scorer to combine")
    return scorers[0] if len(scorers) == 1 else CombinedScorer(scorers)
