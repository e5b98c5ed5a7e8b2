"""What the gateway adds to a request for its own sake makes no endpoint refuse it."""

import pytest

from serve.house import create_key
from serve.scripted import USED, Reply, chunk, data, row_of, scripted_house, stream, whole


def refusing(*refused, words="{}: unsupported parameter", most=None):
    """An endpoint that refuses fields by their names, or limits that are too large."""

    def reply(asked):
        for name in refused:
            if name in asked:
                return Reply({"error": {"message": words.format(name)}}, 400)
        for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
            if most is not None and asked.get(name, 0) > most:
                return Reply({"error": {"message": f"{name} may be {most} at most"}}, 400)
        if asked.get("stream"):
            end = data({"choices": [], "usage": USED}) if "stream_options" in asked else b""
            return stream(data(chunk("fine")), data(chunk(None, "stop")), end, b"data: [DONE]\n\n")
        if "input" in asked:
            return Reply({"output": [], "usage": {"input_tokens": 1, "output_tokens": 1}})
        return Reply(whole(usage=USED))

    return reply


WORDS = "Unsupported parameter: '{}'. Use 'max_completion_tokens' instead."
REPLIES = {
    "plain": refusing(),
    "newer": refusing("max_tokens", words=WORDS),
    "newest": refusing("max_tokens"),
    "small": refusing(most=2048),
    "smallnew": refusing("max_tokens", words=WORDS, most=2048),
    "older": refusing("stream_options"),
    "neither": refusing("max_tokens", "max_completion_tokens"),
    "always": lambda asked: Reply({"error": {"message": "bad max_tokens and completion"}}, 400),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("added")
    with scripted_house(folder, REPLIES, money_per_day="20") as house:
        house.rate = create_key(house.path, requests_per_minute=600)
        yield house


def test_a_key_without_limits_on_tokens_or_money_adds_nothing(house):
    from serve.test_faults import until

    assert until(lambda: house.chat("hello", "solver/plain", key=house.rate).status == 200)
    assert house.upstream.seen("plain")[-1].keys() == {"model", "messages"}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("plain", {"max_tokens": 4096}),
        ("newer", {"max_completion_tokens": 4096}),
        ("newest", {"max_completion_tokens": 4096}),
        ("small", {"max_tokens": 1024}),
    ],
)
def test_a_limit_that_is_added_goes_by_the_name_that_the_endpoint_knows(
    house, name, limit, streams
):
    for again in range(2):
        before = len(house.upstream.seen(name))
        reply = house.chat("hello", f"solver/{name}", stream=streams)
        assert reply.status == 200
        asked = house.upstream.seen(name)
        assert {key: one for key, one in asked[-1].items() if key.startswith("max_")} == limit
        if again:  # what was found out is remembered
            assert len(asked) == before + 1


def test_a_limit_of_the_caller_goes_out_as_it_came(house):
    for given in ({"max_tokens": 7}, {"max_completion_tokens": 7}):
        assert house.chat("hello", "solver/plain", **given).status == 200
        asked = house.upstream.seen("plain")[-1]
        assert {key: one for key, one in asked.items() if key.startswith("max_")} == given
    before = len(house.upstream.seen("newer"))
    reply = house.chat("hello", "solver/newer", max_tokens=7)
    assert (reply.status, len(house.upstream.seen("newer"))) == (400, before + 1)


def test_responses_and_completions_are_bounded_in_their_own_words(house):
    for path, body, name in (
        ("/v1/responses", {"input": "hello"}, "max_output_tokens"),
        ("/v1/completions", {"prompt": "hello"}, "max_tokens"),
    ):
        assert house.ask(path, {"model": "solver/small", **body}).status == 200
        assert house.ask(path, {"model": "solver/newer", **body}).status in {200, 400}
        assert house.upstream.seen("small")[-1][name] == 1024


def test_an_endpoint_that_tells_no_usage_in_streams_is_not_asked_for_it(house):
    for _ in range(2):
        before = len(house.upstream.seen("older"))
        reply = house.chat("hello", "solver/older", stream=True)
        assert reply.status == 200
        row = row_of(house, reply)
        assert (row["state"], row["cost_pico"]) == ("answered", None)
    assert len(house.upstream.seen("older")) == before + 1


def test_an_endpoint_that_takes_no_limit_says_so_and_is_asked_a_few_times_at_most(house):
    for name in ("neither", "always"):
        reply = house.chat("hello", f"solver/{name}")
        assert reply.status == 400
        assert len(house.upstream.seen(name)) <= 3
        assert "max_tokens" in reply.json()["error"]["message"]


def test_both_at_once_is_found_out_by_and_by(house):
    replies = [house.chat("hello", "solver/smallnew") for _ in range(2)]
    assert replies[-1].status in {200, 400}
