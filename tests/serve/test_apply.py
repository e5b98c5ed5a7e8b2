"""`rixin apply`: files in every form, resumed, and safe to open in a spreadsheet."""

import contextlib
import csv
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from openpyxl import Workbook

from rixin.errors import ExportError, UsageError
from rixin.interop.readers import open_rows
from rixin.interop.writers import safe_cell, write_rows
from rixin.serve.apply import Reading
from rixin.serve.journal import Journal
from serve.house import release, upstream, write_scenario


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("apply")
    with upstream(folder) as up:
        path = write_scenario(folder / "desk", up.url, faults=("slow",))
        release(path)
        yield path, up


def rixin(path, *arguments):
    command = [sys.executable, "-m", "rixin", *arguments]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "xlsx"])
def test_a_file_is_answered_row_by_row(desk, form):
    path, _ = desk
    source = path.parent / "in.csv"
    source.write_text('q,id\na zebra,=1+1\nan okapi,2\n"",3\n')
    code, said = rixin(path, "apply", "desk.yaml", "in.csv", "-o", f"out.{form}")
    assert (code, "3 rows, 2 answered" in said) == (0, True), said
    rows = [row.values for row in open_rows(path.parent / f"out.{form}").rows()]
    assert [row["rixin_output"] or None for row in rows] == ["stripes", "fine", None]
    assert [row["rixin_solver"] for row in rows][:2] == ["rules", "strong"]
    assert str(rows[0]["id"]).endswith("=1+1")
    assert str(rows[0]["id"]) == ("'=1+1" if form == "csv" else "=1+1")
    assert not list(path.parent.glob(".out*"))


def test_an_output_that_is_there_is_not_paid_and_replaced_in_silence(desk):
    path, _ = desk
    (path.parent / "once.csv").write_text("q\na zebra\n")
    command = ("apply", "desk.yaml", "once.csv", "-o", "there.csv")
    (path.parent / "there.csv").write_text("mine")
    code, said = rixin(path, *command)
    assert (code, "there.csv is there already" in said) == (2, True)
    assert (path.parent / "there.csv").read_text() == "mine"
    assert rixin(path, *command, "--overwrite")[0] == 0
    assert "stripes" in (path.parent / "there.csv").read_text()


def test_a_run_that_was_stopped_goes_on(desk):
    path, up = desk
    rows = "".join(f"okapi number {n}\n" for n in range(3_000))
    (path.parent / "long.csv").write_text("q\n" + rows)
    command = [sys.executable, "-m", "rixin", "apply", "desk", "long.csv", "-o", "long.jsonl"]
    first = subprocess.Popen(command, cwd=path.parent, stderr=subprocess.PIPE, text=True)
    journal = path.parent / ".long.jsonl.part"
    while not journal.exists() or journal.stat().st_size < 20_000:
        assert first.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGINT)
    assert first.wait(20) == 3, first.stderr.read()
    first.stderr.close()
    done = len(journal.read_text().splitlines()) - 1
    before = len(up.seen("good"))
    code, said = rixin(path, "apply", "desk", "long.csv", "-o", "long.jsonl")
    assert (code, "3,000 rows, 3,000 answered" in said) == (0, True), said
    assert len(up.seen("good")) - before == 3_000 - done
    lines = (path.parent / "long.jsonl").read_text().splitlines()
    assert [json.loads(line)["q"] for line in lines][:2] == ["okapi number 0", "okapi number 1"]


def test_a_journal_keeps_every_row_and_its_job(tmp_path):
    path = tmp_path / ".out.csv.part"
    with Journal(path, "job") as journal:
        journal.add(1, {"rixin_output": "two\u2028lines \x85 of \u6587\ud800"})
        with pytest.raises(UsageError, match="another run"):
            Journal(path, "job")
        assert path.read_bytes().count(b"\n") == 2  # written at once, not when it is closed
    with path.open("ab") as file:
        file.write(b'[2, {"rixin_output": "\xe6')  # killed in the middle of a character
    with Journal(path, "job") as journal:
        assert list(journal.rows) == [1]
        journal.add(2, {"rixin_output": "again"})
    with pytest.raises(UsageError, match="holds 2 rows"):
        Journal(path, "another column")
    with Journal(path, "job") as journal:
        assert journal.rows[1]["rixin_output"] == "two\u2028lines \x85 of \u6587\ud800"
        assert journal.rows[2]["rixin_output"] == "again"


def test_rows_of_another_column_are_not_taken(desk):
    path, _ = desk
    (path.parent / "two.csv").write_text("a,b\na zebra,an okapi\n")
    source = path.parent / "two.csv"
    command = ("apply", "desk", "two.csv", "-o", "two.jsonl", "--input")
    from rixin.interop.readers import file_digest

    ledger = path.parent / ".rixin" / "ledger.sqlite3"
    job = repr((str(ledger.resolve()), "desk", file_digest(source), "a", *Reading()))
    with Journal(path.parent / ".two.jsonl.part", job) as journal:
        journal.add(1, {"rixin_output": "stripes", "rixin_state": "answered"})
    code, said = rixin(path, *command, "b")
    assert (code, "holds 1 rows" in said) == (2, True), said
    journal.remove()
    assert rixin(path, *command, "b")[0] == 0
    row = json.loads((path.parent / "two.jsonl").read_text())
    assert (row["a"], row["rixin_output"]) == ("a zebra", "fine")


class Busy(BaseHTTPRequestHandler):
    """Asks for a pause once, fails once, and answers then."""

    said = iter(())

    def do_POST(self):
        status = next(self.said, 200)
        self.rfile.read(int(self.headers["Content-Length"]))
        choice = {"index": 0, "message": {"content": "fine"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 1}
        body = json.dumps({"choices": [choice], "usage": usage}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_rows_wait_for_a_pause_and_are_asked_again(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Busy.said = iter((429, 200, 500))
    url = f"http://127.0.0.1:{server.server_port}/v1"
    path = write_scenario(tmp_path / "desk", url, faults=())
    release(path)
    (path.parent / "in.csv").write_text("q\n" + "".join(f"okapi {n}\n" for n in range(100)))
    code, said = rixin(path, "apply", "desk", "in.csv", "-o", "out.csv")
    assert (code, "100 rows, 100 answered" in said) == (0, True), said
    assert said.count("waiting: ") == 1
    server.shutdown()
    server.server_close()


def test_what_a_killed_run_noted_is_in_the_ledger(desk):
    path, _ = desk
    (path.parent / "killed.csv").write_text("q\n" + "".join(f"okapi {n}\n" for n in range(9_000)))
    command = [sys.executable, "-m", "rixin", "apply", "desk", "killed.csv", "-o", "killed.jsonl"]
    run = subprocess.Popen(command, cwd=path.parent, stderr=subprocess.DEVNULL)
    journal = path.parent / ".killed.jsonl.part"
    while not journal.exists() or journal.stat().st_size < 20_000:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    time.sleep(1)  # the process that commits rows ends by itself
    noted = [json.loads(one)[1]["rixin_request"] for one in journal.read_text().splitlines()[1:]]
    asked = "SELECT count(*) FROM requests WHERE id IN (SELECT value FROM json_each(?))"
    with contextlib.closing(sqlite3.connect(path.parent / ".rixin" / "ledger.sqlite3")) as ledger:
        assert ledger.execute(asked, [json.dumps(noted)]).fetchone() == (len(noted),)


def test_there_must_be_a_ledger(tmp_path):
    path = write_scenario(tmp_path, "http://127.0.0.1:9/v1", faults=())
    code, said = rixin(path, "apply", "desk.yaml", "cases.csv", "-o", "out.csv")
    assert (code, "there is no ledger" in said) == (2, True), said
    assert not (tmp_path / ".rixin").exists()


def test_a_budget_that_ends_stops_the_run(desk):
    path, up = desk
    own = write_scenario(path.parent / "capped", up.url, more="budget: {per_day: 0.025}", faults=())
    release(own)
    (own.parent / "in.csv").write_text("q\n" + "".join(f"okapi {n}\n" for n in range(200)))
    code, said = rixin(own, "apply", "desk", "in.csv", "-o", "out.csv")
    assert (code, "Traceback" in said) == (3, False), said
    assert "a budget of" in said
    assert len((own.parent / ".out.csv.part").read_text().splitlines()) > 1


def test_bad_requests(desk):
    path, up = desk
    before = len(up.seen("good"))
    (path.parent / "in.csv").write_text("q\nan okapi\n")
    for target in ("out.txt", "nowhere/out.csv"):
        code, said = rixin(path, "apply", "desk", "in.csv", "-o", target)
        assert (code != 0, "Traceback" in said) == (True, False), said
    assert len(up.seen("good")) == before  # nobody is paid for what cannot be written
    (path.parent / "in.csv").write_text("q\na zebra\n")
    assert rixin(path, "apply", "desk", "in.csv", "-o", "in.csv")[0] == 2
    assert rixin(path, "apply", "desk", "in.csv", "-o", "out.txt")[0] == 2
    code, said = rixin(path, "apply", "desk", "in.csv", "-o", "o.csv", "--input", "nope")
    assert (code, "'nope'" in said) == (2, True)
    assert rixin(path, "apply", "desk@9", "in.csv", "-o", "o.csv")[0] != 0
    assert rixin(path, "apply", "nobody", "in.csv", "-o", "o.csv")[0] == 2


def test_cells_and_forms(tmp_path):
    assert [safe_cell(one) for one in ("@x()", "+1", None, 1.5)] == ["'@x()", "+1", None, 1.5]
    with pytest.raises(ExportError, match="no ending"):
        write_rows(tmp_path / "x.txt", ["a"], [])
    with pytest.raises(ExportError, match="cannot be written"):
        write_rows(tmp_path / "none" / "x.csv", ["a"], [])
    write_rows(tmp_path / "x.csv", ["a", "b"], [{"a": "=1", "b": None}])
    assert list(csv.reader((tmp_path / "x.csv").read_text().splitlines())) == [
        ["a", "b"],
        ["'=1", ""],
    ]


def test_parquet_keeps_kinds_and_workbooks_take_any_text(tmp_path):
    rows = [
        {"n": 1, "x": 0.5, "yes": True, "text": "a\x0bb\ud800", "mixed": 1, "big": 2**70},
        {"n": None, "x": 2, "yes": False, "text": None, "mixed": "one"},
    ]
    columns = ["n", "x", "yes", "text", "mixed", "big"]
    write_rows(tmp_path / "out.parquet", columns, rows)
    found = [row.values for row in open_rows(tmp_path / "out.parquet").rows()]
    assert [found[0][name] for name in columns] == [1, 0.5, True, "a\x0bb?", "1", str(2**70)]
    assert [found[1][name] for name in columns] == [None, 2.0, False, None, "one", None]
    for form in ("xlsx", "csv", "jsonl"):
        write_rows(tmp_path / f"out.{form}", columns, rows)
    cells = next(open_rows(tmp_path / "out.xlsx").rows()).values
    assert (cells["n"], cells["text"]) == (1, "a\x0bb?")


def test_cells_keep_what_they_hold(tmp_path):
    row = {
        "fields": {"a": [1, "文"]},
        "day": date(2026, 3, 1),
        "at": datetime.fromisoformat("2026-03-01T09:30"),
        "utc": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        "nan": float("nan"),
        "long": "y" * 40_000,
        "wide": "＝1+1",
    }
    found = {}
    for form in ("csv", "jsonl", "xlsx", "parquet"):
        write_rows(tmp_path / f"out.{form}", list(row), [row])
        found[form] = next(open_rows(tmp_path / f"out.{form}").rows()).values
    assert found["jsonl"]["fields"] == {"a": [1, "文"]}
    assert "NaN" not in (tmp_path / "out.jsonl").read_text()
    for form in ("csv", "xlsx", "parquet"):
        assert json.loads(found[form]["fields"]) == {"a": [1, "文"]}
    for form in ("csv", "xlsx"):
        assert found[form]["utc"] == "2026-03-01T09:30:00+00:00"
    assert found["csv"]["at"] == "2026-03-01T09:30:00"
    assert found["xlsx"]["at"] == found["parquet"]["at"] == row["at"]
    assert (found["parquet"]["utc"], found["parquet"]["day"]) == (row["utc"], row["day"])
    assert len(found["csv"]["long"]) == 40_000
    assert found["xlsx"]["long"].endswith("… [cut: 40,000 characters]")
    assert (found["csv"]["wide"], found["xlsx"]["wide"]) == ("'＝1+1", "＝1+1")


def test_a_file_that_is_applied_twice_is_the_same_file(desk):
    path, _ = desk
    first = "sep=;\nq;=name;Betrag;rixin_output\na zebra;=1+1;-3,20;old\na zebra;@anna;;\n"
    (path.parent / "once.csv").write_text(f"\ufeff{first}", encoding="utf-8")
    assert rixin(path, "apply", "desk", "once.csv", "-o", "twice.csv")[0] == 0
    assert rixin(path, "apply", "desk", "twice.csv", "-o", "thrice.csv")[0] == 0
    once, again = ((path.parent / name).read_text() for name in ("twice.csv", "thrice.csv"))
    assert [line.split("req_")[0] for line in once.splitlines()] == [
        *("\ufeffsep=;", once.splitlines()[1]),
        *(
            "a zebra;'=1+1;-3,20;stripes;rules;answered;0.0;",
            "a zebra;@anna;;stripes;rules;answered;0.0;",
        ),
    ]
    assert once.splitlines()[1].startswith("q;'=name;Betrag;rixin_output;rixin_solver;")
    assert [line.split("req_")[0] for line in again.splitlines()] == [
        line.split("req_")[0] for line in once.splitlines()
    ]


def test_formulas_without_values_are_told_with_their_place(desk):
    path, up = desk
    book = Workbook()
    for row in (["q", "total"], ["a zebra", "=1+1"], ['="a "&"zebra"', "#N/A"]):
        book.active.append(row)
    book.save(path.parent / "bare.xlsx")
    before = len(up.seen("good"))
    code, said = rixin(path, "apply", "desk", "bare.xlsx", "-o", "bare.jsonl", "--json")
    found, _ = json.JSONDecoder().raw_decode(said[said.index("{") :])
    assert (code, found["answered"], found["refused"]) == (0, 1, 1)
    formulas, errors = found["notes"]
    assert "2 cells have no value and are written as the text of the formula" in formulas
    assert "bare.xlsx, sheet 'Sheet', row 2, column 'total'" in formulas
    assert "1 cell has no value and is written as the error; the first is the error #N/A" in errors
    rows = [json.loads(line) for line in (path.parent / "bare.jsonl").read_text().splitlines()]
    assert [row["total"] for row in rows] == ["=1+1", "#N/A"]
    assert "open the file in a spreadsheet program and save it" in rows[1]["rixin_note"]
    assert len(up.seen("good")) == before


def test_columns_of_an_earlier_run_are_written_once(desk):
    path, _ = desk
    (path.parent / "before.csv").write_text("q,rixin_output,id\na zebra,old,7\n")
    assert rixin(path, "apply", "desk", "before.csv", "-o", "after.csv")[0] == 0
    header, row = csv.reader((path.parent / "after.csv").read_text().splitlines())
    assert header[:3] == ["q", "id", "rixin_output"]
    assert len(header) == len(set(header)) == 8
    assert row[:3] == ["a zebra", "7", "stripes"]


def test_a_file_in_another_encoding(desk):
    path, _ = desk
    (path.parent / "gbk.csv").write_bytes("q,名\na zebra,斑马\n".encode("gb18030"))
    command = ("apply", "desk", "gbk.csv", "-o", "gbk.jsonl")
    code, said = rixin(path, *command)
    assert (code, "--encoding" in said) == (2, True), said
    assert rixin(path, *command, "--encoding", "gb18030")[0] == 0
    assert json.loads((path.parent / "gbk.jsonl").read_text())["名"] == "斑马"
