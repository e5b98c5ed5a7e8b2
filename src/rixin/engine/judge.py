"""Scorers and guards turn an answer into an outcome: solved, not solved or not measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rixin.core.answer import Answer, is_below
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.core.labels import LabelSet
from rixin.core.outcome import RECORDED, Outcome, Score, State, Violation
from rixin.core.solver import Guard, Scorer

_Ruling = tuple[State, str, Score | None, tuple[Violation, ...]]
"""State, reason, score, violations."""
RECORDED_SOLVED = 0.5
"""A recorded score counts as solved from here on (METHODS §0 takes recorded scores so)."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Scorer and guards of a scenario."""

    scorer: Scorer
    """All scorers of the scenario as one."""
    guards: Sequence[Guard] = ()
    labels: LabelSet | None = None
    """Where answers are labels: expected outputs and answers are then taken in one spelling."""
    abstain_below: float | None = None
    """An answer with less confidence is none; None: all stand."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that can change a state, a score or a violation."""
        floor = () if self.abstain_below is None else (f"abstains below {self.abstain_below!r}",)
        guards = [one.fingerprint for one in self.guards]
        return digest("judge", self.scorer.fingerprint, *guards, *floor)

    def __call__(self, case: Case, solver: str, answer: Answer) -> Outcome:
        """The outcome of one answer."""
        answer = abstaining(answer, self.abstain_below)
        state, reason, score, violations = self._rule(case, answer)
        return Outcome(
            case=case,
            solver=solver,
            answer=answer,
            state=state,
            score=score,
            violations=violations,
            reason=reason,
        )

    def _rule(self, case: Case, answer: Answer) -> _Ruling:
        if answer.failure is not None:
            return State.UNMEASURED, answer.failure.kind, None, ()
        if answer.recorded_score is not None:
            return self._recorded(case, answer.recorded_score, answer.output)
        if answer.abstained or answer.output is None:
            reason = "abstained" if answer.abstained else "no output"
            return State.UNSOLVED, reason, Score(value=0.0, solved=False, reason=reason), ()
        return self._judged(case, answer.output)

    def _recorded(self, case: Case, value: float, output: str | None) -> _Ruling:
        violations = self._violations(case, output) if self.guards and output is not None else ()
        solved = value >= RECORDED_SOLVED and not violations
        score = _recorded_score(value, solved)
        if solved:
            return State.SOLVED, "", score, ()
        return State.UNSOLVED, _violates(violations) or "wrong", score, violations

    def _violations(self, case: Case, output: str) -> tuple[Violation, ...]:
        return tuple(v for guard in self.guards for v in guard.check(case, output))

    def _judged(self, case: Case, output: str) -> _Ruling:
        labels = self.labels
        if labels is not None:
            output = labels.canonical(output)
            if case.expected is not None:
                case = case._replace(expected=labels.canonical(case.expected))
        score = self.scorer.score(case, output)
        violations = self._violations(case, output)
        if score.value is None:
            return State.UNMEASURED, "unscored", score, violations
        if violations:
            return State.UNSOLVED, _violates(violations), score, violations
        if score.solved:
            return State.SOLVED, "", score, ()
        return State.UNSOLVED, self._cause(case, output), score, ()

    def _cause(self, case: Case, output: str) -> str:
        known = () if self.labels is None else self.labels.labels
        if case.expected in known and output in known:
            return f"{case.expected} taken for {output}"
        return "wrong"


def abstaining(answer: Answer, least: float | None) -> Answer:
    """The answer as one that abstains where its confidence is below `least`.

    It keeps its output, by which it is known as one of these: judged by another bound, it may stand.

    Examples:
        >>> abstaining(Answer(output="spam", confidence=0.6), 0.8).abstained
        True
        >>> abstaining(Answer(output="spam", confidence=0.6, abstained=True), 0.5).abstained
        False
    """
    if answer.output is None or answer.failure is not None or answer.recorded_score is not None:
        return answer  # a score that was recorded is of an answer that was given
    abstains = is_below(answer, least)
    return answer if abstains is answer.abstained else answer._replace(abstained=abstains)


@lru_cache(maxsize=1_024)
def _recorded_score(value: float, solved: bool) -> Score:
    """Logs have few different scores, and a score never changes: one object serves all rows."""
    return Score(value=value, solved=solved, reason=RECORDED)


def _violates(violations: Sequence[Violation]) -> str:
    return f"violates {violations[0].guard}" if violations else ""
