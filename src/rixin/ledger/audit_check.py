"""Verifies an audit trail offline, with the standard library alone.

Run it on a copy of a ledger, without Rixin: `python audit_check.py LEDGER [HEADS]`. It recomputes
the hash of every entry, the chain between them, every tree head that was kept, and the rows of
requests, and what was said of them, against the entries that cover them. What retention removed
has left its hash, and an entry that says so; only where there is such an entry may one be empty.
What was said may be missing only where an entry says that it was erased. Verdicts, keys, releases
and what serves must be what the entries say of them.
"""

import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

_FIELDS = ("seq", "at", "actor", "action", "subject", "detail", "previous")
_FACTS = (
    *("id", "at", "key_id", "scenario", "release", "solver", "status", "state", "cost_pico"),
    *("input_tokens", "output_tokens", "latency_s", "detail"),
)
MADE = {
    "key.create": (
        "key",
        "keys",
        ("id", "public_id", "hash", "name", "role", "scenarios", "limits", "created_at"),
    ),
    "release.create": (
        "release",
        "releases",
        (
            *("scenario", "number", "created_at", "created_by", "solver", "fingerprint"),
            *("dataset_id", "path", "frozen", "contract", "certificate", "certified"),
        ),
    ),
}
"""Actions that make a row, what it is called, its table, and its columns that never change."""
VERDICT = ("id", "scenario", "dataset_id", "decided_at", "contract", "record")
"""The columns of a verdict."""
_POINTED = ("live", "canary", "share", "history")
_MOST_SHOWN = 20
_REMOVED = ("", "", "removed", "", "{}", "")
"""What is left of the fields of an entry that retention removed, after its number."""
_LEAST_KEPT = timedelta(days=183)
_CLOCKS_DIFFER = timedelta(days=1)
# No index is trusted: whoever alters a file may alter it, too.
_ALL = f"SELECT {', '.join(_FIELDS)}, hash FROM audit NOT INDEXED"  # noqa: S608 - names of ours
_Entry = tuple[object, ...]


class _Entries:
    """The entries of a trail, oldest first, read anew each time: there may be millions."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __iter__(self) -> Iterator[_Entry]:
        return self._database.execute(f"{_ALL} ORDER BY seq")

    def about(self, action: str) -> Iterator[_Entry]:
        """Those of one action."""
        return self._database.execute(f"{_ALL} WHERE action = ? ORDER BY seq", (action,))


class _Head(NamedTuple):
    """A tree head that was kept outside."""

    size: int
    root: str
    at: datetime


class Checked(NamedTuple):
    """What a check has seen."""

    entries: int
    """Those that retention removed among them."""
    requests: int
    wrong: list[str]
    """All that does not hold; empty where all does."""
    removed: int


def check(ledger: Path, heads: Path | None = None) -> Checked:
    """Recomputes all hashes of a ledger.

    Args:
        ledger: The SQLite file.
        heads: A file of tree heads, one JSON object a line; None: the one beside the ledger.

    Raises:
        OSError: There is no such ledger.
        sqlite3.Error: It is no ledger.
    """
    if not ledger.is_file():
        raise FileNotFoundError(f"there is no ledger {str(ledger)!r}")
    file = heads or ledger.with_suffix(".heads.jsonl")
    kept, torn = _kept_heads(file)
    database = _opened(ledger)
    try:
        database.execute("BEGIN")  # a gateway that runs may go on writing
        entries = _Entries(database)
        (count,) = database.execute("SELECT count(*) FROM audit NOT INDEXED").fetchone()
        removed = sum(map(_is_removed, entries))
        through, wrong = _removals(entries, kept)
        wrong += [*_chain(entries, through), *_heads(database, entries, kept), *torn]
        if not kept:
            wrong.append(f"no tree heads are at {file}: whether the trail was cut cannot be told")
        rows, more = _requests(database, entries)
        more += [*_feedback(database, entries), *_verdicts(database, entries)]
        more += _in_force(database, entries, whole=not removed)
    finally:
        database.close()
    lines = [line.encode("utf-8", "backslashreplace").decode() for line in [*wrong, *more]]
    return Checked(count, rows, lines, removed)


def _opened(ledger: Path) -> sqlite3.Connection:
    address = f"{ledger.resolve().as_uri()}?mode=ro"
    # A copy in a folder that nobody may write to: no log can be laid beside it, and none is needed.
    if not os.access(ledger.parent, os.W_OK) and not Path(f"{ledger}-wal").exists():
        address += "&immutable=1"
    database = sqlite3.connect(address, uri=True, isolation_level=None)
    database.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    return database


def _kept_heads(file: Path) -> tuple[list[_Head], list[str]]:
    """The heads in a file, and the lines that are none."""
    kept: list[_Head] = []
    torn: list[str] = []
    if not file.is_file():
        return kept, torn
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines, start=1):
        said = _values(line)
        try:
            at = datetime.fromisoformat(str(said["at"]))
            kept.append(_Head(int(str(said["size"])), str(said["root"]), at.astimezone(UTC)))
        except (ValueError, TypeError, KeyError, OverflowError):
            if line:
                torn.append(f"line {number} of {file} is no tree head")
    return kept, torn


def _values(text: object) -> dict[str, object]:
    """The JSON object that a text is; without anything in it where it is none."""
    try:
        read = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _removals(entries: _Entries, kept: list[_Head]) -> tuple[int, list[str]]:
    """The last entry that retention may have removed, and removals that came too early."""
    last, wrong = 0, []
    for entry in entries.about("retention.prune"):
        number, said = entry[0], _values(entry[5])
        try:
            through = int(str(said["through"]))
            before = datetime.fromisoformat(str(said["before"])).astimezone(UTC)
            early = datetime.fromisoformat(str(entry[1])) - before < _LEAST_KEPT
        except (ValueError, TypeError, KeyError, OverflowError):
            continue  # it was altered, which the chain tells
        if early:
            wrong.append(f"entry {number} removed what was younger than {_LEAST_KEPT.days} days")
        for head in kept:
            if head.size < through and head.at > before + _CLOCKS_DIFFER:
                wrong.append(f"entry {number} removed what came after the tree head of {head.at}")
                break
        last = max(last, min(through, int(str(number)) - 1))
    return last, wrong


def _is_removed(entry: _Entry) -> bool:
    return entry[1:-1] == _REMOVED


def _chain(entries: _Entries, through: int) -> list[str]:
    wrong: list[str] = []
    previous = "0" * 64
    for number, entry in enumerate(entries, start=1):
        *fields, given = entry
        if fields[0] != number:
            wrong.append(f"entry {number} is missing: entry {fields[0]} stands in its place")
            return wrong
        if not _is_removed(entry):
            wrong += _entry(fields, given, previous)
        elif number > through:
            wrong.append(f"entry {number} is empty, and no retention removed it")
        previous = str(given)
    return wrong


def _entry(fields: list[object], given: object, previous: str) -> list[str]:
    wrong = []
    if hashlib.sha256(_text(fields)).hexdigest() != given:
        wrong.append(f"entry {fields[0]} ({fields[3]} of {fields[1]}) was altered")
    if fields[6] != previous:
        wrong.append(f"entry {fields[0]} does not follow the entry before it")
    return wrong


def _heads(database: sqlite3.Connection, entries: _Entries, kept: list[_Head]) -> list[str]:
    """Tree heads that were kept: a trail that was cut is shorter than they say."""
    wanted: dict[int, list[_Head]] = {}
    for head in kept:
        wanted.setdefault(head.size, []).append(head)
    peaks: list[bytes] = []
    wrong: list[str] = []
    size = 0
    for size, entry in enumerate(entries, start=1):
        _append(peaks, size - 1, _leaf(_bytes(entry[-1])))
        wrong += [
            f"the tree head of {head.at} over {size} entries does not hold"
            for head in wanted.get(size, ())
            if _root(peaks).hex() != head.root
        ]
    longest = max(kept, default=None)
    if longest is not None and longest.size > size:
        wrong.append(
            f"the trail was cut: it had {longest.size} entries at {longest.at}, and has {size}"
        )
    own = database.execute("SELECT value FROM rixin_meta WHERE name = 'audit_frontier'").fetchone()
    expected = json.dumps([size, [peak.hex() for peak in peaks]])
    if size and (own is None or own[0] != expected):
        wrong.append("the tree head in the ledger is not that of its entries")
    return wrong


def _requests(database: sqlite3.Connection, entries: _Entries) -> tuple[int, list[str]]:
    """Rows of requests, in the order of the entries that cover them."""
    rows = database.execute(
        f"SELECT {', '.join(_FACTS)}, content, leaf FROM requests ORDER BY seq"  # noqa: S608
    )
    count = 0
    wrong: list[str] = []
    erased = _Erased(entries)
    for entry in entries.about("requests"):
        covered = _values(entry[5])
        size, root = covered.get("count"), covered.get("root")
        if not isinstance(size, int):
            return count, [*wrong, f"which requests entry {entry[0]} covers cannot be told"]
        peaks: list[bytes] = []
        for place in range(size):
            row = rows.fetchone()
            if row is None:
                return count, [*wrong, f"rows of requests are missing that entry {entry[0]} covers"]
            count += 1
            wrong += _row(row, erased)
            _append(peaks, place, _bytes(row[-1]))
        if _root(peaks).hex() != root:
            wrong.append(f"the requests that entry {entry[0]} covers are not those that were there")
    if rows.fetchone() is not None:
        wrong.append("there are requests that no entry covers")
    return count, wrong


class _Erased:
    """Of which requests entries say that what was said is gone."""

    def __init__(self, entries: _Entries) -> None:
        self._names: set[str] = set()
        self._before = float("-inf")
        for entry in entries.about("content.erase"):
            subject = str(entry[4])
            if not subject.startswith("before "):
                self._names.update(subject.split(","))
                continue
            try:
                # The entry names a whole second: the rest of it was erased, too.
                before = datetime.fromisoformat(subject[7:]).timestamp() + 1
            except (ValueError, OverflowError):
                continue  # it was altered, which the chain tells
            self._before = max(self._before, before)

    def has(self, name: object, at: object) -> bool:
        """Whether that is so of a request."""
        return name in self._names or (isinstance(at, int | float) and at < self._before)


def _row(row: tuple[object, ...], erased: _Erased) -> list[str]:
    *facts, content, leaf = row
    name, at, *_ = facts
    if _leaf(_text(facts, separators=(",", ":"))).hex() != leaf:
        return [f"request {name} was altered"]
    kept = _values(facts[-1]).get("content")
    if content is None:
        gone = kept and not erased.has(name, at)
        return [f"the content of request {name} is missing, and nobody erased it"] if gone else []
    if hashlib.sha256(str(content).encode("utf-8", "surrogatepass")).hexdigest() != kept:
        return [f"the content of request {name} was altered"]
    return []


def _feedback(database: sqlite3.Connection, entries: _Entries) -> list[str]:
    """What callers said of answers that are still there."""
    wrong: list[str] = []
    erased = _Erased(entries)
    told: dict[object, dict[object, dict[str, object]]] = {}
    for entry in entries.about("feedback"):
        told.setdefault(entry[4], {})[entry[0]] = _values(entry[5])
    heard = database.execute(
        "SELECT feedback.request_id, feedback.at, feedback.key_id, body, requests.at FROM feedback"
        " LEFT JOIN requests ON requests.id = feedback.request_id ORDER BY feedback.seq"
    )
    for name, at, key, body, asked_at in heard:
        given = hashlib.sha256(str(body).encode("utf-8", "surrogatepass")).hexdigest()
        row: dict[str, object] = {"at": at, "key": key, "said": given}
        if body == "" and erased.has(name, asked_at):
            del row["said"]
        about = told.get(name, {})
        # Old entries tell less.
        fits = (
            one for one, said in about.items() if all(said.get(x, row[x]) == row[x] for x in row)
        )
        number = next(fits, None)
        if number is None:
            wrong.append(f"feedback on {name} was altered, or no entry is about it")
        else:
            del about[number]
    for name, left in told.items():
        if left and database.execute("SELECT 1 FROM requests WHERE id = ?", (name,)).fetchone():
            wrong += [
                f"the feedback on {name} of entry {number} was altered or is missing"
                for number in left
            ]
    return wrong


def _verdicts(database: sqlite3.Connection, entries: _Entries) -> list[str]:
    """Verdicts against their entries, the newest first: those from before there was a trail have none."""
    wrong: list[str] = []
    rows = database.execute(
        f"SELECT {', '.join(VERDICT)} FROM decisions ORDER BY id DESC"  # noqa: S608
    )
    for entry in reversed([*entries.about("decision")]):
        row, said = rows.fetchone(), _values(entry[5])
        if row is None:
            wrong.append(f"the verdict on {entry[4]} of entry {entry[0]} is missing")
        elif row[1] != entry[4] or not _is_verdict(row, said):
            wrong.append(f"the verdict on {entry[4]} of entry {entry[0]} was altered")
    return wrong


def row_hash(values: Sequence[object]) -> str:
    """The hash of a row that never changes, in the order of its columns, for the entry about it."""
    return hashlib.sha256(_text([*values])).hexdigest()


def _is_verdict(row: tuple[object, ...], said: dict[str, object]) -> bool:
    """Whether an entry is about a verdict; old entries have a hash of its certificate alone."""
    if "row" in said:
        return said["row"] == row_hash(row)
    certificate = _values(row[-1]).get("certificate")
    return isinstance(certificate, dict) and certificate.get("sha256") == said.get("sha256")


class _Said(NamedTuple):
    """What entries say of keys, releases and what serves."""

    made: dict[tuple[str, str], dict[str, object]]
    """By action and subject."""
    pointed: dict[str, dict[str, object]]
    """The last entry about what serves a scenario."""
    revoked: dict[str, str]
    """When."""
    whole: bool
    """Whether no entry is gone: else the one about a row may be."""


def _said(entries: _Entries, *, whole: bool) -> _Said:
    said = _Said({}, {}, {}, whole)
    for entry in entries:
        at, _, action, subject, detail = map(str, entry[1:6])
        if action in MADE:
            said.made[action, subject] = _values(detail)
        elif action == "key.revoke":
            said.revoked.setdefault(subject, f"{at[:19]}+00:00")
        elif action.startswith("release."):
            said.pointed[subject] = _values(detail)
    return said


def _in_force(database: sqlite3.Connection, entries: _Entries, *, whole: bool) -> Iterator[str]:
    """Where keys, releases and what serves are not what the trail says."""
    said = _said(entries, whole=whole)
    for action in MADE:
        yield from _made(database, action, said)
    for name, at in database.execute("SELECT public_id, revoked_at FROM keys"):
        told_at = said.revoked.get(name)
        if at != told_at if whole else at is None and told_at is not None:
            yield f"whether key {name} is revoked was altered"
    serving = database.execute(f"SELECT scenario, {', '.join(_POINTED)} FROM pointers")  # noqa: S608
    for scenario, *values in serving:
        told = said.pointed.pop(scenario, None)
        known = zip(_POINTED, values, strict=True)
        if whole if told is None else any(told.get(name, one) != one for name, one in known):
            yield f"which release of {scenario} serves was altered"
    yield from (f"what serves {scenario} is missing" for scenario in said.pointed)


def _made(database: sqlite3.Connection, action: str, said: _Said) -> Iterator[str]:
    """Where the rows that an action makes are not those that its entries are about."""
    what, table, columns = MADE[action]
    missing = {name for kind, name in said.made if kind == action}
    for row in database.execute(f"SELECT {', '.join(columns)} FROM {table}"):  # noqa: S608
        name = str(row[1]) if what == "key" else f"{row[0]}@{row[1]}"
        missing.discard(name)
        entry = said.made.get((action, name))
        if entry is None:
            if said.whole:
                yield f"no entry says that {what} {name} was made"
        elif _differs(entry, dict(zip(columns, row, strict=True))):
            yield f"{what} {name} was altered"
    yield from (f"{what} {name} is missing" for name in sorted(missing))


def _differs(entry: dict[str, object], row: dict[str, object]) -> bool:
    """Whether a row is not the one that an entry is about; old entries have no hash of it."""
    if "row" in entry:
        return entry["row"] != row_hash([*row.values()])
    return any(entry[name] != row[name] for name in row.keys() & entry.keys() - {"certificate"})


def _text(values: list[object], *, separators: tuple[str, str] | None = None) -> bytes:
    """The JSON of values; numbers were stored as they were written."""
    text = json.dumps(values, ensure_ascii=False, separators=separators, default=repr)
    return text.encode("utf-8", "surrogatepass")


def _bytes(written: object) -> bytes:
    """A hash as it was written; where that is none, something that is no hash either."""
    text = str(written)
    try:
        read = bytes.fromhex(text)
    except ValueError:
        return text.encode("utf-8", "surrogatepass")
    return read if read.hex() == text else text.encode()


def _leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _append(peaks: list[bytes], size: int, node: bytes) -> None:
    while size & 1:
        node = hashlib.sha256(b"\x01" + peaks.pop() + node).digest()
        size >>= 1
    peaks.append(node)


def _root(peaks: list[bytes]) -> bytes:
    if not peaks:
        return hashlib.sha256(b"").digest()
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = hashlib.sha256(b"\x01" + peak + node).digest()
    return node


def main() -> int:
    """The command line; exit code 1 where something does not hold, 2 where nothing can be read."""
    if not 2 <= len(sys.argv) <= 3:
        print("usage: python audit_check.py LEDGER [HEADS]", file=sys.stderr)  # noqa: T201
        return 2
    heads = Path(sys.argv[2]) if len(sys.argv) == 3 else None
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        found = check(Path(sys.argv[1]), heads)
    except (OSError, sqlite3.Error) as error:
        print(f"the ledger cannot be read: {error}", file=sys.stderr)  # noqa: T201
        return 2
    for line in found.wrong[:_MOST_SHOWN]:
        print(f"✗ {line}")  # noqa: T201
    gone = f" ({found.removed} removed by retention)" if found.removed else ""
    verdict = "does not hold" if found.wrong else "holds"
    print(f"{found.entries} entries{gone}, {found.requests} requests: {verdict}")  # noqa: T201
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
