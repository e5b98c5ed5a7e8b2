"""Writes rows as CSV, JSONL, Parquet or XLSX, whole or not at all."""

import csv
import errno
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, TextIO

from rixin.errors import ExportError, MissingExtra
from rixin.interop.cell_text import NoValue, to_text
from rixin.interop.csv_reader import TAB_SUFFIXES
from rixin.interop.formulas import begins_formula
from rixin.interop.row_source import CsvForm, RowSource

_LONGEST_CELL = 32_767
"""Characters; a spreadsheet holds no more."""
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
"""Of a sheet, the header among them."""
_UNXML = re.compile("[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XML cannot hold, and what looks like the way in which a workbook writes it (`_x000D_`)."""
_BREAKS = "\r\n"
_LARGEST = 10**15
"""A spreadsheet keeps fifteen digits of a number, and makes noughts of the others."""
_FIRST_YEAR = 1900
"""A spreadsheet knows no dates before."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
Rows = Iterable[Mapping[str, object]]
Writer = Callable[[Path, Sequence[str], Rows, RowSource | None], None]


def write_rows(
    path: Path, columns: Sequence[str], rows: Rows, source: RowSource | None = None
) -> None:
    """Writes a file in the form that its name's ending says.

    Args:
        path: Ends in .csv, .tsv, .jsonl, .parquet or .xlsx.
        columns: In their order.
        rows: Column → value; what is missing stays empty.
        source: Where the rows are from, one for each of its own, in order. From CSV to CSV the
            form stays, from Parquet to Parquet the types.

    Raises:
        ExportError: The ending is none of these, or the place cannot be written.
        MissingExtra: The package for this form is not installed.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        _writer(path)(new, columns, rows, source)
        if path.exists():
            new.chmod(path.stat().st_mode & 0o777)
        new.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def check_target(path: Path, source: RowSource | None = None) -> None:
    """Whether a file can be written there, before anything is done for it; leaves nothing.

    Args:
        path: The file.
        source: Where its rows will be from.

    Raises:
        ExportError: The ending is none that is known, the place cannot be written, or the rows
            are more than a workbook holds.
        MissingExtra: The package for this form is not installed.
    """
    trial = path.with_name(f".{path.name}.new")
    try:
        _writer(path)(trial, ["rixin"], (), None)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)
    if source is not None and path.suffix.lower() == ".xlsx":
        _check_size(source.columns, sum(1 for _ in source.rows(source.columns[:1])))


def _check_size(columns: Sequence[str], rows: int) -> None:
    if rows >= _MOST_ROWS or len(columns) > _MOST_COLUMNS:
        raise ExportError(
            f"{rows:,} rows of {len(columns):,} columns do not fit into a workbook, which holds"
            f" {_MOST_ROWS - 1:,} below its header, and {_MOST_COLUMNS:,} columns",
            hint="end the name of the output in .csv, .jsonl or .parquet",
        )


def _unwritten(path: Path, error: OSError) -> ExportError:
    hint = "make its folder, or choose another"
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        hint = "make room there and run the same command again, or choose another place"
    return ExportError(f"{path} cannot be written: {error.strerror or error}", hint=hint)


def _writer(path: Path) -> Writer:
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ExportError(
            f"{path.name!r} has no ending that says its form",
            hint="end it in .csv, .tsv, .jsonl, .parquet or .xlsx",
        )
    return writer


def safe_cell(value: object) -> object:
    """A cell of a text file that no spreadsheet takes for a formula.

    Examples:
        >>> safe_cell("=1+1"), safe_cell("-5 %"), safe_cell("- please"), safe_cell(7)
        ("'=1+1", '-5 %', '- please', 7)
    """
    return f"'{value}" if isinstance(value, str) and begins_formula(value) else value


def _csv(path: Path, columns: Sequence[str], rows: Rows, source: RowSource | None) -> None:
    form = _form(path, source)
    titles = _titles(columns, source)
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        file.write("\ufeff" * form.mark)
        if form.names_delimiter:
            file.write(f"sep={form.delimiter}{form.line_end}")
        writer = csv.writer(
            _Lines(file, form.line_end),
            delimiter=form.delimiter,
            lineterminator=_BREAKS,  # of which none may stand in a cell without quotes
            quoting=csv.QUOTE_ALL if form.quoted else csv.QUOTE_MINIMAL,
        )
        writer.writerow([safe_cell(title) for title in titles])
        writer.writerows([safe_cell(_flat(row.get(name))) for name in columns] for row in rows)


class _Lines:
    """Writes the lines of a table, each with the end that its source has."""

    def __init__(self, file: TextIO, end: str) -> None:
        self._file, self._end = file, end

    def write(self, line: str) -> int:
        """One line; the module has put `_BREAKS` at its end."""
        return self._file.write(line.removesuffix(_BREAKS) + self._end)


def _form(path: Path, source: RowSource | None) -> CsvForm:
    """How the source is written; tabs or commas where the ending says another thing."""
    form = None if source is None else source.form
    kept = form or CsvForm()
    tabs = path.name.removesuffix(".new").endswith(tuple(TAB_SUFFIXES))
    if tabs or (source is not None and source.path.suffix.lower() in TAB_SUFFIXES):
        kept = kept._replace(delimiter="\t" if tabs else ",", names_delimiter=False)
    return kept


def _titles(columns: Sequence[str], source: RowSource | None) -> list[str]:
    """The header: the names as the source has them, which may be empty."""
    if source is None or not source.titles:
        return list(columns)
    titles = dict(zip(source.columns, source.titles, strict=True))
    return [titles.get(name, name) for name in columns]


def _jsonl(path: Path, columns: Sequence[str], rows: Rows, _: RowSource | None) -> None:
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for row in rows:
            kept = {name: _json(row[name]) for name in columns if name in row}
            file.write(json.dumps(kept, ensure_ascii=False, default=to_text) + "\n")


def _xlsx(path: Path, columns: Sequence[str], rows: Rows, source: RowSource | None) -> None:
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise MissingExtra("writing .xlsx", "xlsx") from error
    book = Workbook(write_only=True)
    sheet = book.create_sheet("rixin")
    try:
        sheet.append([_typed(sheet, title) for title in _titles(columns, source)])
        for number, row in enumerate(rows, 1):
            if number >= _MOST_ROWS:
                _check_size(columns, number)
            sheet.append([_typed(sheet, _plain(row.get(name))) for name in columns])
        book.save(path)
    except BaseException:
        with suppress(Exception):  # else the package complains when the sheet is thrown away
            sheet.close()
        raise


def _typed(sheet: Any, value: object) -> object:
    """A text as a text cell, whatever it begins with: the package would take it for a formula."""
    from openpyxl.cell import WriteOnlyCell

    error = isinstance(value, NoValue)
    text = value.text if isinstance(value, NoValue) else value
    if not isinstance(text, str) or not text.startswith(("=", "#", *"+-@")):
        return text
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "e" if error and not text.startswith("=") else "s"
    cell.quotePrefix = cell.data_type == "s" and begins_formula(text)  # stays so when it is edited
    return cell


def _parquet(path: Path, columns: Sequence[str], rows: Rows, source: RowSource | None) -> None:
    try:
        from arro3.core import Table
        from arro3.io import write_parquet
    except ImportError as error:
        raise MissingExtra("writing .parquet", "parquet") from error
    kept = {} if source is None else source.arrow(columns)
    cells: dict[str, list[object]] = {name: [] for name in columns if name not in kept}
    for row in rows:
        for name, column in cells.items():
            column.append(row.get(name))
    table: dict[str, Any] = {name: kept.get(name) or _array(cells[name]) for name in columns}
    # Into memory first: where a disk is full, the package panics and prints on stderr.
    data = BytesIO()
    write_parquet(Table.from_pydict(table), data)
    path.write_bytes(data.getbuffer())


def _array(values: list[object]) -> object:
    """A column of the kind that its values have; mixed ones are texts."""
    from arro3.core import Array, DataType

    values = [None if isinstance(value, NoValue) else value for value in values]
    kinds = {_kind(value) for value in values if value is not None}
    for several, kind in (
        ({bool}, DataType.bool()),
        ({int}, DataType.int64()),
        ({int, float}, DataType.float64()),
    ):
        if kinds in (several, several - {int}):
            with suppress(OverflowError, ValueError):
                return Array(values, type=kind)
    if kinds in ({date}, {datetime}, {UTC}):
        return _moments(values, kinds.pop())
    texts = [
        None if value is None else str(_flat(value)).encode("utf-8", "replace").decode()
        for value in values
    ]
    return Array(texts, type=DataType.utf8())


def _kind(value: object) -> object:
    """The class of a cell; `UTC` for a moment with a time zone."""
    return UTC if isinstance(value, datetime) and value.tzinfo is not None else type(value)


def _moments(values: list[Any], kind: object) -> object:
    """Dates, or moments to the microsecond: the package makes them of numbers only."""
    from arro3.core import Array, DataType

    if kind is date:
        days = [None if value is None else (value - _EPOCH.date()).days for value in values]
        return Array(days, type=DataType.int32()).cast(DataType.date32())
    zone = "UTC" if kind is UTC else None
    epoch = _EPOCH.replace(tzinfo=UTC) if zone else _EPOCH
    step = timedelta(microseconds=1)
    steps = [None if value is None else (value - epoch) // step for value in values]
    return Array(steps, type=DataType.int64()).cast(DataType.timestamp("us", tz=zone))


def _flat(value: object) -> object:
    """A cell without a form of its own: lists and fields as JSON, dates as ISO 8601 writes them.

    Examples:
        >>> _flat({"a": [1]}), _flat(date(2026, 3, 1)), _flat(1.5), _flat(True)
        ('{"a":[1]}', '2026-03-01', 1.5, 'true')
    """
    if isinstance(value, NoValue):
        return value.text
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if value is None or isinstance(value, str) or type(value) is int:
        return value
    return to_text(value)


def _json(value: object) -> object:
    """JSON has no infinity, and nothing for what is no number."""
    if isinstance(value, NoValue):
        return value.text
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    """A cell of a workbook: control characters escaped, not more than it holds, which is said."""
    if (
        type(value) is int
        and abs(value) >= _LARGEST
        and int(Decimal(f"{Decimal(value):.15g}")) != value
    ):
        return str(value)
    if value is None or isinstance(value, int | float | bool | NoValue | timedelta):
        return value
    if isinstance(value, datetime) and value.year >= _FIRST_YEAR and value.tzinfo is None:
        # A spreadsheet has no plain dates: a day is a moment at midnight.
        return value.date() if value.time() == time() else value
    if type(value) is date and value.year >= _FIRST_YEAR:
        return value
    if isinstance(value, time) and value.tzinfo is None:
        return value
    text = str(_flat(value)).encode("utf-8", "replace").decode()
    if len(text) > _LONGEST_CELL:
        end = f"… [cut: {len(text):,} characters]"
        text = text[: _LONGEST_CELL - len(end)] + end
    return _UNXML.sub(lambda char: f"_x{ord(char[0]):04X}_", text)


_WRITERS: dict[str, Writer] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".tab": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
}
