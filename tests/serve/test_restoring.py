"""Values that were taken out come back so that JSON stays JSON, whole and in streams."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.guards.redact import Placeholders, StreamRestorer
from rixin.guards.redact import _is_json as is_json
from rixin.serve.restoring import EventRestorer, restored
from serve.house import create_key, release, start, upstream, write_scenario

VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
ODD = [
    "Tr0ub\\4dor&3x",
    "-----BEGIN\nMIIE\n-----END",
    'a "b"',
    "\x00\x1f\x7f",
    "\\",
    '\\"',
    "</script>",
    "\u2028",
]


def put(value):
    names = Placeholders()
    return names, names.put(value, "secret")


def in_pieces(text, cuts):
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(edges)]


CUTS = st.lists(st.integers(0, 90), max_size=12)
WRITTEN = st.sampled_from(
    [
        json.dumps,
        lambda value: json.dumps(value, indent=2),
        lambda value: "\n\n  " + json.dumps(value),
        lambda value: f"```json\n{json.dumps(value)}\n```",
        lambda value: json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e"),
        lambda value: json.dumps(value).replace("<", "\\u003C"),
    ]
)


def read(text):
    return json.loads(text.strip().removeprefix("```json").removesuffix("```"))


@given(st.one_of(VALUES, st.sampled_from(ODD)), WRITTEN, st.booleans(), CUTS)
def test_a_value_in_a_json_answer_comes_back_as_it_was(value, write, declared, cuts):
    names, name = put(value)
    said = write({"said": name, name: [f"<{name}>", 1.5]})
    wanted = {"said": value, value: [f"<{value}>", 1.5]} if value != "said" else None
    whole = names.restore_answer(said, declared=declared)
    stream = StreamRestorer(names, quoted=None, declared=declared)
    streamed = "".join([*(stream.feed(piece) for piece in in_pieces(said, cuts)), stream.close()])
    assert streamed == whole
    if wanted is not None:
        assert read(whole) == wanted


@given(
    VALUES, st.sampled_from(["{}", "it is {}", "[Note] {}", "<p>{}", "`{}`", "``` {}", " {}"]), CUTS
)
def test_a_value_in_a_plain_answer_comes_back_as_it_is(value, form, cuts):
    names, name = put(value)
    said = form.format(name)
    assert names.restore_answer(said) == form.format(value)
    stream = StreamRestorer(names, quoted=None)
    pieces = [*(stream.feed(piece) for piece in in_pieces(said, cuts)), stream.close()]
    assert "".join(pieces) == form.format(value)


@pytest.mark.parametrize(
    ("head", "declared", "json"),
    [
        *(("", True, None), ("```", True, None), ("{", False, None), ("{", True, True)),
        *(('"x', True, True), ('"x', False, False), ("[", True, True), ("[Note]", False, False)),
        *(('{ "', False, True), ("{x", False, False), ('["', False, True), ("[[", False, True)),
        *(
            ("```json\n{", True, True),
            ("x{", True, False),
            ("`x", True, False),
            ("[{", False, True),
        ),
    ],
)
def test_an_answer_is_json_by_its_beginning(head, declared, json):
    assert is_json(head, declared=declared) is json


@pytest.mark.parametrize("value", ODD)
def test_json_of_chats_responses_and_tools_is_put_together_again(value):
    names, name = put(value)
    said = json.dumps({"said": name})
    chat = {
        "choices": [
            {
                "message": {
                    "content": said,
                    "refusal": name,
                    "tool_calls": [{"function": {"arguments": said}}],
                }
            }
        ]
    }
    back = restored(chat, names, declared=True)["choices"][0]["message"]
    assert json.loads(back["content"]) == {"said": value}
    assert json.loads(back["tool_calls"][0]["function"]["arguments"]) == {"said": value}
    assert back["refusal"] == value
    response = {
        "output": [{"content": [{"type": "output_text", "text": said}]}],
        "metadata": {name: name},
    }
    back = restored(response, names)
    assert json.loads(back["output"][0]["content"][0]["text"]) == {"said": value}
    assert back["metadata"] == {value: value}


def events(names, *bodies):
    restorer = EventRestorer(names)
    lines = b"".join(restorer.restore(b"data: " + json.dumps(one).encode()) for one in bodies)
    return [json.loads(line[6:]) for line in lines.split(b"\n") if line.startswith(b"data: {")]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_json_in_a_stream_is_put_together_again(value, size):
    names, name = put(value)
    said = json.dumps({"said": name})
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    def chunk(delta):
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}

    chunks = events(names, *(chunk({"content": piece}) for piece in pieces), end)
    deltas = [one["choices"][0]["delta"] for one in chunks]
    assert json.loads("".join(delta.get("content", "") for delta in deltas)) == {"said": value}

    parts = [chunk({"content": [{"type": "text", "text": piece}]}) for piece in pieces]
    deltas = [one["choices"][0]["delta"] for one in events(names, *parts, end)]
    texts = [part["text"] for delta in deltas for part in delta.get("content", ())]
    assert json.loads("".join(texts)) == {"said": value}

    calls = [chunk({"function_call": {"arguments": piece}}) for piece in pieces]
    deltas = [one["choices"][0]["delta"] for one in events(names, *calls, end)]
    texts = [delta["function_call"]["arguments"] for delta in deltas if "function_call" in delta]
    assert json.loads("".join(texts)) == {"said": value}

    kind = "response.output_text"
    told = [{"type": f"{kind}.delta", "item_id": "m", "delta": piece} for piece in pieces]
    told += [{"type": f"{kind}.done", "item_id": "m", "text": said}]
    back = events(names, *told)
    assert json.loads("".join(one.get("delta", "") for one in back)) == {"said": value}
    assert json.loads(back[-1]["text"]) == {"said": value}


def test_the_rest_of_parts_and_of_a_function_call_comes_with_the_end():
    names, name = put("x")
    for delta, rest in (
        ({"content": [{"type": "text", "text": name[:4]}]}, lambda end: end["content"][0]["text"]),
        ({"function_call": {"arguments": name[:4]}}, lambda end: end["function_call"]["arguments"]),
    ):
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        end = {
            "index": 0,
            "delta": {"content": []} if "content" in delta else {},
            "finish_reason": "length",
        }
        back = events(names, {"choices": [choice]}, {"choices": [end]})
        assert rest(back[-1]["choices"][0]["delta"]) == name[:4]


def test_names_and_free_inputs_of_tools_come_back_in_a_stream():
    names, name = put('a "b"')
    call = {"index": 0, "function": {"name": f"ask_{name}", "arguments": ""}}
    own = {"index": 1, "custom": {"name": name, "input": name[:4]}}
    chunks = events(
        names,
        {"choices": [{"index": 0, "delta": {"tool_calls": [call, own]}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "delta": {"function_call": {"name": name}}}]},
    )
    first, own = chunks[0]["choices"][0]["delta"]["tool_calls"]
    assert first["function"]["name"] == 'ask_a "b"'
    assert own["custom"] == {"name": 'a "b"', "input": ""}
    (rest,) = chunks[1]["choices"][0]["delta"]["tool_calls"]
    assert rest == {"index": 1, "custom": {"input": name[:4]}}
    assert chunks[2]["choices"][0]["delta"]["function_call"]["name"] == 'a "b"'


NAMES = st.sampled_from(
    [
        "choices",
        "delta",
        "content",
        "text",
        "tool_calls",
        "function",
        "arguments",
        "custom",
        "input",
        "function_call",
        "name",
        "index",
        "finish_reason",
        "type",
        "item_id",
        "x",
    ]
)
ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(0, 3),
        st.sampled_from(["<SEC", "RET_1>", "a.delta", "a.done"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=12,
)
CHOICES = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({"delta": ANYTHING, "finish_reason": ANYTHING}), max_size=2
        )
    }
)


@given(st.lists(st.one_of(CHOICES, st.dictionaries(NAMES, ANYTHING, max_size=5)), max_size=6))
def test_whatever_an_endpoint_streams_is_passed_on(bodies):
    names, _ = put("x")
    assert len(events(names, *bodies)) >= len(bodies)


SECRETS = [
    "password: Tr0ub\\4dor&3x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7y3k9Qm2\n-----END RSA PRIVATE KEY-----",
]


def test_a_served_scenario_and_an_endpoint_give_json_back_as_json(tmp_path):
    more = "policy: {guards: [{secrets: {action: redact, at: [egress, capture]}}]}"
    with upstream(tmp_path) as up:
        path = write_scenario(tmp_path / "desk", up.url, more=more, faults=("parrot",))
        form = "output: {json-schema: {type: object, required: [said]}}"
        path.write_text(path.read_text().replace("output: free-text", form))
        release(path, "parrot")
        house = start(path, key=create_key(path), upstream=up)
        try:
            for model in ("scenario/desk", "solver/parrot"):
                for secret in SECRETS:
                    said = house.chat(secret, model).json()["choices"][0]["message"]["content"]
                    assert secret in json.loads(said)["said"]
            sent = json.dumps(up.seen("parrot"))
        finally:
            house.stop()
            house.process.stderr.close()
    assert "<SECRET_" in sent
    assert "Tr0ub" not in sent
    assert "MIIEow" not in sent
