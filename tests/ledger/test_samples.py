"""Which cases a figure is taken over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rixin.core.case import make_case
from rixin.ledger.cases import stream_cases
from rixin.ledger.sample import Sample, Weights, sample_of, weights_of
from support import ALL_CERTIFY, small_ledger

STRATA = ("chat", "mail", "red")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A ledger with 60 cases, and these cases in their random order."""
    cases = [
        make_case(f"case {n}", "42", ALL_CERTIFY, stratum=STRATA[n % 3], weight=1.0 + n % 4)
        for n in range(60)
    ]
    with small_ledger(tmp_path_factory.mktemp("samples"), cases) as ledger:
        yield ledger, sorted(cases, key=lambda case: case.id)


def streamed(ledger, sample):
    return [case for chunk in stream_cases(ledger, sample) for case in chunk]


@settings(max_examples=60)
@given(
    size=st.one_of(st.none(), st.integers(0, 80)),
    only=st.sampled_from([None, *STRATA, "none such"]),
    but=st.sampled_from([None, *STRATA, "none such"]),
)
def test_a_sample_is_a_prefix_of_what_its_filters_leave(stored, size, only, but):
    ledger, cases = stored
    left = [c for c in cases if only in {None, c.stratum} and c.stratum != but][:size]
    sample = sample_of(ledger, "d", "certify", size, stratum=only, without=but)
    assert sample.size == len(left)
    assert streamed(ledger, sample) == left
    weights = weights_of(ledger, sample)
    assert weights.cases == len(left)
    assert weights.total == pytest.approx(sum(case.weight for case in left))
    assert weights.largest == max((case.weight for case in left), default=1.0)


def test_a_longer_sample_begins_with_the_shorter(stored):
    ledger, _ = stored
    sizes = [sample_of(ledger, "d", "certify", n, without="red") for n in (3, 10, 40)]
    found = [streamed(ledger, sample) for sample in sizes]
    assert found[2][:10] == found[1]
    assert found[1][:3] == found[0]


def test_weights_are_counted_in_units_of_the_heaviest():
    assert Weights(cases=10, total=25.0, largest=4.0).units == 6
    assert Weights(cases=1, total=0.5, largest=4.0).units == 1
    assert Weights(cases=0, total=0.0, largest=1.0).units == 0


def test_another_pool_or_data_set_has_no_case(stored):
    ledger, _ = stored
    assert sample_of(ledger, "d", "audit") == Sample("d", "audit", "~", 0)
    assert streamed(ledger, sample_of(ledger, "e", "certify", 5)) == []
