import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from rixin.errors import LedgerFault
from rixin.ledger import tables
from rixin.ledger.cases import pool_sizes
from rixin.ledger.store import Ledger
from rixin.ledger.tables import meta
from support import import_cases, plain_cases


def test_a_new_ledger_has_the_newest_version(tmp_path: Path) -> None:
    with Ledger(tmp_path / "deep" / "ledger.sqlite3") as ledger:
        assert ledger.version == len(tables.MIGRATIONS)


def test_opening_a_ledger_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    before = path.read_bytes()
    Ledger(path).close()
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger, ledger.write() as connection:
        connection.execute(update(meta).values(value="99"))
    with pytest.raises(LedgerFault, match="schema version 99") as caught:
        Ledger(path)
    assert "upgrade" in str(caught.value.hint)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"not a database, but long enough to look at " * 200)
    with pytest.raises(LedgerFault, match="not a database") as caught:
        Ledger(path)
    assert "--ledger" in str(caught.value.hint)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LedgerFault, match="cannot be used"):
        Ledger(tmp_path / "file" / "ledger.sqlite3")


def test_a_read_only_folder_is_a_clear_error(tmp_path: Path) -> None:
    # Root may write anywhere, so the test asks as another user where it can.
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "import rixin.ledger.store\n"
        "from rixin.errors import LedgerFault\n"
        "rixin.ledger.store.Ledger(Path(sys.argv[2]) / 'l.sqlite3').close()  # imports all\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: rixin.ledger.store.Ledger(Path(sys.argv[1]) / 'l.sqlite3')\n"
        "except LedgerFault as error: print('refused:', error.hint)\n"
    )
    (tmp_path / "warm").mkdir()
    tmp_path.chmod(0o555)
    for parent in (tmp_path.parent, tmp_path.parent.parent, tmp_path.parent.parent.parent):
        if parent.stat().st_uid == os.getuid() and parent != Path("/tmp"):
            parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(tmp_path / "warm")],
        capture_output=True,
        text=True,
        check=False,
    )
    tmp_path.chmod(0o755)
    assert "refused: make the folder writable" in done.stdout, done.stderr


def _hold(path: Path, held: "multiprocessing.synchronize.Event", go: object) -> None:
    with Ledger(path) as ledger, ledger.exclusive():
        held.set()
        go.wait(20)  # type: ignore[attr-defined]


def test_a_second_process_may_not_decide_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    context = multiprocessing.get_context("spawn")
    held, go = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(path, held, go))
    other.start()
    assert held.wait(30)
    with Ledger(path) as ledger:
        with pytest.raises(LedgerFault, match=f"process {other.pid} is deciding"):
            with ledger.exclusive():
                pass
        go.set()
        other.join()
        with ledger.exclusive():
            pass


def test_a_full_disk_is_named_and_keeps_what_was_stored(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        import_cases(ledger, "first", plain_cases(10))
        with ledger.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            # SQLite's own limit raises the very error that a full disk does.
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        with pytest.raises(LedgerFault, match="full") as caught:
            import_cases(ledger, "second", plain_cases(5_000))
        assert "free some space" in str(caught.value.hint)
        assert pool_sizes(ledger, "first")["certify"] == 10


def test_nothing_is_written_into_a_ledger_that_was_moved_away(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "ledger.sqlite3", tmp_path / "away.sqlite3"
    with Ledger(path) as ledger:
        path.rename(elsewhere)
        with pytest.raises(LedgerFault, match="moved, removed or replaced"), ledger.append():
            pass
        elsewhere.rename(path)
        with ledger.append():
            pass
