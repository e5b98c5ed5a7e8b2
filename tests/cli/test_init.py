"""`rixin init`: from a file of cases to a scenario that holds."""

import csv
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from rixin.cli.app import run

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
    assert "illustrative until you give your own" in said.out + said.err
    assert run(["check", "tickets.yaml"]) in {0, 1}
    assert "illustrative" in capsys.readouterr().out


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


def test_an_output_that_no_candidate_can_give_asks_for_a_model(folder, capsys):
    rows = [{"question": f"what is {n} plus {n}?", "answer": str(2 * n)} for n in range(60)]
    (folder / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert run(["init", "sums.jsonl", *FIGURES]) == 2
    said = capsys.readouterr().err
    assert "output: number" in said
    assert "name one with --local MODEL or --endpoint" in said


class Terminal:
    """`rixin init tickets.csv` on a pseudo-terminal."""

    def __init__(self, folder):
        self._fd, end = pty.openpty()
        command = [sys.executable, "-m", "rixin", "init", "tickets.csv", "--local", "none"]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=end, stdout=end, stderr=end, start_new_session=True
        )
        os.close(end)
        self.said = ""

    def until(self, text, seconds=20.0):
        limit = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < limit, self.said
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self._fd, 4096).decode()
                except OSError:
                    break
        assert text in self.said, self.said
        before, _, self.said = self.said.partition(text)
        return before

    def answer(self, text):
        os.write(self._fd, f"{text}\n".encode())

    def send(self, number):
        os.killpg(self.process.pid, number)

    def end(self):
        code = self.process.wait(20)
        os.close(self._fd)
        return code


def test_questions_are_asked_and_wrong_answers_asked_again(folder):
    terminal = Terminal(folder)
    terminal.until("Who answers for this job?")
    terminal.answer("")
    terminal.until("there is no default for this")
    for question, answer in zip(
        (
            "this job?",
            "to be done?",
            "in a month?",
            "job today?",
            "cost today",
            "solved right",
            "worth",
        ),
        ANSWERS,
        strict=True,
    ):
        terminal.until(question)
        if question == "in a month?":
            terminal.answer("many")
            terminal.until("give a whole number")
            terminal.until(question)
        terminal.answer(answer)
    terminal.until("wrote tickets.yaml")
    assert terminal.end() == 0
    text = (folder / "tickets.yaml").read_text()
    assert "owner: ops" in text
    assert "cases_per_month: 20000" in text


def test_leaving_the_questions_writes_nothing(folder):
    terminal = Terminal(folder)
    terminal.until("Who answers for this job?")
    terminal.send(signal.SIGINT)
    terminal.until("nothing was written")
    assert terminal.end() == 130
    assert not (folder / "tickets.yaml").exists()
