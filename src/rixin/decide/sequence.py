"""Tests policies in a fixed order on certify cases and stops at the first that fails.

Each hypothesis, "the policy loses the margin or more against the reference" or "another term of the
promise does not hold", is tested at the whole error. The chance that any certificate is wrong is
still at most that error: a wrong one needs all tests before it passed, so the first true hypothesis
of the order must have been rejected (W. Maurer, L. A. Hothorn and W. Lehmacher, 1995). The order
must not depend on the outcomes of these cases. Within a hypothesis every term may have the whole
error, for it is rejected only if all are (R. L. Berger, 1982).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np

from rixin.decide.evidence import Floats, Sample
from rixin.decide.policies import Policy, PolicyOutcomes, apply, differences
from rixin.stats._checks import check_inside, check_margin
from rixin.stats.eprocess import log_e_difference
from rixin.stats.exact import EXACT_CASES, critical_value
from rixin.stats.tango import tango_z


@dataclass(frozen=True, slots=True)
class Held:
    """What the other terms of a promise say of a policy, each tested at the whole error."""

    holds: bool
    record: tuple[str, ...] = ()
    """In words, for the certificate."""


Holds = Callable[[Policy, PolicyOutcomes], Held]
"""Tests further terms on a policy and its outcomes on certify cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One hypothesis of the sequence, with all that is needed to test it again."""

    policy: Policy
    reference: str
    cases: int
    lost: float
    """Cases that only the reference solved: a count, or a sum of shares and case weights in units
    of the largest weight."""
    gained: float
    """Cases that only the policy solved, likewise."""
    margin: float
    delta: float
    method: Literal["exact", "betting"]
    statistic: float
    """Exact: Tango's z, passes if at most `critical`. Betting: log wealth, if at least that."""
    critical: float
    no_worse: bool
    """Whether a loss of the margin is excluded."""
    others: Held
    """The other terms of the promise."""

    @property
    def certified(self) -> bool:
        """Whether every term holds."""
        return self.no_worse and self.others.holds


def certify(
    policies: Sequence[Policy],
    sample: Sample,
    reference: str,
    *,
    margin: float,
    delta: float,
    holds: Holds | None = None,
) -> tuple[Tested, ...]:
    """Test policies in the given order until one fails.

    Args:
        policies: In an order that was settled without the outcomes of these cases.
        sample: Evidence of all their solvers and of the reference on certify cases.
        reference: The solver that they are measured against.
        margin: Loss to exclude, as a share of all cases, in [0, 1).
        delta: Chance that any of the certificates is wrong, in (0, 1).
        holds: Further terms of the promise, each tested at `delta`.

    Returns:
        Every hypothesis that was tested, in order: all certified but perhaps the last. What comes
        after a failure was not tested and has no certificate. No cases certify nothing.

    Raises:
        ValueError: An argument is out of range.
        KeyError: The sample lacks a solver.

    References:
        W. Maurer, L. A. Hothorn and W. Lehmacher (1995), Multiple comparisons in drug clinical
        trials and preclinical assays; R. L. Berger (1982), Technometrics 24.
    """
    check_margin(margin)
    check_inside("delta", delta)
    tested: list[Tested] = []
    for policy in policies if sample.cases else ():
        tested.append(_test(policy, sample, reference, margin, delta, holds))
        if not tested[-1].certified:
            break
    return tuple(tested)


def _test(
    policy: Policy,
    sample: Sample,
    reference: str,
    margin: float,
    delta: float,
    holds: Holds | None,
) -> Tested:
    outcomes = apply(policy, sample)
    gains = differences(outcomes, sample, reference)
    weights = sample.weights / sample.weights.max()
    lost = float(weights @ (-gains).clip(min=0))
    gained = float(weights @ gains.clip(min=0))
    exact = sample.countable and sample.cases <= EXACT_CASES
    if exact:
        statistic = tango_z(round(lost), round(gained), sample.cases, margin)
        critical = critical_value(sample.cases, margin, delta)
    else:
        statistic, critical = _log_wealth(gains, weights, margin), -log(delta)
    return Tested(
        policy=policy,
        reference=reference,
        cases=sample.cases,
        lost=lost,
        gained=gained,
        margin=margin,
        delta=delta,
        method="exact" if exact else "betting",
        statistic=statistic,
        critical=critical,
        no_worse=statistic <= critical if exact else statistic >= critical,
        others=Held(True) if holds is None else holds(policy, outcomes),
    )


def _log_wealth(gains: Floats, weights: Floats, margin: float) -> float:
    values, where = np.unique(gains, return_inverse=True)
    return log_e_difference(values, np.bincount(where.ravel(), weights), margin)
