import asyncio

import pytest

from rixin.core.case import make_case
from rixin.errors import CasesError
from rixin.solvers import _features
from rixin.solvers._features import part_features
from rixin.solvers.student import StudentSize, StudentSolver

PARTS = {
    "card": ("card lost", "my card", "new card", "card arrived", "البطاقة", "银行卡"),
    "pay": ("pay bill", "my payment", "wire money", "paid twice", "الدفع", "付款"),
}
CASES = [
    make_case(f"{text} {i}", label, {"shape": 1.0})
    for label, texts in PARTS.items()
    for i in range(4)
    for text in texts
]


def ask(solver, *texts):
    async def run():
        try:
            return await solver.solve([make_case(text, None, {"shape": 1.0}) for text in texts])
        finally:
            await solver.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("where is the card", "card"),
        ("a payment", "pay"),
        ("我的银行卡", "card"),
        ("عملية الدفع", "pay"),
    ],
)
def test_it_learns_labels_in_every_script(text, label):
    (given,) = ask(StudentSolver("student", CASES), text)
    assert given.output == label
    first, second = sorted(given.probabilities.values(), reverse=True)
    assert given.confidence == pytest.approx(first - second)
    assert first + second == pytest.approx(1, abs=1e-5)


def test_nothing_is_fitted_before_the_first_question():
    solver = StudentSolver("student", CASES)
    assert solver.fit_seconds is None
    (given,) = ask(solver, "card")
    assert solver.fit_seconds > 0
    assert given.usage.cpu_s >= 0
    assert given.latency_s > 0


def test_it_is_trained_once_where_it_is_loaded():
    said = []
    solver = StudentSolver("student", CASES, say=said.append)

    async def run():
        await solver.load()
        assert solver.fit_seconds > 0
        await solver.load()
        await solver.solve([make_case("card", None, {"shape": 1.0})])
        await solver.close()

    asyncio.run(run())
    assert said == ["student: training on 48 cases"]


def test_the_order_of_the_file_does_not_matter():
    ahead, back = StudentSolver("s", CASES), StudentSolver("s", reversed(CASES))
    assert ahead.fingerprint == back.fingerprint
    first, second = ask(ahead, "card pay")[0], ask(back, "card pay")[0]
    assert first.probabilities == second.probabilities


def test_cases_and_sizes_are_in_the_fingerprint():
    whole = StudentSolver("s", CASES).fingerprint
    assert StudentSolver("s", CASES[1:]).fingerprint != whole
    assert StudentSolver("s", CASES, StudentSize(max_features=9)).fingerprint != whole


def test_it_reads_no_more_than_its_size_allows():
    assert StudentSolver("s", CASES, StudentSize(max_train=30)).training_cases == 30
    long = [make_case(f"{i} " + "x" * 9_000, str(i % 2), {"shape": 1.0}) for i in range(20)]
    assert StudentSolver("s", long, StudentSize(max_characters=8_000)).training_cases == 8


def test_cases_without_expected_output_are_left_out():
    unlabelled = make_case("card", None, {"shape": 1.0})
    assert StudentSolver("s", [*CASES, unlabelled]).training_cases == len(CASES)


@pytest.mark.parametrize("cases", [[], CASES[:3]])
def test_fewer_than_two_labels_are_refused(cases):
    with pytest.raises(CasesError, match="needs at least two labels"):
        StudentSolver("student", cases)


def test_two_different_cases_are_enough():
    cases = [make_case("yes", "y", {"shape": 1.0}), make_case("no", "n", {"shape": 1.0})]
    assert ask(StudentSolver("s", cases), "yes")[0].output == "y"


def test_many_labels_leave_the_unlikely_ones_out_of_the_probabilities():
    cases = [
        make_case(f"word{i} {j}", f"l{i}", {"shape": 1.0}) for i in range(40) for j in range(5)
    ]
    (given,) = ask(StudentSolver("s", cases), "word7 word7")
    assert given.output == "l7"
    assert min(given.probabilities.values()) >= 0.001


def test_a_text_without_any_word_still_gets_an_answer():
    cases = [make_case("!", "a", {"shape": 1.0}), make_case("?", "b", {"shape": 1.0})]
    (given,) = ask(StudentSolver("s", cases), "!")
    assert given.output in {"a", "b"}


def test_without_any_word_the_frequent_label_is_the_likeliest():
    cases = [make_case("!" * n, "ab"[n % 3 == 0], {"shape": 1.0}) for n in range(1, 10)]
    (given,) = ask(StudentSolver("s", cases), "anything")
    assert given.output == "a"
    assert given.probabilities == {
        "a": pytest.approx(2 / 3, abs=1e-5),
        "b": pytest.approx(1 / 3, abs=1e-5),
    }


def test_many_texts_that_share_nothing_are_learnt_too():
    cases = [make_case(chr(0x4E00 + n), f"l{n % 2}", {"shape": 1.0}) for n in range(250)]
    (given,) = ask(StudentSolver("s", cases), chr(0x4E00 + 7))
    assert given.output == "l1"


def test_the_memory_for_parts_of_words_is_bounded(monkeypatch):
    monkeypatch.setattr(_features, "_KNOWN_WORDS", 1)
    features = part_features()
    assert features("ab cd ab") == features("ab cd ab")
    assert features("ab")[:2] == [" a", "ab"]
