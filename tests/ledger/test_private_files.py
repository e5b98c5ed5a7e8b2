"""Who may read the files: with any umask the ledger's are its owner's alone."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rixin.cli.app import run as run_cli
from rixin.errors import LedgerFault
from rixin.interop.contract.render import write_whole
from rixin.ledger.audit import heads_file, record
from rixin.ledger.keys import list_keys
from rixin.ledger.private import open_to_others
from rixin.ledger.store import Ledger
from rixin.models.files import write_text
from rixin.serve.journal import Journal
from rixin.serve.sensenova.tokens import server_key
from rixin.workspace import Workspace
from rixin.workspace.doctor import examine


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", [".rixin", "elsewhere"])
def test_a_ledger_and_all_beside_it_are_its_owners_alone(tmp_path, name):
    path = tmp_path / name / "ledger.sqlite3"
    with Ledger(path) as ledger:
        record(ledger, "x", "y", actor="ann", now=datetime.now(UTC))
        server_key(path)
        with ledger.exclusive(), ledger.importing():
            seen = {one.name: mode(one) for one in path.parent.iterdir()}
    assert set(seen.values()) == {0o600}
    wanted = {"ledger.sqlite3-wal", "ledger.sqlite3-shm", "ledger.key", heads_file(path).name}
    assert wanted < seen.keys()
    assert mode(path.parent) == 0o700


def test_files_that_are_open_to_others_are_closed_at_the_next_opening(tmp_path):
    path = tmp_path / ".rixin" / "ledger.sqlite3"
    with Ledger(path) as ledger:
        record(ledger, "x", "y", actor="ann", now=datetime.now(UTC))
    (path.parent / "desk.html").write_text("page")
    for one in (path.parent, path, heads_file(path), path.parent / "desk.html"):
        one.chmod(0o755 if one.is_dir() else 0o644)
    assert len(open_to_others(path)) == 4
    (said,) = [one for one in examine(None, path, None) if one.topic == "rights"]
    assert said.state == "warn"
    assert "could read" in said.said
    path.chmod(0o640)
    with Ledger(path):
        assert open_to_others(path) == []


def test_a_folder_that_is_not_ours_keeps_its_rights(tmp_path):
    tmp_path.chmod(0o755)
    beside = tmp_path / "page.html"
    beside.write_text("page")
    with Ledger(tmp_path / "ledger.sqlite3"):
        pass
    assert (mode(tmp_path), mode(beside)) == (0o755, 0o644)


def test_a_link_beside_the_ledger_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("not ours")
    folder = tmp_path / ".rixin"
    folder.mkdir()
    (folder / "ledger.link").symlink_to(target)
    with Ledger(folder / "ledger.sqlite3"):
        assert mode(target) == 0o644


def test_what_a_person_names_goes_by_the_umask_and_ours_does_not(tmp_path):
    ours, theirs = tmp_path / ".rixin" / "page.html", tmp_path / "out" / "page.html"
    for one in (ours, theirs):
        write_whole(one, "page")
    assert (mode(ours.parent), mode(ours)) == (0o700, 0o600)
    assert (mode(theirs.parent), mode(theirs)) == (0o755, 0o644)
    weights = tmp_path / "models" / "card.json"
    write_text(weights, "{}")
    os.umask(0o077)
    write_text(weights.with_name("other.json"), "{}")
    assert (mode(weights), mode(weights.with_name("other.json"))) == (0o644, 0o600)


def test_answers_on_their_way_to_a_file_are_their_owners_alone(tmp_path):
    with Journal(tmp_path / ".out.part", "job") as journal:
        assert mode(journal.path) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 31, b"x" * 33])
def test_a_key_of_the_gateway_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "ledger.key"
    path.write_bytes(content)
    with pytest.raises(LedgerFault, match=f"has {len(content)} bytes instead of 32") as caught:
        server_key(tmp_path / "ledger.sqlite3")
    assert "remove it" in str(caught.value.hint)
    assert path.read_bytes() == content


def test_no_key_is_made_where_its_secret_could_not_be_derived(tmp_path, capsys):
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        path.with_suffix(".key").write_bytes(b"")
        where = ["--ledger", str(path)]
        assert run_cli(["keys", "create", "--sensenova", *where]) == 4
        assert "has 0 bytes instead of 32" in capsys.readouterr().err
        assert list_keys(ledger) == []


def test_a_key_of_the_gateway_is_whole_or_not_there(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "ledger.sqlite3"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(LedgerFault, match="No space left"):
            server_key(path)
    assert [*tmp_path.iterdir()] == []
    key = server_key(path)
    assert len(key) == 32
    assert server_key(path) == key
    assert [one.name for one in tmp_path.iterdir()] == ["ledger.key"]


def test_certificate_and_page_of_a_decision_are_their_owners_alone(tmp_path):
    (tmp_path / "cases.csv").write_text("q,a\n" + "".join(f"a zebra {n},s\n" for n in range(200)))
    (tmp_path / "rules.yaml").write_text("rules:\n  - {label: s, any: [zebra]}\n")
    path = Path(tmp_path / "desk.yaml")
    path.write_text(
        "scenario: desk\nowner: a\ntask: t\ncases: {path: cases.csv, input: q, expected: a}\n"
        "output: {labels: [s, t]}\nscorers: [exact]\ndemand: {cases_per_month: 10}\n"
        "incumbent: {name: people, cost_per_case: 1, solved: 0.9, source: t}\n"
        "promise: {solved: {at_least: 0.5}}\ncandidates:\n  - {name: rules, rule: rules.yaml}\n"
    )
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(path)
        folder = workspace.folder_of(path)
        result.write(folder / "desk.html")
        result.write_certificate(folder / "desk.json")
        result.write(tmp_path / "given.html")
    assert {mode(one) for one in folder.iterdir()} == {0o600}
    assert (mode(folder), mode(tmp_path / "given.html")) == (0o700, 0o644)
