"""An outcome: case × solver → answer, score, violations, cost. Every decision rests on these."""

from enum import StrEnum
from typing import NamedTuple

from rixin.core.answer import Answer
from rixin.core.case import Case

RECORDED = "recorded score"
"""Reason of a score that came with a recorded answer."""


SCORE_DIGITS = 4
"""Decimals to which scores count for the promise on their mean."""


class State(StrEnum):
    """Each outcome is in exactly one of three states."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    UNMEASURED = "unmeasured"


class Score(NamedTuple):
    """What the scorers say of one answer."""

    value: float | None
    """In [0, 1]; None: unscored, which is not zero."""
    solved: bool
    reason: str = ""
    parts: tuple[tuple[str, float | None], ...] = ()
    """Scorer name → value, where several scorers or fields judge."""


class Violation(NamedTuple):
    """One finding of a guard."""

    guard: str
    reason: str


def counted_score(value: float | None, *, violated: bool) -> float:
    """What a measured answer counts for the mean score: nothing where a guard found something.

    Args:
        value: Its score, in [0, 1].
        violated: Whether it has a violation.

    Returns:
        In [0, 1], to `SCORE_DIGITS` decimals.

    Examples:
        >>> counted_score(0.666666, violated=False), counted_score(1.0, violated=True)
        (0.6667, 0.0)
    """
    return 0.0 if violated or value is None else round(value, SCORE_DIGITS)


class Outcome(NamedTuple):
    """One solver on one case, judged."""

    case: Case
    solver: str
    answer: Answer
    state: State
    score: Score | None
    violations: tuple[Violation, ...] = ()
    reason: str = ""
    """Why it is not solved or not measured."""
    cached: bool = False
    """Read from the ledger, not asked in this run."""
