"""Certifies proposed policies on cases that had no part in proposing them: a fixed sequence.

Hypothesis: "the policy loses the margin or more against the reference, or breaks a term of the
promise". Along a path the hypotheses are tested in an order that was fixed before, each at the
path's whole error, and the first that is not rejected ends the path: so the chance of any wrong
certificate on it is at most that error, however many policies are tested. Several paths divide the
error. A hypothesis of several terms is rejected only if every term is, each at the whole error
(intersection-union).

Every test is taken once, on all certify cases of the policy's solvers, whose number was known
before.

References:
    B. L. Wiens (2003), A fixed sequence Bonferroni procedure, Pharmaceutical Statistics 2(3);
    R. L. Berger (1982), Technometrics 24(4).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rixin.decide.evidence import Evidence, Floats, Policy, apply_policy, losses
from rixin.decide.paths import Path
from rixin.stats.eprocess import log_e_difference, log_e_pair, rejects
from rixin.stats.exact import critical_value
from rixin.stats.pairs import EXACT_CASES
from rixin.stats.tango import tango_z

Holds = Callable[[Policy, Evidence, float], bool]
"""Whether all other terms of the promise hold, at an error, for what a policy did on certify cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One hypothesis, and what became of it."""

    order: int
    """Its place among all that were tested, from 1."""
    path: int
    """Its path, from 1."""
    policy: Policy
    cases: int
    lost: float
    """Cases, or quality, that only the reference solved."""
    won: float
    """Cases, or quality, that only the policy solved."""
    method: str
    """`exact`, `betting` or `betting on differences`."""
    statistic: float
    critical: float
    """The statistic must reach it: from above where the method is `exact`, else from below."""
    delta: float
    no_worse: bool
    """The loss is certified to be below the margin."""
    promise_holds: bool
    """All other terms hold; False where the loss was not certified."""

    @property
    def certified(self) -> bool:
        """Whether the hypothesis was rejected."""
        return self.no_worse and self.promise_holds


def certify_paths(
    paths: Sequence[Path],
    certify: Mapping[str, Evidence],
    reference: str,
    *,
    margin: float,
    holds: Holds,
    weights: Floats | None = None,
) -> list[Tested]:
    """Every hypothesis that was tested, in order.

    Args:
        paths: From `find_paths`, on other cases; each brings its error with it.
        certify: Outcomes on certify cases, by solver, of all solvers on the paths.
        reference: The solver that a policy must not be worse than.
        margin: Loss to exclude, as a share of all cases.
        holds: The other terms of the promise.
        weights: Of the cases, in units of the heaviest; None: all alike.
    """
    tested: list[Tested] = []
    for number, path in enumerate(paths, 1):
        for policy in path.policies:
            found = apply_policy(policy, certify)
            loss = losses(certify[reference], found)
            test = _test(loss, margin, path.delta, weights)
            okay = test.no_worse and holds(policy, found, path.delta)
            tested.append(test.at(len(tested) + 1, number, policy, promise_holds=okay))
            if not okay:
                break
    return tested


@dataclass(frozen=True, slots=True)
class _Test:
    cases: int
    lost: float
    won: float
    method: str
    statistic: float
    critical: float
    delta: float
    no_worse: bool

    def at(self, order: int, path: int, policy: Policy, *, promise_holds: bool) -> Tested:
        return Tested(
            order=order,
            path=path,
            policy=policy,
            cases=self.cases,
            lost=self.lost,
            won=self.won,
            method=self.method,
            statistic=self.statistic,
            critical=self.critical,
            delta=self.delta,
            no_worse=self.no_worse,
            promise_holds=promise_holds,
        )


def _test(loss: Floats, margin: float, delta: float, weights: Floats | None) -> _Test:
    n = int(loss.size)
    lost, won = float(np.maximum(loss, 0).sum()), float(np.maximum(-loss, 0).sum())
    if n and weights is None and np.isin(loss, (-1.0, 0.0, 1.0)).all():
        return _pair_test(int(lost), int(won), n, margin, delta)
    values, which = np.unique(-loss, return_inverse=True)
    sums = np.bincount(which, weights=weights, minlength=values.size)
    evidence = log_e_difference(values, sums, margin) if n else 0.0
    needed = -float(np.log(delta))
    okay = rejects(evidence, delta)
    return _Test(n, lost, won, "betting on differences", evidence, needed, delta, okay)


def _pair_test(lost: int, won: int, n: int, margin: float, delta: float) -> _Test:
    if n <= EXACT_CASES:
        score, critical = tango_z(lost, won, n, margin), critical_value(n, margin, delta)
        return _Test(n, lost, won, "exact", score, critical, delta, score <= critical)
    evidence, needed = log_e_pair(lost, n - lost - won, won, margin), -float(np.log(delta))
    return _Test(n, lost, won, "betting", evidence, needed, delta, evidence >= needed)
