import csv
from pathlib import Path

import pytest
from openpyxl import Workbook

from rixin.errors import CasesError
from rixin.interop.guess import Guess, guess_columns
from rixin.interop.guess_names import role_of
from rixin.interop.readers import open_rows

TASKS = Path(__file__).parents[3] / "shared" / "data" / "tasks"
TEXT = "Where is the parcel that I ordered last week, number {}?"


def write(path: Path, rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def table(header: list[str], count: int = 60) -> list[list[str]]:
    rows = [[str(i), TEXT.format(i * 7), ("late", "lost", "other")[i % 3]] for i in range(count)]
    return [header, *rows]


def columns(guess: Guess) -> tuple[str, str | None, str | None]:
    return guess.input, guess.expected, guess.id


def test_names_settle_the_columns(tmp_path: Path) -> None:
    guess = guess_columns(write(tmp_path / "a.csv", table(["ticket_id", "body", "queue"])))
    assert columns(guess) == ("body", "queue", "ticket_id")
    assert (guess.output_kind, guess.labels) == ("labels", ("late", "lost", "other"))
    assert guess.confident
    assert "its name says so" in guess.reasons[0]


def test_values_settle_columns_without_telling_names(tmp_path: Path) -> None:
    guess = guess_columns(write(tmp_path / "a.csv", table(["a", "b", "c"]), ";", "cp1252"))
    assert columns(guess) == ("b", "c", "a")
    assert guess.delimiter == ";"
    assert "its values look like it" in guess.reasons[0]


def test_a_first_column_of_codes_is_the_id_whatever_it_is_called(tmp_path: Path) -> None:
    header, *rows = table(["Ticket", "Message", "Queue"])
    coded = [[f"INC-{int(row[0]) + 4000}", *row[1:]] for row in rows]
    guess = guess_columns(write(tmp_path / "a.csv", [header, *coded]))
    assert columns(guess) == ("Message", "Queue", "Ticket")
    assert guess.confident
    twice = guess_columns(write(tmp_path / "b.csv", [header, *coded, coded[0]]))
    assert twice.id is None


@pytest.mark.parametrize(
    ("header", "encoding"),
    [(["رقم", "نص الرسالة", "التصنيف"], "utf-8"), (["编号", "评论内容", "情感标签"], "gb18030")],
)
def test_arabic_and_chinese_names_are_known(
    tmp_path: Path, header: list[str], encoding: str
) -> None:
    guess = guess_columns(write(tmp_path / "a.csv", table(header), encoding=encoding))
    assert columns(guess) == (header[1], header[2], header[0])
    assert guess.encoding == encoding


def test_a_workbook_is_guessed(tmp_path: Path) -> None:
    book = Workbook()
    for row in table(["id", "message", "category"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    guess = guess_columns(tmp_path / "a.xlsx")
    assert columns(guess) == ("message", "category", "id")
    assert guess.sheet == "Sheet"


def test_two_likely_expectations_leave_the_guess_unsure(tmp_path: Path) -> None:
    rows = table(["text", "category", "topic"])
    rows[1:] = [[row[1], row[2], row[2][::-1]] for row in rows[1:]]
    guess = guess_columns(write(tmp_path / "a.csv", rows))
    assert guess.expected == "category"
    assert not guess.confident
    assert "'topic' is possible too" in guess.reasons[1]


def test_no_likely_expectation_is_said(tmp_path: Path) -> None:
    rows = [["text", "split"], *([TEXT.format(i), "train"] for i in range(20))]
    guess = guess_columns(write(tmp_path / "a.csv", rows))
    assert (guess.expected, guess.output_kind, guess.confident) == (None, "free-text", False)
    assert "name it yourself" in guess.reasons[1]


def test_the_row_numbers_of_pandas_are_no_id(tmp_path: Path) -> None:
    rows = [["__index_level_0__", "text", "label"]]
    rows += [[str(i), TEXT.format(i), "ab"[i % 2]] for i in range(40)]
    guess = guess_columns(write(tmp_path / "a.csv", rows))
    assert (guess.input, guess.expected, guess.id) == ("text", "label", None)


def test_a_channel_is_a_stratum_and_a_split_is_not(tmp_path: Path) -> None:
    rows = [["text", "label", "split", "channel"]]
    rows += [[TEXT.format(i), "ab"[i % 2], "cd"[i % 2], "ef"[i % 2]] for i in range(40)]
    assert guess_columns(write(tmp_path / "a.csv", rows)).stratum == "channel"


def test_labels_are_found_in_a_file_sorted_by_label(tmp_path: Path) -> None:
    rows = [["text", "label"], *([TEXT.format(i), f"label {i // 1000}"] for i in range(5000))]
    guess = guess_columns(write(tmp_path / "a.csv", rows), sample=100)
    assert len(guess.labels) == 5
    assert guess.rows_seen == 5000


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("{i},000", "number"), ('{{"n": {i}}}', "json-schema"), ("it is {i} or so", "free-text")],
)
def test_the_kind_of_output_is_found(tmp_path: Path, answer: str, kind: str) -> None:
    rows = [["question", "answer"]]
    rows += [[TEXT.format(i), answer.format(i=i)] for i in range(30)]
    assert guess_columns(write(tmp_path / "a.csv", rows)).output_kind == kind


def test_broken_json_is_text(tmp_path: Path) -> None:
    rows = [["question", "answer"], *([TEXT.format(i), "{" + str(i)] for i in range(30))]
    assert guess_columns(write(tmp_path / "a.csv", rows)).output_kind == "free-text"


def test_a_file_without_any_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="no column looks like an input"):
        guess_columns(write(tmp_path / "a.csv", [["a", "b"], ["", ""]]))


def test_one_column_is_the_input(tmp_path: Path) -> None:
    guess = guess_columns(write(tmp_path / "a.csv", [["x"], *([TEXT.format(i)] for i in range(9))]))
    assert columns(guess) == ("x", None, None)


@pytest.mark.parametrize("name", ["", "___"])
def test_a_name_without_words_says_nothing(name: str) -> None:
    assert role_of(name) == (None, 0.0)


@pytest.mark.skipif(not TASKS.exists(), reason="the shared task files are not on this machine")
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_every_shared_task_is_guessed(tmp_path: Path, form: str) -> None:
    for path in sorted(TASKS.glob("*.parquet")):
        guess = guess_columns(path if form == "parquet" else as_csv(path, tmp_path / "a.csv"))
        assert columns(guess) == ("input", "gold", "item_id"), path.name
        assert guess.stratum is None
        assert guess.confident


def as_csv(path: Path, target: Path) -> Path:
    source = open_rows(path)
    rows = [[str(cell or "") for cell in row.values.values()] for row in source]
    return write(target, [source.columns, *rows])


def test_a_first_line_that_names_the_delimiter_is_no_column(tmp_path: Path) -> None:
    rows = "".join(f"message number {n};{'refund' if n % 2 else 'card'}\n" for n in range(40))
    (tmp_path / "a.csv").write_text(f"sep=;\nmessage;queue\n{rows}")
    guess = guess_columns(tmp_path / "a.csv")
    assert guess.columns == ("message", "queue")
    assert (guess.input, guess.expected) == ("message", "queue")
