"""One gateway serves the scenarios of several folders, each out of a ledger of its own."""

import json
import shutil
import sqlite3

import pytest

from rixin.core.key import Limits
from rixin.errors import NoLedger, UsageError
from rixin.ledger.audit_check import check
from rixin.ledger.releases import find_pointer, read_pointers
from rixin.ledger.store import Ledger
from rixin.workspace import Workspace
from rixin.workspace.mirroring import Mirror, ledger_in
from serve.house import start, upstream, write_scenario
from serve.test_people import rixin, until


def scenario(folder, name, url):
    path = write_scenario(folder / name, url, faults=())
    path.write_text(path.read_text().replace("scenario: desk", f"scenario: {name}"))
    return path


@pytest.fixture
def folders(tmp_path):
    """Two folders, each with a scenario that serves in its own ledger, and an upstream."""
    with upstream(tmp_path) as up:
        paths = [scenario(tmp_path, name, up.url) for name in ("one", "two")]
        for path in paths:
            with Workspace(quiet=True) as workspace:
                workspace.decide(path, only=["rules"])
                desk = workspace.desk(path)
                desk.release(path, force=True, solver="rules")
                desk.promote(path.parent.name)
        yield paths


def test_scenarios_of_several_folders_are_served_and_followed(folders, tmp_path):
    first, second = folders
    with Workspace(quiet=True) as workspace:
        key = workspace.desk(first).create_key("app", limits=Limits())[0]
    house = start(first, "--workspace", str(second.parent), key=key)
    try:
        for name in ("one", "two"):
            reply = house.chat("a zebra", f"scenario/{name}")
            assert reply.json()["choices"][0]["message"]["content"] == "stripes"
            assert reply.headers["x-rixin-release"] == f"{name}@1"
        row = house.row(reply.headers["x-rixin-request-id"])
        assert (row["certified"], row["currency"]) == (True, "USD")
        waits = house.chat("an okapi", "scenario/two").headers["x-rixin-request-id"]
        until(lambda: house.ask(f"/v1/requests/{waits}", method="GET").status == 200)
        assert rixin(house, "inbox", "answer", waits, "velvet")[0] == 0
        with Workspace(quiet=True) as workspace:  # in its own folder, as ever
            desk = workspace.desk(second)
            desk.release(second, force=True, solver="ladder")
            desk.promote("two")
        until(lambda: house.chat("a zebra", "scenario/two").headers["x-rixin-release"] == "two@2")
        with Workspace(quiet=True) as workspace:
            workspace.desk(second).rollback("two")
        until(lambda: house.chat("a zebra", "scenario/two").headers["x-rixin-release"] == "two@1")
        shutil.move(second.parent / ".rixin", tmp_path / "away")
        ready = until(lambda: (one := house.ask("/readyz", method="GET").json())["missing"] and one)
        assert ready["status"] == "degraded"
        assert "there is no ledger" in ready["missing"][0]
        assert house.chat("a zebra", "scenario/two").status == 200
    finally:
        house.stop()
        house.process.stderr.close()
    assert check(house.ledger).wrong == []
    entry = json.loads(rixin(house, "audit", "log", "--action", "release.rollback", "--json")[1])[0]
    assert entry["detail"]["followed"].endswith("two/.rixin/ledger.sqlite3")


def test_a_gateway_of_its_own_ledger_copies_what_serves(folders, tmp_path):
    first, second = folders
    with Ledger(tmp_path / "gate" / "ledger.sqlite3") as target:
        for path in (first, second, first):
            Mirror(ledger_in(path.parent)).look(target)
        assert {one.scenario: one.live for one in read_pointers(target)[0]} == {"one": 1, "two": 1}
        mirror = Mirror(ledger_in(first.parent))
        mirror.look(target)
        with Workspace(quiet=True) as workspace:
            desk = workspace.desk(first)
            desk.release(first, force=True, solver="ladder")
            desk.promote("one", 2, canary=20)
        mirror.look(target)
        pointer = find_pointer(target, "one")
        assert (pointer.live, pointer.canary, pointer.share) == (1, 2, 20)
    assert check(tmp_path / "gate" / "ledger.sqlite3").wrong == []
    with sqlite3.connect(tmp_path / "gate" / "ledger.sqlite3") as database:
        (count,) = database.execute("SELECT count(*) FROM cases").fetchone()
    database.close()
    assert count == 400  # both are of the same cases


def test_two_scenarios_of_one_name_are_refused(folders, tmp_path):
    first, _ = folders
    other = write_scenario(tmp_path / "other", "http://127.0.0.1:9/v1", faults=())
    other.write_text(other.read_text().replace("scenario: desk", "scenario: one"))
    with Workspace(quiet=True) as workspace:
        workspace.decide(other, only=["rules"])
        desk = workspace.desk(other)
        desk.release(other, force=True, solver="strong")
        desk.promote("one")
    with Ledger(tmp_path / "gate" / "ledger.sqlite3") as target:
        Mirror(ledger_in(first.parent)).look(target)
        with pytest.raises(UsageError, match=r"one@1 of .* is not the one"):
            Mirror(ledger_in(other.parent)).look(target)
        with Ledger(ledger_in(first.parent)) as own:
            Mirror(ledger_in(first.parent)).look(own)  # itself: nothing to do
    with pytest.raises(NoLedger):
        ledger_in(tmp_path)
