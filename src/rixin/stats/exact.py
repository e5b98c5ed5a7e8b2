"""Exact unconditional non-inferiority test for matched pairs.

The hypothesis "the new solver loses `margin` or more" fixes only the difference of two rates. How
often the solvers differ at all is unknown (a nuisance), so the p value is the largest one over all
such rates. Outcomes are ordered by Tango's statistic `z(b, c)`, which grows with `b`: for each number
of gains `c` the outcomes with `z <= critical` are `b = 0..limit(c)`. The chance of them all is then a
sum of `n + 1` binomial tails, not of `n**2 / 2` cells, and there is no need to leave any rate out.

References:
    I. S. F. Chan (1998), Exact tests of equivalence and efficacy with a non-zero lower bound for
    comparative studies, Statistics in Medicine 17; H.-M. Hsueh, J.-P. Liu and J. J. Chen (2001),
    Unconditional exact tests for equivalence or noninferiority for paired binary endpoints,
    Biometrics 57.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, inf, log2, pi, sqrt
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from rixin.stats._checks import check_inside, check_margin, check_pair
from rixin.stats.tango import tango_scores, tango_z

EXACT_CASES: Final = 5000
"""Most pairs for which the exact test is computed: its first answer takes about a second there."""

# What the largest chance between grid points may exceed the largest on the grid by, relatively.
# Measured for 7 to 1000 pairs against a grid eight times as fine: at most 2.3e-4.
_GRID_SLACK: Final = 1e-3
# Equal statistics of different outcomes may differ by rounding.
_TIE: Final = 1e-9
_BISECTION_STEPS: Final = 40
_PEAKS: Final = 8


@dataclass(frozen=True, slots=True)
class _Nuisance:
    """Rates of gains on the edge of the hypothesis, with what is needed to sum over outcomes.

    A row is one rate; it holds the numbers of gains that can occur at that rate at all (the others
    have a chance below 1e-14), their chances, and the chance that a case that is no gain is a loss.
    """

    gains: NDArray[np.int64]
    chances: NDArray[np.float64]
    losses: NDArray[np.float64]

    def pick(self, rows: NDArray[np.int64]) -> Self:
        return type(self)(self.gains[rows], self.chances[rows], self.losses[rows])


@lru_cache(maxsize=256)
def critical_value(n: int, margin: float, delta: float) -> float:
    """Largest Tango statistic at which a loss below `margin` is certified with error `delta`.

    Args:
        n: Pairs, `1..EXACT_CASES`.
        margin: Loss to exclude, in `[0, 1)`.
        delta: Chance of a wrong certificate, in `(0, 1)`.

    Returns:
        The critical value (rounded down by at most 1e-9), or `-inf` if no outcome would do.

    Raises:
        ValueError: An argument is out of range.

    References:
        H.-M. Hsueh, J.-P. Liu and J. J. Chen (2001), Biometrics 57, section 3.

    Examples:
        >>> round(critical_value(300, 0.02, 0.05), 2)
        -1.66
    """
    check_inside("delta", delta)
    _check_exact(n, margin)
    grid, level = _nuisance(n, margin), delta / (1 + _GRID_SLACK)
    critical, chances = inf, _chance_below(n, margin, _normal_quantile(delta), grid)
    while chances.size:
        critical = min(critical, _bisect(n, margin, level, grid.pick(_hardest(chances))))
        chances = _chance_below(n, margin, critical, grid)
        # The chances fall with the critical value, so a rate that holds now will hold below it.
        above = np.flatnonzero(chances > level)
        grid, chances = grid.pick(above), chances[above]
    return critical


def pair_p_value(b: int, c: int, n: int, margin: float) -> float:
    """Exact p value of "the new solver loses `margin` or more".

    Args:
        b: Losses: cases that only the old solver solved.
        c: Gains: cases that only the new solver solved.
        n: Pairs, `1..EXACT_CASES`; `b + c <= n`.
        margin: Loss to exclude, in `[0, 1)`.

    Returns:
        Largest chance, over all rates of gains, of an outcome at least as favourable, in `(0, 1]`.

    Raises:
        ValueError: The counts do not fit each other or an argument is out of range.

    References:
        H.-M. Hsueh, J.-P. Liu and J. J. Chen (2001), Biometrics 57, section 3.

    Examples:
        >>> round(pair_p_value(5, 8, 300, 0.02), 3)
        0.013
    """
    check_pair(b, c, n)
    _check_exact(n, margin)
    chances = _chance_below(n, margin, tango_z(b, c, n, margin), _nuisance(n, margin))
    return min(float(chances.max()) * (1 + _GRID_SLACK), 1.0)


def _check_exact(n: int, margin: float) -> None:
    check_margin(margin)
    if not 1 <= n <= EXACT_CASES:
        raise ValueError(f"n must lie in 1..{EXACT_CASES} for the exact test, got {n!r}")


def _normal_quantile(delta: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(delta))


def _nuisance(n: int, margin: float) -> _Nuisance:
    rate = ((1 - margin) / 2 * np.sin(_angles(n)) ** 2)[:, None]
    reach = 8 * np.sqrt(n * rate * (1 - rate)) + 20
    first = np.maximum(np.floor(n * rate - reach), 0)
    last = np.minimum(np.ceil(n * rate + reach), n)
    gains = first + np.arange(int((last - first).max()) + 1)
    chances = np.where(gains <= n, _binomial(np.minimum(gains, n), n, rate), 0.0)
    losses = np.minimum((rate + margin) / (1 - rate), 1.0)
    return _Nuisance(np.minimum(gains, n).astype(np.int64), chances, losses)


def _angles(n: int) -> NDArray[np.float64]:
    """Grid of rates, even on the scale on which the standard error of a rate is constant.

    It is finer where a dozen gains, or a dozen ties, are expected: the chance bends most there.
    """
    inner = np.linspace(0, pi / 2, ceil(8 * sqrt(n)) + 50)
    end = np.linspace(0, min(pi / 2, sqrt(24 / n)), 150)
    return np.sort(np.concatenate([inner, end, pi / 2 - end]))


def _binomial(k: NDArray[np.float64], n: int, rate: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import gammaln, xlog1py, xlogy

    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return np.asarray(np.exp(ways + xlogy(k, rate) + xlog1py(n - k, -rate)), dtype=np.float64)


def _chance_below(n: int, margin: float, z: float, grid: _Nuisance) -> NDArray[np.float64]:
    """Chance of a statistic of at most `z`, for each rate of the grid, shape (n_rates,)."""
    from scipy.special import bdtr

    limits = _loss_limits(n, margin, z)[grid.gains]
    tails = np.where(limits < 0, 0.0, bdtr(np.maximum(limits, 0), n - grid.gains, grid.losses))
    return np.asarray((grid.chances * tails).sum(axis=1), dtype=np.float64)


def _loss_limits(n: int, margin: float, z: float) -> NDArray[np.float64]:
    """Most losses with a statistic of at most `z`, per number of gains 0..n; -1 for none."""
    gains = np.arange(n + 1.0)
    low, high = np.full(n + 1, -1.0), n - gains + 1
    for _ in range(ceil(log2(n + 2)) + 1):
        middle = np.floor((low + high) / 2)
        below = (middle < 0) | (tango_scores(np.maximum(middle, 0), gains, n, margin) <= z + _TIE)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return low


def _hardest(chances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows of the highest peaks; the neighbours of a peak would hardly tell more."""
    edge = np.pad(chances, 1, constant_values=-inf)
    peaks = np.flatnonzero((chances >= edge[:-2]) & (chances >= edge[2:]))
    return np.asarray(peaks[np.argsort(chances[peaks])][-_PEAKS:], dtype=np.int64)


def _bisect(n: int, margin: float, level: float, grid: _Nuisance) -> float:
    """Largest critical value whose chance is at most `level` at the given rates."""
    low, high = tango_z(0, n, n, margin), tango_z(n, 0, n, margin)
    if _chance_below(n, margin, low, grid).max() > level:
        return -inf
    for _ in range(_BISECTION_STEPS):
        middle = (low + high) / 2
        if _chance_below(n, margin, middle, grid).max() <= level:
            low = middle
        else:
            high = middle
    return low
