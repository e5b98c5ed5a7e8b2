"""Data-set snapshots: the cases of one reading of one file, in their random order.

A snapshot is immutable. Cases are ordered by their content hash inside each pool, so the
first n cases of a pool are a uniform sample of it, and the same one on every machine.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, insert, literal, or_, select, update

from rixin.core.case import Case, make_case
from rixin.core.ids import POOLS, Pool, digest
from rixin.core.scenario import CaseSource
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


def dataset_of(ledger: Ledger, reading: str) -> str | None:
    """The snapshot that a reading of a file gave; None: the file has to be read.

    It is read again where another one gave the same cases since: their references may differ.
    Before schema 4 the hash of the reading was the id of the snapshot itself.
    """
    same = or_(
        datasets.c.reading == reading, and_(datasets.c.reading.is_(None), datasets.c.id == reading)
    )
    with ledger.read() as connection:
        found = connection.execute(
            select(datasets.c.id).where(same, datasets.c.notes != _NO_NOTES)
        ).scalar()
    return None if found is None else str(found)


def copy_dataset(source: Ledger, target: Ledger, dataset_id: str) -> None:
    """Copies a snapshot into another ledger, where it is not there as a whole already.

    Args:
        source: Has it.
        target: Gets it; what an interrupted copy left there is replaced.
        dataset_id: Of the snapshot.
    """
    if has_dataset(target, dataset_id):
        return
    with target.write() as connection:
        connection.execute(delete(cases).where(cases.c.dataset_id == dataset_id))
        connection.execute(delete(datasets).where(datasets.c.id == dataset_id))
    with source.read() as reading:
        rows = reading.execute(select(cases).where(cases.c.dataset_id == dataset_id)).mappings()
        while some := [dict(row) for row in rows.fetchmany(_CHUNK)]:
            with target.write() as connection:
                connection.execute(insert(cases), some)
        head = reading.execute(select(datasets).where(datasets.c.id == dataset_id)).mappings().one()
    with target.write() as connection:  # last: with it the snapshot is whole
        connection.execute(insert(datasets), [dict(head)])


def stage_cases(ledger: Ledger, items: Iterable[Case]) -> None:
    """Takes cases in as a stream, for `import_staged`.

    Args:
        ledger: The ledger.
        items: The cases, each content id once, in any order.
    """
    with ledger.write() as connection:  # what an interrupted import left behind
        connection.execute(delete(staged_cases))
    stream = iter(items)
    while rows := [_case_row(case) for case in islice(stream, _CHUNK)]:
        with ledger.write() as connection:
            connection.execute(insert(staged_cases), rows)


def staged_id(ledger: Ledger, how: str) -> str:
    """The id of the staged cases as a snapshot; their order and references do not matter.

    Args:
        ledger: The ledger.
        how: How the file is read.
    """
    columns = ("pool", "case_id", "stratum", "weight")
    query = select(*(staged_cases.c[name] for name in columns))
    whole = hashlib.sha256(digest("cases/1", how).encode())
    with ledger.read() as connection:
        for row in connection.execute(query.order_by(staged_cases.c.pool, staged_cases.c.case_id)):
            whole.update(digest(*map(str, row)).encode())
    return whole.hexdigest()[:32]


def import_staged(
    ledger: Ledger, dataset_id: str, path: str, *, now: datetime, reading: str | None = None
) -> None:
    """Makes a snapshot of the staged cases; it is whole only after `write_notes`.

    Args:
        ledger: The ledger.
        dataset_id: From `staged_id`.
        path: Where the file is, for the record.
        now: Aware time of the import.
        reading: Hash of the file and of how it is read.
    """
    staged = [staged_cases.c[column.name] for column in cases.c if column.name != "dataset_id"]
    moved = select(literal(dataset_id), *staged).order_by(
        staged_cases.c.pool, staged_cases.c.case_id
    )
    row = {
        "id": dataset_id,
        "path": path,
        "imported_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "notes": _NO_NOTES,
        "reading": reading,
    }
    with ledger.write() as connection:
        connection.execute(delete(cases).where(cases.c.dataset_id == dataset_id))
        connection.execute(delete(datasets).where(datasets.c.id == dataset_id))
        connection.execute(
            insert(cases).from_select(["dataset_id", *(c.name for c in staged)], moved)
        )
        connection.execute(delete(staged_cases))
        connection.execute(insert(datasets), [row])


def refresh_staged(ledger: Ledger, dataset_id: str, path: str, *, reading: str) -> None:
    """Takes path and references of a snapshot from staged cases, which are the same.

    Args:
        ledger: The ledger.
        dataset_id: From `staged_id`; the snapshot is in the ledger.
        path: Where the file is, for the record.
        reading: Hash of the file and of how it is read.
    """
    same = [cases.c[name] == staged_cases.c[name] for name in ("pool", "case_id")]
    newer = update(cases).values(ref=staged_cases.c.ref)
    with ledger.write() as connection:
        connection.execute(newer.where(cases.c.dataset_id == dataset_id, *same))
        connection.execute(delete(staged_cases))
        connection.execute(
            update(datasets).where(datasets.c.id == dataset_id).values(path=path, reading=reading)
        )
    _chunk.cache_clear()


def _case_row(case: Case) -> dict[str, Any]:
    return {
        "dataset_id": "",
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


def find_cases(
    ledger: Ledger, dataset_id: str, wanted: str, *, limit: int = 5
) -> tuple[list[Case], int]:
    """Cases that a user may mean, by the closest reading that finds any, and how many there are.

    That is their own reference, then the beginning of their hash, then words of their input.
    """
    readings = (
        cases.c.ref == wanted,
        cases.c.case_id.startswith(wanted, autoescape=True),
        cases.c.input.contains(wanted, autoescape=True),
    )
    for reading in readings:
        condition = (cases.c.dataset_id == dataset_id, reading)
        query = _case_select().where(*condition).order_by(cases.c.case_id).limit(limit)
        with ledger.read() as connection:
            first = [_case(row) for row in connection.execute(query)]
            if first:
                count = select(func.count()).select_from(cases).where(*condition)
                return first, connection.execute(count).scalar_one()
    return [], 0


def cases_of(ledger: Ledger, dataset_id: str, ids: Sequence[str]) -> list[Case]:
    """The cases with these ids, in the order of the ids; those that are not there are left out."""
    query = _case_select().where(cases.c.dataset_id == dataset_id, cases.c.case_id.in_(ids))
    with ledger.read() as connection:
        found = {row[0]: _case(row) for row in connection.execute(query)}
    return [found[one] for one in ids if one in found]


def cases_unlike_ids(ledger: Ledger, sample: Sample, source: CaseSource) -> Iterator[Case]:
    """Cases of a sample whose id, key or pool is not that of their input and expected output.

    Args:
        ledger: Where they are.
        sample: Which of them.
        source: How they were dealt to the pools.
    """
    query = _case_select().where(inside(sample)).order_by(cases.c.case_id)
    with ledger.read() as connection:
        for row in connection.execution_options(yield_per=_CHUNK).execute(query):
            case = _case(row)
            made = make_case(case.input, case.expected, source.pools, seed=source.seed)
            if (made.id, made.key, made.pool) != (case.id, case.key, case.pool):
                yield case


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
