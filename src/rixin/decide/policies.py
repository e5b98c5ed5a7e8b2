"""A policy: solvers in an order, and what lets an answer stand; applied to stored outcomes.

A policy of one step is a single solver. The rules are those of `rixin.solvers.cascade`, so what is
measured here is what will be served: a case goes on when the answer is missing or breaks a guard, or
what speaks for it is below the threshold or not known; what the last member says stands; costs and times add up.
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

    @property
    def name(self) -> str:
        """As it is called in reports."""
        return "→".join(self.members)


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


def apply(policy: Policy, sample: Sample, speaks: Sequence[Floats] | None = None) -> PolicyOutcomes:
    """Answer every case of a sample from its stored outcomes.

    A member that was not measured is taken as failed, so the case goes on and costs more; and it
    counts as unsolved whatever comes after.

    Args:
        policy: What to apply.
        sample: Evidence of all its solvers.
        speaks: `speaking(policy, sample)`, where it is known already.

    Returns:
        Outcomes per case.

    Raises:
        KeyError: The sample has no evidence of a solver.
    """
    speaks = speaking(policy, sample) if speaks is None else speaks
    nothing, no = np.zeros(sample.weights.shape), np.zeros(sample.weights.shape, dtype=np.bool_)
    solved, cost, latency, violated, abstained = nothing, nothing, nothing, no, no
    goes_on, measured, answered = ~no, ~no, np.zeros(no.shape, dtype=np.int64)
    for position, step in enumerate(policy.steps):
        member = sample.of(step.solver)
        # Who is asked has the say until the next one is asked.
        solved = np.where(goes_on, member.as_policy, solved)
        violated = np.where(goes_on, member.violated, violated)
        abstained = np.where(goes_on, member.abstained, abstained)
        cost = np.where(goes_on, cost + member.paid, cost)
        latency = np.where(goes_on, latency + member.latency_s, latency)
        measured = measured & ~(goes_on & np.isnan(member.solved))
        answered[goes_on] = position
        if position < len(speaks):
            # A comparison with NaN is false: what is not known does not let an answer stand.
            least = -np.inf if step.threshold is None else step.threshold
            goes_on = goes_on & ~(member.there & (speaks[position] >= least))
    return PolicyOutcomes(
        solved=np.where(measured, solved, 0.0),
        measured=measured,
        cost=cost,
        latency_s=latency,
        violated=violated,
        abstained=abstained,
        answered_by=answered,
    )


def speaking(policy: Policy, sample: Sample) -> tuple[Floats, ...]:
    """What is compared with the threshold of each step but the last, on each case.

    Policies that differ in their thresholds only have it in common.

    Args:
        policy: Its solvers and signals.
        sample: Evidence of all its solvers.

    Returns:
        One array of shape (n_cases,) per step but the last: the score of its signal, its confidence
        without one, or infinity where every answer stands.
    """
    asked = [sample.of(name) for name in policy.members]
    found = []
    for position, step in enumerate(policy.steps[:-1]):
        if step.threshold is None:
            found.append(np.full(sample.weights.shape, np.inf))
        elif step.signal is None:
            found.append(asked[position].confidence)
        else:
            known = asked[: position + 1]
            found.append(
                step.signal.score([one.confidence for one in known], [one.answer for one in known])
            )
    return tuple(found)


def differences(outcomes: PolicyOutcomes, sample: Sample, reference: str) -> Floats:
    """Policy minus reference on each case, in [-1, 1], with nothing unmeasured in favour.

    Args:
        outcomes: Of the policy on `sample`.
        sample: The cases.
        reference: The solver that the policy is measured against.
    """
    return outcomes.solved - sample.of(reference).as_reference
