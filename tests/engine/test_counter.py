"""The counts that steer a race, held against the sums that are reported."""

from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.core.answer import Answer, Failure
from rixin.core.case import make_case
from rixin.core.outcome import Outcome, Score, State, Violation
from rixin.decide.budget import Errors
from rixin.engine.counter import Counted, RunningTally
from rixin.ledger.outcomes import solver_id, write_outcomes
from rixin.ledger.sample import sample_of, weights_of
from rixin.workspace.evaluate import Stored, tally_of
from support import ALL_CERTIFY, small_ledger

STRATA = ("chat", "mail", "red")
REPORT_ONLY = {
    *("latency_mean", "latency_p50", "latency_p95", "latency_p95_lower", "latency_p95_upper"),
    *("causes", "retries", "twin_cases", "twin_solved", "spent", "sunk"),
}
"""What a race does not need."""
FAILED = Failure(kind="timeout", message="late")

ROWS = st.fixed_dictionaries(
    {
        "state": st.sampled_from(list(State)),
        "stratum": st.sampled_from(STRATA),
        "weight": st.sampled_from([0.5, 1.0, 2.5, 7.0]),
        "violation": st.booleans(),
        "abstained": st.booleans(),
        "reason": st.sampled_from(["unscored", "timeout", "server_error"]),
        "cost": st.one_of(st.none(), st.decimals("0", "3", places=6)),
        "sunk": st.decimals("0", "1", places=3),
        "latency": st.one_of(st.none(), st.sampled_from([0.1, 1.999, 2.0, 2.001, 9.0])),
        "score": st.sampled_from([0.0, 1 / 3, 0.33333, 0.5, 1.0]),
    }
)


def outcome_of(case, row):
    measured = row["state"] is not State.UNMEASURED
    solved = row["state"] is State.SOLVED
    return Outcome(
        case=case,
        solver="s",
        answer=Answer(
            output="42" if measured else None,
            abstained=row["abstained"] and not solved,
            cost=row["cost"],
            sunk=row["sunk"],
            latency_s=row["latency"],
            failure=None if measured or row["reason"] == "unscored" else FAILED,
        ),
        state=row["state"],
        score=Score(value=row["score"], solved=solved) if measured else None,
        violations=(Violation("pii", "a number"),) if row["violation"] else (),
        reason="" if solved else ("wrong" if measured else row["reason"]),
    )


def both_ways(rows, counted, red):
    """The sums of the same outcomes: as they come, and over the stored rows."""
    cases = [
        make_case(f"case {n}", "42", ALL_CERTIFY, stratum=row["stratum"], weight=row["weight"])
        for n, row in enumerate(rows)
    ]
    found = [outcome_of(case, row) for case, row in zip(cases, rows, strict=True)]
    found.sort(key=lambda one: one.case.id)
    without = "red" if red else None
    with TemporaryDirectory() as folder, small_ledger(Path(folder), cases) as ledger:
        number = solver_id(ledger, "s", "s", "rule")
        write_outcomes(ledger, "j", {number: found}, asked_at=1.0)
        everything = sample_of(ledger, "d", "certify")
        counted = replace(counted, weight_max=weights_of(ledger, everything).largest)
        stored = Stored(
            ledger=ledger,
            judge="j",
            samples={"s": sample_of(ledger, "d", "certify", without=without)},
            red={"s": sample_of(ledger, "d", "certify", stratum="red")} if red else {},
            errors={"s": Errors(0.05, 0.01)},
            counted={"s": counted},
            numbers={"s": number},
        )
        summed = tally_of(stored, "s")
    running = RunningTally("s", counted)
    middle = len(found) // 3
    running.add(found[:middle])
    running.add(found[middle:])
    return running, summed


@settings(max_examples=10)
@given(
    rows=st.lists(ROWS, max_size=25),
    red=st.booleans(),
    harm_cases=st.integers(0, 12),
    slow_s=st.sampled_from([None, 2.0]),
    strata=st.sampled_from([(), ("mail",), ("chat", "mail", "nobody")]),
    scored=st.booleans(),
)
def test_counts_as_they_come_equal_the_sums_over_stored_rows(
    rows, red, harm_cases, slow_s, strata, scored
):
    counted = Counted(
        slow_s=slow_s,
        harm_cases=harm_cases,
        harm_stratum="red" if red else None,
        strata=strata,
        scored=scored,
    )
    running, summed = both_ways(rows, counted, red)
    quick = running.tally()
    assert dict(quick.lost) == dict(summed.lost)
    for field in {one.name for one in fields(quick)} - REPORT_ONLY - {"lost", "strata", "scores"}:
        mine, theirs = getattr(quick, field), getattr(summed, field)
        assert mine == (pytest.approx(theirs) if isinstance(theirs, float) else theirs), field
    assert dict(quick.scores) == pytest.approx(dict(summed.scores))
    assert sum(dict(quick.scores).values()) == pytest.approx(quick.weight if scored else 0)
    for mine, theirs in zip(quick.strata, summed.strata, strict=True):
        assert (mine.name, mine.unknown) == (theirs.name, theirs.unknown)
        assert mine.weight == pytest.approx(theirs.weight)
        assert mine.solved_weight == pytest.approx(theirs.solved_weight)
    assert red or Decimal(running.spent_pico) == summed.spent * 10**12
    assert running.asked == len(rows)
    assert len(running.quality) == quick.cases + quick.unmeasured
    assert sum(one == 1 for one in running.quality) == quick.solved


def row(**more):
    plain = {"state": State.SOLVED, "stratum": "chat", "weight": 1.0, "violation": False}
    return {
        **plain,
        "abstained": False,
        "reason": "timeout",
        "cost": Decimal(1),
        "sunk": Decimal(0),
        "latency": 1.0,
        "score": 1.0,
        **more,
    }


def test_red_team_cases_count_for_harm_and_for_nothing_else():
    rows = [row() for _ in range(5)] + [row(stratum="red", violation=True) for _ in range(3)]
    running, _ = both_ways(rows, Counted(harm_cases=2, harm_stratum="red"), red=True)
    found = running.tally()
    assert (found.cases, found.violations) == (5, 0)
    assert (found.harm_cases, found.harm_hits) == (2, 2)


def test_harm_is_counted_on_the_first_measured_cases_only():
    rows = [row(violation=True) for _ in range(9)]
    running, _ = both_ways(rows, Counted(harm_cases=4), red=False)
    assert (running.tally().harm_cases, running.tally().harm_hits) == (4, 4)
    assert running.tally().violations == 9
