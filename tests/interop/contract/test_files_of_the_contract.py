"""The files that a scenario names: missing, empty, in another encoding, without a column."""

from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from desk import write_desk
from rixin.cli.app import run
from rixin.errors import ContractError
from rixin.interop.contract.load import load_scenario


def told(folder: Path, **changes: Any) -> str:
    """The only mistake of a scenario, its mend behind it."""
    with pytest.raises(ContractError) as caught:
        load_scenario(write_desk(folder, **changes))
    (found,) = caught.value.mistakes
    return str(found)


def cases(path: str = "cases.csv", **more: Any) -> dict[str, Any]:
    return {"path": path, "input": "message", "expected": "queue", **more}


def log(**more: Any) -> list[dict[str, Any]]:
    one = {"name": "log", "replay": "log.csv", "columns": {"input": "message", "output": "queue"}}
    return [{**one, **more}]


MISSING: dict[str, tuple[dict[str, Any], str, str]] = {
    "cases": ({"cases": cases("case.csv")}, "cases.path: there is no file 'case.csv'", "did you mean 'cases.csv'?"),
    "folder": ({"cases": cases("data/cases.csv")}, "there is no file 'data/cases.csv'", "there is no folder"),
    "a folder": ({"cases": cases(".")}, "'.' is a folder, not a file", "name the file of cases in it"),
    "no path": ({"cases": cases("~nobody-of-this-name/cases.csv")}, "cannot be a path", "give a path from the folder of this file"),
    "prices": ({"prices": "2026.json"}, "prices: there is no file '2026.json'", "files there: desk.yaml, rules.yaml"),
    "rules": ({"candidates": [{"name": "r", "rule": "rule.yaml"}]}, "candidates.0.rule: there is no file", "did you mean 'rules.yaml'?"),
    "model": ({"candidates": [{"name": "m", "local": "mine.gguf"}]}, "candidates.0.local: there is no file 'mine.gguf'", "there is no model file"),
    "log": ({"candidates": log()}, "candidates.0.replay: there is no file 'log.csv'", "files there: cases.csv"),
    "schema": ({"output": {"json-schema": "schema.json"}}, "output.json-schema: there is no file", "there is no JSON Schema"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said", "mend"), MISSING.values(), ids=MISSING)
def test_a_file_that_is_not_there_is_told_with_the_nearest(tmp_path, changes, said, mend):
    found = told(tmp_path, **changes)
    assert said in found
    assert mend in found


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "another encoding": ("message,queue\n退款,refund\n".encode("gb18030"), "log.csv"),
    "no table": (b"\x00\x01\x02\x00" * 50, "log.csv"),
}


@pytest.mark.parametrize(("data", "said"), BROKEN.values(), ids=BROKEN)
def test_a_log_that_cannot_be_read_is_told_at_its_place(tmp_path, data, said):
    (tmp_path / "log.csv").write_bytes(data)
    found = told(tmp_path, candidates=log())
    assert "candidates.0" in found
    assert said in found


@pytest.mark.parametrize(("data", "said"), BROKEN.values(), ids=BROKEN)
def test_cases_that_cannot_be_read_are_told_at_their_place(tmp_path, data, said):
    (tmp_path / "log.csv").write_bytes(data)
    found = told(tmp_path, cases=cases("log.csv"))
    assert "cases.path" in found
    assert said in found


def test_an_unknown_encoding_is_told(tmp_path):
    found = told(tmp_path, cases=cases(encoding="utf-9"))
    assert "utf-9" in found
    assert "fix: " in found


def test_an_encoding_that_is_no_text_is_told_once(tmp_path):
    assert "'encoding' should be a text" in told(tmp_path, cases=cases(encoding=["utf-8"]))


COLUMNS: dict[str, tuple[dict[str, Any], str]] = {
    "of the cases": ({"cases": cases(stratum="queu")}, "cases.stratum: cases.csv has no column 'queu'"),
    "of the log": ({"candidates": log(columns={"input": "message", "output": "queu"})}, "candidates.0.columns.output: log.csv has no column 'queu'"),
    "of its rows": ({"candidates": log(where={"queu": "refund"})}, "candidates.0.where.queu: log.csv has no column 'queu'"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_that_is_not_there_gets_the_nearest(tmp_path, changes, said):
    (tmp_path / "log.csv").write_text("message,queue\nwhere is it,delivery\n")
    found = told(tmp_path, **changes)
    assert said in found
    assert "did you mean 'queue'?" in found


def test_a_log_without_columns_is_told_as_one_mistake(tmp_path):
    (tmp_path / "log.csv").write_text("message,queue\nwhere is it,delivery\n")
    found = told(tmp_path, candidates=[{"name": "log", "replay": "log.csv"}])
    assert "'columns' is missing" in found
    assert "add  columns: {id: id, output: answer}" in found


SCHEMAS: dict[str, tuple[str | dict[str, Any], str]] = {
    "no JSON": ("{", "the JSON Schema cannot be read"),
    "no object": ("[]", "it is no JSON object"),
    "no schema": ('{"type": "texts"}', "mend the JSON Schema"),
}


@pytest.mark.parametrize(("text", "said"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_that_cannot_be_used_is_told(tmp_path, text, said):
    (tmp_path / "schema.json").write_text(text)
    found = told(tmp_path, output={"json-schema": "schema.json"})
    assert "output.json-schema" in found
    assert said in found


def test_a_large_workbook_is_not_opened_only_to_look_at_its_columns(tmp_path):
    (tmp_path / "large.xlsx").write_bytes(b"no workbook" * 200_000)
    found = load_scenario(write_desk(tmp_path, cases=cases("large.xlsx")))
    assert found.cases.path == Path("large.xlsx")
    small = tmp_path / "small.xlsx"
    book = Workbook()
    book.active.append(["message", "queu"])
    book.save(small)
    assert "did you mean 'queu'?" in told(tmp_path, cases=cases("small.xlsx"))


def test_labels_that_no_case_expects_are_told_before_anything_is_spent(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    write_desk(tmp_path, output={"labels": ["refund", "delivery", "account", "billing"]})
    run(["check"])
    assert "no case expects 'billing'" in "".join(capsys.readouterr())


def test_a_column_that_comes_late_in_json_lines_is_there(tmp_path):
    line = '{"message": "m", "queue": "refund"}\n'
    (tmp_path / "late.jsonl").write_text(line * 1_100 + '{"message": "m", "region": "north"}\n')
    late = cases("late.jsonl", stratum="region")
    assert load_scenario(write_desk(tmp_path, cases=late)).cases.stratum == "region"
    assert "has no column 'regoin'" in told(tmp_path, cases={**late, "stratum": "regoin"})
    (tmp_path / "late.jsonl").write_text(line * 1_100 + "{\n")
    assert "line 1101: Expecting property name" in told(tmp_path, cases=late)


def test_a_schema_with_a_word_that_is_not_checked_is_told_with_its_place(tmp_path):
    schema = {"properties": {"total": {"nullable": True}}}
    found = told(tmp_path, output={"json-schema": schema}, scorers=["json"])
    assert "output.json-schema" in found
    assert "properties.total.nullable" in found
    (tmp_path / "deep.json").write_text('{"not":' * 100_000)
    assert "nested too deeply" in told(tmp_path, output={"json-schema": "deep.json"})
