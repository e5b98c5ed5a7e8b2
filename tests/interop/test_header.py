"""Which row of a table names its columns, and what is hidden or merged in a sheet."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.cli.app import run as rixin
from rixin.core.scenario import CaseSource
from rixin.errors import CasesError, ContractError
from rixin.interop.cases import read_cases
from rixin.interop.contract.load import load_scenario
from rixin.interop.csv_reader import guess_delimiter
from rixin.interop.guess import guess_columns
from rixin.interop.header import Header, find_header
from rixin.interop.readers import open_rows

TEAMS = ("IT", "Billing", "Sales")
CASES = [
    (n, f"message {n} about {TEAMS[n % 3].lower()} things", "DE", TEAMS[n % 3])
    for n in range(1, 40)
]
NAMES = ("No", "Message", "Country", "Team")


def workbook(path, *above, hide=False):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (*above, *CASES):
        sheet.append(row)
    if hide:
        sheet.row_dimensions[9].hidden = True
        sheet.column_dimensions["C"].hidden = True
        sheet.merge_cells("D20:D22")
        sheet.merge_cells("A1:B1")
    book.save(path)
    return path


def table(path, *above, delimiter=",", encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=delimiter).writerows([*above, *CASES])
    return path


GROUPS = ("Ticket", None, "Customer", None)
MADE = {
    "plain": ([NAMES], None, True),
    "groups": ([GROUPS, NAMES], 2, True),
    "title": ([("Support tickets, November",), NAMES], 2, True),
    "titles": ([("Support tickets",), ("as of", "March"), NAMES], 3, True),
    "none": ([], 0, True),
    "pandas": ([(None, "Message", "Country", "Team")], None, True),
    "two": ([("Nr", "Anfrage", "Land", "Gruppe"), NAMES], 2, False),
    "gap": ([("No", None, "Country", "Team")], None, False),
}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("name", MADE)
def test_the_row_with_the_names_is_found_or_doubted(tmp_path, name, kind):
    above, row, sure = MADE[name]
    path = tmp_path / f"cases.{kind}"
    (table if kind == "csv" else workbook)(path, *above)
    guess = guess_columns(path)
    assert (guess.header_row, guess.confident) == (row, sure)
    if name not in {"none", "gap"}:
        assert (guess.input, guess.expected) == ("Message", "Team")
    assert guess.rows_seen == len(CASES)
    assert ("header:" in guess.reasons[0]) == (name != "plain")


def test_blank_rows_above_a_header_and_semicolons_below_a_title(tmp_path):
    above = [("Anfragen, Stand März",), (), ("Nr", "Anfrage", "Land", "Abteilung")]
    path = table(tmp_path / "cases.csv", *above, delimiter=";", encoding="cp1252")
    assert guess_delimiter(path, "cp1252") == ";"
    guess = guess_columns(path)
    assert (guess.header_row, guess.delimiter, guess.encoding) == (3, ";", "cp1252")
    assert guess_columns(path, header_row=4).columns[0] == "1"


@given(
    st.lists(
        st.tuples(st.text(alphabet="abcdefgh ", min_size=5), st.sampled_from(TEAMS), st.integers()),
        min_size=1,
        max_size=70,
    )
)
def test_a_plain_header_is_taken_as_it_is(rows):
    named = [(1, ["text", "team", "size"])]
    named += [(at, [text, team, str(size)]) for at, (text, team, size) in enumerate(rows, 2)]
    assert find_header(named) == Header(None, sure=True)


@given(st.lists(st.lists(st.none() | st.text(max_size=9), min_size=1, max_size=5), max_size=20))
def test_whatever_rows_there_are_one_of_them_is_told(rows):
    numbered = list(enumerate(rows, 1))
    found = find_header(numbered)
    assert found.row in {None, 0, *(number for number, _ in numbered)}
    assert bool(found.reason) or found == Header(None, sure=True)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_rows_are_read_below_the_named_one_and_numbered_as_in_the_file(tmp_path, kind):
    path = tmp_path / f"cases.{kind}"
    (table if kind == "csv" else workbook)(path, GROUPS, NAMES)
    rows = open_rows(path, header_row=2)
    assert rows.columns == list(NAMES)
    assert [one.number for one in rows.rows()][:2] == [3, 4]
    bare = open_rows(path, header_row=0)
    assert bare.columns == [f"column {n}" for n in range(1, 5)]
    assert len(list(bare.rows())) == len(CASES) + 2
    with pytest.raises(CasesError, match="99 should name the columns") as error:
        open_rows(path, header_row=99)
    assert "0: none names them" in error.value.hint


def test_what_is_hidden_and_merged_is_told_with_the_cases(tmp_path):
    path = workbook(tmp_path / "cases.xlsx", GROUPS, NAMES, hide=True)
    reader = read_cases(CaseSource(path=path, input="Message", expected="Team", header_row=2))
    assert len(list(reader)) == len(CASES)
    merged = "only the first cell of each has a value, the others are empty"
    assert reader.notes.sentences()[:3] == (
        "1 row is hidden in the sheet, and read as the others",
        "columns that are hidden in the sheet are read: 'Country'",
        f"1 area is merged below the header: {merged}",
    )
    plain = read_cases(
        CaseSource(path=workbook(tmp_path / "b.xlsx", NAMES), input="Message", expected="Team")
    )
    list(plain)
    assert plain.notes.remarks == ()


def test_the_scenario_keeps_the_row_and_a_doubt_is_on_the_verdict(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "two.csv", *MADE["two"][0])
    assert rixin(["init", "two.csv", "--yes", "--local", "none", "--json"]) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["cases"]["header_row"] == 2
    assert "--header-row" in out.err
    scenario = load_scenario(tmp_path / "two.yaml")
    assert scenario.cases.header_row == 2
    assert "cases.columns" in scenario.illustrative
    rixin(["decide", "two.yaml", "--json"])
    warnings = json.loads(capsys.readouterr().out)["verdict"]["warnings"]
    assert any("were guessed and nobody has confirmed them" in one for one in warnings)
    given = ["--yes", "--local", "none", "--force", "--header-row", "2", "-o", "sure.yaml"]
    assert rixin(["init", "two.csv", *given]) == 0
    assert "cases.columns" not in load_scenario(tmp_path / "sure.yaml").illustrative


def test_a_header_row_that_is_not_there_is_told_with_its_place(tmp_path):
    table(tmp_path / "cases.csv", NAMES)
    text = (
        "scenario: x\nowner: a\ntask: b\ncases: {path: cases.csv, input: Message, expected: Team,"
        " header_row: 99}\noutput: {labels: from-cases}\ncandidates: [{name: s, student:"
        " tfidf-logistic}]\n"
    )
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ContractError, match="should name the columns"):
        load_scenario(tmp_path / "x.yaml")
