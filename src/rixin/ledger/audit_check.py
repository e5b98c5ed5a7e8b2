"""Verifies an audit trail offline, with the standard library alone.

Run it on a copy of a ledger, without Rixin: `python audit_check.py LEDGER [HEADS]`. It recomputes
the hash of every entry, the chain between them, every tree head that was kept, and the rows of
requests against the entry that covers them.
"""

import hashlib
import json
import sqlite3
import sys
from pathlib import Path

_FIELDS = ("seq", "at", "actor", "action", "subject", "detail", "previous")
_FACTS = (
    *("id", "at", "key_id", "scenario", "release", "solver", "status", "state", "cost_pico"),
    *("input_tokens", "output_tokens", "latency_s", "detail"),
)
_MOST_SHOWN = 20


def check(ledger: Path, heads: Path | None = None) -> tuple[int, int, list[str]]:
    """Entries, rows of requests, and all that does not hold; the last is empty where all does.

    Args:
        ledger: The SQLite file.
        heads: A file of tree heads, one JSON object a line; None: the one beside the ledger.

    Raises:
        OSError: There is no such ledger.
        sqlite3.Error: It is no ledger.
    """
    if not ledger.is_file():
        raise FileNotFoundError(f"there is no ledger {str(ledger)!r}")
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        entries = database.execute(
            f"SELECT {', '.join(_FIELDS)}, hash FROM audit ORDER BY seq"  # noqa: S608 - names of ours
        ).fetchall()
        wrong = [*_chain(entries), *_heads(entries, heads or ledger.with_suffix(".heads.jsonl"))]
        rows, more = _requests(database, entries)
    finally:
        database.close()
    return len(entries), rows, [*wrong, *more]


def _chain(entries: list[tuple[object, ...]]) -> list[str]:
    wrong, previous = [], "0" * 64
    for number, entry in enumerate(entries, start=1):
        *fields, given = entry
        if fields[0] != number:
            wrong.append(f"entry {number} is missing: entry {fields[0]} stands in its place")
            return wrong
        body = json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if hashlib.sha256(body).hexdigest() != given:
            wrong.append(f"entry {number} ({fields[3]} of {fields[1]}) was altered")
        if fields[6] != previous:
            wrong.append(f"entry {number} does not follow the entry before it")
        previous = str(given)
    return wrong


def _heads(entries: list[tuple[object, ...]], file: Path) -> list[str]:
    """Tree heads that were kept outside: a trail that was cut is shorter than they say."""
    if not file.is_file():
        return [f"there are no tree heads at {file}: whether the trail was cut cannot be told"]
    kept = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
    wanted = {one["size"]: one for one in kept}
    peaks: list[bytes] = []
    wrong = []
    for size, entry in enumerate(entries, start=1):
        _append(peaks, size - 1, _leaf(bytes.fromhex(str(entry[-1]))))
        if size in wanted and _root(peaks).hex() != wanted[size]["root"]:
            wrong.append(f"the tree head of {wanted[size]['at']} over {size} entries does not hold")
    longest = max(wanted, default=0)
    if longest > len(entries):
        at = wanted[longest]["at"]
        wrong.append(f"the trail was cut: it had {longest} entries at {at}, and has {len(entries)}")
    return wrong


def _requests(
    database: sqlite3.Connection, entries: list[tuple[object, ...]]
) -> tuple[int, list[str]]:
    """Rows of requests, in the order of the entries that cover them."""
    rows = database.execute(
        f"SELECT {', '.join(_FACTS)}, content, leaf FROM requests ORDER BY seq"  # noqa: S608
    )
    count = 0
    wrong: list[str] = []
    for entry in entries:
        if entry[3] != "requests":
            continue
        covered = json.loads(str(entry[5]))
        peaks: list[bytes] = []
        for place in range(covered["count"]):
            row = rows.fetchone()
            if row is None:
                return count, [*wrong, f"rows of requests are missing that entry {entry[0]} covers"]
            count += 1
            wrong += _row(row)
            _append(peaks, place, bytes.fromhex(row[-1]))
        if _root(peaks).hex() != covered["root"]:
            wrong.append(f"the requests that entry {entry[0]} covers are not those that were there")
    if rows.fetchone() is not None:
        wrong.append("there are requests that no entry covers")
    return count, wrong


def _row(row: tuple[object, ...]) -> list[str]:
    *facts, content, leaf = row
    body = _facts_text(facts)
    wrong = []
    if _leaf(body).hex() != leaf:
        wrong.append(f"request {facts[0]} was altered")
    kept = json.loads(str(facts[-1]))["content"]
    if content is not None and hashlib.sha256(str(content).encode()).hexdigest() != kept:
        wrong.append(f"the content of request {facts[0]} was altered")
    return wrong


def _facts_text(facts: list[object]) -> bytes:
    """The JSON of a row's facts; numbers were stored as they were written."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


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
    entries, rows, wrong = check(Path(sys.argv[1]), heads)
    for line in wrong[:_MOST_SHOWN]:
        print(f"✗ {line}")  # noqa: T201
    print(f"{entries} entries, {rows} requests: {'does not hold' if wrong else 'holds'}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
