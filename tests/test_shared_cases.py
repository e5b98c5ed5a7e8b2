"""Cases beside the repository: each holds an input, `try.sh`, and a README that says what is right.

They are run where they lie, and skipped by name where they do not. What is right of a case stands
in a function of its name, which gets what `try.sh` printed and the folder that it ran in.
"""

import csv
import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CASES = Path(__file__).parents[2] / "shared" / "cases-t2"
NAMES = sorted(path.parent.name for path in CASES.glob("*/try.sh"))


@pytest.mark.skipif(not NAMES, reason="shared/cases-t2 is not beside this repository")
@pytest.mark.parametrize("name", NAMES or ["none"])
def test_what_the_readme_calls_right_is_what_happens(name, tmp_path):
    check = globals().get(name.replace("-", "_"))
    if check is None:
        pytest.skip(f"what is right of {name} is not written down yet")
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    printed = run_case(name, tmp_path)
    (folder,) = tmp_path.iterdir()
    check(printed, folder)


def run_case(name: str, folder: Path) -> str:
    """What `try.sh` prints; the folder that it makes lies in the given one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["sh", str(CASES / name / "try.sh")],
        env={**os.environ, "PATH": path, "PORT": str(free_port()), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=200)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return printed


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def asked(folder: Path) -> list[dict]:
    """What the endpoint of a case was asked, in order."""
    return [json.loads(line) for line in (folder / "asked.jsonl").read_text().splitlines()]


# ---- endpoints ----


def content_in_parts(printed: str, folder: Path) -> None:
    assert "bad_reply" not in printed
    assert len(asked(folder)) == 1
    assert "up (endpoint): refund" in printed


def error_in_a_200(printed: str, folder: Path) -> None:
    assert printed.count("HTTP/1.1 429") == 2
    assert printed.count("Rate limit exceeded: free-models-per-day") == 2
    assert "x-rixin-cost: 0.0" not in printed
    assert "is no answer" not in printed


def limit_added_by_the_gateway(printed: str, folder: Path) -> None:
    assert "error" not in printed
    assert printed.count('"content": "fine"') == 3
    budget, rate = [one for one in asked(folder) if "fine" not in one][-2:]
    assert budget["max_completion_tokens"] > 0
    assert "max_tokens" not in budget
    assert rate.keys() == {"model", "messages"}


def retry_after_an_hour(printed: str, folder: Path) -> None:
    waits = [int(line.split()[1]) for line in printed.splitlines() if line[:12] == "retry-after:"]
    assert len(waits) == 2
    assert waits[0] == 3600
    assert 3000 < waits[1] <= 3600


def stream_error_beside_choices(printed: str, folder: Path) -> None:
    assert "[DONE]" not in printed
    assert '"error"' in printed
    assert "failed (HTTP 502)" in printed


def stream_events_with_ids(printed: str, folder: Path) -> None:
    forms = printed.split("== ")[1:]
    assert len(forms) == 4
    for form in forms:
        assert "[DONE]" in form
        assert "answered (HTTP 200)" in form
        assert "2,000 tokens in, 500 out; 0.0265 of" in form
        assert '"usage"' not in form


# ---- labels, scores ----


def outputs(printed: str) -> list[str]:
    """What `up` said to each case, in order, with its state."""
    return re.findall(r"up \(endpoint\): (.*)", printed)


def label_inverted(printed: str, folder: Path) -> None:
    wanted = ["not_spam"] * 3 + ["non-toxic"] * 2 + ["spam"]
    assert outputs(printed) == [f"{label}: solved" for label in wanted]


def label_then_reason(printed: str, folder: Path) -> None:
    assert outputs(printed) == ["ham: solved"] * 4 + ["no output: unsolved"]


def list_items_mixed(printed: str, folder: Path) -> None:
    swapped, ordered = printed.split("== ")[1:]
    assert "unsolved" in swapped
    assert "items[].n is wrong" in swapped
    assert ": solved" in ordered


def one_label_five_spellings(printed: str, folder: Path) -> None:
    answers = printed.partition("rixin_output$")[2].split()
    assert sorted(answers) == ["delivery$"] * 3 + ["refund$"] * 5
    assert printed.count("taken as one label") >= 2


# ---- files ----


def formulas_without_values(printed: str, folder: Path) -> None:
    assert printed.count("2 cells have no value") == 2
    assert printed.count("row 2, column 'total'") == 2
    assert "'=1+1,stripes" in printed
    assert "the input is the formula" in printed
    assert "open the file in a spreadsheet program and save it" in printed
    assert "'=1+1" not in workbook_texts(folder / "out.xlsx")
    assert "=1+1" in workbook_texts(folder / "out.xlsx")


def late_key_lost(printed: str, folder: Path) -> None:
    assert printed.splitlines()[-1] == "100"
    assert '"note": "n1199"' in printed


def own_columns_spoilt(printed: str, folder: Path) -> None:
    with (
        (folder / "in.csv").open(newline="") as before,
        (folder / "out.csv").open(newline="") as after,
    ):
        own = [row["note"] for row in csv.DictReader(before)]
        assert [row["note"] for row in csv.DictReader(after)] == own
    assert set(own) <= set(workbook_texts(folder / "out.xlsx"))


def workbook_texts(path: Path) -> list[str]:
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    return [html.unescape(text) for text in re.findall(r"<t[^>]*>([^<]*)</t>", sheet)]


def semicolon_file_comes_back(printed: str, folder: Path) -> None:
    before, after = ((folder / name).read_bytes() for name in ("in.csv", "out.csv"))
    assert after.startswith(before.splitlines()[0] + b";rixin_output;")
    for line in before.splitlines()[1:]:
        assert line in after


def sep_line(printed: str, folder: Path) -> None:
    assert "error" not in printed
    assert "400 to decide on" in printed


# ---- guards ----
