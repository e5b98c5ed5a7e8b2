"""How long an endpoint asks to wait is what callers are told, and who comes back at once is told not to."""

import time
from email.utils import formatdate

import pytest

from rixin.serve.breaker import LONGEST_S, Breaker
from serve.scripted import Reply, scripted_house

BUSY = {"error": {"message": "busy"}}


def busy(status=429, **headers):
    return Reply(BUSY, status, **headers)


PAUSES = {
    # what is said, the seconds that are told, and whether clients may come back by themselves
    "hour": (busy(retry_after="3600"), 429, 3600, False),
    "date": (
        lambda _: busy(retry_after=formatdate(time.time() + 3600, usegmt=True)),
        429,
        3600,
        False,
    ),
    "ms": (busy(retry_after_ms="3600000"), 429, 3600, False),
    "unavailable": (busy(503, retry_after="3600"), 503, 3600, False),
    "overloaded": (busy(529, retry_after="3600"), 503, 3600, False),
    "hidden": (
        Reply({"error": {"message": "busy", "code": 429}}, retry_after="90"),
        429,
        90,
        False,
    ),
    "minute": (busy(retry_after="60"), 429, 60, True),
    "short": (busy(retry_after="30"), 429, 30, True),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    replies = {name: reply for name, (reply, *_) in PAUSES.items()} | {
        "day": busy(retry_after="86400")
    }
    folder = tmp_path_factory.mktemp("pauses")
    with scripted_house(folder, replies, solver="day") as house:
        yield house


@pytest.mark.parametrize("name", PAUSES)
@pytest.mark.parametrize("streams", [False, True])
def test_callers_are_told_what_the_endpoint_said_and_then_what_is_left_of_it(house, name, streams):
    _, status, seconds, may_retry = PAUSES[name]
    for _ in range(2):  # the second one is told without a call
        reply = house.chat("hello", f"solver/{name}", stream=streams)
        assert reply.status == status
        assert seconds - 50 < int(reply.headers["retry-after"]) <= seconds
        assert reply.headers.get("x-should-retry") == (None if may_retry else "false")
    assert len(house.upstream.seen(name)) == 1


def test_a_scenario_tells_the_same(house):
    for _ in range(2):
        reply = house.chat("an okapi")
        assert reply.status == 429
        assert 86_000 < int(reply.headers["retry-after"]) <= 86_400
        assert reply.headers["x-should-retry"] == "false"
    assert len(house.upstream.seen("day")) == 1


def test_after_its_own_bound_the_gateway_asks_again_and_the_next_answer_counts():
    breaker = Breaker()
    breaker.failed(now=0.0, retry_after_s=3600.0, limited=True)
    assert breaker.wait(now=1.0) == LONGEST_S - 1
    assert breaker.told(LONGEST_S - 1, now=1.0) == 3599
    assert breaker.wait(now=LONGEST_S) == 0.0  # this one tries it
    wait = breaker.wait(now=LONGEST_S)
    assert wait > 0
    assert breaker.told(wait, now=LONGEST_S) == 3600 - LONGEST_S
    breaker.failed(now=LONGEST_S + 1, retry_after_s=10.0, limited=True)
    assert breaker.told(breaker.wait(now=LONGEST_S + 1), now=LONGEST_S + 1) == 10.0
    breaker.worked()
    assert breaker.wait(now=LONGEST_S + 2) == 0.0
