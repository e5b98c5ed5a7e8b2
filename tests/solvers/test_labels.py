"""Probabilities of labels from probabilities of tokens."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.solvers._labels import Alternative, Place, margin, read_places, search_labels, separate

SEQUENCES = st.lists(
    st.lists(st.integers(1, 4), max_size=4).map(tuple), min_size=1, max_size=9, unique=True
).map(lambda found: separate(found, 0))


def chances(path, tokens, seed):
    """What a model would say at a node; the same at each call."""
    weights = [random.Random(f"{seed} {path} {token}").random() ** 3 + 1e-6 for token in tokens]
    return {token: weight / sum(weights) for token, weight in zip(tokens, weights, strict=True)}


def by_brute_force(sequences, seed):
    found = []
    for sequence in sequences:
        chance = 1.0
        for size, token in enumerate(sequence):
            path = sequence[:size]
            after = {one[size] for one in sequences if one[:size] == path and len(one) > size}
            if len(after) > 1:
                chance *= chances(path, tuple(sorted(after)), seed)[token]
        found.append(chance)
    return found


@given(SEQUENCES, st.integers(0, 99))
def test_the_two_likeliest_labels_are_exact_and_all_sum_to_one(sequences, seed):
    wanted = by_brute_force(sequences, seed)
    found = search_labels(sequences, lambda path, tokens: chances(path, sorted(tokens), seed))
    assert sum(found) == pytest.approx(1)
    for place in sorted(range(len(wanted)), key=wanted.__getitem__)[-2:]:
        assert found[place] == pytest.approx(wanted[place])
    assert sorted(found)[-2:] == pytest.approx(sorted(wanted)[-2:])


@given(SEQUENCES)
def test_no_node_is_asked_twice_and_none_that_does_not_fork(sequences):
    asked = []

    def ask(path, tokens):
        asked.append(path)
        assert len(tokens) > 1
        return dict.fromkeys(tokens, 1 / len(tokens))

    search_labels(sequences, ask)
    assert len(asked) == len(set(asked))


def test_labels_that_start_apart_need_one_question():
    asked = []

    def ask(path, tokens):
        asked.append(path)
        return {1: 0.7, 2: 0.2, 3: 0.1}

    assert search_labels([(1, 5, 6), (2,), (3, 4)], ask) == pytest.approx([0.7, 0.2, 0.1])
    assert asked == [()]


def test_one_label_alone_is_certain():
    assert search_labels([(4, 5)], lambda *_: {}) == [1.0]


def test_labels_that_read_the_same_share_their_mass():
    assert search_labels([(1,), (1,), (2,)], lambda *_: {1: 0.5, 2: 0.5}) == [0.25, 0.25, 0.5]


@given(SEQUENCES)
def test_separated_labels_do_not_begin_each_other(sequences):
    for one in sequences:
        assert not any(other[: len(one)] == one for other in sequences if other is not one)


@pytest.mark.parametrize(
    ("probabilities", "lead"), [([1.0], 1.0), ([], 0.0), ([0.5, 0.5], 0.0), ([0.2, 0.7, 0.1], 0.5)]
)
def test_the_margin_is_the_lead_of_the_likeliest(probabilities, lead):
    assert margin(probabilities) == pytest.approx(lead)


def place(text, **alternatives):
    return Place(text, tuple(Alternative(name, chance) for name, chance in alternatives.items()))


def test_what_a_server_says_beside_its_tokens_gives_every_label_a_share():
    found = read_places([place("ham", ham=0.6, spam=0.3, eggs=0.1)], 0, ["ham", "spam"])
    assert found == pytest.approx({"ham": 2 / 3, "spam": 1 / 3})


def test_a_token_that_labels_share_is_followed_to_where_they_part():
    places = [place("card", card=0.8, pay=0.2), place("_lost", _lost=0.75, _new=0.25)]
    found = read_places(places, 0, ["card_lost", "card_new", "pay"])
    assert found == pytest.approx({"card_lost": 0.6, "card_new": 0.2, "pay": 0.2})


def test_mass_on_a_shared_token_that_was_not_written_is_split():
    found = read_places([place("pay", pay=0.4, card=0.6)], 0, ["card_lost", "card_new", "pay"])
    assert found == pytest.approx({"card_lost": 0.3, "card_new": 0.3, "pay": 0.4})


def test_the_label_may_begin_within_a_token_and_after_others():
    places = [
        place('{"label": '),
        place('"s', **{'"s': 0.8, '"h': 0.1, '"': 0.1}),
        place("pam", pam=1.0),
    ]
    found = read_places(places, len('{"label": "'), ["ham", "spam"], '"')
    assert found == pytest.approx({"ham": 1 / 9, "spam": 8 / 9})


def test_the_closing_mark_tells_a_label_from_one_that_it_begins():
    end = Place('"', (Alternative('"', 0.9), Alternative("_new", 0.1)))
    found = read_places([place("card", card=1.0), end], 0, ["card", "card_new"], '"')
    assert found == pytest.approx({"card": 0.9, "card_new": 0.1})


def test_a_written_token_that_the_server_left_out_gets_what_is_left():
    found = read_places([place("ham", spam=0.25)], 0, ["ham", "spam"])
    assert found == pytest.approx({"ham": 0.75, "spam": 0.25})


@pytest.mark.parametrize(
    "places",
    [
        [place("eggs", eggs=0.9, ham=0.0)],
        [place("spam", spam=0.0)],
        [place("x", x=1.0)],
    ],
)
def test_tokens_that_name_no_label_give_nothing(places):
    assert read_places(places, 0, ["ham", "spam"]) == {}


@given(
    st.lists(st.text("ab_", min_size=1, max_size=4), min_size=1, max_size=5, unique=True).flatmap(
        lambda labels: st.tuples(st.just(labels), st.sampled_from(labels))
    ),
    st.integers(0, 9),
)
def test_read_places_sums_to_one_over_any_labels(case, seed):
    labels, written = case
    generator = random.Random(seed)
    places = [
        Place(one, tuple(Alternative(text, generator.random() / 4) for text in {one, "a", "b"}))
        for one in [*written, '"']
    ]
    found = read_places(places, 0, labels, '"')
    assert set(found) <= set(labels)
    assert not found or sum(found.values()) == pytest.approx(1)
