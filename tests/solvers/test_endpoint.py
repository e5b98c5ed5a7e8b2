"""The endpoint solver against real servers on loopback, with all their differences."""

import asyncio
import json
import math
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.scenario import OutputSpec
from rixin.engine.transport import HttpTransport
from rixin.solvers._chat import (
    Features,
    StatedError,
    answer_probabilities,
    features_after,
    places_of,
    retry_after,
)
from rixin.solvers.endpoint import EndpointOptions, EndpointSolver, Known
from rixin.solvers.prompt import Example, build_prompt
from support import completion, failure, model_server, plain_cases

LABELS = OutputSpec(kind="labels", labels=("ham", "spam"))
SECRET = "sk-very-secret-0123456789"


def make(url, output=LABELS, **options):
    prompt = build_prompt(
        "Sort mail.", output, [Example("win!", output.labels[-1] if output.labels else "1")]
    )
    given_options = EndpointOptions(
        base_url=url, model="m", key=SECRET, key_name="MAIL_KEY", **options
    )
    return EndpointSolver("strong", HttpTransport(), prompt, given_options)


def ask(handler, output=LABELS, count=1, then=lambda: None, **options):
    """Answers, and the server with what it was asked; `then` is called when they are there."""

    async def go(server):
        solver = make(server.url, output, **options)
        try:
            return list(await solver.solve(plain_cases(count)))
        finally:
            then()
            await solver.close()
            await solver._transport.close()

    with model_server(handler) as server:
        return asyncio.run(go(server)), server


def token(text, p, *others):
    tops = [(text, p), *others]
    return {
        "token": text,
        "logprob": math.log(p),
        "top_logprobs": [{"token": t, "logprob": math.log(q)} for t, q in tops],
    }


def sure(content, places, **more):
    status, headers, body = completion(content, **more)
    found = json.loads(body)
    found["choices"][0]["logprobs"] = {"content": places}
    return status, headers, json.dumps(found).encode()


def test_a_label_comes_with_its_probabilities_tokens_and_model():
    places = [token('{"label": "', 1.0), token("spam", 0.75, ("ham", 0.25)), token('"}', 1.0)]
    (answer,), server = ask(lambda *_: sure('{"label": "spam"}', places))
    assert (answer.output, answer.note) == ("spam", "model test-model")
    assert answer.confidence == pytest.approx(0.5)
    assert answer.probabilities == pytest.approx({"ham": 0.25, "spam": 0.75})
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.calls) == (20, 2, 1)
    assert answer.latency_s > 0
    body = server.calls[0]
    assert body["response_format"]["json_schema"]["schema"]["properties"]["label"]["enum"] == [
        "ham",
        "spam",
    ]
    assert body["logprobs"] is True
    assert body["messages"][-1]["content"].count("case number 0") == 1
    assert server.headers[0]["Authorization"] == f"Bearer {SECRET}"


def test_the_shared_prompt_comes_first_and_is_the_same_for_every_case():
    _, server = ask(lambda *_: completion("ham"), count=3)
    systems = {json.dumps(call["messages"][:-1]) for call in server.calls}
    assert len(systems) == 1
    assert "win!" in systems.pop()


@pytest.mark.parametrize(
    ("said", "gone", "kept"),
    [
        ("logprobs is not supported by this model", "logprobs", "response_format"),
        ("response_format json_schema is unknown", "response_format", "logprobs"),
        ("Unsupported value: 'temperature'", "temperature", "logprobs"),
    ],
)
def test_a_server_is_asked_without_what_it_refuses_from_then_on(said, gone, kept):
    def handler(_, body):
        return failure(400, said) if gone in body else completion("spam")

    answers, server = ask(handler, count=3)
    assert [answer.output for answer in answers] == ["spam"] * 3
    assert len(server.calls) == 4
    assert gone not in server.calls[-1]
    assert kept in server.calls[-1]
    assert answers[0].usage.calls == 2


def test_the_limit_of_tokens_goes_by_the_name_that_the_server_knows():
    def handler(_, body):
        if "max_tokens" in body:
            return failure(400, "Use 'max_completion_tokens' instead of 'max_tokens'")
        return completion("ham")

    (answer,), server = ask(handler, max_tokens=7)
    assert answer.output == "ham"
    assert server.calls[-1]["max_completion_tokens"] == 7


def test_a_refusal_that_names_nothing_is_told():
    (answer,), server = ask(lambda *_: failure(400, "context too long"))
    assert (answer.failure.kind, answer.failure.retryable) == ("refused", False)
    assert "context too long" in answer.failure.message
    assert len(server.calls) == 1


def test_insisted_log_probabilities_are_not_dropped():
    (answer,), server = ask(lambda *_: failure(400, "no logprobs here"), logprobs="on")
    assert answer.failure.kind == "refused"
    assert len(server.calls) == 1


def test_log_probabilities_can_be_left_out():
    (answer,), server = ask(lambda *_: completion("spam"), logprobs="off")
    assert "logprobs" not in server.calls[0]
    assert answer.confidence is None


@pytest.mark.parametrize(
    ("reply", "kind", "retryable"),
    [
        (failure(429, "slow down", **{"Retry-After": "3"}), "rate_limited", True),
        (failure(500, "oops"), "server_error", True),
        (failure(503, "busy", **{"Retry-After": "1"}), "server_error", True),
        (failure(401, "bad key"), "fatal", False),
        (failure(403, "not you"), "fatal", False),
        (failure(404, "no such model"), "fatal", False),
        (failure(413, "too large"), "refused", False),
        ((200, {}, b'{"choices": '), "bad_reply", True),
        ((200, {}, b'{"choices": []}'), "bad_reply", True),
        ((200, {}, b"<html>proxy</html>"), "bad_reply", True),
        ((0, {}, b""), "connection", True),
    ],
)
def test_what_goes_wrong_is_a_failure_that_says_whether_to_call_again(reply, kind, retryable):
    (answer,), _ = ask(lambda *_: reply)
    assert (answer.failure.kind, answer.failure.retryable) == (kind, retryable)
    assert SECRET not in answer.failure.message


def test_a_server_says_how_long_to_wait():
    (answer,), _ = ask(lambda *_: failure(429, "slow", **{"Retry-After": "3"}))
    assert answer.failure.retry_after_s == 3.0
    now = 1_700_000_000.0
    assert retry_after({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, now) == 10.0
    assert retry_after({"retry-after": "soon"}, now) is None
    assert retry_after({"retry-after": "99999"}, now) == 99999.0
    assert retry_after({"retry-after-ms": "soon", "retry-after": "3"}, now) == 3.0
    assert retry_after({"retry-after": "nan"}, now) is None
    assert retry_after({}, now) is None


def test_a_wrong_key_names_where_it_came_from_and_never_itself():
    (answer,), _ = ask(lambda *_: failure(401, "bad key"))
    assert "check the key in MAIL_KEY" in answer.failure.message
    assert SECRET not in repr(make("http://127.0.0.1:1/v1")._options)
    assert "check the model name 'm'" in ask(lambda *_: failure(404, "x"))[0][0].failure.message


def test_a_missing_key_says_that_none_was_sent():
    async def go(server):
        prompt = build_prompt("Sort.", LABELS)
        options = EndpointOptions(base_url=server.url, model="m")
        solver = EndpointSolver("s", HttpTransport(), prompt, options)
        answers = await solver.solve(plain_cases(1))
        await solver._transport.close()
        return answers[0]

    with model_server(lambda *_: failure(401, "who?")) as server:
        answer = asyncio.run(go(server))
    assert "no key was sent" in answer.failure.message
    assert "Authorization" not in server.headers[0]


def test_a_server_that_hangs_times_out():
    answered = threading.Event()

    def handler(*_):
        answered.wait(60)
        return completion("ham")

    (answer,), _ = ask(handler, timeout_s=0.15, then=answered.set)
    assert (answer.failure.kind, answer.failure.retryable) == ("timeout", True)


def test_a_model_that_refuses_is_not_measured():
    status, headers, body = completion("")
    found = json.loads(body)
    found["choices"][0]["message"]["refusal"] = "I will not"
    (answer,), _ = ask(lambda *_: (status, headers, json.dumps(found).encode()))
    assert answer.failure.kind == "refused"
    for word, text in (("content_filter", None), ("sensitive", "spam"), ("SAFETY", "spam")):
        found["choices"][0] = {"message": {"content": text}, "finish_reason": word}
        (answer,), _ = ask(lambda *_: (status, headers, json.dumps(found).encode()))
        assert "content filter" in answer.failure.message


@pytest.mark.parametrize("text", ["I think that", "spam", "spam\n\nReason: it has a link and"])
@pytest.mark.parametrize("word", ["length", "max_tokens", "model_context_window_exceeded"])
def test_an_answer_that_was_cut_is_none_was_paid_and_says_which_limit_to_raise(text, word):
    status, headers, body = completion(text)
    found = json.loads(body)
    found["choices"][0]["finish_reason"] = word
    (answer,), _ = ask(lambda *_: (status, headers, json.dumps(found).encode()), max_tokens=3)
    assert (answer.output, answer.failure.kind, answer.failure.retryable) == (None, "cut", False)
    assert answer.failure.message == "the answer was cut at 3 tokens: raise `max_tokens`"
    assert (answer.usage.output_tokens, answer.usage.unknown_calls) == (2, 0)


def test_an_answer_whose_reasoning_took_all_tokens_says_so_and_was_paid():
    status, headers, body = completion("")
    found = json.loads(body)
    found["choices"][0]["finish_reason"] = "length"
    found["choices"][0]["message"]["reasoning_content"] = "They want"
    (answer,), _ = ask(lambda *_: (status, headers, json.dumps(found).encode()), max_tokens=3)
    assert (answer.output, answer.failure.kind) == (None, "reasoning_limit")
    assert answer.failure.message.startswith("reasoning took all 3 tokens: raise `max_tokens`")
    assert (answer.failure.retryable, answer.usage.output_tokens) == (False, 2)


def test_an_answer_without_any_label_has_no_output():
    (answer,), _ = ask(lambda *_: completion("neither"))
    assert (answer.output, answer.failure) == (None, None)


def test_other_outputs_are_as_sure_as_their_tokens():
    places = [token("4", 0.81), token("2", 1.0)]
    (answer,), server = ask(lambda *_: sure("42", places), OutputSpec(kind="number"))
    assert answer.output == "42"
    assert answer.confidence == pytest.approx(0.9)
    assert "response_format" not in server.calls[0]


def test_json_is_asked_for_with_its_own_schema():
    schema = {"type": "object", "properties": {"total": {"type": "number"}}}
    output = OutputSpec(kind="json-schema", schema=schema)
    (answer,), server = ask(lambda *_: completion('{"total": 3}'), output)
    assert answer.output == '{"total": 3}'
    assert server.calls[0]["response_format"]["json_schema"]["schema"] == schema


def test_cached_tokens_are_counted_and_missing_usage_is_none():
    usage = {
        "prompt_tokens": 90,
        "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    (answer,), _ = ask(lambda *_: completion("ham", usage=usage))
    assert answer.usage.cached_tokens == 64
    (answer,), _ = ask(lambda *_: completion("ham", usage=None))
    assert answer.usage.input_tokens == 0


def test_the_fingerprint_knows_what_changes_answers_and_not_the_key():
    one = make("http://127.0.0.1:1/v1").fingerprint
    assert make("http://127.0.0.1:1/v1").fingerprint == one
    assert make("http://127.0.0.1:2/v1").fingerprint != one
    assert make("http://127.0.0.1:1/v1", temperature=0.5).fingerprint != one
    other = EndpointOptions(base_url="http://127.0.0.1:1/v1", model="m", key="another")
    prompt = make("http://127.0.0.1:1/v1")._prompt
    assert EndpointSolver("x", HttpTransport(), prompt, other).fingerprint == one


@given(st.text(max_size=200))
def test_no_call_uses_more_tokens_than_it_has_bytes(text):
    from rixin.core.case import make_case

    solver = make("http://127.0.0.1:1/v1", max_tokens=9)
    case = make_case(text, "ham", {"certify": 1.0})
    most = solver.max_usage(case)
    messages = solver._prompt.messages(text)
    size = sum(len(message.content.encode("utf-8", "replace")) for message in messages)
    assert most.input_tokens >= size
    assert most.output_tokens == 9


@pytest.mark.parametrize(
    "text", ['quote " and \\ slash', "line\nbreak", "عربي 中文 😀", "\x00", "\ud800"]
)
def test_every_text_reaches_the_server_as_it_is(text):
    from rixin.core.case import make_case

    async def go(server):
        solver = make(server.url)
        answers = await solver.solve([make_case(text, "ham", {"certify": 1.0})])
        await solver._transport.close()
        return answers

    with model_server(lambda *_: completion("ham")) as server:
        (answer,) = asyncio.run(go(server))
    assert answer.output == "ham"
    assert text.strip() in server.calls[0]["messages"][-1]["content"]


def test_features_fall_one_after_the_other_and_then_stay():
    everything = Features(schema=True, logprobs=True, temperature=True, newer_limit=True)
    refused = StatedError(400, "max_completion_tokens is unknown")
    assert not features_after(everything, refused).newer_limit
    assert not features_after(everything, StatedError(400, "cannot compile grammar")).schema
    bare = Features(schema=False, logprobs=False, temperature=False, newer_limit=False)
    assert features_after(bare, StatedError(400, "logprobs schema temperature")) == bare


def test_probabilities_need_tokens_that_name_the_label():
    def chances(label, labels, *tokens):
        return answer_probabilities(
            label, labels, places_of({"logprobs": {"content": list(tokens)}})
        )

    assert chances("spam", ["ham", "spam"], token("nothing", 1.0)) == {}
    assert chances("spam", ["ham", "spam"], token("spam", 0.6, ("ham", 0.2))) == {
        "ham": pytest.approx(0.25),
        "spam": pytest.approx(0.75),
    }
    quoted = chances(
        'a"b', ['a"b', "c"], token('{"label": "', 1.0), token('a\\"b', 0.5), token('"}', 1)
    )
    assert set(quoted) <= {'a"b', "c"}


def several(*contents):
    """A server that gives as many answers as it has."""

    def handler(_, body):
        assert body["n"] == 3
        assert "logprobs" not in body
        status, headers, reply = completion("", usage={"prompt_tokens": 7, "completion_tokens": 9})
        found = json.loads(reply)
        found["choices"] = [
            {"index": place, "message": {"content": one}, "finish_reason": "stop"}
            for place, one in enumerate(contents)
        ]
        return status, headers, json.dumps(found).encode()

    return handler


SPAM, HAM = '{"label": "spam"}', '{"label": "ham"}'


@pytest.mark.parametrize(
    ("contents", "output", "confidence"),
    [
        ((SPAM, SPAM, SPAM), "spam", 1.0),
        ((HAM, SPAM, SPAM), "spam", 2 / 3),
        ((HAM, "I cannot say", SPAM), "ham", 1 / 3),
        ((SPAM,), "spam", None),
        (("?", "?", "?"), None, None),
    ],
)
def test_the_agreement_of_samples_is_a_confidence(contents, output, confidence):
    (answer,), server = ask(several(*contents), samples=3, temperature=0.7)
    assert (answer.output, answer.confidence) == (output, confidence)
    assert (answer.usage.output_tokens, answer.usage.calls, len(server.calls)) == (9, 1, 1)


def test_samples_are_in_the_fingerprint_and_in_the_most_that_a_call_uses():
    one, three = make("http://x"), make("http://x", samples=3)
    assert one.fingerprint != three.fingerprint
    (case,) = plain_cases(1)
    assert three.max_usage(case).output_tokens == 3 * one.max_usage(case).output_tokens


FREE = OutputSpec(kind="free-text")
USED = {"prompt_tokens": 2000, "completion_tokens": 500}


def answer_to(body, output=LABELS, status=200, **headers):
    """The answer to one reply."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (answer,), _ = ask(lambda *_: (status, headers, raw), output)
    return answer


def message(content, **more):
    return {"choices": [{"message": {"content": content}, **more}], "usage": USED}


PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "ham or spam?"}]},
    {"type": "text", "text": "sp"},
    {"type": "reference", "reference_ids": [1]},
    {"type": "from_next_year", "text": "ham"},
    {"type": "output_text", "text": "am"},
]


@pytest.mark.parametrize(
    ("content", "output"),
    [
        (PARTS, "spam"),
        ([{"type": "text", "text": "spam"}], "spam"),
        ({"type": "text", "text": "spam"}, "spam"),
        ([{"type": "text", "text": {"value": "spam"}}], "spam"),
        (["spam"], "spam"),
        ([{"type": "thinking", "thinking": []}], None),
        ([7, None], None),
        ([], None),
        (None, None),
    ],
)
def test_the_text_parts_of_an_answer_are_the_answer(content, output):
    answer = answer_to(message(content))
    assert (answer.output, answer.failure) == (output, None)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (2000, 500)


def test_a_part_that_refuses_is_a_refusal():
    answer = answer_to(message([{"type": "refusal", "refusal": "I must not"}]))
    assert (answer.failure.kind, answer.usage.output_tokens) == ("refused", 500)
    assert "I must not" in answer.failure.message
    assert answer_to(message("spam") | {"choices": [{"message": {"refusal": [1]}}]}).failure


def with_token(**token):
    return message("spam", logprobs={"content": [{"token": "spam", "logprob": -0.1, **token}]})


ODD = {
    "content": message(7),
    "message": {"choices": [{"message": 7}], "usage": USED},
    "no message": {"choices": [{}], "usage": USED},
    "choice": {"choices": [7], "usage": USED},
    "choices": {"choices": {"a": 1}, "usage": USED},
    "no choices": {"choices": [], "usage": USED},
    "logprob": with_token(logprob=5000),
    "words for a logprob": with_token(logprob="high"),
    "token": with_token(token=7),
    "tokens": message("spam", logprobs={"content": 7}),
    "tokens of others": message("spam", logprobs={"content": ["spam"]}),
    "others": with_token(top_logprobs=7),
    "another": with_token(top_logprobs=[{"token": "ham", "logprob": 1e300}]),
}


@pytest.mark.parametrize("name", ODD)
def test_whatever_is_wrong_with_an_answer_is_a_bad_reply_that_was_paid(name):
    answer = answer_to(ODD[name])
    assert (answer.failure.kind, answer.failure.retryable) == ("bad_reply", True)
    assert (answer.usage.output_tokens, answer.usage.unknown_calls) == (500, 0)


@pytest.mark.parametrize(
    ("body", "kind", "unknown"),
    [
        (b"[" * 200_000, "bad_reply", 1),
        (b'{"choices": [{"message": {"content": "spam"}}, "usa', "bad_reply", 1),
        (json.dumps(ODD["choices"] | {"usage": {"prompt_tokens": 10**19}}), "bad_reply", 1),
        (json.dumps(message("spam") | {"usage": {"prompt_tokens": -5}}), None, 1),
        (json.dumps(message("spam")).replace("500", "1e999"), None, 1),
        (json.dumps(message("[" * 200_000)), None, 0),
    ],
)
def test_what_may_have_been_billed_and_is_not_told_is_not_known(body, kind, unknown):
    answer = answer_to(body if isinstance(body, bytes) else body.encode())
    assert (answer.failure and answer.failure.kind) == kind
    assert (answer.usage.calls, answer.usage.unknown_calls) == (1, unknown)


def test_a_deep_error_is_a_refusal():
    assert answer_to(b"[" * 200_000, status=400).failure.kind == "refused"


def test_halves_of_characters_become_valid_text():
    answer = answer_to(message("cut \ud83d"), FREE)
    assert (answer.output, answer.note) == (
        "cut �",
        "halves of characters were taken out of the answer",
    )


def test_probabilities_of_nothing_are_read():
    """Servers write the logarithm of 0 as null, as -Infinity or as a large number."""
    odd = [{"token": "ham", "logprob": one} for one in (None, -math.inf, -9999.0)]
    answer = answer_to(with_token(token="spam", top_logprobs=odd))
    assert answer.probabilities["ham"] == pytest.approx(0.0, abs=1e-9)
    assert answer_to(message("fine", logprobs={"content": []}), FREE).confidence is None
    assert answer_to(with_token(logprob=None), FREE).confidence == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "slow down", "code": 429}, "rate_limited"),
        ({"message": "slow down", "type": "rate_limit_error"}, "rate_limited"),
        ({"message": "slow down", "code": "503"}, "server_error"),
        ({"message": "slow down"}, "server_error"),
        ("slow down", "server_error"),
        ({"message": "slow down", "code": "context_length_exceeded"}, "refused"),
        ({"message": "slow down", "code": "invalid_api_key"}, "fatal"),
    ],
)
def test_an_error_with_the_status_200_is_what_its_code_names(error, kind):
    for body in ({"error": error}, {"error": error, "choices": None}):
        answer = answer_to(body, **{"Retry-After": "2"})
        assert (answer.failure.kind, answer.usage.unknown_calls) == (kind, 0)
        assert "slow down" in answer.failure.message
        if kind == "rate_limited":
            assert answer.failure.retry_after_s == 2.0
    paid = answer_to({"error": error, "usage": USED})
    assert paid.usage.output_tokens == 500


def test_an_error_in_a_choice_is_one():
    for word in ("error", "network_error", "insufficient_system_resource", "ABORT"):
        failed = {"choices": [{"message": {"content": "spam"}, "finish_reason": word}]}
        assert answer_to(failed).failure.kind == "server_error"
    failed["choices"][0]["error"] = {"code": 429, "message": "slow down"}
    assert answer_to(failed).failure.kind == "rate_limited"


@pytest.mark.parametrize(("status", "kind"), [(529, "server_error"), (499, "server_error")])
def test_a_status_that_http_does_not_know_is_a_failure_of_the_server(status, kind):
    answer = answer_to({"error": {"message": "overloaded"}}, status=status)
    assert (answer.failure.kind, answer.failure.retryable) == (kind, True)
    assert f"HTTP {status}: overloaded" in answer.failure.message


def test_who_never_heard_a_call_cannot_bill_it():
    async def go(url):
        solver = make(url, timeout_s=0.3)
        try:
            return (await solver.solve(plain_cases(1)))[0]
        finally:
            await solver._transport.close()

    unheard = asyncio.run(go("http://127.0.0.1:9"))
    assert (unheard.failure.kind, unheard.usage.unknown_calls) == ("connection", 0)
    with model_server(lambda *_: (0, {}, b"")) as server:
        cut = asyncio.run(go(server.url))
    assert (cut.failure.kind, cut.usage.unknown_calls) == ("connection", 1)


# ---- what a server takes ----

QUOTING = "invalid input: 'temperature, logprobs, response_format and max_completion_tokens'"


def learning(handler, known=None, count=2, **options):
    """Answers, what the server was asked, and what was learnt of it."""
    learnt = []

    async def go(server):
        solver = make(server.url, **options)
        given_known = known or Known()
        solver.start_from(replace(given_known, learned=learnt.append))
        try:
            return list(await solver.solve(plain_cases(count)))
        finally:
            await solver._transport.close()

    with model_server(handler) as server:
        return asyncio.run(go(server)), server.calls, learnt


def test_words_of_a_case_that_an_endpoint_quotes_change_nothing():
    def handler(_, body):
        refuses = "number 0" in body["messages"][-1]["content"]
        return failure(400, QUOTING) if refuses else completion("spam")

    (first, second), calls, learnt = learning(handler)
    assert first.failure.kind == "refused"
    assert QUOTING in first.failure.message
    assert second.output == "spam"
    assert {"temperature", "logprobs", "response_format", "max_tokens"} <= calls[-1].keys()
    assert learnt == [Features(schema=True, logprobs=True, temperature=True, newer_limit=False)]


def test_what_a_server_takes_is_told_once_it_is_known(caplog):
    def handler(_, body):
        return failure(400, "no temperature here") if "temperature" in body else completion("spam")

    answers, calls, learnt = learning(handler, count=3)
    assert [one.output for one in answers] == ["spam"] * 3
    assert len(calls) == 4
    assert [one.temperature for one in learnt] == [False]
    assert "strong is asked with other parameters from now on" in caplog.text


def test_a_server_that_refuses_several_parameters_is_asked_without_all_of_them():
    refused = ("temperature", "logprobs", "response_format")

    def handler(_, body):
        odd = [name for name in refused if name in body]
        return failure(400, f"unknown: {odd[0]}") if odd else completion("spam")

    (first, _), calls, _ = learning(handler)
    assert first.output == "spam"
    assert first.usage.calls == 4
    assert not set(refused) & calls[-1].keys()


def test_in_serving_nothing_is_learnt_that_was_decided_on():
    takes = Features(schema=True, logprobs=True, temperature=True, newer_limit=False)
    known = Known(features=takes, learns="never")
    answers, calls, learnt = learning(lambda *_: failure(400, "no temperature"), known)
    assert [one.failure.kind for one in answers] == ["refused"] * 2
    assert len(calls) == 2
    assert learnt == []


def test_in_serving_what_was_never_tried_is_learnt_from_the_named_parameter_only():
    def handler(named):
        def answer(_, body):
            if "temperature" not in body:
                return completion("spam")
            error = {"message": "no temperature", "param": named}
            return 400, {}, json.dumps({"error": error}).encode()

        return answer

    (first, _), _, _ = learning(handler("temperature"), Known(learns="param"))
    assert first.output == "spam"
    (first, _), calls, _ = learning(handler(None), Known(learns="param"))
    assert first.failure.kind == "refused"
    assert len(calls) == 2


def test_a_run_asks_from_its_first_call_as_was_found_out_before():
    takes = Features(schema=False, logprobs=False, temperature=False, newer_limit=True)
    answers, calls, learnt = learning(lambda *_: completion("spam"), Known(features=takes))
    assert [one.output for one in answers] == ["spam"] * 2
    assert calls[0].keys() == {"model", "messages", "max_completion_tokens"}
    assert learnt == []


JSON_OUTPUT = OutputSpec(kind="json-schema", schema={"type": "object"})


def refuses_schemas(_, body):
    if "response_format" not in body:
        return completion('{"a": 1}')
    error = {"message": "no response_format", "param": "response_format"}
    return 400, {}, json.dumps({"error": error}).encode()


def asked_for_json(known=None, **options):
    async def go(server):
        solver = make(server.url, JSON_OUTPUT, **options)
        solver.start_from(known or Known())
        try:
            (answer,) = await solver.solve(plain_cases(1))
            return answer, solver.goes_without_schema
        finally:
            await solver._transport.close()

    with model_server(refuses_schemas) as server:
        return *asyncio.run(go(server)), server.calls


def test_a_server_that_is_asked_without_a_schema_is_told():
    answer, without, calls = asked_for_json()
    assert (answer.output, without, len(calls)) == ('{"a": 1}', True, 2)


def test_a_schema_that_the_contract_states_is_never_dropped():
    answer, without, calls = asked_for_json(schema="on")
    assert (answer.failure.kind, without, len(calls)) == ("refused", False, 1)


def test_a_schema_that_the_contract_leaves_out_is_never_tried():
    answer, without, calls = asked_for_json(schema="off")
    assert (answer.output, without, len(calls)) == ('{"a": 1}', False, 1)


def test_in_serving_a_schema_is_never_dropped():
    answer, _, calls = asked_for_json(Known(learns="param"))
    assert (answer.failure.kind, len(calls)) == ("refused", 1)


def test_a_case_that_the_model_has_no_room_for_is_not_sent():
    (answer,), server = ask(lambda *_: completion("ham"), max_tokens=200, context=210)
    assert answer.failure.kind == "too_long"
    assert not answer.failure.retryable
    assert "tokens, and strong has room for 210" in answer.failure.message
    assert answer.usage.calls == 0
    assert server.calls == []
    (answer,), _ = ask(lambda *_: completion("ham"), max_tokens=200, context=400)
    assert answer.output == "ham"


def test_what_a_model_can_do_is_in_the_fingerprint_where_it_is_stated():
    url = "http://127.0.0.1:1/v1"
    made = [make(url), make(url, schema="on"), make(url, schema="off"), make(url, context=9)]
    assert len({one.fingerprint for one in made}) == 4
