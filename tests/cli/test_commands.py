"""The command line: what it prints where, and how it ends."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from desk import write_desk
from rixin.cli.app import run
from rixin.ledger.tables import MIGRATIONS


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_decide_prints_the_verdict_and_where_the_report_is(folder, capsys):
    write_desk(folder)
    assert run(["decide"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("Adopt rules")
    assert "report: .rixin/desk.html" in said.out
    assert re.search(r"rules: \d+/422 · solved 100%", said.err)
    assert (folder / ".rixin/desk.html").exists()


def test_the_next_step_that_decide_names_can_be_taken_as_it_stands(folder, capsys):
    write_desk(folder)
    run(["decide", "-q"])
    line = next(one for one in capsys.readouterr().out.splitlines() if one.startswith("next: "))
    command = shlex.split(line.removeprefix("next:").partition("   (")[0])
    assert command[:2] == ["rixin", "explain"]
    assert run(command[1:]) == 0
    assert "wrong" in capsys.readouterr().out


def test_a_verdict_without_a_winner_ends_with_one(folder, capsys):
    write_desk(folder, candidates=[{"name": "wrong", "function": "solver:never"}])
    assert run(["decide", "-q", "desk.yaml"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("Keep agents")
    assert said.err == ""


def test_json_is_one_object_on_stdout(folder, capsys):
    write_desk(folder)
    assert run(["decide", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"]["decision"], found["verdict"]["winner"]) == ("adopt", "rules")
    assert run(["report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == found["verdict"]


def test_report_writes_every_form_without_asking_anybody(folder, capsys):
    write_desk(folder)
    run(["decide", "-q"])
    capsys.readouterr()
    assert run(["report", "-o", "a.html", "-o", "a.md", "-o", "a.json", "-o", "a.txt"]) == 0
    assert capsys.readouterr().out == ""
    assert all((folder / name).stat().st_size for name in ("a.html", "a.md", "a.json", "a.txt"))
    assert run(["report", "--markdown"]) == 0
    assert "rixin:desk" in capsys.readouterr().out
    assert run(["report", "-o", "a.pdf"]) == 2
    assert "name a file that ends in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lang", "sign"),
    [
        *((tag, 'lang="zh-Hans"') for tag in ("zh_Hans", "zh", "zh-CN", "zh-Hans")),
        *((tag, 'dir="rtl"') for tag in ("ar", "ar_EG")),
    ],
)
def test_the_page_comes_in_other_languages(folder, lang, sign):
    write_desk(folder)
    run(["decide", "-q"])
    assert run(["report", "-o", "a.html", "--lang", lang]) == 0
    assert sign in (folder / "a.html").read_text(encoding="utf-8")


def test_a_language_that_nothing_is_written_in_is_refused(folder, capsys):
    write_desk(folder)
    run(["decide", "-q"])
    assert run(["report", "-o", "a.md", "--lang", "zh"]) == 2
    assert "add -o report.html" in capsys.readouterr().err
    assert run(["report", "-o", "a.html", "--lang", "fr"]) == 2
    assert "zh_Hans" in capsys.readouterr().err


def test_commands_take_the_name_of_a_scenario_as_well_as_its_file(folder, capsys):
    write_desk(folder)
    (folder / "desk.yaml").rename(folder / "other.yml")
    for command in ("check", "doctor", "decide", "report", "verify", "release", "promote"):
        assert run([command, "desk"]) == 0
        assert run([command, "other.yml"]) == 0
    for command in (["requests"], ["inbox", "list"], ["keys", "create"]):
        assert run([*command, "--scenario", "desk"]) == 0
        assert run([*command, "--scenario", "other.yml"]) == 0
    assert run(["explain", "desk", "m9"]) == 0
    capsys.readouterr()
    assert run(["check", "dusk"]) == 2
    assert "there is no scenario file 'dusk'" in capsys.readouterr().err
    for command in (["promote", "dusk"], ["requests", "--scenario", "dusk"]):
        assert run(command) == 2
        assert "did you mean 'desk'?" in capsys.readouterr().err


def test_check_shows_the_demand_and_the_plan_and_asks_nobody(folder, capsys):
    write_desk(folder)
    assert run(["check"]) == 0
    said = capsys.readouterr().out
    assert "demand score 99 of 100" in said
    assert "pays nothing to anybody" in said
    assert "cases are those of the test and, where a cascade may be worth seeking" in said
    assert "next: rixin decide desk.yaml" in said
    assert run(["check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [line["stored"] for line in found["lines"]] == [0, 0]


def test_check_finds_a_job_that_is_not_worth_deciding(folder, capsys):
    write_desk(folder, demand={"cases_per_month": 1})
    assert run(["check"]) == 1
    assert "do not use AI" in capsys.readouterr().out


def test_every_mistake_of_a_scenario_is_told_at_once(folder, capsys):
    write_desk(folder, owner=None, demand=None, candidats=[])
    assert run(["check", "desk.yaml"]) == 2
    said = capsys.readouterr().err
    assert "3 mistakes" in said
    assert "did you mean 'candidates'?" in said


def test_explain_shows_what_each_solver_said(folder, capsys):
    write_desk(folder)
    run(["decide", "-q"])
    capsys.readouterr()
    assert run(["explain", "m7"]) == 0
    said = capsys.readouterr().out
    assert "delivery" in said
    assert "wrong" in said
    assert run(["explain", "desk.yaml", "m7", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["expected"] == "delivery"
    assert run(["explain"]) == 2
    assert run(["explain", "nobody"]) == 2
    assert "name it as this file does (like 'm" in capsys.readouterr().err


def test_explain_names_some_of_many_cases_and_counts_the_others(folder, capsys):
    write_desk(folder)
    run(["decide", "-q"])
    capsys.readouterr()
    assert run(["explain", "ticket"]) == 2
    said = capsys.readouterr().err
    count = re.search(r"(\d+) cases fit 'ticket'", said)
    assert count is not None
    assert f"and {int(count[1]) - 5} more" in said
    named = re.search(r"\n  (m\d+) \([0-9a-f]{12}\):", said)
    assert named is not None
    assert run(["explain", named[1]]) == 0


def test_doctor_tells_what_works(folder, capsys):
    write_desk(folder)
    assert run(["doctor", "desk.yaml"]) == 0
    said = capsys.readouterr().out
    assert "genai-prices" in said
    assert "is made by the first decision" in said
    run(["decide", "-q"])
    capsys.readouterr()
    assert run(["doctor", "desk.yaml", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)
    assert any(f"schema {len(MIGRATIONS)}" in finding["said"] for finding in findings)


def test_doctor_finds_what_is_missing(folder, capsys):
    write_desk(folder, candidates=[{"name": "small", "local": "no-such-model"}])
    assert run(["doctor", "desk.yaml"]) == 4
    assert "✗ bad  model of small" in capsys.readouterr().out


def test_models_are_listed_and_unknown_ones_named(folder, capsys):
    assert run(["models", "list", "--json"]) == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert "smollm2-135m-instruct" in names
    assert run(["models", "list"]) == 0
    assert "rixin models pull" in capsys.readouterr().out
    assert run(["models", "pull", "smollm"]) == 2
    assert "smollm2-135m-instruct" in capsys.readouterr().err
    assert run(["models", "pull", "x", "--url", "http://127.0.0.1/x.gguf"]) == 2


def test_models_are_verified_and_removed(folder, capsys, monkeypatch):
    monkeypatch.setenv("RIXIN_HOME", str(folder / "home"))
    assert run(["models", "verify"]) == 0
    assert "no model is here yet" in capsys.readouterr().out
    assert run(["models", "remove", "smollm2-135m-instruct"]) != 0


def test_help_comes_without_a_command(capsys):
    assert run(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("init", "check", "decide", "report", "explain", "doctor"))
    assert run(["--version"]) == 0


@pytest.mark.parametrize("command", ["init", "check", "decide", "report", "explain", "doctor"])
def test_every_command_has_help(command, capsys):
    assert run([command, "--help"]) == 0
    assert "Usage:" in capsys.readouterr().out


def test_a_wrong_command_gets_the_nearest(capsys):
    assert run(["dezide"]) == 2
    assert "did you mean 'decide'?" in capsys.readouterr().err


def test_without_a_scenario_the_only_one_here_is_meant(folder, capsys):
    assert run(["check"]) == 2
    assert "rixin init FILE" in capsys.readouterr().err
    path = write_desk(folder)
    (folder / "other.yaml").write_bytes(path.read_bytes())
    (folder / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert run(["check"]) == 2
    assert "several scenarios here" in capsys.readouterr().err


def test_a_missing_scenario_names_the_nearest(folder, capsys):
    write_desk(folder)
    assert run(["decide", "dest.yaml"]) == 2
    assert "did you mean 'desk.yaml'?" in capsys.readouterr().err


def test_a_read_only_folder_gives_one_clear_message(folder, capsys):
    write_desk(folder)
    locked = folder / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    # Root may write into any folder of a disk; the kernel's own folder refuses even root.
    place = Path("/sys") if os.geteuid() == 0 else locked
    assert run(["decide", "--ledger", str(place / "deep" / "ledger.sqlite3")]) == 4
    said = capsys.readouterr().err
    assert "make the folder writable" in said
    assert len(said.splitlines()) == 2


def test_a_closed_pipe_is_no_error(folder):
    write_desk(folder)
    run(["decide", "-q"])
    command = f"{sys.executable} -m rixin report desk.yaml | head -c 1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=folder, check=False
    )
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_the_module_is_the_command(folder):
    done = subprocess.run(
        [sys.executable, "-m", "rixin", "--version"], capture_output=True, text=True, check=True
    )
    assert done.returncode == 0
    assert done.stdout.startswith("rixin, version")


def test_importing_the_package_loads_nothing_but_itself():
    code = "import sys; a = set(sys.modules); import rixin; print(*(set(sys.modules) - a))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if name.split(".")[0] == "rixin"}
    others = {name.split(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names
    assert (loaded, others) == ({"rixin"}, {"rixin"})


def test_nothing_about_one_business_is_in_the_core():
    words = ("newswire", "reuters", "gsm8k", "bank77", "banking", "takeaway", "sarcasm")
    source = Path(__file__).parents[2] / "src"
    found = [
        f"{path}:{number}"
        for path in source.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(word in line.lower() for word in words)
    ]
    assert found == []


@pytest.mark.parametrize(
    "command",
    [
        "keys create --rate ²/min",
        "keys create --rate 0/min",
        "keys create --budget 1/day --budget 5/day",
        f"promote desk {10**30}",
        "rollback desk -- -1",
    ],
)
def test_numbers_that_are_none_are_refused(capsys, command):
    assert run(command.split()) == 2
    assert "Invalid value" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    ["keys list", "keys create", "audit log", "explain req_x", "audit erase req_x", "audit verify"],
)
def test_nothing_is_made_where_there_is_no_ledger(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert run(command.split()) != 0
    assert "there is no ledger" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
