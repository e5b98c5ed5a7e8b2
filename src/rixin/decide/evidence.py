"""One solver's outcomes over the cases of a pool, as arrays; and what a policy makes of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Outcomes of one solver, or of a policy, on the same cases in the same order; shape (n,)."""

    quality: Floats
    """1 for solved, 0 for not, or a score in [0, 1]; NaN where it was not measured."""
    cost: Floats
    """Of an answer, in money; NaN where it is not known."""
    confidence: Floats
    """In [0, 1]; NaN where there is none, which never lets an answer stand."""
    violated: Flags
    """A guard found something: the answer stands only where nobody comes after."""
    abstained: Flags
    latency_s: Floats
    """Seconds; NaN where it is not known."""

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.quality.size)

    def take(self, which: NDArray[np.int64]) -> "Evidence":
        """The same on some of the cases, or in another order."""
        return Evidence(
            quality=self.quality[which],
            cost=self.cost[which],
            confidence=self.confidence[which],
            violated=self.violated[which],
            abstained=self.abstained[which],
            latency_s=self.latency_s[which],
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """A solver alone, or a cascade: solvers in turn, each but the last with a threshold."""

    solvers: tuple[str, ...]
    thresholds: tuple[float, ...] = ()
    """Least confidence at which the answer of each solver but the last stands."""

    @property
    def name(self) -> str:
        """As it is called in reports."""
        return "→".join(self.solvers)

    @property
    def steps(self) -> list[dict[str, object]]:
        """The steps as in a contract."""
        least: tuple[float | None, ...] = (*self.thresholds, None)
        return [
            {"solver": solver, "threshold": threshold}
            for solver, threshold in zip(self.solvers, least, strict=True)
        ]


def stands(member: Evidence, threshold: float) -> Flags:
    """Where the answer of a member stands, as `rixin.solvers.cascade` has it at run time."""
    measured = np.isfinite(member.quality) & ~member.abstained & ~member.violated
    return np.asarray(measured & (np.nan_to_num(member.confidence, nan=-1.0) >= threshold))


def apply_policy(policy: Policy, members: Mapping[str, Evidence]) -> Evidence:
    """What a policy answers on the cases on which its solvers were asked; costs and times add up.

    Args:
        policy: Its solvers must all be in `members`.
        members: Evidence on the same cases, by solver.

    Examples:
        >>> one = Evidence(
        ...     quality=np.array([1.0, 0.0]), cost=np.array([1.0, 1.0]),
        ...     confidence=np.array([0.9, 0.2]), violated=np.zeros(2, bool),
        ...     abstained=np.zeros(2, bool), latency_s=np.zeros(2))
        >>> done = apply_policy(Policy(("a", "b"), (0.5,)), {"a": one, "b": one})
        >>> done.quality.tolist(), done.cost.tolist()
        ([1.0, 0.0], [1.0, 2.0])
    """
    found = members[policy.solvers[-1]]
    for solver, threshold in reversed(list(zip(policy.solvers, policy.thresholds, strict=False))):
        member = members[solver]
        found = _chain(member, found, stands(member, threshold))
    return found


def _chain(first: Evidence, then: Evidence, stays: Flags) -> Evidence:
    """The first member's answer where it stays; elsewhere the rest's, at the cost of both."""
    goes = ~stays
    return Evidence(
        quality=np.where(stays, first.quality, then.quality),
        cost=first.cost + np.where(goes, then.cost, 0.0),
        confidence=np.where(stays, first.confidence, then.confidence),
        violated=np.where(stays, first.violated, then.violated),
        abstained=np.where(stays, first.abstained, then.abstained),
        latency_s=first.latency_s + np.where(goes, then.latency_s, 0.0),
    )


def losses(reference: Evidence, policy: Evidence) -> Floats:
    """Quality lost against the reference, case by case, in [-1, 1].

    What was not measured never helps: it counts as unsolved for the policy and as solved for the
    reference.
    """
    kept = np.nan_to_num(policy.quality, nan=0.0)
    return np.asarray(np.nan_to_num(reference.quality, nan=1.0) - kept, dtype=np.float64)


def best_single(evidence: Mapping[str, Evidence], names: Sequence[str]) -> str | None:
    """The solver with the highest mean quality, nothing unmeasured in favour; ties: the first."""
    rates = {
        name: float(np.nan_to_num(evidence[name].quality, nan=0.0).mean())
        for name in names
        if evidence[name].cases
    }
    return max(rates, key=lambda name: rates[name], default=None)
