"""What a model is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec
from rixin.solvers.prompt import (
    Example,
    build_prompt,
    default_per_label,
    first_words,
    label_schema,
    pick_examples,
)

LABELS = OutputSpec(kind="labels", labels=("ham", "spam"))
SHOWN = [Example("win!", "spam"), Example("hello", "ham")]


def cases(*pairs):
    return [make_case(text, label, {"shape": 1.0}) for text, label in pairs]


def test_all_but_the_last_message_is_the_same_for_every_case():
    prompt = build_prompt("Sort mail.", LABELS, SHOWN)
    for ask in (prompt.messages, prompt.turns):
        assert ask("one")[:-1] == ask("two")[:-1]
        assert "one" in ask("one")[-1].content


def test_the_task_the_labels_and_the_examples_are_shown():
    prompt = build_prompt(" Sort mail. ", LABELS, SHOWN)
    assert prompt.system.startswith("Sort mail.\n\nAnswer with exactly one of these labels")
    assert "ham\nspam" in prompt.system
    assert prompt.system.endswith("Input: win!\nOutput: spam\n\nInput: hello\nOutput: ham")
    assert prompt.examples == 2


def test_turns_are_questions_and_answers():
    messages = build_prompt("Sort mail.", LABELS, SHOWN).turns(" new ")
    roles = ["system", "user", "assistant", "user", "assistant", "user"]
    assert [message.role for message in messages] == roles
    assert messages[-1].content == "new"


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        (OutputSpec(kind="number"), "####"),
        (OutputSpec(kind="json-schema", schema={"type": "object"}), '{"type": "object"}'),
        (OutputSpec(kind="json-schema"), "{}"),
    ],
)
def test_the_form_of_the_output_is_asked_for(spec, rule):
    prompt = build_prompt("Do it.", spec)
    assert rule in prompt.rules
    assert prompt.system == prompt.rules


def test_a_free_text_needs_only_the_task():
    assert build_prompt("Summarise.", OutputSpec(kind="free-text")).rules == "Summarise."


def test_examples_that_find_no_room_are_left_out_and_later_ones_are_not_blocked():
    shown = [Example("x" * 500, "a"), Example("short", "b")]
    assert build_prompt("", LABELS, shown, max_bytes=100).shown == (shown[1],)
    assert build_prompt("", LABELS, shown, max_bytes=10).shown == ()


def test_everything_that_can_change_an_answer_is_in_the_fingerprint():
    prompts = [
        build_prompt("Sort.", LABELS),
        build_prompt("Sort it.", LABELS),
        build_prompt("Sort.", LABELS, SHOWN),
        build_prompt("Sort.", LABELS, max_words=9),
        build_prompt("Sort.", OutputSpec(kind="labels", labels=("spam", "ham"))),
        build_prompt("Sort.", OutputSpec(kind="json-schema", schema={"a": 1, "b": 2})),
        build_prompt("Sort.", OutputSpec(kind="json-schema", schema={"b": 2, "a": 1})),
    ]
    assert len({prompt.fingerprint for prompt in prompts}) == len(prompts)
    assert build_prompt("Sort.", LABELS).fingerprint == prompts[0].fingerprint


def test_only_the_words_that_are_asked_for_are_read():
    prompt = build_prompt("Sort.", LABELS, max_words=2)
    assert prompt.text(" one two three") == "one two"
    assert build_prompt("Sort.", LABELS).text(" one two three ") == "one two three"


@pytest.mark.parametrize(("labels", "count"), [(2, 2), (12, 2), (13, 1)])
def test_few_labels_get_two_examples(labels, count):
    spec = OutputSpec(kind="labels", labels=tuple(map(str, range(labels))))
    assert default_per_label(spec) == count


def test_other_outputs_get_one_example_or_none():
    assert default_per_label(OutputSpec(kind="json-schema")) == 1
    assert default_per_label(OutputSpec(kind="number")) == 0


def test_examples_come_label_by_label_in_the_order_of_the_cases():
    rows = cases(("a", "x"), ("b", "x"), ("c", None), ("d", "y"), ("e", "z"), ("f", "y"))
    found = pick_examples(rows, ["x", "y"], 2)
    assert [example.input for example in found] == ["a", "d", "b", "f"]


def test_no_more_cases_are_read_than_needed():
    def stream():
        yield from cases(("a", "x"), ("b", "y"))
        pytest.fail("read on")

    assert len(pick_examples(stream(), ["x", "y"], 1)) == 2
    assert pick_examples(stream(), ["x"], 0) == ()


def test_without_labels_the_first_cases_are_shown_and_cut():
    found = pick_examples(cases(("one two three", "1"), ("four", "2"), ("x", "3")), [], 2, 2)
    assert found == (Example("one two", "1"), Example("four", "2"))
    whole = pick_examples(cases((" one two three ", "1")), [], 1, None)
    assert whole == (Example("one two three", "1"),)


def test_a_run_of_letters_without_end_counts_as_many_words():
    assert first_words("a" * 500, 3) == "a" * 120
    assert first_words("!" * 500, 3) == "!" * 120
    assert first_words("hi " + "!" * 500, 3) == "hi " + "!" * 119


@given(st.text(max_size=200), st.integers(1, 20))
def test_the_first_words_begin_the_text_and_are_bounded(text, count):
    found = first_words(text, count)
    assert text.startswith(found)
    assert first_words(found, count) == found


def test_a_label_in_json_is_one_of_the_labels():
    schema = label_schema(["a", "b"])
    assert schema["properties"] == {"label": {"type": "string", "enum": ["a", "b"]}}
