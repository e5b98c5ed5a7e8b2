"""A served scenario whose endpoints misbehave: the next solver is asked, and the bill is right."""

import json
import re
import time

import pytest

from serve.scripted import PAID, USED, Reply, row_of, scripted_house, whole

CASCADE = """\
  - {name: twice, cascade: [{solver: odd, threshold: 0.5}, {solver: good}]}
"""
QUOTING = "invalid input: 'temperature logprobs response_format max_completion_tokens'"
ODD = {
    # what the first one says, and what both cost; None: not known
    "fine": (Reply(whole("perhaps", usage=USED)), 2 * PAID),
    "deep": (Reply(b"[" * 200_000), None),
    "deep400": (Reply(b"[" * 200_000, 400), PAID),
    "choices": (Reply({"choices": {"a": 1}, "usage": USED}), 2 * PAID),
    "logprob": (
        Reply(
            {
                "choices": [
                    {
                        "message": {"content": "x"},
                        "logprobs": {"content": [{"token": "x", "logprob": 5000}]},
                    }
                ],
                "usage": USED,
            }
        ),
        2 * PAID,
    ),
    "tokens": (Reply(whole("x", usage={"prompt_tokens": 10**19})), None),
    "infinite": (
        Reply(b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 1e999}}'),
        None,
    ),
    "half": (Reply(whole("\ud83d", usage=USED)), 2 * PAID),
    "error200": (Reply({"error": {"message": "no", "code": 500}}), PAID),
    "quoting": (Reply({"error": {"message": QUOTING}}, 400), PAID),
    "empty": (Reply(b""), None),
}


def by_text(asked):
    """The reply that a case asks for by its name."""
    return ODD[re.search(r"case-(\w+)", json.dumps(asked["messages"]))[1]][0]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    replies = {"odd": by_text, "good": Reply(whole("stripes", usage=USED))}
    folder = tmp_path_factory.mktemp("two")
    with scripted_house(folder, replies, candidates=CASCADE, solver="twice") as house:
        yield house


def ask_until_heard(house):
    """Asks until the first one is asked again: a breaker may be open for some seconds."""
    before, end = len(house.upstream.seen("odd")), time.monotonic() + 60
    while len(house.upstream.seen("odd")) == before:
        house.chat("case-fine")
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("name", ODD)
def test_the_next_solver_is_asked_whatever_the_first_one_says(house, name):
    ask_until_heard(house)
    before = len(house.upstream.seen("odd"))
    reply = house.chat(f"case-{name}")
    assert reply.status == 200
    assert reply.json()["choices"][0]["message"]["content"] == "stripes"
    assert reply.headers["x-rixin-solver"] == "good"
    assert len(house.upstream.seen("odd")) == before + 1
    row = row_of(house, reply)
    assert (row["state"], row["cost_pico"]) == ("answered", ODD[name][1])


def test_words_that_an_endpoint_quotes_do_not_change_how_it_is_asked(house):
    ask_until_heard(house)
    house.chat("case-quoting")
    house.chat("case-fine")
    asked = house.upstream.seen("odd")
    assert asked[-1].keys() == asked[-3].keys()
    assert "temperature" in asked[-1]


def test_bad_replies_open_the_breaker(house):
    for _ in range(5):
        house.chat("case-empty")
    before = len(house.upstream.seen("odd"))
    assert house.chat("case-fine").headers["x-rixin-solver"] == "good"
    assert len(house.upstream.seen("odd")) == before
    assert not [line for line in house.lines if "failed inside" in line]
