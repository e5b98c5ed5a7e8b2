"""Runs of agents: what a run and its children may cost together, and what they have cost."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rixin.cli.app import run as rixin
from rixin.ledger.requests import erase_content
from rixin.ledger.runs import list_runs, root_of_run, spent_of_run
from rixin.ledger.store import Ledger
from rixin.serve.meters import Meters, shared_file
from rixin.serve.runs import Cap, Runs, Spent, TableFull, part_of, run_id, to_hex
from serve.house import served, start
from serve.test_budgets import COST

CENT = Decimal("0.01")
RUNS = ["job", "left", "right", "left/deep"]
PARENTS = {"left": "job", "right": "job", "left/deep": "left, job"}


def named(run):
    found = {"x-rixin-run": run}
    return {**found, "x-rixin-parent-run": PARENTS[run]} if run in PARENTS else found


async def crowd(house, key, count):
    """Statuses of so many calls at the same time, of a run and its children in turn."""
    body = {"model": "solver/strong", "messages": [{"role": "user", "content": "x"}]}
    sent = json.dumps({**body, "max_tokens": 1}).encode()

    async def ask(run):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        lines = "".join(f"{name}: {value}\r\n" for name, value in named(run).items()).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%b"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (lines, key.encode(), len(sent), sent)
        )
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])

    return await asyncio.gather(*(ask(RUNS[place % len(RUNS)]) for place in range(count)))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_two_hundred_callers_of_one_run_and_its_children_cannot_overrun_one_cent(tmp_path, workers):
    with served(tmp_path, "--workers", workers, faults=()) as house:
        key = house.new_key(money_per_run=CENT)
        statuses = asyncio.run(crowd(house, key, 200))
        assert set(statuses) == {200, 429}
        for _ in range(20):  # more was reserved than used: more calls fit once these are settled
            statuses += asyncio.run(crowd(house, key, 20))
        answered = statuses.count(200)
        assert answered * COST <= CENT
        assert (answered + 10) * COST > CENT
        house.stop()
        house.process.stderr.close()
        again = start(house.path, key=key)  # a restart opens no run anew
        refused = [
            again.chat("x", "solver/strong", max_tokens=40, headers=named(run)) for run in RUNS
        ]
        other = again.chat("x", "solver/strong", max_tokens=40, headers=named("another"))
        again.stop()
        again.process.stderr.close()
    assert [reply.status for reply in refused] == [429] * len(RUNS)
    error = refused[0].json()["error"]
    assert error["code"] == "insufficient_quota"
    assert "the run job may cost 0.01, as its key says" in error["message"]
    assert refused[0].headers["x-should-retry"] == "false"
    assert other.status == 200
    with Ledger(house.ledger) as ledger:
        line = [run for run in list_runs(ledger) if run.name in RUNS]
        assert {run.name: run.parent for run in line} == {"job": "", **PARENTS}
        assert len({run.root for run in line}) == 1
        spent = sum(run.pico for run in line)
        assert spent == answered * int(COST * 10**12) == spent_of_run(ledger, line[0].root)


def test_a_call_that_names_no_run_is_one_of_its_own(house):
    key = house.new_key(money_per_run=Decimal("0.002"))
    for _ in range(5):
        assert house.chat("x", "solver/strong", key=key, max_tokens=1).status == 200
    reply = house.chat("x", "solver/strong", key=key, max_tokens=100)
    assert reply.status == 429
    assert "this call may cost 0.002" in reply.json()["error"]["message"]


def test_metadata_names_a_run_as_well_and_a_header_comes_first(house):
    for more in ({}, {"headers": {"x-rixin-run": "by-header"}}):
        reply = house.chat(
            "x",
            "solver/strong",
            metadata={"run_id": "by-body", "parent_run_id": "whole"},
            **more,
        )
        assert reply.status == 200
        row = house.row(reply.headers["x-rixin-request-id"])
        wanted = {"run": "by-header"} if more else {"run": "by-body", "parent_run": "whole"}
        assert {name: row["detail"].get(name) for name in wanted} == wanted
    assert house.upstream.seen("good")[-1]["body"]["metadata"]["run_id"] == "by-body"
    reply = house.chat("a zebra", metadata={"run_id": "by-body"})
    assert "x-rixin-unheeded" not in reply.headers
    reply = house.chat("a zebra", metadata={"run_id": "by-body", "team": "blue"})
    assert reply.headers["x-rixin-unheeded"] == "metadata"
    assert house.chat("a zebra", metadata={"run_id": 7}).status == 400


def test_a_run_keeps_its_parent_and_its_name_is_plain(house):
    assert house.chat("a zebra", headers={"x-rixin-run": "first"}).status == 200
    two = {"x-rixin-run": "second", "x-rixin-parent-run": "first"}
    assert [house.chat("a zebra", headers=two).status for _ in range(2)] == [200, 200]
    assert house.chat("a zebra", headers={"x-rixin-run": "second"}).status == 200
    for wrong in (
        {"x-rixin-run": "second", "x-rixin-parent-run": "third"},
        {"x-rixin-run": "first", "x-rixin-parent-run": "third"},
        {"x-rixin-run": "alone", "x-rixin-parent-run": "alone"},
    ):
        reply = house.chat("a zebra", headers=wrong)
        assert (reply.status, reply.json()["error"]["code"]) == (409, "run_has_another_parent")
    for name in ("x" * 129, "caf\xe9", "a,b"):
        assert house.chat("a zebra", headers={"x-rixin-run": name}).status == 400


def test_a_scenario_caps_what_a_run_may_spend_in_it(tmp_path):
    with served(tmp_path, faults=(), more="budget: {per_run: 0.002, over: cheaper}\n") as house:
        job = {"x-rixin-run": "job"}
        statuses = [
            house.chat("x", "solver/strong", max_tokens=1, headers=job).status for _ in range(16)
        ]
        assert statuses[0] == 200
        assert statuses[-1] == 429
        assert statuses.count(200) * COST <= Decimal("0.002")
        reply = house.chat("x", "solver/strong", max_tokens=1, headers=job)
        assert "as the scenario desk says" in reply.json()["error"]["message"]
        assert house.chat("x", "solver/strong", max_tokens=1).status == 200
        assert house.chat("a zebra", headers=job).status == 200  # by rules, which cost nothing


def test_runs_are_listed_with_what_they_spent_and_their_names_can_be_erased(house, capsys):
    key = house.new_key()
    for run in ("list", "list/child"):
        parent = {"x-rixin-parent-run": "list"} if "/" in run else {}
        headers = {"x-rixin-run": run, **parent}
        reply = house.chat("x", "solver/strong", key=key, max_tokens=1, headers=headers)
        assert reply.status == 200
    house.row(reply.headers["x-rixin-request-id"])
    assert rixin(["runs", "--ledger", str(house.ledger)]) == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert lines["list"][1] == "–"
    assert lines["list"][3:5] == ["1", "0"]
    assert "0.00014" in lines["list"]
    assert "0.00028" in lines["list"]
    assert lines["list/child"][1] == "list"
    assert rixin(["runs", "--ledger", str(house.ledger), "--json", "--last", "1"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["name"], run["parent"], run["spent"], run["calls"]) == (
        *("list/child", "list", "0.00014", 1),
    )
    with Ledger(house.ledger) as ledger:
        number = reply.headers["x-rixin-request-id"]
        erase_content(ledger, [number], actor="test", now=datetime.now(UTC))
        left = list_runs(ledger, most=1)[0]
    assert (left.id, left.name, left.parent) == (run["id"], "", "")
    assert rixin(["runs", "--ledger", str(house.ledger), "--key", "nobody"]) != 0


def test_the_table_gives_places_to_new_runs_once_others_are_idle():
    meters = Meters()
    runs, first = Runs(meters), run_id(1, "0")
    same = [
        one
        for one in (run_id(1, str(n)) for n in range(400_000))
        if one[0] // 2 % 1024 == first[0] // 2 % 1024
    ]
    for place, run in enumerate(same[:16]):
        runs.begin(run, run, place, now=1_000.0)
    with pytest.raises(TableFull):
        runs.begin(same[16], same[16], 0, now=1_030.0)
    held = runs.reserve([Cap(same[0], 100, "its key")], 50, now=1_000.0)
    runs.begin(same[16], same[16], 7, now=1_100.0)  # the oldest that holds nothing gave way
    assert [runs.root(run) for run in (same[0], same[16])] == [same[0], same[16]]
    assert runs.root(same[1]) is None
    with pytest.raises(TableFull):
        runs.reserve([Cap(same[1], 100, "its key")], 1)
    runs.settle(held, 30)
    assert (runs.spent(same[0]), runs.spent(same[16]), runs.spent(same[1])) == (30, 7, 0)
    meters.close()


def test_what_a_killed_worker_held_is_given_back():
    file = shared_file()
    meters = [Meters(file, number) for number in range(2)]
    one, two = map(Runs, meters)
    run, part = run_id(3, "job"), part_of(run_id(3, "job"), "desk")
    for name in (run, part):
        one.begin(name, run, 10)
        two.begin(name, run, 99)  # it is there already
    one.reserve([Cap(run, 100, "its key"), Cap(part, 60, "the scenario desk")], 40)
    refused = two.reserve([Cap(run, 100, "its key"), Cap(part, 60, "the scenario desk")], 20)
    assert isinstance(refused, Spent)
    assert (refused.cap.run, refused.used, two.spent(run)) == (part, 50, 50)
    meters[1].forget_worker(0)
    assert (two.spent(run), two.spent(part)) == (10, 10)
    meters[1].close()


def test_an_empty_ledger_knows_no_run(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        run = to_hex(run_id(1, "job"))
        assert (root_of_run(ledger, run), spent_of_run(ledger, run), list_runs(ledger)) == (
            *(None, 0, []),
        )
        assert spent_of_run(ledger, run, "desk") == 0
