"""What a request may use at most: nothing that makes it dearer is passed on unseen."""

import json
from decimal import Decimal

import msgspec
import pytest

from rixin.core.answer import Usage
from rixin.pricing.book import given_rates
from rixin.serve.errors import Refusal
from rixin.serve.reserving import Asked, check_limit, dearer_tier, most_of
from rixin.workspace.serving import Upstream
from serve.house import served

PRICER = given_rates({"input": 10, "output": 40}, "", "").pricer


def endpoint(max_input_tokens=None):
    return Upstream(
        scenario="desk",
        name="strong",
        url="http://127.0.0.1:9/v1",
        model="good",
        headers={},
        timeout_s=1.0,
        price_pico=PRICER,
        pricer=PRICER,
        host="good",
        max_input_tokens=max_input_tokens,
    )


def fields(**more):
    given = {"model": "good", "messages": [{"role": "user", "content": "hi"}], **more}
    return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in given.items()}


def most(given, *, size=100, written=50, answers=1, read=None):
    return most_of(Asked(given, size, written, answers), endpoint(read))


def content(part):
    return [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}]


PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
ELSEWHERE = {
    "a picture": {"messages": content(PICTURE)},
    "a picture in the request": {
        "messages": content({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}})
    },
    "sound": {"messages": content({"type": "input_audio", "input_audio": {"data": "AA"}})},
    "a file": {"messages": content({"type": "file", "file": {"file_id": "file-1"}})},
    "a film": {"messages": content({"type": "video_url", "video_url": {"url": "https://x"}})},
    "a document": {"messages": content({"type": "document", "source": {"type": "url"}})},
    "a picture of a response": {"input": content({"type": "input_image", "file_id": "file-1"})},
    "a file of a response": {"input": content({"type": "input_file", "file_url": "https://x"})},
    "an item of another response": {"input": [{"type": "item_reference", "id": "msg_1"}]},
    "in other letters": {"messages": content({"type": "IMAGE_URL", "Image_Url": {"url": "x"}})},
    "a response before": {"previous_response_id": "resp_1"},
    "a conversation": {"conversation": {"id": "conv_1"}},
    "a stored prompt": {"prompt": {"id": "pmpt_1"}},
    "what a server keeps": {"extra_body": {"google": {"cached_content": "x"}}},
}


@pytest.mark.parametrize("what", ELSEWHERE)
def test_what_is_not_in_the_request_needs_a_stated_most(what):
    given = fields(**ELSEWHERE[what])
    with pytest.raises(Refusal) as caught:
        most(given)
    assert caught.value.status == 403
    assert caught.value.retry is False
    assert "max_input_tokens" in caught.value.message
    assert repr(caught.value.param) in caught.value.message
    assert most(given, read=9_000).read == 9_000
    assert most(given, read=9_000).media


def test_a_part_that_is_written_with_escapes_is_seen():
    given = fields(messages=content(PICTURE))
    text = bytes(given["messages"]).replace(b"image", rb"im\u0061ge")
    with pytest.raises(Refusal):
        most({**given, "messages": msgspec.Raw(text)})


@pytest.mark.parametrize(
    "more",
    [
        {"messages": [{"role": "user", "content": 'say "image_url": and "type": "input_image"'}]},
        {"messages": [{"role": "user", "name": "image", "content": "a file, a video, an image"}]},
        {"input": "is previous_response_id an image_url? "},
        {"response_format": {"properties": {"image": {"type": "string"}, "file": {}}}},
        {"tools": [{"type": "function", "function": {"name": "image", "parameters": {"file": 1}}}]},
        {"previous_response_id": None, "conversation": None, "plugins": []},
        {"metadata": {"image_url": "x"}},
        {"tools": [{"name": "ours", "input_schema": {}}, {"function": {"name": "ours"}}]},
        {"prompt": "an image"},
    ],
)
def test_words_and_forms_are_no_pictures(more):
    assert not most(fields(**more)).media


@pytest.mark.parametrize(
    "more",
    [
        {"web_search_options": {"search_context_size": "low"}},
        {"search_parameters": {"mode": "on"}},
        {"plugins": [{"id": "web"}]},
        {"enable_search": True},
        {"models": ["dear/model"]},
        {"tools": [{"type": "web_search"}]},
        {"tools": [{"type": "web_search_20250305", "max_uses": 3}]},
        {"tools": [{"type": "function", "function": {}}, {"type": "code_interpreter"}]},
        {"tools": [{"type": "mcp", "server_url": "https://x"}]},
        {"tools": ["web_search"]},
        {"tools": [{"google_search": {}}]},
        {"tools": [{}]},
        {"enable_thinking": True},
    ],
)
def test_what_a_server_bills_beside_tokens_is_refused(more):
    with pytest.raises(Refusal) as caught:
        most(fields(**more), read=9_000)
    assert (caught.value.status, caught.value.code) == (403, "cost_not_bounded")
    assert caught.value.param in more


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TOKENS", 5),
        ("Max_Completion_Tokens", 5),
        ("N", 5),
        ("Best_Of", 5),
        ("Model", "dear"),
        ("Messages", []),
        ("Service_Tier", "priority"),
        ("ſervice_tier", "priority"),
        ("Previous_Response_Id", "x"),
        ("n_predict", 10_000),
        ("num_predict", 10_000),
        ("N_Predict", 10_000),
        ("max_new_tokens", 10_000),
        ("options", {"num_predict": 9}),
        ("maxOutputTokens", 10_000),
        ("candidate_count", 4),
        ("max_tokens", 0),
        ("max_tokens", 0.0),
        ("max_completion_tokens", 0),
        ("max_output_tokens", 0),
    ],
)
def test_a_limit_that_not_every_server_heeds_is_refused(name, value):
    with pytest.raises(Refusal) as caught:
        check_limit(fields(**{name: value}))
    assert caught.value.status == 403
    assert caught.value.param == name


def test_other_fields_in_any_spelling_are_no_concern():
    check_limit(fields(Metadata={}, max_tokens=5, temperature=0, n_predict=None, User="x"))


def test_thoughts_and_guesses_are_counted_beside_the_answer():
    assert most(fields()).written == 50
    assert most(fields(), answers=3).written == 150
    assert most(fields(thinking_budget=1000), answers=2).written == 2100
    assert most(fields(thinking_budget=10, enable_thinking=True)).written == 60
    assert most(fields(enable_thinking=False)).written == 50
    assert most(fields(thinking={"budget_tokens": 1000})).written == 1050
    assert most(fields(reasoning={"max_tokens": 1000})).written == 1050
    assert most(fields(reasoning="high", thinking=None)).written == 50
    assert most(fields(prediction={"content": "x" * 500})).written > 550


def test_a_template_and_tools_are_read_too():
    plain, tools = most(fields()), most(fields(tools=[{"type": "function"}]))
    assert plain.read > 100
    assert tools.read > plain.read + 1000
    assert most(fields(), read=40).read == 40, "the contract says so"


@pytest.mark.parametrize(
    ("more", "tier"),
    [
        ({}, None),
        ({"service_tier": "flex"}, "flex"),
        ({"service_tier": None}, None),
        ({"speed": "fast"}, "fast"),
        ({"service_tier": "flex", "speed": "fast"}, None),
        ({"service_tier": 5}, None),
    ],
)
def test_the_tier_that_is_asked_for_is_known(more, tier):
    assert most(fields(**more)).tier == tier


def test_a_tier_that_may_cost_more_is_remembered_until_it_is_settled():
    assert dearer_tier(fields(service_tier="priority")) == "priority"
    assert dearer_tier(fields(speed="fast")) == "fast"
    for tier in ("flex", "batch", "auto", None, 5):
        assert dearer_tier(fields(service_tier=tier)) == ""
    assert dearer_tier(fields()) == ""


def test_what_cannot_be_read_is_the_callers_mistake():
    deep = msgspec.Raw(b"[" * 500 + b"]" * 500)
    with pytest.raises(Refusal) as caught:
        most({**fields(), "tools": deep})
    assert (caught.value.status, caught.value.param) == (400, "tools")
    half = msgspec.Raw(rb'[{"role": "user", "content": "\ud83d \u0061"}]')
    assert not most({**fields(), "messages": half}).media


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with served(tmp_path_factory.mktemp("house"), faults=()) as house:
        yield house


@pytest.mark.parametrize(
    "more",
    [
        {"messages": content(PICTURE)},
        {"service_tier": "priority"},
        {"MAX_TOKENS": 5},
        {"max_tokens": 0},
        {"web_search_options": {}, "tools": [{"type": "web_search"}]},
    ],
)
def test_a_budget_is_not_opened_by_what_nobody_can_bound(house, more):
    key = house.new_key(money_per_day=Decimal("0.01"))
    reply = house.chat("x", "solver/strong", key=key, **more)
    assert (reply.status, reply.json()["error"]["code"]) == (403, "cost_not_bounded")
    assert reply.headers["x-should-retry"] == "false"
    assert house.chat("x", "solver/strong", key=key, max_tokens=1).status == 200


def test_a_tier_that_was_asked_for_is_not_booked_as_the_usual_one(house):
    """Its price is not stated, and the endpoint does not say in which tier it answered."""
    usual = house.chat("x", "solver/strong")
    asked = house.chat("x", "solver/strong", service_tier="priority")
    assert usual.headers["x-rixin-cost"] == "0.00014"
    assert asked.headers["x-rixin-cost"] in {"", "unknown"}


def test_without_a_limit_everything_is_passed_on(house):
    reply = house.chat("x", "solver/strong", messages=content(PICTURE), service_tier="priority")
    assert reply.status == 200


def test_a_key_with_a_rate_alone_may_send_pictures(house):
    key = house.new_key(requests_per_minute=60)
    assert house.chat("x", "solver/strong", key=key, messages=content(PICTURE)).status == 200


def test_the_worst_case_is_never_less_than_what_is_settled():
    used = Usage(input_tokens=100, output_tokens=50, cached_tokens=20, calls=1)
    whole = most(fields())
    assert PRICER.bound(*whole[:4], media=whole.media) >= PRICER(used)
