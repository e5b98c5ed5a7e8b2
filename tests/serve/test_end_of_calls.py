"""Once an answer is out, nothing that is written down of it can bring a second one."""

import contextlib
from types import SimpleNamespace

import msgspec

from rixin.serve.call import Call
from rixin.serve.gateway import Gateway
from rixin.serve.meters import Meters
from rixin.serve.metrics import Metrics

SAID = "PATIENT JANE ROE"


class Rows:
    """Takes rows that JSON can hold; `broken`: none at all."""

    def __init__(self, *, broken=False):
        self.broken, self.rows = broken, []

    def add(self, facts, content):
        if self.broken:
            raise RuntimeError(SAID)
        self.rows.append(msgspec.json.encode([facts, content]))


@contextlib.contextmanager
def gateway(rows, metrics=None):
    parts = dict.fromkeys(("state", "transport", "others", "error_body"))
    parts |= {"meters": Meters(), "metrics": metrics or Metrics(), "endpoints": {}}
    made = Gateway(**parts, capture=rows)
    try:
        yield made
    finally:
        made.meters.close()


def ended(rows, metrics=None, **fields):
    caller = SimpleNamespace(key=SimpleNamespace(id=1, public_id="k"))
    call = Call("req_1", 0.0, caller, "openai.chat", **fields)
    with gateway(rows, metrics) as made:
        made._end(call)
    return call


def test_a_row_whose_texts_cannot_be_stored_is_kept_without_them(caplog):
    rows = Rows()
    ended(rows, content={"input": f"{SAID} \ud83d"}, note=f"\ud83d {SAID}", model="\ud83d")
    (row,) = rows.rows
    assert b"req_1" in row
    assert b"what was said cannot be stored" in row
    assert SAID not in caplog.text
    assert "UnicodeEncodeError" in caplog.text


def test_a_row_that_cannot_be_stored_at_all_is_told_and_raises_nothing(caplog):
    ended(Rows(broken=True))
    assert "the row of req_1 is lost" in caplog.text
    assert SAID not in caplog.text


def test_what_cannot_be_counted_raises_nothing(caplog):
    rows = Rows()
    ended(rows, metrics=SimpleNamespace())
    assert len(rows.rows) == 1
    assert "req_1 is not counted" in caplog.text
