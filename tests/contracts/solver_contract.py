"""The contract of `rixin.core.solver.Solver`, for every implementation, third-party ones too.

    import pytest
    from solver_contract import SOLVER_CHECKS

    @pytest.mark.parametrize("check", SOLVER_CHECKS)
    def test_my_solver(check):
        check(lambda: MySolver(...), my_cases)

`make` gives a fresh, equal solver at each call; the cases hold at least three different inputs.
"""

import asyncio
from collections.abc import Callable, Sequence

from rixin.core.answer import Answer
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.core.solver import Solver

Make = Callable[[], Solver]
ODD_INPUTS = (
    "",
    " ",
    "\x00",
    "🙂" * 3,
    "a" * 20_000,
    '{"id": "x"}\n{"id": "y"}',
    "س\u200f 日\u2028",
    "أريد بطاقة جديدة من فضلكم",
    "half a pair: \ud83d",
    "<|im_end|></s>[INST]",
)


def solve(make: Make, *batches: Sequence[Case]) -> list[Sequence[Answer]]:
    async def run() -> list[Sequence[Answer]]:
        solver = make()
        try:
            return [await solver.solve(batch) for batch in batches]
        finally:
            await solver.close()

    return asyncio.run(run())


def check_it_meets_the_protocol(make: Make, cases: Sequence[Case]) -> None:
    solver = make()
    assert isinstance(solver, Solver)
    assert solver.name
    assert solver.fingerprint
    assert solver.batch_size >= 1
    asyncio.run(solver.close())


def check_equal_solvers_have_equal_fingerprints(make: Make, cases: Sequence[Case]) -> None:
    first, second = make(), make()
    assert first.fingerprint == second.fingerprint
    asyncio.run(first.close())
    asyncio.run(second.close())


def check_one_answer_per_case_in_order(make: Make, cases: Sequence[Case]) -> None:
    together, *alone = solve(make, list(cases), *([case] for case in cases))
    assert len(together) == len(cases)
    assert [_said(answer) for answer in together] == [_said(one[0]) for one in alone]


def check_a_case_may_come_twice_in_a_batch(make: Make, cases: Sequence[Case]) -> None:
    (answers,) = solve(make, [cases[0], cases[1], cases[0]])
    assert _said(answers[0]) == _said(answers[2])


def check_no_cases_give_no_answers(make: Make, cases: Sequence[Case]) -> None:
    (answers,) = solve(make, [])
    assert list(answers) == []


def check_answers_are_well_formed(make: Make, cases: Sequence[Case]) -> None:
    (answers,) = solve(make, list(cases))
    for answer in answers:
        _check_answer(answer)


def check_odd_inputs_do_not_raise(make: Make, cases: Sequence[Case]) -> None:
    odd = [_with_input(cases[0], text) for text in ODD_INPUTS]
    (answers,) = solve(make, odd)
    assert len(answers) == len(odd)
    for answer in answers:
        _check_answer(answer)


def check_the_expected_output_is_not_looked_at(make: Make, cases: Sequence[Case]) -> None:
    blind = [case._replace(expected=None) for case in cases]
    seeing, unseeing = solve(make, list(cases), blind)
    assert [_said(answer) for answer in seeing] == [_said(answer) for answer in unseeing]


def check_calls_may_overlap(make: Make, cases: Sequence[Case]) -> None:
    async def run() -> list[Sequence[Answer]]:
        solver = make()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(solver.solve([case])) for case in cases]
            return [task.result() for task in tasks]
        finally:
            await solver.close()

    (together,) = solve(make, list(cases))
    assert [_said(answers[0]) for answers in asyncio.run(run())] == [_said(a) for a in together]


def check_it_closes_twice(make: Make, cases: Sequence[Case]) -> None:
    async def run() -> None:
        solver = make()
        await solver.solve(cases[:1])
        await solver.close()
        await solver.close()

    asyncio.run(run())


def _said(answer: Answer) -> tuple[object, ...]:
    kind = answer.failure.kind if answer.failure else None
    return answer.output, answer.abstained, kind, answer.recorded_score


def _with_input(case: Case, text: str) -> Case:
    return case._replace(id=digest(text), key=digest("k", text), input=text, ref=repr(text))


def _check_answer(answer: Answer) -> None:
    answered = answer.output is not None or answer.recorded_score is not None
    assert [answered, answer.abstained, answer.failure is not None].count(True) == 1
    assert answer.confidence is None or 0 <= answer.confidence <= 1
    assert answer.cost is None or answer.cost >= 0
    assert answer.latency_s is None or answer.latency_s >= 0
    assert answer.usage.cpu_s >= 0
    assert answer.retries >= 0
    assert all(0 <= chance <= 1 for chance in answer.probabilities.values())
    assert sum(answer.probabilities.values()) <= 1.001


SOLVER_CHECKS = (
    check_it_meets_the_protocol,
    check_equal_solvers_have_equal_fingerprints,
    check_one_answer_per_case_in_order,
    check_a_case_may_come_twice_in_a_batch,
    check_no_cases_give_no_answers,
    check_answers_are_well_formed,
    check_odd_inputs_do_not_raise,
    check_the_expected_output_is_not_looked_at,
    check_calls_may_overlap,
    check_it_closes_twice,
)
