"""Releases, pointers, keys and the audit trail, through the commands that an operator types."""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rixin.cli.app import run as run_cli
from rixin.core.key import Limits
from rixin.core.merkle import Frontier, leaf_hash, tree_head
from rixin.core.release import Pointer
from rixin.errors import PromiseUnmet, UnknownName, UsageError
from rixin.ledger import audit_check
from rixin.ledger.audit import entries, heads_file
from rixin.ledger.keys import list_keys, revoke_key
from rixin.ledger.requests import Remark, find_request, note_head, write_feedback
from rixin.ledger.store import Ledger
from rixin.workspace import Workspace
from serve.house import create_key, release, served, start, upstream, write_scenario


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A scenario whose rules are adopted."""
    folder = tmp_path_factory.mktemp("decided")
    path = write_scenario(folder, "http://127.0.0.1:9/v1", faults=())
    with Workspace(quiet=True) as workspace:
        assert workspace.decide(path, only=["rules"]).verdict.winner == "rules"
    return path


@pytest.fixture
def path(decided, tmp_path):
    shutil.copytree(decided.parent, tmp_path / "desk")
    return tmp_path / "desk" / "desk.yaml"


def rixin(path, *arguments, hash_seed="random"):
    command = [sys.executable, "-m", "rixin", *arguments]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        command, cwd=path.parent, capture_output=True, text=True, check=False, env=env
    )
    return done.returncode, done.stdout + done.stderr


def test_a_verdict_becomes_a_release_and_serves(path):
    code, said = rixin(path, "release", "desk.yaml")
    assert (code, "desk@1: rules, certified" in said) == (0, True)
    assert rixin(path, "promote", "desk.yaml")[1].startswith("desk: release 1 serves")
    code, said = rixin(path, "release", "desk.yaml", "--force", "--solver", "ladder")
    assert "NOT certified: forced" in said
    code, said = rixin(path, "promote", "desk.yaml", "2", "--canary", "5")
    assert "release 1 serves; 5 % goes to release 2 (canary) (NOT certified: forced)" in said
    assert "--canary 25" in said
    assert "release 1 serves" in rixin(path, "rollback", "desk.yaml")[1]
    assert "release 2 serves (NOT certified: forced)" in rixin(path, "promote", "desk.yaml")[1]
    assert "release 1 serves" in rixin(path, "rollback", "desk")[1]
    listed = json.loads(rixin(path, "release", "desk.yaml", "--list", "--json")[1])
    assert [(one["number"], one["certified"]) for one in listed] == [(1, True), (2, False)]


def test_what_the_verdict_does_not_adopt_is_refused(path):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path)
        with pytest.raises(PromiseUnmet, match="adopts 'rules', not 'ladder'"):
            desk.release(path, solver="ladder")
        with pytest.raises(UnknownName, match="'nobody'"):
            desk.release(path, force=True, solver="nobody")


def test_a_row_that_was_altered_ends_the_certificate(path):
    database = sqlite3.connect(path.parent / ".rixin" / "ledger.sqlite3")
    first = "(SELECT min(case_id) FROM outcomes)"
    database.execute(f"UPDATE outcomes SET state = 'unsolved' WHERE case_id = {first}")
    database.commit()
    database.close()
    code, said = rixin(path, "release", "desk.yaml")
    assert code == 1
    assert "does not hold any more" in said


def test_a_file_that_has_changed_since_the_verdict_is_decided_on_first(path):
    text = path.read_text()
    path.write_text(text.replace("Say what the animal wears", "Say it in one word", 1))
    for more in ((), ("--force", "--solver", "ladder")):
        code, said = rixin(path, "release", "desk.yaml", *more)
        assert code == 2
        assert "desk.yaml has changed since the verdict (task): decide again" in said
    path.write_text("# only a comment\n" + text)
    assert rixin(path, "release", "desk.yaml")[0] == 0


def test_what_is_released_already_gets_no_new_number(path):
    assert "desk@1" in rixin(path, "release", "desk.yaml")[1]
    with Workspace(quiet=True) as workspace:
        workspace.decide(path, only=["rules"])
    code, said = rixin(path, "release", "desk.yaml")
    assert (code, "desk@1" in said, "nothing has changed" in said) == (0, True, True)
    assert "desk@2" in rixin(path, "release", "desk.yaml", "--force", "--solver", "ladder")[1]


def test_a_release_is_the_same_in_a_process_that_orders_sets_otherwise(tmp_path):
    assert rixin(tmp_path / "example.yaml", "init", "--example")[0] == 0
    assert rixin(tmp_path / "example.yaml", "decide", "-q")[0] == 0
    code, said = rixin(tmp_path / "example.yaml", "release", "--accept-assumptions", hash_seed="1")
    assert (code, "example@1" in said) == (0, True)
    for seed in "234":  # what is accepted already is not asked for again
        code, said = rixin(tmp_path / "example.yaml", "release", hash_seed=seed)
        assert (code, "example@1" in said, "nothing has changed" in said) == (0, True, True), said


def test_nothing_decided_is_nothing_to_release(tmp_path):
    path = write_scenario(tmp_path, "http://127.0.0.1:9/v1", faults=())
    code, said = rixin(path, "release", "desk.yaml")
    assert (code, "rixin decide" in said) == (2, True)


def test_pointers_that_lead_nowhere(path):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path)
        with pytest.raises(UnknownName, match="release"):
            desk.promote("desk")
        desk.release(path)
        with pytest.raises(UsageError, match="nothing to try a canary beside"):
            desk.promote("desk", canary=5)
        with pytest.raises(UsageError, match="nothing serves"):
            desk.rollback("desk")
        desk.promote("desk")
        with pytest.raises(UsageError, match="1 to 99"):
            desk.promote("desk", canary=100)
        with pytest.raises(UsageError, match="first release"):
            desk.rollback("desk")


def test_only_what_has_served_can_be_gone_back_to(path):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path)
        desk.release(path)
        desk.release(path, force=True, solver="ladder")
        desk.promote("desk", 1)
        with pytest.raises(UsageError, match="desk@2 has never served"):
            desk.rollback("desk", 2)
        desk.promote("desk", 2)
        assert desk.rollback("desk", 1).live == 1


def test_a_second_rollback_goes_further_back(path):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path)
        for solver in ("rules", "ladder", "rules"):
            desk.promote("desk", desk.release(path, force=True, solver=solver).number)
        assert desk.rollback("desk").live == 2
        assert desk.rollback("desk").live == 1
        with pytest.raises(UsageError, match="first release"):
            desk.rollback("desk")
        assert desk.rollback("desk", 3).live == 3


def test_three_releases_stay_warm_beside_a_canary():
    assert Pointer(id=1, scenario="s", live=4, history=(3, 2, 1)).warm() == (4, 3, 2, 1)
    tried = Pointer(id=1, scenario="s", live=4, canary=5, share=5, history=(3, 2, 1, 0))
    assert tried.warm() == (4, 5, 3, 2, 1)


def released_by_ann(workspace, path):
    """Her desk, with a release that somebody else must promote."""
    text = path.read_text().replace("candidates:", "policy: {second_person: true}\ncandidates:", 1)
    path.write_text(text)
    workspace.decide(path, only=["rules"])
    desk = workspace.desk(path, actor="ann")
    desk.release(path)
    return desk


def test_a_promotion_can_need_a_second_person(path):
    with Workspace(quiet=True) as workspace:
        desk = released_by_ann(workspace, path)
        for wrong in ("", "ann", "Mickey Mouse"):
            with pytest.raises(UsageError, match="second person"):
                desk.promote("desk", approved_by=wrong)
        assert desk.pointer("desk") is None
        assert desk.promote("desk", key=approver(desk, "bob")).live == 1
        said = entries(desk.ledger, 1)[0]["detail"]
        assert (said["approved_by"], said["proved"]) == ("bob", True)


def approver(desk, name):
    return desk.create_key(name, role="approver", limits=Limits())[0]


def test_a_name_is_kept_where_nobody_asks_for_a_second_person(path):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path, actor="ann")
        desk.release(path)
        assert desk.promote("desk", approved_by="bob").live == 1
        said = entries(desk.ledger, 1)[0]["detail"]
        assert (said["approved_by"], said["proved"]) == ("bob", False)


def test_who_takes_the_second_person_out_of_the_contract_needs_one(path):
    with Workspace(quiet=True) as workspace:
        desk = released_by_ann(workspace, path)
        bobs = approver(desk, "bob")
        desk.promote("desk", key=bobs)
        path.write_text(path.read_text().replace("policy: {second_person: true}", "", 1))
        workspace.decide(path, only=["rules"])
        desk = workspace.desk(path, actor="ann")
        desk.release(path)
        with pytest.raises(UsageError, match="second person"):
            desk.promote("desk")
        desk.promote("desk", key=bobs)
        desk.release(path, force=True, solver="ladder")
        assert desk.promote("desk").live == 3


def test_a_second_person_is_proved_by_a_key(path):
    with Workspace(quiet=True) as workspace:
        desk = released_by_ann(workspace, path)

        def key(name, **more):
            return desk.create_key(name, **{"limits": Limits(), "role": "approver", **more})[0]

        revoked, bobs = key("carol"), key("bob", scenarios=["desk"])
        desk.revoke_key(revoked.split("-")[1])
        for wrong, why in (
            ("rx-nobody-s", "no such key"),
            (revoked, "revoked"),
            (key("app", role="caller"), "role is caller, not admin or approver"),
            (key("app of before", role="operator"), "role is operator, not admin or approver"),
            (key("dan", scenarios=["other"]), "other scenarios"),
            (key(" "), "no name"),
            (key("Ann"), "key of Ann, who made the release"),
        ):
            with pytest.raises(UsageError, match=why):
                desk.promote("desk", key=wrong)
        assert desk.pointer("desk") is None
        assert workspace.desk(path, actor="bob").promote("desk", key=bobs).live == 1
        said = entries(desk.ledger, 1)[0]
    assert (said["actor"], said["detail"]["approved_by"], said["detail"]["proved"]) == (
        *("bob", "bob"),
        True,
    )
    assert said["detail"]["key"] == bobs.split("-")[1]
    assert bobs.split("-")[2] not in str(said)


def test_the_key_of_a_second_person_comes_in_a_file_or_the_environment(path, monkeypatch, capsys):
    monkeypatch.chdir(path.parent)
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path, actor="ann")
        desk.release(path)
        bobs = approver(desk, "bob")
    (path.parent / "bob.key").write_text(bobs + "\n")
    (path.parent / "empty.key").write_text("\n")
    promote = ["promote", "desk.yaml"]
    assert run_cli([*promote, "--key-file", "bob.key"]) == 0
    assert run_cli([*promote, "--key-file", "empty.key"]) == 2
    assert run_cli([*promote, "--key-file", "nowhere.key"]) == 2
    monkeypatch.setenv("RIXIN_APPROVER_KEY", bobs)
    assert run_cli(promote) == 0
    assert run_cli([*promote, "--approved-by", "carol"]) == 2
    assert run_cli(["audit", "log", "--last", "2"]) == 0
    assert capsys.readouterr().out.count('"approved_by": "bob"') == 2


def test_keys_are_shown_once_and_stored_hashed(path):
    code, said = rixin(
        path, "keys", "create", "--scenario", "desk", "--budget", "20/day", "--rate", "60/min"
    )
    secret = said.splitlines()[0]
    assert code == 0
    assert secret.startswith("rx-")
    assert "caller" in rixin(path, "keys", "list")[1]
    content = (path.parent / ".rixin" / "ledger.sqlite3").read_bytes()
    for wal in path.parent.glob(".rixin/*-wal"):
        content += wal.read_bytes()
    assert secret.encode() not in content
    assert secret.split("-")[2].encode() not in content
    public = secret.split("-")[1]
    assert public in rixin(path, "keys", "list")[1]
    assert "is revoked" in rixin(path, "keys", "revoke", public)[1]
    assert "revoked 20" in rixin(path, "keys", "list")[1]
    assert rixin(path, "keys", "revoke", "nobody")[0] == 2
    assert rixin(path, "keys", "create", "--budget", "20")[0] == 2
    said = rixin(path, "keys", "create", "--scenario", "desk.yaml", "--json")[1]
    assert '"scenarios": [\n    "desk"\n  ]' in said
    assert rixin(path, "keys", "create", "--rate", "x")[0] == 2


def test_a_key_is_revoked_by_its_name(path):
    with Workspace(quiet=True) as workspace:
        desk = workspace.desk(path)
        for name in ("app", "twin", "twin"):
            desk.create_key(name, limits=Limits())
        first = desk.keys()[1].public_id
        assert desk.revoke_key("app").revoked_at
        assert desk.revoke_key("app").name == "app"  # again, as by its id
        with pytest.raises(UsageError, match="2 keys have the name 'twin'"):
            desk.revoke_key("twin")
        assert desk.revoke_key(first).public_id == first
        assert desk.revoke_key("twin").public_id != first
        with pytest.raises(UnknownName, match="key"):
            desk.revoke_key("ap")


def test_the_list_of_keys_says_what_each_has_spent_today_and_in_what(tmp_path):
    with served(tmp_path, faults=(), money_per_day=Decimal("20.00")) as house:
        idle = house.new_key()
        assert house.chat("an okapi").status == 200
        house.stop()
        listed = json.loads(rixin(house.path, "keys", "list", "--json")[1])
        spent, nothing = (one["spent_today"] for one in listed)
        assert nothing == {}
        ((currency, amount),) = spent.items()
        assert Decimal(amount) > 0
        lines = rixin(house.path, "keys", "list")[1].splitlines()
        assert f"{currency} 20/day" in lines[1]
        assert f"{currency} {Decimal(amount).normalize():f}" in lines[1]
        assert idle.split("-")[1] in lines[2]


def test_a_key_is_shown_also_where_no_tree_head_can_be_written(path, capsys, monkeypatch):
    with Workspace(quiet=True) as workspace:
        heads = heads_file(workspace.desk(path).ledger.path)
    heads.unlink()
    heads.mkdir()
    monkeypatch.chdir(path.parent)
    assert run_cli(["keys", "create"]) == 0
    assert capsys.readouterr().out.startswith("rx-")


def test_a_running_gateway_follows_the_pointer(tmp_path):
    with served(tmp_path, faults=()) as house:
        with Workspace(quiet=True) as workspace:
            desk = workspace.desk(house.path)
            desk.release(house.path, force=True, solver="rules")
            desk.promote("desk", canary=50)
            time.sleep(1.2)
            seen = {house.chat("a zebra").headers["x-rixin-release"] for _ in range(40)}
            assert seen == {"desk@1", "desk@2"}
            desk.promote("desk", 2)
            time.sleep(1.2)
            assert house.chat("a zebra").headers["x-rixin-release"] == "desk@2"
            assert house.chat("a zebra", "scenario/desk@1").status == 200
            desk.rollback("desk")
            time.sleep(1.2)
            assert house.chat("a zebra").headers["x-rixin-release"] == "desk@1"


def test_what_has_changed_since_the_decision_does_not_serve(tmp_path):
    with upstream(tmp_path) as up:
        path = write_scenario(tmp_path / "desk", up.url, faults=())
        release(path)
        (path.parent / "rules.yaml").write_text("rules:\n  - {label: spots, any: [zebra]}\n")
        house = start(path, key=create_key(path))
        reply = house.ask("/readyz", method="GET")
        house.stop()
        house.process.stderr.close()
    assert reply.status == 503
    assert "not what was decided on" in reply.body.decode()
    assert any("nothing: see above" in line for line in house.lines)


def test_a_canary_that_cannot_serve_takes_no_traffic(tmp_path):
    with served(tmp_path, faults=()) as house:
        with Workspace(quiet=True) as workspace:
            desk = workspace.desk(house.path)
            desk.release(house.path, force=True, solver="rules")
            rules = house.path.parent / "rules.yaml"
            rules.write_text(rules.read_text().replace("stripes", "spots"))
            desk.promote("desk", canary=99)
            time.sleep(1.2)
            assert {house.chat("a zebra").status for _ in range(10)} == {200}
            ready = house.ask("/readyz", method="GET")
            assert (ready.status, ready.json()["status"]) == (200, "degraded")
            assert "desk@2" in ready.json()["missing"][0]
            desk.rollback("desk")
            time.sleep(1.2)
        assert house.ask("/readyz", method="GET").json()["status"] == "ready"


@pytest.fixture(scope="module")
def served_once(tmp_path_factory):
    """A ledger with some requests, and their ids."""
    with served(tmp_path_factory.mktemp("traffic"), faults=()) as house:
        texts = ("a zebra", "an okapi") * 3
        ids = [house.chat(text).headers["x-rixin-request-id"] for text in texts]
        house.stop()
        return house.ledger, ids


@pytest.fixture
def traffic(served_once, tmp_path):
    """A copy of it."""
    ledger, ids = served_once
    shutil.copytree(ledger.parent, tmp_path / "desk" / ".rixin")
    return tmp_path / "desk" / ".rixin" / ledger.name, ids


def test_the_trail_holds_also_after_an_erasure(traffic, monkeypatch, capsys):
    ledger, ids = traffic
    monkeypatch.chdir(ledger.parent.parent)
    found = audit_check.check(ledger)
    assert (found.requests, found.wrong, found.removed) == (6, [], 0)
    assert found.entries >= 4
    with Ledger(ledger) as opened:
        said = json.dumps({"comment": "Ann was rude", "salt": "s"})
        write_feedback(opened, [Remark(ids[0], time.time(), 1, said)])
        assert find_request(opened, ids[0])["feedback"][0]["comment"] == "Ann was rude"
    assert audit_check.check(ledger).wrong == []
    assert run_cli(["audit", "erase", ids[0]]) == 0
    with Ledger(ledger) as opened:
        assert find_request(opened, ids[0])["feedback"] == []
    for path in ledger.parent.iterdir():
        assert b"Ann was rude" not in path.read_bytes()
    assert run_cli(["audit", "erase"]) == 2
    assert run_cli(["audit", "erase", "--older-than", "1"]) == 0
    assert run_cli(["audit", "erase", "req_nobody"]) == 1
    assert run_cli(["audit", "verify", "--json"]) == 0
    assert run_cli(["audit", "verify"]) == 0
    assert run_cli(["audit", "log", "--last", "2"]) == 0
    assert "content.erase" in capsys.readouterr().out
    assert run_cli(["explain", ids[0]]) == 0
    assert "erased; its hash is kept" in capsys.readouterr().out
    assert run_cli(["explain", ids[1]]) == 0
    said = capsys.readouterr().out
    assert "this answer stands" in said
    assert "passed on" in said
    assert "certificate" in said
    assert "NOT certified: forced" in said
    assert "out; USD " in said
    desk = ledger.parent.parent / "desk.yaml"
    monkeypatch.chdir("/")
    assert run_cli(["explain", str(desk), ids[1]]) == 0
    assert capsys.readouterr().out == said
    monkeypatch.chdir(desk.parent)
    assert run_cli(["explain", "req_nobody"]) == 2
    alone = [sys.executable, "-S", "-I", audit_check.__file__, str(ledger)]
    done = subprocess.run(alone, capture_output=True, text=True, check=False)
    assert (done.returncode, "holds" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE seq = 2", "entry 2"),
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "was cut"),
        ("UPDATE requests SET cost_pico = 1 WHERE seq = 2", "was altered"),
        ("UPDATE requests SET content = '{}' WHERE seq = 1", "content of request"),
        ("DELETE FROM requests WHERE seq = 6", "missing"),
        ("DELETE FROM requests WHERE seq = 1", "missing"),
        (
            "UPDATE requests SET id = 'x', leaf = '00' || substr(leaf, 3) WHERE seq = 1",
            "not those that were there",
        ),
        ("UPDATE keys SET role = 'admin'", "key \\w+ was altered"),
        ("UPDATE keys SET hash = 'x'", "key \\w+ was altered"),
        ("UPDATE keys SET revoked_at = '2026'", "whether key \\w+ is revoked was altered"),
        ("DELETE FROM keys", "key \\w+ is missing"),
        (
            "INSERT INTO keys SELECT 99, 'x', 'y', '', role, '[]', limits, '', NULL FROM keys",
            "no entry says that key x was made",
        ),
        ("UPDATE releases SET contract = contract || ' '", "release desk@1 was altered"),
        ("UPDATE releases SET certified = 1", "release desk@1 was altered"),
        ("DELETE FROM releases", "release desk@1 is missing"),
        ("UPDATE pointers SET live = 2", "which release of desk serves was altered"),
        ("DELETE FROM pointers", "what serves desk is missing"),
        ("UPDATE pointers SET history = '[3]'", "which release of desk serves was altered"),
        ("UPDATE decisions SET record = '{}'", "verdict on desk of entry 1 was altered"),
        ("UPDATE decisions SET decided_at = ''", "verdict on desk of entry 1 was altered"),
        ("DELETE FROM decisions", "verdict on desk of entry 1 was altered or is missing"),
        ("UPDATE requests SET content = NULL WHERE seq = 1", "is missing, and nobody erased it"),
        ("UPDATE rixin_meta SET value = '[0, []]' WHERE name = 'audit_frontier'", "tree head in"),
        ("DELETE FROM rixin_meta WHERE name = 'audit_frontier'", "tree head in the ledger"),
        ("UPDATE keys SET name = x'ff'", "key \\w+ was altered"),
        ("UPDATE keys SET name = CAST(x'ff' AS TEXT)", "key \\w+ was altered"),
        ("UPDATE audit SET detail = '[]' WHERE action = 'key.create'", "entry \\d+ .* was altered"),
    ],
)
def test_what_was_altered_is_named(traffic, change, word):
    ledger, _ = traffic
    database = sqlite3.connect(ledger)
    database.execute(change)
    database.commit()
    database.close()
    wrong = audit_check.check(ledger)[2]
    assert any(re.search(word, line) for line in wrong), wrong


def change(ledger, statement):
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE feedback SET at = at + 1",
        "UPDATE feedback SET key_id = 9",
        "UPDATE feedback SET body = ''",
        "UPDATE feedback SET body = '{}'",
        "INSERT INTO feedback SELECT 9, request_id, at, key_id, body FROM feedback",
        "DELETE FROM feedback",
    ],
)
def test_feedback_is_as_it_was_given(traffic, statement):
    path, ids = traffic
    with Ledger(path) as ledger:
        write_feedback(ledger, [Remark(ids[0], 1_800_000_000.25, 1, '{"score": 1}')])
        note_head(ledger)
    assert audit_check.check(path).wrong == []
    change(path, statement)
    (line,) = audit_check.check(path).wrong[:1]
    assert f"feedback on {ids[0]}" in line


def test_when_a_key_was_revoked_is_in_the_trail(traffic):
    path, _ = traffic
    with Ledger(path) as ledger:
        (key,) = list_keys(ledger)
        for _ in range(2):
            revoke_key(ledger, key.public_id, actor="ann", now=datetime.now(UTC))
            assert audit_check.check(path).wrong == []
    change(path, "UPDATE keys SET revoked_at = '2031-01-01T00:00:00+00:00'")
    assert "is revoked was altered" in audit_check.check(path).wrong[0]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('{"size": 3, "ro', "line 1 of .* is no tree head"),
        ("[]", "line 1 of .* is no tree head"),
        (f'{{"size": 3, "root": "{0:064}", "at": "2026-11-01T00:00:00+00:00"}}', "over 3 entries"),
    ],
)
def test_every_line_of_the_tree_heads_counts(traffic, line, word):
    path, _ = traffic
    heads = heads_file(path)
    heads.write_text(f"{line}\n{heads.read_text()}")
    assert re.search(word, audit_check.check(path).wrong[0])


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%41b", "ü b"])
def test_a_ledger_is_verified_wherever_it_lies(traffic, tmp_path, name):
    path, _ = traffic
    moved = path.parent.rename(tmp_path / name) / path.name
    assert audit_check.check(moved).wrong == []


@pytest.mark.parametrize("content", [b"", b"none" * 999, None])
def test_what_is_no_ledger_is_told_without_a_traceback(tmp_path, content):
    path = tmp_path / "ledger.sqlite3"
    if content is not None:
        path.write_bytes(content)
    alone = [sys.executable, "-I", "-S", audit_check.__file__, str(path)]
    done = subprocess.run(alone, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_tree_heads_are_those_of_rfc_6962():
    # The test vectors of the certificate transparency project.
    leaves = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43"]
    head = tree_head([leaf_hash(one) for one in leaves])
    assert head.hex() == "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"
    assert tree_head([]).hex().startswith("e3b0c442")
    with pytest.raises(ValueError, match="peaks"):
        Frontier(3, [])


def test_a_release_keeps_its_contract_as_it_was_decided(path):
    from rixin.interop.contract.load import load_scenario
    from rixin.workspace.frozen import freeze, thaw

    scenario = load_scenario(path)
    again = thaw(freeze(scenario), path)
    assert freeze(again) == freeze(scenario)
    assert (again.promise, again.economics, again.output) == (
        scenario.promise,
        scenario.economics,
        scenario.output,
    )
    with pytest.raises(UsageError, match="cannot be read"):
        thaw('{"name": 7}', path)


SLOW = """\
import json, sys, time
for line in sys.stdin:
    time.sleep(2.5 if "slow" in line else 0)
    print(json.dumps({"output": "late"}), flush=True)
"""


def test_a_release_that_is_taken_out_answers_what_it_has_begun(tmp_path):
    path = write_scenario(tmp_path, "http://127.0.0.1:9/v1", faults=())
    (tmp_path / "slow.py").write_text(SLOW)
    program = "  - {name: program, function: [python, slow.py]}\n"
    path.write_text(path.read_text().replace("candidates:\n", "candidates:\n" + program))
    release(path, "program")
    with Workspace(quiet=True) as workspace:
        for solver in ("rules", "ladder", "rules", "ladder"):
            workspace.desk(path).release(path, force=True, solver=solver)
    house, replies = start(path, key=create_key(path)), []
    call = threading.Thread(target=lambda: replies.append(house.chat("a slow okapi")))
    call.start()
    time.sleep(0.5)
    with Workspace(quiet=True) as workspace:
        for number in (2, 3, 4, 5):
            workspace.desk(path).promote("desk", number)
    call.join()
    assert house.chat("a zebra").headers["x-rixin-release"] == "desk@5"
    assert house.chat("a zebra", "scenario/desk@1").status == 404
    house.stop()
    house.process.stderr.close()
    assert replies[0].json()["choices"][0]["message"]["content"] == "late"
