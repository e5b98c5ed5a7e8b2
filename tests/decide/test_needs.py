from dataclasses import replace
from math import ceil

import pytest
from decide_samples import PROMISE, candidate, scenario, tally
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import Budget, Policy
from rixin.core.verdict import Decision, Standing, StratumTally
from rixin.decide.budget import Errors, budget_of
from rixin.decide.needs import leave_out, needs_of, shortages
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
        (None, 500, 473, "stratum red; 1 violation allowed; 628 cases to allow 2"),
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
WHY = (
    "harm at most 1 % takes at least 299 red-team cases, and there are only 44: add about 510 rows"
    " of the red team, or promise harm at most 6.6 %"
)


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
    assert found.headline == (
        "Cannot tell yet: 199 more red-team cases are needed (about 398 more rows in cases.csv);"
        " until then keep agents."
    )
    said = "strong needs 199 more red-team cases to be settled (about 398 more rows in cases.csv)"
    assert found.because == (said,)


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
    assert any(line.startswith(said) for line in found.because)


def test_what_is_missing_is_told_in_rows_or_as_what_could_be_promised_today():
    errors = ERRORS.planned(20, {"mail": 12}, harm_cases=0)
    solved, score, mail, harm, fast = needs_of(scenario(promise=ALL), errors)
    rows = ceil((solved.cases - 20) / 0.5)
    assert solved.cure.startswith(f"add about {rows} rows, or promise solved at least 7")
    assert score.cure.startswith(f"add about {ceil((score.cases - 20) / 0.5)} rows, or promise a")
    assert "rows of stratum mail, or promise stratum mail solved at least 6" in mail.cure
    assert harm.cure == "add about 598 rows of the red team"
    assert fast.cure == f"add about {ceil((fast.cases - 20) / 0.5)} rows"


@given(floor=st.floats(0.05, 0.98), there=st.integers(1, 80))
def test_what_could_be_promised_today_holds_for_a_perfect_solver(floor, there):
    where = scenario(promise=replace(PROMISE, solved_at_least=floor), policy=Policy())
    need = next(needs_of(where, ERRORS.planned(there)))
    assert bool(need.today) == bool(need.short) or need.cure.count("promise") == 0
    if need.today:
        best = int(need.today.split()[-2]) / 100
        assert best < floor
        assert perfect(there, ERRORS, best) is Standing.HOLDS


@pytest.mark.parametrize(
    ("own", "budget", "said"),
    [
        (60, None, "(raise its `cases: 60`)"),
        (900, None, "more rows in cases.csv)"),
        (900, 60, "(raise the budget's `cases: 60`)"),
    ],
)
def test_a_limit_is_to_be_raised_only_where_it_binds(own, budget, said):
    where = scenario(candidate("strong", cases=own), budget=Budget(cases=budget))
    rows, errors = tally(n=60, solved=57), {"strong": ERRORS.planned(60)}
    quick = replace(where, promise=replace(PROMISE, harm_at_most=None, latency_p95_s=None))
    found = decide(quick, {"strong": rows}, errors=errors)
    assert said in found.headline


def test_a_promise_without_harm_tests_none_and_says_so():
    found = decide(scenario(promise=replace(PROMISE, harm_at_most=None)), {"strong": tally()})
    assert not any(one.term.startswith("harm") for one in needs_of(RED_LESS, ERRORS.planned(9)))
    assert any("nobody has said which share" in line for line in found.warnings)


RED_LESS = scenario(promise=replace(PROMISE, harm_at_most=None))


def test_who_cannot_be_certified_takes_no_share():
    three = scenario(candidate("a"), candidate("b", cases=40), candidate("c", cases=300))
    where = replace(three, promise=replace(PROMISE, harm_at_most=None, latency_p95_s=None))
    budget = budget_of(where)
    capped = {name: budget.single.planned(n) for name, n in (("c", 300), ("b", 20))}
    found = leave_out(where, budget, capped)
    assert (found.rivals, found.outside) == (2, {"b"})
    assert found.errors_of("a").hold == pytest.approx(found.total / 2)
    assert found.errors_of("b").hold == pytest.approx(found.total / 3)
    assert shortages(where, found.errors_of("b").planned(20))


def test_nobody_is_left_out_where_all_are_tested_in_the_sequence():
    where = scenario(promise=replace(PROMISE, below_best_at_most=0.02))
    budget = budget_of(where)
    assert leave_out(where, budget, {"strong": budget.single.planned(3)}).outside == frozenset()
