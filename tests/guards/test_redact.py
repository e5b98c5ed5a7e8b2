import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rixin.core.finding import Finding
from rixin.guards.pii import PiiGuard
from rixin.guards.redact import Placeholders, StreamRestorer, redact, scrub

PIECES = st.sampled_from(
    [
        "<EMAIL_1>",
        "<EMAIL_2>",
        "<TEXT_1>",
        "<EMAIL_",
        "1>",
        "<",
        ">",
        "_1",
        "ann@example.org",
        "邮箱",
    ]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=12).map("".join)
KINDS = st.sampled_from(["email", "text", "phone", "content:坏", "content:a-b", "secret_aws", "9"])


@st.composite
def marked(draw):
    text = draw(TEXTS)
    places = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(places, places, KINDS), max_size=6))
    return text, [Finding("g", kind, min(a, b), max(a, b), "") for a, b, kind in spans]


@given(st.lists(marked(), max_size=4))
def test_restoring_gives_back_any_text(texts):
    names = Placeholders()
    cut = [redact(text, findings, names) for text, findings in texts]
    assert [names.restore(one) for one in cut] == [text for text, _ in texts]


@given(marked(), st.lists(st.integers(0, 200), max_size=8), TEXTS)
def test_a_stream_restores_what_the_whole_would(mark, cuts, more):
    names = Placeholders()
    text = redact(*mark, names) + more
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    stream = StreamRestorer(names)
    parts = [stream.feed(text[a:b]) for a, b in pairwise(edges)]
    assert "".join([*parts, stream.close()]) == names.restore(text)


@given(marked())
def test_no_value_found_stays(mark):
    text, _ = mark
    value = "ann@example.org"
    cut = redact(text, PiiGuard(kinds=["email"]).find(text), Placeholders())
    assert not re.search(rf"(?<![\w.%+'-]){re.escape(value)}(?![\w.-])", cut)


def test_the_same_value_has_the_same_placeholder():
    names, guard = Placeholders(), PiiGuard(kinds=["email"])
    for text, cut in (
        ("a@b.org, c@d.org", "<EMAIL_1>, <EMAIL_2>"),
        ("c@d.org again", "<EMAIL_2> again"),
    ):
        assert redact(text, guard.find(text), names) == cut
    assert names.restore("to <EMAIL_2> and <EMAIL_3>") == "to c@d.org and <EMAIL_3>"


def test_a_placeholder_that_was_there_before_stays_what_it_was():
    names, text = Placeholders(), "say <EMAIL_1> to a@b.org"
    cut = redact(text, PiiGuard(kinds=["email"]).find(text), names)
    assert cut == "say <TEXT_1> to <EMAIL_1>"
    assert names.restore(cut) == text


def test_a_stream_holds_back_no_more_than_it_must():
    names = Placeholders()
    names.put("a@b.org", "email")
    stream = StreamRestorer(names)
    assert [stream.feed(part) for part in ("1 < 2 ", "<EM", "X", "<EMAIL_1", ">", "<E")] == [
        "1 < 2 ",
        "",
        "<EMX",
        "",
        "a@b.org",
        "",
    ]
    assert stream.close() == "<E"


def test_scrubbed_texts_do_not_tell_which_values_were_the_same():
    guard = PiiGuard(kinds=["email"])
    texts = ["a@b.org and a@b.org", "a@b.org and c@d.org"]
    assert {scrub(text, guard.find(text)) for text in texts} == {"[email] and [email]"}
