"""An outcome: case × solver → answer, score, violations, cost. Every decision rests on these."""

from dataclasses import dataclass
from enum import StrEnum

from rixin.core.answer import Answer
from rixin.core.case import Case

RECORDED = "recorded score"
"""Reason of a score that came with a recorded answer."""


class State(StrEnum):
    """Each outcome is in exactly one of three states."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What the scorers say of one answer."""

    value: float | None
    """In [0, 1]; None: unscored, which is not zero."""
    solved: bool
    reason: str = ""
    parts: tuple[tuple[str, float | None], ...] = ()
    """Scorer name → value, where several scorers or fields judge."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One finding of a guard."""

    guard: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
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


SCORE_STEPS = 100
"""Steps from 0 to 1 in which graded scores are counted."""


def score_bin(score: float | None) -> int:
    """The bin of a score: even where it is a step of a hundredth, odd between two of them.

    Counts in bins keep a sequential test exact and small: between two steps a score counts as the
    lower one where a floor shall hold, and as the upper one where it shall fail.

    Args:
        score: In [0, 1]; None counts as 0.

    Examples:
        >>> score_bin(0.0), score_bin(0.5), score_bin(0.505), score_bin(1.0)
        (0, 100, 101, 200)
    """
    scaled = round((score or 0.0) * SCORE_STEPS, 9)
    whole = int(scaled)
    return 2 * whole + (scaled > whole)
