"""Input as people bring it: each fault gives one clear message and the right exit code."""

import codecs
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from desk import WORDS, write_desk
from rixin.cli.app import run

HEAD = "id,message,queue\n"
ROWS = "".join(
    f"m{number},{WORDS[label][number % 3]} {number * 7919},{label}\n"
    for number, label in enumerate(["refund", "delivery", "account"] * 100)
)
TEN_MB = "late delivery " * 750_000
CASES = {"path": "cases.csv", "input": "message", "expected": "queue", "id": "id"}
NOWHERE = "http://127.0.0.1:9/v1"
BIG = {"name": "big", "endpoint": "big", "base_url": NOWHERE, "price": {"input": 1, "output": 2}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIXIN_HOME", str(tmp_path / "home"))
    return tmp_path


def cases(text: str | bytes) -> Callable[[Path], None]:
    """Puts another file of cases in place of the one that holds."""
    content = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / "cases.csv").write_bytes(content) and None


def scenario(old: str, new: str) -> Callable[[Path], None]:
    """Changes the text of the scenario."""

    def change(folder: Path) -> None:
        path = folder / "desk.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def in_the_way(folder: Path) -> None:
    (folder / ".rixin").write_text("a file where the folder should be")


def newer(folder: Path) -> None:
    assert run(["check", "desk.yaml"]) == 0
    with sqlite3.connect(folder / ".rixin/ledger.sqlite3") as connection:
        connection.execute("UPDATE rixin_meta SET value = '99' WHERE name = 'schema_version'")
    connection.close()


REFUSED: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "no scenario": (lambda folder: (folder / "desk.yaml").unlink(), 2, "there is no scenario file"),
    "no cases": (lambda folder: (folder / "cases.csv").unlink(), 2, "there is no file 'cases.csv'"),
    "empty file": (cases(""), 2, "the file is empty"),
    "header alone": (cases(HEAD), 2, "there is a header and no row below it"),
    "wrong encoding": (
        cases((HEAD + ROWS).encode() + b"m900,caf\xe9,refund\n"),
        2,
        "line 302: byte 0xE9 at offset",
    ),
    "UTF-16 without a mark": (cases((HEAD + ROWS).encode("utf-16-le")), 2, "encoding: utf-16-le"),
    "a column that is not there": (
        scenario("input: message", "input: mesage"),
        2,
        "did you mean 'message'?",
    ),
    "ids twice": (cases(HEAD + ROWS + "m1,again,refund\n"), 2, "the id 'm1' was already at line 3"),
    "every input NaN": (cases(HEAD + "m1,NaN,refund\n" * 9), 2, "the column 'message' is empty"),
    "tabs": (scenario("  path:", "\tpath:"), 2, "replace each tab by two spaces"),
    "unknown key": (scenario("demand:", "demnad:"), 2, "did you mean 'demand'?"),
    "no case in a pool": (cases(HEAD + ROWS.splitlines()[0]), 2, "no case is left in the pool"),
    "a file in the way": (in_the_way, 4, "a file stands where the folder should be"),
    "a newer ledger": (newer, 4, "this Rixin knows versions up to"),
}


@pytest.mark.parametrize("command", ["check", "decide"])
@pytest.mark.parametrize(("spoil", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_a_fault_gives_one_message_and_its_exit_code(folder, capsys, spoil, code, said, command):
    write_desk(folder)
    spoil(folder)
    capsys.readouterr()
    assert run([command, "desk.yaml"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("error:") == 1
    assert said in err
    assert "Traceback" not in err
    assert ("hint:" in err) or ("fix:" in err)


TAKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a byte order mark": (cases(codecs.BOM_UTF8 + (HEAD + ROWS).encode()), ""),
    "a scenario with a byte order mark": (scenario("scenario: desk", "\ufeffscenario: desk"), ""),
    "NaN among the inputs": (
        cases(HEAD + ROWS + "m900,NaN,refund\n"),
        "1 of 301 rows has no input",
    ),
    "NaN among the answers": (
        cases(HEAD + ROWS + "m900,what now,NaN\n"),
        "1 of 301 cases has no expected output",
    ),
    "a cell of 10 MB": (cases(f"{HEAD}{ROWS}m900,{TEN_MB},delivery\n"), ""),
    "a label that no case uses": (
        scenario("labels: from-cases", "labels: [refund, delivery, account, legal]"),
        "no case expects 'legal'",
    ),
}


@pytest.mark.parametrize(("change", "said"), TAKEN.values(), ids=TAKEN)
def test_what_can_be_used_is_used_and_told(folder, capsys, change, said):
    write_desk(folder, promise={"solved": {"at_least": 0.5}, "harm": {"at_most": 0.1}})
    change(folder)
    assert run(["check", "desk.yaml"]) == 0
    assert said in capsys.readouterr().out
    assert run(["decide", "-q", "desk.yaml"]) == 0
    assert capsys.readouterr().out.startswith("Adopt rules")


def test_a_key_that_is_not_set_is_told_with_its_name(folder, capsys, monkeypatch):
    monkeypatch.delenv("DESK_KEY", raising=False)
    write_desk(folder, candidates=[{**BIG, "key": {"env": "DESK_KEY"}}], policy={"egress": "none"})
    assert run(["decide", "-q", "--exhaustive", "desk.yaml"]) == 4
    err = capsys.readouterr().err
    assert err.count("error:") == 1
    assert "DESK_KEY" in err


def test_an_endpoint_that_is_down_is_told_and_the_others_are_decided(folder, capsys):
    rules = {"name": "rules", "rule": "rules.yaml"}
    write_desk(folder, candidates=[rules, BIG])
    assert run(["decide", "-q", "--exhaustive", "desk.yaml"]) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Adopt rules")
    assert "candidate 'big' cannot be measured" in said


def test_a_price_that_is_not_known_is_said_and_never_zero(folder, capsys):
    write_desk(folder, candidates=[{**BIG, "price": None}])
    assert run(["check", "desk.yaml"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "what a decision costs is not known: state the `price` of big" in said
    assert "pays nothing" not in said
    assert run(["check", "desk.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["most"], found["lines"][0]["most"]) == (None, None)
