"""Answers that were cut say nothing of a candidate: not in a verdict, not in a report, not twice."""

import json

import pytest
from recorded_world import COLUMNS, write_contract

from desk import write_desk
from rixin.core.verdict import Decision
from rixin.workspace import Workspace
from support import completion, model_server


def cut(*_):
    status, headers, body = completion("so far we have 7")
    found = json.loads(body)
    found["choices"][0]["finish_reason"] = "length"
    return status, headers, json.dumps(found).encode()


@pytest.fixture
def server():
    with model_server(cut) as found:
        yield found


def write_numbers(folder, server, **limits):
    ours = {"name": "ours", "endpoint": "m", "base_url": server.url, "max_tokens": 160, **limits}
    path = write_desk(
        folder,
        count=300,
        output="number",
        policy={"egress": "allowed"},
        candidates=[{**ours, "price": {"input": 20, "output": 80}}],
    )
    rows = "".join(f"m{n},what is {n} and {n}?,{2 * n}\n" for n in range(300))
    (folder / "cases.csv").write_text("id,message,queue\n" + rows)
    return path


def test_a_candidate_whose_answers_are_cut_is_not_told_against_and_not_asked_on(tmp_path, server):
    path = write_numbers(tmp_path, server)
    with Workspace(quiet=True) as workspace:
        result = workspace.decide(path)
        asked = len(server.calls)
        again = workspace.decide(path)
        plan = workspace.check(path)
    verdict = result.verdict
    assert verdict.decision is Decision.CANNOT_TELL
    said = f"{asked} of {asked} answers of ours were cut at 160 tokens; raise its `max_tokens` to 320 or more"
    assert said in verdict.headline
    assert 24 <= asked < 120
    assert verdict.candidates[0].tally.cases == 0
    assert verdict.candidates[0].tally.spent > 0
    for page in (result.html(), result.markdown(), result.text()):
        assert "answers of ours were cut" in " ".join(page.split())
    assert (len(server.calls), again.verdict.headline) == (asked, verdict.headline)
    assert said in plan.needs


def test_a_raised_limit_is_asked_anew(tmp_path, server):
    with Workspace(quiet=True) as workspace:
        workspace.decide(write_numbers(tmp_path, server))
        asked = len(server.calls)
        path = write_numbers(tmp_path, server, max_tokens=320)
        assert not any("were cut" in need for need in workspace.check(path).needs)
        workspace.decide(path)
    assert len(server.calls) > asked


def test_recorded_answers_that_were_cut_are_none(tmp_path):
    rows = [
        (f"c{n}", "right" if n % 2 else "wrong", "stop" if n % 2 else "length") for n in range(400)
    ]
    (tmp_path / "cases.csv").write_text(
        "id,text,part,want\n" + "".join(f"{i},text {i},plain,right\n" for i, *_ in rows)
    )
    (tmp_path / "log.csv").write_text("id,said,end\n" + "".join(f"{','.join(r)}\n" for r in rows))
    columns = COLUMNS.replace("score: score, cost: cost, confidence: sure, ", "")
    path = write_contract(
        tmp_path,
        ["log"],
        columns.replace("}", ", finish_reason: end}"),
        cases=", expected: want",
        floor=0.9,
    )
    with Workspace(quiet=True) as workspace:
        verdict = workspace.decide(path, exhaustive=True).verdict
    assert verdict.decision is Decision.CANNOT_TELL
    assert "answers of log were cut; record them anew with a higher limit" in verdict.headline
    tally = verdict.candidates[0].tally
    assert tally.solved == tally.cases
    assert dict(tally.lost)["cut"] == tally.unmeasured
