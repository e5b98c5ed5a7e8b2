"""Tango's score statistic for the difference of two rates on the same cases.

Of `n` cases that two solvers answered, `b` were solved by the old one only (losses) and `c` by the
new one only (gains). The statistic measures how far the observed loss `(b - c) / n` lies from a
hypothetical one, in standard errors computed *under that hypothesis*; so it stays usable when
hardly any case differs, where the textbook standard error is zero.

References:
    T. Tango (1998), Equivalence test and confidence interval for the difference in proportions for
    the paired-sample design, Statistics in Medicine 17, 891-908.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rixin.stats._checks import check_inside, check_margin, check_pair
from rixin.stats.intervals import Interval

_BISECTION_STEPS: Final = 50
# Floor of the variance (in squared cases): without any difference 0 / 0 becomes 0.
_TINY: Final = 1e-12


def tango_scores(b: ArrayLike, c: ArrayLike, n: int, margin: float) -> NDArray[np.float64]:
    """Score statistics for arrays of counts, unchecked; see `tango_z`.

    Args:
        b: Losses, any shape.
        c: Gains, broadcastable to `b`.
        n: Pairs, at least 1.
        margin: Hypothetical loss rate, in `[0, 1)`.

    Returns:
        Statistics in standard errors; they grow with `b` and fall with `c`.

    References:
        T. Tango (1998), Statistics in Medicine 17, eqs. 5 and 9.

    Examples:
        >>> tango_scores([10, 20], [10, 20], 1000, 0.02).round(2)
        array([-3.55, -2.9 ])
    """
    losses = np.asarray(b, dtype=np.float64)
    gains = np.asarray(c, dtype=np.float64)
    # Maximum-likelihood rate of gains when losses are more frequent by exactly `margin`.
    slope = (2 * n - losses + gains) * margin - (losses + gains)
    rate = (np.sqrt(slope**2 + 8 * n * gains * margin * (1 - margin)) - slope) / (4 * n)
    variance = n * (2 * rate + margin * (1 - margin))
    score = (losses - gains - n * margin) / np.sqrt(np.maximum(variance, _TINY))
    return np.asarray(score, dtype=np.float64)


def tango_z(b: int, c: int, n: int, margin: float) -> float:
    """Score statistic of "the new solver loses `margin`"; very negative when it loses less.

    Args:
        b: Losses: cases that only the old solver solved.
        c: Gains: cases that only the new solver solved.
        n: Pairs, at least 1; `b + c <= n`.
        margin: Hypothetical loss rate, in `[0, 1)`.

    Returns:
        Observed minus hypothetical loss, in standard errors under the hypothesis.

    Raises:
        ValueError: The counts do not fit each other or `margin` is out of range.

    References:
        T. Tango (1998), Statistics in Medicine 17, eq. 9.

    Examples:
        >>> round(tango_z(5, 8, 1000, 0.02), 2)
        -4.32
    """
    check_pair(b, c, n)
    check_margin(margin)
    if n == 0:
        raise ValueError("n must be at least 1, got 0")
    return float(tango_scores(b, c, n, margin))


def paired_difference(b: int, c: int, n: int, alpha: float) -> Interval:
    """Score interval for how many more cases the new solver solves, as a rate `(c - b) / n`.

    Approximate (asymptotic), yet close to nominal from some 20 pairs on. For display; a promise is
    tested with `rixin.stats.pairs.compare_pair`.

    Args:
        b: Losses: cases that only the old solver solved.
        c: Gains: cases that only the new solver solved.
        n: Pairs; `b + c <= n`. None tell nothing: the interval is `[-1, 1]`.
        alpha: Chance that the interval misses the true difference, in `(0, 1)`.

    Returns:
        Bounds in `[-1, 1]`; positive means that the new solver is better.

    Raises:
        ValueError: The counts do not fit each other or `alpha` is out of range.

    References:
        T. Tango (1998), Statistics in Medicine 17, section 4.

    Examples:
        >>> paired_difference(5, 12, 200, alpha=0.05)
        Interval(lower=-0.0060..., upper=0.0806...)
    """
    from scipy.special import ndtri

    check_inside("alpha", alpha)
    check_pair(b, c, n)
    if n == 0:
        return Interval(lower=-1.0, upper=1.0)
    z = float(ndtri(1 - alpha / 2))
    return Interval(lower=-_largest_gain(c, b, n, z), upper=_largest_gain(b, c, n, z))


def _largest_gain(b: int, c: int, n: int, z: float) -> float:
    """Largest gain rate that lies within `z` standard errors of the observed one."""
    low, high = (c - b) / n, 1.0
    for _ in range(_BISECTION_STEPS):
        middle = (low + high) / 2
        if _gain_score(b, c, n, middle) <= z:
            low = middle
        else:
            high = middle
    return high


def _gain_score(b: int, c: int, n: int, gain: float) -> float:
    """Score statistic for a hypothetical gain; the roles are swapped where the gain is positive."""
    if gain >= 0:
        return -float(tango_scores(c, b, n, gain))
    return float(tango_scores(b, c, n, -gain))
