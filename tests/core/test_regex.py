import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.regex import compile_regex, find_first, find_matches

ENDLESS = [
    *("(a+)+", "(a*)*", "(a|aa)+", r"(\w+\s?)+", r"(\d+|\w+)*", "(a+b?)+", "(?:a|a)*b", "(.*)*x"),
    *(r"(?:x+x+)+y", "((a+)b?)*c", r"([a-z]+)*\d", r"(?:\s*\w*\s*)*;", "(a{1,30}){1,30}b"),
    *(r"^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a?a?)+$", "(?:ab|a|b)+c", "(?:(?:a?)?b)+c", "(?i)(?:a+A?)+"),
    *("(?s:(?:\n|.)*x)", "(?=(a+)+b)", "(a+?)+?b", r"(x)?(?:(?(1)a|a)+)+", "(?:[^a]+[^b]?)+"),
    *(r"(?:\S+\W?)+;", r"(?:\D|\d\d?|\d)+x", r"(?:[^x]x?|x)*?;"),
]  # fmt: skip
HARMLESS = [
    *(r"\bPX-\d{4}\b", r"(?:\w+ )+", r'(?:[^"\\]|\\.)*', r"(?:\s*\w+\s*,)*", r"^(\w+\.)*\w+@"),
    *(r"\d+(\.\d+)?%", "(?:a|b)*", "(?>a+)+", "(a++)+", r"(?:[A-Z][a-z]+ ?){2,3}", r"(a)\1+"),
    *(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", r"(?:\d{1,3},)*\d{3}", r"(?:\d{1,3}\.){3}\d{1,3}"),
    *("(?=x+)y", "(?:foo|bar)+", "(x)?(?(1)a|b)+", "(x)?(?(1)a)+", ".*refund.*", r"(?:\n|.)*"),
    *(r"(?s).*a.*b", r"^\s*$", r"(?:,\s*\w+)*", r"(?i)\bfoo\s+bar\b", r"(?:[^,]*,)*", r"(?-i:a)*", r"(?:\bfoo\s+)+"),
]  # fmt: skip


@pytest.mark.parametrize("expression", ENDLESS)
def test_what_would_take_for_ever_is_refused_with_a_way_out(expression):
    with pytest.raises(ValueError, match=r"takes for ever on some texts: .* leave one of the two"):
        compile_regex(expression)


@pytest.mark.parametrize("expression", HARMLESS)
def test_what_repeats_in_one_way_only_is_taken(expression):
    assert compile_regex(expression).pattern == expression


def test_a_loop_of_very_many_parts_is_not_looked_into():
    assert compile_regex(f"(?:{'|'.join(f'word{n}' for n in range(45))})+")


PIECES = st.lists(
    st.sampled_from(["a", "1", "22", "b-", " ", "\n", "x@y.z", "foo", "é"]), max_size=9
)
WINDOWED = [
    r"\d+",
    r"a+b-?",
    r"\bfoo\b",
    r"[^\n]+$",
    r"(?m)^\w+",
    r"\w+@\w+\.z",
    "foo(?!foo)",
    r"\s+\Z",
]


@given(PIECES, st.sampled_from(WINDOWED), st.integers(300, 600))
def test_steps_find_what_one_look_finds(pieces, expression, times):
    pattern = compile_regex(expression)
    text = "".join(pieces) * times
    spans = [match.span() for match in find_matches(pattern, text)]
    assert spans == [match.span() for match in pattern.finditer(text)]


@pytest.mark.parametrize(
    "expression", [r"(?s)BEGIN.*END", r"(?s)BEGIN.{0,9000}?END", r"BEGIN\d*END\Z"]
)
@pytest.mark.parametrize("size", [10, 900, 2000])
@pytest.mark.parametrize("before", [0, 500, 511, 512, 5000])
def test_a_match_over_the_borders_of_steps_is_found_whole(expression, size, before):
    text = "x" * before + "BEGIN" + "1" * size + "END"
    match = find_first(compile_regex(expression), text)
    assert match is not None
    assert match.span() == (before, len(text))


def test_a_match_of_any_length_is_found_whole_and_the_end_of_a_step_is_none_of_the_text():
    text = "x" + "1" * 20_000 + "y"
    assert [match.span() for match in find_matches(compile_regex(r"\d+"), text)] == [(1, 20_001)]
    assert find_first(compile_regex(r"\d+\Z"), text[:9_000] + "y") is None
    assert find_first(compile_regex(r"x\d+\Z"), text[:9_000]).end() == 9_000
    assert find_first(compile_regex("z"), text) is None


def test_a_look_at_the_whole_text_is_one_at_the_whole_text():
    text = "allowed " + "x " * 5_000 + "secret"
    assert find_first(compile_regex(r"(?s)\A(?!.*secret)allowed"), text) is None
    assert find_first(compile_regex(r"(?s)allowed(?=.*secret)"), text)
    assert find_first(compile_regex("x(?= secret)"), text).end() == len(text) - 7


def test_patterns_of_no_text_find_what_python_finds_in_short_texts():
    assert [match.span() for match in find_matches(re.compile("x*"), "ax")] == [
        (0, 0),
        (1, 2),
        (2, 2),
    ]
    assert len(list(find_matches(re.compile("x*"), "a" * 9_000))) == 9_000


@pytest.mark.parametrize(
    "expression",
    [
        "a+b",
        r"\w+@",
        r"a*b",
        r"(?:a|b)+c",
        r"a+\Z",
        r"(?s).*b",
        "[^b]*b",
        "aa*$",
    ],
)
def test_a_long_text_takes_linear_time_whatever_the_expression(expression):
    pattern = compile_regex(expression)

    def spent(length):
        before = time.process_time()
        sum(1 for _ in find_matches(pattern, "a" * length))
        return time.process_time() - before

    # Four times the text: linear is 4, quadratic 16.
    assert min(spent(12_000) / max(spent(3_000), 1e-3) for _ in range(2)) < 10
