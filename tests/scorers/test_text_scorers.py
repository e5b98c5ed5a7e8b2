import pytest

from rixin.core.case import make_case
from rixin.core.scenario import OutputSpec, PartSpec
from rixin.scorers.build import build_scorer
from rixin.scorers.text import LabelScorer, RegexScorer


def score(name, expected, output, **options):
    case = make_case("x", expected, {"shape": 1.0})
    spec = PartSpec(name=name, options=options)
    return build_scorer(spec, OutputSpec(kind="free-text"), ("spam", "ham")).score(case, output)


@pytest.mark.parametrize("output", ["Card  Arrival", "ｃａｒｄ arrival\n", "CARD ARRIVAL"])
def test_exact_does_not_look_at_case_spacing_and_unicode_form(output):
    assert score("exact", "card arrival", output).solved


def test_exact_tells_what_differs():
    found = score("exact", "card", "cards")
    assert (found.value, found.reason) == (0.0, "'cards' is not 'card'")


def test_a_long_text_is_cut_in_the_reason():
    assert len(score("exact", "a", "b" * 500).reason) < 90


def test_a_label_outside_the_set_is_named():
    assert score("label", "spam", "Spam").solved
    assert score("label", "spam", "ham").reason == "'ham' is not 'spam'"
    assert (
        score("label", "spam", "I think spam").reason == "'I think spam' is not one of the labels"
    )


@pytest.mark.parametrize(
    ("name", "expected", "output"),
    [
        ("exact", "102", "10²"),
        ("exact", "H2O", "H²O"),
        ("exact", "1", "①"),
        ("exact", "-5", "5"),
        ("exact", "1.5", "15"),
        ("exact", "not paid", "paid"),
        ("contains", "5", "15 apples"),
        ("contains", "5", "1.5 litres"),
        ("contains", "5", "it is -5"),
        ("contains", "5", "5.5"),
        ("contains", "5", "5 % of it"),
        ("contains", "1,000", "11,000"),
        ("contains", "cat", "a category"),
        ("contains", "Paris", "It is not Paris."),
        ("contains", "垃圾", "这不是垃圾"),
        ("contains", "مزعج", "هذا ليس مزعج"),
        ("regex", "-5", "5"),
        ("similarity", "the payment was not received by us", "the payment was received by us"),
        ("similarity", "pay 500 by the first of May please", "pay 900 by the first of May please"),
        ("similarity", "the sum is -5 and nothing else", "the sum is 5 and nothing else"),
        ("similarity", "这一次的付款没有收到啊真的", "这一次的付款有收到啊真的"),
        ("similarity", "لم يصل المبلغ إلى الحساب حتى الآن", "يصل المبلغ إلى الحساب حتى الآن"),
        ("label", "not_spam", "spam"),
    ],
)
def test_a_wrong_answer_never_counts_as_right(name, expected, output):
    labels = ("spam", "not_spam")
    case = make_case("x", expected, {"shape": 1.0})
    scorer = build_scorer(PartSpec(name=name), OutputSpec(kind="free-text"), labels)
    assert not scorer.score(case, output).solved


@pytest.mark.parametrize(
    ("name", "expected", "output"),
    [
        ("exact", "10²", "10²"),
        ("exact", "refund", "re\u00adfund\u200b"),
        ("contains", "5", "it is 5."),
        ("contains", "not Paris", "It is not Paris."),
        ("contains", "Paris", "It is not London. It is Paris."),
        ("contains", "好吃", "真好吃啊"),
        ("similarity", "the payment was not received", "the payment was not received yet"),
        (
            "similarity",
            "pay 1,000 to us by the end of May at last",
            "pay 1000 to us by the end of May at last",
        ),
        ("label", "not_spam", "Not Spam"),
    ],
)
def test_what_says_the_same_counts(name, expected, output):
    labels = ("spam", "not_spam")
    case = make_case("x", expected, {"shape": 1.0})
    scorer = build_scorer(PartSpec(name=name), OutputSpec(kind="free-text"), labels)
    assert scorer.score(case, output).solved


def test_an_empty_expectation_is_no_expectation():
    assert score("exact", " ", "").value is None
    assert not score("regex", "x", "", pattern=r"(x)?").solved


def test_an_expected_label_outside_the_set_is_unscored():
    assert score("label", "eggs", "spam").value is None


def test_contains_finds_the_expectation_in_the_output():
    assert score("contains", "Paris", "It is  PARIS, of course").solved
    assert not score("contains", "Paris", "London").solved
    assert score("contains", " ", "London").value is None


def test_the_expectation_may_be_an_expression():
    assert score("regex", r"\d{3}", "call 112").solved
    assert score("regex", r"\d{3}", "call").reason == r"'\\d{3}' is not found in 'call'"
    assert score("regex", "(", "x").value is None
    assert score("regex", "", "x").value is None


def test_a_pattern_takes_the_part_that_counts():
    assert score("regex", "B", "thus: (b)", pattern=r"\((\w)\)").solved
    assert score("regex", "12", "id-12 x", pattern=r"\d+").solved
    assert score("regex", "B", "(c)", pattern=r"\((\w)\)").reason == "'c' is not 'B'"
    assert "is not found" in score("regex", "B", "none", pattern=r"\((\w)\)").reason
    assert not score("regex", "B", "y", pattern=r"(x)|y").solved


def test_similarity_is_the_f1_of_shared_words():
    assert score("similarity", "a b c d", "d c b a").value == 1.0
    half = score("similarity", "a b", "a c", threshold=0.5)
    assert (half.value, half.solved) == (0.5, True)
    assert score("similarity", "味道好", "味道很好").value == pytest.approx(6 / 7)
    assert score("similarity", "a b", "c").reason == "similarity 0.00 is below 0.8"
    assert score("similarity", "!", "c").value is None


def test_options_change_the_fingerprint():
    assert RegexScorer("a").fingerprint != RegexScorer("b").fingerprint
    assert LabelScorer(("a", "b")).fingerprint == LabelScorer(("b", "a")).fingerprint
