"""Data-set snapshots: the cases of one reading of one file, in their random order.

A snapshot is immutable. Cases are ordered by their content hash inside each pool, so the
first n cases of a pool are a uniform sample of it, and the same one on every machine.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update

from rixin.core.case import Case
from rixin.core.ids import POOLS, Pool
from rixin.ledger.sample import Sample, inside, sample_of
from rixin.ledger.store import Ledger
from rixin.ledger.tables import cases, datasets, staged_cases

_CHUNK = 2_000
_NO_NOTES = "{}"


def has_dataset(ledger: Ledger, dataset_id: str) -> bool:
    """Whether the snapshot is in the ledger, whole, with what was noticed in it."""
    with ledger.read() as connection:
        found = connection.execute(select(datasets.c.notes).where(datasets.c.id == dataset_id))
        return found.scalar() not in {None, _NO_NOTES}


def import_cases(
    ledger: Ledger, dataset_id: str, path: str, items: Iterable[Case], *, now: datetime
) -> None:
    """Writes a snapshot as a stream; it is whole only after `write_notes`.

    Args:
        ledger: The ledger.
        dataset_id: Content hash of the file and of how it is read.
        path: Where the file is, for the record.
        items: The cases, each content id once, in any order.
        now: Aware time of the import.
    """
    with ledger.write() as connection:  # what an interrupted import left behind
        connection.execute(delete(staged_cases))
        connection.execute(delete(cases).where(cases.c.dataset_id == dataset_id))
        connection.execute(delete(datasets).where(datasets.c.id == dataset_id))
    stream = iter(items)
    while rows := [_case_row(dataset_id, case) for case in islice(stream, _CHUNK)]:
        with ledger.write() as connection:
            connection.execute(insert(staged_cases), rows)
    names = [column.name for column in cases.c]
    moved = select(*staged_cases.c).order_by(staged_cases.c.pool, staged_cases.c.case_id)
    with ledger.write() as connection:
        connection.execute(insert(cases).from_select(names, moved))
        connection.execute(delete(staged_cases))
        row = {
            "id": dataset_id,
            "path": path,
            "imported_at": now.astimezone(UTC).isoformat(timespec="seconds"),
            "notes": _NO_NOTES,
        }
        connection.execute(insert(datasets), [row])


def _case_row(dataset_id: str, case: Case) -> dict[str, Any]:
    return {
        "dataset_id": dataset_id,
        "pool": case.pool,
        "case_id": case.id,
        "case_key": case.key,
        "stratum": case.stratum,
        "weight": case.weight,
        "ref": case.ref,
        "input": case.input,
        "expected": case.expected,
        "twin": False,
    }


def write_notes(ledger: Ledger, dataset_id: str, notes: Mapping[str, Any]) -> None:
    """Stores what was noticed while reading: repeats, conflicts, near copies; not empty."""
    with ledger.write() as connection:
        connection.execute(
            update(datasets)
            .where(datasets.c.id == dataset_id)
            .values(notes=json.dumps(notes, ensure_ascii=False))
        )


def read_notes(ledger: Ledger, dataset_id: str) -> dict[str, Any]:
    """What `write_notes` stored."""
    with ledger.read() as connection:
        text = connection.execute(
            select(datasets.c.notes).where(datasets.c.id == dataset_id)
        ).scalar_one()
    notes: dict[str, Any] = json.loads(text)
    return notes


def mark_twins(ledger: Ledger, dataset_id: str, keys: Sequence[str]) -> None:
    """Marks the cases whose input has a near copy in another pool."""
    with ledger.write() as connection:
        for start in range(0, len(keys), 500):
            connection.execute(
                update(cases)
                .where(cases.c.dataset_id == dataset_id)
                .where(cases.c.case_key.in_(keys[start : start + 500]))
                .values(twin=True)
            )


def pool_sizes(ledger: Ledger, dataset_id: str) -> dict[Pool, int]:
    """Cases per pool; pools without a case have 0."""
    query = (
        select(cases.c.pool, func.count())
        .where(cases.c.dataset_id == dataset_id)
        .group_by(cases.c.pool)
    )
    with ledger.read() as connection:
        found = {row[0]: row[1] for row in connection.execute(query)}
    return {pool: found.get(pool, 0) for pool in POOLS}


def label_counts(ledger: Ledger, dataset_id: str, limit: int = 2_000) -> dict[str, int]:
    """Expected output → cases, most frequent first; at most `limit` different ones."""
    total = func.count()
    query = (
        select(cases.c.expected, total)
        .where(cases.c.dataset_id == dataset_id, cases.c.expected.is_not(None))
        .group_by(cases.c.expected)
        .order_by(total.desc(), cases.c.expected)
        .limit(limit)
    )
    with ledger.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def stream_cases(ledger: Ledger, sample: Sample) -> Iterator[list[Case]]:
    """The cases of a sample in their random order, in chunks; little memory."""
    after, left = "", sample.size
    while left > 0 and (chunk := _chunk(ledger, sample, after, min(_CHUNK, left))):
        yield list(chunk)
        after = chunk[-1].id
        left -= len(chunk)


@lru_cache(maxsize=4)
def _chunk(ledger: Ledger, sample: Sample, after: str, size: int) -> Sequence[Case]:
    """The next cases of a sample; the last few chunks are held, for solvers are asked in turn."""
    query = (
        _case_select()
        .where(inside(sample), cases.c.case_id > after)
        .order_by(cases.c.case_id)
        .limit(size)
    )
    with ledger.read() as connection:
        return [_case(row) for row in connection.execute(query)]


def stream_pool(ledger: Ledger, dataset_id: str, pool: Pool) -> Iterator[Case]:
    """All cases of a pool in their random order."""
    for chunk in stream_cases(ledger, sample_of(ledger, dataset_id, pool)):
        yield from chunk


def find_cases(ledger: Ledger, dataset_id: str, wanted: str, *, limit: int = 5) -> list[Case]:
    """Cases that a user may mean, by the closest reading that finds any.

    That is their own reference, then the beginning of their hash, then words of their input.
    """
    readings = (
        cases.c.ref == wanted,
        cases.c.case_id.startswith(wanted, autoescape=True),
        cases.c.input.contains(wanted, autoescape=True),
    )
    for reading in readings:
        query = (
            _case_select()
            .where(cases.c.dataset_id == dataset_id, reading)
            .order_by(cases.c.case_id)
            .limit(limit)
        )
        with ledger.read() as connection:
            found = [_case(row) for row in connection.execute(query)]
        if found:
            return found
    return []


def cases_of(ledger: Ledger, dataset_id: str, ids: Sequence[str]) -> list[Case]:
    """The cases with these ids, in the order of the ids; those that are not there are left out."""
    query = _case_select().where(cases.c.dataset_id == dataset_id, cases.c.case_id.in_(ids))
    with ledger.read() as connection:
        found = {row[0]: _case(row) for row in connection.execute(query)}
    return [found[one] for one in ids if one in found]


def _case_select() -> Select[Any]:
    return select(
        cases.c.case_id,
        cases.c.case_key,
        cases.c.input,
        cases.c.expected,
        cases.c.pool,
        cases.c.stratum,
        cases.c.weight,
        cases.c.ref,
    )


def _case(row: Row[*tuple[Any, ...]]) -> Case:
    return Case(
        id=row[0],
        key=row[1],
        input=row[2],
        expected=row[3],
        pool=row[4],
        stratum=row[5],
        weight=row[6],
        ref=row[7],
    )
