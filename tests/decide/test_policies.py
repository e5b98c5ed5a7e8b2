import asyncio
from decimal import Decimal

import numpy as np
import pytest
from cascade_samples import evidence, sample, world
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.core.answer import Answer, Failure
from rixin.core.case import make_case
from rixin.decide.policies import Policy, Step, apply, differences
from rixin.decide.signals import fit_signal
from rixin.solvers.cascade import CascadeSolver

NAN = float("nan")


def test_a_policy_asks_somebody_and_nobody_twice():
    with pytest.raises(ValueError, match="needs a step"):
        Policy(())
    with pytest.raises(ValueError, match="once: a, a"):
        Policy((Step("a", 0.5), Step("a")))


def test_a_single_solver_is_a_policy_of_one_step():
    pool = sample(evidence("a", [1, 0], violated=[False, True], abstained=[False, True]))
    done = apply(Policy((Step("a", 0.9),)), pool)
    assert done.solved.tolist() == [1, 0]
    assert done.cost.tolist() == [1, 1]
    assert done.violated.tolist() == done.abstained.tolist() == [False, True]
    assert done.answered_by.tolist() == [0, 0]


def test_what_was_not_measured_is_unsolved_and_paid_whoever_comes_after():
    first = evidence("a", [NAN, 1, 1], cost=[NAN, 1.0, 2.0], confidence=0.9)
    last = evidence("b", [1, NAN, 0], cost=5.0)
    pool = sample(first, last)
    done = apply(Policy((Step("a", 0.5), Step("b"))), pool)
    assert done.solved.tolist() == [0, 1, 1]
    assert done.measured.tolist() == [False, True, True]
    assert done.cost.tolist() == [7, 1, 2]
    assert done.answered_by.tolist() == [1, 0, 0]
    assert differences(done, pool, "b").tolist() == [-1, 0, 1]


def test_a_signal_decides_in_place_of_the_confidence():
    pool = world(1, 300)
    members = [pool.of("s0"), pool.of("s1")]
    signal = fit_signal(pool, members, pool.of("s2"))
    scores = signal.score([m.confidence for m in members], [m.answer for m in members])
    least = float(np.median(scores))
    steps = (Step("s0", 2.0), Step("s1", least, signal), Step("s2"))
    done = apply(Policy(steps), pool)
    assert (done.answered_by == np.where(scores >= least, 1, 2)).all()


CALLS = st.tuples(
    st.sampled_from(["answer", "abstain", "fail"]),
    st.none() | st.integers(0, 10).map(lambda tenths: tenths / 10),
    st.integers(0, 50),
)
MEMBERS = st.integers(1, 3).flatmap(
    lambda count: st.tuples(
        st.lists(st.lists(CALLS, min_size=count, max_size=count), min_size=1, max_size=8),
        st.lists(
            st.none() | st.integers(0, 10).map(lambda tenths: tenths / 10),
            min_size=count,
            max_size=count,
        ),
    )
)


class Recorded:
    """Answers what was recorded for each case."""

    batch_size = 3

    def __init__(self, name, calls):
        self.name = self.fingerprint = name
        self._calls = calls

    async def solve(self, cases):
        return [_answer(*self._calls[int(case.input)]) for case in cases]

    async def close(self):
        """Holds nothing."""


def _answer(kind, confidence, cost):
    failure = Failure(kind="timeout", message="") if kind == "fail" else None
    return Answer(
        output=None if kind != "answer" else "x",
        confidence=confidence,
        abstained=kind == "abstain",
        failure=failure,
        cost=Decimal(cost),
        latency_s=cost / 4,
    )


@given(MEMBERS)
@settings(deadline=None)
def test_stored_outcomes_tell_what_the_served_cascade_would_do(drawn):
    calls, thresholds = drawn
    names = [f"m{place}" for place in range(len(thresholds))]
    columns = [[row[place] for row in calls] for place in range(len(thresholds))]
    served = CascadeSolver(
        "c",
        [
            (Recorded(*named), least)
            for named, least in zip(zip(names, columns, strict=True), thresholds, strict=True)
        ],
    )
    cases = [make_case(str(i), None, {"shape": 1.0}) for i in range(len(calls))]
    answers = asyncio.run(served.solve(cases))
    pool = sample(
        *(
            evidence(
                name,
                [NAN if kind == "fail" else float(kind == "answer") for kind, _, _ in column],
                cost=[float(cost) for _, _, cost in column],
                latency_s=[cost / 4 for _, _, cost in column],
                confidence=[NAN if sure is None else sure for _, sure, _ in column],
                abstained=[kind == "abstain" for kind, _, _ in column],
            )
            for name, column in zip(names, columns, strict=True)
        )
    )
    done = apply(Policy(tuple(map(Step, names, thresholds))), pool)
    assert done.cost.tolist() == [float(answer.cost) for answer in answers]
    assert done.latency_s.tolist() == [answer.latency_s for answer in answers]
    assert done.answered_by.tolist() == [len(answer.steps) - 1 for answer in answers]
    assert done.abstained.tolist() == [answer.abstained for answer in answers]
    failed = [
        any(row[i][0] == "fail" for i in range(len(a.steps)))
        for row, a in zip(calls, answers, strict=True)
    ]
    assert done.measured.tolist() == [not each for each in failed]
