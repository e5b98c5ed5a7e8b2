"""When a candidate is looked at, and whether the rest of its test is likely to decide anything."""

from functools import lru_cache
from math import ceil, log, sqrt

from rixin.stats.bets import bets_for
from rixin.stats.eprocess import log_e
from rixin.stats.tails import normal_cdf

FIRST = 10
"""Cases of the first looks."""
GROWTH = 0.03
"""Later looks come after so many more cases, as a share: looking is free, waiting is not."""


def next_look(asked: int, batch: int, most: int) -> int:
    """The number of cases at which a candidate is looked at next.

    Args:
        asked: Cases so far, `>= 0`.
        batch: Cases that are asked at once, `>= 1`: a look between them would keep calls waiting.
        most: Cases at the end.

    Examples:
        >>> next_look(0, 1, 1500), next_look(1000, 1, 1500), next_look(1490, 1, 1500)
        (10, 1030, 1500)
    """
    return min(most, asked + max(FIRST, batch, ceil(GROWTH * asked)))


@lru_cache(maxsize=1024)
def hits_needed(cases: int, floor: float, alpha: float) -> int:
    """Solved cases of all with which the floor is held at the end of the test; above `cases`: none.

    Args:
        cases: Cases at the end, at least 1.
        floor: Promised rate, in (0, 1).
        alpha: Error of the test, in (0, 1).

    Examples:
        >>> hits_needed(1000, 0.85, 0.05)
        882
    """
    bets = bets_for(floor, cases, alpha)
    low, high = 0, cases + 1
    while high - low > 1:
        middle = (low + high) // 2
        enough = log_e([0, 1], [cases - middle, middle], floor, bets) >= log(1 / alpha)
        low, high = (low, middle) if enough else (middle, high)
    return high


def chance_to_hold(hits: float, misses: float, cases: int, floor: float, alpha: float) -> float:
    """The chance that the floor is held at the end, given what was seen so far.

    The rest is predicted from a uniform prior on the rate (beta-binomial, by its normal limit). It
    steers what is asked next and proves nothing.

    Args:
        hits: Solved so far.
        misses: Not solved so far.
        cases: Cases at the end of the test.
        floor: Promised rate, in (0, 1).
        alpha: Error of the test, in (0, 1).

    Returns:
        A probability in [0, 1].

    References:
        A. Dmitrienko and M.-D. Wang (2006), Statistics in Medicine 25(13): predictive power.

    Examples:
        >>> round(chance_to_hold(90, 10, 1000, 0.85, 0.05), 2)
        0.65
    """
    left = cases - hits - misses
    needed = hits_needed(cases, floor, alpha) - hits
    if left <= 0:
        return float(needed <= 0)
    a, b = hits + 1, misses + 1
    total = a + b
    mean = left * a / total
    spread = sqrt(left * a * b * (total + left) / (total**2 * (total + 1)))
    return normal_cdf((mean - needed + 0.5) / spread)
