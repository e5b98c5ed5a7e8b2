"""Verifies an audit trail offline, with the standard library alone.

Run it on a copy of a ledger, without Rixin: `python audit_check.py LEDGER [HEADS]`. It recomputes
the hash of every entry, the chain between them, every tree head that was kept, and the rows of
requests, and what was said of them, against the entries that cover them. What retention removed
has left its hash, and an entry that says so; only where there is such an entry may one be empty.
What was said may be missing only where an entry says that it was erased. Verdicts, keys, releases
and what serves must be what the entries say of them, and each must have one: its own, or, where
an older Rixin made or removed it, that of the moment when this schema began.
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
SECRET = ("id", "key_id", "hash", "made_at", "expires_at", "earlier_until")
"""The columns of a secret of a key, which never change."""
VERDICT = ("id", "scenario", "dataset_id", "decided_at", "contract", "record")
"""The columns of a verdict."""
POINTER = ("id", "scenario", "live", "canary", "share", "history")
"""The columns of what says which release serves a scenario."""
MIGRATED = "ledger.migrate"
"""The action of the entry that lists the rows which were there when a schema began."""
COMPLETE = 5
"""The first schema in which every verdict, key, release and pointer has an entry."""
NEWEST = 9
"""The newest schema that this file knows."""
_MARKS = {"first", "id", "number"}
"""What details of entries hold only from that schema on."""
_TABLES = (
    *("rixin_meta", "audit", "requests", "feedback", "decisions", "keys", "releases", "pointers"),
    *("idempotency", "key_secrets"),
)
OLDER = "verdicts, keys and releases are told by the entry of the schema's change alone"
_NO_HEADS = (
    "whether the trail was cut cannot be told; name a copy of them (rixin backup keeps them)"
)
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
    older: int = 0
    """Verdicts, keys and releases that no entry is about but the one that began this schema."""
    untold: tuple[str, ...] = ()
    """What cannot be told, though nothing is known to be wrong about it."""

    @property
    def exit_code(self) -> int:
        """0 where all holds, 1 where something does not, 4 where it cannot be told."""
        return 1 if self.wrong else 4 if self.untold else 0

    @property
    def verdict(self) -> str:
        """Whether it holds, in words."""
        if self.wrong:
            return "does not hold"
        return (
            "holds as far as it goes; whether it was cut cannot be told" if self.untold else "holds"
        )


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
        wrong = [*_objects(database)]
        entries = _Entries(database)
        (count,) = database.execute("SELECT count(*) FROM audit NOT INDEXED").fetchone()
        removed = sum(map(_is_removed, entries))
        removals = _removals(entries, kept)
        wrong += [*removals.wrong, *_chain(entries, removals), *_heads(database, entries, kept)]
        untold = () if kept else (f"no tree heads are at {file}: {_NO_HEADS}",)
        feedback = _Feedback(database, entries)
        rows, more = _requests(database, entries, feedback)
        said = _said(entries)
        wrong += [*torn, *more, *feedback.wrong(_Erased(entries)), *_in_force(database, said)]
        wrong += [*_verdicts(database, entries, said), *_schema(database, entries)]
    finally:
        database.close()
    return Checked(count, rows, _printable(wrong), removed, len(said.older), untold)


def _printable(lines: Sequence[str]) -> list[str]:
    """Lines for a terminal: names in a ledger that was altered may be anything."""
    whole = (line.encode("utf-8", "backslashreplace").decode() for line in lines)
    return ["".join(char if char.isprintable() else "\ufffd" for char in line) for line in whole]


def _objects(database: sqlite3.Connection) -> Iterator[str]:
    """What else is in the file than tables and their indexes: it could change what is read."""
    for kind, name, text in database.execute("SELECT type, name, sql FROM sqlite_master"):
        if kind in {"trigger", "view"} or str(text).upper().startswith("CREATE VIRTUAL"):
            if name in _TABLES:  # what it would give is whatever its author likes
                raise sqlite3.DatabaseError(f"{name} is no table of Rixin")
            yield f"the file holds the {kind} {name}, which Rixin never makes"
    for table in _TABLES:
        for column in database.execute(f"PRAGMA table_xinfo({table})"):
            if column[6]:
                yield f"the column {column[1]} of {table} is computed, which Rixin never does"
    for (line,) in database.execute("PRAGMA integrity_check(20)"):
        if line != "ok":
            yield f"the file is damaged: {line}"


def _schema(database: sqlite3.Connection, entries: "_Entries") -> Iterator[str]:
    """Whether the version of the schema is what the trail says."""
    query = "SELECT value FROM rixin_meta NOT INDEXED WHERE name = 'schema_version'"
    (version,) = database.execute(query).fetchone() or ("none",)
    moves = [_values(entry[5]).get("to") for entry in entries.about(MIGRATED)]
    complete = moves or any(_values(entry[5]).keys() & _MARKS for entry in entries)
    least = COMPLETE if complete else 1
    if version not in map(str, range(least, NEWEST + 1)) or str([version, *moves][-1]) != version:
        yield f"the schema's version {version} is not that of this ledger"
    elif int(version) < COMPLETE and any(map(_is_removed, entries)):
        yield f"this ledger has schema {version}: open it once with this version (rixin audit log)"


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


class _Removals(NamedTuple):
    """What retention may have removed."""

    through: int
    """The last entry of those."""
    stay: set[str]
    """Entries before it that retention left."""
    wrong: list[str]
    """Removals that came too early."""


def _removals(entries: _Entries, kept: list[_Head]) -> _Removals:
    last, stay, wrong = 0, set[str](), list[str]()
    for entry in entries.about("retention.prune"):
        number, said = entry[0], _values(entry[5])
        try:
            through = int(str(said["through"]))
            before = datetime.fromisoformat(str(said["before"])).astimezone(UTC)
            at = datetime.fromisoformat(str(entry[1]))
            early = at - before < _LEAST_KEPT
        except (ValueError, TypeError, KeyError, OverflowError):
            continue  # it was altered, which the chain tells
        if early:
            wrong.append(f"entry {number} removed what was younger than {_LEAST_KEPT.days} days")
        wrong += _too_young(f"entry {number}", through, before, at, kept)
        left = said.get("kept")
        stay.update(map(str, left if isinstance(left, list) else ()))
        last = max(last, min(through, int(str(number)) - 1))
    return _Removals(last, stay, wrong)


def _too_young(
    name: str, through: int, before: datetime, at: datetime, kept: list[_Head]
) -> list[str]:
    """Whether tree heads show that a removal went too far; those of a wrong clock show nothing."""
    for head in kept:
        if head.size < through and before + _CLOCKS_DIFFER < head.at <= at + _CLOCKS_DIFFER:
            return [f"{name} removed what came after the tree head of {head.at}"]
    return []


def _is_removed(entry: _Entry) -> bool:
    return entry[1:-1] == _REMOVED


def _chain(entries: _Entries, removals: _Removals) -> list[str]:
    wrong: list[str] = []
    previous = "0" * 64
    for number, entry in enumerate(entries, start=1):
        *fields, given = entry
        if fields[0] != number:
            wrong.append(f"entry {number} is missing: entry {fields[0]} stands in its place")
            return wrong
        if not _is_removed(entry):
            wrong += _entry(fields, given, previous)
        elif number > removals.through or str(number) in removals.stay:
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
    query = "SELECT value FROM rixin_meta NOT INDEXED WHERE name = 'audit_frontier'"
    own = database.execute(query).fetchone()
    expected = json.dumps([size, [peak.hex() for peak in peaks]])
    if size and (own is None or own[0] != expected):
        wrong.append("the tree head in the ledger is not that of its entries")
    return wrong


def _requests(
    database: sqlite3.Connection, entries: _Entries, feedback: "_Feedback"
) -> tuple[int, list[str]]:
    """Rows of requests, in the order of the entries that cover them."""
    rows = database.execute(
        f"SELECT seq, {', '.join(_FACTS)}, content, leaf FROM requests NOT INDEXED ORDER BY seq"  # noqa: S608
    )
    count = 0
    wrong: list[str] = []
    erased = _Erased(entries)
    for entry in entries.about("requests"):
        covered = _values(entry[5])
        size, root, first = map(covered.get, ("count", "root", "first"))
        if not isinstance(size, int):
            return count, [*wrong, f"which requests entry {entry[0]} covers cannot be told"]
        peaks: list[bytes] = []
        for place in range(size):
            seq, *row = rows.fetchone() or (0,)
            if not row:
                return count, [*wrong, f"rows of requests are missing that entry {entry[0]} covers"]
            count += 1
            wrong += _row(row, erased)
            feedback.meet(row[0], row[1])
            if isinstance(first, int) and seq != first + place:
                wrong.append(f"the number of request {row[0]} was altered")
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


def _row(row: Sequence[object], erased: _Erased) -> list[str]:
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


class _Feedback:
    """What callers said of answers that are still there, and the entries about it."""

    def __init__(self, database: sqlite3.Connection, entries: _Entries) -> None:
        self._heard = database.execute(
            "SELECT seq, request_id, at, key_id, body FROM feedback NOT INDEXED ORDER BY seq"
        ).fetchall()
        self._told: dict[object, dict[object, dict[str, object]]] = {}
        for entry in entries.about("feedback"):
            self._told.setdefault(entry[4], {})[entry[0]] = _values(entry[5])
        self._wanted = {row[1] for row in self._heard} | self._told.keys()
        self._asked_at: dict[object, object] = {}

    def meet(self, name: object, at: object) -> None:
        """A request that is there."""
        if name in self._wanted:
            self._asked_at[name] = at

    def wrong(self, erased: _Erased) -> Iterator[str]:
        """What does not hold, once all requests were met."""
        newest = 0
        for seq, name, at, key, body in self._heard:
            said = hashlib.sha256(str(body).encode("utf-8", "surrogatepass")).hexdigest()
            row: dict[str, object] = {"at": at, "key": key, "said": said, "number": seq}
            if body == "" and erased.has(name, self._asked_at.get(name)):
                del row["said"]
            entry = self._take(name, row)
            if entry is None:
                yield f"feedback on {name} was altered, or no entry is about it"
            elif entry < newest:
                yield f"feedback on {name} is not in the order in which it was given"
            else:
                newest = entry
        for name, left in self._told.items():
            for number in left if name in self._asked_at else ():
                yield f"the feedback on {name} of entry {number} was altered or is missing"

    def _take(self, name: object, row: dict[str, object]) -> int | None:
        """The number of the entry about a row, which is about no other one; old ones tell less."""
        about = self._told.get(name, {})
        for number, said in about.items():
            if all(said.get(field, value) == value for field, value in row.items()):
                del about[number]
                return int(str(number))
        return None


def _verdicts(database: sqlite3.Connection, entries: _Entries, said: "_Said") -> Iterator[str]:
    """Verdicts against their entries; each entry is about one."""
    told: dict[object, list[_Entry]] = {}
    for entry in entries.about("decision"):
        detail = _values(entry[5])
        told.setdefault(str(detail.get("row", (entry[4], detail.get("sha256")))), []).append(entry)
    query = f"SELECT {', '.join(VERDICT)} FROM decisions NOT INDEXED ORDER BY id"  # noqa: S608
    for row in database.execute(query):
        own = row_hash(row)
        # Old entries have the hash of its certificate alone.
        certificate = _values(row[-1]).get("certificate")
        sealed = certificate.get("sha256") if isinstance(certificate, dict) else None
        about = told.get(own) or told.get(str((row[1], sealed)))
        what, name = f"verdict {row[0]} on {row[1]}", str(row[0])
        if not about:
            yield from said.from_before("decisions", what, name, own)
            continue
        about.pop(0)
        if said.rows["decisions"].pop(name, own) != own:
            yield f"{what} was altered"
    for entry in (one for left in told.values() for one in left):
        yield f"the verdict on {entry[4]} of entry {entry[0]} was altered or is missing"
    yield from (f"verdict {name} is missing" for name in sorted(said.rows["decisions"]))


def row_hash(values: Sequence[object]) -> str:
    """The hash of a row that never changes, in the order of its columns, for the entry about it."""
    return hashlib.sha256(_text([*values])).hexdigest()


class _Said:
    """What entries say of keys, releases and what serves."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], dict[str, object]] = {}
        """By action and subject."""
        self.pointed: dict[str, dict[str, object]] = {}
        """The last entry about what serves a scenario."""
        self.revoked: dict[str, object] = {}
        """When."""
        self.secrets: dict[object, str] = {}
        """Hashes of the rows of secrets, and whose they are."""
        self.rows: dict[str, dict[str, object]] = {
            table: {} for table in ("decisions", "keys", "releases")
        }
        """Hashes of the rows that were there when this schema began, by table and name."""
        self.older: set[tuple[str, str]] = set()
        """Those of them that no other entry is about."""

    def begin(self, detail: dict[str, object]) -> None:
        """Takes in the entry that lists what was there."""
        for name, row in _part(detail, "pointers"):
            self.pointed[name] = {**self.pointed.get(name, {}), "row": row}
        self.revoked = {**dict(_part(detail, "revoked")), **self.revoked}
        for table, rows in self.rows.items():
            rows.update(_part(detail, table))

    def from_before(self, table: str, what: str, name: str, own: str) -> Iterator[str]:
        """Judges a row that has no entry of its own."""
        known = self.rows[table].pop(name, None)
        if known is None:
            yield f"no entry says that {what} was made"
        elif known != own:
            yield f"{what} was altered"
        else:
            self.older.add((table, name))


def _part(detail: dict[str, object], name: str) -> Iterator[tuple[str, object]]:
    part = detail.get(name)
    yield from part.items() if isinstance(part, dict) else ()


def _said(entries: _Entries) -> _Said:
    said = _Said()
    for entry in entries:
        at, _, action, subject, detail = map(str, entry[1:6])
        if action in {"key.create", "key.rotate"} and "secret" in _values(detail):
            said.secrets[_values(detail)["secret"]] = subject
        if action in MADE:
            said.made[action, subject] = _values(detail)
        elif action == MIGRATED:
            said.begin(_values(detail))
        elif action == "key.revoke":
            said.revoked.setdefault(subject, f"{at[:19]}+00:00")
        elif action.startswith("release."):
            said.pointed[subject] = _values(detail)
    return said


def _in_force(database: sqlite3.Connection, said: _Said) -> Iterator[str]:
    """Where keys, releases and what serves are not what the trail says."""
    for action in MADE:
        yield from _made(database, action, said)
    for name, at in database.execute("SELECT public_id, revoked_at FROM keys NOT INDEXED"):
        if at != said.revoked.get(name):
            yield f"whether key {name} is revoked was altered"
    yield from _secrets(database, said)
    serving = database.execute(f"SELECT {', '.join(POINTER)} FROM pointers NOT INDEXED")  # noqa: S608
    for row in serving:
        told = said.pointed.pop(row[1], None)
        fields = {**dict(zip(POINTER, row, strict=True)), "row": row_hash(row)}
        if told is None or any(told.get(name, one) != one for name, one in fields.items()):
            yield f"which release of {row[1]} serves was altered"
    yield from (f"what serves {scenario} is missing" for scenario in said.pointed)


def _secrets(database: sqlite3.Connection, said: _Said) -> Iterator[str]:
    """Where the ends and rotations of keys are not what their entries say."""
    known = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'key_secrets'"
    rows: list[_Entry] = []
    if database.execute(known).fetchone():  # the table came with schema 8
        rows += database.execute(f"SELECT {', '.join(SECRET)} FROM key_secrets NOT INDEXED")  # noqa: S608
    for row in rows:
        if said.secrets.pop(row_hash(row), None) is None:
            yield f"secret {row[0]} of the key with the number {row[1]} was altered"
    for name in said.secrets.values():
        yield f"a secret of key {name} is missing, or was altered"


def _made(database: sqlite3.Connection, action: str, said: _Said) -> Iterator[str]:
    """Where the rows that an action makes are not those that its entries are about."""
    what, table, _ = MADE[action]
    missing = {name for kind, name in said.made if kind == action}
    for row in database.execute(f"SELECT {', '.join(columns_of(action))} FROM {table} NOT INDEXED"):  # noqa: S608
        name = row_name(action, row)
        entry = said.made.get((action, name))
        if entry is None:
            yield from said.from_before(table, f"{what} {name}", name, row_hash(row))
            continue
        missing.discard(name)
        own = row_hash(row)
        if _differs(action, entry, row) or said.rows[table].pop(name, own) != own:
            yield f"{what} {name} was altered"
    missing |= said.rows[table].keys()
    yield from (f"{what} {name} is missing" for name in sorted(missing))


def columns_of(action: str) -> tuple[str, ...]:
    """The columns of the rows that an action makes, the number first."""
    return tuple(dict.fromkeys(("id", *MADE[action][2])))


def row_name(action: str, row: Sequence[object]) -> str:
    """What a row that an action makes is called in entries."""
    return str(row[1]) if action == "key.create" else f"{row[1]}@{row[2]}"


def _differs(action: str, entry: dict[str, object], row: Sequence[object]) -> bool:
    """Whether a row is not the one that an entry is about; old entries have no hash of it."""
    known = dict(zip(columns_of(action), row, strict=True))
    if "row" in entry and entry["row"] != row_hash([known[name] for name in MADE[action][2]]):
        return True
    return any(entry[name] != known[name] for name in known.keys() & entry.keys() - {"certificate"})


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
    """The command line; exit code 1: something does not hold, 2: unreadable, 4: cannot be told."""
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
    for line in found.untold:
        print(f"? {line}")  # noqa: T201
    gone = f" ({found.removed} removed by retention)" if found.removed else ""
    if found.older:
        print(f"{found.older} {OLDER}")  # noqa: T201
    print(f"{found.entries} entries{gone}, {found.requests} requests: {found.verdict}")  # noqa: T201
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
