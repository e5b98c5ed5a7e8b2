"""The trail names every alteration, inserted row and missing row, before and after a retention."""

import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.cli.app import run as run_cli
from rixin.core.key import Limits
from rixin.ledger import audit_check, tables
from rixin.ledger.audit import current_head, entries, heads_file, record, write_head
from rixin.ledger.decisions import write_decision
from rixin.ledger.keys import add_key, list_keys, revoke_key, rotate_key
from rixin.ledger.releases import add_release, move_pointer
from rixin.ledger.requests import (
    Remark,
    Row,
    erase_content,
    spent_by_scenario_since,
    used_since,
    write_feedback,
    write_requests,
)
from rixin.ledger.retention import due, prune
from rixin.ledger.store import Ledger

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=300)
OLD = Path(__file__).parent / "old"
COVERED = (
    *("audit", "rixin_meta", "requests", "feedback", "decisions", "keys", "releases", "pointers"),
)
RELEASE = {
    "scenario": "desk",
    "solver": "rules",
    "fingerprint": "f" * 64,
    "dataset_id": "d" * 32,
    "path": "desk.yaml",
    "frozen": "{}",
    "contract": "c",
    "certificate": {"sha256": "s"},
    "certified": True,
}


def write_batch(ledger, ids, now, *, detail=(), at=None, cost=7):
    rows = []
    for one in ids:
        said = json.dumps({"input": f"said in {one}"})
        facts = {"content": hashlib.sha256(said.encode()).hexdigest(), **dict(detail)}
        moment = now.timestamp() - 0.25 if at is None else at
        values = [one, moment, 1, "desk", 1, "rules", 200, "answered", cost, 3, 4, 0.5]
        packed = json.dumps([*values, json.dumps(facts)], separators=(",", ":"))
        rows.append(Row(packed.encode(), said))
    write_requests(ledger, rows, now=now)
    write_head(ledger, current_head(ledger), now)


def write_period(ledger, name, now):
    """All that the trail covers, once."""
    certificate = {"decision": "adopt", "winner": name, "sha256": name}
    given = {"contract": "c", "record": {"certificate": certificate}, "actor": "ann", "now": now}
    write_decision(ledger, "desk", "d" * 32, **given)
    for key in (f"{name}used", f"{name}gone"):
        limits = Limits(in_flight=3)
        what = {"name": key, "role": "operator", "scenarios": ["desk"], "limits": limits}
        span = timedelta(days=90)
        add_key(ledger, f"rx-{key}-secret", **what, actor="ann", now=now, lifetime=span)
    given = {"grace": timedelta(days=7), "lifetime": None, "actor": "ann", "now": now}
    rotate_key(ledger, f"rx-{name}used-newer", **given)
    revoke_key(ledger, f"{name}gone", actor="ann", now=now)
    number = add_release(ledger, RELEASE, actor="ann", now=now).number
    change = {"live": number, "canary": number, "share": 5}
    move_pointer(ledger, "desk", "release.promote", change, actor="ann", now=now)
    write_batch(ledger, [f"req_{name}{place}" for place in range(3)], now)
    write_feedback(ledger, [Remark(f"req_{name}0", now.timestamp(), 1, '{"score": 0}')])
    erase_content(ledger, [f"req_{name}1"], actor="ann", now=now)
    record(ledger, "serve.start", f"host {name}", actor="ann", now=now)


def remove(path, days, now=NOW):
    with Ledger(path) as ledger:
        prune(ledger, due(ledger, days, now), actor="ann", now=now)


def old_ledger(folder):
    """One that an older Rixin made, pruned and went on writing."""
    path = folder / "ledger.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript((OLD / "ledger-4.sql").read_text())
    shutil.copy(OLD / "ledger-4.heads.jsonl", heads_file(path))
    return path


@pytest.fixture(scope="session")
def ledgers(tmp_path_factory):
    """A ledger by what was done to it."""
    made = {}
    for kind in ("kept", "pruned", "pruned twice", "migrated"):
        folder = tmp_path_factory.mktemp(kind.replace(" ", "_"))
        path = old_ledger(folder) if kind == "migrated" else folder / "ledger.sqlite3"
        with Ledger(path) as ledger:
            if kind != "migrated":
                write_period(ledger, "old", LONG_AGO)
                write_feedback(ledger, [Remark("req_old0", LONG_AGO.timestamp(), 1, "{}")])
            name = "late" if kind == "migrated" else "new"
            write_period(ledger, name, NOW)
            write_feedback(ledger, [Remark(f"req_{name}0", NOW.timestamp(), 1, '{"score": 1}')])
            write_head(ledger, current_head(ledger), NOW)
        if kind.startswith("pruned"):
            remove(path, 200)
        if kind == "pruned twice":
            with Ledger(path) as ledger:
                write_period(ledger, "late", NOW + timedelta(days=200))
            remove(path, 200, NOW + timedelta(days=210))
        assert audit_check.check(path).wrong == []
        made[kind] = path
    return made


def copy_of(path, folder):
    for one in (path, heads_file(path)):
        shutil.copy(one, folder / one.name)
    return folder / path.name


def wrong_after(path, *statements):
    with contextlib.closing(sqlite3.connect(path)) as database:
        for one in statements:
            database.execute(one)
        database.commit()
    return audit_check.check(path).wrong


def other_values(value):
    """Values that are near a stored one and not the same."""
    if isinstance(value, int | float):
        return st.sampled_from([value + 1, value - 1, -value - 1, value + 1000])
    if value is None:
        return st.sampled_from(["", "x", 1])
    changed = [value + "x", "", value[1:], value[:-1] + "\x7f", value.swapcase() + " "]
    return st.sampled_from([one for one in changed if one != value])


def columns_of(path, kind):
    """Every column of every table that the trail covers, with the values in it by row."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        for table in COVERED:
            for _, column, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
                if (kind, column) == ("migrated", "seq") and table != "audit":
                    continue  # old entries tell the order of rows, not their numbers
                rows = database.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
                yield table, column, rows


def alter(path, table, column, number, changed):
    """Alters one value; whether the file is another one afterwards."""
    whole = f"SELECT rowid, {column} FROM {table} ORDER BY rowid"
    with contextlib.closing(sqlite3.connect(path)) as database:
        before = database.execute(whole).fetchall()
        try:
            query = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
            database.execute(query, (changed, number))
        except sqlite3.IntegrityError:
            return False  # such a row is there already
        database.commit()
        return database.execute(whole).fetchall() != before


@pytest.mark.parametrize("kind", ["pruned twice", "migrated"])
def test_an_alteration_of_every_column_is_named(ledgers, tmp_path, kind):
    unseen = []
    for table, column, rows in columns_of(ledgers[kind], kind):
        number, value = rows[-1]
        changed = value + 1_000 if isinstance(value, int | float) else f"{value}x"
        path = copy_of(ledgers[kind], tmp_path)
        assert alter(path, table, column, number, changed), (table, column)
        if not audit_check.check(path).wrong:
            unseen.append((table, column, value))
    assert unseen == []


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_alteration_of_any_value_is_named(ledgers, tmp_path_factory, data):
    kind = data.draw(st.sampled_from([*ledgers]))
    columns = [*columns_of(ledgers[kind], kind)]
    table, column, rows = data.draw(st.sampled_from(columns))
    number, value = data.draw(st.sampled_from(rows))
    changed = data.draw(other_values(value))
    path = copy_of(ledgers[kind], tmp_path_factory.mktemp("altered"))
    if alter(path, table, column, number, changed):
        assert audit_check.check(path).wrong, (kind, table, column, value, changed)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_missing_row_is_named(ledgers, tmp_path_factory, data):
    kind = data.draw(st.sampled_from([*ledgers]))
    table = data.draw(st.sampled_from(COVERED))
    path = copy_of(ledgers[kind], tmp_path_factory.mktemp("missing"))
    with contextlib.closing(sqlite3.connect(path)) as database:
        numbers = [row[0] for row in database.execute(f"SELECT rowid FROM {table}")]
    number = data.draw(st.sampled_from(numbers))
    assert wrong_after(path, f"DELETE FROM {table} WHERE rowid = {number}"), (kind, table)


FORGED = [
    (
        "INSERT INTO keys SELECT 99, 'x', 'y', 'eve', 'admin', '[]', limits, '', NULL FROM keys LIMIT 1",
        "no entry says that key x was made",
    ),
    ("UPDATE keys SET role = 'admin' WHERE id = 1", r"key \w+ was altered"),
    ("UPDATE keys SET limits = '{}' WHERE id = 1", r"key \w+ was altered"),
    ("UPDATE keys SET revoked_at = NULL", r"whether key \w+ is revoked was altered"),
    (
        (
            "INSERT INTO releases SELECT 99, 'desk', 9, created_at, created_by, 'evil', fingerprint,"
            " dataset_id, path, frozen, contract, certificate, certified FROM releases LIMIT 1"
        ),
        "no entry says that release desk@9 was made",
    ),
    ("UPDATE releases SET id = 77 WHERE number = 1", "release desk@1 was altered"),
    ("UPDATE pointers SET live = 9", "which release of desk serves was altered"),
    ("UPDATE pointers SET id = 9", "which release of desk serves was altered"),
    (
        "INSERT INTO pointers VALUES (9, 'shop', 1, NULL, 0, '[]')",
        "which release of shop serves was altered",
    ),
    ("UPDATE decisions SET record = '{}' WHERE id = 1", "verdict"),
    (
        (
            "INSERT INTO decisions SELECT -5, scenario, dataset_id, decided_at, contract, record"
            " FROM decisions LIMIT 1"
        ),
        "no entry says that verdict -5 on desk was made",
    ),
    (
        (
            "INSERT INTO decisions SELECT 99, scenario, dataset_id, decided_at, contract, record"
            " FROM decisions LIMIT 1"
        ),
        "no entry says that verdict 99 on desk was made",
    ),
]


@pytest.mark.parametrize("kind", ["kept", "pruned", "pruned twice", "migrated"])
@pytest.mark.parametrize(("statement", "word"), FORGED)
def test_what_was_forged_is_named_with_and_without_a_retention(
    ledgers, tmp_path, kind, statement, word
):
    wrong = wrong_after(copy_of(ledgers[kind], tmp_path), statement)
    assert any(re.search(word, line) for line in wrong), wrong


@pytest.mark.parametrize("action", ["key.create", "key.revoke", "release.create", "decision"])
def test_entries_about_what_is_there_outlive_a_retention(ledgers, tmp_path, action):
    path = copy_of(ledgers["pruned"], tmp_path)
    with Ledger(path) as ledger:
        seen = entries(ledger, 100)
    old = [one for one in seen if one["action"] == action and one["at"] < "2026-04"]
    assert old
    # To empty one later, as a retention would, is named: the removal lists those that it left.
    emptied = (
        "UPDATE audit SET at = '', actor = '', action = 'removed', subject = '', detail = '{}',"
        f" previous = '' WHERE seq = {old[0]['seq']}"
    )
    wrong = wrong_after(path, emptied)
    assert f"entry {old[0]['seq']} is empty, and no retention removed it" in wrong


def test_a_second_retention_lists_only_what_the_first_one_did_not(ledgers, tmp_path):
    path = copy_of(ledgers["pruned"], tmp_path)
    later = NOW + timedelta(days=300)
    remove(path, 200, later)
    with Ledger(path) as ledger:
        first, second = [one for one in entries(ledger, 100) if one["action"] == "retention.prune"]
    assert first["detail"]["kept"]
    assert min(second["detail"]["kept"]) > max(first["detail"]["kept"])
    assert first["seq"] in second["detail"]["kept"]
    assert audit_check.check(path).wrong == []


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        (
            "CREATE TRIGGER t AFTER UPDATE ON keys BEGIN UPDATE keys SET revoked_at = NULL; END",
            "trigger t",
        ),
        ("CREATE VIEW v AS SELECT * FROM keys", "view v"),
        (
            "ALTER TABLE keys ADD COLUMN extra TEXT AS (name)",
            "the column extra of keys is computed",
        ),
    ],
)
def test_what_rixin_never_makes_in_a_file_is_named(ledgers, tmp_path, statement, word):
    wrong = wrong_after(copy_of(ledgers["kept"], tmp_path), statement)
    assert any(word in line for line in wrong), wrong


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE key_secrets SET expires_at = NULL WHERE id = 1", "secret 1 of the key with"),
        ("UPDATE key_secrets SET earlier_until = '2099' WHERE earlier_until > ''", "was altered"),
        ("DELETE FROM key_secrets WHERE id = 1", "a secret of key"),
        ("INSERT INTO key_secrets VALUES (99, 1, 'x', '2026', NULL, NULL)", "secret 99"),
    ],
)
def test_a_secret_of_a_key_that_was_altered_is_named(ledgers, tmp_path, statement, word):
    wrong = wrong_after(copy_of(ledgers["kept"], tmp_path), statement)
    assert any(word in line for line in wrong), wrong


def test_a_view_in_the_place_of_a_table_is_not_read(ledgers, tmp_path):
    path = copy_of(ledgers["kept"], tmp_path)
    with pytest.raises(sqlite3.Error, match="keys is no table of Rixin"):
        wrong_after(path, "ALTER TABLE keys RENAME TO k", "CREATE VIEW keys AS SELECT * FROM k")


def test_an_index_that_is_not_that_of_its_table_is_named(ledgers, tmp_path):
    path = copy_of(ledgers["kept"], tmp_path)
    wrong = wrong_after(
        path,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = sql || ' WHERE seq > 1' WHERE name = 'ix_requests_at'",
    )
    assert any("the file is damaged" in line for line in wrong), wrong


def test_a_ledger_of_an_older_rixin_opens_and_says_what_had_no_entry(tmp_path, capsys):
    path = old_ledger(tmp_path)
    assert "open it once with this version" in audit_check.check(path).wrong[-1]
    with Ledger(path) as ledger:
        assert ledger.version == len(tables.MIGRATIONS) == audit_check.NEWEST
        assert {one.public_id for one in list_keys(ledger)} == {"oldkey", "gonekey", "newkey"}
        assert entries(ledger, 1)[0]["action"] == audit_check.MIGRATED
    found = audit_check.check(path)
    assert (found.wrong, found.removed, found.requests) == ([], 8, 3)
    assert found.older == 4  # a verdict, two keys and a release
    assert run_cli(["audit", "verify", "--ledger", str(path)]) == 0
    assert "4 verdicts, keys and releases are told by" in capsys.readouterr().out
    remove(path, 183, NOW + timedelta(days=400))
    assert audit_check.check(path).wrong == []
    assert audit_check.check(path).older == 4


def test_a_ledger_from_before_the_trail_keeps_its_verdicts(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO decisions VALUES (1, 'desk', 'd', '2025', 'c', '{}')")
        database.execute("UPDATE rixin_meta SET value = '2'")
        for table in ("audit", "feedback", "requests", "keys", "pointers", "releases"):
            database.execute(f"DROP TABLE {table}")
        database.commit()
    with Ledger(path):
        pass
    assert audit_check.check(path)[:5] == (1, 0, [], 0, 1)
    assert wrong_after(path, "UPDATE decisions SET decided_at = '2026'") == [
        "verdict 1 on desk was altered"
    ]


@pytest.mark.parametrize("days", [10, 700])
def test_an_entry_dated_in_the_future_does_not_stop_retention(tmp_path, days):
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        write_batch(ledger, ["req_a"], LONG_AGO)
        write_batch(ledger, ["req_b"], NOW + timedelta(days=days))  # a clock that went wrong
        write_batch(ledger, ["req_c"], LONG_AGO + timedelta(days=1))
        write_batch(ledger, ["req_d"], NOW - timedelta(days=1))
        assert due(ledger, 200, NOW).through == 3
    remove(path, 200)
    found = audit_check.check(path)
    assert (found.wrong, found.requests, found.removed) == ([], 1, 3)


def test_an_entry_dated_in_the_future_is_not_old_by_itself(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        write_batch(ledger, ["req_a"], LONG_AGO)
        write_batch(ledger, ["req_b"], NOW + timedelta(days=9))
        assert due(ledger, 200, NOW).through == 1


def test_spending_is_of_the_period_never_negative_and_as_reserved_where_unknown(tmp_path):
    now = NOW.timestamp()
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        write_batch(ledger, ["req_known"], NOW)
        write_batch(ledger, ["req_future"], NOW, at=now + 86_400 * 400, cost=10**15)
        write_batch(ledger, ["req_past"], NOW, at=now - 86_400, cost=10**15)
        write_batch(ledger, ["req_negative"], NOW, cost=-(10**15))
        write_batch(ledger, ["req_unknown"], NOW, cost=None, detail={"reserved_pico": 5 * 10**12})
        write_batch(ledger, ["req_free"], NOW, cost=None)
        assert used_since(ledger, now - 3_600, now)[1].pico == 7 + 5 * 10**12
        assert spent_by_scenario_since(ledger, now - 3_600, now) == {"desk": 7 + 5 * 10**12}
