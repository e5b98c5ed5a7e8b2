"""The first scenario of a file: its name, its task, its candidates, and who owns it."""

import os
import subprocess
from pathlib import Path

import pytest

from desk import write_cases
from rixin.errors import EnvironmentFault, UsageError
from rixin.interop.contract.load import load_scenario
from rixin.workspace.init import (
    Found,
    check_models,
    draft_of,
    look_at,
    next_steps,
    who,
    write_scenario,
)

SAID = {"owner": "support"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIXIN_HOME", str(tmp_path / "home"))
    write_cases(tmp_path / "cases.csv", 60)
    return tmp_path


def look_at_lines(name: str, *lines: str) -> Found:
    Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return look_at(Path(name), {})


@pytest.mark.parametrize(
    ("file", "name"),
    [("my cases (1).csv", "my-cases-1"), ("客服.csv", "scenario"), (f"{'x' * 90}.csv", "x" * 60)],
)
def test_the_scenario_is_called_after_its_file(folder, file, name):
    Path("cases.csv").rename(file)
    assert look_at(Path(file), {}).name == name


def test_the_task_is_said_with_the_names_of_the_columns(folder):
    found = look_at_lines("a.csv", "ticket_text,team", *(f"some words {n},t{n % 2}" for n in range(40)))  # fmt: skip
    assert found.task == "Choose the team that fits each ticket text."


def test_names_that_say_nothing_are_not_in_the_task(folder):
    found = look_at_lines("a.csv", "input,label", *(f"some words {n},t{n % 2}" for n in range(40)))
    assert found.task == "Choose the label that fits each text."


def test_a_task_without_right_answers_still_reads_well(folder):
    found = look_at_lines("a.csv", "message", *(f"some words {n}" for n in range(40)))
    assert found.task == "Write the answer for each message."


def test_the_scenario_may_lie_in_another_folder_than_the_cases(folder):
    target = Path("scenarios/desk.yaml")
    draft = draft_of(look_at(Path("cases.csv"), {}), target, SAID)
    assert draft.cases == "../cases.csv"
    write_scenario(draft, target)
    assert load_scenario(target).cases.path == Path("../cases.csv")


def test_editors_find_the_schema_beside_the_scenario(folder):
    target = Path("scenarios/desk.yaml")
    write_scenario(draft_of(look_at(Path("cases.csv"), {}), target, SAID), target)
    (line, *_) = target.read_text(encoding="utf-8").splitlines()
    assert (target.parent / line.partition("$schema=")[2]).is_file()


def test_a_model_file_is_named_from_the_scenario(folder):
    target = Path("scenarios/desk.yaml")
    draft = draft_of(look_at(Path("cases.csv"), {}), target, {**SAID, "local": "mine.gguf"})
    assert draft.local == "../mine.gguf"
    check_models({"local": "models/mine.gguf"})


def test_many_labels_are_no_job_for_a_small_model(folder):
    found = look_at_lines("a.csv", "text,label", *(f"some words {n},t{n % 101}" for n in range(606)))  # fmt: skip
    assert draft_of(found, Path("a.yaml"), SAID).local is None


def test_texts_without_a_model_have_no_candidate(folder):
    Path("a.csv").write_text(
        "message,reply\n" + "".join(f"where is order {n}?,order {n} is late\n" for n in range(60))
    )
    found = look_at(Path("a.csv"), {"expected": "reply"})
    with pytest.raises(UsageError, match="there is no candidate: an output of kind free-text"):
        draft_of(found, Path("a.yaml"), {**SAID, "local": "none"})
    draft = draft_of(found, Path("a.yaml"), {**SAID, "local": "none", "endpoint": "openai/gpt-5"})
    assert draft.endpoint == "openai/gpt-5"


def test_a_remote_candidate_needs_its_key_next(folder, monkeypatch):
    target = Path("a.yaml")
    draft = draft_of(
        look_at(Path("cases.csv"), {}), target, {**SAID, "local": "none", "endpoint": "openai/x"}
    )
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert [command for command, _ in next_steps(draft, target)] == [
        "export OPENAI_API_KEY=…",
        "rixin check a.yaml",
        "rixin decide a.yaml",
    ]
    monkeypatch.setenv("OPENAI_API_KEY", "there")
    assert len(list(next_steps(draft, target))) == 2
    scenario = write_scenario(draft, target)
    assert scenario.policy.egress == "allowed"


def test_the_owner_is_the_name_that_git_knows(folder, monkeypatch):
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "config", "user.name", "Ada Li"], check=True)
    assert who() == ("Ada Li", "git config user.name")


def test_without_git_the_owner_is_the_login_name(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("LOGNAME", "ada")
    assert who() == ("ada", "your login name")


def test_a_login_without_a_name_is_still_an_owner(folder, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)  # a container's user is often in no list
    assert who() == ("owner", "nobody said")


def test_a_place_that_cannot_be_written_leaves_nothing(folder):
    Path("blocked").write_text("a file, not a folder")
    target = Path("blocked/desk.yaml")
    draft = draft_of(look_at(Path("cases.csv"), {}), target, SAID)
    with pytest.raises(EnvironmentFault, match=r"desk\.yaml cannot be written") as caught:
        write_scenario(draft, target)
    assert "name another place with -o" in str(caught.value.hint)
    assert sorted(path.name for path in folder.iterdir()) == ["blocked", "cases.csv"]
