"""A decision gets past whatever an endpoint replies, and counts what it may have cost."""

import json
import sqlite3

import pytest

from rixin.workspace import Workspace
from support import completion, failure, model_server

CONTRACT = """\
scenario: mail
owner: test
task: Sort mail.
cases: {{path: cases.csv, input: q, expected: a, pools: {{certify: 1.0}}}}
output: free-text
scorers: [exact]
demand: {{cases_per_month: 1000}}
incumbent: {{name: people, cost_per_case: 1, solved: 0.9, source: test}}
economics: {{value_per_solved: 1, cost_per_wrong: 1, cost_per_review: 1, build_cost: 0, cpu_hour: 0}}
promise: {{solved: {{at_least: 0.5}}, harm: {{at_most: 0.5}}}}
candidates:
  - {{name: up, endpoint: m, base_url: '{url}', logprobs: off, timeout: 5s, price: {{input: 10, output: 40}}}}
"""
ANSWER_PICO = (20 * 10 + 2 * 40) * 10**6
COLUMNS = "output, state, reason, cost_pico, sunk_pico, input_tokens, calls, retries"


def decided(folder, odd, *, cases=4):
    """The rows of a decision whose endpoint gives `odd` at the first try of each second case."""
    seen = set()

    def handler(_, body):
        text = body["messages"][-1]["content"]
        number = int(text.split("number ")[1].split()[0])
        if number % 2 and number not in seen:
            seen.add(number)
            return odd
        return completion("fine")

    with model_server(handler) as server:
        (folder / "mail.yaml").write_text(CONTRACT.format(url=server.url))
        rows = "".join(f"case number {n} of {n * 7919},fine\n" for n in range(cases))
        (folder / "cases.csv").write_text("q,a\n" + rows)
        with Workspace(quiet=True) as workspace:
            workspace.decide(folder / "mail.yaml", exhaustive=True)
    database = sqlite3.connect(folder / ".rixin" / "ledger.sqlite3")
    database.row_factory = sqlite3.Row
    found = [dict(row) for row in database.execute(f"SELECT {COLUMNS} FROM outcomes")]
    database.close()
    assert len(found) == cases
    return [row for row in found if not row["retries"]], [row for row in found if row["retries"]]


@pytest.mark.parametrize(
    ("odd", "paid", "unknown"),
    [
        ((200, {}, b"[" * 200_000), 0, True),
        ((200, {}, b'{"choices": 7}'), 0, True),
        (
            (200, {}, b'{"choices": 7, "usage": {"prompt_tokens": 100, "completion_tokens": 5}}'),
            1200,
            False,
        ),
        ((200, {}, b'{"error": {"message": "slow down", "code": 429}}'), 0, False),
        ((200, {}, b'{"error": {"message": "slow down", "code": 503}}'), 0, False),
        (failure(529, "overloaded"), 0, False),
        ((0, {}, b""), 0, True),
    ],
)
def test_an_odd_reply_costs_what_it_says_and_else_what_it_may_have_cost(
    tmp_path, odd, paid, unknown
):
    plain, again = decided(tmp_path, odd)
    assert (len(plain), len(again)) == (2, 2)
    for row in again:
        assert (row["output"], row["cost_pico"]) == ("fine", ANSWER_PICO + paid * 10**6)
        assert (row["sunk_pico"] > 0) == unknown
    assert all(row["sunk_pico"] == 0 for row in plain)


@pytest.mark.parametrize(
    ("said", "output", "unknown"),
    [
        (completion("cut \ud83d"), "cut �", False),
        (completion("fine", usage={"prompt_tokens": 10**19, "completion_tokens": 1}), "fine", True),
        (completion("fine", usage={"prompt_tokens": -7, "completion_tokens": 1}), "fine", True),
        (completion([{"type": "text", "text": "fine"}]), "fine", False),
    ],
)
def test_an_odd_answer_is_stored_and_the_next_ones_are(tmp_path, said, output, unknown):
    plain, again = decided(tmp_path, said)
    assert again == []
    assert sorted(row["output"] for row in plain) == sorted([output, output, "fine", "fine"])
    assert sum(row["sunk_pico"] > 0 for row in plain) == 2 * unknown
    assert sum(row["cost_pico"] is None for row in plain) == 2 * unknown
    assert json.dumps(plain)
