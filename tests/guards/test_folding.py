from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rixin.core.finding import Finding, united, without_overlaps
from rixin.guards.folding import Folded, lower_same_length, plain_digits

SIGNS = st.text(alphabet=st.sampled_from("aB1İ٣３ّأة\u200b\u202e邮＠。 \ue000\ud800𝐀"), max_size=30)


@given(SIGNS)
def test_digits_and_small_letters_keep_every_offset(text):
    assert len(plain_digits(text)) == len(lower_same_length(text)) == len(text)


@given(SIGNS, st.data())
def test_spans_of_folded_texts_lead_back_to_the_text(text, data):
    folded = Folded(text)
    if not folded.text:
        return
    start = data.draw(st.integers(0, len(folded.text) - 1))
    end = data.draw(st.integers(start + 1, len(folded.text)))
    a, b = folded.span(start, end)
    assert 0 <= a < b <= len(text)
    assert Folded(text[a:b]).text == folded.text[start:end]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12))
def test_what_is_kept_never_overlaps_and_the_first_is_kept(spans):
    given_ = [Finding("g", "k", a, b, "") for a, b in spans]
    kept = without_overlaps(given_)
    assert all(a.end <= b.start for a, b in pairwise(kept))
    full = [one for one in given_ if one.start < one.end]
    assert not full or full[0] in kept


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12))
def test_what_is_united_covers_all_and_the_surest_names_it(spans):
    given_ = [Finding("g", str(rank), a, b, "") for rank, (a, b) in enumerate(spans)]
    whole = united(given_)
    covered = {place for one in whole for place in range(one.start, one.end)}
    assert covered == {place for a, b in spans for place in range(a, b)}
    assert all(a.end <= b.start for a, b in pairwise(whole))
    for one in whole:
        inside = [each for each in given_ if one.start <= each.start < each.end <= one.end]
        assert one.kind == min((each.kind for each in inside), key=int)
