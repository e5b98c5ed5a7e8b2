"""A scenario and tallies that the tests of `decide` vary."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rixin.core.scenario import (
    Budget,
    Candidate,
    CaseSource,
    Demand,
    Economics,
    Incumbent,
    OutputSpec,
    PartSpec,
    Policy,
    Promise,
    Scenario,
)
from rixin.core.verdict import Tally

AGENTS = Incumbent(name="agents", cost_per_case=Decimal("1.60"), solved=0.93, source="survey")
MONEY = Economics(
    value_per_solved=Decimal("2.10"),
    cost_per_wrong=Decimal("4.00"),
    cost_per_review=Decimal("1.60"),
    build_cost=Decimal(6000),
)
PROMISE = Promise(solved_at_least=0.85, harm_at_most=0.01, latency_p95_s=2.0)


def candidate(name: str, kind: Any = "endpoint", **more: Any) -> Candidate:
    return Candidate(name=name, kind=kind, target="t", **more)


def scenario(*candidates: Candidate, **more: Any) -> Scenario:
    fields: dict[str, Any] = {
        "name": "triage",
        "owner": "support",
        "task": "Route.",
        "cases": CaseSource(path=Path("cases.csv"), input="text", expected="queue"),
        "output": OutputSpec(kind="labels"),
        "scorers": (PartSpec(name="label"),),
        "demand": Demand(cases_per_month=40_000),
        "incumbent": AGENTS,
        "economics": MONEY,
        "promise": PROMISE,
        "policy": Policy(guards=(PartSpec(name="output-schema"),)),
        "budget": Budget(),
        "candidates": candidates or (candidate("strong"),),
        "path": Path("triage.yaml"),
    }
    return Scenario(**{**fields, **more})


def tally(name: str = "strong", n: int = 2000, solved: int = 1900, **more: Any) -> Tally:
    """Measured rows of one cent each, answered in half a second."""
    cost = Decimal(str(more.pop("cost", "0.01")))
    abstained = more.get("abstained", 0)
    fields: dict[str, Any] = {
        "solver": name,
        "cases": n,
        "harm_cases": n,
        "harm_hits": more.get("violations", 0),
        "solved": solved,
        "weight": float(n),
        "solved_weight": float(solved),
        "abstained_weight": float(abstained),
        "cost_known": n,
        "cost_total": cost * n,
        "cost_sq": float(cost) ** 2 * n,
        "latency_n": n,
        "latency_p50": 0.4,
        "latency_p95": 0.5,
        "latency_p95_lower": 0.45,
        "latency_p95_upper": 0.6,
        "spent": cost * n,
    }
    return Tally(**{**fields, **more})


def without_limits(**terms: Any) -> Promise:
    return replace(PROMISE, latency_p95_s=None, **terms)
