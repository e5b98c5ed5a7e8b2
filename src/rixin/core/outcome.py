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
