import hashlib
import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.errors import ModelFault
from rixin.models.files import (
    atomic_writer,
    disk_faults,
    locked,
    require_space,
    silent,
    write_hashed,
    write_text,
)


@given(st.lists(st.binary()))
def test_the_hash_of_pieces_is_the_hash_of_the_whole(pieces: list[bytes]) -> None:
    out = io.BytesIO()
    assert write_hashed(pieces, out) == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert out.getvalue() == b"".join(pieces)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    write_text(path, "old")
    with pytest.raises(TypeError), atomic_writer(path) as out:
        write_hashed([b"half", "no bytes"], out)  # type: ignore[list-item]
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_too_little_space_is_refused_with_both_figures(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match=r"1000000\.0 GB needed, .* free") as fault:
        require_space(tmp_path, 10**15)
    assert "RIXIN_HOME" in str(fault.value.hint)


def test_a_disk_fault_names_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    found = pytest.raises(ModelFault, match=r"pulling failed at '.*file'")
    with found, disk_faults("pulling"):
        write_text(tmp_path / "file" / "below", "x")


def test_a_lock_keeps_a_second_holder_waiting(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with locked(tmp_path / "x.lock", waiting.set):
            order.append("second")

    with locked(tmp_path / "x.lock", lambda: order.append("first waits")):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    program = "import sys, fcntl; fcntl.flock(open(sys.argv[1], 'w'), fcntl.LOCK_EX)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(path)], check=True)
    with locked(path, lambda: pytest.fail("nobody holds it")):
        silent("held")
