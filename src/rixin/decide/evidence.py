"""Stored outcomes of several solvers on the cases of one pool, as arrays.

Everything here is aligned by case. NaN says "not known" and never helps anybody: a case that was not
measured counts as unsolved where a policy is judged, and as solved where it is judged against.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """One solver on the cases of a pool; every array has the shape (n_cases,).

    Raises:
        ValueError: The arrays differ in length, or `solved` leaves [0, 1].
    """

    solver: str
    solved: Floats
    """In [0, 1], NaN where not measured. Pass scores here where a scenario is graded."""
    cost: Floats
    """Of one answer, in the scenario's currency; NaN where not known."""
    confidence: Floats
    """Higher is surer; NaN where there is none."""
    violated: Flags
    """A guard found something: the answer stands only where nobody comes after."""
    abstained: Flags
    latency_s: Floats
    """Seconds; NaN where not known."""
    answer: Codes
    """Hash of the normalised output; 0 where there is none."""
    paid: Floats = field(init=False)
    """`cost`, with the dearest known answer where a case was not measured."""
    as_policy: Floats = field(init=False)
    """`solved` with nothing unmeasured in favour."""
    as_reference: Floats = field(init=False)
    """`solved` with nothing unmeasured against."""
    there: Flags = field(init=False)
    """Whether there is an answer that could stand: measured, not abstained, passed by the guards."""

    def __post_init__(self) -> None:
        """Check the shapes and fill in what lost answers may have cost."""
        arrays = (self.cost, self.confidence, self.violated, self.abstained, self.latency_s)
        if any(array.shape != self.solved.shape for array in (*arrays, self.answer)):
            raise ValueError(f"the evidence of {self.solver!r} has arrays of different length")
        if ((self.solved < 0) | (self.solved > 1)).any():
            raise ValueError(f"the evidence of {self.solver!r} has outcomes outside [0, 1]")
        gone = np.isnan(self.solved)
        dearest = self.cost[~np.isnan(self.cost)].max(initial=0.0)
        derived = {
            "paid": np.where(gone & np.isnan(self.cost), dearest, self.cost),
            "as_policy": np.where(gone, 0.0, self.solved),
            "as_reference": np.where(gone, 1.0, self.solved),
            "there": ~(gone | self.abstained | self.violated),
        }
        for name, array in derived.items():
            object.__setattr__(self, name, array)

    @property
    def all_or_nothing(self) -> bool:
        """Whether every measured case is either solved or not."""
        return bool(np.isin(self.solved[~np.isnan(self.solved)], (0.0, 1.0)).all())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Several solvers on the cases of one pool, drawn at random.

    Raises:
        ValueError: Arrays differ in length, a weight is not positive, a name is there twice, or an
            outcome is graded and the sample is not.
    """

    solvers: tuple[Evidence, ...]
    weights: Floats
    """Case weights, shape (n_cases,), above 0."""
    graded: bool = False
    """Whether outcomes lie between 0 and 1 too. It names the test, so it must be settled before
    any outcome is seen."""

    def __post_init__(self) -> None:
        """Check that all arrays speak of the same cases."""
        if any(one.solved.shape != self.weights.shape for one in self.solvers):
            raise ValueError("the evidence does not fit the case weights")
        if not self.graded and any(not one.all_or_nothing for one in self.solvers):
            raise ValueError("outcomes between 0 and 1 need graded=True")
        if not (self.weights > 0).all():
            raise ValueError("case weights must be above 0")
        if len({one.solver for one in self.solvers}) < len(self.solvers):
            raise ValueError("a solver is there twice")

    @property
    def cases(self) -> int:
        """Number of cases."""
        return self.weights.size

    @property
    def countable(self) -> bool:
        """Whether losses and gains are counts of cases, as the exact test needs them."""
        return not self.graded and bool((self.weights == self.weights.max(initial=0.0)).all())

    def of(self, solver: str) -> Evidence:
        """The evidence of one solver.

        Raises:
            KeyError: There is none.
        """
        for one in self.solvers:
            if one.solver == solver:
                return one
        raise KeyError(solver)

    def mean(self, values: Floats) -> float:
        """Weighted mean over the cases; NaN where a value is NaN or there is no case."""
        total = float(self.weights.sum())
        return float(self.weights @ values) / total if total else float("nan")


def best_single(sample: Sample) -> str | None:
    """The solver that solves most; of equals the cheapest, and None where nobody solves anything.

    Args:
        sample: Shape cases. What was not measured counts as unsolved.

    Examples:
        With `small` at 80 % and `strong` at 90 % solved it is `strong`.
    """
    ranked = [
        (-sample.mean(one.as_policy), sample.mean(np.nan_to_num(one.paid, nan=np.inf)), one.solver)
        for one in sample.solvers
        if sample.cases
    ]
    return min(ranked)[2] if ranked and min(ranked)[0] < 0 else None
