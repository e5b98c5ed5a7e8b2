"""The Python API, end to end on a small scenario."""

import asyncio
import json
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from desk import write_desk
from rixin import Workspace
from rixin.core.verdict import Decision, Standing
from rixin.errors import CasesError, ExportError, LedgerFault, UnknownName, UsageError
from rixin.ledger.store import Ledger


def asked(folder: Path) -> dict[str, int]:
    """Stored outcomes by solver."""
    with sqlite3.connect(folder / ".rixin" / "ledger.sqlite3") as database:
        query = "select name, count(*) from outcomes join solvers on solver_id = id group by name"
        return dict(database.execute(query).fetchall())


def test_a_scenario_is_decided_from_its_file(tmp_path):
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(write_desk(tmp_path))
    assert (result.verdict.decision, result.verdict.winner) == (Decision.ADOPT, "rules")
    assert result.exit_code == 0
    by_name = {one.name: one for one in result.verdict.candidates}
    assert by_name["rules"].solved.value == 1.0
    assert by_name["rules"].tally.missing == 0
    assert result.data.pools == {"shape": 381, "certify": 422, "audit": 97}


def test_nobody_is_asked_more_than_it_takes_unless_all_is_wanted(tmp_path):
    path = write_desk(tmp_path)
    with Workspace(quiet=True) as workspace:
        race = workspace.decide(path).verdict
        every = workspace.decide(path, exhaustive=True).verdict
    assert sum(one.tally.cases for one in race.candidates) < 422 + 30
    assert [one.tally.cases for one in every.candidates] == [422, 422]
    assert race.winner == every.winner == "rules"
    assert every.candidates[1].standing is Standing.FAILS


def test_a_second_decision_asks_nothing_and_gives_the_same_figures(tmp_path):
    path = write_desk(tmp_path)
    with Workspace(quiet=True) as workspace:
        first = workspace.decide(path)
        rows = asked(tmp_path)
        second = workspace.decide(path)
    assert rows == asked(tmp_path)
    assert first.verdict == second.verdict


def test_a_changed_rule_is_a_new_solver_and_the_rest_stays(tmp_path):
    path = write_desk(tmp_path)
    with Workspace(quiet=True) as workspace:
        workspace.decide(path, exhaustive=True)
        (tmp_path / "rules.yaml").write_text("rules: [{label: refund, any: [refund]}]\n")
        again = workspace.decide(path, exhaustive=True)
    assert asked(tmp_path) == {"rules": 844, "wrong": 422}
    assert again.verdict.winner is None


def test_a_changed_scorer_judges_stored_answers_anew(tmp_path):
    with Workspace(quiet=True) as workspace:
        workspace.decide(write_desk(tmp_path))
        first = asked(tmp_path)
        again = workspace.decide(write_desk(tmp_path, scorers=["exact"]))
    assert again.verdict.winner == "rules"
    assert asked(tmp_path) == {name: 2 * rows for name, rows in first.items()}


def test_only_the_chosen_candidates_run(tmp_path):
    path = write_desk(tmp_path)
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(path, only=["rules"])
        assert set(asked(tmp_path)) == {"rules"}
        with pytest.raises(UnknownName, match="rulez"):
            workspace.decide(path, only=["rulez"])
    wrong = result.verdict.candidates[1]
    assert wrong.standing is Standing.UNMEASURED
    assert wrong.tally.missing == 422


def test_a_cascade_uses_what_its_members_answered(tmp_path):
    path = write_desk(
        tmp_path,
        candidates=[
            {"name": "f", "function": "solver:answer"},
            {"name": "student", "student": "tfidf-logistic"},
            {"name": "duo", "cascade": [{"solver": "f", "threshold": 0.8}, {"solver": "student"}]},
            {"name": "people", "human": "incumbent"},
        ],
    )
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(path, exhaustive=True)
        explained = workspace.explain(path, "m2")
    names = [one.name for one in result.verdict.candidates]
    assert names == ["f", "student", "duo"]
    assert asked(tmp_path) == {"f": 422, "student": 422, "duo": 422}
    assert "student" in explained.text()


def test_a_function_gets_the_text_and_a_broken_one_is_not_asked_shape_cases(tmp_path):
    path = write_desk(
        tmp_path,
        count=3000,
        demand={"cases_per_month": 2_000_000},
        candidates=[
            {"name": "shy", "function": "solver:shy"},
            {"name": "f", "function": "solver:answer"},
            {"name": "student", "student": "tfidf-logistic"},
        ],
    )
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(path)
    by_name = {one.name: one for one in result.verdict.candidates}
    assert by_name["f"].solved.value == 1.0
    assert by_name["shy"].standing is Standing.UNMEASURED
    assert asked(tmp_path)["shy"] == by_name["shy"].trial.asked
    assert "shy" not in result.certificate["sequence"].get("proposed_from", ())


def test_recorded_answers_decide_without_a_call(tmp_path):
    path = write_desk(
        tmp_path,
        candidates=[
            {
                "name": "logged",
                "replay": "log.jsonl",
                "columns": {"id": "case", "output": "said", "cost": "eur"},
                "where": {"model": "big"},
            }
        ],
    )
    lines = []
    for number in range(900):
        label = ["refund", "delivery", "account"][number % 3]
        for model, said in (("big", label), ("small", "refund")):
            row = {"case": f"m{number}", "said": said, "eur": "0.01", "model": model}
            lines.append(json.dumps(row))
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(path, exhaustive=True)
    (logged,) = result.verdict.candidates
    assert logged.solved.value == 1.0
    assert logged.tally.cost_total == Decimal("4.22")


def test_failures_are_not_measured_and_one_is_told(tmp_path):
    path = write_desk(tmp_path, candidates=[{"name": "shy", "function": "solver:shy"}])
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(path)
    assert result.verdict.decision is Decision.CANNOT_TELL
    assert result.exit_code == 1
    assert any("no idea" in warning for warning in result.verdict.warnings)


def test_weights_and_strata_of_the_file_count(tmp_path):
    path = write_desk(
        tmp_path,
        count=300,
        candidates=[{"name": "wrong", "function": "solver:never"}],
    )
    text = (tmp_path / "cases.csv").read_text().splitlines()
    heavier = [f"{text[0]},w", *(f"{row},{9 if row.endswith('refund') else 1}" for row in text[1:])]
    (tmp_path / "cases.csv").write_text("\n".join(heavier))
    plain = path.read_text().replace("expected: queue", "expected: queue\n  weight: w")
    path.write_text(plain)
    with Workspace(quiet=True) as workspace:
        (found,) = workspace.decide(path).verdict.candidates
    assert found.tally.solved / found.tally.cases == pytest.approx(1 / 3, abs=0.1)
    assert found.solved.value == pytest.approx(9 / 11, abs=0.05)


def test_a_report_before_any_decision_says_so(tmp_path):
    path = write_desk(tmp_path)
    with Workspace(quiet=True) as workspace:
        before = workspace.report(path)
        decided = workspace.decide(path)
        after = workspace.report(path)
    assert "nothing was decided yet" in before.verdict.warnings[0]
    assert after.verdict == decided.verdict


def test_a_result_is_written_in_the_form_of_its_name(tmp_path):
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(write_desk(tmp_path))
    for name, sign in (("a.html", "<!doctype html>"), ("b.md", "rixin:desk"), ("c.txt", "Adopt")):
        result.write(tmp_path / "deep" / name)
        assert sign in (tmp_path / "deep" / name).read_text(encoding="utf-8")
    result.write(tmp_path / "d.json")
    assert json.loads((tmp_path / "d.json").read_text())["format"] == "rixin.report/1"
    with pytest.raises(ExportError, match="no report ends in"):
        result.write(tmp_path / "e.pdf")
    with pytest.raises(ExportError, match="cannot write"):
        result.write(tmp_path / "d.json" / "f.html")
    assert "desk" in repr(result)
    assert "Adopt rules" in result._repr_html_()


def test_a_workspace_works_inside_a_running_loop(tmp_path):
    path = write_desk(tmp_path)

    async def notebook():
        with Workspace(quiet=True) as workspace:
            return workspace.decide(path)

    assert asyncio.run(notebook()).verdict.winner == "rules"


def test_two_decisions_at_once_on_one_ledger_are_refused(tmp_path):
    path = write_desk(tmp_path)
    with Workspace(quiet=True) as workspace, Ledger(workspace.ledger_path(path)) as other:
        with other.exclusive(), pytest.raises(LedgerFault, match="is deciding on the ledger"):
            workspace.decide(path)
        assert workspace.decide(path).verdict.winner == "rules"


def test_an_empty_pool_is_told_with_the_way_out(tmp_path):
    path = write_desk(tmp_path, count=1)
    with Workspace(quiet=True) as workspace, pytest.raises(CasesError, match="no case is left"):
        workspace.decide(path)


def test_labels_that_no_case_expects_are_pointed_out(tmp_path):
    path = write_desk(tmp_path, output={"labels": ["refund", "delivery", "acount"]})
    with Workspace(quiet=True) as workspace:
        plan = workspace.check(path)
    notes = " ".join(plan.notes)
    assert "no case expects 'acount'" in notes
    assert "1 expected outputs are not among the labels, e.g. 'account'" in notes


def test_a_case_is_explained_by_its_id_its_hash_or_its_text(tmp_path):
    path = write_desk(tmp_path)
    with Workspace(quiet=True) as workspace:
        workspace.decide(path)
        by_id = workspace.explain(path, "m899").to_dict()
        text = workspace.explain(path, "ticket 7119181").to_dict()
        assert by_id == text == workspace.explain(path, by_id["id"][:10]).to_dict()
        with pytest.raises(UnknownName, match="m7777"):
            workspace.explain(path, "m7777")
        with pytest.raises(UsageError, match="cases fit"):
            workspace.explain(path, "parcel")
