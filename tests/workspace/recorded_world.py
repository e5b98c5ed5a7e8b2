"""A made-up log of three solvers on the same cases, and scenarios that decide on it."""

import csv

import numpy as np

from rixin.workspace import Workspace

CONTRACT = """\
scenario: world
owner: tests
task: Answer.
cases: {{path: cases.csv, input: text, id: id, stratum: part{cases}}}
output: free-text
demand: {{cases_per_month: {demand}}}
incumbent: {{name: people, cost_per_case: {people}, solved: {by_people}, source: tests}}
economics: {{value_per_solved: {value}, cost_per_wrong: {wrong}, cost_per_review: 0, build_cost: 0}}
promise: {{solved: {{at_least: {floor}{solved}}}, confidence: 0.9, margin: 0.02{promise}}}
policy: {{guards: {guards}}}
{more}
candidates:
{candidates}"""
COLUMNS = "{id: id, score: score, cost: cost, confidence: sure, output: said}"
PRICES = {"cheap": 0.001, "middle": 0.004, "dear": 0.02}


def write_world(folder, *, cases=900, seed=1, shift=0):
    """Hard cases are hard for everybody, and the cheap solver knows when it is wrong."""
    rng = np.random.default_rng(seed)
    hard = rng.random(cases)
    with (folder / "cases.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text", "part"])
        for i in range(cases):
            words = " ".join(f"{x:x}" for x in rng.integers(0, 1 << 40, 6))
            rows.writerow([f"c{i + shift}", words, "red" if i % 10 == 0 else "plain"])
    for name, rate in (("cheap", 0.80), ("middle", 0.90), ("dear", 0.97)):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "score", "cost", "sure", "said"])
            for i, each in enumerate(hard):
                sure = min(1.0, max(0.0, 1 - each + 0.05 * rng.standard_normal()))
                said = "right" if each < rate else f"{name} {i}"
                rows.writerow(
                    [f"c{i + shift}", int(each < rate), PRICES[name], f"{sure:.4f}", said]
                )


def write_contract(folder, names=("cheap", "middle", "dear"), columns=COLUMNS, **fields):
    given = {
        "cases": "",
        "demand": 100_000,
        "people": 1,
        "by_people": 0.5,
        "value": 1,
        "wrong": 0,
        "floor": 0.7,
        "solved": "",
        "promise": "",
        "guards": "[]",
        "more": "",
        **fields,
    }
    given["candidates"] = "".join(
        f"  - {{name: {name}, replay: {name}.csv, columns: {columns}}}\n" for name in names
    )
    path = folder / "world.yaml"
    path.write_text(CONTRACT.format(**given))
    return path


def decided(path, **options):
    with Workspace(quiet=True) as workspace:
        return workspace.decide(path, **options)
