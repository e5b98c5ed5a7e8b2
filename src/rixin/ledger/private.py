"""Files that only their owner may read: the ledger holds what was said, and hashes of keys.

What lies in the folder `.rixin` is private, whatever the umask; so is a ledger elsewhere, with all
that lies beside it under its name. What a person names goes by the umask.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

FOLDER = ".rixin"
"""Beside the scenario file: ledger, reports, schema."""
_OTHERS = 0o077


def make_folder(path: Path, *, private: bool = False) -> None:
    """Makes a folder where it is missing; ours, and a private one, for its owner alone.

    Raises:
        OSError: It cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700 if private or path.name == FOLDER else 0o777, exist_ok=True)


def make_file(path: Path) -> None:
    """Makes an empty file where there is none; one that is there is not opened, see `fcntl(2)`.

    Raises:
        OSError: It cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def opener(path: str, flags: int) -> int:
    """For `open(…, opener=opener)`: a file that is made is its owner's alone."""
    return os.open(path, flags, 0o600)


def opener_for(target: Path) -> Callable[[str, int], int] | None:
    """How a file is opened that becomes `target`: privately in our folder, else by the umask."""
    return opener if target.absolute().parent.name == FOLDER else None


def open_to_others(ledger: Path) -> list[Path]:
    """Which of a ledger's files, and of its folder if that is ours, others may read or write."""
    return [path for path, mode in _own(ledger) if mode & _OTHERS]


def close_to_others(ledger: Path) -> None:
    """Takes the rights of others from a ledger's files, where they are this user's."""
    for path, mode in _own(ledger):
        if mode & _OTHERS:
            with suppress(OSError):
                path.chmod(mode & ~_OTHERS)


def _own(ledger: Path) -> Iterator[tuple[Path, int]]:
    """A ledger's files and their modes; links are passed over: they lead who knows where."""
    folder = ledger.parent
    beside = [path for path in _listed(folder) if path.name.startswith(f"{ledger.stem}.")]
    ours = folder.absolute().name == FOLDER
    for path in [folder, *_listed(folder)] if ours else beside:
        with suppress(OSError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
                yield path, stat.S_IMODE(found.st_mode)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
