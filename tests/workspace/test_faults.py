"""Real faults under real runs: kills, Ctrl-C, full disks, a second process, bad servers."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from desk import WORDS, write_desk
from support import completion, failure, model_server

USAGE = {"prompt_tokens": 100, "completion_tokens": 10}
TIMES = ("latency", "decided_at")
WORKERS = 16
LIMITED = (  # the file size limit makes writes fail for real, also for root
    "import os, resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'rixin', *sys.argv[2:]])\n"
)


def text_of(body):
    """The case's text in a request."""
    return body["messages"][-1]["content"].rpartition("Input: ")[2].partition("\n")[0]


def right(_number, body):
    """A model that knows the queue, 20 ms away."""
    time.sleep(0.02)
    text = text_of(body)
    label = next(name for name, words in WORDS.items() if any(word in text for word in words))
    return completion(json.dumps({"label": label}), usage=USAGE)


def wordy(number, body):
    """The same model, which writes 40 kB."""
    _, _, reply = right(number, body)
    said = json.loads(reply)["choices"][0]["message"]["content"]
    return completion("word " * 8_000 + said, usage=USAGE)


def write(folder, server, **changes):
    """A scenario with one endpoint; so rare a harm takes all of its 422 certify cases."""
    folder.mkdir(exist_ok=True)
    changes = {"promise": {"solved": {"at_least": 0.85}, "harm": {"at_most": 0.00709}}, **changes}
    strong = {
        "name": "strong",
        "endpoint": "big",
        "base_url": server.url,
        "concurrency": WORKERS,
        "price": {"input": 1, "output": 10},
    }
    return write_desk(folder, candidates=[strong], **changes)


def start(*arguments, limit=None):
    """`rixin` in a process of its own."""
    begin = ["-m", "rixin"] if limit is None else ["-c", LIMITED, str(limit)]
    return subprocess.Popen(
        [sys.executable, *begin, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    """Exit code, stdout and stderr; the process is gone after this."""
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    return process.returncode, out, err


def rixin(*arguments, **more):
    return end(start(*arguments, **more))


def wait_for(true, seconds=30):
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < seconds
        time.sleep(0.005)


def stored(ledger):
    """Texts of the cases with a row, read past our own code."""
    connection = sqlite3.connect(ledger)
    query = "SELECT c.input FROM outcomes o JOIN cases c ON c.case_id = o.case_id"
    try:
        return {text for (text,) in connection.execute(query)}
    finally:
        connection.close()


def timeless(value):
    """Values without times, which no two runs share."""
    if isinstance(value, dict):
        return {
            key: timeless(item)
            for key, item in value.items()
            if not any(word in key for word in TIMES)
        }
    return [timeless(item) for item in value] if isinstance(value, list) else value


def verdict(path):
    code, out, err = rixin("report", "--json", path)
    assert code == 0, err
    return timeless(json.loads(out)["verdict"])


def test_after_kill_9_the_next_run_repeats_no_stored_answer_and_gives_the_same_verdict(tmp_path):
    with model_server(right) as server:
        calm = write(tmp_path / "calm", server)
        assert rixin("decide", "-q", calm)[0] == 0
        server.calls.clear()

        path = write(tmp_path / "killed", server)
        process = start("decide", "-q", path)
        wait_for(lambda: len(server.calls) >= 150)
        process.kill()
        end(process)
        time.sleep(0.05)  # what was on the wire has arrived
        kept = stored(tmp_path / "killed/.rixin/ledger.sqlite3")
        before = len(server.calls)
        assert rixin("decide", "-q", path)[0] == 0
        asked = Counter(map(text_of, server.calls))
        assert len(asked) == 422
        assert {asked[text] for text in kept} == {1}
        assert before - len(kept) <= 2 * WORKERS + 1  # under way, or not yet on disk
        assert verdict(path) == verdict(calm)


def test_ctrl_c_says_how_to_go_on_and_the_next_run_finishes(tmp_path):
    with model_server(right) as server:
        path = write(tmp_path, server)
        process = start("decide", path)
        wait_for(lambda: len(server.calls) >= 50)
        process.send_signal(signal.SIGINT)
        code, out, err = end(process)
        assert (code, out) == (3, "")
        kept = stored(tmp_path / ".rixin/ledger.sqlite3")
        assert len(kept) == len(server.calls) < 422
        assert f"error: stopped while 'strong' was at {len(kept)} of 422 cases" in err
        assert "run the same command again: it goes on from here" in err
        assert rixin("decide", "-q", path)[0] == 0
        assert set(Counter(map(text_of, server.calls)).values()) == {1}


def test_ctrl_c_twice_ends_at_once(tmp_path):
    release = threading.Event()

    def hangs(number, body):
        if number > 20:
            release.wait(60)
        return right(number, body)

    with model_server(hangs) as server:
        path = write(tmp_path, server)
        process = start("decide", "-q", path)
        wait_for(lambda: len(server.calls) == 2 * WORKERS)  # the second look
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        code, _, err = end(process)
        release.set()
    assert time.monotonic() - begin < 5
    assert code == 3
    assert "at 20 of 422 cases" in err
    assert len(stored(tmp_path / ".rixin/ledger.sqlite3")) == 20


def texts_without_labels():
    """Answers are long texts, so that a ledger grows; 422 cases are too few for such a promise."""
    return {
        "output": "free-text",
        "scorers": ["contains"],
        "policy": {"egress": "none"},
        "promise": {"solved": {"at_least": 0.99}, "harm": {"at_most": 0.01}, "confidence": 0.99},
    }


@contextmanager
def small_disk(folder, size):
    """A disk of its own; only root may have one."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_full_disk_loses_no_answer_and_the_next_run_goes_on(tmp_path):
    disk = tmp_path / "disk"
    with model_server(wordy) as server, small_disk(disk, "10m"):
        path, ledger = (
            write(tmp_path / "desk", server, **texts_without_labels()),
            disk / "l.sqlite3",
        )
        code, _, err = rixin("decide", "-q", "--exhaustive", "--ledger", ledger, path)
        assert code == 4
        assert "database or disk is full" in err
        assert "hint: free some space and run again; what was stored stays" in err
        kept = stored(ledger)
        assert kept == set(map(text_of, server.calls))  # the spare room held what was paid for
        assert 16 < len(kept) < 422
        subprocess.run(["mount", "-o", "remount,size=90m", disk], check=True)
        assert rixin("decide", "-q", "--exhaustive", "--ledger", ledger, path)[0] == 1
        asked = Counter(map(text_of, server.calls))
    assert (len(asked), set(asked.values())) == (422, {1})


def test_a_file_that_may_not_grow_keeps_what_was_stored(tmp_path):
    with model_server(wordy) as server:
        path = write(tmp_path, server, **texts_without_labels())
        code, _, err = rixin("decide", "-q", "--exhaustive", path, limit=6 << 20)
        assert code == 4
        assert "ledger.sqlite3' cannot be used: disk I/O error" in err
        assert "hint: check free space and the disk; what was stored stays" in err
        kept = stored(tmp_path / ".rixin/ledger.sqlite3")
        assert 16 < len(kept) < 422
        assert rixin("decide", "-q", "--exhaustive", path)[0] == 1
        asked = Counter(map(text_of, server.calls))
    assert len(asked) == 422
    assert {asked[text] for text in kept} == {1}


def test_a_folder_that_cannot_be_written_is_told_before_any_call(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with model_server(right) as server:
        path = write(tmp_path, server)
        code, out, err = rixin("decide", "-q", "--ledger", tmp_path / "file/l.sqlite3", path)
        assert server.calls == []
    assert (code, out) == (4, "")
    assert err.startswith("error: the ledger ")
    assert "hint: a file stands where the folder should be" in err


def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    with model_server(right) as server:
        path = write(tmp_path, server, budget={"decide": 5})
        assert rixin("check", path)[0] == 0  # makes the ledger
        ledger = tmp_path / ".rixin/ledger.sqlite3"
        connection = sqlite3.connect(ledger)
        with connection:
            connection.execute("UPDATE rixin_meta SET value = '99' WHERE name = 'schema_version'")
        connection.close()
        before = ledger.read_bytes()
        code, _, err = rixin("decide", "-q", path)
        assert server.calls == []
    assert code == 4
    assert "has schema version 99; this Rixin knows versions up to" in err
    assert "hint: upgrade Rixin" in err
    assert ledger.read_bytes() == before


def test_two_decisions_at_once_on_one_ledger_do_not_disturb_each_other(tmp_path):
    go = threading.Event()

    def waits(number, body):
        go.wait(60)
        return right(number, body)

    with model_server(waits) as server:
        path = write(tmp_path, server)
        first = start("decide", "-q", path)
        wait_for(lambda: server.calls)
        code, _, err = rixin("decide", "-q", path)
        assert code == 4
        assert f"process {first.pid} is deciding on the ledger" in err
        assert "hint: wait until it ends" in err
        assert rixin("report", path)[0] == 0  # reading is free
        go.set()
        code, out, _ = end(first)
        assert (code, out.startswith("Adopt strong")) == (0, True)
        assert len(server.calls) == 422


def test_a_server_that_fails_one_call_in_ten_gives_the_exact_score(tmp_path):
    def shaky(number, body):
        if number % 20 == 7:
            return failure(429, "slow down", **{"Retry-After": "0.01"})
        return failure(500, "oops") if number % 20 == 13 else right(number, body)

    with model_server(shaky) as server:
        path = write(tmp_path, server)
        assert rixin("decide", "-q", path)[0] == 0
        calls = len(server.calls)
        asked = Counter(map(text_of, server.calls))
    (one,) = verdict(path)["candidates"]
    found = one["tally"]
    assert (found["cases"], found["solved"], found["unmeasured"]) == (422, 422, 0)
    assert found["retries"] == calls - 422 == sum(asked.values()) - len(asked)
    assert (tmp_path / ".rixin/desk.html").exists()
