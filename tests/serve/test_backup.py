"""A ledger is copied whole while a gateway writes, and holds where it is laid."""

import json
import shutil
import stat
import subprocess
import sys
import tarfile
import threading

import pytest

from rixin.errors import ExportError, NoLedger, UsageError
from rixin.ledger.audit import heads_file
from rixin.ledger.audit_check import check
from rixin.ledger.backup import back_up, restore
from rixin.serve.sensenova.tokens import server_key
from serve.house import served


def rixin(folder, *arguments):
    command = [sys.executable, "-m", "rixin", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A backup that was made while requests went on, and the gateway's key."""
    folder = tmp_path_factory.mktemp("backup")
    with served(folder, faults=()) as house:
        stop = threading.Event()

        def ask():
            while not stop.is_set():
                house.chat("a zebra")

        callers = [threading.Thread(target=ask) for _ in range(2)]
        for one in callers:
            one.start()
        house.row(house.chat("a zebra").headers["x-rixin-request-id"])
        done = [rixin(house.path.parent, "backup", folder / "saved.tar") for _ in range(3)]
        stop.set()
        for one in callers:
            one.join()
        assert [code for code, _ in done] == [0, 0, 0], done
        assert "the trail holds" in done[0][1]
        key = server_key(house.ledger)
    return folder / "saved.tar", key


def test_what_was_copied_under_load_holds_elsewhere_with_heads_and_secrets(saved, tmp_path):
    file, key = saved
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [*file.parent.glob(".*rixin*")]
    ledger = tmp_path / "new" / ".rixin" / "ledger.sqlite3"
    code, said = rixin(tmp_path, "restore", file, "--ledger", ledger)
    assert (code, "the trail holds" in said) == (0, True), said
    assert check(ledger).requests > 0
    assert server_key(ledger) == key
    assert heads_file(ledger).stat().st_size > 0
    assert rixin(tmp_path / "new", "audit", "verify")[0] == 0
    assert rixin(tmp_path / "new", "keys", "list")[0] == 0
    assert sorted(one.suffix for one in ledger.parent.iterdir() if "-" not in one.name) == sorted(
        [".jsonl", ".key", ".sqlite3"]
    )


def test_nothing_is_replaced(saved, tmp_path):
    ledger = tmp_path / "ledger.sqlite3"
    for name in ("ledger.sqlite3", "ledger.key", "ledger.heads.jsonl", "ledger.sqlite3-wal"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(UsageError, match="nothing is replaced"):
            restore(saved[0], ledger)
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()


def test_what_is_no_backup_leaves_nothing(saved, tmp_path):
    odd = tmp_path / "odd.tar"
    odd.write_text("no archive")
    files = [odd]
    for n, names in enumerate([("../evil",), ("ledger.key",)]):
        files.append(tmp_path / f"{n}.tar")
        with tarfile.open(files[-1], "w") as archive:
            for name in names:
                archive.add(odd, name)
    for file in files:
        with pytest.raises(UsageError, match="is no backup"):
            restore(file, tmp_path / "here" / "ledger.sqlite3")
    assert not [*(tmp_path / "here").iterdir()]


def test_a_backup_needs_a_ledger_and_a_place(saved, tmp_path):
    with pytest.raises(NoLedger):
        back_up(tmp_path / "none.sqlite3", tmp_path / "x.tar")
    restore(saved[0], tmp_path / "ledger.sqlite3")
    with pytest.raises(ExportError, match="cannot be written"):
        back_up(tmp_path / "ledger.sqlite3", tmp_path / "nowhere" / "x.tar")


def test_what_cannot_be_told_is_not_what_does_not_hold(saved, tmp_path):
    ledger = tmp_path / ".rixin" / "ledger.sqlite3"
    restore(saved[0], ledger)
    heads = shutil.move(heads_file(ledger), tmp_path / "kept.jsonl")
    code, said = rixin(tmp_path, "audit", "verify")
    assert (code, "does not hold" in said, "cannot be told" in said) == (4, False, True), said
    found = json.loads(rixin(tmp_path, "audit", "verify", "--json")[1])
    assert (found["holds"], found["wrong"], len(found["cannot_be_told"])) == (None, [], 1)
    assert rixin(tmp_path, "backup", "again.tar")[0] == 4
    assert rixin(tmp_path, "audit", "verify", "--heads", heads)[0] == 0
