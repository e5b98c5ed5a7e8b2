"""A ledger with its tree heads and its secrets in one file, copied while others write, and back."""

import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from rixin.errors import ExportError, LedgerFault, NoLedger, UsageError
from rixin.ledger.audit_check import Checked, check
from rixin.ledger.private import make_folder, opener

_PARTS = (".heads.jsonl", ".key", ".aside.jsonl", ".sqlite3")
"""What belongs to a ledger, by the end of its name; the ledger comes last."""
_STEM = "ledger"


def back_up(ledger: Path, target: Path) -> Checked:
    """Copies a ledger into a file, and checks the trail in it; a gateway may go on writing.

    Args:
        ledger: The ledger.
        target: The file, its owner's alone: it holds what was said, and the gateway's own key. One
            that is there is replaced once the new one is whole.

    Returns:
        What a check of the trail in the file has seen.

    Raises:
        NoLedger: There is none.
        ExportError: The file cannot be written.
        LedgerFault: The ledger cannot be read.
    """
    if not ledger.is_file():
        raise NoLedger(ledger)
    draft = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".rixin-backup-") as folder:
            copy = Path(folder) / f"{_STEM}.sqlite3"
            _copy(ledger, copy)
            with (
                open(draft, "wb", opener=opener) as file,
                tarfile.open(fileobj=file, mode="w") as to,
            ):
                for part in _PARTS:
                    if (own := copy.with_suffix(part)).exists():
                        to.add(own, own.name)
            found = _unpack_and_check(draft, Path(folder) / "again")
        draft.replace(target)
    except OSError as error:
        raise ExportError(
            f"{str(target)!r} cannot be written: {error.strerror}", hint="name another file"
        ) from error
    except sqlite3.Error as error:
        raise LedgerFault(f"the ledger cannot be copied: {error}", hint="rixin doctor") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return found


def restore(source: Path, ledger: Path) -> Checked:
    """Lays what `back_up` has written where a ledger shall be, and checks its trail.

    Args:
        source: The file.
        ledger: Where the ledger shall be; neither it nor what belongs to it may be there.

    Returns:
        What a check of the trail has seen.

    Raises:
        UsageError: The file is no backup, or something is in the way.
        LedgerFault: It cannot be written, or the ledger in it cannot be read.
    """
    there = [
        one for part in (*_PARTS, ".sqlite3-wal") if (one := ledger.with_suffix(part)).exists()
    ]
    if there:
        raise UsageError(
            f"{str(there[0])!r} is there already, and nothing is replaced",
            hint="move it away, or name another place with --ledger",
        )
    try:
        make_folder(ledger.parent, private=True)
        with tempfile.TemporaryDirectory(dir=ledger.parent, prefix=".rixin-restore-") as folder:
            found = _unpack_and_check(source, Path(folder))
            for part in _PARTS:
                if (own := Path(folder) / f"{_STEM}{part}").exists():
                    own.replace(ledger.with_suffix(part))
    except tarfile.TarError as error:
        raise UsageError(f"{source} is no backup: {error}", hint="see rixin backup") from error
    except (OSError, sqlite3.Error) as error:
        raise LedgerFault(
            f"{source} cannot be restored: {error}", hint="see rixin doctor"
        ) from error
    return found


def _copy(ledger: Path, copy: Path) -> None:
    """The heads first: what the ledger gets meanwhile makes it longer than they say, never shorter."""
    for part in _PARTS[:-1]:
        if (own := ledger.with_suffix(part)).exists():
            shutil.copyfile(own, copy.with_suffix(part), follow_symlinks=True)
    address = f"{ledger.resolve().as_uri()}?mode=rw"  # one that went away is not made anew
    with (
        closing(sqlite3.connect(address, uri=True)) as given,
        closing(sqlite3.connect(copy)) as taken,
    ):
        given.backup(taken)


def _unpack_and_check(source: Path, folder: Path) -> Checked:
    """Only files of the names that a backup has leave it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    ledger = folder / f"{_STEM}.sqlite3"
    with tarfile.open(source, mode="r:") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is None or member.name not in {f"{_STEM}{part}" for part in _PARTS}:
                raise tarfile.ReadError(f"{member.name[:100]!r} is no part of one")
            with open(folder / member.name, "wb", opener=opener) as file:
                shutil.copyfileobj(content, file)
    if not ledger.exists():
        raise tarfile.ReadError("there is no ledger in it")
    found = check(ledger)
    for log in ("-wal", "-shm"):
        Path(f"{ledger}{log}").unlink(missing_ok=True)
    return found
