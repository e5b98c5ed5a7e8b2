"""Labels that people typed in many spellings are one label: learnt, scored and answered as one."""

import csv
import sqlite3
from contextlib import closing

from desk import write_desk
from rixin.workspace import Workspace
from support import completion, model_server

SPELLINGS = ("{} ", "{}", "{}\u00a0", "Title", "UPPER", "{}")


def spelt(label, n):
    form = SPELLINGS[n % len(SPELLINGS)]
    return {"Title": label.title(), "UPPER": label.upper()}.get(form, form.format(label))


def write_spelt(folder, **changes):
    """The desk's cases with each expected queue in one of five spellings."""
    path = write_desk(folder, count=300, **changes)
    rows = list(csv.reader((folder / "cases.csv").read_text().splitlines()))
    place = rows[0].index("queue")
    for n, row in enumerate(rows[1:]):
        row[place] = spelt(row[place], n // 3)
    with (folder / "cases.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def test_a_student_learns_each_label_once_and_answers_in_one_spelling(tmp_path):
    path = write_spelt(tmp_path, candidates=[{"name": "student", "student": "tfidf-logistic"}])
    with Workspace(quiet=True) as workspace:
        notes = workspace.check(path).notes
        result = workspace.decide(path, exhaustive=True)
        typed = list(csv.reader((tmp_path / "cases.csv").read_text().splitlines()))
        ledger = workspace.ledger_path(path)
    told = [note for note in notes if note.endswith("taken as one label")]
    assert len(told) == 3
    assert told[0].startswith("the label 'account' (")
    assert [note for note in result.data.notes if note in told] == told
    assert result.verdict.candidates[0].tally.solved > 100
    with closing(sqlite3.connect(ledger)) as rows:
        outputs = {row[0] for row in rows.execute("SELECT output FROM outcomes")}
    assert outputs == {"account", "delivery", "refund"}
    assert len({row[2] for row in typed[1:]}) == 15


def test_prompts_and_schemas_name_each_label_once(tmp_path):
    with model_server(lambda _, body: completion("REFUND")) as server:
        model = {"name": "model", "endpoint": "m", "base_url": server.url, "examples_per_label": 1}
        path = write_spelt(
            tmp_path,
            policy={"egress": "allowed"},
            candidates=[{**model, "price": {"input": 0, "output": 0}, "cases": 3}],
        )
        with Workspace(quiet=True) as workspace:
            workspace.decide(path, exhaustive=True)
        asked = server.calls[0]
    labels = asked["response_format"]["json_schema"]["schema"]["properties"]["label"]["enum"]
    assert sorted(labels) == ["account", "delivery", "refund"]
    assert asked["messages"][0]["content"].count("Output: ") == 3


def test_rules_and_expected_outputs_in_another_spelling_than_the_list_are_mapped(tmp_path):
    (tmp_path / "r.yaml").write_text("rules:\n- {label: RE-FUND, any: [refund, money]}\n")
    path = write_spelt(
        tmp_path,
        output={"labels": ["Refund", "Delivery", "Account"]},
        candidates=[{"name": "words", "rule": "r.yaml"}],
    )
    with Workspace(quiet=True) as workspace:
        tally = workspace.decide(path, exhaustive=True).verdict.candidates[0].tally
        plan = workspace.check(path)
    assert tally.solved > 10
    assert dict(tally.lost) == {}
    assert not any("are not among the labels" in note for note in plan.notes)
