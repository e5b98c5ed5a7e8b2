"""When two spellings are one label."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.denial import corrects, denial_count, denies, doubts
from rixin.core.labels import LabelSet, label_set, merge_spellings, spelling_notes


@pytest.mark.parametrize(
    ("labels", "text", "label"),
    [
        (["refund", "delivery"], "ＲＥＦＵＮＤ\u00a0", "refund"),
        (["refund", "delivery"], "re\u00adfund\u200b", "refund"),
        (["follow_up"], "Follow-up", "follow_up"),
        (["follow up"], "followup", "follow up"),
        (["level 1", "level 2"], "Level1", "level 1"),
        (["1-2", "12"], "1 2", "1-2"),
        (["-1", "1"], "−1", "-1"),
        (["no-go", "nogo"], "No_Go", "no-go"),
        (["a-b", "a_b"], "A_B", "a_b"),
        (["a-b", "a_b"], "a b", None),
        (["عِلم", "عَلم"], "علم", None),
        (["Spam", "spam"], "SPAM", None),
        ([" ", "ham"], "", None),
    ],
)
def test_labels_are_compared_as_loosely_as_keeps_them_apart(labels, text, label):
    assert LabelSet(labels).find(text) == label


def test_spellings_that_nobody_tells_apart_are_one_label_under_the_most_frequent_one():
    counts = {
        "refund ": 190,
        "refund": 60,
        "Refund": 90,
        "REFUND": 80,
        "refund\u00a0": 9,
        "ｒefund": 1,
    }
    merged = merge_spellings(
        {**counts, "delivery": 500, "follow_up": 3, "Follow-up": 2, "12": 1, "1 2": 1}
    )
    assert list(merged) == ["delivery", "refund", "follow_up", "12", "1 2"]
    assert merged["refund"] == counts


def test_a_note_says_what_was_taken_together_and_how_often():
    counts = {"refund ": 190, "Refund": 9, "eggs": 2, "delivery": 7}
    assert spelling_notes(("refund", "delivery"), counts) == (
        "the label 'refund' (0) is also written 'refund ' (190), 'Refund' (9): taken as one label",
    )
    many = {f"{' ' * n}x": 1 for n in range(9)}
    assert spelling_notes(("x",), many)[0].endswith("'      x' (1) and 2 more: taken as one label")


def test_a_text_that_is_no_label_stays_as_it_is():
    assert label_set(("ham",)).canonical("eggs") == "eggs"
    assert label_set(("ham",)).canonical("HAM") == "ham"


@given(st.lists(st.text(max_size=5), max_size=8, unique=True))
def test_every_label_is_found_as_itself(labels):
    known = LabelSet(labels)
    assert [known.find(label) for label in labels] == labels


@given(st.dictionaries(st.text("aB -_１é", min_size=1, max_size=4), st.integers(1, 9), max_size=9))
def test_every_spelling_finds_its_label_and_no_count_is_lost(counts):
    merged = merge_spellings(counts)
    known = LabelSet(merged)
    for label, spellings in merged.items():
        assert all(known.find(spelling) == label for spelling in spellings if label)
    assert sum(sum(group.values()) for group in merged.values()) == sum(counts.values())


def test_words_that_deny_doubt_or_correct_are_known_in_three_languages():
    denied = [
        "it isn't spam",
        "it is not spam",
        "no spam",
        "这不是垃圾邮件",
        "ليس مزعجا",
        "وليس كذلك",
    ]
    assert all(map(denies, denied))
    assert not any(map(denies, ["it is notable", "非常好", "هذا جيد", "no. 5", "no doubt it is"]))
    assert all(map(doubts, ["is it?", "if so", "是否", "هل هو", "it is not"]))
    assert not doubts("it is so")
    assert all(map(corrects, ["wait, no", "更正：", "عذرا"]))
    assert not corrects("it has a link")
    assert (denial_count("not now, never"), denial_count("非常好")) == (2, 0)
