"""What is read as a label is what a person reads; where it is not sure, nothing is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.solvers.outputs import parse_output

SPAM = ("spam", "not_spam")
MAIL = ("spam", "ham")
TOXIC = ("toxic", "non-toxic")
MOOD = ("positive", "very_positive", "negative")
DESK = ("issue", "billing_issue")
ZH = ("垃圾邮件", "正常邮件")
ZH_TONE = ("满意", "不满意")
AR = ("مزعج", "عادي")
AR_WANT = ("مرغوب", "غير مرغوب")
STARS = ("1", "2", "3", "4", "5")
SIGN = ("-1", "0", "1")
LETTERS = ("A", "B", "C", "D")
GRADES = ("A", "A-", "B")
YES = ("yes", "no")


def read(text, labels):
    return parse_output("labels", text, labels)


@pytest.mark.parametrize(
    ("labels", "text", "label"),
    [
        (SPAM, "not spam", "not_spam"),
        (SPAM, "NOT-SPAM", "not_spam"),
        (SPAM, "It is not spam.", "not_spam"),
        (SPAM, '{"label": "not spam"}', "not_spam"),
        (SPAM, "Answer: Not Spam, since nobody sells anything", "not_spam"),
        (("spam", "not spam"), "NOT-SPAM", "not spam"),
        (TOXIC, "Non toxic", "non-toxic"),
        (TOXIC, "non‑toxic", "non-toxic"),
        (TOXIC, "nontoxic", "non-toxic"),
        (TOXIC, "ＮＯＮ－ＴＯＸＩＣ", "non-toxic"),
        (MOOD, "very positive", "very_positive"),
        (MOOD, "The review is very positive.", "very_positive"),
        (MOOD, "This is a positive review.", "positive"),
        (DESK, "billing issue", "billing_issue"),
        (DESK, "It is a billing issue.", "billing_issue"),
        (ZH_TONE, "不满意", "不满意"),
        (ZH_TONE, "客户不满意。", "不满意"),
        (AR_WANT, "غير مرغوب", "غير مرغوب"),
        (AR_WANT, "الرسالة غير مرغوب.", "غير مرغوب"),
        (AR, "مُزعِج", "مزعج"),
        (SIGN, "-1", "-1"),
        (SIGN, "−1", "-1"),
        (STARS, "４", "4"),
        (STARS, "٤", "4"),
        (("re-sign", "resign"), "Re-sign", "re-sign"),
        (("Spam", "spam"), "Spam", "Spam"),
        (("re\u00adfund", "delivery"), "refund", "re\u00adfund"),
    ],
)
def test_a_label_is_found_in_whatever_spelling_keeps_the_labels_apart(labels, text, label):
    assert read(text, labels) == label


@pytest.mark.parametrize(
    ("labels", "text", "label"),
    [
        (MAIL, "ham\n\nExplanation: nobody asks for money, so it is not spam.", "ham"),
        (MAIL, "Label: ham\nReason: no sign of spam", "ham"),
        (MAIL, "ham - not spam", "ham"),
        (MAIL, "ham (not spam)", "ham"),
        (MAIL, "Ham, not spam.", "ham"),
        (MAIL, "**ham**\n\nThe word spam does not stand in it.", "ham"),
        (MAIL, "Answer: ham. Spam would have a link. This one has none.", "ham"),
        (MAIL, "Label: ham EXPLANATION: spam has links", "ham"),
        (MAIL, "The label is ham because spam has links.", "ham"),
        (MAIL, "ham because it is from a friend, unlike spam", "ham"),
        (MAIL, "Answer: ham, which is rarer than spam", None),
        (MAIL, "The final answer is **ham**.", "ham"),
        (MAIL, "There is no link in it.\n\nFinal answer: ham", "ham"),
        (MAIL, "It looks like spam at first, but has no link.\n\nham", "ham"),
        (MAIL, "<answer>ham</answer>", "ham"),
        (MAIL, "# ham", "ham"),
        (MAIL, "is it spam? it has no link</think>\n\nham", "ham"),
        (MAIL, "<thinking>spam</thinking>ham", "ham"),
        (MAIL, '{"label": "ham", "reason": "no spam signs"}', "ham"),
        (MAIL, '{"reason": "no spam signs", "verdict": "Ham"}', "ham"),
        (MAIL, '```json\n{"label": "ham"}\n```', "ham"),
        (MAIL, 'Here it is:\n{"label": "ham"}', "ham"),
        (MAIL, '["ham"]', "ham"),
        (MAIL, '{"labels": ["ham"]}', "ham"),
        (MAIL, '{"answer": {"label": "ham", "reason": "no spam"}}', "ham"),
        (MAIL, '{"labels": ["ham", "spam"]}', None),
        (MAIL, '{"label": null}', None),
        (MAIL, '{"label": "ham"}\nThere is no sign of spam.', "ham"),
        (MAIL, '{"label": "ham"}\nWait, it must be spam.', None),
        (STARS, '{"stars": 4}', "4"),
        (("true", "false"), '{"toxic": false}', "false"),
        (STARS, "Rating: I give it a 4.", "4"),
        (LETTERS, "B", "B"),
        (LETTERS, "B. Paris", "B"),
        (LETTERS, "(B) Paris", "B"),
        (LETTERS, "B) Paris", "B"),
        (LETTERS, "The correct answer is B.", "B"),
        (GRADES, "Answer: A-", "A-"),
        (YES, "No, it is not.", "no"),
        (YES, "Yes.", "yes"),
        (ZH, "标签：正常邮件\n理由：没有垃圾邮件的特征。", "正常邮件"),
        (ZH, "正常邮件，不是垃圾邮件", "正常邮件"),
        (ZH, "这是垃圾邮件。", "垃圾邮件"),
        (ZH, "答案是“垃圾邮件”，因为有链接。", "垃圾邮件"),
        (ZH, "属于垃圾邮件类。", "垃圾邮件"),
        (AR, "التصنيف: عادي\nالسبب: لا يوجد شيء مزعج", "عادي"),
        (AR, "الإجابة هي عادي، لأن الرسالة من صديق.", "عادي"),
        (AR, "النص عادي.", "عادي"),
    ],
)
def test_a_label_in_the_place_of_the_answer_is_read_whatever_its_reason_says(labels, text, label):
    assert read(text, labels) == label


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (MAIL, "It is not spam."),
        (MAIL, "Anything but spam."),
        (MAIL, "less spam than that"),
        (MAIL, "spam... no, ham"),
        (MAIL, "Spam. No, ham."),
        (ZH, "垃圾邮件。不对，是正常邮件"),
        (ZH, "除了垃圾邮件"),
        (ZH, "难说是垃圾邮件"),
        (AR, "عكس مزعج"),
        (AR, "كل شيء إلا مزعج"),
        (MAIL, "Spam score: 0.1"),
        (MAIL, "5% spam"),
        (MAIL, "spam 5%"),
        (MAIL, "spam: 0.1"),
        (MAIL, "It contains the word spam."),
        (MAIL, "Spam, this is not."),
        (MAIL, "spam=no"),
        (MAIL, "It isn't spam."),
        (MAIL, "It isn’t really spam."),
        (MAIL, "This is non-spam."),
        (MAIL, "anti-spam"),
        (MAIL, "I would not call it spam."),
        (MAIL, "No spam here."),
        (MAIL, "It is free of spam."),
        (MAIL, "It is unlikely to be spam."),
        (MAIL, "Neither."),
        (MAIL, "not spam"),
        (MAIL, "Label: not spam"),
        (MAIL, '{"label": "not spam"}'),
        (MAIL, '{"not": "spam", "label": "ham or spam"}'),
        (MAIL, "spam: false"),
        (MAIL, "It would be spam if it had a link."),
        (SPAM, "It isn't spam."),
        (SPAM, "not really spam"),
        (SPAM, "not a spam message"),
        (SPAM, "It is not not_spam."),
        (TOXIC, "un-toxic"),
        (TOXIC, "It is hardly toxic."),
        (MOOD, "extremely positive"),
        (MOOD, "not very positive"),
        (DESK, "It is a technical issue."),
        (("alive", "dead"), "It is a live issue."),
        (ZH, "不是垃圾邮件"),
        (ZH, "这并非垃圾邮件。"),
        (ZH, "这不属于垃圾邮件。"),
        (ZH, "非垃圾邮件"),
        (ZH, "反垃圾邮件"),
        (ZH, "垃圾邮件吗？"),
        (ZH, "如果有链接就是垃圾邮件。"),
        (ZH_TONE, "没有不满意"),
        (("满意", "差"), "满意度很低"),
        (("好", "差"), "你好。"),
        (("好", "差"), "味道不好"),
        (AR, "ليس مزعجا"),
        (AR, "الرسالة ليست مزعج"),
        (AR, "هذا غير مزعج."),
        (AR, "لا أظن أنه مزعج"),
        (AR, "وليس مزعج"),
        (AR_WANT, "ليس مرغوب"),
        (SIGN, "-0.5"),
        (("0", "1"), "-1"),
        (STARS, "1.5"),
        (STARS, "4 of 5"),
        (STARS, "4/5"),
        (STARS, "5%"),
        (STARS, "12:4"),
        (("A", "B"), "A-"),
        (LETTERS, "A good question."),
        (YES, "I have no idea."),
        (("bug", "other"), "On the other hand it is fine."),
    ],
)
def test_a_label_that_is_denied_doubted_or_part_of_something_else_is_never_read(labels, text):
    assert read(text, labels) is None


@pytest.mark.parametrize(
    "text",
    [
        "ham or spam?",
        "ham or spam",
        "ham, spam",
        "ham/spam",
        "ham\nspam",
        "Candidates: ham\nspam",
        "Spam: it has a link. Ham: it is from a friend.",
        "spam: 0.2\nham: 0.8",
        "Label: ham or spam",
        "Label: ham\nLabel: spam",
        "Spam? No, ham.",
        "Spam, I thought at first, but it is ham.",
        "ham\nWait, actually it must be spam.",
        "Answer: ham. So it is spam.",
        "It is not ham but spam.",
        "The options are spam and ham. I cannot decide.",
        "Either ham or\n\nspam",
        "ham\nThis is not ham.",
        '{"label": "ham", "not": "spam"}',
        '{"spam": true, "ham": false}',
        '{"label": "ham"} or {"label": "spam"}',
        'It is not {"label": "ham"}',
        "垃圾邮件还是正常邮件？",
        "The first line is none.\nspam has links, ham has not",
    ],
)
def test_a_text_that_weighs_labels_has_none(text):
    assert read(text, (*MAIL, *ZH)) is None


WORLDS = {
    "en": (
        MAIL,
        "{}",
        "not {}",
        "It is not {}.",
        "It isn't {}.",
        "{} or {}?",
        "never {}",
        "This is no {}",
    ),
    "zh": (ZH, "{}", "不是{}", "这不是{}。", "并非{}", "{}还是{}？", "没有{}", "这绝不属于{}"),
    "ar": (AR, "{}", "ليس {}", "هذا ليس {}.", "غير {}", "{} أم {}؟", "بدون {}", "لم يكن {}"),
}
RIGHT = {
    "en": [
        "{}", "{}.", "**{}**", "Label: {}", "The answer is {}.", "answer = `{}`", "{}\n\nReason: not {}",
        "{} - not {}", '{{"label": "{}"}}', '{{"label": "{}", "reason": "it is not {}"}}', "It is {}.",
        "Label: {} EXPLANATION: it is not {}", "I read it.\n\nFinal answer: {}",
    ],
    "zh": ["{}", "{}。", "标签：{}", "答案是{}。", "这是{}。", "{}，不是{}", "类别：{}\n理由：不是{}", '{{"标签": "{}"}}'],
    "ar": ["{}", "{}.", "التصنيف: {}", "الإجابة هي {}.", "هذا {}.", "{}، ليس {}", "التصنيف: {}\nالسبب: ليس {}"],
}  # fmt: skip
SPELLINGS = [str, str.upper, str.title, lambda text: f" {text} ", lambda text: f"{text}\n"]


@given(st.sampled_from(sorted(WORLDS)), st.data())
def test_an_answer_made_from_a_label_is_read_as_it_or_not_at_all(language, data):
    labels = data.draw(st.permutations(WORLDS[language][0]))
    template = data.draw(st.sampled_from(RIGHT[language]))
    spelt = data.draw(st.sampled_from(SPELLINGS))
    assert read(spelt(template.format(*labels)), labels) == labels[0]


@given(st.sampled_from(sorted(WORLDS)), st.data())
def test_an_answer_that_denies_or_weighs_a_label_is_never_read_as_it(language, data):
    labels, whole, *misleading = WORLDS[language]
    labels = data.draw(st.permutations(labels))
    wrong = data.draw(st.sampled_from(misleading)).format(*labels)
    frame = data.draw(
        st.sampled_from(["{}", "Label: {}", '{{"label": {}}}', "**{}**", "I read it.\n{}"])
    )
    text = frame.format(json.dumps(wrong) if frame.startswith("{{") else wrong)
    assert read(text, labels) in {None, labels[1]} - ({labels[1]} if "或" in whole else set())


@given(
    st.lists(
        st.sampled_from(
            ["not", "no", "very", "is", "a", ".", ",", "\n", "spam", "ham", "或", "“", ":", "-"]
        ),
        max_size=9,
    )
)
def test_whatever_is_said_the_opposite_of_a_denied_label_is_not_read(words):
    found = read(" ".join(words), MAIL)
    if found is not None:
        assert words.count(found) >= 1
        before = words[: words.index(found)]
        assert before[-1:] not in (["not"], ["no"])


@given(st.text(max_size=80), st.sampled_from([MAIL, ZH, AR, SIGN, GRADES]))
def test_no_text_makes_it_raise(text, labels):
    assert read(text, labels) in {None, *labels}


@pytest.mark.parametrize(
    "piece", ["spam ", "not ", "垃圾邮", "spam. ", "- ", "**", "``", "Label: ", "no"]
)
def test_it_takes_linear_work_for_texts_without_an_end(piece):
    read(piece * (40_000 // len(piece)), (*MAIL, *ZH))
