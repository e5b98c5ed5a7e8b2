"""Writes rows as CSV, JSONL, Parquet or XLSX, whole or not at all."""

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from rixin.errors import ExportError, MissingExtra
from rixin.interop.cell_text import to_text

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings that OWASP names for CSV injection; some spreadsheets read the wide signs, too."""
_LONGEST_CELL = 32_767
"""Characters; a spreadsheet holds no more."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FIRST_YEAR = 1900
"""A spreadsheet knows no dates before."""
Rows = Iterable[Mapping[str, object]]


def write_rows(path: Path, columns: Sequence[str], rows: Rows) -> None:
    """Writes a file in the form that its name's ending says.

    Args:
        path: Ends in .csv, .jsonl, .parquet or .xlsx.
        columns: In their order.
        rows: Column → value; what is missing stays empty.

    Raises:
        ExportError: The ending is none of these, or the place cannot be written.
        MissingExtra: The package for this form is not installed.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        _writer(path)(new, columns, rows)
        new.replace(path)
    except OSError as error:
        raise ExportError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)


def check_target(path: Path) -> None:
    """Whether a file can be written there, before anything is done for it; leaves nothing.

    Raises:
        ExportError: The ending is none that is known, or the place cannot be written.
        MissingExtra: The package for this form is not installed.
    """
    trial = path.with_name(f".{path.name}.new")
    try:
        _writer(path)(trial, ["rixin"], ())
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror}", hint="make its folder, or choose another"
        ) from error
    finally:
        with suppress(OSError):
            trial.unlink(missing_ok=True)


def _writer(path: Path) -> Callable[[Path, Sequence[str], Rows], None]:
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise ExportError(
            f"{path.name!r} has no ending that says its form",
            hint=f"end it in {', '.join(_WRITERS)}",
        )
    return writer


def safe_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    Examples:
        >>> safe_cell("=1+1"), safe_cell("-5 %"), safe_cell("-5"), safe_cell(7)
        ("'=1+1", "'-5 %", '-5', 7)
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _csv(path: Path, columns: Sequence[str], rows: Rows) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow([safe_cell(name) for name in columns])
        writer.writerows([safe_cell(_flat(row.get(name))) for name in columns] for row in rows)


def _jsonl(path: Path, columns: Sequence[str], rows: Rows) -> None:
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for row in rows:
            kept = {name: _finite(row.get(name)) for name in columns}
            file.write(json.dumps(kept, ensure_ascii=False, default=to_text) + "\n")


def _xlsx(path: Path, columns: Sequence[str], rows: Rows) -> None:
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise MissingExtra("writing .xlsx", "xlsx") from error
    book = Workbook(write_only=True)
    sheet = book.create_sheet("rixin")
    sheet.append([safe_cell(name) for name in columns])
    for row in rows:
        sheet.append([_plain(safe_cell(row.get(name))) for name in columns])
    book.save(path)


def _parquet(path: Path, columns: Sequence[str], rows: Rows) -> None:
    try:
        from arro3.core import Table
        from arro3.io import write_parquet
    except ImportError as error:
        raise MissingExtra("writing .parquet", "parquet") from error
    cells: dict[str, list[object]] = {name: [] for name in columns}
    for row in rows:
        for name, column in cells.items():
            column.append(row.get(name))
    table: dict[str, Any] = {name: _array(column) for name, column in cells.items()}
    write_parquet(Table.from_pydict(table), str(path))


def _array(values: list[object]) -> object:
    """A column of the kind that its values have; mixed ones are texts."""
    from arro3.core import Array, DataType

    kinds = {type(value) for value in values if value is not None}
    for several, kind in (
        ({bool}, DataType.bool()),
        ({int}, DataType.int64()),
        ({int, float}, DataType.float64()),
    ):
        if kinds in (several, several - {int}):
            with suppress(OverflowError, ValueError):
                return Array(values, type=kind)
    texts = [
        None if value is None else str(_flat(value)).encode("utf-8", "replace").decode()
        for value in values
    ]
    return Array(texts, type=DataType.utf8())


def _flat(value: object) -> object:
    """A cell without a form of its own: lists and fields as JSON, dates as ISO 8601 writes them.

    Examples:
        >>> _flat({"a": [1]}), _flat(date(2026, 3, 1)), _flat(1.5)
        ('{"a":[1]}', '2026-03-01', 1.5)
    """
    return value if value is None or isinstance(value, str | int | float) else to_text(value)


def _finite(value: object) -> object:
    """JSON has no infinity, and nothing for what is no number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    """A cell of a workbook: no control characters, and not more than it holds, which is said."""
    if value is None or isinstance(value, int | float | bool):
        return value
    if isinstance(value, date) and value.year >= _FIRST_YEAR and not getattr(value, "tzinfo", None):
        return value
    text = _CONTROL.sub("", str(_flat(value)).encode("utf-8", "replace").decode())
    if len(text) <= _LONGEST_CELL:
        return text
    end = f"… [cut: {len(text):,} characters]"
    return text[: _LONGEST_CELL - len(end)] + end


_WRITERS: dict[str, Callable[[Path, Sequence[str], Rows], None]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
}
