"""What works on this machine, what does not, and what to do about it."""

import os
import shutil
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from rixin import __version__
from rixin.core.scenario import Candidate, Scenario
from rixin.errors import RixinError
from rixin.ledger.aside import aside_file, count_aside
from rixin.ledger.private import close_to_others, open_to_others
from rixin.ledger.store import Ledger
from rixin.models.store import ModelStore
from rixin.pricing.book import snapshot_date
from rixin.report.columns import one_line

Wait = Callable[[Coroutine[Any, Any, Any]], Any]
_MARKS = {"ok": "✓ ok  ", "warn": "! mind", "bad": "✗ bad "}
_LITTLE_DISK = 2_000_000_000
_EXTRAS = {
    "local": ("xllamacpp", "local models"),
    "parquet": ("arro3-core", "Parquet files"),
    "xlsx": ("openpyxl", "XLSX files"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    state: Literal["ok", "warn", "bad"]
    said: str
    mend: str = ""

    def text(self) -> str:
        """For a terminal."""
        line = f"{_MARKS[self.state]} {self.topic}: {one_line(self.said)}"
        return f"{line}\n         fix: {self.mend}" if self.mend else line

    def to_dict(self) -> dict[str, str]:
        """Values that `json.dumps` takes."""
        return asdict(self)


def examine(
    scenario: Scenario | None, ledger: Path, wait: Wait, *, send_keys: bool = False
) -> Iterator[Finding]:
    """Looks at the machine, and at all that a scenario needs.

    Args:
        scenario: Its models, keys and endpoints are checked too; None: only the machine.
        ledger: Where the ledger is or will be.
        wait: Runs a coroutine to its end.
        send_keys: Whether keys may go to hosts that are not known as their providers.
    """
    yield _python()
    yield from _extras(scenario)
    yield from _disk(ledger)
    yield from _rights(ledger)
    yield _database(ledger)
    yield from _aside(ledger)
    yield _prices()
    yield from _models(scenario)
    for candidate in scenario.candidates if scenario else ():
        if candidate.kind == "endpoint" and scenario:
            yield from _endpoint(scenario, candidate, wait, send_keys=send_keys)


def _python() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    here = sys.version.split()[0]
    return Finding(
        topic="rixin", state="ok", said=f"{__version__}, Python {here}, {cores} processors"
    )


def _extras(scenario: Scenario | None) -> Iterator[Finding]:
    needed = set()
    if scenario is not None:
        needed = {scenario.cases.path.suffix.lower().lstrip(".")}
        needed |= {candidate.kind for candidate in scenario.candidates}
    for extra, (package, what) in _EXTRAS.items():
        try:
            yield Finding(topic=what, state="ok", said=f"{package} {version(package)}")
        except PackageNotFoundError:
            yield Finding(
                topic=what,
                state="bad" if extra in needed else "warn",
                said=f"{package} is not installed",
                mend=f"pip install 'rixin[{extra}]'",
            )


def _disk(ledger: Path) -> Iterator[Finding]:
    places = (("disk of the ledger", ledger.parent), ("disk of models", ModelStore().home))
    for topic, folder in places:
        place = _existing(folder)
        free = shutil.disk_usage(place).free
        little = free < _LITTLE_DISK
        yield Finding(
            topic=topic,
            state="warn" if little else "ok",
            said=f"{free / 1e9:,.1f} GB free at {place}",
            mend="free some space: a full disk stops a decision (it goes on later)"
            if little
            else "",
        )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def _rights(path: Path) -> Iterator[Finding]:
    """Files of the ledger that others may read; opening it closes those of this user."""
    before = open_to_others(path)
    if not before:
        return
    close_to_others(path)
    left = open_to_others(path)
    shown = ", ".join(str(one) for one in left or before)
    yield Finding(
        topic="rights",
        state="bad" if left else "warn",
        said=f"other users of this machine can read {shown}"
        if left
        else f"other users of this machine could read {shown}: closed to them now",
        mend=f"as their owner: chmod go= {shown}" if left else "",
    )


def _database(path: Path) -> Finding:
    if not path.exists():
        writable = os.access(_existing(path.parent), os.W_OK)
        return Finding(
            topic="ledger",
            state="ok" if writable else "bad",
            said=f"{path} is made by the first decision" if writable else f"{path} cannot be made",
            mend="" if writable else "make the folder writable, or point --ledger elsewhere",
        )
    try:
        with Ledger(path) as ledger:
            return Finding(topic="ledger", state="ok", said=f"{path}, schema {ledger.version}")
    except RixinError as error:
        return _bad("ledger", error)


def _aside(path: Path) -> Iterator[Finding]:
    if count := count_aside(path):
        yield Finding(
            topic="ledger",
            state="warn",
            said=f"{count:,} rows that it did not take are in {aside_file(path)}",
            mend="see the reason at each (`why`); what is no longer needed may be removed",
        )


def _prices() -> Finding:
    return Finding(
        topic="prices",
        state="ok",
        said=f"genai-prices {version('genai-prices')}, prices of {snapshot_date()};"
        " a candidate's own `price` goes first",
    )


def _models(scenario: Scenario | None) -> Iterator[Finding]:
    store = ModelStore()
    here = [status.name for status in store.list_models() if status.installed]
    yield Finding(
        topic="models",
        state="ok",
        said=f"{', '.join(here) or 'none'} in {store.home}",
    )
    for candidate in scenario.candidates if scenario else ():
        if candidate.kind != "local":
            continue
        assert scenario is not None
        try:
            path = store.resolve(candidate.target, scenario.path.parent)
        except RixinError as error:
            yield _bad(f"model of {candidate.name}", error)
        else:
            yield Finding(topic=f"model of {candidate.name}", state="ok", said=str(path))


def _endpoint(
    scenario: Scenario, candidate: Candidate, wait: Wait, *, send_keys: bool
) -> Iterator[Finding]:
    from rixin.workspace.endpoints import probe_endpoint

    topic = f"endpoint of {candidate.name}"
    try:
        probe = wait(probe_endpoint(scenario, candidate, send_keys=send_keys))
    except RixinError as error:
        yield _bad(topic, error)
        return
    yield Finding(topic=topic, state=probe.state, said=probe.said, mend=probe.mend)


def _bad(topic: str, error: RixinError) -> Finding:
    return Finding(topic=topic, state="bad", said=str(error), mend=error.hint or "")
