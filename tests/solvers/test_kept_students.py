"""A student is trained once, and what is kept of it answers the same."""

import threading

import pytest

from rixin.solvers import _linear_file
from rixin.solvers._linear_file import trained_once
from rixin.solvers._tfidf import fit_classifier

TEXTS = [f"a {pet} of herd {n}" for n in range(30) for pet in ("cat", "dog", "okapi")]
LABELS = ["cat", "dog", "okapi"] * 30
ASKED = ["a cat", "dog of herd 7", "purple bananas", "", "an okapi \N{PILE OF POO}"]


def train():
    return fit_classifier(TEXTS, LABELS, 500)


def never():
    raise AssertionError("it is kept")


def test_who_comes_later_waits_and_reads_what_was_trained(tmp_path):
    counts, found = [], []

    def counted():
        counts.append(1)
        return train()

    def ask():
        found.append(trained_once(tmp_path / "s" / "one", counted).read(ASKED))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert counts == [1]
    assert found == [train().read(ASKED)] * 4


@pytest.mark.parametrize("ending", [".npy", ".json"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"\x93NUMPY\x01\x00", None])
def test_what_is_damaged_or_missing_is_trained_anew(tmp_path, ending, damage):
    path = tmp_path / "one"
    before = trained_once(path, train).read(ASKED)
    file = path.with_suffix(ending)
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    assert trained_once(path, train).read(ASKED) == before
    assert trained_once(path, never).read(ASKED) == before


def test_where_nothing_can_be_written_it_is_trained_all_the_same(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert trained_once(tmp_path / "file" / "one", train).labels == ("cat", "dog", "okapi")
    (tmp_path / "one.npy").mkdir()
    assert trained_once(tmp_path / "one", train).labels == ("cat", "dog", "okapi")


def test_texts_without_words_are_learnt_without_a_file(tmp_path):
    def frequencies():
        return fit_classifier(["!!", "??"], ["a", "b"], 10)

    assert trained_once(tmp_path / "one", frequencies).labels == ("a", "b")
    assert [*tmp_path.glob("*.json")] == []


def test_those_that_were_read_last_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(_linear_file, "_MOST_FILES", 2)
    for number in range(4):
        trained_once(tmp_path / f"{number}", train)
    assert len([*tmp_path.glob("*.json")]) == 2
    trained_once(tmp_path / "3", never)
