"""How many cases a decision needs, and how many a weighted sample is worth.

Numbers for sequential tests are those at which the test decides if the cases come out exactly as
supposed. Chance moves them: the tests have decided by then in 60 to 75 % of the runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from rixin.stats._checks import check_inside, check_share, non_negative, unit_values
from rixin.stats.eprocess import log_e, log_e_down, log_e_pair
from rixin.stats.tails import binomial_cdf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_SAME = 1e-3
"""Rates so close that millions of cases would be needed to tell them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedCounts:
    """A weighted sample as counts that the tests of `rixin.stats.eprocess` accept."""

    values: NDArray[np.float64]
    """Distinct scores in rising order, shape (n_values,)."""
    counts: NDArray[np.float64]
    """Sum of weights per score, shape (n_values,), in units of the largest weight."""
    effective: float
    """Number of equally weighted cases of the same precision, `0 <= effective <= n`."""


def cases_needed_floor(rate: float, floor: float, delta: float) -> int | None:
    """Cases until the betting test tells a solve rate from a floor.

    For a rate close to the floor this is some 1.2 to 1.9 times the number of the best single bet,
    `2 floor (1 - floor) log(1 / delta) / (rate - floor)**2`: the price of not knowing the rate.

    Args:
        rate: Supposed true rate, in `[0, 1]`; below the floor: cases until it is rejected.
        floor: Promised rate, in `(0, 1)`.
        delta: Error probability, in `(0, 1)`.

    Returns:
        Number of cases, at least 1; None if the rate is within 0.001 of the floor: no
        number of cases that anybody has tells them apart.

    Raises:
        ValueError: An argument is out of range.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> cases_needed_floor(rate=0.90, floor=0.85, delta=0.05)
        425
    """
    check_share("rate", rate)
    check_inside("floor", floor)
    check_inside("delta", delta)
    if abs(rate - floor) < _SAME:
        return None
    test = log_e if rate > floor else log_e_down
    return _first(lambda n: test([0, 1], [n * (1 - rate), n * rate], floor) >= -log(delta))


def cases_needed_pair(discordance: float, margin: float, delta: float) -> int:
    """Cases until the betting test certifies a new solver that is as good as the old one.

    Args:
        discordance: Share of cases that exactly one of the two solves, in `[0, 1]`.
        margin: Loss to exclude, in `(0, 1)`.
        delta: Error probability, in `(0, 1)`.

    Returns:
        Number of cases, at least 1, when losses and gains balance.

    Raises:
        ValueError: An argument is out of range.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> cases_needed_pair(discordance=0.05, margin=0.02, delta=0.05)
        1223
    """
    check_share("discordance", discordance)
    check_inside("margin", margin)
    check_inside("delta", delta)
    half, ties = discordance / 2, 1 - discordance
    return _first(lambda n: log_e_pair(n * half, n * ties, n * half, margin) >= -log(delta))


def cases_needed_harm(ceiling: float, delta: float, allowed: int = 2) -> int:
    """Smallest sample that shows a rate of violations below a ceiling.

    Args:
        ceiling: Promised upper limit of the rate, in `(0, 1)`.
        delta: Chance that a solver exactly at the ceiling passes, in `(0, 1)`.
        allowed: Violations with which it still passes, `>= 0`.

    Returns:
        Smallest n with `cp_upper(allowed, n, delta) <= ceiling`.

    Raises:
        ValueError: An argument is out of range.

    References:
        C. J. Clopper and E. S. Pearson (1934), Biometrika 26(4).

    Examples:
        >>> cases_needed_harm(ceiling=0.01, delta=0.05)
        628
    """
    check_inside("ceiling", ceiling)
    check_inside("delta", delta)
    if allowed < 0:
        raise ValueError(f"allowed must not be negative, got {allowed!r}")
    return allowed + _first(lambda n: binomial_cdf(allowed, allowed + n, ceiling) <= delta)


def effective_cases(weights: ArrayLike) -> float:
    """Number of equally weighted cases that would estimate a mean as precisely (Kish).

    Args:
        weights: One weight per case, shape (n,), `>= 0`, any scale.

    Returns:
        `sum(w)**2 / sum(w**2)`, at most n; 0 if all weights are 0.

    Raises:
        ValueError: A weight is NaN, infinite or negative.

    References:
        L. Kish (1965), Survey Sampling, section 11.7.

    Examples:
        >>> effective_cases([1, 1, 2])
        2.666...
    """
    weight = non_negative("weights", weights)
    largest = float(weight.max(initial=0.0))
    if largest == 0:
        return 0.0
    scaled = weight / largest
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def weighted_counts(scores: ArrayLike, weights: ArrayLike) -> WeightedCounts:
    """Sum weights per distinct score, scaled so that the largest weight counts as one case.

    The scale is what keeps the betting tests valid: they then test the weighted mean. Scaling to
    the effective sample size instead would give a single case a weight above 1, and no guarantee.

    Args:
        scores: One score per case, shape (n,), each in `[0, 1]`.
        weights: One weight per case, shape (n,), `>= 0`, any scale.

    Returns:
        Values and counts for `rixin.stats.eprocess`, and the effective number of cases.

    Raises:
        ValueError: A number is NaN, infinite or out of range, or the lengths differ.

    References:
        L. Kish (1965), Survey Sampling, section 11.7.

    Examples:
        >>> weighted_counts([1, 0, 1], [2, 1, 1]).counts
        array([0.5, 1.5])
    """
    import numpy as np

    score, weight = unit_values(scores), non_negative("weights", weights)
    if score.shape != weight.shape:
        raise ValueError(f"{score.size} scores need as many weights, got shape {weight.shape}")
    values, which = np.unique(score, return_inverse=True)
    scaled = weight / (float(weight.max(initial=0.0)) or 1.0)
    sums = np.bincount(which, weights=scaled, minlength=values.size)
    counts = np.asarray(sums, dtype=np.float64)
    return WeightedCounts(values=values, counts=counts, effective=effective_cases(weight))


def _first(enough: Callable[[int], bool]) -> int:
    """Smallest positive number for which a condition holds that stays true once it is."""
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
