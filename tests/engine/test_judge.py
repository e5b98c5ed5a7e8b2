"""From answer to outcome: solved, not solved or not measured, and why."""

import pytest

from rixin.core.answer import Answer, Failure
from rixin.core.case import make_case
from rixin.core.labels import LabelSet
from rixin.core.outcome import Violation
from rixin.engine.judge import Judge
from rixin.scorers.text import ContainsScorer, ExactScorer, LabelScorer
from support import ALL_CERTIFY


class NoSecrets:
    """A guard that a user might write."""

    name = "no-secrets"
    fingerprint = "no-secrets/1"

    def check(self, _case, output):
        return [Violation(self.name, "tells a secret")] if "secret" in output else []


def ruled(answer, expected="42", judge=None):
    """State, reason, value and number of violations of one answer."""
    judge = judge or Judge(ExactScorer(), (NoSecrets(),))
    found = judge(make_case("in", expected, ALL_CERTIFY), "s", answer)
    value = None if found.score is None else found.score.value
    return found.state.value, found.reason, value, len(found.violations)


@pytest.mark.parametrize(
    ("answer", "expected", "ruling"),
    [
        (Answer(output="42"), "42", ("solved", "", 1.0, 0)),
        (Answer(output="41"), "42", ("unsolved", "wrong", 0.0, 0)),
        (Answer(output="secret"), "secret", ("unsolved", "violates no-secrets", 1.0, 1)),
        (Answer(output="42"), None, ("unmeasured", "unscored", None, 0)),
        (Answer(output="secret"), None, ("unmeasured", "unscored", None, 1)),
        (Answer(abstained=True), "42", ("unsolved", "abstained", 0.0, 0)),
        (Answer(output=None), "42", ("unsolved", "no output", 0.0, 0)),
        (
            Answer(failure=Failure(kind="timeout", message="late")),
            "42",
            ("unmeasured", "timeout", None, 0),
        ),
    ],
)
def test_an_answer_is_in_one_of_three_states_with_its_reason(answer, expected, ruling):
    assert ruled(answer, expected) == ruling


@pytest.mark.parametrize(
    ("score", "output", "ruling"),
    [
        (0.5, "anything", ("solved", "", 0.5, 0)),
        (0.49, "42", ("unsolved", "wrong", 0.49, 0)),
        (1.0, "a secret", ("unsolved", "violates no-secrets", 1.0, 1)),
        (1.0, None, ("solved", "", 1.0, 0)),
    ],
)
def test_a_recorded_score_stands_unless_a_guard_objects(score, output, ruling):
    assert ruled(Answer(output=output, recorded_score=score)) == ruling


@pytest.mark.parametrize(
    ("output", "reason"), [("spam", "ham taken for spam"), ("eggs", "wrong"), ("ham", "")]
)
def test_mistakes_among_labels_say_what_was_taken_for_what(output, reason):
    labels = ("ham", "spam")
    judge = Judge(LabelScorer(labels), labels=LabelSet(labels))
    assert ruled(Answer(output=output), "ham", judge)[1] == reason


def test_another_scorer_or_guard_is_another_judge():
    judges = [
        Judge(ExactScorer()),
        Judge(ContainsScorer()),
        Judge(ExactScorer(), (NoSecrets(),)),
    ]
    assert len({judge.fingerprint for judge in judges}) == 3
    assert Judge(ExactScorer()).fingerprint == judges[0].fingerprint
