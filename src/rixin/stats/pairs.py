"""Comparison of two solvers on the same cases: is the new one worse by less than a margin?

The exact test (`rixin.stats.exact`) needs a number of pairs that was settled beforehand; the betting
test (`rixin.stats.eprocess`) may be looked at after every pair, needs more of them, and has no limit.
`compare_pair` takes the exact test as long as it can be computed within about a second. It makes
that choice from the number of pairs alone, never from their outcome: a choice by outcome would
spend the error probability twice.
"""

from dataclasses import dataclass
from math import log
from typing import Literal

from rixin.stats._checks import check_inside, check_margin, check_pair
from rixin.stats.eprocess import log_e_pair
from rixin.stats.exact import EXACT_CASES, critical_value, pair_p_value
from rixin.stats.tango import paired_difference, tango_scores, tango_z

__all__ = [
    "EXACT_CASES",
    "PairTest",
    "certify_pair",
    "compare_pair",
    "critical_value",
    "mcnemar_p_value",
    "pair_p_value",
    "paired_difference",
    "tango_scores",
    "tango_z",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTest:
    """Result of a non-inferiority test on matched pairs, with what is needed to check it."""

    certified: bool
    """Whether a loss of the margin or more is excluded."""
    method: Literal["exact", "betting"]
    """Exact test on Tango's statistic, or the betting e-process where that is too slow."""
    statistic: float
    """Exact: Tango's z, certified if at most `critical`. Betting: log wealth, if at least that."""
    critical: float
    """What the statistic is compared with."""
    p_value: float | None
    """Exact p value; None for the betting test."""


def compare_pair(b: int, c: int, n: int, margin: float, delta: float) -> PairTest:
    """Test whether the new solver solves less than `margin` fewer cases than the old one.

    Args:
        b: Losses: cases that only the old solver solved.
        c: Gains: cases that only the new solver solved.
        n: Pairs, drawn at random; `b + c <= n`. The exact test answers up to `EXACT_CASES`.
        margin: Loss to exclude, as a share of all cases, in `[0, 1)`.
        delta: Chance of a wrong certificate, in `(0, 1)`.

    Returns:
        The certificate. No pairs certify nothing.

    Raises:
        ValueError: The counts do not fit each other or an argument is out of range.

    References:
        H.-M. Hsueh, J.-P. Liu and J. J. Chen (2001), Biometrics 57; T. Tango (1998), Statistics in
        Medicine 17.

    Examples:
        >>> result = compare_pair(5, 8, 300, margin=0.02, delta=0.05)
        >>> result.certified, result.method, round(result.statistic, 2)
        (True, 'exact', -2.25)
    """
    check_pair(b, c, n)
    check_margin(margin)
    check_inside("delta", delta)
    if 1 <= n <= EXACT_CASES:
        return _exact(b, c, n, margin, delta)
    return _betting(b, c, n, margin, delta)


def certify_pair(b: int, c: int, n: int, margin: float, delta: float) -> bool:
    """Whether the new solver is certified to solve less than `margin` fewer cases.

    Args:
        b: Losses: cases that only the old solver solved.
        c: Gains: cases that only the new solver solved.
        n: Pairs, drawn at random; `b + c <= n`.
        margin: Loss to exclude, as a share of all cases, in `[0, 1)`.
        delta: Chance of a wrong certificate, in `(0, 1)`.

    Returns:
        `compare_pair(...).certified`, without the p value: fast once `critical_value` is cached.

    Raises:
        ValueError: The counts do not fit each other or an argument is out of range.

    References:
        H.-M. Hsueh, J.-P. Liu and J. J. Chen (2001), Biometrics 57.

    Examples:
        >>> certify_pair(5, 8, 300, margin=0.02, delta=0.05)
        True
        >>> certify_pair(12, 8, 300, margin=0.02, delta=0.05)
        False
    """
    if not 1 <= n <= EXACT_CASES:
        return compare_pair(b, c, n, margin, delta).certified
    return tango_z(b, c, n, margin) <= critical_value(n, margin, delta)


def mcnemar_p_value(b: int, c: int) -> float:
    """Exact two-sided p value of "losses and gains are equally frequent" (a sign test).

    Args:
        b: Losses: cases that only the old solver solved, `>= 0`.
        c: Gains: cases that only the new solver solved, `>= 0`.

    Returns:
        The p value, in `(0, 1]`; 1 when the solvers never differ.

    Raises:
        ValueError: A count is negative.

    References:
        Q. McNemar (1947), Psychometrika 12(2).

    Examples:
        >>> round(mcnemar_p_value(2, 11), 4)
        0.0225
    """
    from scipy.special import bdtr

    check_pair(b, c, b + c)
    return min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))


def _exact(b: int, c: int, n: int, margin: float, delta: float) -> PairTest:
    statistic, critical = tango_z(b, c, n, margin), critical_value(n, margin, delta)
    return PairTest(
        certified=statistic <= critical,
        method="exact",
        statistic=statistic,
        critical=critical,
        p_value=pair_p_value(b, c, n, margin),
    )


def _betting(b: int, c: int, n: int, margin: float, delta: float) -> PairTest:
    evidence, needed = log_e_pair(b, n - b - c, c, margin), -log(delta)
    return PairTest(
        certified=evidence >= needed,
        method="betting",
        statistic=evidence,
        critical=needed,
        p_value=None,
    )
