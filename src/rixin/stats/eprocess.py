"""Betting e-processes on counts: evidence that may be looked at after every case.

An e-process is the wealth of a gambler who bets against a hypothesis. While the hypothesis is true
the chance that the wealth ever reaches `1 / alpha` is at most `alpha`, however often one looks and
whatever made one stop (Ville's inequality). Scores take few distinct values, so the wealth depends
on the counts of these values only: it costs the same for ten cases and for ten million.

The guarantee needs cases drawn at random. Counts may be sums of case weights; then every single
weight must be at most 1 (`rixin.stats.planning.weighted_counts` sees to it), because
`(1 + x)**w <= 1 + w * x` holds for `w` in `[0, 1]` only.

All evidence is the natural logarithm of the wealth: 0 is no evidence, `log(20) = 3.0` rejects at 5 %.

References:
    I. Waudby-Smith and A. Ramdas (2024), Estimating means of bounded random variables by betting,
    JRSS B 86(1), sections 4 and 5.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from math import exp, log, log1p
from typing import TYPE_CHECKING, Final

from rixin.stats._checks import (
    check_inside,
    check_margin,
    check_share,
    finite_list,
    non_negative,
    unit_list,
    unit_values,
)
from rixin.stats.bets import OPEN_END, Bets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_BISECTION_STEPS: Final = 40
_TINY: Final = sys.float_info.min
_PAIR: Final = (-1.0, 0.0, 1.0)
_FEW: Final = 12
"""Distinct scores up to which plain floats are quicker than arrays; solved or not is two."""


def log_e_many(
    values: ArrayLike, counts: ArrayLike, mean: float, bets: Bets = OPEN_END
) -> NDArray[np.float64]:
    """Log evidence against "the mean is at most `mean`" for many sets of counts at once.

    Args:
        values: Distinct scores, shape (n_values,), each in `[0, 1]`.
        counts: How often each score was seen, shape (..., n_values), `>= 0`; weights are allowed.
        mean: Hypothetical mean in `[0, 1]`. 0 is taken as the smallest positive float.
        bets: The bets that are mixed; they must be chosen before the first score is seen.

    Returns:
        Natural logarithm of the wealth, shape (...), finite.

    Raises:
        ValueError: A number is NaN, infinite or out of range, or the shapes do not fit.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> log_e_many([0, 1], [[1, 9], [10, 90]], 0.6).round(2)
        array([ 1.04, 19.53])
    """
    check_share("mean", mean)
    scores = unit_values(values)
    seen = non_negative("counts", counts)
    if seen.ndim == 0 or seen.shape[-1] != scores.size:
        raise ValueError(f"{scores.size} values need counts of shape (..., {scores.size})")
    return _log_wealths(scores, seen, mean, bets)


def log_e(
    values: Iterable[float], counts: Iterable[float], mean: float, bets: Bets = OPEN_END
) -> float:
    """Log evidence against "the mean is at most `mean`"; large when the mean lies above.

    Args:
        values: Distinct scores, shape (n_values,), each in `[0, 1]`.
        counts: How often each score was seen, shape (n_values,), `>= 0`; weights are allowed.
        mean: Hypothetical mean in `[0, 1]`.
        bets: The bets that are mixed; they must be chosen before the first score is seen.

    Returns:
        Natural logarithm of the wealth; 0 when nothing was seen.

    Raises:
        ValueError: A number is NaN, infinite or out of range, or the shapes do not fit.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> round(log_e([0, 1], [10, 90], 0.8), 2)
        2.26
        >>> rejects(log_e([0, 1], [10, 90], 0.75), alpha=0.05)
        True
    """
    check_share("mean", mean)
    scores, seen = _counted(unit_list(values), counts)
    return _log_wealth(scores, seen, mean, bets)


def log_e_down(
    values: Iterable[float], counts: Iterable[float], mean: float, bets: Bets = OPEN_END
) -> float:
    """Log evidence against "the mean is at least `mean`"; large when the mean lies below.

    Args:
        values: Distinct scores, shape (n_values,), each in `[0, 1]`.
        counts: How often each score was seen, shape (n_values,), `>= 0`; weights are allowed.
        mean: Hypothetical mean in `[0, 1]`.
        bets: The bets that are mixed; they must be chosen before the first score is seen.

    Returns:
        Natural logarithm of the wealth; 0 when nothing was seen.

    Raises:
        ValueError: A number is NaN, infinite or out of range, or the shapes do not fit.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> rejects(log_e_down([0, 1], [600, 0], 0.01), alpha=0.05)
        True
    """
    check_share("mean", mean)
    return log_e([1 - value for value in unit_list(values)], counts, 1 - mean, bets)


def log_e_difference(differences: Iterable[float], counts: Iterable[float], margin: float) -> float:
    """Log evidence that a paired difference new - old is above `-margin` on average.

    Args:
        differences: Distinct differences, shape (n_values,), each in `[-1, 1]`.
        counts: How often each was seen, shape (n_values,), `>= 0`; weights are allowed.
        margin: Loss that is still acceptable, in `[0, 1)`. With 0 the new one must be better.

    Returns:
        Natural logarithm of the wealth against "the mean difference is at most `-margin`".

    Raises:
        ValueError: A number is NaN, infinite or out of range, or the shapes do not fit.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> round(log_e_difference([-0.5, 0, 0.5], [20, 900, 40], 0.02), 2)
        19.76
    """
    check_margin(margin)
    halves = [(1 + one) / 2 for one in finite_list("differences", differences)]
    return log_e(halves, counts, (1 - margin) / 2)


def log_e_pair(losses: float, ties: float, gains: float, margin: float) -> float:
    """Log evidence that the new solver solves at most `margin` fewer cases than the old one.

    Args:
        losses: Cases that only the old one solved, `>= 0`.
        ties: Cases that both or neither solved, `>= 0`.
        gains: Cases that only the new one solved, `>= 0`.
        margin: Loss that is still acceptable, in `[0, 1)`.

    Returns:
        Natural logarithm of the wealth against "E[new - old] <= -margin".

    Raises:
        ValueError: A number is NaN, infinite or out of range.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> rejects(log_e_pair(losses=20, ties=950, gains=30, margin=0.02), alpha=0.05)
        True
    """
    return log_e_difference(_PAIR, [losses, ties, gains], margin)


def log_e_pair_down(losses: float, ties: float, gains: float, margin: float = 0.0) -> float:
    """Log evidence that the new solver solves more than `margin` fewer cases than the old one.

    Args:
        losses: Cases that only the old one solved, `>= 0`.
        ties: Cases that both or neither solved, `>= 0`.
        gains: Cases that only the new one solved, `>= 0`.
        margin: Loss that is still acceptable, in `[0, 1)`.

    Returns:
        Natural logarithm of the wealth against "E[new - old] >= -margin".

    Raises:
        ValueError: A number is NaN, infinite or out of range.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), section 5.

    Examples:
        >>> rejects(log_e_pair_down(losses=60, ties=920, gains=20), alpha=0.05)
        True
    """
    check_margin(margin)
    return log_e_down([(1 + one) / 2 for one in _PAIR], [losses, ties, gains], (1 - margin) / 2)


def rejects(log_e: float, alpha: float) -> bool:
    """Whether the evidence rejects its hypothesis with error probability `alpha`.

    Args:
        log_e: Natural logarithm of the wealth.
        alpha: Chance of a false rejection at any time, in `(0, 1)`.

    Returns:
        True when the wealth has reached `1 / alpha`.

    Raises:
        ValueError: `alpha` is not inside `(0, 1)`.

    References:
        J. Ville (1939), Étude critique de la notion de collectif, p. 100.

    Examples:
        >>> rejects(3.1, alpha=0.05), rejects(2.9, alpha=0.05)
        (True, False)
    """
    check_inside("alpha", alpha)
    return log_e >= -log(alpha)


def lower_bound(
    values: Iterable[float], counts: Iterable[float], alpha: float, bets: Bets = OPEN_END
) -> float:
    """Lower confidence bound on a mean that holds at all times at once.

    Args:
        values: Distinct scores, shape (n_values,), each in `[0, 1]`.
        counts: How often each score was seen, shape (n_values,), `>= 0`; weights are allowed.
        alpha: Chance that the bound ever exceeds the true mean, in `(0, 1)`.
        bets: The bets that are mixed; they must be chosen before the first score is seen.

    Returns:
        The largest mean that is rejected as too low (to 1e-12, rounded down); 0 without evidence.

    Raises:
        ValueError: A number is NaN, infinite or out of range, or the shapes do not fit.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), theorem 3.

    Examples:
        >>> round(lower_bound([0, 1], [10, 90], alpha=0.05), 3)
        0.787
    """
    check_inside("alpha", alpha)
    scores, seen = _counted(unit_list(values), counts)
    least = -log(alpha)
    if _log_wealth(scores, seen, 0.0, bets) < least:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_BISECTION_STEPS):
        middle = (low + high) / 2
        if _log_wealth(scores, seen, middle, bets) >= least:
            low = middle
        else:
            high = middle
    return low


def upper_bound(
    values: Iterable[float], counts: Iterable[float], alpha: float, bets: Bets = OPEN_END
) -> float:
    """Upper confidence bound on a mean that holds at all times at once.

    Args:
        values: Distinct scores, shape (n_values,), each in `[0, 1]`.
        counts: How often each score was seen, shape (n_values,), `>= 0`; weights are allowed.
        alpha: Chance that the bound ever falls below the true mean, in `(0, 1)`.
        bets: The bets that are mixed; they must be chosen before the first score is seen.

    Returns:
        The smallest mean that is rejected as too high (rounded up); 1 without evidence.

    Raises:
        ValueError: A number is NaN, infinite or out of range, or the shapes do not fit.

    References:
        I. Waudby-Smith and A. Ramdas (2024), JRSS B 86(1), theorem 3.

    Examples:
        >>> round(upper_bound([0, 1], [600, 0], alpha=0.05), 4)
        0.0077
    """
    return 1 - lower_bound([1 - value for value in unit_list(values)], counts, alpha, bets)


def _counted(scores: list[float], counts: Iterable[float]) -> tuple[list[float], list[float]]:
    """Scores with their counts, without those that were never seen."""
    seen = finite_list("counts", counts)
    if len(seen) != len(scores):
        raise ValueError(f"{len(scores)} values need counts of shape (..., {len(scores)})")
    if min(seen, default=0.0) < 0:
        raise ValueError("counts must not be negative")
    pairs = [pair for pair in zip(scores, seen, strict=True) if pair[1]]
    return [score for score, _ in pairs], [count for _, count in pairs]


def _log_wealth(scores: Sequence[float], seen: Sequence[float], mean: float, bets: Bets) -> float:
    """Mix the wealth of all bets; it falls as `mean` rises, which the bounds rely on."""
    if len(scores) > _FEW:
        import numpy as np

        return float(_log_wealths(np.array(scores), np.array(seen), mean, bets))
    least = max(mean, _TINY)
    pairs = [(score / least - 1, count) for score, count in zip(scores, seen, strict=True)]
    single = [
        sum([count * log1p(fraction * relative) for relative, count in pairs], weight)
        for fraction, weight in zip(bets.fractions, bets.log_weights, strict=True)
    ]
    peak = max(single)
    return peak + log(sum([exp(one - peak) for one in single]))


def _log_wealths(
    scores: NDArray[np.float64], seen: NDArray[np.float64], mean: float, bets: Bets
) -> NDArray[np.float64]:
    """The same for many scores, or for many rows of counts at once."""
    import numpy as np

    relative = scores / max(mean, _TINY) - 1
    factors = np.log1p(np.array(bets.fractions)[:, None] * relative)
    single = seen @ factors.T + np.array(bets.log_weights)
    peak = single.max(axis=-1, keepdims=True)
    total = peak[..., 0] + np.log(np.exp(single - peak).sum(axis=-1))
    return np.asarray(total, dtype=np.float64)
