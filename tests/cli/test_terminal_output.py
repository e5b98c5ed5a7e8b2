"""Nothing that a caller, an endpoint or a file says acts on the terminal that shows it."""

import io
import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rixin.cli
from rixin.cli import app
from rixin.cli.app import run as run_cli
from rixin.cli.app import show_error
from rixin.cli.options import echo, print_json
from rixin.core.key import Limits
from rixin.engine.progress import Reporter
from rixin.errors import UsageError
from rixin.ledger import audit_check
from rixin.ledger.audit import record
from rixin.ledger.keys import add_key
from rixin.ledger.requests import Row, write_requests
from rixin.ledger.store import Ledger
from rixin.report.columns import printable, printable_json
from rixin.serve.telemetry import JsonLines, TextLines
from rixin.workspace.doctor import Finding

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\x7f\rforged\nline"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@given(st.text(st.characters(codec=None, categories=("Cc", "Cs", "Cf", "L", "Zs")), max_size=50))
def test_no_control_character_passes_the_last_door(text):
    assert not CONTROLS.search(printable(text))
    assert not CONTROLS.search(printable(text, colours=True).replace("\x1b[0m", ""))
    value = {"said": text, text: 1}
    written = printable_json(json.dumps(value, ensure_ascii=False))
    assert not CONTROLS.search(written)
    assert json.loads(written) == value


def test_our_colours_stay_where_they_are_wanted_and_nothing_else():
    text = "\x1b[32mgreen\x1b[0m \x1b[2J\x1b[8;1H"
    assert printable(text, colours=True) == "\x1b[32mgreen\x1b[0m �[2J�[8;1H"
    assert "\x1b" not in printable(text)


def test_every_command_prints_through_it():
    folder = Path(rixin.cli.__file__).parent
    raw = {
        path.name: re.findall(r"click\.(?:echo|secho)\(|\bprint\(|sys\.std(?:out|err)\.write", text)
        for path in folder.glob("*.py")
        if (text := path.read_text())
    }
    # The door itself, and the coloured words of an error around a text that passed it.
    assert {name: len(found) for name, found in raw.items() if found} == {
        "options.py": 2,
        "app.py": 1,
    }


def test_errors_and_lines_are_clean(capsys):
    show_error(UsageError(f"no file {EVIL}", hint=EVIL))
    echo(EVIL)
    echo(EVIL, err=True)
    print_json({"said": EVIL})
    said = capsys.readouterr()
    assert not CONTROLS.search(said.out + said.err)
    assert "no file" in said.err


def test_a_mistaken_command_line_is_clean(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_cli(["apply", "desk", f"no\x1b[2Jfile{EVIL}", "-o", "x.csv"]) == 2
    assert run_cli([f"\x1b[2J{EVIL}"]) == 2
    assert not CONTROLS.search(capsys.readouterr().err)
    assert app.run(["check", "\x1b[2J.yaml"]) == 2
    assert not CONTROLS.search(capsys.readouterr().err)


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    detail = {"surface": "openai.chat", "note": EVIL, "model": EVIL, "findings": [["pii", EVIL]]}
    facts = ["req_1", 1.0, 1, "", None, EVIL, 404, "refused", 0, 0, 0, 0.1, json.dumps(detail)]
    now = datetime.now(UTC)
    with Ledger(path) as opened:
        write_requests(opened, [Row(json.dumps(facts, separators=(",", ":")).encode(), None)])
        record(opened, "x", EVIL, actor=EVIL, now=now, said=EVIL)
        given = {"role": "operator", "scenarios": [EVIL], "limits": Limits()}
        add_key(opened, "rx-a-b", name=EVIL, **given, actor="ann", now=now)
    return path


@pytest.mark.parametrize(
    "command", [["explain", "req_1"], ["audit", "log"], ["keys", "list"], ["audit", "verify"]]
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_the_ledger_holds_is_clean(ledger, capsys, command, form):
    run_cli([*command, *form, "--ledger", str(ledger)])
    said = capsys.readouterr()
    assert "forged" in said.out or command[-1] == "verify"
    assert not CONTROLS.search(said.out + said.err)
    assert "\nline" not in said.out.replace("\\nline", "")


def test_names_in_a_ledger_that_was_altered_are_clean(ledger):
    import sqlite3

    with sqlite3.connect(ledger) as database:
        database.execute("UPDATE keys SET public_id = ?", (EVIL,))
    wrong = audit_check.check(ledger).wrong
    assert any("forged" in line for line in wrong)
    assert not any(CONTROLS.search(line) or "\n" in line for line in wrong)


def test_logs_are_clean_and_a_text_forges_no_line():
    logged = logging.makeLogRecord({"msg": "it said %s", "args": (EVIL,), "levelname": "ERROR"})
    for form in (TextLines("%(levelname)s %(message)s"), JsonLines()):
        line = form.format(logged)
        assert "forged" in line
        assert not CONTROLS.search(line)
        assert "\n" not in line


def test_progress_and_findings_are_clean():
    stream = io.StringIO()
    Reporter(stream).say(EVIL)
    shown = stream.getvalue() + Finding(topic="a", state="ok", said=EVIL).text()
    assert not CONTROLS.search(shown)
