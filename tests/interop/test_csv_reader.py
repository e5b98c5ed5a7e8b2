from pathlib import Path

import pytest

from rixin.errors import CasesError
from rixin.interop.csv_reader import guess_delimiter
from rixin.interop.readers import open_rows
from rixin.interop.text_lines import MAX_CELL


def save(folder: Path, data: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refusal(path: Path, encoding: str = "utf-8", delimiter: str | None = None) -> CasesError:
    with pytest.raises(CasesError) as caught:
        list(open_rows(path, encoding=encoding, delimiter=delimiter))
    return caught.value


def test_rows_have_the_line_they_start_on(tmp_path: Path) -> None:
    source = open_rows(save(tmp_path, 'text,n\n"two\nlines",1\n\nb,2\r\n'))
    assert [(row.number, dict(row.values)) for row in source] == [
        (2, {"text": "two\nlines", "n": "1"}),
        (5, {"text": "b", "n": "2"}),
    ]
    assert source.where(5).endswith("a.csv, line 5")


def test_only_the_asked_columns_are_given(tmp_path: Path) -> None:
    source = open_rows(save(tmp_path, "a,b,c\n1,2,3\n"))
    assert [dict(row.values) for row in source.rows(["c", "a"])] == [{"c": "3", "a": "1"}]


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    assert open_rows(save(tmp_path, b"\xef\xbb\xbftext,n\na,1\n")).columns == ["text", "n"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["text", "queue"], ['"a, b; c"', "x"], ["d", "y"]]
    path = save(tmp_path, "\n".join(delimiter.join(row) for row in rows))
    assert guess_delimiter(path) == delimiter
    assert open_rows(path).columns == ["text", "queue"]


def test_a_tsv_file_is_cut_at_tabs(tmp_path: Path) -> None:
    source = open_rows(save(tmp_path, "a,b\tc,d\n1\t2\n", "a.tsv"))
    assert source.columns == ["a,b", "c,d"]
    assert source.delimiter == "\t"


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert open_rows(save(tmp_path, "text\nhello\n")).columns == ["text"]


def test_a_delimiter_of_two_characters_is_refused(tmp_path: Path) -> None:
    assert "cannot be a delimiter" in str(refusal(save(tmp_path, "a\n1\n"), delimiter="::"))


def test_ragged_rows_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    error = refusal(save(tmp_path, "a,b\n1,2\n1,2,3\n1,2\n1\n"))
    assert "line 3: the row has 3 cells and the header 2; 1 more" in str(error)
    assert "in quotes" in str(error.hint)


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    assert "no row below" in str(refusal(save(tmp_path, "a,b\n")))


def test_blank_lines_alone_are_refused(tmp_path: Path) -> None:
    assert "only blank lines" in str(refusal(save(tmp_path, "\n\n")))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    message = str(refusal(save(tmp_path, "text,n,text \n1,2,3\n")))
    assert "line 1: columns 1 and 3 are both named 'text'" in message


def test_a_cell_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    big = "x" * 10_000_000
    source = open_rows(save(tmp_path, f"text,n\n{big},1\n"))
    assert next(iter(source)).values["text"] == big


def test_a_cell_above_the_limit_is_refused_with_its_line(tmp_path: Path) -> None:
    message = str(refusal(save(tmp_path, f"text,n\na,1\n{'x' * (MAX_CELL + 1)},1\n")))
    assert "line 3: the row that starts here cannot be read: a cell is longer than" in message


def test_a_line_above_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rixin.interop.text_lines.MAX_LINE", 100)
    message = str(refusal(save(tmp_path, f"text\n{'x' * 300}\n")))
    assert "line 2: the line is longer than" in message


def test_a_quote_that_is_never_closed_names_its_row(tmp_path: Path) -> None:
    message = str(refusal(save(tmp_path, 'text,n\na,1\n"b,2\nc,3\n')))
    assert "line 3" in message
    assert "never closed" in message


def test_a_quote_inside_a_quoted_cell_names_its_row(tmp_path: Path) -> None:
    error = refusal(save(tmp_path, 'text,n\n"a" b,1\n'))
    assert "line 2" in str(error)
    assert '""' in str(error.hint)


def test_a_nul_is_refused_with_its_line(tmp_path: Path) -> None:
    error = refusal(save(tmp_path, "text,n\na,1\nb\0,2\n"))
    assert "line 3: there is a NUL" in str(error)
    assert "damaged" in str(error.hint)


def test_utf16_without_a_mark_is_recognised_by_its_nuls(tmp_path: Path) -> None:
    path = save(tmp_path, "text,n\nabc,1\n".encode("utf-16-le"))
    assert refusal(path).hint == "set `encoding: utf-16-le` in the cases"
    assert open_rows(path, encoding="utf-16-le").columns == ["text", "n"]


def test_utf16_is_named_and_then_read(tmp_path: Path) -> None:
    path = save(tmp_path, "text,n\nabc,1\n".encode("utf-16"))
    error = refusal(path)
    assert "line 1: byte 0xFF at offset 0 is no utf-8 text" in str(error)
    assert "`encoding: utf-16`" in str(error.hint)
    assert len(list(open_rows(path, encoding="utf-16"))) == 1


def test_a_file_said_to_be_utf16_without_a_mark_is_refused(tmp_path: Path) -> None:
    error = refusal(save(tmp_path, "text,n\nabc,1\n"), encoding="utf-16")
    assert "utf-16" in str(error)
    assert "`encoding: utf-8`" in str(error.hint)


def test_a_wrong_byte_is_named_with_its_line_and_encoding(tmp_path: Path) -> None:
    line = b"x" * 57 + b",1\n"
    error = refusal(save(tmp_path, b"text,n\n" + line * 30_000 + "café,2\n".encode("cp1252")))
    assert "line 30002: byte 0xE9 at offset 1800010 is no utf-8 text" in str(error)
    assert "`encoding: cp1252`" in str(error.hint)


def test_an_unknown_encoding_names_the_nearest(tmp_path: Path) -> None:
    error = refusal(save(tmp_path, "a\n1\n"), encoding="uft-8")
    assert error.hint == "did you mean 'utf-8'?"


@pytest.mark.parametrize("sign", [",", ";", "|", "\t", "~"])
@pytest.mark.parametrize("line", ["sep={}", '"sep={}"', "SEP={}"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_first_line_that_only_names_the_delimiter_is_no_header(tmp_path, sign, line, mark):
    head = mark + line.format(sign)
    source = open_rows(save(tmp_path, f'{head}\r\nq{sign}n\r\n"a, b; c"{sign}1\r\n'))
    assert source.columns == ["q", "n"]
    assert source.delimiter == sign
    assert [row.number for row in source] == [3]


def test_places_still_count_the_lines_of_the_file(tmp_path: Path) -> None:
    assert "line 4: the row has 1 cell and" in str(refusal(save(tmp_path, "sep=;\nq;n\na;1\nb\n")))
    assert "line 2: columns 1 and 2" in str(refusal(save(tmp_path, "sep=;\nq;q\na;1\n")))
    assert "line 3: the row that starts" in str(refusal(save(tmp_path, 'sep=;\nq;n\n"a;1\n')))
    assert "only blank lines" in str(refusal(save(tmp_path, "sep=;\n")))
    assert "no row below" in str(refusal(save(tmp_path, "sep=;\nq;n\n")))


@pytest.mark.parametrize("header", ["sep=", "sep=a", "sep=;;", "sep=;x", "sep ;", "sep=;,n"])
def test_what_only_looks_like_it_is_a_header(tmp_path: Path, header: str) -> None:
    quoted = header.replace('"', "")
    row = "x" + ",1" * header.count(",")
    source = open_rows(save(tmp_path, f"{quoted}\n{row}\n"), delimiter=",")
    assert source.columns == quoted.split(",")


def test_a_stated_delimiter_wins_over_the_first_line(tmp_path: Path) -> None:
    assert open_rows(save(tmp_path, "sep=;\nq,n\na;b,1\n"), delimiter=",").columns == ["q", "n"]
