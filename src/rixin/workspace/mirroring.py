"""What serves in the ledgers of other folders, copied into the one that a gateway serves.

A folder's own ledger stays the place where its scenario is decided on, released and promoted; requests,
keys and budgets are in the gateway's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rixin.core.release import Pointer, Release
from rixin.errors import NoLedger, UnknownName, UsageError
from rixin.ledger.audit import news_since
from rixin.ledger.cases import copy_dataset
from rixin.ledger.private import FOLDER
from rixin.ledger.releases import (
    copy_release,
    find_pointer,
    find_release,
    move_pointer,
    read_pointers,
)
from rixin.ledger.store import Ledger
from rixin.workspace.actor import current_user


def ledger_in(place: Path) -> Path:
    """The ledger of a folder with a scenario, or the ledger itself.

    Raises:
        NoLedger: There is none.
    """
    found = place / FOLDER / "ledger.sqlite3" if place.is_dir() else place
    if not found.is_file():
        raise NoLedger(found)
    return found


@dataclass(slots=True)
class Mirror:
    """Follows the ledger of one folder.

    Args:
        source: That ledger.
    """

    source: Path
    _seen: int = 0
    """The newest entry of its trail after which it was looked at."""

    def look(self, target: Ledger) -> None:
        """Copies what serves there, where an operator has done something since the last look.

        Raises:
            NoLedger: It is gone.
            UsageError: A scenario of the same name with other releases is in the gateway's ledger.
            LedgerFault: One of the two cannot be used.
        """
        if not self.source.is_file():  # opening it would make an empty one
            raise NoLedger(self.source)
        if self.source.samefile(target.path):
            return
        with Ledger(self.source) as source:
            seen, changed = news_since(source, self._seen)
            if changed or not self._seen:
                for pointer in read_pointers(source)[0]:
                    _copy(source, target, pointer)
            self._seen = seen


def _copy(source: Ledger, target: Ledger, pointer: Pointer) -> None:
    name, live = pointer.scenario, pointer.live
    if live is None:
        return
    for number in filter(None, (live, pointer.canary)):
        _copy_release(source, target, find_release(source, name, number))
    before, now, actor = find_pointer(target, name), datetime.now(UTC), current_user()
    change = {"live": live, "canary": pointer.canary, "share": pointer.share}
    if before is not None and change == {one: getattr(before, one) for one in change}:
        return
    action = "release.promote" if pointer.canary is None else "release.canary"
    if before is not None and live in before.history:
        action = "release.rollback"
    whence = {"followed": str(source.path.resolve())}
    move_pointer(target, name, action, change, actor=actor, now=now, approval=whence)


def _copy_release(source: Ledger, target: Ledger, release: Release) -> None:
    try:
        known = find_release(target, release.scenario, release.number)
    except UnknownName:
        known = None
    if known is None:
        copy_dataset(source, target, release.dataset_id)
        whence = str(source.path.resolve())
        actor, now = current_user(), datetime.now(UTC)
        copy_release(target, release, actor=actor, now=now, source=whence)
    elif (known.seal, known.created_at) != (release.seal, release.created_at):
        raise UsageError(
            f"{release.scenario}@{release.number} of {source.path} is not the one that is in"
            f" {target.path}",
            hint="two scenarios of one gateway have two names: rename one, decide and release it",
        )
