import asyncio
import os
import time
from pathlib import Path

import pytest

from rixin.core.case import make_case
from rixin.core.labels import label_set
from rixin.errors import UsageError
from rixin.solvers.command import CommandSolver
from rixin.solvers.spelt import SpeltSolver

CASES = [make_case(text, None, {"shape": 1.0}, ref=text) for text in ("a", "b", "c")]
LOOP = """import json, os, subprocess, sys, time
starts = open("starts", "a"); starts.write("x"); starts.close()
for line in sys.stdin:
    case = json.loads(line)
    text = case["input"]
"""


def ask(tmp_path, body, cases=CASES, timeout_s=20.0):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (tmp_path / "own.py").write_text(LOOP + lines, encoding="utf-8")

    async def run():
        solver = CommandSolver("own", ("python", "-u", "own.py"), tmp_path, timeout_s=timeout_s)
        try:
            return await solver.solve(cases)
        finally:
            await solver.close()

    return asyncio.run(run())


def starts(tmp_path):
    return len((tmp_path / "starts").read_text())


def test_it_is_started_once_and_answers_line_by_line(tmp_path):
    body = 'print(json.dumps({"id": case["id"], "output": text * 2, "confidence": 0.5}))'
    given = ask(tmp_path, body)
    assert [answer.output for answer in given] == ["aa", "bb", "cc"]
    assert given[0].confidence == 0.5
    assert given[0].latency_s > 0
    assert starts(tmp_path) == 1


def test_it_is_started_once_where_it_is_loaded(tmp_path):
    (tmp_path / "own.py").write_text(
        LOOP + '    print(json.dumps({"output": "YES"}), flush=True)\n'
    )
    command = CommandSolver("own", ("python", "-u", "own.py"), tmp_path)
    solver = SpeltSolver(command, label_set(("yes", "no")))

    async def run():
        await solver.load()
        await solver.load()
        answers = await solver.solve(CASES)
        await solver.close()
        return answers

    assert [answer.output for answer in asyncio.run(run())] == ["yes"] * 3
    assert starts(tmp_path) == 1


def test_a_program_that_cannot_be_started_says_so_when_it_is_asked(tmp_path):
    (tmp_path / "own").write_text("no program")
    solver = CommandSolver("own", ("own",), tmp_path)

    async def run():
        await solver.load()
        return (await solver.solve(CASES[:1]))[0]

    assert asyncio.run(run()).failure.kind == "crashed"


def test_a_crash_is_a_failure_with_its_last_words_and_it_is_started_again(tmp_path):
    body = 'if text == "b": 1 / 0\nprint(json.dumps({"output": text}))'
    first, crashed, last = ask(tmp_path, body)
    assert (first.output, last.output) == ("a", "c")
    assert crashed.failure.kind == "crashed"
    assert "ZeroDivisionError: division by zero" in crashed.failure.message
    assert starts(tmp_path) == 2


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ('"garbage {"', "is not a JSON line"),
        ("json.dumps([1])", "is not a JSON object"),
        ('json.dumps({"id": "z", "output": "x"})', "answered 'z' when asked 'b'"),
        ('json.dumps({"answer": "x"})', "the reply has no 'output'"),
    ],
)
def test_an_unreadable_line_is_a_failure_and_it_is_started_again(tmp_path, reply, message):
    body = f'print({reply} if text == "b" else json.dumps({{"output": text}}))'
    first, bad, last = ask(tmp_path, body)
    assert (first.output, last.output) == ("a", "c")
    assert bad.failure.kind == "bad_reply"
    assert message in bad.failure.message
    assert starts(tmp_path) == 2


def test_an_answer_that_takes_too_long_ends_the_program_with_its_children(tmp_path):
    body = """child = subprocess.Popen(["sleep", "60"])
open("child", "w").write(str(child.pid))
sys.stderr.write("waiting for godot")
time.sleep(60)"""
    (slow,) = ask(tmp_path, body, CASES[:1], timeout_s=0.6)
    assert slow.failure.kind == "timeout"
    assert slow.failure.message == "no answer within 0.6 s\nwaiting for godot"
    assert ended(int((tmp_path / "child").read_text()))


def test_close_ends_the_program(tmp_path):
    body = (
        'open("me", "w").write(str(os.getpid()))\nprint(json.dumps({"output": text}), flush=True)'
    )
    ask(tmp_path, body, CASES[:1])
    assert ended(int((tmp_path / "me").read_text()))


def test_a_program_that_closes_its_output_is_a_failure(tmp_path):
    (answer,) = ask(tmp_path, "sys.stdout.write('half'); sys.exit(0)", CASES[:1])
    assert answer.failure.message == "the program ended without an answer"


def test_much_on_standard_error_does_not_block_and_null_abstains(tmp_path):
    body = 'sys.stderr.write("x" * 300_000 + "\\n")\nprint(json.dumps({"output": None}))'
    assert all(answer.abstained for answer in ask(tmp_path, body))


def test_a_missing_program_is_refused_at_once(tmp_path):
    with pytest.raises(UsageError, match="there is no program 'nowhere-to-be-found'"):
        CommandSolver("own", ("nowhere-to-be-found",), tmp_path)
    with pytest.raises(UsageError, match="there is no program ''"):
        CommandSolver("own", (), tmp_path)


def test_a_program_that_cannot_be_started_is_a_failure(tmp_path):
    script = tmp_path / "own.sh"
    script.write_text("#!/nowhere/sh\n")
    script.chmod(0o755)

    async def run():
        solver = CommandSolver("own", ("own.sh",), tmp_path)
        answers = await solver.solve(CASES[:1])
        await solver.close()
        return answers[0]

    assert asyncio.run(run()).failure.kind == "crashed"


def test_the_files_of_the_command_are_in_its_fingerprint(tmp_path):
    def fingerprint(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return CommandSolver("own", ("python", "main.py", "--fast"), tmp_path).fingerprint

    first = fingerprint(main="import part", part="A = 1", other="")
    assert fingerprint(other="B = 1") == first
    assert fingerprint(part="A = 2") != first


def ended(pid):
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with Path(f"/proc/{pid}/stat").open() as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.02)
    return False
