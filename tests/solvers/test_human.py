"""The people who do the job today."""

import asyncio
from decimal import Decimal

from rixin.core.case import make_case
from rixin.solvers.human import HumanSolver


def test_every_case_is_left_to_people_at_their_cost():
    cases = [make_case(text, "x", {"shape": 1.0}) for text in ("a", "b")]
    answers = asyncio.run(HumanSolver("people", Decimal("1.60")).solve(cases))
    assert [answer.abstained for answer in answers] == [True, True]
    assert {answer.cost for answer in answers} == {Decimal("1.60")}


def test_their_cost_is_in_the_fingerprint():
    one, two = HumanSolver("people", Decimal(1)), HumanSolver("people", Decimal(2))
    assert one.fingerprint != two.fingerprint
