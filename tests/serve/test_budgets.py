"""Limits of keys and scenarios: never overrun, whoever asks at the same time."""

import asyncio
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.key import parse_budget, parse_count
from rixin.serve.meters import Amounts, Exceeded, Hold, Limit, Meters, shared_file
from serve.house import create_key, release, served, start, upstream, write_scenario

COST = Decimal("0.00014")
"""Of one call of the endpoint: 10 tokens in and 1 out."""


async def crowd(house, key, count):
    """Statuses of so many calls at the same time."""
    import json

    sent = json.dumps(
        {"model": "solver/strong", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}
    ).encode()

    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
            % (key.encode(), len(sent), sent)
        )
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])

    return await asyncio.gather(*(one() for _ in range(count)))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_two_hundred_callers_cannot_overrun_one_cent(tmp_path, workers):
    with served(tmp_path, "--workers", workers, faults=()) as house:
        key = house.new_key(money_per_day=Decimal("0.01"))
        statuses = asyncio.run(crowd(house, key, 200))
        assert set(statuses) == {200, 429}
        # What is reserved is more than what is used: more calls fit once these are settled.
        for _ in range(20):
            statuses += asyncio.run(crowd(house, key, 20))
        answered = statuses.count(200)
        assert answered * COST <= Decimal("0.01")
        assert (answered + 10) * COST > Decimal("0.01")
        house.stop()
        house.process.stderr.close()
        again = start(house.path, key=key)  # a restart opens no budget anew
        reply = again.chat("x", "solver/strong", max_tokens=40)
        again.stop()
        again.process.stderr.close()
    assert reply.status == 429
    error = reply.json()["error"]
    assert (error["code"], error["type"]) == ("insufficient_quota", "rate_limit_error")
    assert "has a budget of 0.01 a day" in error["message"]
    assert reply.headers["x-should-retry"] == "false"
    assert 0 < int(reply.headers["retry-after"]) <= 86_400


def test_requests_and_calls_at_the_same_time_are_limited(house):
    key = house.new_key(requests_per_minute=2)
    while time.time() % 60 > 57:
        time.sleep(0.5)
    replies = [house.chat("a zebra", key=key) for _ in range(3)]
    assert [one.status for one in replies] == [200, 200, 429]
    assert replies[2].json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(replies[2].headers["retry-after"]) <= 60
    key = house.new_key(in_flight=1)
    statuses = asyncio.run(crowd(house, key, 5))
    assert statuses.count(200) >= 1
    assert house.chat("a zebra", key=key).status == 200
    key = house.new_key(tokens_per_minute=3)
    assert house.chat("a zebra " * 50, key=key).status == 429
    for limit in ("requests_per_day", "requests_per_month"):
        key = house.new_key(**{limit: 1})
        assert [house.chat("a zebra", key=key).status for _ in range(2)] == [200, 429]
    for limit in ("tokens_per_day", "tokens_per_month"):
        key = house.new_key(**{limit: 120})
        statuses = [house.chat("a zebra " * 50, key=key).status for _ in range(3)]
        assert statuses == [200, 200, 200]  # rules read no tokens: what was reserved is given back
        sent = {"model": "solver/strong", "max_tokens": 1, "key": key}
        statuses = [house.chat("x", **sent).status for _ in range(12)]
        assert (statuses[0], statuses[-1]) == (200, 429)
    key = house.new_key(body_bytes=50)
    assert house.chat("a zebra", key=key).status == 413


def test_a_cap_bounds_the_answer_where_the_caller_does_not(house):
    key = house.new_key(money_per_day=Decimal(1))
    house.chat("x", "solver/strong", key=key)
    assert house.upstream.seen("good")[-1]["body"]["max_tokens"] == 4096
    house.chat("x", "solver/strong")
    assert "max_tokens" not in house.upstream.seen("good")[-1]["body"]


def test_every_answer_that_is_asked_for_is_reserved(house):
    key = house.new_key(money_per_day=Decimal("0.01"))  # an output token costs 0.00004
    assert house.chat("x", "solver/strong", key=key, max_tokens=100).status == 200
    for more in ({"n": 3}, {"max_tokens": 1, "max_completion_tokens": 300}):
        reply = house.chat("x", "solver/strong", key=key, **{"max_tokens": 100, **more})
        assert (reply.status, reply.json()["error"]["code"]) == (429, "insufficient_quota")
    body = {"model": "solver/strong", "prompt": ["x"] * 3, "max_tokens": 100}
    assert house.ask("/v1/completions", body, key=key).status == 429
    reply = house.chat("x", "solver/strong", key=key, max_tokens=-1_000)
    assert (reply.status, reply.json()["error"]["param"]) == (400, "max_tokens")


def test_a_price_that_is_not_known_is_never_free(tmp_path):
    with upstream(tmp_path) as up:
        path = write_scenario(tmp_path / "desk", up.url, faults=())
        line = f"  - {{name: unpriced, endpoint: odd, base_url: '{up.url}', logprobs: off}}\n"
        path.write_text(path.read_text() + line)
        release(path, "unpriced")
        house = start(path, key=create_key(path, money_per_day=Decimal(1)), upstream=up)
        try:
            for model in ("solver/unpriced", "scenario/desk"):
                reply = house.chat("x", model)
                assert (reply.status, reply.json()["error"]["code"]) == (403, "price_not_known")
            assert up.seen("odd") == []
            free = create_key(path)
            time.sleep(0.8)
            reply = house.chat("x", "solver/unpriced", key=free)
            assert (reply.status, reply.headers["x-rixin-cost"]) == (200, "unknown")
        finally:
            house.stop()
            house.process.stderr.close()


@pytest.mark.parametrize("over", ["refuse", "cheaper"])
def test_a_scenario_without_money_refuses_or_stays_with_what_is_free(tmp_path, over):
    more = f"budget: {{per_day: 0.0001, over: {over}}}"
    with served(tmp_path, more=more, faults=()) as house:
        zebra, okapi = house.chat("a zebra"), house.chat("an okapi")
        if over == "refuse":
            assert (zebra.status, okapi.status) == (429, 429)
            assert "this scenario" in okapi.json()["error"]["message"]
            return
        assert zebra.json()["choices"][0]["message"]["content"] == "stripes"
        assert okapi.status == 429
        assert house.upstream.seen("good") == []
        assert "no money" in okapi.json()["error"]["message"]


amounts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=40)


@given(amounts)
def test_what_is_used_and_reserved_never_passes_the_limit(calls):
    meters, limit = Meters(), Limit(3, "money_day", 100)
    open_holds, spent = [], 0
    try:
        for most, used, settle_first in calls:
            if settle_first and open_holds:
                hold, reserved = open_holds.pop()
                paid = min(used, reserved)
                meters.settle(hold, Amounts(money_day=paid))
                spent += paid
            found = meters.reserve([limit], Amounts(money_day=most), now=1e9)
            reserved = sum(one for _, one in open_holds)
            if isinstance(found, Hold):
                open_holds.append((found, most))
                assert spent + reserved + most <= 100
            else:
                assert spent + reserved + most > 100
            assert meters.used(3, "money_day", now=1e9) <= 100
    finally:
        meters.close()


def test_a_limit_that_has_no_room_leaves_the_others_as_they_were():
    meters = Meters()
    limits = [Limit(0, "requests", 5), Limit(0, "money_day", 10)]
    found = meters.reserve(limits, Amounts(requests=1, money_day=11), now=0.0)
    assert isinstance(found, Exceeded)
    assert found.limit.kind == "money_day"
    assert meters.used(0, "requests", now=0.0) == 0
    meters.close()


def test_periods_end_and_a_clock_that_is_set_back_opens_none():
    meters = Meters()
    for kind, seconds in (("requests", 60), ("money_day", 86_400), ("money_month", 32 * 86_400)):
        limit, now = Limit(1, kind, 1), 1_795_750_000.0
        held = meters.reserve([limit], Amounts(**{kind: 1}), now=now)
        assert isinstance(held, Hold)
        meters.settle(held, Amounts(**{kind: 1}))
        full = meters.reserve([limit], Amounts(**{kind: 1}), now=now - 2 * seconds)
        assert isinstance(full, Exceeded)
        assert isinstance(meters.reserve([limit], Amounts(**{kind: 1}), now=now + seconds), Hold)
    december = meters.reserve(
        [Limit(9, "money_month", 0)], Amounts(money_month=1), now=1_796_500_000.0
    )
    assert isinstance(december, Exceeded)
    assert 0 < december.retry_after_s < 32 * 86_400
    meters.close()


def test_what_a_killed_worker_had_reserved_is_given_back():
    file = shared_file()
    one, two = Meters(file, 0), Meters(file, 1)
    limit = Limit(0, "money_day", 10)
    one.reserve([limit], Amounts(money_day=8), now=0.0)
    assert isinstance(two.reserve([limit], Amounts(money_day=8), now=0.0), Exceeded)
    two.forget_worker(0)
    assert isinstance(two.reserve([limit], Amounts(money_day=8), now=0.0), Hold)
    two.start(5, "money_day", 7, now=0.0)
    assert one.used(5, "money_day", now=0.0) == 7
    one.close()
    two.close()


@pytest.mark.parametrize("text", ["20", "20/year", "x/day", "-1/day", ""])
def test_a_budget_is_an_amount_and_a_period(text):
    with pytest.raises(ValueError, match="is no budget"):
        parse_budget(text)
    assert parse_budget("0.5/min") == ("money_per_minute", Decimal("0.5"))


def test_feedback_counts_under_the_limits_of_its_key(house):
    key = house.new_key(requests_per_minute=5)
    asked = house.chat("a zebra", key=key)
    body = {"request_id": asked.headers["x-rixin-request-id"], "score": 1}
    replies = [house.ask("/v1/feedback", body, key=key) for _ in range(12)]
    refused = [one for one in replies if one.status == 429]
    assert len(refused) >= 2  # also where a minute ends in between
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert {one.status for one in replies} <= {200, 429}


def test_feedback_is_bounded_in_size_and_needs_no_money(house):
    key = house.new_key(money_per_day=Decimal("0.000001"))
    request = house.chat("a zebra").headers["x-rixin-request-id"]
    body = {"request_id": request, "score": 1, "comment": "x" * 300_000}
    reply = house.ask("/v1/feedback", body)
    assert reply.status == 413
    assert "262,144 bytes" in reply.json()["error"]["message"]
    own = house.ask("/v1/feedback", {"request_id": request, "score": 1}, key=key)
    assert own.status == 404  # another key's; and no 429, since it costs nothing
    small = house.new_key(body_bytes=300)
    for size, status in ((400, 413), (10, 404)):
        body = {"request_id": request, "score": 1, "comment": "x" * size}
        assert house.ask("/v1/feedback", body, key=small).status == status


def test_limits_of_days_and_months_outlive_a_restart(tmp_path):
    with served(tmp_path, faults=()) as house:
        keys = [house.new_key(requests_per_day=3), house.new_key(tokens_per_month=40)]
        for key in keys:
            assert house.chat("x", "solver/strong", key=key, max_tokens=1).status == 200
        assert house.chat("a zebra", key=keys[0]).status == 200
        house.stop()
        house.process.stderr.close()
        again = start(house.path, key=keys[0])
        statuses = [again.chat("a zebra", key=keys[0]).status for _ in range(2)]
        reply = again.chat("x", "solver/strong", key=keys[1], max_tokens=20)
        again.stop()
        again.process.stderr.close()
    assert statuses == [200, 429]
    assert reply.status == 429
    assert "has 40 tokens a month: 11 used or reserved" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("60/min", ("minute", 60)),
        ("60", ("minute", 60)),
        ("5k/day", ("day", 5_000)),
        ("2M/month", ("month", 2_000_000)),
    ],
)
def test_a_count_is_read_with_its_period(text, wanted):
    assert parse_count(text) == wanted


@pytest.mark.parametrize("text", ["", "0/day", "-1/day", "1.5/day", "5/week", "5G/day", "day"])
def test_what_is_no_count_is_refused(text):
    with pytest.raises(ValueError, match="is no limit"):
        parse_count(text)
