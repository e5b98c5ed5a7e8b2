"""What is written: the user's own cells as they came, and nothing that a spreadsheet computes."""

import csv
import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from arro3.core import Table
from arro3.io import read_parquet
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from rixin.errors import ExportError
from rixin.interop import writers
from rixin.interop.formulas import begins_formula
from rixin.interop.readers import open_rows
from rixin.interop.writers import check_target, safe_cell, write_rows

OWN = (
    *("-3,20", "-1,234.56", "-1.234,56 €", "+1 234,50", "-1'234.50", "- 5 %", "-5 %", "-5%", "+0"),
    *("-$5.00", "- EUR 5", "-5 EUR", "-5kg", "-.5", "-1e-5", "-١٢٫٥", "-12,5 ‰", "−5", "-3:20"[:2]),
    *("+49 30 901820", "+49 (30) 901820", "+49-30-901820", "+1 (212) 555-0100", "+8613800138000"),
    *(
        "- please refund",
        "- please call (urgent)",
        "-please",
        "@anna wrote",
        "@anna",
        "@",
        "-",
        "--",
    ),
    *(
        "- 请退款",
        "@小王 你好",
        "- مرحبا",
        "+1 for this",
        "-5 degrees outside",
        "-> see above",
        "---",
    ),
    *(
        "\tindented",
        "\r\nbelow",
        "'=1+1",
        "a=1",
        "=",
        "==",
        "",
        " ",
        '- said "no"',
        "- Smith & Sons",
    ),
)
COMPUTED = (
    *(
        "=1+1",
        "=A1",
        "=cmd|'/C calc'!A0",
        "@SUM(1,2)",
        "@SUM(A1:A9)*cmd|' /C calc'!A0",
        "-2+3",
        "+1*2",
    ),
    *("+cmd|' /C calc'!A0", "-A1", "+A1+B2", "@A1", "-$A$1", "- A1", "-(2+3)", '=HYPERLINK("x")'),
    *(
        '+HYPERLINK("http://x.example","y")',
        "-Sheet1!A1",
        "-'My sheet'!A1",
        "\t=1+1",
        "\r=1",
        "＝1+1",
    ),
    *(
        "＋SUM(1)",
        "＠SUM(1)",
        "--2+3",
        "+-2+3",
        "+=1",
        "-1/2",
        "-10%*5",
        "-SUM (1)",
        "+R1C1",
        "-EUR5",
    ),
    *("=1+1\nand more", '- a WEBSERVICE("http://x.example")', '=IMPORTXML("x")', "-1,5*3"),
)


@pytest.mark.parametrize("text", OWN)
def test_what_is_no_formula_comes_out_as_it_went_in(text):
    assert safe_cell(text) == text


@pytest.mark.parametrize("text", COMPUTED)
def test_what_a_spreadsheet_would_compute_gets_an_apostrophe_once(text):
    assert safe_cell(text) == f"'{text}"
    assert safe_cell(safe_cell(text)) == f"'{text}"


@given(st.text())
def test_only_the_usual_beginnings_are_formulas(text):
    if begins_formula(text):
        assert text.lstrip("\t\r\n")[0] in "=+-@＝＋－＠"


@given(st.sampled_from("=＝"), st.from_regex(r"[A-Za-z0-9(]"), st.text())
def test_whatever_follows_an_equals_sign_is_a_formula(sign, first, rest):
    assert begins_formula(sign + first + rest)


@given(
    st.sampled_from("+-@＋－＠"), st.sampled_from(["A1", "SUM(1)", "cmd|'x'!A0", "1+1"]), st.text()
)
def test_calls_cells_and_sums_are_formulas_whatever_follows(sign, start, rest):
    assert begins_formula(f"{sign}{start}") or start == "1+1"
    assert begins_formula(f"{sign}{start} {rest}")


def again(
    folder: Path, data: bytes, name: str = "in.csv", to: str = "out.csv", **how: str
) -> bytes:
    """A file, read and written with one more column."""
    (folder / name).write_bytes(data)
    source = open_rows(folder / name, **how)  # type: ignore[arg-type]
    rows = ({**row.values, "new": "x"} for row in source.rows())
    write_rows(folder / to, [*source.find_columns(), "new"], rows, source)
    return (folder / to).read_bytes()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("sep", [False, True])
def test_from_csv_to_csv_the_form_stays(tmp_path, end, mark, delimiter, sep):
    rows = [["q", "Betrag"], ["ein Zebra", "Müller"], ["noch eins", "-3.20"]]
    lines = [delimiter.join(row) for row in rows]
    first = [f"sep={delimiter}"] * sep
    data = (mark + end.join([*first, *lines, ""])).encode()
    more = ["new", "x", "x"]
    written = [delimiter.join([*row, new]) for row, new in zip(rows, more, strict=True)]
    assert again(tmp_path, data).decode() == mark + end.join([*first, *written, ""])


def test_quotes_around_all_cells_stay(tmp_path):
    data = b'"q","n"\n"a ""b""","1"\n'
    assert again(tmp_path, data) == b'"q","n","new"\n"a ""b""","1","x"\n'
    assert again(tmp_path, b'"q","n"\na,1\n') == b"q,n,new\na,1,x\n"


def test_names_of_columns_stay_as_they_are(tmp_path):
    assert again(tmp_path, b"q ,,-2+3,- n\n1,2,3,4\n") == b"q ,,'-2+3,- n,new\n1,2,3,4,x\n"
    assert again(tmp_path, again(tmp_path, b"q,=1\n1,2\n")).startswith(b"q,'=1,new")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "gb18030"])
def test_another_encoding_comes_back_as_utf8_with_a_mark(tmp_path, encoding):
    data = "q;ü\na;1\n".encode(encoding)
    assert again(tmp_path, data, encoding=encoding).decode() == "\ufeffq;ü;new\na;1;x\n"


def test_another_ending_is_another_form(tmp_path):
    assert again(tmp_path, b"q;n\na;1\n", to="out.tsv") == b"q\tn\tnew\na\t1\tx\n"
    assert again(tmp_path, b"q\tn\na\t1\n", name="in.tsv") == b"q,n,new\na,1,x\n"
    assert again(tmp_path, b"q\tn\na\t1\n", name="in.tsv", to="o.tab") == b"q\tn\tnew\na\t1\tx\n"
    assert again(tmp_path, b'{"q": "a"}\n', name="in.jsonl") == b"q,new\r\na,x\r\n"


def test_keys_that_come_late_are_kept_in_every_form(tmp_path):
    lines = [{"q": "a"}] * 1_200 + [{"q": "b", "late": "n"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for form in ("csv", "jsonl", "xlsx", "parquet", "ndjson", "tsv"):
        source = open_rows(tmp_path / "in.jsonl")
        write_rows(
            tmp_path / f"o.{form}", source.find_columns(), (r.values for r in source), source
        )
        *_, last = open_rows(tmp_path / f"o.{form}").rows(["q", "late"])
        assert dict(last.values) == {"q": "b", "late": "n"}
    assert (tmp_path / "o.jsonl").read_bytes() == (tmp_path / "in.jsonl").read_bytes()


def test_texts_of_a_workbook_are_text_cells_without_an_apostrophe(tmp_path):
    texts = [*OWN, *COMPUTED, "#N/A", "#REF!"]
    plain = [text for text in texts if text.strip() and "\t" not in text and "\r" not in text]
    write_rows(tmp_path / "o.xlsx", ["=name", "-n"], ({"=name": text, "-n": 1} for text in plain))
    sheet = ZipFile(tmp_path / "o.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 't="e"' not in sheet
    cells = list(load_workbook(tmp_path / "o.xlsx").active.iter_rows(values_only=False))
    assert [cell.value for cell in cells[0]] == ["=name", "-n"]
    assert [row[0].value for row in cells[1:]] == plain
    assert {row[0].data_type for row in cells[1:]} == {"s"}
    formula = next(row[0] for row in cells[1:] if row[0].value == "=1+1")
    assert formula.quotePrefix  # stays a text when it is edited


def test_what_xml_cannot_hold_comes_back_from_a_workbook(tmp_path):
    texts = ["two\r\nlines", "bell \x07", "\x0b", "_x000D_", "a_x0041_b", "_x005F_x000D_", "_x_"]
    write_rows(tmp_path / "o.xlsx", ["q"], ({"q": text} for text in texts))
    assert [row.values["q"] for row in open_rows(tmp_path / "o.xlsx")] == texts


def test_cells_of_a_workbook_keep_their_kind(tmp_path):
    day, at = dt.datetime.fromisoformat("2026-03-01"), dt.datetime.fromisoformat("2026-03-01T09:30")
    row = {
        "day": day,
        "at": at,
        "time": dt.time(9, 30),
        "n": 7,
        "x": 0.5,
        "yes": True,
        "code": "007",
    }
    write_rows(tmp_path / "o.xlsx", list(row), [row])
    cells = load_workbook(tmp_path / "o.xlsx").active[2]
    assert [cell.value for cell in cells] == [day, at, dt.time(9, 30), 7, 0.5, True, "007"]
    assert cells[0].number_format == "yyyy-mm-dd"


def bare_formulas(path: Path) -> Path:
    book = Workbook()
    for row in (["q", "total"], ["a", "=1+1"], ['="b"', "#N/A"], ["c", 3]):
        book.active.append(row)
    book.save(path)
    return path


def test_formulas_without_values_and_errors_are_written_as_what_they_say(tmp_path):
    source = open_rows(bare_formulas(tmp_path / "in.xlsx"))
    for form, total in (("csv", ["'=1+1", "#N/A", "3"]), ("jsonl", ["=1+1", "#N/A", 3])):
        write_rows(tmp_path / f"o.{form}", source.columns, (row.values for row in source), source)
        rows = list(open_rows(tmp_path / f"o.{form}").rows(["total"]))
        assert [row.values["total"] for row in rows] == total
    write_rows(tmp_path / "o.xlsx", source.columns, (row.values for row in source), source)
    cells = load_workbook(tmp_path / "o.xlsx").active["B"]
    assert [(cell.value, cell.data_type) for cell in cells[1:]] == [
        ("=1+1", "s"),
        ("#N/A", "e"),
        (3, "n"),
    ]
    write_rows(tmp_path / "o.parquet", source.columns, (row.values for row in source), source)
    assert [row.values["total"] for row in open_rows(tmp_path / "o.parquet")] == [None, None, 3]


def typed_parquet(path: Path) -> Table:
    """Dates, moments, small whole numbers, a list, a dictionary."""
    import numpy as np
    from arro3.core import Array, DataType
    from arro3.io import write_parquet

    days = np.array(["2026-01-31", "2026-02-01"], dtype="datetime64[D]").astype("int32")
    table = Table.from_pydict(
        {
            "q": Array(["a", "b"], type=DataType.utf8()),
            "day": Array(days.tolist(), type=DataType.int32()).cast(DataType.date32()),
            "at": Array([1, None], type=DataType.int64()).cast(DataType.timestamp("ms", tz="UTC")),
            "small": Array([1, 2], type=DataType.int8()),
            "money": Array([1.5, None], type=DataType.float64()).cast(DataType.decimal128(9, 2)),
        }
    )
    write_parquet(table, str(path))
    return table


def test_the_types_of_parquet_stay(tmp_path):
    before = typed_parquet(tmp_path / "in.parquet")
    source = open_rows(tmp_path / "in.parquet")
    rows = ({**row.values, "new": "x"} for row in source)
    write_rows(tmp_path / "o.parquet", ["q", "day", "at", "small", "money", "new"], rows, source)
    after = read_parquet(str(tmp_path / "o.parquet")).read_all()
    assert after.column_names == [*before.column_names, "new"]
    for name in before.column_names:
        assert after.schema.field(name).type == before.schema.field(name).type
        assert after.column(name).to_pylist() == before.column(name).to_pylist()


def test_dates_of_other_files_are_dates_in_parquet(tmp_path):
    at = dt.datetime(2026, 3, 1, 9, 30, 0, 5)  # noqa: DTZ001
    row: dict[str, Any] = {"day": dt.date(1969, 3, 1), "at": at, "utc": at.replace(tzinfo=dt.UTC)}
    write_rows(tmp_path / "o.parquet", [*row, "mixed"], [{**row, "mixed": at}, {"mixed": "soon"}])
    first, second = (dict(found.values) for found in open_rows(tmp_path / "o.parquet"))
    assert first == {**row, "mixed": at.isoformat()}
    assert second == {"day": None, "at": None, "utc": None, "mixed": "soon"}


def test_more_rows_than_a_workbook_holds_are_refused_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "_MOST_ROWS", 3)
    (tmp_path / "in.csv").write_text("q\na\nb\nc\n")
    source = open_rows(tmp_path / "in.csv")
    with pytest.raises(
        ExportError, match="3 rows of 1 columns do not fit into a workbook"
    ) as error:
        check_target(tmp_path / "o.xlsx", source)
    assert ".csv, .jsonl or .parquet" in str(error.value.hint)
    check_target(tmp_path / "o.csv", source)
    with pytest.raises(ExportError, match="do not fit"):
        write_rows(tmp_path / "o.xlsx", ["q"], ({"q": text} for text in "abc"))
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "parquet"])
def test_a_full_disk_is_an_error_with_its_mend_and_leaves_nothing(tmp_path, form):
    script = """
import resource, sys
from pathlib import Path
from rixin.errors import ExportError
from rixin.interop.writers import write_rows
whole = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, whole[1]))
try:
    write_rows(Path(sys.argv[1]), ["q"], ({"q": f"a case {n * 7919}"} for n in range(9_000)))
except ExportError as error:
    sys.exit(f"{error} | {error.hint}")
finally:  # whoever measures coverage has a file to write
    resource.setrlimit(resource.RLIMIT_FSIZE, whole)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / f"o.{form}")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "make room there" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_target_that_others_may_not_read_stays_so(tmp_path):
    (tmp_path / "o.csv").touch(mode=0o600)
    write_rows(tmp_path / "o.csv", ["q"], [{"q": "a"}])
    assert (tmp_path / "o.csv").stat().st_mode & 0o777 == 0o600
    assert list(csv.reader((tmp_path / "o.csv").read_text().splitlines())) == [["q"], ["a"]]


@given(st.text(alphabet='a,;"\r\n', max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_line_end_of_any_kind_in_a_cell_stays_in_its_cell(tmp_path_factory, text, end):
    folder = tmp_path_factory.mktemp("ends")
    given_ = folder / "in.csv"
    given_.write_bytes(f"q,n{end}x,1{end}".encode())
    source = open_rows(given_)
    write_rows(folder / "out.csv", ["q", "n", "a"], [{"q": "x", "n": "1", "a": text}], source)
    raw = (folder / "out.csv").read_bytes().decode()
    assert raw.startswith(f"q,n,a{end}")
    assert raw.endswith(end)
    (row,) = open_rows(folder / "out.csv").rows()
    assert row[1] == {"q": "x", "n": "1", "a": text}


def test_what_json_calls_true_is_no_word_of_python_in_a_table(tmp_path):
    given_ = tmp_path / "in.jsonl"
    given_.write_text('{"paid": true, "sum": NaN, "n": 1.5}\n{"paid": false, "sum": 2, "n": 1}\n')
    source = open_rows(given_)
    write_rows(tmp_path / "out.csv", source.columns, [row[1] for row in source.rows()], source)
    assert (tmp_path / "out.csv").read_text() == "paid,sum,n\ntrue,,1.5\nfalse,2,1\n"


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (12345678901234567, "12345678901234567"),
        (-(10**15) - 1, "-1000000000000001"),
        (10**400 + 1, str(10**400 + 1)),
        (999999999999999, 999999999999999),
        (10**18, 10**18),
        (True, True),
    ],
)
def test_a_workbook_keeps_all_digits_of_an_order_number(tmp_path, number, kept):
    write_rows(tmp_path / "out.xlsx", ["order"], [{"order": number}])
    assert load_workbook(tmp_path / "out.xlsx").active["A2"].value == kept
