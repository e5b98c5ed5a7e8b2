"""Cascades that nobody wrote down: built from stored outcomes, and put in the order of their tests.

Only shape cases are used here, so every hypothesis and its place are fixed before a certify case
is looked at. Every cheap-to-dear chain of two solvers, and of three that end at the reference, has
one knob: the least score of its signal. Thresholds of the members are not combined freely, for a
free choice among thousands would pick the luckiest on shape cases.

The order is what decides how far a fixed sequence of tests gets (`rixin.decide.sequence`): its
first failure ends it. So it goes from what is safest to what is cheapest, each step cheaper than the
one before by something worth a test, and no chain is taken for as safe as it was lucky.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from rixin.decide.evidence import Floats, Sample
from rixin.decide.policies import (
    Policy,
    PolicyOutcomes,
    Step,
    apply,
    differences,
    speaking,
)
from rixin.decide.signals import DIGITS, Signal, fit_signal
from rixin.stats.tango import tango_scores

THRESHOLDS: Final = 25
"""Per chain, even over the scores of its signals."""
# A chain that loses nothing on shape cases was lucky: it is taken to lose, at least, this share of
# the cases on which it differs from the reference, and this share of what its signals foretell.
_LEAST_LOSS: Final = 0.1
_FORETOLD: Final = 0.5
# A saving that is worth a further test, as a share of the reference's cost.
_WORTH_A_TEST: Final = 0.01

Admits = Callable[[PolicyOutcomes], bool]
"""Whether a policy's outcomes on shape cases let it hope for the other terms of a promise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposal:
    """A policy with what shape cases say of it."""

    policy: Policy
    cost: float
    """Mean cost of a case, in the scenario's currency."""
    loss: float
    """Solve rate of the reference minus that of the policy, in [-1, 1]."""
    z: float
    """Tango's statistic of a loss of the margin, the loss taken at no less than is likely."""


def propose(
    shape: Sample,
    reference: str,
    *,
    margin: float,
    admits: Admits | None = None,
) -> tuple[Proposal, ...]:
    """Policies that cost less than the reference, in the order in which to test them.

    Args:
        shape: Evidence of all solvers, the reference among them, on shape cases.
        reference: The solver to be replaced: usually `best_single(shape)`.
        margin: Loss to exclude, as a share of all cases, in (0, 1).
        admits: Leaves out policies that would end the sequence by another term of the promise.

    Returns:
        The sequence, safest first, each cheaper than the one before; empty where nothing is
        cheaper than the reference without a loss of the margin on shape cases.

    References:
        B. L. Wiens (2003), A fixed sequence Bonferroni procedure for testing multiple endpoints,
        Pharmaceutical Statistics 2, on why the order matters.
    """
    ceiling = shape.mean(shape.of(reference).paid)
    if not (shape.cases and ceiling > 0):
        return ()
    found = [
        proposal
        for chain in build(shape, reference)
        for proposal in _estimates(chain, shape, reference, margin, admits)
        if proposal.cost < ceiling and proposal.z < 0
    ]
    return tuple(_spaced(_front(found), _WORTH_A_TEST * ceiling))


def build(shape: Sample, reference: str) -> Iterator[tuple[Policy, ...]]:
    """Every single solver, and every cascade of two or three solvers, at each of its thresholds.

    Solvers whose price is not known are left out: they cannot be put in order.

    Args:
        shape: Evidence on shape cases, at least one.
        reference: A solver of known price.
    """
    costs = {one.solver: shape.mean(one.paid) for one in shape.solvers}
    order = sorted((name for name in costs if costs[name] >= 0), key=lambda name: costs[name])
    cheaper = [name for name in order if costs[name] < costs[reference]]
    yield from ((Policy((Step(name),)),) for name in cheaper)
    signals: dict[tuple[str, ...], Signal] = {}
    pairs = [(first, last) for first, last in combinations(order, 2) if first in cheaper]
    triples = [(*chain, reference) for chain in combinations(cheaper, 2)]
    for chain in [*pairs, *triples]:
        yield _with_thresholds(chain, shape, reference, signals)


def _with_thresholds(
    chain: tuple[str, ...],
    shape: Sample,
    reference: str,
    signals: dict[tuple[str, ...], Signal],
) -> tuple[Policy, ...]:
    """One chain at every threshold that makes a difference; signals are shared among chains."""
    for end in range(1, len(chain)):
        if chain[:end] not in signals:
            asked = [shape.of(name) for name in chain[:end]]
            signals[chain[:end]] = fit_signal(shape, asked, shape.of(reference))

    def at(threshold: float) -> Policy:
        ends = range(1, len(chain))
        steps = [Step(chain[end - 1], threshold, signals[chain[:end]]) for end in ends]
        return Policy((*steps, Step(chain[-1])))

    scores = [each[~np.isnan(each)] for each in speaking(at(0.0), shape)]
    if all(np.unique(each).size < 2 for each in scores):
        return ()
    levels = np.quantile(
        np.concatenate(scores), np.linspace(0.02, 0.98, THRESHOLDS), method="higher"
    )
    # Between two scores, never on one: many cases may share it.
    between = np.unique(levels) - 0.5 * 10.0**-DIGITS
    return tuple(at(threshold) for threshold in np.round(between, DIGITS + 1).tolist())


def _estimates(
    chain: Sequence[Policy],
    shape: Sample,
    reference: str,
    margin: float,
    admits: Admits | None,
) -> Iterator[Proposal]:
    speaks = speaking(chain[0], shape) if chain else ()
    for policy in chain:
        outcomes = apply(policy, shape, speaks)
        if admits is None or admits(outcomes):
            foretold = _foretold(outcomes, speaks, shape)
            yield _estimate(policy, outcomes, foretold, shape, reference, margin)


def _foretold(outcomes: PolicyOutcomes, speaks: Sequence[Floats], shape: Sample) -> float:
    """Share of cases lost by the scores at which answers stood, in [-1, 1]."""
    lost = np.zeros(shape.cases)
    for position, scores in enumerate(speaks):
        lost = np.where(outcomes.answered_by == position, -scores, lost)
    return shape.mean(lost)


def _estimate(
    policy: Policy,
    outcomes: PolicyOutcomes,
    foretold: float,
    shape: Sample,
    reference: str,
    margin: float,
) -> Proposal:
    losses = -differences(outcomes, shape, reference) * shape.weights / shape.weights.mean()
    lost, gained = float(losses.clip(min=0).sum()), float((-losses).clip(min=0).sum())
    least = max(_LEAST_LOSS * (lost + gained), _FORETOLD * foretold * shape.cases)
    return Proposal(
        policy=policy,
        cost=shape.mean(outcomes.cost),
        loss=(lost - gained) / shape.cases,
        z=float(tango_scores(max(lost, gained + least), gained, shape.cases, margin)),
    )


def _front(found: Sequence[Proposal]) -> list[Proposal]:
    """Those that no cheaper one equals in safety: cheapest and least safe last."""
    front: list[Proposal] = []
    for proposal in sorted(found, key=lambda one: (one.cost, one.z)):
        if not front or proposal.z < front[-1].z:
            front.append(proposal)
    return front[::-1]


def _spaced(front: Sequence[Proposal], least: float) -> list[Proposal]:
    """Those that cost less than the one before by at least so much."""
    path: list[Proposal] = []
    for proposal in front:
        if not path or proposal.cost <= path[-1].cost - least:
            path.append(proposal)
    return path
