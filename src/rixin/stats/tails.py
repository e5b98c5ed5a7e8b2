"""Binomial and normal tails where a few terms are exact: scipy takes longer to load than to wait for.

`scipy.special` is imported only where a sum would be long.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import comb, erfc, sqrt

_FEW_HITS = 3
_FEW_CASES = 64


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X <= k) of n trials at rate p.

    Args:
        k: Hits, `0 <= k <= n`.
        n: Trials, `>= 0`.
        p: Rate, in `(0, 1)`.

    Examples:
        >>> round(binomial_cdf(2, 628, 0.01), 5)
        0.04979
    """
    if k <= _FEW_HITS:
        return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
    from scipy.special import bdtr

    return float(bdtr(k, n, p))


def binomial_cdfs(n: int, p: float) -> Sequence[float]:
    """P(X <= k) for k = 0 … n, shape (n + 1,).

    Examples:
        >>> binomial_cdfs(2, 0.5)
        [0.25, 0.75, 1.0]
    """
    if n <= _FEW_CASES:
        terms = [comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(n)]
        return [*accumulate(terms), 1.0]
    import numpy as np
    from scipy.special import bdtr

    found: Sequence[float] = bdtr(np.arange(n + 1.0), n, p)
    return found


def normal_cdf(z: float) -> float:
    """P(Z <= z) of a standard normal Z.

    Examples:
        >>> round(normal_cdf(1.96), 4)
        0.975
    """
    return erfc(-z / sqrt(2)) / 2
