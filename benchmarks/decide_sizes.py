"""Sizes of the tests by simulation: how often a hypothesis that is just true is rejected."""

from collections.abc import Iterator

import numpy as np

from rixin.stats.bets import OPEN_END, bets_for
from rixin.stats.eprocess import log_e_many
from rixin.stats.exact import critical_value
from rixin.stats.tango import tango_scores

RUNS = 200_000
DISCORDANCE = (0.03, 0.05, 0.1, 0.2, 0.4)
CASES = (300, 600, 1000)
MARGIN = 0.02
DELTA = 0.10
LOOKS = 6_000
ALPHA = 0.05


def pair_sizes(seed: int = 0) -> Iterator[tuple[int, float, float]]:
    """Cases, discordance and size of the exact matched-pair test; the margin itself comes first."""
    rng = np.random.default_rng(seed)
    for n in CASES:
        critical = critical_value(n, MARGIN, DELTA)
        for discordance in (MARGIN, *DISCORDANCE):
            lost = (discordance + MARGIN) / 2
            counts = rng.multinomial(n, [lost, lost - MARGIN, 1 - 2 * lost + MARGIN], size=RUNS)
            scores = tango_scores(counts[:, 0], counts[:, 1], n, MARGIN)
            yield n, discordance, float((scores <= critical).mean())


def crossing(floor: float, *, planned: bool, runs: int = 2_000, seed: int = 0) -> float:
    """Share of runs in which the betting test of a floor ever rejects a rate just at it."""
    rng = np.random.default_rng(seed)
    bets = bets_for(floor, LOOKS, ALPHA) if planned else OPEN_END
    crossed = 0
    for _ in range(runs // 100):
        solved = (rng.random((100, LOOKS)) < floor).cumsum(axis=1)
        counts = np.stack([np.arange(1, LOOKS + 1) - solved, solved], axis=-1)
        wealth = log_e_many([0, 1], counts, floor, bets)
        crossed += int((wealth.max(axis=1) >= -np.log(ALPHA)).sum())
    return crossed / runs
