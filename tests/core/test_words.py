import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.regex import compile_regex
from rixin.core.text import strip_arabic_marks, whole_word_pattern, words


def test_words_of_scripts_without_spaces_are_single_characters():
    assert words("iPhone手机 ok ไทย") == ["iPhone", "手", "机", "ok", "ไ", "ท", "ย"]


@pytest.mark.parametrize(
    ("word", "text", "stands"),
    [
        ("net", "a net loss", True),
        ("net", "cabinet", False),
        ("net", "nets", False),
        ("net", "net手", True),
        ("手机", "我的手机坏了", True),
        ("c++", "c++ only", True),
        ("$5", "for $5", True),
        ("$5", "for $50", False),
        ("بنك", "في بنك", True),
        ("بنك", "بنكي", False),
    ],
)
def test_a_word_is_found_only_where_it_stands_whole(word, text, stands):
    assert bool(re.search(whole_word_pattern(word), text)) is stands


def test_arabic_vowel_signs_and_stretching_do_not_count():
    assert strip_arabic_marks("بَنْـــكٌ") == "بنك"


def test_a_bad_expression_is_named():
    with pytest.raises(ValueError, match=r"'\[' is not a regular expression"):
        compile_regex("[")


def test_an_expression_with_a_future_meaning_does_not_warn():
    assert compile_regex("[[a]").search("a")


@given(st.text(max_size=40))
def test_every_word_of_a_text_stands_whole_in_it(text):
    assert all(re.search(whole_word_pattern(word), text) for word in words(text))
