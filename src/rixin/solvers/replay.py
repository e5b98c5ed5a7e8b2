"""Recorded answers as a solver: decide from existing logs without one call."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from rixin.core.answer import Answer, Failure
from rixin.core.case import Case
from rixin.core.ids import digest, input_key
from rixin.errors import UsageError
from rixin.solvers._record import Cells, RecordReader
from rixin.solvers._reply import bad_reply, is_missing
from rixin.solvers._spool import Spool

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayColumns:
    """Which columns of a log hold what; one of `id` and `input` finds the case."""

    id: str | None = None
    """Holds the user's own id of the case."""
    input: str | None = None
    """Holds the input; it is compared without regard to case and spacing."""
    output: str | None = None
    confidence: str | None = None
    """In [0, 1]."""
    logprob: str | None = None
    """Natural logarithm of a confidence, at most 0."""
    cost: str | None = None
    """In the scenario's currency."""
    latency: str | None = None
    """In seconds."""
    latency_ms: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    score: str | None = None
    """In [0, 1], or true and false: a score that the log already has."""
    error: str | None = None
    """Not empty where the recorded call failed."""
    finish_reason: str | None = None
    """Why the model stopped, in the server's word: `length` and the like make an answer a cut one,
    which is none."""

    def used(self) -> dict[str, str]:
        """What is mapped: our name → the log's column."""
        pairs = ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        return {name: column for name, column in pairs if column is not None}


class ReplaySolver:
    """Answers from a log. Of several records of a case the last one counts.

    The log is read once, at the first `solve`: a small one into memory, a large one into a
    temporary file with a small index, so that memory stays bounded whatever its size.

    Args:
        name: The name in the scenario file.
        source_fingerprint: Hash of the log's content.
        records: Opens the log: each call gives its records from the start, each with the cells of
            the columns that are used, in the order of `columns.used()`.
        columns: Which columns hold what.
        small: The log is small enough to be held in memory.

    Raises:
        UsageError: The mapping cannot find a case, or holds neither output nor score.
    """

    def __init__(
        self,
        name: str,
        source_fingerprint: str,
        records: Callable[[], Iterable[Cells]],
        columns: ReplayColumns,
        *,
        small: bool = False,
    ) -> None:
        used = columns.used()
        if (columns.id is None) == (columns.input is None):
            raise UsageError(
                f"the replay {name!r} must find a case by its id or by its input, and by one only",
                hint="map one of id and input to a column of the log",
            )
        if columns.output is None and columns.score is None:
            raise UsageError(
                f"the replay {name!r} has neither an output nor a score",
                hint="map output (or score) to a column of the log",
            )
        self.name = name
        self.batch_size = _BATCH
        self.fingerprint = digest("replay/1", source_fingerprint, repr(sorted(used.items())))
        self._records, self._small = records, small
        names = list(used)
        self._by_id = columns.id is not None
        self._key_at = names.index("id" if self._by_id else "input")
        self._cost_at = names.index("cost") if columns.cost is not None else None
        self._read_record = RecordReader(names)
        self._reading: asyncio.Future[Spool] | None = None
        self._spool: Spool | None = None
        self._costs, self._priced = 0.0, 0

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """The recorded answer of each case; one that is not in the log is a failure."""
        spool = self._spool
        if spool is None:
            if self._reading is None:
                self._reading = asyncio.ensure_future(asyncio.to_thread(self._read))
            spool = await asyncio.shield(self._reading)
        if spool.in_memory:  # handing them to a thread and back would take longer
            return self._answers(spool, cases)
        return await asyncio.to_thread(self._answers, spool, cases)

    async def close(self) -> None:
        """Removes the temporary file."""
        reading, self._reading = self._reading, None
        if reading is not None:
            await asyncio.wait([reading])
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()

    def mean_cost(self) -> float | None:
        """The mean of the recorded costs, whichever cases they belong to; None: none is recorded.

        It stands for the list price of what was recorded, and reads the log.
        """
        if self._cost_at is None:
            return None
        self._read()
        return self._costs / self._priced if self._priced else None

    def _read(self) -> Spool:
        if self._spool is None:
            self._spool = self._read_log()
        return self._spool

    def _read_log(self) -> Spool:
        spool, key_at, cost_at = Spool(small=self._small), self._key_at, self._cost_at
        key_of = _id_of if self._by_id else _input_of
        try:
            for cells in self._records():
                key = key_of(cells[key_at])
                if key is not None:
                    if cost_at is not None:
                        self._count_cost(cells[cost_at])
                    spool.add(key, (*cells, None))
        except BaseException:
            spool.close()
            raise
        spool.seal()
        return spool

    def _count_cost(self, cell: object) -> None:
        try:
            cost = float(cell)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            return
        if isfinite(cost):
            self._costs += cost
            self._priced += 1

    def _answers(self, spool: Spool, cases: Sequence[Case]) -> list[Answer]:
        by_id, read = self._by_id, self._read_record
        records = spool.find([case.ref if by_id else case.key for case in cases])
        return [
            _no_record(case, by_id=by_id)
            if record is None
            else _located(read(record), case, by_id=by_id)
            for case, record in zip(cases, records, strict=True)
        ]


def _id_of(cell: object) -> str | None:
    if type(cell) is str:
        return cell if cell and not cell.isspace() else None
    return None if is_missing(cell) else str(cell)


def _input_of(cell: object) -> str | None:
    return None if cell is None else input_key(str(cell))


def _no_record(case: Case, *, by_id: bool) -> Answer:
    what = _record_of(case, by_id=by_id)
    return Answer(failure=Failure(kind="no_record", message=f"the log has no record of {what}"))


def _located(answer: Answer, case: Case, *, by_id: bool) -> Answer:
    """The same answer; a record that cannot be read says which it is."""
    if answer.failure is None or answer.failure.kind != "bad_reply":
        return answer
    message = f"the record of {_record_of(case, by_id=by_id)}: {answer.failure.message}"
    return bad_reply(message)


def _record_of(case: Case, *, by_id: bool) -> str:
    return f"id {case.ref!r}" if by_id else "this input"
