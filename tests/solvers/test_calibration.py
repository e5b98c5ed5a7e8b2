"""A local model's lean towards some labels, measured on shape cases and taken out."""

from hypothesis import given
from hypothesis import strategies as st

from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec
from rixin.solvers._labels import fit_offsets, shift
from rixin.solvers.prompt import Example, build_prompt, pick_calibration

SPEC = OutputSpec(kind="labels", labels=("ham", "spam"))


def shape(*rows):
    return [make_case(text, label, {"shape": 1.0}) for text, label in rows]


def test_cases_that_the_prompt_shows_or_whose_label_is_strange_are_left_out():
    prompt = build_prompt("Sort mail.", SPEC, [Example("win", "spam")], max_words=2)
    cases = shape(("win", "spam"), ("hello to you", "ham"), ("yo", None), ("x", "other"))
    assert pick_calibration(cases, prompt) == (Example("hello to", "ham"),)


def test_no_case_is_read_where_none_is_wanted():
    many = OutputSpec(kind="labels", labels=tuple(map(str, range(13))))
    text = OutputSpec(kind="free-text")
    cases = shape(("a", "1"), ("b", "2"))
    assert pick_calibration(cases, build_prompt("Sort.", many)) == ()
    assert len(pick_calibration(cases, build_prompt("Sort.", many), 1)) == 1
    assert pick_calibration(cases, build_prompt("Say.", text)) == ()
    assert pick_calibration(cases, build_prompt("Sort mail.", SPEC), 0) == ()


def test_a_model_that_always_leans_one_way_is_set_right():
    chances = [[0.9, 0.1], [0.7, 0.3]] * 12
    offsets = fit_offsets(chances, [0, 1] * 12)
    found = [shift(row, offsets) for row in chances]
    assert all(
        (row[1] > row[0]) == (place == 1) for row, place in zip(found, [0, 1] * 12, strict=True)
    )


@given(
    st.lists(st.floats(0, 1), min_size=3, max_size=3),
    st.lists(st.floats(-9, 9), min_size=3, max_size=3),
)
def test_shifted_probabilities_stay_probabilities(chances, offsets):
    found = shift(chances, offsets)
    assert abs(sum(found) - 1) < 1e-9
    assert all(0 <= each <= 1 for each in found)


def test_without_any_lean_nothing_moves():
    assert all(abs(one) < 1e-6 for one in fit_offsets([[0.5, 0.5]] * 4, [0, 1, 0, 1]))
