from collections.abc import Callable

import pytest

from rixin.core.ids import Pool
from rixin.interop import near_copies as module
from rixin.interop.near_copies import Item, NearCopies, near_copies

LONG = "please send me a new card because my old one was lost at the airport last week in may"


def items(*texts: tuple[Pool, str]) -> Callable[[], list[Item]]:
    return lambda: [(f"k{i}", pool, text) for i, (pool, text) in enumerate(texts)]


def test_a_near_copy_in_another_pool_is_found() -> None:
    found = near_copies(items(("shape", LONG), ("certify", LONG.upper() + "!"), ("audit", "other")))
    assert found.pairs == 1
    assert found.cases == {"k0", "k1"}
    assert found.examples == (("k0", "k1", 1.0),)
    assert found.complete


def test_a_near_copy_in_the_same_pool_is_none() -> None:
    assert near_copies(items(("shape", LONG), ("shape", LONG + " please"))).pairs == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("where is my card", "where is my card?"),
        ("ok", "OK!"),
        ("很快，好吃，味道足，量大，下次再来", "很快好吃味道足，量大，下次再来。"),
        ("مرحبا بكم في المتجر الكبير", "مرحبا بكم في المتجر الكبير!"),
        ("!?", "\uff01?"),
        (
            "one two three four five six seven eight nine",
            "one two three four five six seven eight nine x",
        ),
    ],
)
def test_short_texts_and_other_scripts_are_compared_by_characters(first: str, second: str) -> None:
    found = near_copies(items(("shape", first), ("certify", second)))
    assert found.pairs == 1


def test_different_texts_are_no_near_copies() -> None:
    others = [("certify", f"{word} is what this text is about") for word in ("rain", "snow", "ice")]
    assert near_copies(items(("shape", LONG), *others)).pairs == 0  # type: ignore[arg-type]


def test_texts_without_a_character_and_no_texts_are_passed_over() -> None:
    assert near_copies(items(("shape", " "), ("audit", ""))) == NearCopies(items=2)
    assert near_copies(items()) == NearCopies(items=0)


def test_a_pair_found_both_ways_counts_once() -> None:
    text = "one two three four five six seven eight nine ten eleven"
    found = near_copies(items(("shape", text), ("audit", text + ".")))
    assert found.pairs == 1


def test_a_group_of_many_copies_is_found_without_looking_at_each_pair() -> None:
    texts = [("shape" if i % 2 else "audit", LONG + " " * (i % 5) + "." * i) for i in range(60)]
    found = near_copies(items(*texts))  # type: ignore[arg-type]
    assert len(found.cases) == 60
    assert found.pairs < 900


def test_a_limit_on_pairs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAIRS", 3)
    texts = [("shape" if i % 2 else "audit", LONG + "." * i) for i in range(20)]
    found = near_copies(items(*texts))  # type: ignore[arg-type]
    assert not found.complete
    assert found.pairs == 3


def test_a_limit_on_shingles_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rixin.interop.shingle_sets.MAX_SHINGLES", 1)
    monkeypatch.setattr("rixin.interop.shingles._BATCH", 1)
    found = near_copies(items(("shape", LONG), ("audit", LONG + "."), ("shape", LONG + "!")))
    assert (found.complete, found.pairs) == (False, 0)


@pytest.mark.parametrize("threshold", [0.0, 1.1])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        near_copies(items(), threshold=threshold)
