"""Parquet and XLSX."""

import datetime as dt
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from arro3.core import Array, DataType, RecordBatch, Table
from arro3.io import write_parquet
from openpyxl import Workbook

from rixin.errors import CasesError, MissingExtra
from rixin.interop.readers import open_rows


def save_parquet(path: Path, columns: dict[str, Array], names: list[str] | None = None) -> Path:
    batch = RecordBatch.from_arrays(list(columns.values()), names=names or list(columns))
    write_parquet(Table.from_batches([batch]), str(path))
    return path


def texts(*values: str | None) -> Array:
    return Array(list(values), DataType.utf8())


def save_book(path: Path, *sheets: list[list[Any]], hidden: bool = False) -> Path:
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"S{number}")
        if hidden and number == 1:
            sheet.sheet_state = "hidden"
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_parquet_rows_run_over_batches(tmp_path: Path) -> None:
    numbers = Array(list(range(3000)), DataType.int64())
    path = save_parquet(tmp_path / "a.parquet", {"text": texts(*["a"] * 3000), "n": numbers})
    rows = list(open_rows(path).rows(["n"]))
    assert [(row.number, row.values["n"]) for row in rows] == [(i + 1, i) for i in range(3000)]


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="no row below"):
        list(open_rows(save_parquet(tmp_path / "a.parquet", {"text": texts()})))


def test_parquet_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    columns = {"a": texts("x"), "b": texts("y")}
    path = save_parquet(tmp_path / "a.parquet", columns, ["a", "a"])
    with pytest.raises(CasesError, match="both named 'a'"):
        open_rows(path)


def test_what_is_no_whole_parquet_is_refused(tmp_path: Path) -> None:
    path = save_parquet(tmp_path / "a.parquet", {"text": texts("x")})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CasesError, match="first or last bytes"):
        open_rows(path)


def test_a_parquet_with_a_broken_footer_is_refused(tmp_path: Path) -> None:
    path = save_parquet(tmp_path / "a.parquet", {"text": texts("x")})
    data = path.read_bytes()
    path.write_bytes(data[:-40] + b"\xff" * 30 + data[-10:])
    with pytest.raises(CasesError, match="cannot be read"):
        open_rows(path)


def test_a_parquet_with_broken_pages_is_refused(tmp_path: Path) -> None:
    path = save_parquet(tmp_path / "a.parquet", {"text": texts("x")})
    data = path.read_bytes()
    path.write_bytes(data[:4] + bytes(20) + data[24:])
    with pytest.raises(CasesError, match="cannot be read"):
        list(open_rows(path))


@pytest.mark.parametrize("package", ["arro3.io", "openpyxl"])
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    path = save_parquet(tmp_path / "a.parquet", {"text": texts("x")})
    if package == "openpyxl":
        path = save_book(tmp_path / "a.xlsx", [["a"], [1]])
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra) as caught:
        open_rows(path)
    assert f"rixin[{path.suffix[1:]}]" in str(caught.value.hint)


def test_xlsx_rows_start_below_the_first_filled_row(tmp_path: Path) -> None:
    rows = [[], ["text", "n", None], ["a", 1], [], ["b", None], [None, 2.5]]
    source = open_rows(save_book(tmp_path / "a.xlsx", rows))
    assert source.columns == ["text", "n"]
    assert [(row.number, dict(row.values)) for row in source] == [
        (3, {"text": "a", "n": 1}),
        (5, {"text": "b", "n": None}),
        (6, {"text": None, "n": 2.5}),
    ]
    assert source.where(3).endswith("a.xlsx, sheet 'S1', row 3")


def test_xlsx_dates_and_errors_are_cells(tmp_path: Path) -> None:
    day = dt.datetime.fromisoformat("2026-03-01T09:30:00")
    path = save_book(tmp_path / "a.xlsx", [["text", "when"], ["#N/A", day]])
    assert [dict(row.values) for row in open_rows(path)] == [{"text": None, "when": day}]


def test_the_first_shown_sheet_is_taken_unless_one_is_named(tmp_path: Path) -> None:
    path = save_book(tmp_path / "a.xlsx", [["a"], [1]], [["b"], [2]], hidden=True)
    assert open_rows(path).columns == ["b"]
    assert open_rows(path, sheet="S1").columns == ["a"]


def test_a_sheet_that_is_not_there_names_the_others(tmp_path: Path) -> None:
    path = save_book(tmp_path / "a.xlsx", [["a"], [1]])
    with pytest.raises(CasesError, match="no sheet 'S3'") as caught:
        open_rows(path, sheet="S3")
    assert caught.value.hint == "known: S1"


def test_an_empty_sheet_and_a_header_alone_are_refused(tmp_path: Path) -> None:
    path = save_book(tmp_path / "a.xlsx", [[]], [["a"]])
    with pytest.raises(CasesError, match="'S1' is empty"):
        open_rows(path)
    with pytest.raises(CasesError, match="no row below"):
        list(open_rows(path, sheet="S2"))


def test_a_cell_without_a_column_is_refused(tmp_path: Path) -> None:
    path = save_book(tmp_path / "a.xlsx", [["a"], [1], [2, "note"]])
    with pytest.raises(CasesError, match="row 3: a cell right of"):
        list(open_rows(path))


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(CasesError, match="workbook cannot be read"):
        open_rows(path)


def test_a_workbook_with_a_broken_sheet_is_refused(tmp_path: Path) -> None:
    whole = save_book(tmp_path / "a.xlsx", [["a"], [1], [2]])
    with ZipFile(whole) as book, ZipFile(tmp_path / "b.xlsx", "w") as broken:
        for name in book.namelist():
            data = book.read(name)
            broken.writestr(name, data[:-30] if name.endswith("sheet1.xml") else data)
    with pytest.raises(CasesError, match="workbook cannot be read"):
        list(open_rows(tmp_path / "b.xlsx"))
