"""A policy: solvers in an order, and what lets an answer stand; applied to stored outcomes.

A policy of one step is a single solver. The rules are those of `rixin.solvers.cascade`, so what is
measured here is what will be served: a case goes on when the answer is missing, or what speaks for
it is below the threshold or not known; what the last member says stands; costs and times add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rixin.decide.evidence import Codes, Flags, Floats, Sample
from rixin.decide.signals import Signal


@dataclass(frozen=True, slots=True)
class Step:
    """A solver and what lets its answer stand; the last step of a policy needs nothing."""

    solver: str
    threshold: float | None = None
    """Least confidence, or least score of the signal; None: every answer stands."""
    signal: Signal | None = None
    """What is compared with the threshold; None: the solver's confidence."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Steps in the order in which they are asked.

    Raises:
        ValueError: There is no step, or a solver is asked twice.
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be served."""
        if not self.steps:
            raise ValueError("a policy needs a step")
        if len(set(self.members)) < len(self.steps):
            raise ValueError(f"a policy asks a solver once: {', '.join(self.members)}")

    @property
    def members(self) -> tuple[str, ...]:
        """The names of its solvers, first asked first."""
        return tuple(step.solver for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PolicyOutcomes:
    """What a policy would have done on each case; every array has the shape (n_cases,)."""

    solved: Floats
    """In [0, 1]; 0 where a member that was asked was not measured."""
    measured: Flags
    cost: Floats
    """Sum over the members asked; NaN where one is not known."""
    latency_s: Floats
    """Sum over the members asked; NaN where one is not known."""
    violated: Flags
    """Of the answer that stands."""
    abstained: Flags
    answered_by: Codes
    """Position of the step whose answer stands."""


def apply(policy: Policy, sample: Sample) -> PolicyOutcomes:
    """Answer every case of a sample from its stored outcomes.

    A member that was not measured is taken as failed, so the case goes on and costs more; and it
    counts as unsolved whatever comes after.

    Args:
        policy: What to apply.
        sample: Evidence of all its solvers.

    Returns:
        Outcomes per case.

    Raises:
        KeyError: The sample has no evidence of a solver.
    """
    members = [sample.of(name) for name in policy.members]
    shape, last = sample.weights.shape, len(members) - 1
    goes_on, measured = np.ones(shape, dtype=bool), np.ones(shape, dtype=bool)
    cost, latency, answered = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for position, member in enumerate(members):
        cost = np.where(goes_on, cost + member.paid, cost)
        latency = np.where(goes_on, latency + member.latency_s, latency)
        measured &= ~(goes_on & np.isnan(member.solved))
        answered[goes_on] = position
        if position < last:
            goes_on = goes_on & ~_stands(policy, position, sample)
    return PolicyOutcomes(
        solved=np.where(measured, _chosen(answered, [one.as_policy for one in members]), 0.0),
        measured=measured,
        cost=cost,
        latency_s=latency,
        violated=_chosen(answered, [one.violated for one in members]).astype(bool),
        abstained=_chosen(answered, [one.abstained for one in members]).astype(bool),
        answered_by=answered,
    )


def differences(outcomes: PolicyOutcomes, sample: Sample, reference: str) -> Floats:
    """Policy minus reference on each case, in [-1, 1], with nothing unmeasured in favour.

    Args:
        outcomes: Of the policy on `sample`.
        sample: The cases.
        reference: The solver that the policy is measured against.
    """
    return outcomes.solved - sample.of(reference).as_reference


def _stands(policy: Policy, position: int, sample: Sample) -> Flags:
    step = policy.steps[position]
    member = sample.of(step.solver)
    there = ~(member.abstained | np.isnan(member.solved))
    if step.threshold is None:
        return there
    speaks = member.confidence
    if step.signal is not None:
        asked = [sample.of(name) for name in policy.members[: position + 1]]
        speaks = step.signal.score([one.confidence for one in asked], [one.answer for one in asked])
    # A comparison with NaN is false: what is not known does not let an answer stand.
    return there & (speaks >= step.threshold)


def _chosen(answered: Codes, columns: Sequence[Floats | Flags]) -> Floats:
    chosen = np.stack(columns)[answered, np.arange(answered.size)]
    return np.asarray(chosen, dtype=np.float64)
