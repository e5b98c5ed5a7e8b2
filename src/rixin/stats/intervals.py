"""Confidence intervals for a sample of fixed size: rates and quantiles.

Unlike the bounds of `rixin.stats.eprocess` these hold for one look at a number of cases that was
settled beforehand. In exchange they are narrower.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, expm1, inf, log, sqrt

from rixin.stats._checks import check_inside, check_part, finite, finite_list
from rixin.stats.tails import binomial_cdfs

_FEW = 1_000
"""Values that are sorted without loading numpy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A closed range that holds the true value with the stated confidence."""

    lower: float
    """Lower limit; `-inf` when the data set none."""
    upper: float
    """Upper limit; `inf` when the data set none."""


def cp_upper(k: int, n: int, alpha: float) -> float:
    """One-sided exact upper bound on a rate.

    Args:
        k: Hits, `0 <= k <= n`.
        n: Cases. None tell nothing: the bound is 1.
        alpha: Chance that the bound lies below the true rate, in `(0, 1)`.

    Returns:
        The bound, in `[0, 1]`.

    Raises:
        ValueError: A count or `alpha` is out of range.

    References:
        C. J. Clopper and E. S. Pearson (1934), Biometrika 26(4).

    Examples:
        >>> round(cp_upper(0, 299, 0.05), 4)
        0.01
    """
    _check_rate(k, n, alpha)
    if k == n:
        return 1.0
    if k == 0:
        return float(-expm1(log(alpha) / n))
    from scipy.special import betaincinv

    return float(betaincinv(k + 1, n - k, 1 - alpha))


def cp_lower(k: int, n: int, alpha: float) -> float:
    """One-sided exact lower bound on a rate.

    Args:
        k: Hits, `0 <= k <= n`.
        n: Cases. None tell nothing: the bound is 0.
        alpha: Chance that the bound lies above the true rate, in `(0, 1)`.

    Returns:
        The bound, in `[0, 1]`.

    Raises:
        ValueError: A count or `alpha` is out of range.

    References:
        C. J. Clopper and E. S. Pearson (1934), Biometrika 26(4).

    Examples:
        >>> round(cp_lower(90, 100, 0.05), 3)
        0.836
    """
    _check_rate(k, n, alpha)
    if k == 0:
        return 0.0
    if k == n:
        return float(exp(log(alpha) / n))
    from scipy.special import betaincinv

    return float(betaincinv(k, n - k + 1, alpha))


def clopper_pearson(k: int, n: int, alpha: float) -> Interval:
    """Two-sided exact interval for a rate; its coverage is never below `1 - alpha`.

    Args:
        k: Hits, `0 <= k <= n`.
        n: Cases. None tell nothing: the interval is `[0, 1]`.
        alpha: Chance that the interval misses the true rate, in `(0, 1)`.

    Returns:
        Bounds in `[0, 1]`.

    Raises:
        ValueError: A count or `alpha` is out of range.

    References:
        C. J. Clopper and E. S. Pearson (1934), Biometrika 26(4).

    Examples:
        >>> clopper_pearson(9, 10, 0.05)
        Interval(lower=0.5549..., upper=0.9974...)
    """
    _check_rate(k, n, alpha)
    return Interval(lower=cp_lower(k, n, alpha / 2), upper=cp_upper(k, n, alpha / 2))


def wilson(k: int, n: int, alpha: float) -> Interval:
    """Score interval for a rate: narrower than the exact one, right on average. For display.

    Args:
        k: Hits, `0 <= k <= n`.
        n: Cases. None tell nothing: the interval is `[0, 1]`.
        alpha: Chance that the interval misses the true rate, in `(0, 1)`.

    Returns:
        Bounds in `[0, 1]`.

    Raises:
        ValueError: A count or `alpha` is out of range.

    References:
        E. B. Wilson (1927), JASA 22(158), eq. 3.

    Examples:
        >>> wilson(9, 10, 0.05)
        Interval(lower=0.5958..., upper=0.9821...)
    """
    from scipy.special import ndtri

    _check_rate(k, n, alpha)
    if n == 0:
        return Interval(lower=0.0, upper=1.0)
    z2 = float(ndtri(alpha / 2)) ** 2
    centre, half = k + z2 / 2, sqrt(z2 * (k * (n - k) / n + z2 / 4))
    # At k = 0 and k = n the limit is exactly 0 or 1; rounding must not move it.
    lower = (centre - half) / (n + z2) if k > 0 else 0.0
    return Interval(lower=lower, upper=(centre + half) / (n + z2) if k < n else 1.0)


def quantile_interval(values: Sequence[float], q: float, alpha: float) -> Interval:
    """Interval for a quantile, such as the p95 of latency, that assumes no distribution.

    The limits are two of the measured values, picked by the binomial distribution of how many
    values lie below the true quantile.

    Args:
        values: Measurements, shape (n,), any order and unit, no NaN.
        q: Which quantile, in `(0, 1)`.
        alpha: Chance that the interval misses the true quantile, in `(0, 1)`.

    Returns:
        Bounds in the unit of `values`; infinite on a side where there are too few values.

    Raises:
        ValueError: A value is NaN or infinite, or `q` or `alpha` is out of range.

    References:
        H. A. David and H. N. Nagaraja (2003), Order Statistics, 3rd ed., section 7.1.

    Examples:
        >>> quantile_interval(range(1, 201), q=0.95, alpha=0.05)
        Interval(lower=184.0, upper=197.0)
    """
    check_inside("q", q)
    check_inside("alpha", alpha)
    n = len(values)
    ordered = in_order(values)
    below = binomial_cdfs(n, q)
    low, high = bisect_left(below, alpha / 2), bisect_left(below, 1 - alpha / 2) + 1
    return Interval(
        lower=float(ordered[low - 1]) if low else -inf,
        upper=float(ordered[high - 1]) if high <= n else inf,
    )


def in_order(values: Sequence[float]) -> Sequence[float]:
    """The values from the smallest to the largest.

    Raises:
        ValueError: A value is NaN or infinite.

    Examples:
        >>> in_order([3, 1, 2])
        [1.0, 2.0, 3.0]
    """
    if len(values) <= _FEW:
        return sorted(finite_list("values", values))
    import numpy as np

    found: Sequence[float] = np.sort(finite("values", values))  # type: ignore[assignment]
    return found


def quantile(ordered: Sequence[float], q: float) -> float:
    """A quantile of the values themselves, on the line between the two that are nearest.

    Args:
        ordered: At least one value, as `in_order` gives them.
        q: Which quantile, in `[0, 1]`.

    References:
        R. J. Hyndman and Y. Fan (1996), The American Statistician 50(4), definition 7.

    Examples:
        >>> quantile([1.0, 2.0, 4.0], 0.75)
        3.0
    """
    place = (len(ordered) - 1) * q
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def mean_margin(variance: float, n: int, alpha: float, horizon: int) -> float:
    """How far a mean may lie from the true one, on one side, at whatever moment one looks.

    Needs no bounds on the values, unlike the betting bounds; in exchange it is approximate: it
    rests on the normal limit, uniformly over time.

    Args:
        variance: Of a single value, `>= 0`.
        n: Values so far, at least 1.
        alpha: Chance that the mean is ever further away, in `(0, 1)`.
        horizon: Number of values at which it is narrowest, at least 1.

    Returns:
        The margin, in the unit of the values.

    Raises:
        ValueError: An argument is out of range.

    References:
        I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas (2024), Time-uniform
        central limit theory and asymptotic confidence sequences, Annals of Statistics 52(6),
        proposition 2.

    Examples:
        >>> round(mean_margin(1.0, 100, alpha=0.05, horizon=100), 3)
        0.278
    """
    check_inside("alpha", alpha)
    if not (variance >= 0 and n >= 1 and horizon >= 1):
        raise ValueError(f"out of range: variance {variance!r}, n {n!r}, horizon {horizon!r}")
    width = (-2 * log(alpha) + log(1 - 2 * log(alpha))) / horizon
    spread = n * width + 1
    return sqrt(variance * 2 * spread / (n * n * width) * log(1 + sqrt(spread) / (2 * alpha)))


def _check_rate(k: int, n: int, alpha: float) -> None:
    check_inside("alpha", alpha)
    check_part("k", k, n)
