"""How long to optimise: evaluation spend plus what a worse pick costs over the horizon."""

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from decide_race import Lab
from outcomes import Outcomes

SETTINGS = (
    ("routerbench", "winogrande", None, 0.02, 20_000),
    ("routerbench", "arc-challenge", None, 0.02, 20_000),
    ("zellinger_cascades", "mmlu", "test", 0.005, 20_000),
    ("zellinger_cascades", "mmlu", "test", 0.005, 200_000),
)
_BETS = np.exp(np.linspace(np.log(0.05), np.log(0.9), 8))


def stopping(lab: Lab, value: float, horizon: int, seeds: int) -> dict[str, float]:
    """Method → mean of evaluation spend + horizon × regret, in money."""
    outcomes = lab.outcomes
    worth = value * outcomes.rate - outcomes.price
    totals: dict[str, list[float]] = {}

    def add(name: str, arm: int, spent: float) -> None:
        totals.setdefault(name, []).append(spent + horizon * float(worth.max() - worth[arm]))

    for seed in range(seeds):
        verdict = lab.decide(
            seed,
            floor=0.01,
            value=value,
            objective="net-value",
            margin=0.0001,  # the regret of every difference counts here
            demand=max(1, round(horizon / 12)),
        ).verdict
        add("rixin", int(verdict.winner[1:]), float(verdict.effort.spent))
        add("exhaustive", int(worth.argmax()), float(outcomes.cost.sum()))
        for n in (30, 100):
            add(f"n = {n}", *_fixed(outcomes, value, seed, n))
        add("race", *_race(outcomes, value, seed))
        print(
            f"\r{outcomes.name}, horizon {horizon:,}: {seed + 1}/{seeds}", end="", file=sys.stderr
        )
    print(file=sys.stderr)
    return {name: float(np.mean(found)) for name, found in totals.items()}


def _fixed(outcomes: Outcomes, value: float, seed: int, n: int) -> tuple[int, float]:
    """Everybody on the same n cases, then the best mean."""
    some = np.random.default_rng(seed).permutation(len(outcomes.items))[:n]
    gain = value * outcomes.solved[:, some] - outcomes.cost[:, some]
    return int(gain.mean(axis=1).argmax()), float(outcomes.cost[:, some].sum())


def _race(
    outcomes: Outcomes, value: float, seed: int, margin: float = 0.02, delta: float = 0.05
) -> tuple[int, float]:
    """All against all by betting on paired differences, in steps of 20 cases; losers drop out."""
    order = np.random.default_rng(seed).permutation(len(outcomes.items))
    gain = (outcomes.solved - outcomes.cost / value)[:, order]
    cost = outcomes.cost[:, order]
    arms, cases = gain.shape
    reach = 1 + float(outcomes.cost.max()) / value
    beaten, near = (np.zeros((arms, arms, _BETS.size)) for _ in range(2))
    lost, close = (np.zeros((arms, arms), dtype=bool) for _ in range(2))
    needed, total, spent = np.log(arms * (arms - 1) / delta), np.zeros(arms), 0.0
    alive = np.arange(arms)
    for begin in range(0, cases, 20):
        block = slice(begin, min(begin + 20, cases))
        spent += float(cost[alive, block].sum())
        seen = gain[alive, block]
        total[alive] += seen.sum(axis=1)
        pairs = np.ix_(alive, alive)
        share = ((seen[:, None] - seen[None]) / reach + 1) / 2
        beaten[pairs] += _wealth(share, 0.5)
        near[pairs] += _wealth(share, (1 - margin / reach) / 2)
        lost |= logsumexp(beaten - np.log(_BETS.size), axis=-1) >= needed
        close |= logsumexp(near - np.log(_BETS.size), axis=-1) >= needed
        alive = np.array([k for k in alive if not lost[alive, k].any()])
        enough = (close[np.ix_(alive, alive)] | np.eye(alive.size, dtype=bool)).all(axis=1)
        if enough.any():
            alive = alive[enough]
            break
    return int(alive[total[alive].argmax()]), spent


def _wealth(share: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    growth = np.log1p(_BETS[:, None] * (share[:, :, None, :] / mean - 1))
    return np.asarray(growth.sum(axis=-1))
