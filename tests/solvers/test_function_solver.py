import asyncio
import sys
import threading
from decimal import Decimal

import pytest

from rixin.core.case import make_case
from rixin.plugins import Plugin
from rixin.solvers.function import FunctionSolver

CASES = [make_case(text, "secret", {"shape": 1.0}, ref=text) for text in ("a", "b")]


def ask(call, cases=CASES, **options):
    async def run():
        solver = FunctionSolver("own", Plugin(target="m:f", call=call, source_hash="0"), **options)
        try:
            return await solver.solve(cases)
        finally:
            await solver.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("reply", "output"),
    [
        ("text", "text"),
        (7, "7"),
        (2.5, "2.5"),
        (True, "true"),
        ({"output": {"b": 1, "a": "é"}}, '{"a": "é", "b": 1}'),
        ({"output": ["x"]}, '["x"]'),
    ],
)
def test_what_it_returns_becomes_the_output(reply, output):
    assert ask(lambda text: reply)[0].output == output


@pytest.mark.parametrize("reply", [None, {"output": None}, float("nan")])
def test_none_abstains(reply):
    assert ask(lambda text: reply)[0].abstained


def test_confidence_and_cost_are_taken_over():
    given = ask(lambda text: {"output": "x", "confidence": "0.25", "cost": 0.1})[0]
    assert (given.confidence, given.cost) == (0.25, Decimal("0.1"))
    assert given.latency_s > 0


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"answer": 1}, "no 'output'"),
        ({"output": object()}, "the output must be a text, not object"),
        ({"output": {"a": object()}}, "the output is not JSON"),
        ({"output": "x", "confidence": 2}, "confidence must be in"),
        ({"output": "x", "confidence": "high"}, "confidence must be a number"),
        ({"output": "x", "cost": -1}, "cost must be at least 0"),
        ({"output": "x", "cost": "much"}, "cost must be an amount of money"),
    ],
)
def test_a_reply_that_cannot_be_read_is_a_failure_of_that_case(reply, message):
    failure = ask(lambda text: reply)[0].failure
    assert failure.kind == "bad_reply"
    assert message in failure.message


def test_with_case_it_sees_everything_but_the_expected_output():
    seen = []
    ask(seen.append, argument="case")
    assert seen[0] == {"id": "a", "input": "a", "stratum": ""}


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration("no"), TimeoutError("no")])
def test_what_it_raises_is_a_failure_of_that_case_alone(error):
    def call(text):
        if text == "a":
            raise error
        return text

    failed, fine = ask(call)
    assert failed.failure.kind == "crashed"
    assert failed.failure.message == f"{type(error).__name__}: no"
    assert fine.output == "b"


def test_a_function_that_exits_does_not_end_the_run():
    assert ask(lambda text: sys.exit(3))[0].failure.message == "SystemExit: 3"


def test_a_call_that_takes_too_long_is_left_behind():
    released, ended = threading.Event(), []

    def call(text):
        if text == "a":
            released.wait(60)
            ended.append(text)
        return text

    slow, fine = ask(call, timeout_s=0.05)
    assert ended == []  # it was not waited for
    released.set()
    assert slow.failure.kind == "timeout"
    assert slow.failure.message == "the function took longer than 0.05 s"
    assert fine.output == "b"


def test_async_functions_are_called_at_once_for_a_batch():
    together = 0

    async def call(text):
        nonlocal together
        together += 1
        while together < 16:  # nobody answers before all were asked
            await asyncio.sleep(0)
        return text

    assert len(ask(call, CASES * 8)) == 16


def test_async_failures_and_time_outs_are_values_too():
    async def call(text):
        if text == "b":
            await asyncio.sleep(5)
        raise KeyError("x")

    crashed, slow = ask(call, timeout_s=0.05)
    assert (crashed.failure.message, slow.failure.kind) == ("KeyError: 'x'", "timeout")


def test_an_object_with_an_async_call_works():
    class Own:
        async def __call__(self, text):
            return text

    assert ask(Own())[0].output == "a"


def test_source_and_argument_are_in_the_fingerprint():
    def fingerprint(source_hash, **options):
        plugin = Plugin(target="m:f", call=str, source_hash=source_hash)
        return FunctionSolver("own", plugin, **options).fingerprint

    assert len({fingerprint("0"), fingerprint("1"), fingerprint("0", argument="case")}) == 3
