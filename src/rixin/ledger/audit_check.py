"""Verifies an audit trail offline, with the standard library alone.

Run it on a copy of a ledger, without Rixin: `python audit_check.py LEDGER [HEADS]`. It recomputes
the hash of every entry, the chain between them, every tree head that was kept, and the rows of
requests, and what was said of them, against the entries that cover them. What retention removed
has left its hash, and an entry that says so; only where there is such an entry may one be empty.
Keys, releases and what serves must be what the entries say of them.
"""

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
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
_POINTED = ("live", "canary", "share")
_MOST_SHOWN = 20
_REMOVED = ("", "", "removed", "", "{}", "")
"""What is left of the fields of an entry that retention removed, after its number."""
_LEAST_KEPT = timedelta(days=183)
_CLOCKS_DIFFER = timedelta(days=1)
_Entry = tuple[object, ...]


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
    kept = _kept_heads(file)
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True, isolation_level=None)
    try:
        database.execute("BEGIN")  # a gateway that runs may go on writing
        entries = database.execute(
            f"SELECT {', '.join(_FIELDS)}, hash FROM audit ORDER BY seq"  # noqa: S608 - names of ours
        ).fetchall()
        through, wrong = _removals(entries, kept)
        wrong += [*_chain(entries, through), *_heads(entries, kept)]
        if not kept:
            wrong.append(f"no tree heads are at {file}: whether the trail was cut cannot be told")
        rows, more = _requests(database, entries)
        more += [*_feedback(database, entries), *_in_force(database, entries)]
    finally:
        database.close()
    return Checked(len(entries), rows, [*wrong, *more], sum(map(_is_removed, entries)))


def _kept_heads(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def _removals(entries: list[_Entry], kept: list[dict[str, str]]) -> tuple[int, list[str]]:
    """The last entry that retention may have removed, and removals that came too early."""
    last, wrong = 0, []
    for entry in entries:
        number, at, action, detail = entry[0], entry[1], entry[3], entry[5]
        if action != "retention.prune":
            continue
        try:
            said = json.loads(str(detail))
            through, before = int(said["through"]), datetime.fromisoformat(said["before"])
            early = datetime.fromisoformat(str(at)) - before < _LEAST_KEPT
        except (ValueError, TypeError, KeyError):
            continue  # it was altered, which the chain tells
        if early:
            wrong.append(f"entry {number} removed what was younger than {_LEAST_KEPT.days} days")
        for head in kept:
            at_head = datetime.fromisoformat(head["at"])
            if int(head["size"]) < through and at_head > before + _CLOCKS_DIFFER:
                wrong.append(f"entry {number} removed what came after the tree head of {at_head}")
                break
        last = max(last, min(through, int(str(number)) - 1))
    return last, wrong


def _is_removed(entry: _Entry) -> bool:
    return entry[1:-1] == _REMOVED


def _chain(entries: list[_Entry], through: int) -> list[str]:
    wrong, previous = [], "0" * 64
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
    body = json.dumps(fields, ensure_ascii=False, default=repr).encode("utf-8", "surrogatepass")
    wrong = []
    if hashlib.sha256(body).hexdigest() != given:
        wrong.append(f"entry {fields[0]} ({fields[3]} of {fields[1]}) was altered")
    if fields[6] != previous:
        wrong.append(f"entry {fields[0]} does not follow the entry before it")
    return wrong


def _heads(entries: list[_Entry], kept: list[dict[str, str]]) -> list[str]:
    """Tree heads that were kept outside: a trail that was cut is shorter than they say."""
    wanted = {int(one["size"]): one for one in kept}
    peaks: list[bytes] = []
    wrong = []
    for size, entry in enumerate(entries, start=1):
        _append(peaks, size - 1, _leaf(_bytes(entry[-1])))
        if size in wanted and _root(peaks).hex() != wanted[size]["root"]:
            wrong.append(f"the tree head of {wanted[size]['at']} over {size} entries does not hold")
    longest = max(wanted, default=0)
    if longest > len(entries):
        at = wanted[longest]["at"]
        wrong.append(f"the trail was cut: it had {longest} entries at {at}, and has {len(entries)}")
    return wrong


def _requests(database: sqlite3.Connection, entries: list[_Entry]) -> tuple[int, list[str]]:
    """Rows of requests, in the order of the entries that cover them."""
    rows = database.execute(
        f"SELECT {', '.join(_FACTS)}, content, leaf FROM requests ORDER BY seq"  # noqa: S608
    )
    count = 0
    wrong: list[str] = []
    for entry in entries:
        if entry[3] != "requests":
            continue
        try:
            covered = json.loads(str(entry[5]))
            size, root = int(covered["count"]), covered["root"]
        except (ValueError, TypeError, KeyError):
            return count, [*wrong, f"which requests entry {entry[0]} covers cannot be told"]
        peaks: list[bytes] = []
        for place in range(size):
            row = rows.fetchone()
            if row is None:
                return count, [*wrong, f"rows of requests are missing that entry {entry[0]} covers"]
            count += 1
            wrong += _row(row)
            _append(peaks, place, _bytes(row[-1]))
        if _root(peaks).hex() != root:
            wrong.append(f"the requests that entry {entry[0]} covers are not those that were there")
    if rows.fetchone() is not None:
        wrong.append("there are requests that no entry covers")
    return count, wrong


def _feedback(database: sqlite3.Connection, entries: list[_Entry]) -> list[str]:
    """What callers said of answers that are still there."""
    wrong = []
    for number, _, _, action, subject, detail, *_ in entries:
        if action != "feedback":
            continue
        said = database.execute("SELECT body FROM feedback WHERE request_id = ?", (subject,))
        bodies = {str(body) for (body,) in said}
        hashes = {hashlib.sha256(body.encode()).hexdigest() for body in bodies}
        there = database.execute("SELECT 1 FROM requests WHERE id = ?", (subject,)).fetchone()
        try:
            known = json.loads(str(detail))["said"] in hashes
        except (ValueError, TypeError, KeyError):
            continue  # it was altered, which the chain tells
        if there and not known and "" not in bodies:  # empty: it was erased
            wrong.append(f"the feedback on {subject} of entry {number} was altered or is missing")
    return wrong


def row_hash(values: Sequence[object]) -> str:
    """The hash of a row that never changes, in the order of its columns, for the entry about it."""
    text = json.dumps([*values], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Said(NamedTuple):
    """What entries say of keys, releases and what serves."""

    made: dict[tuple[str, str], dict[str, object]]
    """By action and subject."""
    pointed: dict[str, dict[str, object]]
    """The last entry about what serves a scenario."""
    revoked: set[str]
    whole: bool
    """Whether no entry is gone: else the one about a row may be."""


def _said(entries: list[_Entry]) -> _Said:
    said = _Said({}, {}, set(), not any(map(_is_removed, entries)))
    for entry in entries:
        action, subject, detail = map(str, entry[3:6])
        try:
            values = json.loads(detail)
        except ValueError:
            continue  # it was altered, which the chain tells
        if action in MADE:
            said.made[action, subject] = values
        elif action == "key.revoke":
            said.revoked.add(subject)
        elif action.startswith("release."):
            said.pointed[subject] = values
    return said


def _in_force(database: sqlite3.Connection, entries: list[_Entry]) -> Iterator[str]:
    """Where keys, releases and what serves are not what the trail says."""
    said = _said(entries)
    for action in MADE:
        yield from _made(database, action, said)
    for name, at in database.execute("SELECT public_id, revoked_at FROM keys"):
        if (at is None) == (name in said.revoked) and (at is None or said.whole):
            yield f"whether key {name} is revoked was altered"
    serving = database.execute(f"SELECT scenario, {', '.join(_POINTED)} FROM pointers")  # noqa: S608
    for scenario, *values in serving:
        told = said.pointed.pop(scenario, None)
        if [None if told is None else told.get(name) for name in _POINTED] != values and (
            told is not None or said.whole
        ):
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


def _row(row: tuple[object, ...]) -> list[str]:
    *facts, content, leaf = row
    if _leaf(_facts_text(facts)).hex() != leaf:
        return [f"request {facts[0]} was altered"]
    kept = json.loads(str(facts[-1]))["content"]
    if content is not None and hashlib.sha256(str(content).encode()).hexdigest() != kept:
        return [f"the content of request {facts[0]} was altered"]
    return []


def _facts_text(facts: list[object]) -> bytes:
    """The JSON of a row's facts; numbers were stored as they were written."""
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"), default=repr)
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
    """The command line; exit code 1 where something does not hold."""
    if not 2 <= len(sys.argv) <= 3:
        print("usage: python audit_check.py LEDGER [HEADS]", file=sys.stderr)  # noqa: T201
        return 2
    heads = Path(sys.argv[2]) if len(sys.argv) == 3 else None
    found = check(Path(sys.argv[1]), heads)
    for line in found.wrong[:_MOST_SHOWN]:
        print(f"✗ {line}")  # noqa: T201
    gone = f" ({found.removed} removed by retention)" if found.removed else ""
    verdict = "does not hold" if found.wrong else "holds"
    print(f"{found.entries} entries{gone}, {found.requests} requests: {verdict}")  # noqa: T201
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
