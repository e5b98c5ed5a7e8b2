"""Rows on their way to the disk."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.ledger import audit_check
from rixin.ledger.requests import find_request
from rixin.ledger.store import Ledger
from rixin.serve.call import Call, keep, new_id
from rixin.serve.capture import Capture


def call_of(seconds, text):
    now = time.time()
    call = Call(new_id(now), now, SimpleNamespace(key=SimpleNamespace(id=1)), "openai.chat")
    call.began = time.perf_counter() - seconds
    call.note, call.content = text, {"input": text, "output": None}
    return call


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e4), st.text()), min_size=1, max_size=300))
def test_every_row_is_as_the_trail_says(given_rows):
    async def run(ledger):
        capture = Capture(ledger, bound_s=0.01)
        calls = [call_of(seconds, text) for seconds, text in given_rows]
        for call in calls:
            keep(call, capture)
        await capture.close()
        assert (capture.waiting, capture.written, capture.fault) == (0, len(calls), "")
        return calls

    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite3"
        with Ledger(path) as ledger:
            calls = asyncio.run(run(ledger))
            assert find_request(ledger, calls[-1].id)["content"]["input"] == given_rows[-1][1]
        found = audit_check.check(path)
        assert (found.requests, found.wrong) == (len(given_rows), [])


ALONE = """
import time
from pathlib import Path
from rixin.serve.writer import Writer

writer = Writer(Path("/proc/nowhere/ledger.sqlite3"), gather_s=0.01)
while writer.news() is not None:
    time.sleep(0.01)
writer.reap()
print("went on")
"""


def test_a_writing_process_that_cannot_begin_ends_and_says_why():
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert done.stdout == "went on\n"
    assert done.stderr.startswith("the process that writes rows: ")
    assert len(done.stderr.splitlines()) == 1
