"""Every solver holds the contract; endpoints do so in their own file."""

import sys
from decimal import Decimal
from pathlib import Path

import pytest
from solver_contract import SOLVER_CHECKS

from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec
from rixin.plugins import Plugin
from rixin.solvers.cascade import CascadeSolver
from rixin.solvers.command import CommandSolver
from rixin.solvers.function import FunctionSolver
from rixin.solvers.human import HumanSolver
from rixin.solvers.local import LocalOptions, LocalSolver
from rixin.solvers.prompt import Example, build_prompt
from rixin.solvers.replay import ReplayColumns, ReplaySolver
from rixin.solvers.rule import Rule, RuleSet, RuleSolver
from rixin.solvers.student import StudentSolver
from small_model import small_model

SHARES = {"shape": 1.0}
CASES = [
    make_case(text, label, SHARES, ref=f"c{i}")
    for i, (text, label) in enumerate(
        [("where is my card", "card"), ("wire the money", "pay"), ("هل وصلت البطاقة", "card")]
    )
]
ROWS = [(case.ref, case.expected, 0.5) for case in CASES]
ECHO = "import sys, json\nfor l in sys.stdin: print(json.dumps({'output': json.loads(l)['input']}), flush=True)"


def rules():
    return RuleSolver("rules", RuleSet(rules=(Rule(label="card", any=("card", "البطاقة")),)))


def student():
    return StudentSolver("student", CASES)


async def async_upper(text):
    return text.upper()


def function(call):
    return FunctionSolver("own", Plugin(target="m:f", call=call, source_hash="0"))


MAKERS = {
    "rule": rules,
    "function": lambda: function(lambda text: {"output": text.upper(), "confidence": 0.4}),
    "async function": lambda: function(async_upper),
    "command": lambda: CommandSolver("prog", (sys.executable, "-c", ECHO), Path.cwd()),
    "student": student,
    "replay": lambda: ReplaySolver(
        "log", "1", lambda: ROWS, ReplayColumns(id="id", output="said", confidence="sure")
    ),
    "cascade": lambda: CascadeSolver("both", [(rules(), 0.9), (student(), None)]),
    "human": lambda: HumanSolver("people", Decimal("1.60")),
}


@pytest.mark.parametrize("check", SOLVER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", MAKERS)
def test_it_holds_the_contract(kind, check):
    check(MAKERS[kind], CASES)


def local():
    spec = OutputSpec(kind="labels", labels=("card", "pay"))
    prompt = build_prompt("Sort.", spec, [Example("a card", "card")], max_words=20)
    return LocalSolver("small", small_model(), prompt, LocalOptions(threads=1, context=256))


@pytest.mark.model
@pytest.mark.parametrize("check", SOLVER_CHECKS, ids=lambda check: check.__name__)
def test_a_local_model_holds_the_contract(check):
    check(local, CASES)
