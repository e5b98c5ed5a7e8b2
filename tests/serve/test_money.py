"""What a call is booked at, from the endpoint's words to the ledger and the budget."""

import json
from decimal import Decimal

import pytest

from serve.house import served

CHAT = {"prompt_tokens": 2000, "completion_tokens": 500, "total_tokens": 2500}
BOOKED = {
    "plain": (CHAT, "0.04"),
    "reasoning beside the output": (
        {**CHAT, "total_tokens": 3500, "completion_tokens_details": {"reasoning_tokens": 1000}},
        "0.08",
    ),
    "reasoning inside the output": (
        {**CHAT, "completion_tokens_details": {"reasoning_tokens": 400}},
        "0.04",
    ),
    "a cache beside the input": (
        {"input_tokens": 500, "cache_read_input_tokens": 1500, "output_tokens": 500},
        "0.04",
    ),
    "thoughts in the total alone": ({**CHAT, "total_tokens": 2600}, "0.044"),
    "a negative figure": ({**CHAT, "completion_tokens": -1_000_000}, None),
    "an absurd figure": ({**CHAT, "completion_tokens": 10**19}, None),
    "a figure that is none": ({**CHAT, "completion_tokens": "many"}, None),
    "no object": ("n/a", None),
    "nothing": (None, None),
    "noughts": ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("house"), faults=()) as house:
        yield house


def ask(house, usage, **more):
    metadata = {"reply": json.dumps({"usage": usage, **more.pop("reply", {})})}
    return house.chat("x", "solver/strong", metadata=metadata, **more)


@pytest.mark.parametrize("what", BOOKED)
def test_a_call_is_booked_at_what_it_cost(house, what):
    usage, cost = BOOKED[what]
    reply = ask(house, usage)
    assert (reply.status, reply.headers["x-rixin-cost"]) == (200, cost or "unknown")


def test_a_stream_is_booked_at_what_it_cost(house):
    replies = {what: ask(house, usage, stream=True) for what, (usage, _) in BOOKED.items()}
    for what, reply in replies.items():
        cost = BOOKED[what][1]
        row = house.row(reply.headers["x-rixin-request-id"])
        assert row["cost_pico"] == (None if cost is None else int(Decimal(cost) * 10**12)), what


@pytest.mark.parametrize(
    ("earlier", "last", "cost"),
    [
        ([{**CHAT, "completion_tokens": 1, "total_tokens": 2001}], CHAT, "0.04"),
        ([CHAT, CHAT], CHAT, "0.04"),
        ([CHAT], None, "0.04"),
        ([CHAT], BOOKED["noughts"][0], "0.04"),
        ([BOOKED["noughts"][0]], CHAT, "0.04"),
        ([CHAT], BOOKED["a negative figure"][0], None),
        ([BOOKED["a negative figure"][0]], CHAT, "0.04"),
    ],
)
def test_of_running_totals_the_last_one_counts(house, earlier, last, cost):
    reply = ask(house, last, stream=True, reply={"earlier": earlier})
    row = house.row(reply.headers["x-rixin-request-id"])
    assert row["cost_pico"] == (None if cost is None else int(Decimal(cost) * 10**12))


def test_a_figure_that_nobody_understands_is_named_in_the_row(house):
    reply = ask(house, {**CHAT, "smell_tokens": 7})
    row = house.row(reply.headers["x-rixin-request-id"])
    assert row["detail"]["unread"] == ["smell_tokens"]
    assert row["cost_pico"] == 4 * 10**10


def test_a_tier_without_a_price_is_not_booked_as_the_usual_one(house):
    reply = ask(house, CHAT, reply={"service_tier": "priority"})
    row = house.row(reply.headers["x-rixin-request-id"])
    assert (row["cost_pico"], row["detail"]["unread"]) == (None, ["service_tier"])


@pytest.mark.parametrize("what", ["a negative figure", "nothing", "noughts"])
def test_a_figure_that_is_none_opens_no_budget(house, what):
    key = house.new_key(money_per_day=Decimal("0.01"))
    first = ask(house, BOOKED[what][0], key=key, max_tokens=100)
    again = ask(house, BOOKED[what][0], key=key, max_tokens=100)
    assert (first.status, again.status) == (200, 429)
    assert again.json()["error"]["code"] == "insufficient_quota"
