"""Parquet and XLSX."""

import contextlib
import datetime as dt
import random
import re
import sys
import time
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from arro3.core import Array, DataType, RecordBatch, Table
from arro3.io import write_parquet
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from rixin.errors import CasesError, MissingExtra
from rixin.interop import parquet_reader
from rixin.interop.cell_text import NoValue, to_text
from rixin.interop.parquet_footer import _Reader, read_footer
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


def test_a_small_parquet_that_unpacks_to_much_is_refused_unread(tmp_path: Path) -> None:
    many = Array(["x" * 40_000] * 2_000, DataType.utf8())
    batch = RecordBatch.from_arrays([many], names=["q"])
    path = tmp_path / "a.parquet"
    table = Table.from_batches([batch])
    write_parquet(table, str(path), compression="zstd(3)", dictionary_enabled=False)
    with pytest.raises(CasesError, match=r"unpacks to 80,\d+,\d+ in 2,000 rows.*too much"):
        open_rows(path)
    write_parquet(table.slice(0, 1_000), str(path), compression="gzip(6)")
    assert len(list(open_rows(path))) == 1_000


def test_a_parquet_with_more_rows_than_bytes_could_hold_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(parquet_reader, "_ROWS", -50_000)
    path = save_parquet(tmp_path / "a.parquet", {"q": texts(*["x"] * 9)})
    monkeypatch.setattr(parquet_reader, "_RATIO", 1)
    with pytest.raises(CasesError, match="in 9 rows"):
        open_rows(path)


@given(st.binary(max_size=60))
def test_metadata_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="metadata"):
        read_footer(data)


@pytest.mark.parametrize("kind", [0x17, 0x18], ids=["doubles", "texts"])
def test_a_list_that_says_it_is_longer_than_the_file_is_refused_at_once(kind: int) -> None:
    billions = bytes([0x19, 0xF0 | kind & 15, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F])
    maps = bytes([0x1B, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, (kind & 15) << 4 | kind & 15])
    for data in (billions, maps):
        with pytest.raises(ValueError, match="metadata"):
            read_footer(data)


def test_the_sizes_of_a_parquet_file_are_read(tmp_path: Path) -> None:
    numbers = Array(list(range(-70, 70)), DataType.int64())
    columns = {f"c{n}": numbers for n in range(20)}
    data = save_parquet(tmp_path / "a.parquet", columns).read_bytes()
    footer = read_footer(data[-8 - int.from_bytes(data[-8:-4], "little") : -8])
    assert footer.rows == 140
    assert 20 * 140 < footer.unpacked < 20 * 140 * 10
    assert 20 * footer.largest == footer.unpacked
    # A map, a double, a truth and a byte in fields that no file has today.
    more = bytes([0x1B, 1, 0x88, 1, 97, 1, 98, 0x17, *bytes(8), 0x11, 0x13, 5, 0])
    assert _Reader(more).struct() == {1: None, 2: bytes(8), 3: True, 4: 5}


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
    (row,) = open_rows(path)
    assert row.values == {"text": NoValue("#N/A"), "when": day}
    assert to_text(row.values["text"]) is None
    assert list(open_rows(path).records(["text"])) == [(None,)]


def test_a_formula_without_its_value_is_told_and_one_with_it_is_its_value(tmp_path: Path) -> None:
    whole = save_book(tmp_path / "a.xlsx", [["q", "n"], ["x", "=1+1"], ["=A2", "=2+2"], ["y", 1]])
    path = patched(whole, "sheet1.xml", "<f>2+2</f><v />", "<f>2+2</f><v>4</v>")
    first, second, _ = open_rows(path)
    assert first.values == {"q": "x", "n": NoValue("=1+1")}
    assert second.values == {"q": NoValue("=A2"), "n": 4}
    empty = patched(
        whole, "sheet1.xml", '<c r="A3"><f>A2</f><v />', '<c r="A3" t="str"><f>A2</f><v></v>'
    )
    assert [row.values["q"] for row in open_rows(empty)] == ["x", None, "y"]
    with pytest.raises(CasesError, match="row 2: 'n' holds the formula '=1\\+1'") as error:
        list(open_rows(whole).records(["n"]))
    assert "save it" in str(error.value.hint)
    named = save_book(tmp_path / "c.xlsx", [["q", "=1+1"], ["x", 1]])
    with pytest.raises(CasesError, match="row 1: the name of column 2 is the formula"):
        open_rows(named)


def patched(book: Path, part: str, old: str, new: str) -> Path:
    """The workbook with other text in one of its parts, or with a part more."""
    path = book.with_name("patched.xlsx")
    with ZipFile(book) as source, ZipFile(path, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith(part):
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode(), 1)
            target.writestr(name, data)
        if not any(name.endswith(part) for name in source.namelist()):
            target.writestr(f"xl/{part}", new)
    return path


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("sheet1.xml", "</sheetData>", "<row><c/></row>" * 1_300_000 + "</sheetData>"),
        ("sheet1.xml", "</sheetData>", "</sheetData>" + " " * 20_000_000),
        ("styles.xml", "</cellXfs>", "<xf/>" * 300_000 + "</cellXfs>"),
        ("workbook.xml", "</workbook>", "<a/>" * 300_000 + "</workbook>"),
        ("[Content_Types].xml", "</Types>", '<Default Extension="a"/>' * 50_000 + "</Types>"),
    ],
)
def test_a_small_workbook_that_unpacks_to_much_is_refused_unread(tmp_path: Path, part, old, new):
    path = patched(save_book(tmp_path / "a.xlsx", [["q", "n"], ["a", 1]]), part, old, new)
    begin = time.process_time()
    with pytest.raises(CasesError, match=r"unpacks to .* too much to read") as error:
        open_rows(path)
    assert part in str(error.value)
    assert time.process_time() - begin < 30


def test_shared_texts_that_unpack_to_much_are_refused_unread(tmp_path: Path) -> None:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    entry = f'<Override PartName="/xl/anywhere.xml" ContentType="{kind}"/></Types>'
    book = save_book(tmp_path / "a.xlsx", [["q", "n"], ["a", 1]])
    typed = patched(book, "[Content_Types].xml", "</Types>", entry).replace(tmp_path / "b.xlsx")
    path = patched(typed, "anywhere.xml", "", "<sst>" + "<si/>" * 900_000 + "</sst>")
    with pytest.raises(CasesError, match=r"unpacks to .*its part 'xl/anywhere.xml'"):
        open_rows(path)


def test_a_table_that_repeats_itself_is_read(tmp_path: Path) -> None:
    rows = [["text", "queue"]] + [["the same words in every row of the table", "a"]] * 5_000
    assert len(list(open_rows(save_book(tmp_path / "a.xlsx", rows)))) == 5_000


def test_rows_and_columns_that_no_workbook_has_are_refused(tmp_path: Path) -> None:
    book = save_book(tmp_path / "a.xlsx", [["q", "n"], ["a", 1]])
    for old, new, reason in (
        ('<row r="2"', '<row r="2000000000"', "it has a row 2,000,000,000"),
        ('r="B2"', 'r="XFE2"', "right of column 16,384"),
        ("</row></sheetData>", "<c/>" * 16_384 + "</row></sheetData>", "right of column 16,384"),
        ('r="B2"', 'r="!"', "cannot be read"),
        ('<row r="2"', '<row r="1e999"', "cannot be read"),
    ):
        with pytest.raises(CasesError, match=reason):
            list(open_rows(patched(book, "sheet1.xml", old, new)))


def test_rows_far_apart_cost_nothing_and_a_wrong_size_cuts_nothing_off(tmp_path: Path) -> None:
    book = save_book(tmp_path / "a.xlsx", [["q", "n"], ["a", 1]])
    far = patched(book, "sheet1.xml", '<row r="2"', '<row r="1048576"')
    assert [row.number for row in open_rows(far)] == [1_048_576]
    short = patched(book, "sheet1.xml", 'ref="A1:B2"', 'ref="A1:A1"')
    assert [dict(row.values) for row in open_rows(short)] == [{"q": "a", "n": 1}]


@pytest.mark.parametrize("seed", range(40))
def test_a_workbook_with_a_damaged_part_is_read_or_refused_in_words(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    whole = save_book(tmp_path / "a.xlsx", [["q", "n"], ["a", 1], ["b", dt.date(2026, 3, 1)]])
    with ZipFile(whole) as book, ZipFile(tmp_path / "b.xlsx", "w") as damaged:
        names = book.namelist()
        broken, gone = chance.choice(names), chance.choice([*names, *["none"] * 100])
        for name in set(names) - {gone}:
            data = bytearray(book.read(name))
            if name == broken:
                words = list(re.finditer(rb'[0-9]+|"[^"]*"|<[^>]*>', data))
                at = chance.choice(words)
                data[at.start() : at.end()] = chance.choice(
                    [b"", b"-1", b"1e999", b'"x"', at[0] * 2]
                )
            damaged.writestr(name, data)
    with contextlib.suppress(CasesError):
        list(open_rows(tmp_path / "b.xlsx"))


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("[Content_Types].xml", "<Types", "<?xml version='1.0' encoding='UTF-x'?><Types"),
        ("[Content_Types].xml", "sheet.main+xml", "sheet.other+xml"),
        ("sheet1.xml", 't="n"', 't="s"'),
        ("workbook.xml", "r:id", "r:no"),
        ("styles.xml", "<fonts", "<fonts count='x'"),
    ],
)
def test_parts_that_do_not_say_what_they_should_are_told(tmp_path: Path, part, old, new):
    book = save_book(tmp_path / "a.xlsx", [["q", "n"], ["a", 1]])
    with pytest.raises(CasesError, match=r"cannot be read|no sheet"):
        list(open_rows(patched(book, part, old, new)))


def test_parts_that_overlap_are_refused(tmp_path: Path) -> None:
    path = save_book(tmp_path / "a.xlsx", [["q", "n"], ["a", 1]])
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 20  # the packed size in the first entry of the directory
    data[at : at + 4] = (10**8).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(CasesError, match="cannot be read: its parts overlap"):
        open_rows(path)


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
