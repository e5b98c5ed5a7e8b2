"""Retention: what is old goes for good, and the trail still tells every change."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.cli.app import run as run_cli
from rixin.core.merkle import leaf_hash, tree_head
from rixin.errors import LedgerFault, UnknownName, UsageError
from rixin.ledger import audit_check
from rixin.ledger.audit import (
    PRUNE,
    current_head,
    entries,
    heads_file,
    record,
    record_in,
    write_head,
)
from rixin.ledger.requests import (
    Remark,
    Row,
    erase_content,
    find_request,
    write_feedback,
    write_requests,
)
from rixin.ledger.retention import _remove_some, due, prune
from rixin.ledger.store import Ledger

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
AN_OPERATORS = 0
EMPTY = (
    "UPDATE audit SET at = '', actor = '', action = 'removed', subject = '', detail = '{}',"
    " previous = ''"
)


def day(number: int, of: int) -> datetime:
    """The last of so many days is today."""
    return NOW - timedelta(days=of - 1 - number)


def write_batch(ledger: Ledger, ids: list[str], now: datetime) -> None:
    rows = []
    for one in ids:
        said = json.dumps({"input": f"said in {one}"})
        detail = json.dumps({"content": hashlib.sha256(said.encode()).hexdigest()})
        at = now.timestamp() - 0.25
        facts = [one, at, 1, "desk", 2, f"solver of {one}", 200, "answered", 7, 3, 4, 0.5, detail]
        rows.append(Row(json.dumps(facts, separators=(",", ":")).encode(), said))
    write_requests(ledger, rows, now=now)
    write_head(ledger, current_head(ledger), now)


def write_history(path: Path, plan: list[int], *, of: int = 0) -> None:
    """An entry a day: so many requests, or what an operator did."""
    with Ledger(path) as ledger:
        for number, count in enumerate(plan):
            now = day(number, of or len(plan))
            if count == AN_OPERATORS:
                record(ledger, "serve.start", f"host {number}", actor="ann", now=now)
                continue
            write_batch(ledger, [f"req_{number}_{place}" for place in range(count)], now)


def remove(path: Path, days: int, now: datetime = NOW) -> None:
    with Ledger(path) as ledger:
        prune(ledger, due(ledger, days, now), actor="ann", now=now)


def head_over(path: Path, size: int) -> bytes:
    database = sqlite3.connect(path)
    hashes = database.execute("SELECT hash FROM audit ORDER BY seq LIMIT ?", (size,)).fetchall()
    database.close()
    return tree_head([leaf_hash(bytes.fromhex(one)) for (one,) in hashes])


@settings(max_examples=25, deadline=None)
@given(
    plan=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    kept=st.lists(st.integers(0, 14), min_size=1, max_size=3),
)
def test_no_tree_head_changes_and_the_trail_holds(tmp_path_factory, plan, kept):
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    write_history(path, plan)
    with Ledger(path) as ledger:
        before = current_head(ledger).root()
    for turn, days in enumerate(kept):
        remove(path, 183, NOW + timedelta(days=183 - days, seconds=1 + turn))
    assert head_over(path, len(plan)) == before
    found = audit_check.check(path)
    old = max(0, len(plan) - min(kept))
    assert (found.wrong, found.removed) == ([], old)
    assert found.requests == sum(plan[old:])


@pytest.fixture(scope="module")
def pruned_once(tmp_path_factory):
    """Every sixty days requests or a step of an operator's; more than half of it is removed."""
    path = tmp_path_factory.mktemp("pruned") / "ledger.sqlite3"
    plan = [2, 0, 1, 3, 0, 2]
    with Ledger(path) as ledger:
        for number, count in enumerate(plan):
            now = NOW - timedelta(days=400 - 60 * number)
            if count == AN_OPERATORS:
                record(ledger, "serve.start", f"host {number}", actor="ann", now=now)
            else:
                write_batch(ledger, [f"req_{number}_{place}" for place in range(count)], now)
            if number == 0:
                write_feedback(ledger, [Remark("req_0_1", now.timestamp(), 1, '{"score": 0}')])
        write_feedback(ledger, [Remark("req_5_1", now.timestamp(), 2, '{"score": 1}')])
    remove(path, 200)
    return path


@pytest.fixture
def pruned(pruned_once, tmp_path):
    for one in (pruned_once, heads_file(pruned_once)):
        shutil.copy(one, tmp_path / one.name)
    return tmp_path / pruned_once.name


def change(path: Path, *statements: str) -> list[str]:
    database = sqlite3.connect(path)
    for one in statements:
        database.execute(one)
    database.commit()
    database.close()
    return audit_check.check(path).wrong


def test_what_is_old_is_gone_and_the_rest_is_there(pruned):
    assert audit_check.check(pruned) == (9, 2, [], 5, 0, ())
    with Ledger(pruned) as ledger:
        seen = entries(ledger, 10)
        assert [one["action"] for one in seen] == [
            *["removed"] * 5,
            "serve.start",
            "requests",
            "feedback",
            PRUNE,
        ]
        assert seen[0]["detail"] == {"removed_at": NOW.isoformat(timespec="milliseconds")}
        assert seen[-1]["actor"] == "ann"
        said = {
            "before": seen[-1]["detail"]["before"],
            "through": 5,
            "entries": 5,
            "requests": 6,
            "kept": [],
        }
        assert seen[-1]["detail"] == said
        with pytest.raises(UnknownName) as caught:
            find_request(ledger, "req_0_0")
        assert "retention has removed all before 2026-04-15" in str(caught.value.hint)
        assert find_request(ledger, "req_5_1")["feedback"][0]["score"] == 1


def test_no_byte_of_what_was_removed_stays_in_the_files(pruned_once):
    held = b"".join(one.read_bytes() for one in pruned_once.parent.glob("ledger.sqlite3*"))
    assert b"req_5_1" in held
    assert b"req_0_1" not in held
    assert b"host 1" not in held
    assert b'"score": 0' not in held


def test_no_byte_of_what_was_erased_stays_in_the_files(pruned):
    with Ledger(pruned) as ledger:
        erase_content(ledger, ["req_5_1"], actor="ann", now=NOW)
        held = b"".join(one.read_bytes() for one in pruned.parent.glob("ledger.sqlite3*"))
    assert b"said in req_5_0" in held
    assert b"said in req_5_1" not in held
    assert audit_check.check(pruned).wrong == []


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_change_of_a_value_is_found(pruned_once, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("changed") / pruned_once.name
    for one in (pruned_once, heads_file(pruned_once)):
        shutil.copy(one, path.parent / one.name)
    database = sqlite3.connect(path)
    table = data.draw(st.sampled_from(["audit", "requests"]))
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    column = data.draw(st.sampled_from(columns))
    rows = database.execute(f"SELECT seq, {column} FROM {table}").fetchall()
    number, value = data.draw(st.sampled_from(rows))
    if isinstance(value, str):
        place = data.draw(st.integers(0, max(0, len(value) - 1)))
        byte = data.draw(st.sampled_from("0aA \x7f{").filter(lambda one: one != value[place:][:1]))
        value = value[:place] + byte + value[place + 1 :]
    else:
        value += data.draw(st.sampled_from([-1, 1, 1000]))
    try:
        database.execute(f"UPDATE {table} SET {column} = ? WHERE seq = ?", (value, number))
        database.commit()
    except sqlite3.IntegrityError:
        return  # a number that is there already
    finally:
        database.close()
    assert audit_check.check(path).wrong


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE seq = 9", "was cut"),
        ("DELETE FROM requests WHERE seq = (SELECT min(seq) FROM requests)", "missing"),
        ("UPDATE audit SET hash = 'zz' || substr(hash, 3) WHERE seq = 2", "tree head"),
        (
            EMPTY + " WHERE seq = 6",
            "entry 6 is empty, and no retention removed it",
        ),
        ("UPDATE feedback SET body = '{}'", "the feedback on req_5_1 of entry 8 was altered"),
        ("DELETE FROM feedback", "the feedback on req_5_1 of entry 8 was altered or is missing"),
    ],
)
def test_what_no_retention_did_is_named(pruned, statement, word):
    if "requests" in statement:
        write_more(pruned)
    wrong = change(pruned, statement)
    assert any(word in line for line in wrong), wrong


def write_more(path: Path) -> None:
    with Ledger(path) as ledger:
        write_batch(ledger, ["req_new"], NOW)


@pytest.mark.parametrize(
    ("days", "through", "word"),
    [(10, 5, "younger than 183 days"), (199, 7, "after the tree head of 2026-05")],
)
def test_a_removal_that_no_retention_allows_is_named(pruned, days, through, word):
    before = (NOW - timedelta(days=days)).isoformat(timespec="milliseconds")
    with Ledger(pruned) as ledger:
        record(ledger, PRUNE, "", actor="eve", now=NOW, through=through, before=before)
    wrong = audit_check.check(pruned).wrong
    assert any(word in line for line in wrong), wrong


def test_a_removal_that_was_interrupted_holds_and_is_ended_by_the_next(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    write_history(path, [1, 1, 0, 2], of=400)
    with Ledger(path) as ledger:
        what = due(ledger, 183, NOW)
        facts = {"through": what.through, "before": what.before}
        record(ledger, PRUNE, "", actor="ann", now=NOW, **facts)
    assert audit_check.check(path) == (5, 4, [], 0, 0, ())
    with Ledger(path) as ledger, ledger.append() as connection:
        _remove_some(connection, 0, 2)
    assert audit_check.check(path) == (5, 2, [], 2, 0, ())
    remove(path, 183)
    assert audit_check.check(path) == (6, 0, [], 4, 0, ())
    remove(path, 183)  # with nothing left to remove
    assert audit_check.check(path) == (6, 0, [], 4, 0, ())
    write_more(path)
    assert audit_check.check(path) == (7, 1, [], 4, 0, ())


def test_many_entries_go_in_several_turns(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        with ledger.append() as connection:
            for number in range(1_201):
                record_in(connection, "x", str(number), actor="ann", now=day(0, 400), detail={})
        record(ledger, "x", "the last", actor="ann", now=NOW)
    remove(path, 183)
    assert audit_check.check(path) == (1_203, 0, [], 1_201, 0, ())


def test_a_trail_that_does_not_hold_is_not_touched(pruned):
    assert change(pruned, "UPDATE requests SET cost_pico = 1 WHERE id = 'req_5_0'")
    with pytest.raises(LedgerFault, match="req_5_0 was altered"):
        remove(pruned, 183, NOW + timedelta(days=365))
    assert audit_check.check(pruned).removed == 5


def test_less_than_six_months_is_refused(pruned):
    with pytest.raises(UsageError, match=r"182 days .* AI Act \(Art\. 19 and 26\)"):
        remove(pruned, 182)


def test_the_command_says_how_much_before_it_removes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ".rixin" / "ledger.sqlite3"
    path.parent.mkdir()
    with Ledger(path) as ledger:
        write_batch(ledger, ["req_a", "req_b"], datetime.now(UTC) - timedelta(days=401))
        record(ledger, "serve.start", "k", actor="ann", now=datetime.now(UTC))
    assert run_cli(["audit", "prune", "--older-than", "100d"]) == 2
    assert run_cli(["audit", "prune", "--older-than", "a year"]) == 2
    assert run_cli(["audit", "prune"]) == 2
    assert run_cli(["audit", "prune", "--older-than", "400"]) == 0
    said = capsys.readouterr()
    assert "six months" in said.err
    assert "2 requests, 1 entries" in said.out
    assert "nothing was removed yet: add --yes" in said.out
    assert audit_check.check(path).removed == 0
    assert run_cli(["audit", "prune", "--older-than", "400d", "--yes"]) == 0
    assert "removed; the hashes" in capsys.readouterr().out
    assert run_cli(["audit", "prune", "--older-than", "400d", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["removed"] is False
    assert run_cli(["audit", "log"]) == 0
    today = datetime.now(UTC).date()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"entry 1: removed by retention on {today}; its hash is kept"
    assert PRUNE in said[-1]
    assert run_cli(["audit", "verify"]) == 0
    assert "3 entries (1 of them removed by retention), 0 requests" in capsys.readouterr().out
    alone = [sys.executable, "-S", "-I", audit_check.__file__, str(path)]
    done = subprocess.run(alone, capture_output=True, text=True, check=False)
    assert (done.returncode, "(1 removed by retention)" in done.stdout) == (0, True)
