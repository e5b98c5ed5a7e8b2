"""Whatever an endpoint replies can be stored, encoded and added up once it is in."""

import contextlib
import json
import math

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rixin.core.foreign import (
    MOST_COUNT,
    MOST_DEPTH,
    BadReply,
    decode_reply,
    finite_number,
    valid_text,
    whole_number,
)

# Texts with halves of surrogate pairs, and numbers of any size.
_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()))
)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=20,
)


def _leaves_of(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _leaves_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves_of(item)
    else:
        yield value


@given(_values)
@example("\ud83d")
@example({"\udc00": [math.inf, math.nan, -math.inf]})
def test_whatever_is_decoded_can_be_encoded_again(value):
    decoded = decode_reply(json.dumps(value).encode())
    for leaf in _leaves_of(decoded):
        if isinstance(leaf, str):
            leaf.encode()
        if isinstance(leaf, float):
            assert math.isfinite(leaf)


@given(st.binary(max_size=40))
@example(b"")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"[NaN," + b"[" * 100_000)
@example(b"9" * 5_000)
@example(b"\xff\xfe")
def test_any_bytes_are_a_value_or_a_bad_reply(body):
    with contextlib.suppress(BadReply):
        decode_reply(body)


@pytest.mark.parametrize("front", [b"", b"NaN,"])
def test_nesting_is_bounded_at_one_depth_for_both_readers(front):
    def nested(levels):
        return b"[" * levels + front + b"1" + b"]" * levels

    assert decode_reply(nested(MOST_DEPTH))
    with pytest.raises(BadReply, match="deeper than 64"):
        decode_reply(nested(MOST_DEPTH + 1))
    flat = decode_reply(b"[" + b"{}," * 500 + front + b"1]")
    assert len(flat) >= 501


def test_a_text_keeps_whole_pairs_and_marks_halves():
    assert valid_text("a\ud83d\ude00b") == "a😀b"
    assert valid_text("a\ud83db\ude00") == "a\ufffdb\ufffd"


@given(st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.booleans()))
@example(MOST_COUNT)
@example(MOST_COUNT + 1)
@example(10**400)
def test_numbers_are_in_range_or_none(value):
    count, number = whole_number(value), finite_number(value)
    assert count is None or (0 <= count <= MOST_COUNT and count == value)
    assert number is None or math.isfinite(number)
    if isinstance(value, bool | str):
        assert count is None
        assert number is None
    msgspec.json.encode([count, number])


def test_what_is_as_deep_as_is_allowed_is_read_and_one_level_more_is_not():
    value = [1]
    for _ in range(MOST_DEPTH - 1):
        value = [value, []]
    assert decode_reply(json.dumps(value).encode()) == value
    with pytest.raises(BadReply):
        decode_reply(json.dumps([value, []]).encode())
