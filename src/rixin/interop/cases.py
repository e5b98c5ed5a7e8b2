"""Cases from the rows of a file, as a stream in little memory."""

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from zlib import crc32

from rixin.core.case import Case, make_case
from rixin.core.ids import Pool
from rixin.core.scenario import CaseSource
from rixin.errors import CasesError, Mistake
from rixin.interop.case_notes import CaseNotes
from rixin.interop.cell_text import NoValue, to_text
from rixin.interop.readers import open_rows
from rixin.interop.row_source import Row, RowSource
from rixin.interop.seen import Seen

MAX_LABELS = 1000
_LONGEST_LABEL = 200
_SHOWN = 5
_NOT_A_NUMBER = frozenset({"nan", "NaN", "NAN"})


def read_cases(source: CaseSource) -> "CaseReader":
    """The cases of a file, checked and without exact copies.

    Args:
        source: Where the cases are; its path is used as it is.

    Returns:
        An iterable of cases with `notes`; each iteration reads the file anew.

    Raises:
        CasesError: The file cannot be opened, or a column is not there.
    """
    return CaseReader(source)


class CaseReader:
    """Reads the cases of one file; see `read_cases`."""

    def __init__(self, source: CaseSource) -> None:
        self._source = source
        self._rows = open_rows(
            source.path,
            encoding=source.encoding,
            delimiter=source.delimiter,
            sheet=source.sheet,
            header_row=source.header_row,
        )
        named = (source.input, source.expected, source.stratum, source.weight, source.id)
        self._columns = list(dict.fromkeys(name for name in named if name is not None))
        self._rows.require(self._columns)
        self._tally = _Tally()

    @property
    def notes(self) -> CaseNotes:
        """What was noticed by the last iteration, so far."""
        return replace(self._tally.notes(), remarks=self._rows.remarks())

    def __iter__(self) -> Iterator[Case]:
        """The cases as a stream.

        Raises:
            CasesError: A row is broken, an id is there twice, a weight is no positive number, a
                cell is a formula without its value, or no row has an input. Rows are checked to
                the end first, so all are counted.
        """
        self._tally = tally = _Tally()
        mistakes = _Mistakes(self._rows)
        ids = Seen()
        for row in self._rows.rows(self._columns):
            tally.rows += 1
            case = self._case(row, ids, mistakes)
            if case is None:
                continue
            if tally.count(case) and not mistakes.count:
                yield case
        mistakes.settle(self._source.id)
        if not tally.cases:
            raise CasesError(
                f"{self._source.path}: none of the {tally.rows:,} rows has an input:"
                f" the column {self._source.input!r} is empty",
                hint="name another column as `input`",
            )

    def _case(self, row: Row, ids: Seen, mistakes: "_Mistakes") -> Case | None:
        source = self._source
        for column, cell in row.values.items():
            if isinstance(cell, NoValue):
                self._without_value(row, column, cell, mistakes)
        text = _filled(row.values[source.input])
        if text is None:
            self._tally.skip(self._rows.where(row.number))
            return None
        ref = None if source.id is None else to_text(row.values[source.id])
        if ref and ids.add(hash(ref)) >= 0:
            mistakes.same_id(row.number, ref)
        weight = 1.0
        if source.weight is not None:
            weight = mistakes.weight(row.number, source.weight, row.values[source.weight])
        stratum = None if source.stratum is None else to_text(row.values[source.stratum])
        return make_case(
            text,
            None if source.expected is None else _filled(row.values[source.expected]),
            source.pools,
            stratum=stratum or "",
            weight=weight,
            ref=ref or f"{self._rows.unit} {row.number}",
            seed=source.seed,
        )

    def _without_value(self, row: Row, column: str, cell: NoValue, mistakes: "_Mistakes") -> None:
        """A formula without its value is a mistake: often a whole column has none."""
        where, reason = self._rows.where(row.number), f"{column!r} holds {cell.reason}"
        if cell.is_formula:
            mistakes.formula(Mistake(where, reason), cell.mend)
        else:
            self._tally.error(f"{where}: {reason}; {cell.mend}")


class _Tally:
    """Counts, and what is known of each input: 20 bytes for each."""

    def __init__(self) -> None:
        self.rows = self.cases = 0
        self._skipped = self._repeated = self._conflicting = self._unlabelled = 0
        self._errors = 0
        self._pools: Counter[Pool] = Counter()
        self._labels: Counter[str] | None = Counter()
        self._examples: list[str] = []
        self._inputs = Seen()
        self._contents = array("I")
        self._expected = array("I")
        self._variants: set[int] = set()

    def skip(self, where: str) -> None:
        self._skipped += 1
        if self._skipped == 1:
            self._examples.append(f"{where}: there is no input")

    def error(self, note: str) -> None:
        self._errors += 1
        if self._errors <= _SHOWN:
            self._examples.append(note)

    def count(self, case: Case) -> bool:
        """Counts a case; False when it came before."""
        content = int(case.id[:8], 16)
        expected = 0 if case.expected is None else crc32(case.expected.encode()) | 1
        place = self._inputs.add(int(case.key[:16], 16))
        if place < 0:
            self._contents.append(content)
            self._expected.append(expected)
        elif self._came_before(place, content, case):
            self._repeated += 1
            return False
        elif expected:
            self._compare(case, place, expected)
        self._count_new(case)
        return True

    def _came_before(self, place: int, content: int, case: Case) -> bool:
        if self._contents[place] == content:
            return True
        # Several cases of one normalised input are rare, so a plain set holds the others.
        whole = int(case.id[:16], 16)
        if whole in self._variants:
            return True
        self._variants.add(whole)
        return False

    def _count_new(self, case: Case) -> None:
        self.cases += 1
        self._pools[case.pool] += 1
        if case.expected is None:
            self._unlabelled += 1
        elif self._labels is not None:
            self._labels[case.expected] += 1
            if len(self._labels) > MAX_LABELS or len(case.expected) > _LONGEST_LABEL:
                self._labels = None

    def _compare(self, case: Case, place: int, expected: int) -> None:
        first = self._expected[place]
        if not first:
            self._expected[place] = expected
        if first in {0, expected}:
            return
        self._conflicting += 1
        if self._conflicting <= _SHOWN:
            known = {crc32(label.encode()) | 1: label for label in self._labels or ()}
            other = repr(known[first]) if first in known else "something else"
            self._examples.append(
                f"{case.ref}: {_short(case.input)} is {_short(case.expected or '')} here"
                f" and {other} before"
            )

    def notes(self) -> CaseNotes:
        return CaseNotes(
            rows=self.rows,
            cases=self.cases,
            skipped_empty=self._skipped,
            errors=self._errors,
            repeated=self._repeated,
            conflicting=self._conflicting,
            unlabelled=self._unlabelled,
            pools=dict(self._pools),
            labels=None if self._labels is None else dict(self._labels),
            examples=tuple(self._examples),
        )


class _Mistakes:
    """Mistakes of single rows: the first ones in words, and how many there are."""

    def __init__(self, rows: RowSource) -> None:
        self._rows = rows
        self._shown: list[Mistake] = []
        self._twice: list[tuple[int, str]] = []
        self._mend = ""
        self.count = 0

    def formula(self, mistake: Mistake, mend: str) -> None:
        self._mend = mend
        self._add(mistake)

    def weight(self, number: int, column: str, cell: object) -> float:
        if isinstance(cell, NoValue) and cell.is_formula:
            return 1.0  # told as such
        text = cell.text if isinstance(cell, NoValue) else to_text(cell)
        try:
            weight = float(text or "")
        except ValueError:
            weight = math.nan
        if math.isfinite(weight) and weight > 0:
            return weight
        self._add(Mistake(self._rows.where(number), f"{column!r} is {text!r}, no positive number"))
        return 1.0

    def same_id(self, number: int, ref: str) -> None:
        self.count += 1
        if len(self._twice) < _SHOWN:
            self._twice.append((number, ref))

    def settle(self, id_column: str | None) -> None:
        """Raises the error of all mistakes, if there are any."""
        if not self.count:
            return
        first = self._first_rows(id_column)
        for number, ref in self._twice:
            reason = f"the id {ref!r} was already at {self._rows.unit} {first[ref]}"
            self._shown.append(Mistake(self._rows.where(number), reason))
        shown = self._shown[: 2 * _SHOWN]
        more = self.count - len(shown)
        lines = [f"  {mistake}" for mistake in shown] + [f"  … and {more:,} more"] * (more > 0)
        head = f"{self.count:,} row{'s' if self.count > 1 else ''} cannot be used:"
        raise CasesError("\n".join([head, *lines]), hint=self._hint(id_column))

    def _add(self, mistake: Mistake) -> None:
        self.count += 1
        if len(self._shown) < _SHOWN:
            self._shown.append(mistake)

    def _hint(self, id_column: str | None) -> str:
        if self._mend:
            return self._mend
        if self._twice:
            return f"make the ids in {id_column!r} unique, or leave `id` out of the cases"
        return "give each case a weight above 0, or leave `weight` out of the cases"

    def _first_rows(self, id_column: str | None) -> dict[str, int]:
        # Only hashes were kept, so the file is read once more to name the first rows.
        wanted = {ref for _, ref in self._twice}
        found: dict[str, int] = {}
        if not wanted or id_column is None:
            return found
        for row in self._rows.rows([id_column]):
            ref = to_text(row.values[id_column])
            if ref in wanted:
                found.setdefault(ref, row.number)
            if len(found) == len(wanted):
                break
        return found


def _filled(cell: object) -> str | None:
    text = to_text(cell)
    if text is None or text in _NOT_A_NUMBER or not text.strip():
        return None
    return text


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
