"""Reading what a language model wrote."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.solvers.outputs import parse_output

LABELS = ["ham", "spam", "spam lite", "إيجابي", "好"]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("spam", "spam"),
        (" SPAM.\n", "spam"),
        ("Label: **Spam**", "spam"),
        ("answer = `ham`", "ham"),
        ('{"label": "spam lite"}', "spam lite"),
        ('"ham"', "ham"),
        ("It is spam lite, I think.", "spam lite"),
        ("<think>ham? no</think>\nspam", "spam"),
        ("<think>ham, and so on", None),
        ("الجواب: إيجابي", "إيجابي"),
        ("好。", "好"),
        ("ham or spam", None),
        ("eggs", None),
        ('{"label": 3}', None),
        ('{"label": "ham", "other": "spam"}', None),
        ("", None),
    ],
)
def test_a_label_is_found_in_what_was_written(text, label):
    assert parse_output("labels", text, LABELS) == label


def test_a_label_of_white_space_is_never_found_within_a_text():
    assert parse_output("labels", "it is ham", [" ", "ham"]) == "ham"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3 + 4\n#### 1,007 apples", "1007"),
        ("#### 12.5%", "12.5%"),
        ("#### ٤٢", "42"),
        ("I cannot say.", None),
    ],
)
def test_the_final_number_is_read(text, number):
    assert parse_output("number", text) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ("Sure:\n```\n[1, 2]\n```\nDone", "[1, 2]"),
        ('Here {it} is: {"a": {"b": []}} and more', '{"a": {"b": []}}'),
        ("```json\nnot json\n```", None),
        ('As in [1] the answer is {"a": 1}.', '{"a": 1}'),
        ('{"a": 1} and again {"a": 1}', '{"a": 1}'),
        ('For example {"a": 1}. The answer is {"a": 2}.', None),
        ('```\n{"a": 1}\n```\nor\n```\n{"a": 2}\n```', None),
        ('{"a": true} or {"a": 1}', None),
        ("[1] or [2]", None),
        ('first [{"a": 1}]', '[{"a": 1}]'),
        ('{"a": NaN}', None),
        ('{"a": 1, "a": 2}', None),
        ("[" * 100_000, None),
        ("{", None),
        ("", None),
    ],
)
def test_a_json_value_is_found_in_what_was_written(text, value):
    assert parse_output("json-schema", text) == value


ENDLESS = [
    "[",
    "{",
    '["a',
    '{"a":',
    "```json\n",
    "```json\n" + "\n" * 99,
    "(1 ",
    "<think>",
    "- ",
    "a, ",
]


@pytest.mark.parametrize("piece", ENDLESS)
@pytest.mark.parametrize("kind", ["labels", "number", "json-schema"])
def test_a_model_that_never_ends_does_not_hold_up_the_others(piece, kind):
    def seconds(length):
        text = "Well: ```json\n" + piece * (length // len(piece))
        begin = time.process_time()
        parse_output(kind, text, LABELS)
        parse_output(kind, text[14:], LABELS)
        return time.process_time() - begin

    short = max(0.02, *(seconds(5_000) for _ in range(3)))
    assert seconds(40_000) < 30 * short  # eight times the text; the square would be 64


@pytest.mark.parametrize("kind", ["labels", "number", "json-schema"])
@pytest.mark.parametrize("text", ["{}", "so: {} is it", "{} or {}"])
def test_nesting_beyond_all_reason_does_not_make_it_raise(kind, text):
    for deep in ("[" * 940 + "]" * 940, '{"a":' * 940 + "1" + "}" * 940):
        parse_output(kind, text.replace("{}", deep), LABELS)


def test_a_free_text_is_taken_as_it_is_without_thoughts():
    assert parse_output("free-text", "<think>x</think> Dear customer ") == "Dear customer"
    assert parse_output("free-text", " \n") is None


@given(st.text(max_size=60), st.sampled_from(["labels", "number", "json-schema", "free-text"]))
def test_no_text_makes_it_raise(text, kind):
    found = parse_output(kind, text, LABELS)
    assert found is None or found
    assert kind != "labels" or found is None or found in LABELS


@given(st.sampled_from(LABELS))
def test_every_label_reads_back(label):
    assert parse_output("labels", label, LABELS) == label
    assert parse_output("labels", json.dumps({"label": label}), LABELS) == label
