"""`rixin init`: from a file of cases to a scenario that holds."""

import csv
import json
from pathlib import Path

import pytest

from rixin.cli.app import run
from terminal import Terminal

ROWS = [
    (f"{n}", f"{'where is my parcel' if n % 2 else 'pay my money back'} {n * 7919}", label)
    for n, label in ((n, "delivery" if n % 2 else "refund") for n in range(300))
]
FIGURES = [
    "--owner",
    "ops",
    "--task",
    "Route",
    "--cases-per-month",
    "20000",
    "--incumbent",
    "staff",
    "--incumbent-cost",
    "1.60",
    "--incumbent-solved",
    "93%",
    "--local",
    "none",
]
ANSWERS = ["ops", "Route it", "20,000", "staff", "1.60", "93%", ""]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "tickets.csv").open("w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["id", "text", "queue"])
        writer.writerows(ROWS)
    return tmp_path


def test_flags_alone_write_a_scenario_that_check_accepts(folder, capsys):
    assert run(["init", "tickets.csv", *FIGURES]) == 0
    said = capsys.readouterr()
    assert "output: labels, 2 of them" in said.err
    assert "wrote tickets.yaml" in said.out + said.err
    assert "one gateway serves one ledger" in said.out
    assert run(["check", "tickets.yaml"]) == 0
    assert "demand score" in capsys.readouterr().out


def test_nothing_is_made_up_where_nobody_can_be_asked(folder, capsys):
    assert run(["init", "tickets.csv", "--owner", "ops"]) == 2
    said = capsys.readouterr().err
    assert "these are missing: --task, --cases-per-month, --incumbent," in said
    assert "or --yes" in said
    assert not (folder / "tickets.yaml").exists()


def test_yes_takes_illustrative_figures_and_says_so(folder, capsys):
    assert run(["init", "tickets.csv", "--yes", "--local", "none"]) == 0
    said = capsys.readouterr()
    assert "assumed until you give your own" in said.out + said.err
    assert run(["check", "tickets.yaml"]) in {0, 1}
    assert "assumed" in capsys.readouterr().out


def test_a_scenario_that_is_there_is_not_replaced(folder, capsys):
    (folder / "tickets.yaml").write_text("mine")
    assert run(["init", "tickets.csv", *FIGURES]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (folder / "tickets.yaml").read_text() == "mine"
    assert run(["init", "tickets.csv", *FIGURES, "--force"]) == 0
    assert "owner: ops" in (folder / "tickets.yaml").read_text()


def test_json_tells_what_was_guessed_and_written(folder, capsys):
    assert run(["init", "tickets.csv", *FIGURES, "--json", "-o", "mine.yaml"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "mine.yaml" in json.dumps(found)
    assert (folder / "mine.yaml").exists()


def test_a_wrong_column_name_is_told_with_the_nearest(folder, capsys):
    assert run(["init", "tickets.csv", *FIGURES, "--expected", "queu"]) == 2
    said = capsys.readouterr().err
    assert "'queu'" in said
    assert "'queue'" in said


@pytest.mark.parametrize("given", [[], ["tickets.cvs"]])
def test_a_missing_file_is_told_with_those_that_are_there(folder, capsys, given):
    assert run(["init", *given, *FIGURES]) == 2
    assert "tickets.csv" in capsys.readouterr().err


def test_an_endpoint_becomes_a_candidate(folder, capsys):
    flags = ["--endpoint", "big", "--base-url", "http://127.0.0.1:9/v1"]
    assert run(["init", "tickets.csv", *FIGURES, *flags]) == 0
    text = (folder / "tickets.yaml").read_text()
    assert "endpoint: big" in text
    assert "http://127.0.0.1:9/v1" in text


def test_a_price_of_an_endpoint_is_stated_or_asked_for(folder, capsys):
    flags = ["--endpoint", "big", "--base-url", "http://127.0.0.1:9/v1"]
    assert run(["init", "tickets.csv", *FIGURES, *flags]) == 0
    assert "the price of 'strong' is not known" in capsys.readouterr().out
    assert run(["init", "tickets.csv", *FIGURES, *flags, "--price", "0/0", "--force"]) == 0
    assert "price: {input: 0, output: 0}" in (folder / "tickets.yaml").read_text()
    assert "price of" not in capsys.readouterr().out
    assert run(["init", "tickets.csv", *FIGURES, "--price", "1/2", "--force"]) == 2
    assert "add --endpoint MODEL" in capsys.readouterr().err
    assert run(["init", "tickets.csv", *FIGURES, *flags, "--price", "1", "--force"]) == 2


def test_a_first_scenario_promises_no_harm_and_says_how_to(folder):
    assert run(["init", "tickets.csv", *FIGURES, "--floor", "0.9"]) == 0
    text = (folder / "tickets.yaml").read_text()
    assert "promise: {solved: {at_least: 0.9}}" in text
    assert "To promise that answers that are none of the labels are rare" in text


def test_an_output_that_no_candidate_can_give_asks_for_a_model(folder, capsys):
    rows = [{"question": f"what is {n} plus {n}?", "answer": str(2 * n)} for n in range(60)]
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert run(["init", "sums.jsonl", *FIGURES]) == 2
    said = capsys.readouterr().err
    assert "output: number" in said
    assert "name one with --local MODEL or --endpoint" in said


TICKETS = ("init", "tickets.csv", "--local", "none")


def test_questions_are_asked_and_wrong_answers_asked_again(folder):
    questions = ("to be done?", "in a month?", "job today?", "cost today", "solved right", "worth")
    with Terminal(folder, *TICKETS) as terminal:
        terminal.answer("Who answers for this job? ", "")
        terminal.read_until("there is no default for this")
        terminal.answer("this job? ", ANSWERS[0])
        for question, answer in zip(questions, ANSWERS[1:], strict=True):
            if question == "in a month?":
                terminal.answer(question, "many")
                terminal.read_until("give a whole number")
            terminal.answer(question, answer)
        terminal.read_until("wrote tickets.yaml")
        assert terminal.end() == 0
    text = (folder / "tickets.yaml").read_text()
    assert "owner: ops" in text
    assert "cases_per_month: 20000" in text


def test_leaving_the_questions_writes_nothing(folder):
    with Terminal(folder, *TICKETS) as terminal:
        terminal.read_until("Who answers for this job? ")
        terminal.press("\x03")
        assert terminal.end() == 130
        assert "nothing was written" in terminal.shown
    assert not (folder / "tickets.yaml").exists()


def test_the_example_reaches_an_honest_adopt_without_a_question(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--example"]) == 0
    assert run(["check", "example.yaml"]) == 0
    assert run(["decide", "-q", "example.yaml"]) == 0
    said = capsys.readouterr().out
    assert "Adopt student, " in said or "Adopt student:" in said
    assert "assumed" in said
    assert run(["init", "--example", "other.csv"]) == 2
    Path("example.csv").write_text("mine")
    assert run(["init", "--example", "-o", "new.yaml"]) == 2
    assert Path("example.csv").read_text() == "mine"
