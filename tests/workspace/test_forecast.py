"""The forecast of what a decision pays, held to what recorded decisions took."""

import importlib
from pathlib import Path
from statistics import median

import pytest
from recorded_world import write_contract, write_world

from rixin.interop.contract.load import load_scenario
from rixin.workspace import Workspace
from rixin.workspace.forecast import Missing, expected_spend
from rixin.workspace.start import entries_of, shape_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SETS = (
    ("routerbench", "arc-challenge", None),
    ("zellinger_cascades", "mmlu", "test"),
    ("zellinger_cascades", "triviaqa", "test"),
    ("routerbench", "winogrande", None),
)
CONTRACT = """\
scenario: recorded
owner: tests
task: Answer the question.
cases: {{path: cases.csv, input: text, id: id, pools: {{shape: 0.4, certify: 0.6}}}}
output: free-text
demand: {{cases_per_month: 6000}}
incumbent: {{name: people, cost_per_case: 1, solved: 0.01, source: tests}}
economics: {{value_per_solved: 1, cost_per_wrong: 0, cost_per_review: 0, build_cost: 0}}
promise: {{solved: {{at_least: {floor:.6f}}}, confidence: 0.95, margin: 0.02}}
policy: {{guards: []}}
candidates:
{candidates}"""


def expected_and_taken(path, **options):
    """What a decision is expected to cost, were its recorded answers paid for, and what it took."""
    with Workspace(quiet=True) as workspace:
        opened = workspace._open(load_scenario(path))
        entries = entries_of(opened.stored, opened.contenders, ())
        search = shape_of(opened.scenario, opened.stored).size if opened.budget.proposed else 0
        missing = {one.candidate.name: Missing(search=search) for one in entries}
        expected = expected_spend(opened.scenario, entries, missing, **options)
        most = sum((one.price or 0.0) * (one.cases + search) for one in entries)
        result = workspace.decide(path, **options)
    taken = float(result.verdict.spent)
    assert 0 < expected <= most
    assert taken <= most * 1.000001
    return expected, taken


def test_the_expectation_is_near_what_recorded_decisions_took(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    outcomes = importlib.import_module("outcomes")
    errors = []
    for file, dataset, split in SETS:
        recorded = outcomes.load(file, dataset, split)
        if recorded is None:
            pytest.skip(f"{outcomes.FOLDER} is not there")
        folder = tmp_path / dataset
        recorded.write_logs(folder)
        recorded.write_cases(folder / "cases.csv", seed=2)
        path = folder / "recorded.yaml"
        floor = float(recorded.rate.max()) - 0.04
        candidates = recorded.candidates(confidence=False)
        path.write_text(CONTRACT.format(floor=floor, candidates=candidates))
        expected, taken = expected_and_taken(path)
        errors.append(abs(expected / taken - 1))
    assert median(errors) <= 0.25, errors


def test_asking_everybody_everything_costs_what_was_said(tmp_path):
    write_world(tmp_path)
    path = write_contract(tmp_path)
    expected, taken = expected_and_taken(path, exhaustive=True)
    assert expected == pytest.approx(taken, rel=0.02)


def test_what_is_stored_is_not_paid_again(tmp_path):
    write_world(tmp_path, cases=300)
    with Workspace(quiet=True) as workspace:
        opened = workspace._open(load_scenario(write_contract(tmp_path)))
        entries = entries_of(opened.stored, opened.contenders, ())
        names = [one.candidate.name for one in entries]
        stored = {one.candidate.name: Missing(stored=one.cases) for one in entries}
        all_of_it = expected_spend(opened.scenario, entries, dict.fromkeys(names, Missing()))
        dear = expected_spend(opened.scenario, entries, {"dear": Missing()})
        assert all_of_it == expected_spend(
            opened.scenario, entries, dict.fromkeys(names, Missing())
        )
        assert expected_spend(opened.scenario, entries, stored) == 0
        assert 0 < dear < all_of_it
