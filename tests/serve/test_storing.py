"""Rows that cannot be stored, and what goes on beside requests: nothing ends in silence."""

import asyncio
import contextlib
import json
import sqlite3
import stat
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from rixin.cli.app import run as run_cli
from rixin.ledger import audit_check
from rixin.ledger.aside import aside_file, count_aside, plain, set_aside
from rixin.ledger.requests import Remark, erase_older
from rixin.ledger.store import Ledger
from rixin.serve.call import keep
from rixin.serve.capture import Capture, gather_s
from rixin.serve.supervision import Supervisor
from rixin.serve.writer import Writer
from rixin.workspace.doctor import examine
from serve.house import release, upstream, write_scenario
from serve.test_capture import call_of

ODD = {
    "too large for the database": {"cost_pico": 1 << 63},
    "too long for any database": {"input_tokens": 10**30},
    "longer than Python writes": {"output_tokens": 10**5_000},
    "half a character": {"note": "cut \ud83d"},
    "half a character in what was said": {"content": {"input": "cut \ud83d", "output": None}},
    "of a kind that nobody knows": {"note": object()},
    "the same again": {"id": "req_0"},
}


def odd_call(changes):
    call = call_of(0.1, "odd")
    for name, value in changes.items():
        setattr(call, name, value)
    return call


def stored(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT id FROM requests ORDER BY seq")]


def aside(path):
    if not aside_file(path).exists():
        return []
    return [json.loads(line) for line in aside_file(path).read_text().splitlines()]


def keep_all(path, calls, *, process):
    """Has calls stored, by a process or by a thread."""

    async def main(writer):
        with Ledger(path) as ledger:
            capture = Capture(ledger, bound_s=0.01, writer=writer)
            for call in calls:
                keep(call, capture)
            await capture.close()
            return capture

    Ledger(path).close()
    return asyncio.run(main(Writer(path, gather_s=gather_s(0.01)) if process else None))


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("kind", ODD)
def test_a_row_that_cannot_be_stored_is_set_aside_and_the_others_are_stored(
    tmp_path, kind, process
):
    path = tmp_path / "ledger.sqlite3"
    calls = [call_of(0.1, "good") for _ in range(40)]
    calls[0].id = "req_0"
    calls.insert(17, odd_call(ODD[kind]))
    capture = keep_all(path, calls, process=process)
    good = [call.id for call in calls if call is not calls[17]]
    assert sorted(stored(path)) == sorted(good)
    assert (capture.waiting, capture.written, capture.aside) == (0, 40, 1)
    assert [(one["table"], one["row"]["id"]) for one in aside(path)] == [("requests", calls[17].id)]
    assert aside(path)[0]["why"]
    assert stat.S_IMODE(aside_file(path).stat().st_mode) == 0o600
    found = audit_check.check(path)
    assert (found.requests, found.wrong) == (40, [])


def test_many_odd_rows_between_good_ones(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    calls = [
        odd_call({"cost_pico": 1 << 70}) if number % 7 == 3 else call_of(0.1, "good")
        for number in range(300)
    ]
    capture = keep_all(path, calls, process=True)
    good = [call.id for call in calls if call.cost_pico == 0]
    assert stored(path) == good
    assert (capture.written, capture.aside, count_aside(path)) == (len(good), 43, 43)


def test_a_trigger_that_refuses_one_row_keeps_no_other_away(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    Ledger(path).close()
    calls = [call_of(0.1, "good") for _ in range(9)]
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE TRIGGER no BEFORE INSERT ON requests WHEN NEW.id = '"
            + calls[4].id
            + "' BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
        database.commit()
    capture = keep_all(path, calls, process=False)
    assert (capture.written, capture.aside) == (8, 1)
    assert "not this one" in aside(path)[0]["why"]


def test_feedback_goes_the_way_of_rows_and_is_stored_once(tmp_path):
    path = tmp_path / "ledger.sqlite3"

    async def main():
        with Ledger(path) as ledger:
            capture = Capture(ledger, bound_s=0.01)
            call = call_of(0.1, "good")
            keep(call, capture)
            remarks = [Remark(call.id, 1.0 + n, 1, json.dumps({"salt": str(n)})) for n in range(5)]
            for one in remarks:
                capture.add_feedback(one)
                keep(call_of(0.1, "between"), capture)
            capture.add_feedback(remarks[0]._replace(key_id=1 << 70))
            await capture.close()
            assert (capture.written, capture.aside) == (11, 1)

    asyncio.run(main())
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert [row[0] for row in database.execute("SELECT at FROM feedback ORDER BY seq")] == [
            *(1.0, 2.0, 3.0, 4.0, 5.0)
        ]
    assert [one["table"] for one in aside(path)] == ["feedback"]
    assert audit_check.check(path).wrong == []


def test_what_is_set_aside_is_there_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "ledger.sqlite3"
    set_aside(path, [("requests", {"id": "a"})], "why")

    def rows():
        yield "requests", {"id": "b"}
        raise MemoryError

    with pytest.raises(MemoryError):
        set_aside(path, rows(), "why")
    set_aside(path, [("requests", {"id": "c"})], "why")
    assert [one["row"]["id"] for one in aside(path)] == ["a", "c"]
    assert (count_aside(path), count_aside(tmp_path / "none.sqlite3")) == (2, 0)


def test_any_value_can_be_set_aside():
    deep = []
    for _ in range(100):
        deep = [deep]
    odd = {1: b"\xff", "n": 10**5_000, "o": object(), "f": float("nan"), "deep": deep, "t": ("x",)}
    shown = json.loads(json.dumps(plain(odd)))
    assert (shown["1"], shown["o"], shown["t"]) == ("\\xff", "<object>", ["x"])
    assert int(shown["n"], 16) == 10**5_000


def test_a_round_that_fails_is_told_and_tried_again(caplog):
    rounds = []

    async def work():
        rounds.append(len(rounds))
        if len(rounds) in {2, 3}:
            raise KeyError("what Jane said")
        if len(rounds) == 4:
            raise asyncio.CancelledError  # of something in it, not of the task

    async def main():
        tasks = Supervisor()
        tasks.every("the work", 0.001, work, longest_s=0.002)
        downs = []
        while len(rounds) < 7:
            await asyncio.sleep(0)
            if tasks.down not in downs:
                downs.append(dict(tasks.down))
        tasks.close()
        assert tasks.down == {}
        return downs

    downs = asyncio.run(main())
    assert downs == [{}, {"the work": "KeyError"}, {"the work": "CancelledError"}]
    assert "the work failed, and is tried again" in caplog.text
    assert "test_storing.py" in caplog.text
    assert "Jane" not in caplog.text


def test_what_is_set_aside_is_named_and_can_be_erased(tmp_path, capsys):
    path = tmp_path / "ledger.sqlite3"
    calls = [call_of(0.1, "good"), odd_call({"cost_pico": 1 << 70}), odd_call({"id": "req_x"})]
    calls[2].cost_pico = 1 << 70
    calls[1].content = {"input": "PATIENT JANE ROE", "output": None}
    calls[2].content = {"input": "somebody else", "output": None}
    keep_all(path, calls, process=False)
    found = [one for one in examine(None, path, asyncio.run) if one.topic == "ledger"]
    assert [one.state for one in found] == ["ok", "warn"]
    assert f"2 rows that it did not take are in {aside_file(path)}" in found[1].said
    assert run_cli(["audit", "verify", "--ledger", str(path)]) == 0
    assert "2 rows that the ledger did not take" in capsys.readouterr().out
    assert run_cli(["audit", "erase", calls[1].id, "--ledger", str(path)]) == 0
    assert "JANE" not in aside_file(path).read_text()
    assert [one["row"]["id"] for one in aside(path)] == [calls[1].id, "req_x"]
    assert "somebody else" in aside_file(path).read_text()
    with Ledger(path) as ledger:
        now = datetime.now(UTC)
        assert erase_older(ledger, now.timestamp() + 60, actor="ann", now=now) == 2
    assert "somebody else" not in aside_file(path).read_text()
    assert audit_check.check(path).wrong == []


def test_a_file_is_answered_as_a_whole_although_one_row_cannot_be_stored(tmp_path):
    with upstream(tmp_path) as up:
        path = write_scenario(tmp_path / "desk", up.url, faults=())
        release(path)
    ledger = path.parent / ".rixin" / "ledger.sqlite3"
    with contextlib.closing(sqlite3.connect(ledger)) as database:
        database.execute(
            "CREATE TRIGGER no BEFORE INSERT ON requests WHEN NEW.content LIKE '%odd zebra%'"
            " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
        database.commit()
    texts = [f"{'odd' if n == 17 else 'good'} zebra {n}\n" for n in range(30)]
    (path.parent / "in.csv").write_text("q\n" + "".join(texts))
    command = [
        sys.executable,
        "-m",
        "rixin",
        "apply",
        "desk",
        "in.csv",
        "-o",
        "out.csv",
        "--overwrite",
    ]
    for _ in range(2):  # the second time everybody is answered anew, and nothing is in the way
        done = subprocess.run(
            command, cwd=path.parent, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, "30 rows, 30 answered" in done.stdout) == (0, True), done.stderr
        assert "1 rows are set aside in" in done.stderr
    assert len(stored(ledger)) == 58
    assert [json.loads(one["row"]["content"])["input"] for one in aside(ledger)] == [
        "odd zebra 17"
    ] * 2
