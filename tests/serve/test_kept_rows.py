"""What a row keeps of a call: money that may have been spent, and words that can be erased."""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from house import create_key, release, start, upstream, write_scenario

from rixin.cli.app import run as run_cli
from rixin.ledger import audit_check
from rixin.ledger.audit import current_head, entries, write_head
from rixin.ledger.requests import erase_content, find_request
from rixin.ledger.store import Ledger
from rixin.serve.app import seed
from rixin.serve.call import Call, keep, new_id, reserve, settle
from rixin.serve.capture import Capture
from rixin.serve.errors import Refusal
from rixin.serve.meters import Limit, Meters

CAP = (Limit(2, "money_day", 50),)


def new_call(**fields):
    now = time.time()
    call = Call(new_id(now), now, SimpleNamespace(key=SimpleNamespace(id=1)), "openai.chat")
    for name, value in fields.items():
        setattr(call, name, value)
    return call


def keep_all(ledger, *calls):
    async def run():
        capture = Capture(ledger, bound_s=0.01)
        for call in calls:
            keep(call, capture)
        await capture.close()
        assert capture.written == len(calls)

    asyncio.run(run())
    write_head(ledger, current_head(ledger), datetime.now(UTC))


def test_a_cost_that_is_not_known_counts_as_reserved_after_a_restart_too(tmp_path, capsys):
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        call, meters = new_call(scenario="desk", solver="strong"), Meters()
        reserve(call, meters, CAP, tokens=1, most_pico=40)
        call.cost_pico = None  # it timed out
        settle(call, meters)
        keep_all(ledger, call)
        meters.close()

        again = Meters()
        seed(again, ledger)
        assert again.used(2, "money_day", now=time.time()) == 40
        with pytest.raises(Refusal, match=r"0\.00000000004 used or reserved"):
            reserve(new_call(), again, CAP, tokens=1, most_pico=40)
        again.close()
    where = ["--ledger", str(tmp_path / "ledger.sqlite3")]
    assert run_cli(["explain", call.id, *where]) == 0
    assert "unknown, at most <0.000001 of the scenario's currency" in capsys.readouterr().out


def test_starts_ends_and_changed_prices_are_in_the_trail(tmp_path):
    prices = {"good": {"input": 10, "output": 40}}
    with upstream(tmp_path) as up:
        path = write_scenario(tmp_path / "desk", up.url, more="prices: prices.yaml", faults=())
        path.write_text(path.read_text().replace(", price: {input: 10, output: 40}", ""))
        file = path.parent / "prices.yaml"
        file.write_text(json.dumps({"date": "2026-11-01", "models": prices}))
        release(path)
        key = create_key(path)
        for change in ("", "", '"output": 41'):
            file.write_text(file.read_text().replace('"output": 40', change or '"output": 40'))
            house = start(path, key=key)
            house.stop()
            house.process.stderr.close()
    with Ledger(house.ledger) as ledger:
        seen = [one for one in entries(ledger, 100) if one["action"].startswith("serve.")]
    kinds = [one["action"].removeprefix("serve.") for one in seen]
    assert kinds == ["prices", *("start", "stop") * 2, "prices", "start", "stop"]
    before, after = (one["detail"]["prices"]["strong"] for one in seen if "prices" in one["detail"])
    assert before["from"] == after["from"] == "prices.yaml"
    assert before["rates"] != after["rates"]
    assert audit_check.check(house.ledger).wrong == []


def test_no_word_of_a_caller_survives_an_erasure_and_the_row_still_holds(tmp_path, capsys):
    path = tmp_path / "ledger.sqlite3"
    unknown = new_call(model="john.doe@example.com", state="refused", status=404)
    unknown.note = "there is no model 'john.doe@example.com' for this key"
    passed_on = new_call(model="solver/strong", scenario="desk", solver="strong", status=400)
    passed_on.note = "the endpoint says: PATIENT JANE ROE is too long"
    told = new_call(model="scenario/desk", scenario="desk", content={"input": "ROE", "output": ""})
    told.note = "JANE"
    calls = (unknown, passed_on, told)
    with Ledger(path) as ledger:
        keep_all(ledger, *calls)
        rows = [find_request(ledger, call.id) for call in calls]
        assert [row["detail"]["note"] for row in rows] == [call.note for call in calls]
        assert [row["detail"]["model"] for row in rows] == [call.model for call in calls]
        assert [row["content"] is None for row in rows] == [True, True, False]
        erase_content(ledger, [call.id for call in calls], actor="ann", now=datetime.now(UTC))
        row = find_request(ledger, passed_on.id)
        assert (row["detail"].get("note"), row["detail"]["model"]) == (None, "solver/strong")
    for file in tmp_path.iterdir():
        held = file.read_bytes()
        assert not any(word in held for word in (b"john.doe", b"JANE", b"ROE")), file
    assert audit_check.check(path).wrong == []
    assert run_cli(["explain", unknown.id, "--ledger", str(path)]) == 0
    assert "asked for: what was erased" in capsys.readouterr().out
