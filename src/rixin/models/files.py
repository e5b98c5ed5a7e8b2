"""Files that are whole or not there: hashing, atomic writes, locks, free space."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rixin.errors import ModelFault

Progress = Callable[[str], None]
CHUNK = 1 << 20


def silent(line: str) -> None:
    """A progress callback that drops its lines."""


def megabytes(size: float) -> str:
    """A size in words, in units of 10^6 and 10^9 bytes.

    Examples:
        >>> megabytes(491_400_064), megabytes(2_300_000), megabytes(1_117_320_768)
        ('491 MB', '2.3 MB', '1.1 GB')
    """
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"


def write_hashed(pieces: Iterable[bytes], out: BinaryIO) -> str:
    """Writes all pieces to a stream and gives their SHA-256 in hex.

    Examples:
        >>> import io
        >>> write_hashed([b"a", b"bc"], io.BytesIO())[:16]
        'ba7816bf8f01cfea'
    """
    state = hashlib.sha256()
    for piece in pieces:
        state.update(piece)
        out.write(piece)
    return state.hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file in hex, read as a stream.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """A binary stream whose content becomes `path` when the block ends well, and is dropped else.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        with temporary.open("xb") as stream:  # weights are no secret: the umask decides
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Writes a small text file atomically, as UTF-8.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    with atomic_writer(path) as stream:
        stream.write(text.encode("utf-8"))


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Holds an exclusive lock between processes for the block; waits while another holds it.

    Args:
        path: The lock file; it stays, the lock goes with the process.
        on_wait: Called once before waiting.
    """
    import fcntl  # Unix only: the rest of this module works without it

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def require_space(folder: Path, needed: int) -> None:
    """Refuses to begin what the disk cannot hold.

    Args:
        folder: An existing folder on the disk in question.
        needed: Bytes.

    Raises:
        ModelFault: Less is free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelFault(
            f"not enough disk space in {str(folder)!r}: {megabytes(needed)} needed, "
            f"{megabytes(free)} free",
            hint="free some space, or set RIXIN_HOME to a folder on a larger disk",
        )


@contextmanager
def disk_faults(doing: str) -> Iterator[None]:
    """Turns what the disk says into an error of Rixin.

    Args:
        doing: What was under way, for the message, e.g. `pulling 'x'`.

    Raises:
        ModelFault: A folder is read-only, the disk is full, a path is in the way.
    """
    try:
        yield
    except OSError as fault:
        where = f" at {fault.filename!r}" if fault.filename else ""
        raise ModelFault(
            f"{doing} failed{where}: {fault.strerror or fault}",
            hint="check the free space and the rights of the folder, or set RIXIN_HOME to another",
        ) from fault


def _sync_folder(folder: Path) -> None:
    # Without it a power cut can undo the rename, although the file's own bytes are on disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
