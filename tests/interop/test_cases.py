import json
from pathlib import Path

import pytest
from openpyxl import Workbook

from rixin.core.scenario import CaseSource
from rixin.errors import CasesError
from rixin.interop.cases import CaseReader, read_cases


def reader(folder: Path, data: str, **columns: str) -> CaseReader:
    path = folder / "a.csv"
    path.write_text(data, encoding="utf-8")
    return read_cases(CaseSource(path=path, input="text", **columns))  # type: ignore[arg-type]


def refusal(cases: CaseReader) -> CasesError:
    with pytest.raises(CasesError) as caught:
        list(cases)
    return caught.value


def test_a_row_becomes_a_case(tmp_path: Path) -> None:
    data = "id,text,queue,channel,w\nr1,hello,greet,mail,2.5\n"
    cases = reader(tmp_path, data, expected="queue", stratum="channel", weight="w", id="id")
    (case,) = cases
    assert (case.input, case.expected, case.stratum) == ("hello", "greet", "mail")
    assert (case.weight, case.ref) == (2.5, "r1")


def test_a_case_without_an_id_column_has_its_line(tmp_path: Path) -> None:
    assert [case.ref for case in reader(tmp_path, "text\na\nb\n")] == ["line 2", "line 3"]


def test_rows_without_input_are_skipped_and_counted(tmp_path: Path) -> None:
    cases = reader(tmp_path, "text,queue\n,x\nnan,x\n  ,x\na,y\n", expected="queue")
    assert [case.input for case in cases] == ["a"]
    assert (cases.notes.rows, cases.notes.skipped_empty) == (4, 3)
    assert cases.notes.sentences() == ("3 of 4 rows have no input and are left out",)
    assert "line 2: there is no input" in cases.notes.examples[0]


def test_an_empty_expectation_is_no_expectation(tmp_path: Path) -> None:
    cases = reader(tmp_path, "text,queue\na,\nb,NaN\nc,x\n", expected="queue")
    assert [case.expected for case in cases] == [None, None, "x"]
    assert cases.notes.unlabelled == 2
    assert "2 of 3 cases have no expected output" in cases.notes.sentences()[0]


def test_exact_copies_are_given_once(tmp_path: Path) -> None:
    data = "text,queue\na,x\na,x\nA,x\nA,x\na,x\n"
    cases = reader(tmp_path, data, expected="queue")
    assert [case.input for case in cases] == ["a", "A"]
    assert cases.notes.repeated == 3
    assert "3 of 5 rows repeat" in cases.notes.sentences()[0]


def test_one_input_with_two_expectations_is_a_conflict(tmp_path: Path) -> None:
    data = "text,queue\na,\na,x\nA,y\nb,x\nb,x2\n"
    cases = reader(tmp_path, data, expected="queue")
    assert len(list(cases)) == 5
    assert cases.notes.conflicting == 2
    assert cases.notes.examples[0] == "line 4: 'A' is 'y' here and 'x' before"
    assert "no solver can have both right" in cases.notes.sentences()[0]


def test_a_conflict_of_long_outputs_is_shown_short(tmp_path: Path) -> None:
    data = f"text,queue\n{'a' * 90},{'x' * 300}\n{'a' * 90},y\n"
    cases = reader(tmp_path, data, expected="queue")
    list(cases)
    assert cases.notes.labels is None
    assert cases.notes.examples[0].endswith("…' is 'y' here and something else before")


def test_pools_and_labels_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"text {i},{'even' if i % 2 == 0 else 'odd'}\n" for i in range(100))
    cases = reader(tmp_path, f"text,queue\n{rows}", expected="queue")
    found = list(cases)
    assert cases.notes.labels == {"even": 50, "odd": 50}
    assert sum(cases.notes.pools.values()) == cases.notes.cases == len(found) == 100
    assert set(cases.notes.pools) == {"shape", "certify", "audit"}


def test_a_second_iteration_counts_anew(tmp_path: Path) -> None:
    cases = reader(tmp_path, "text\na\na\n")
    assert list(cases) == list(cases)
    assert (cases.notes.rows, cases.notes.repeated) == (2, 1)


def test_ids_that_are_there_twice_are_refused_with_both_places(tmp_path: Path) -> None:
    rows = "".join(f"r{i % 7},text {i}\n" for i in range(14))
    error = refusal(reader(tmp_path, f"id,text\n{rows}", id="id"))
    assert str(error).startswith("7 rows cannot be used:")
    assert "line 9: the id 'r0' was already at line 2" in str(error)
    assert "… and 2 more" in str(error)
    assert "unique" in str(error.hint)


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "", "many"])
def test_a_weight_that_is_no_positive_number_is_refused(tmp_path: Path, weight: str) -> None:
    error = refusal(reader(tmp_path, f"text,w\na,1\nb,{weight}\n", weight="w"))
    assert str(error).startswith("1 row cannot be used:")
    assert f"line 3: 'w' is {weight!r}, no positive number" in str(error)


def test_only_the_first_bad_weights_are_shown(tmp_path: Path) -> None:
    rows = "".join(f"text {i},0\n" for i in range(9))
    error = refusal(reader(tmp_path, f"text,w\n{rows}", weight="w"))
    assert str(error).count("no positive number") == 5
    assert "… and 4 more" in str(error)


def test_no_case_follows_a_mistake(tmp_path: Path) -> None:
    cases = iter(reader(tmp_path, "text,w\na,1\nb,0\nc,1\n", weight="w"))
    assert next(cases).input == "a"
    with pytest.raises(CasesError):
        next(cases)


def test_an_input_column_that_is_always_empty_is_refused(tmp_path: Path) -> None:
    error = refusal(reader(tmp_path, "text,queue\n,x\n,y\n"))
    assert "none of the 2 rows has an input" in str(error)


def test_a_column_that_is_not_there_is_refused_before_any_row(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="no column 'quue'"):
        reader(tmp_path, "text,queue\na,x\n", expected="quue")


def test_cells_of_json_become_text(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": {"a": 1}, "gold": 18.0}\n{"text": true, "gold": NaN}\n')
    cases = list(read_cases(CaseSource(path=path, input="text", expected="gold")))
    assert [(case.input, case.expected) for case in cases] == [('{"a":1}', "18"), ("true", None)]


def book_of(path: Path, rows: list[list[object]]) -> CaseSource:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return CaseSource(
        path=path, input="q", expected="a", stratum="s", weight="w", id="i", pools={"certify": 1.0}
    )


@pytest.mark.parametrize("column", range(5))
def test_a_formula_without_its_value_is_a_mistake_with_its_place(tmp_path: Path, column: int):
    names, right = ["q", "a", "s", "w", "i"], ["x", "y", "z", 2, "1"]
    broken: list[object] = [*right[:column], "=1+1", *right[column + 1 :]]
    source = book_of(tmp_path / "a.xlsx", [names, ["x0", "y", "z", 1, "0"], broken])
    with pytest.raises(CasesError, match="1 row cannot be used") as error:
        list(read_cases(source))
    assert f"row 3: {names[column]!r} holds the formula '=1+1'" in str(error.value)
    assert "save it" in str(error.value.hint)


def test_an_error_of_a_spreadsheet_is_told_with_its_place(tmp_path: Path):
    rows: list[list[object]] = [["q", "a", "s", "w", "i"], ["x", "#N/A", "#REF!", 1, "1"]]
    cases = read_cases(book_of(tmp_path / "a.xlsx", [*rows, ["#N/A", "y", "z", 1, "2"]]))
    (case,) = cases
    assert (case.expected, case.stratum) == (None, "")
    told = " ".join(cases.notes.sentences())
    assert "3 cells with an error of a spreadsheet count as empty" in told
    assert "row 2: 'a' holds the error #N/A; mend what the cell looks up" in told
    with pytest.raises(CasesError, match="'w' is '#N/A', no positive number"):
        list(read_cases(book_of(tmp_path / "b.xlsx", [rows[0], ["x", "y", "z", "#N/A", "1"]])))


def test_a_stratum_that_first_comes_after_a_thousand_rows_is_read(tmp_path: Path):
    lines = [{"q": f"x{n}"} for n in range(1_100)] + [{"q": "y", "s": "late"}]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    *_, last = read_cases(CaseSource(path=path, input="q", stratum="s", pools={"certify": 1.0}))
    assert last.stratum == "late"
