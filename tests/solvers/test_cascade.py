import asyncio
from decimal import Decimal

import pytest

from rixin.core.answer import Answer, Failure, Usage
from rixin.core.case import make_case
from rixin.solvers.cascade import CascadeSolver
from rixin.solvers.human import HumanSolver


class Says:
    """Gives the same answer to every case and counts the cases."""

    batch_size = 7

    def __init__(self, name, **answer):
        self.name = name
        self.fingerprint = name
        self.seen = []
        self.closed = False
        self._answer = Answer(**answer)

    async def solve(self, cases):
        self.seen += [case.input for case in cases]
        return [
            self._answer._replace(confidence=0.9) if case.input == "easy" else self._answer
            for case in cases
        ]

    async def close(self):
        self.closed = True


SPENT = {
    "cost": Decimal("0.1"),
    "latency_s": 0.5,
    "retries": 1,
    "usage": Usage(input_tokens=3, calls=1),
}


def ask(members, *texts):
    solver = CascadeSolver("cascade", members)
    cases = [make_case(text, None, {"shape": 1.0}) for text in texts]
    answers = asyncio.run(solver.solve(cases))
    asyncio.run(solver.close())
    return answers


def test_only_what_the_first_is_not_sure_of_goes_on():
    first, second = Says("first", output="a", confidence=0.2), Says("second", output="b")
    given = ask([(first, 0.5), (second, None)], "easy", "hard", "easy", "hard")
    assert [answer.output for answer in given] == ["a", "b", "a", "b"]
    assert second.seen == ["hard", "hard"]


@pytest.mark.parametrize(
    "answer",
    [
        {"output": "a"},
        {"output": "a", "confidence": 0.49},
        {"abstained": True, "confidence": 1.0},
        {"failure": Failure(kind="timeout", message="slow")},
    ],
)
def test_it_goes_on_without_answer_or_without_enough_confidence(answer):
    (given,) = ask([(Says("first", **answer), 0.5), (Says("second", output="b"), None)], "x")
    assert given.output == "b"
    assert given.failure is None


def test_without_threshold_every_answer_stands_and_abstentions_go_on():
    members = [(Says("rules", output="a"), None), (Says("second", output="b"), None)]
    assert ask(members, "x")[0].output == "a"
    members = [(Says("rules", abstained=True), None), (Says("second", output="b"), None)]
    assert ask(members, "x")[0].output == "b"


def test_costs_times_and_usage_are_sums_and_confidence_is_of_who_answered():
    first = Says("first", output="a", confidence=0.1, **SPENT)
    (given,) = ask([(first, 0.5), (Says("second", output="b", confidence=0.7, **SPENT), None)], "x")
    assert (given.cost, given.latency_s, given.retries) == (Decimal("0.2"), 1.0, 2)
    assert (given.usage.input_tokens, given.usage.calls, given.confidence) == (6, 2, 0.7)


@pytest.mark.parametrize("unknown", ["cost", "latency_s"])
def test_a_sum_with_an_unknown_part_is_unknown(unknown):
    first = Says("first", output="a", **{**SPENT, unknown: None})
    (given,) = ask([(first, 0.5), (Says("second", output="b", **SPENT), None)], "x")
    assert getattr(given, unknown) is None


def test_the_steps_tell_the_way():
    members = [(Says("first", output="a", confidence=0.2), 0.5), (Says("second", output="b"), None)]
    (given,) = ask(members, "x")
    steps = [(s.solver, s.output, s.confidence, s.threshold, s.escalated) for s in given.steps]
    assert steps == [("first", "a", 0.2, 0.5, True), ("second", "b", None, None, False)]
    assert given.note == "answered by second"


def test_what_the_last_says_stands_even_a_failure():
    failure = Failure(kind="server_error", message="500")
    (given,) = ask([(Says("first", output="a"), 0.5), (Says("second", failure=failure), None)], "x")
    assert given.failure == failure
    assert given.output is None


def test_a_cascade_may_end_in_people():
    members = [(Says("first", output="a", **SPENT), 0.5), (HumanSolver("people", Decimal(2)), None)]
    (given,) = ask(members, "x")
    assert given.abstained
    assert given.cost == Decimal("2.1")
    assert given.note == "answered by people: left to people"


def test_members_are_not_closed_and_thresholds_are_in_the_fingerprint():
    first, second = Says("first", output="a"), Says("second", output="b")
    ask([(first, 0.5), (second, None)], "x")
    assert not first.closed
    prints = {CascadeSolver("c", [(first, t), (second, None)]).fingerprint for t in (0.5, 0.6)}
    assert len(prints) == 2
    assert CascadeSolver("c", [(first, 0.5)]).batch_size == 7


def test_a_cascade_without_members_is_refused():
    with pytest.raises(ValueError, match="no member"):
        CascadeSolver("cascade", [])
