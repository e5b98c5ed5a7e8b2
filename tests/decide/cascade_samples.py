"""Evidence to decide on: made-up solvers whose answers are as sure as they are right."""

import numpy as np

from rixin.decide.evidence import Evidence, Sample


def evidence(name, solved, **parts):
    """One solver; what is not given is known and harmless."""
    solved = np.asarray(solved, dtype=float)
    n = solved.size
    parts = {
        "cost": np.full(n, 1.0),
        "confidence": np.full(n, np.nan),
        "violated": np.zeros(n, dtype=bool),
        "abstained": np.zeros(n, dtype=bool),
        "latency_s": np.full(n, 0.5),
        "answer": np.arange(1, n + 1),
    } | {key: np.broadcast_to(np.asarray(part), (n,)) for key, part in parts.items()}
    return Evidence(solver=name, solved=solved, **parts)


def sample(*solvers, weights=None, graded=False):
    n = solvers[0].solved.size
    weights = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    return Sample(solvers=solvers, weights=weights, graded=graded)


def take(pool, cases, keep=None):
    """The same solvers on some of the cases, in that order."""
    names = ("solved", "cost", "confidence", "violated", "abstained", "latency_s", "answer")
    return Sample(
        solvers=tuple(
            Evidence(solver=one.solver, **{name: getattr(one, name)[cases] for name in names})
            for one in pool.solvers
            if keep is None or one.solver in keep
        ),
        weights=pool.weights[cases],
        graded=pool.graded,
    )


def world(seed, n, *, rates=(0.7, 0.8, 0.9), costs=(1.0, 4.0, 20.0), sharp=1.5, sure=True):
    """Solvers of a latent difficulty; labels 0..4 as answers, 0 right, so wrong ones differ."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=n)
    solvers = []
    for place, (rate, cost) in enumerate(zip(rates, costs, strict=True)):
        chance = 1 / (1 + np.exp(-(sharp * ease + np.log(rate / (1 - rate)) * 1.4)))
        solved = rng.random(n) < chance
        noisy = chance + rng.normal(0, 0.05, n)
        solvers.append(
            evidence(
                f"s{place}",
                solved,
                cost=cost,
                confidence=np.clip(noisy, 0, 1) if sure else np.nan,
                answer=np.where(solved, 1, rng.integers(2, 6, n)),
            )
        )
    return sample(*solvers)
