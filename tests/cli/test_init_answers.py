"""`rixin init`: which columns it takes, how answers are read, and what is asked at a terminal."""

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, RecordBatch, Table
from arro3.io import write_parquet
from openpyxl import Workbook

from desk import write_cases
from rixin.cli.app import run
from rixin.cli.questions import count, currency, money, share, words
from rixin.interop.contract.load import load_scenario
from terminal import Terminal

GIVEN = [
    "--owner",
    "support",
    "--task",
    "Route.",
    "--cases-per-month",
    "40,000",
    "--incumbent",
    "agents",
    "--incumbent-cost",
    "1.60",
    "--local",
    "none",
    "--incumbent-solved",
    "93%",
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with `cases.csv`, and nobody at the keyboard."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RIXIN_HOME", str(tmp_path / "home"))
    write_cases(tmp_path / "cases.csv", 300)
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        yield tmp_path


def write_table(path: str, header: str, rows: list[list[Any]]) -> None:
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def write_unclear() -> None:
    """Two columns could be the right answer."""
    write_table("two.csv", "a,b,c", [["xy"[n % 2], "pq"[n % 2], f"words {n}"] for n in range(60)])


def as_jsonl(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def as_workbook(path: Path, rows: list[dict[str, str]]) -> None:
    book = Workbook()
    book.active.title = "Inbox"
    for row in (rows[0], *(row.values() for row in rows)):
        book.active.append(list(row))
    book.save(path)


def as_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    columns = [Array([row[name] for row in rows], DataType.utf8()) for name in rows[0]]
    batch = RecordBatch.from_arrays(columns, names=list(rows[0]))
    write_parquet(Table.from_batches([batch]), str(path))


FORMATS = {
    "jsonl": (as_jsonl, "desk.jsonl: JSON lines, utf-8, 300 rows"),
    "xlsx": (as_workbook, "desk.xlsx: XLSX, sheet 'Inbox', 300 rows"),
    "parquet": (as_parquet, "desk.parquet: Parquet, 300 rows"),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_a_scenario_that_check_takes(folder, capsys, kind):
    write, told = FORMATS[kind]
    with Path("cases.csv").open(encoding="utf-8") as file:
        write(Path(f"desk.{kind}"), list(csv.DictReader(file)))
    assert run(["init", f"desk.{kind}", *GIVEN]) == 0
    said = capsys.readouterr()
    assert told in said.err
    assert said.out.startswith("wrote desk.yaml (candidates: student)")
    found = load_scenario(Path("desk.yaml"))
    assert (found.cases.input, found.cases.expected, found.cases.id) == ("message", "queue", "id")
    assert "demand" not in found.illustrative
    assert run(["check", "desk.yaml"]) == 0


def test_how_a_file_is_written_is_told_and_kept(folder, capsys):
    text = Path("cases.csv").read_text(encoding="utf-8").replace(",", ";").replace("late", "läte")
    Path("desk.csv").write_text(text, encoding="cp1252")
    assert run(["init", "desk.csv", *GIVEN]) == 0
    assert "desk.csv: CSV, semicolons, cp1252, 300 rows" in capsys.readouterr().err
    found = load_scenario(Path("desk.yaml"))
    assert (found.cases.encoding, found.cases.delimiter) == ("cp1252", ";")
    assert run(["check", "desk.yaml"]) == 0


def test_two_cases_are_shown_as_they_will_be_read(folder, capsys):
    run(["init", "cases.csv", *GIVEN])
    said = capsys.readouterr().err
    assert "input: 'message', its name says so" in said
    assert "refund my order, ticket 0 → refund" in said
    assert "where is my parcel, ticket 7919 → delivery" in said


def test_a_long_text_is_shown_short(folder, capsys):
    write_table("long.csv", "text,label", [[f"{n} {'word ' * 50}", "ab"[n % 2]] for n in range(60)])
    run(["init", "long.csv", *GIVEN])
    shown = next(line for line in capsys.readouterr().err.splitlines() if line.endswith("… → a"))
    assert len(shown) < 80


def test_what_comes_next_is_told_with_the_model_to_pull(folder, capsys):
    assert run(["init", "cases.csv", "-y", "-o", "my desk.yaml"]) == 0
    _, steps = capsys.readouterr().out.split("next: ")
    pull, check, decide = steps.splitlines()
    assert pull.startswith("rixin models pull qwen2.5-coder-0.5b-instruct")
    assert "MB" in pull
    assert check.strip().startswith("rixin check 'my desk.yaml'")
    assert decide.strip().startswith("rixin decide 'my desk.yaml'")


def test_numbers_are_told_from_labels(folder):
    write_table("sums.csv", "question,answer", [[f"{n} and {n}?", 2 * n + 0.5] for n in range(60)])
    assert run(["init", "sums.csv", "-y"]) == 0
    found = load_scenario(Path("sums.yaml"))
    assert found.output.kind == "number"
    assert found.task == "Work out the number for each question."


def test_texts_are_told_from_labels(folder):
    rows = [[f"where is order {n}?", f"Order {n} leaves tomorrow."] for n in range(60)]
    write_table("replies.csv", "message,reply", rows)
    assert run(["init", "replies.csv", "-y", "--expected", "reply"]) == 0
    found = load_scenario(Path("replies.yaml"))
    assert found.output.kind == "free-text"
    assert [one.name for one in found.scorers] == ["similarity"]


def test_json_outputs_get_their_schema(folder):
    rows = [[f"{n} nights", json.dumps({"nights": n, "guests": n})] for n in range(40)]
    write_table("trips.csv", "text,expected", rows)
    assert run(["init", "trips.csv", "-y"]) == 0
    found = load_scenario(Path("trips.yaml"))
    assert set(found.output.schema["properties"]) == {"nights", "guests"}
    assert found.task == "Take nights, guests out of each text, as JSON."


def test_a_guess_that_is_not_sure_says_which_flags_settle_it(folder, capsys):
    write_unclear()
    assert run(["init", "two.csv", "-y"]) == 0
    said = capsys.readouterr().err
    assert "'b' is possible too" in said
    assert "not sure of the columns: if wrong, name them with --input, --expected" in said


def test_columns_that_are_named_are_taken(folder, capsys):
    write_unclear()
    assert run(["init", "two.csv", "-y", "--input", "c", "--expected", "b"]) == 0
    assert "expected: 'b', as you said" in capsys.readouterr().err
    assert load_scenario(Path("two.yaml")).cases.expected == "b"


def test_a_column_that_cannot_be_guessed_is_listed_with_all_else_that_is_missing(folder, capsys):
    write_table("plain.csv", "text", [[f"some words {n}"] for n in range(60)])
    assert run(["init", "plain.csv", *GIVEN[:-2]]) == 2
    assert "these are missing: --expected, --incumbent-solved\n" in capsys.readouterr().err


def test_without_right_answers_nothing_can_be_scored(folder, capsys):
    write_table("plain.csv", "text,note", [[f"some words {n}", ""] for n in range(60)])
    assert run(["init", "plain.csv", "-y"]) == 2
    said = capsys.readouterr().err
    assert "without one nothing can be scored" in said
    assert "name it with --expected: text, note" in said


FLAGS = {
    "owner": (["--owner", " "], "say it in a word or two"),
    "volume": (["--cases-per-month", "many"], "'many': give a whole number such as 40000"),
    "cost": (["--incumbent-cost", "1,60"], "'1,60': give an amount such as 1.60"),
    "share": (["--incumbent-solved", "93"], "'93': give a share between 0 and 1"),
    "currency": (["--currency", "euro"], "'euro': give an ISO 4217 code such as USD"),
    "no model": (["--base-url", "http://127.0.0.1:1/v1"], "add --endpoint MODEL"),
    "no address": (["--endpoint", "big"], "it is not known where 'big' listens"),
    "model": (["--local", "smolm2-135m-instruct"], "did you mean 'smollm2-135m-instruct'?"),
    "floor": (["--floor", "1"], "should be a value below 1, not 1"),
}


@pytest.mark.parametrize(("flags", "said"), FLAGS.values(), ids=FLAGS)
def test_a_flag_that_cannot_be_used_is_told_and_nothing_is_written(folder, capsys, flags, said):
    assert run(["init", "cases.csv", "-y", *flags]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["cases.csv"]


def test_answers_are_read_as_people_write_them():
    assert (share("93 %"), share("0.93"), share("1")) == (0.93, 0.93, 1.0)
    assert (str(money("$1,234.50")), str(money("0"))) == ("1234.50", "0")
    assert (count("40,000"), count("40 000"), count("40'000")) == (40_000,) * 3
    assert (words(" we "), currency(" eur ")) == ("we", "EUR")


@pytest.mark.parametrize(
    ("read", "text"),
    [(share, "0"), (share, "120%"), (share, "most"), (money, "-1"), (money, "NaN"), (count, "0")],
)
def test_answers_that_cannot_be_meant_are_refused(read, text):
    with pytest.raises(ValueError, match="give a"):
        read(text)


def test_enter_takes_what_stands_in_brackets(folder):
    with Terminal(folder, "init", "cases.csv", "--currency", "eur", "--local", "none") as terminal:
        terminal.answer("Who answers for this job?", "support")
        terminal.answer("[Choose the queue that fits each message.]", "")
        terminal.answer("How many cases come in a month? [10000, assumed]", "40 000")
        terminal.answer("Who or what does the job today? [people, assumed]", "")
        terminal.answer("What does one case cost today, in EUR? [1.00, assumed]", "")
        terminal.answer("Which share of the cases is solved right today?", "93%")
        terminal.answer("What is one solved case worth, in EUR? [what it costs today]", "")
        assert terminal.end() == 0
        found = load_scenario(Path("cases.yaml"))
        assert found.task == "Choose the queue that fits each message."
        assert (found.demand.cases_per_month, found.economics.currency) == (40_000, "EUR")
        assert "incumbent" in found.illustrative
        assert "demand" not in found.illustrative


def test_a_wrong_answer_is_told_and_asked_again(folder):
    with Terminal(folder, "init", "cases.csv", *GIVEN[:-2], "--value", "2") as terminal:
        terminal.answer("Which share", "93")
        terminal.read_until("'93' cannot be used: give a share between 0 and 1")
        terminal.answer("Which share", "93%")
        assert terminal.end() == 0
        assert load_scenario(Path("cases.yaml")).incumbent.solved == 0.93


def test_nothing_is_asked_where_all_is_said(folder):
    with Terminal(folder, "init", "cases.csv", *GIVEN, "--value", "2") as terminal:
        assert terminal.end() == 0
        assert "What no file can tell" not in terminal.shown
        assert "wrote cases.yaml" in terminal.shown


def test_columns_that_are_not_clear_are_asked(folder):
    write_unclear()
    with Terminal(folder, "init", "two.csv", *GIVEN, "--value", "2") as terminal:
        terminal.read_until("The columns are: a, b, c")
        terminal.answer("Which one is the input? [c]", "")
        terminal.answer("Which one has the right answer? [a]", "c")
        terminal.read_until("there is no column 'c'; known: a, b")
        terminal.answer("Which one has the right answer?", "b")
        terminal.read_until("words 0 → p")
        assert terminal.end() == 0
        assert load_scenario(Path("two.yaml")).cases.expected == "b"


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "end of input"])
def test_who_stops_in_the_middle_leaves_nothing_behind(folder, key):
    with Terminal(folder, "init", "cases.csv") as terminal:
        terminal.answer("Who answers", "support")
        terminal.read_until("fits each message.] ")
        terminal.press(key)
        assert terminal.end() == 130
        assert "stopped; nothing was written" in terminal.shown
        assert [path.name for path in folder.iterdir()] == ["cases.csv"]


def test_a_wrong_flag_is_told_before_the_first_question(folder):
    with Terminal(folder, "init", "cases.csv", "--local", "quen") as terminal:
        assert terminal.end() == 2
        assert "unknown model 'quen'" in terminal.shown
        assert "Who answers" not in terminal.shown
