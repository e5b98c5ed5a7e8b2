"""How long to optimise: whether asking a candidate more is worth its price.

One more answer costs money; it pays only if it may change which candidate is chosen, and that is
worth the difference for every case of the horizon. The expected gain of asking a rival m more cases
is that of a normal posterior on the difference to the leader, measured on the cases that both were
asked (which takes the difficulty of the cases out), for several m at once, because one case more
hardly ever changes anything (the knowledge gradient is not concave).

It never waives a certificate: it says when to stop looking for something better, and what is
adopted must have been accepted by its own test.

References:
    P. I. Frazier and W. B. Powell (2010), Paradoxes in learning and the marginal value of
    information, Decision Analysis 7(4); S. E. Chick and K. Inoue (2001), Operations Research 49(5);
    METHODS §2 step 5 and §6.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from rixin.stats.tails import normal_cdf

PILOT = 20
"""Cases of the first look at a candidate."""
_BATCH = 10
_AHEAD = np.array([1, 2, 4, 8, 16, 32, 64]) * _BATCH
"""Cases ahead that are weighed against each other."""
_PART = 4
"""Of the best number of cases ahead, this part is asked before weighing anew."""
_PRIOR_CASES = 2.0
"""Weight of the mean of all candidates in the rate of each."""
_PRIOR_SPREAD = 0.15
"""Standard deviation of a rate of which nothing is known yet."""
_PRIOR_RATE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A candidate as seen so far."""

    name: str
    quality: NDArray[np.float64]
    """1 or 0 for each case so far, in the common order of the cases; NaN where not measured."""
    price: float
    """Of an answer, in money: the list price, or the measured mean."""
    cases: int
    """Most cases that it can be asked."""


@dataclass(frozen=True, slots=True)
class More:
    """Bring these candidates to so many cases."""

    names: tuple[str, ...]
    cases: int


def next_to_ask(arms: Sequence[Arm], worth: float, horizon: float) -> More | None:
    """Whom to ask more, and how many cases; None: no answer is worth its price any more.

    Args:
        arms: The candidates, at most one of each name.
        worth: Of a solved case over an unsolved one, in money, above 0.
        horizon: Cases that the chosen candidate will serve, at least 0.

    Raises:
        ValueError: A price is not a number, or `worth` or `horizon` is negative.

    Examples:
        >>> seen = np.array([1.0, 1, 0, 1, 1, 1, 0, 1, 1, 1] * 4)
        >>> cheap = Arm(name="cheap", quality=seen, price=0.001, cases=500)
        >>> dear = Arm(name="dear", quality=np.array([]), price=0.002, cases=500)
        >>> next_to_ask([cheap, dear], worth=1.0, horizon=100_000)
        More(names=('dear',), cases=20)
        >>> next_to_ask([cheap, dear], worth=1.0, horizon=0) is None
        True
    """
    if worth < 0 or horizon < 0 or not all(isfinite(arm.price) for arm in arms):
        raise ValueError("prices must be numbers, worth and horizon at least 0")
    unseen = _pilot(arms, worth, horizon)
    if unseen is not None:
        return More((unseen.name,), min(PILOT, unseen.cases))
    seen = [arm for arm in arms if arm.quality.size]
    if len(seen) < 2 or not worth:
        return None
    values = values_of(seen, worth)
    leader = max(range(len(seen)), key=lambda k: values[k])
    best, choice = 0.0, None
    for k, rival in enumerate(seen):
        if k != leader:
            gain, more = _look_ahead(
                seen[leader], rival, (values[leader] - values[k]) / worth, worth * horizon
            )
            if gain > best:
                best, choice = gain, more
    return choice


def values_of(arms: Sequence[Arm], worth: float) -> list[float]:
    """What a case earns with each candidate, by a rate that leans a little to that of all.

    Args:
        arms: With at least one case each.
        worth: Of a solved case, in money.
    """
    hits = [float(np.nan_to_num(arm.quality, nan=0.0).sum()) for arm in arms]
    sizes = [arm.quality.size for arm in arms]
    mean = sum(h / n for h, n in zip(hits, sizes, strict=True)) / len(arms)
    return [
        worth * (h + _PRIOR_CASES * mean) / (n + _PRIOR_CASES) - arm.price
        for h, n, arm in zip(hits, sizes, arms, strict=True)
    ]


def _pilot(arms: Sequence[Arm], worth: float, horizon: float) -> Arm | None:
    """The cheapest candidate without any case for which a first look pays."""
    seen = [arm for arm in arms if arm.quality.size]
    values = values_of(seen, worth) if seen else []
    best = max(values, default=None)
    rate = _PRIOR_RATE
    if seen:
        rate = sum(float(np.nan_to_num(a.quality, nan=0.0).mean()) for a in seen) / len(seen)
    for arm in sorted(arms, key=lambda one: one.price):
        if arm.quality.size or not arm.cases or not horizon:
            continue
        if best is None:
            return arm
        if worth - arm.price <= best:  # not even with every case solved
            continue
        spread = _PRIOR_SPREAD * worth
        gap = best - (worth * rate - arm.price)
        if horizon * spread * _excess(gap / spread) > PILOT * arm.price:
            return arm
    return None


def _look_ahead(leader: Arm, rival: Arm, gap: float, stake: float) -> tuple[float, More | None]:
    """The best net gain of more cases for a rival, with the cases to ask next."""
    both = min(leader.quality.size, rival.quality.size)
    left = min(leader.cases, rival.cases) - both
    if left <= 0:
        return 0.0, None
    ahead = np.unique(np.minimum(_AHEAD, left))
    variance = _variance(leader.quality[:both], rival.quality[:both])
    learnt = np.sqrt(np.maximum(variance / both - variance / (both + ahead), 1e-18))
    gain = np.array([stake * step * _excess(gap / step) for step in learnt])
    cost = sum(
        np.maximum(0, both + ahead - one.quality.size) * one.price for one in (leader, rival)
    )
    net = gain - cost
    place = int(net.argmax())
    cases = both + min(left, max(_BATCH, int(ahead[place]) // _PART))
    names = tuple(one.name for one in (rival, leader) if one.quality.size < cases)
    return float(net[place]), More(names, cases)


def _variance(leader: NDArray[np.float64], rival: NDArray[np.float64]) -> float:
    """Of the difference on one case; one case on which they differ is added to those seen."""
    difference = np.nan_to_num(rival, nan=0.0) - np.nan_to_num(leader, nan=0.0)
    n = difference.size
    return float((np.abs(difference).sum() + 1) / (n + 1) - difference.mean() ** 2 * n / (n + 1))


def _excess(gap: float) -> float:
    """E[max(0, Z - gap)] of a standard normal Z."""
    return exp(-gap * gap / 2) / sqrt(2 * pi) - gap * normal_cdf(-gap)
