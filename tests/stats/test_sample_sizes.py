import doctest
import importlib

import numpy as np
import pytest

from rixin.stats.eprocess import log_e, log_e_many, rejects
from rixin.stats.intervals import cp_upper
from rixin.stats.planning import (
    cases_needed_floor,
    cases_needed_harm,
    cases_needed_pair,
    effective_cases,
    weighted_counts,
)


@pytest.mark.parametrize(
    ("ceiling", "allowed", "cases"),
    [
        (0.05, 2, 124),
        (0.02, 2, 313),
        (0.01, 2, 628),
        (0.005, 2, 1258),
        (0.001, 2, 6294),
        (0.01, 0, 299),
    ],
)
def test_harm_table_is_reproduced(ceiling, allowed, cases):
    assert cases_needed_harm(ceiling, 0.05, allowed) == cases


@pytest.mark.parametrize("allowed", [0, 1, 2, 5])
def test_harm_sample_is_the_smallest_that_the_exact_bound_accepts(allowed):
    n = cases_needed_harm(0.03, 0.05, allowed)
    assert cp_upper(allowed, n, 0.05) <= 0.03 < cp_upper(allowed, n - 1, 0.05)


def test_floor_sample_is_where_the_expected_counts_decide():
    n = cases_needed_floor(0.9, 0.85, 0.05)
    assert rejects(log_e([0, 1], [n * 0.1, n * 0.9], 0.85), 0.05)
    assert not rejects(log_e([0, 1], [(n - 1) * 0.1, (n - 1) * 0.9], 0.85), 0.05)


@pytest.mark.parametrize(("rate", "floor"), [(0.9, 0.85), (0.88, 0.85), (0.55, 0.5), (0.8, 0.85)])
def test_floor_sample_is_of_the_order_of_the_best_single_bet(rate, floor):
    best = 2 * floor * (1 - floor) * np.log(20) / (rate - floor) ** 2
    assert best < cases_needed_floor(rate, floor, 0.05) < 2 * best


def test_floor_sample_decides_most_runs():
    n = cases_needed_floor(0.9, 0.85, 0.05)
    solved = np.cumsum(np.random.default_rng(9).random((1000, n)) < 0.9, axis=1)
    counts = np.stack([np.arange(1, n + 1) - solved, solved], axis=-1)
    decided = (log_e_many([0, 1], counts[:, ::5], 0.85) >= np.log(20)).any(axis=1).mean()
    assert 0.55 < decided < 0.75


def test_a_rate_on_the_floor_needs_for_ever():
    assert cases_needed_floor(0.85, 0.85, 0.05) is None


def test_solvers_that_never_differ_need_few_pairs():
    assert cases_needed_pair(0.0, 0.02, 0.05) < 250
    assert cases_needed_pair(0.05, 0.02, 0.05) < cases_needed_pair(0.2, 0.02, 0.05)


@pytest.mark.parametrize(
    "call",
    [
        lambda: cases_needed_floor(1.1, 0.5, 0.05),
        lambda: cases_needed_floor(0.9, 1.0, 0.05),
        lambda: cases_needed_floor(0.9, 0.5, 0.0),
        lambda: cases_needed_pair(0.1, 0.0, 0.05),
        lambda: cases_needed_pair(-0.1, 0.1, 0.05),
        lambda: cases_needed_pair(0.1, 0.1, 1.0),
        lambda: cases_needed_harm(0.0, 0.05),
        lambda: cases_needed_harm(0.1, 1.0),
        lambda: cases_needed_harm(0.1, 0.05, -1),
        lambda: effective_cases([1, np.nan]),
        lambda: effective_cases([-1, 1]),
        lambda: weighted_counts([0, 1], [1]),
        lambda: weighted_counts([0, 2], [1, 1]),
    ],
)
def test_impossible_plans_are_refused(call):
    with pytest.raises(ValueError, match=r"must|need"):
        call()


def test_equal_weights_count_every_case():
    found = weighted_counts([1, 0, 1, 0.5], [3, 3, 3, 3])
    assert found.values.tolist() == [0, 0.5, 1]
    assert found.counts.tolist() == [1, 1, 2]
    assert found.effective == pytest.approx(4)


def test_no_weight_and_no_case_count_nothing():
    assert effective_cases([]) == effective_cases([0, 0]) == 0
    assert weighted_counts([], []).counts.size == 0
    assert weighted_counts([0, 1], [0, 0]).counts.tolist() == [0, 0]


@pytest.mark.parametrize("module", ["eprocess", "exact", "intervals", "pairs", "planning", "tango"])
def test_every_example_in_the_docstrings_holds(module):
    found = doctest.testmod(
        importlib.import_module(f"rixin.stats.{module}"), optionflags=doctest.ELLIPSIS
    )
    assert found.attempted > 0
    assert found.failed == 0
