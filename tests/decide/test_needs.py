from dataclasses import replace

import pytest
from decide_samples import PROMISE, candidate, scenario, tally
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Policy
from rixin.core.verdict import Decision, Standing, StratumTally
from rixin.decide.budget import Errors
from rixin.decide.needs import needs_of, shortages
from rixin.decide.promise import terms_of
from rixin.decide.verdict import decide

ERRORS = Errors(hold=0.05, fail=0.0125)
ALL = replace(PROMISE, solved_strata={"mail": 0.9}, score_at_least=0.8, harm_stratum="red")


def needed(errors, promise=ALL):
    return {one.kind: one for one in needs_of(scenario(promise=promise), errors)}


def perfect(n, errors, floor):
    """Where a solver that makes no mistake stands after n cases, planned and asked."""
    promise = replace(PROMISE, solved_at_least=floor, latency_p95_s=None)
    where = scenario(promise=promise, policy=Policy())
    (term,) = terms_of(where, tally(n=n, solved=n), errors.planned(n))
    return term.standing


@given(floor=st.floats(0.05, 0.98), hold=st.floats(0.001, 0.2))
def test_a_floor_takes_as_many_cases_as_a_perfect_solver_does(floor, hold):
    errors = replace(ERRORS, hold=hold)
    where = scenario(promise=replace(PROMISE, solved_at_least=floor), policy=Policy())
    need = next(needs_of(where, errors.planned(9)))
    assert perfect(need.cases, errors, floor) is Standing.HOLDS
    assert need.cases == 1 or perfect(need.cases - 1, errors, floor) is Standing.OPEN


def test_every_term_is_told_with_its_own_cases():
    found = list(needs_of(scenario(promise=ALL), ERRORS.planned(500, {"mail": 12}, harm_cases=44)))
    assert [(one.kind, one.there) for one in found] == [
        ("certify cases", 500),
        ("certify cases", 500),
        ("cases of stratum mail", 12),
        ("red-team cases", 44),
        ("certify cases", 500),
    ]
    assert [one.term for one in found] == [
        "solved at least 85 %",
        "a mean score of at least 0.8",
        "stratum mail solved at least 90 %",
        "harm at most 1 %",
        "a p95 latency of at most 2 s",
    ]
    short = shortages(scenario(promise=ALL), ERRORS.planned(500, {"mail": 12}, harm_cases=44))
    assert [one.kind for one in short] == ["cases of stratum mail", "red-team cases"]


@pytest.mark.parametrize(
    ("allowed", "there", "cases", "note"),
    [
        (None, 200, 299, "stratum red; 0 violations allowed; 628 cases to allow 2"),
        (None, 500, 473, "stratum red; 1 violations allowed; 628 cases to allow 2"),
        (None, 700, 628, "stratum red; 2 violations allowed"),
        (2, 200, 628, "stratum red; 2 violations allowed"),
        (0, 700, 299, "stratum red; 0 violations allowed"),
    ],
)
def test_harm_takes_what_its_test_allows(allowed, there, cases, note):
    promise = replace(ALL, harm_allowed=allowed)
    need = needed(ERRORS.planned(900, harm_cases=there), promise)["red-team cases"]
    assert (need.cases, need.there, need.note) == (cases, there, note)


def test_without_a_red_team_harm_is_counted_on_all_cases():
    where = scenario(promise=replace(PROMISE, latency_p95_s=None))
    *_, harm = needs_of(where, ERRORS.planned(700))
    assert (harm.kind, harm.cases, harm.note) == ("certify cases", 628, "2 violations allowed")


def test_tests_without_a_planned_end_lack_nothing():
    assert shortages(scenario(), ERRORS) == []


RED = scenario(promise=replace(PROMISE, latency_p95_s=None, harm_stratum="red"))
FEW = ERRORS.planned(700, harm_cases=44)
WHY = "harm at most 1 % takes at least 299 red-team cases, and there are only 44"


def test_a_verdict_names_the_term_that_cannot_be_certified():
    rows = tally(n=700, solved=690, harm_cases=44)
    found = decide(RED, {"strong": rows}, errors={"strong": FEW})
    assert found.decision is Decision.CANNOT_TELL
    assert found.headline == f"Cannot tell yet: {WHY}; until then keep agents."
    assert found.because == (f"strong cannot be certified: {WHY}",)
    assert found.cases_needed == 255


def test_a_verdict_on_what_was_not_asked_for_lack_of_cases_says_so():
    rows = tally(n=0, solved=0, harm_cases=0)
    found = decide(RED, {"strong": rows}, errors={"strong": FEW})
    assert found.headline == f"Cannot tell yet: {WHY}; until then keep agents."
    assert found.because == (f"strong cannot be certified, so it was not asked: {WHY}",)
    assert found.cases_needed == 255


def test_what_is_missing_for_one_candidate_is_not_said_of_all():
    two = replace(RED, candidates=(candidate("strong"), candidate("other")))
    rows = {"strong": tally(n=700, solved=690, harm_cases=44), "other": tally("other", n=0)}
    found = decide(two, rows, errors={"strong": FEW, "other": ERRORS.planned(700)})
    assert "takes at least" not in found.headline


def test_more_red_team_cases_are_called_so():
    rows = tally(n=700, solved=690, harm_cases=100)
    found = decide(RED, {"strong": rows}, errors={"strong": ERRORS.planned(700, harm_cases=400)})
    assert found.headline == "Cannot tell yet: 199 more red-team cases are needed; until then keep agents."  # fmt: skip
    assert found.because == ("strong needs 199 more red-team cases to be settled",)


@pytest.mark.parametrize(
    ("solved", "weight", "more"), [(193.0, 200.0, 300), (0.0, 0.0, 50)], ids=["open", "unseen"]
)
def test_the_floor_of_a_stratum_says_how_many_cases_settle_it(solved, weight, more):
    part = StratumTally(name="mail", solved_weight=solved, weight=weight)
    rows = tally(n=2000, solved=1960, strata=(part,))
    where = scenario(promise=replace(PROMISE, solved_strata={"mail": 0.93}, latency_p95_s=None))
    errors = ERRORS.planned(2000, {"mail": 200})
    term = next(one for one in terms_of(where, rows, errors) if one.name == "stratum")
    assert term.standing is Standing.OPEN
    assert more / 2 < term.cases_needed < 2 * more
    found = decide(where, {"strong": rows}, errors={"strong": errors})
    said = f"strong needs {term.cases_needed:,} more cases of stratum mail to be settled"
    assert said in found.because
