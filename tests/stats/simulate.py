"""Simulated error rates of the tests in `rixin.stats`; benchmarks call them with more runs."""

import numpy as np
from numpy.typing import NDArray

from rixin.stats.bets import OPEN_END, Bets
from rixin.stats.eprocess import log_e_many
from rixin.stats.pairs import critical_value, tango_scores

MARGIN_SIZES = [(300, 0.01), (300, 0.02), (600, 0.02), (1000, 0.01), (1000, 0.02)]
DISCORDANCES = [0.03, 0.05, 0.1, 0.2, 0.4, 0.7, 0.95]


def pair_size(
    n: int, margin: float, delta: float, discordance: float, runs: int, rng: np.random.Generator
) -> float:
    """Share of runs in which the exact test certifies a loss of exactly `margin`."""
    loss, gain = (discordance + margin) / 2, (discordance - margin) / 2
    drawn = rng.multinomial(n, [loss, gain, 1 - discordance], size=runs)
    z = tango_scores(drawn[:, 0], drawn[:, 1], n, margin)
    return float((z <= critical_value(n, margin, delta)).mean())


def worst_pair_size(runs: int = 200_000, delta: float = 0.1, seed: int = 3) -> float:
    """Largest simulated size over all sample sizes, margins and discordances above."""
    rng = np.random.default_rng(seed)
    return max(
        pair_size(n, margin, delta, discordance, runs, rng)
        for n, margin in MARGIN_SIZES
        for discordance in [margin, *DISCORDANCES]
    )


def crossing_rate(
    values: list[float],
    chances: list[float],
    alpha: float,
    runs: int,
    looks: int,
    rng: np.random.Generator,
    bets: Bets = OPEN_END,
) -> float:
    """Share of runs whose evidence against the true mean ever crosses, looking at every case."""
    mean = float(np.dot(values, chances))
    ever = [
        (log_e_many(values, path, mean, bets) >= -np.log(alpha)).any()
        for path in _paths(chances, runs, looks, rng)
    ]
    return float(np.mean(ever))


def _paths(
    chances: list[float], runs: int, looks: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    drawn = rng.choice(len(chances), p=chances, size=(runs, looks))
    kinds = np.arange(len(chances))
    return [np.cumsum(run[:, None] == kinds, axis=0) for run in drawn]
