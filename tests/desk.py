"""A small scenario on disk that the tests of workspace and command line share."""

import csv
from pathlib import Path
from typing import Any

import yaml

WORDS = {
    "refund": ["refund my order", "money back please", "charge me twice"],
    "delivery": ["where is my parcel", "late delivery", "courier lost it"],
    "account": ["cannot log in", "reset my password", "close my account"],
}
RULES = """rules:
  - {label: refund, any: [refund, money back, charge]}
  - {label: delivery, any: [parcel, delivery, courier]}
default: account
"""
SOLVER = """def answer(text):
    for label, words in {"refund": ("refund", "money", "charge"), "delivery": ("parcel", "delivery", "courier")}.items():
        if any(word in text for word in words):
            return {"output": label, "confidence": 0.9}
    return {"output": "account", "confidence": 0.6}


def never(text):
    return "refund"


def shy(text):
    raise RuntimeError("no idea")
"""


def write_cases(path: Path, count: int = 900) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "message", "queue"])
        labels = list(WORDS)
        for number in range(count):
            label = labels[number % len(labels)]
            words = WORDS[label][number // len(labels) % 3]
            table.writerow([f"m{number}", f"{words}, ticket {number * 7919}", label])


def contract(**changes: Any) -> dict[str, Any]:
    """The scenario file as values; None takes a key out."""
    fields: dict[str, Any] = {
        "scenario": "desk",
        "owner": "support",
        "task": "Route each message to its queue.",
        "cases": {"path": "cases.csv", "input": "message", "expected": "queue", "id": "id"},
        "output": {"labels": "from-cases"},
        "demand": {"cases_per_month": 20_000},
        "incumbent": {"name": "agents", "cost_per_case": 0.8, "solved": 0.9, "source": "survey"},
        "economics": {
            "currency": "EUR",
            "value_per_solved": 1.0,
            "cost_per_wrong": 2.0,
            "cost_per_review": 0.8,
            "build_cost": 1000,
            "cpu_hour": 0.05,
        },
        "promise": {"solved": {"at_least": 0.85}, "harm": {"at_most": 0.02}},
        "policy": {"egress": "none", "guards": ["output-schema"]},
        "candidates": [
            {"name": "rules", "rule": "rules.yaml"},
            {"name": "wrong", "function": "solver:never"},
        ],
    }
    return {key: value for key, value in {**fields, **changes}.items() if value is not None}


def write_desk(folder: Path, *, count: int = 900, **changes: Any) -> Path:
    """Cases, rules, functions and scenario in a folder; gives the scenario file."""
    write_cases(folder / "cases.csv", count)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "solver.py").write_text(SOLVER, encoding="utf-8")
    path = folder / "desk.yaml"
    path.write_text(yaml.safe_dump(contract(**changes), sort_keys=False), encoding="utf-8")
    return path
