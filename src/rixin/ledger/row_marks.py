"""Checksums of the rows and cases that a decision rests on: one for all, a short one for each."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select

from rixin.ledger.sample import Sample, inside
from rixin.ledger.store import Ledger
from rixin.ledger.tables import cases, outcomes

_MOST_MARKS = 20_000
_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMarks:
    """What the rows of one solver on a sample, or its cases, look like, without their content."""

    rows: int
    sha256: str
    """Of all rows in the order of their cases."""
    rows_per_mark: int
    marks: str
    """Two bytes for every `rows_per_mark` rows, in base64: they tell which row was altered."""


def row_marks(ledger: Ledger, sample: Sample, solver: int, judge: str) -> RowMarks:
    """The checksums of the stored rows of one solver on a sample."""
    return _marks(_rows(ledger, sample, solver, judge), sample.size)


def case_marks(ledger: Ledger, sample: Sample) -> RowMarks:
    """The checksums of the cases of a sample: of their ids, strata and weights.

    The id is a hash of input and expected output, so it stands for them; `cases_unlike_ids` of the
    cases finds those that it does not fit.
    """
    columns = cases.c
    query = select(columns.case_id, columns.stratum, columns.weight)
    return _marks(_encoded(ledger, query.where(inside(sample))), sample.size)


def _marks(rows: Iterator[bytes], size: int) -> RowMarks:
    per = max(1, -(-size // _MOST_MARKS))
    whole, marks, count, group = hashlib.sha256(), bytearray(), 0, b""
    for row in rows:
        group = hashlib.sha256(group + row).digest()
        whole.update(group)
        count += 1
        if count % per == 0:
            marks += group[:_BYTES]
            group = b""
    marks += group[:_BYTES]
    return RowMarks(
        rows=count,
        sha256=whole.hexdigest(),
        rows_per_mark=per,
        marks=b64encode(bytes(marks)).decode(),
    )


def altered(before: RowMarks, after: RowMarks) -> list[int]:
    """Places, from 0, of the rows whose marks differ; the first of each group of rows.

    Examples:
        >>> one = RowMarks(rows=2, sha256="a", rows_per_mark=1, marks=b64encode(b"aabb").decode())
        >>> two = RowMarks(rows=2, sha256="b", rows_per_mark=1, marks=b64encode(b"aacc").decode())
        >>> altered(one, two)
        [1]
    """
    old, new = b64decode(before.marks), b64decode(after.marks)
    size = max(len(old), len(new))
    return [
        place // _BYTES * before.rows_per_mark
        for place in range(0, size, _BYTES)
        if old[place : place + _BYTES] != new[place : place + _BYTES]
    ]


def cases_at(
    ledger: Ledger, sample: Sample, solver: int | None, judge: str, places: Sequence[int]
) -> list[str]:
    """The cases of some rows of `row_marks`, by the places that `altered` gives.

    Args:
        ledger: Where they are.
        sample: The sample that was marked.
        solver: Whose rows; None: places are those of `case_marks`.
        judge: Who judged them.
        places: From 0.

    Returns:
        For each place that there is, the case's own id and the beginning of its hash.
    """
    joined = cases if solver is None else cases.join(outcomes, _asked(solver, judge))
    query = _named().select_from(joined).where(inside(sample)).order_by(cases.c.case_id)
    with ledger.read() as connection:
        found = [connection.execute(query.offset(place).limit(1)).first() for place in places]
    return [case_name(row[0], row[1]) for row in found if row is not None]


def cases_without(ledger: Ledger, sample: Sample, solver: int, judge: str, limit: int) -> list[str]:
    """The first cases of a sample without a row of the solver, named like in `cases_at`.

    Where rows have lost their cases it is those, by their hashes.
    """
    columns = outcomes.c
    lost = select(columns.case_id).where(
        columns.solver_id == solver,
        columns.judge == judge,
        columns.case_id.not_in(select(cases.c.case_id)),
    )
    joined = cases.outerjoin(outcomes, _asked(solver, judge))
    query = _named().select_from(joined).where(inside(sample), outcomes.c.case_id.is_(None))
    with ledger.read() as connection:
        if gone := connection.execute(lost.limit(limit)).scalars().all():
            return [case_name(None, case_id) for case_id in gone]
        rows = connection.execute(query.order_by(cases.c.case_id).limit(limit))
        return [case_name(row[0], row[1]) for row in rows]


def _named() -> Select[str | None, str]:
    return select(cases.c.ref, cases.c.case_id)


def case_name(ref: str | None, case_id: str) -> str:
    """A case in words: its own id, if it has one, and the beginning of its hash."""
    short = case_id[:12]
    return f"{ref} ({short})" if ref else short


def _asked(solver: int, judge: str) -> ColumnElement[bool]:
    columns = outcomes.c
    return and_(
        columns.case_id == cases.c.case_id, columns.solver_id == solver, columns.judge == judge
    )


def _rows(ledger: Ledger, sample: Sample, solver: int, judge: str) -> Iterator[bytes]:
    columns = outcomes.c
    query = (
        select(
            columns.case_id,
            columns.state,
            columns.score,
            columns.output,
            columns.confidence,
            columns.abstained,
            columns.violations,
            columns.reason,
            columns.cost_pico,
            columns.sunk_pico,
            columns.latency_s,
        )
        .select_from(cases.join(outcomes, _asked(solver, judge)))
        .where(inside(sample))
    )
    return _encoded(ledger, query)


def _encoded(ledger: Ledger, query: Select[*tuple[Any, ...]]) -> Iterator[bytes]:
    """The rows of a query in the order of their cases, as bytes."""
    with ledger.read() as connection:
        ordered = query.order_by(cases.c.case_id)
        found = connection.execution_options(yield_per=2_000).execute(ordered)
        for part in found.partitions():
            for row in part:
                yield repr(tuple(row)).encode("utf-8", "surrogatepass")
