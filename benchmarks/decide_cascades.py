"""Whole decisions against the best single model: cost of what is chosen, and broken promises."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decide_race import Lab
from outcomes import Outcomes
from rixin.core.ids import output_code
from rixin.decide.evidence import Evidence, Sample
from rixin.decide.policies import apply
from rixin.decide.proposals import propose
from rixin.workspace.propose import policy_from

MARGIN = 0.02
CONFIDENCE = 0.90
SHAPE = 0.4


def decide(lab: Lab, seed: int) -> Any:
    """A decision in which a release may solve at most two points less than the best model."""
    return lab.decide(
        seed,
        confidence_column=True,
        pools=f"shape: {SHAPE}, certify: {1 - SHAPE}",
        floor=0.01,
        relative=f", below_best_at_most: {MARGIN}",
        confidence=CONFIDENCE,
        cascades="auto",
    )


def truth(outcomes: Outcomes, result: Any) -> tuple[float, float]:
    """Solve rate and mean cost of what a decision chose, over all items."""
    winner, certificate = result.verdict.winner, result.certificate
    proposed = {one["name"]: one["steps"] for one in certificate["proposed"]}
    alone = [{"solver": winner, "threshold": None, "signal": None}]
    found = apply(policy_from(proposed.get(winner, alone)), everything(outcomes))
    return float(found.solved.mean()), float(found.cost.mean())


def everything(outcomes: Outcomes, which: NDArray[np.int64] | None = None) -> Sample:
    """The recorded outcomes as evidence, on all items or on some."""
    at = np.arange(len(outcomes.items)) if which is None else which
    none = np.zeros(at.size, dtype=bool)
    return Sample(
        solvers=tuple(
            Evidence(
                solver=f"m{k}",
                solved=outcomes.solved[k, at],
                cost=np.round(outcomes.cost[k, at], 12),
                confidence=np.round(np.exp(np.minimum(outcomes.confidence[k, at], 0.0)), 9),
                violated=none,
                abstained=none,
                latency_s=np.zeros(at.size),
                answer=np.array([output_code(str(a) or None) for a in outcomes.answers[k, at]]),
            )
            for k in range(len(outcomes.models))
        ),
        weights=np.ones(at.size),
    )


def uncertified(outcomes: Outcomes, seed: int) -> tuple[float, bool]:
    """The cheapest policy that loses at most the margin on the shape cases, and no test.

    Returns:
        Its cost against the best single model's, and whether it breaks the promise.
    """
    rng = np.random.default_rng(seed)
    shape = rng.permutation(len(outcomes.items))[: round(SHAPE * len(outcomes.items))]
    reference = int(outcomes.solved[:, shape].mean(axis=1).argmax())
    sample = everything(outcomes, shape)
    found = propose(sample, f"m{reference}", margin=MARGIN)
    fits = [one for one in found if one.loss <= MARGIN]
    if not fits:
        return 1.0, False
    chosen = apply(min(fits, key=lambda one: one.cost).policy, everything(outcomes))
    lost = outcomes.rate[reference] - float(chosen.solved.mean())
    return float(chosen.cost.mean() / outcomes.price[reference]), bool(lost > MARGIN)


def cascades(lab: Lab, seeds: int) -> dict[str, dict[str, float]]:
    """Method → cost against the best single model's, share of broken promises."""
    outcomes, ours, theirs = lab.outcomes, [], []
    for seed in range(seeds):
        result = decide(lab, seed)
        reference = int(result.certificate["sequence"]["reference"][1:])
        if result.verdict.winner is None:
            ours.append((1.0, False))
        else:
            rate, cost = truth(outcomes, result)
            broken = outcomes.rate[reference] - rate > MARGIN
            ours.append((cost / outcomes.price[reference], bool(broken)))
        theirs.append(uncertified(outcomes, seed))
        print(f"\r{outcomes.name}, cascades: {seed + 1}/{seeds}", end="", file=sys.stderr)
    print(file=sys.stderr)
    names = ("cost", "broken")
    return {
        "rixin": dict(zip(names, map(float, np.mean(ours, axis=0)), strict=True)),
        "uncertified": dict(zip(names, map(float, np.mean(theirs, axis=0)), strict=True)),
    }
