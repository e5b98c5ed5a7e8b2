"""A signal says how much would be lost if a cascade stopped here.

A confidence only compares the answers of one solver with each other. A signal is on one scale for
all members of a cascade: the chance that the answer at hand is solved minus the chance that the
reference would solve the case. It rests on what the cascade knows when it must choose: the
confidences so far, and which earlier answers agree with the last. So one threshold serves all
members, and solvers that have no confidence at all can be checked by others.

Both chances are logistic models fitted on shape cases. A confidence enters by its rank among those
of the shape cases, which makes token probabilities, votes and margins alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from rixin.decide.evidence import Codes, Evidence, Floats, Sample

_KNOTS: Final = 33
# Shrinks the weight of each feature (the features have a spread of about 1): as if a few cases had
# spoken against it. Results hardly change between .5 and 8.
_RIDGE: Final = 4.0
_BASE_RIDGE: Final = 0.1
_NEWTON_STEPS: Final = 15
_SPREAD: Final = 12**0.5
"""One over the standard deviation of a rank that is uniform on [0, 1]."""
DIGITS: Final = 6
"""Scores are rounded, so that equal cases get equal scores alone and in any batch."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Turns the confidence of one solver into its rank in [0, 1] among shape cases."""

    confidences: tuple[float, ...] = ()
    """Rising; empty or of one value: the confidence tells nothing."""
    ranks: tuple[float, ...] = ()

    @classmethod
    def fit(cls, confidence: Floats) -> Self:
        """The scale of these confidences, shape (n_cases,); NaN is left out.

        Examples:
            >>> import numpy as np
            >>> Scale.fit(np.array([0.2, 0.4, 0.4, 0.9])).rank(np.array([0.2, 0.4, 0.9, 1.0]))
            array([0.125, 0.5  , 0.875, 0.875])
        """
        seen = np.sort(confidence[~np.isnan(confidence)])
        if seen.size == 0:
            return cls()
        knots = np.unique(np.quantile(seen, np.linspace(0, 1, _KNOTS), method="lower"))
        # Equal confidences share the middle of their ranks.
        ranks = np.searchsorted(seen, knots, "left") + np.searchsorted(seen, knots, "right")
        return cls(tuple(knots.tolist()), tuple((ranks / 2 / seen.size).tolist()))

    @property
    def informative(self) -> bool:
        """Whether the solver is surer of some answers than of others."""
        return len(self.confidences) > 1

    def rank(self, confidence: Floats) -> Floats:
        """Ranks in [0, 1]; .5 throughout where the scale tells nothing, NaN stays NaN."""
        if not self.informative:
            return np.full(confidence.shape, 0.5)
        return np.interp(confidence, self.confidences, self.ranks)


@dataclass(frozen=True, slots=True)
class Signal:
    """The gap between the answer at hand and the reference, from what the cascade knows.

    It holds plain numbers only: `dataclasses.asdict` writes it down.
    """

    scales: tuple[Scale, ...]
    """One per member asked so far, the one whose answer is judged last."""
    answer: tuple[float, ...]
    """Logistic weights of "the answer is solved": base, own rank, one per earlier member."""
    reference: tuple[float, ...]
    """Logistic weights of "the reference solves the case"."""

    def score(self, confidences: Sequence[Floats], answers: Sequence[Codes]) -> Floats:
        """Chance that the answer is solved minus the chance that the reference is.

        Args:
            confidences: Of the members asked so far, each of shape (n_cases,), in their order.
            answers: Hashes of their normalised outputs, 0 for none, in the same shape.

        Returns:
            In [-1, 1], to `DIGITS` digits, higher is safer, shape (n_cases,). NaN where the last
            member usually has a confidence and has none here.
        """
        features = _features(self.scales, confidences, answers)
        own, other = (_chance(features, np.array(each)) for each in (self.answer, self.reference))
        return np.round(own - other, DIGITS)


def fit_signal(shape: Sample, members: Sequence[Evidence], reference: Evidence) -> Signal:
    """Fit the signal by which the answer of the last member stands or not.

    Args:
        shape: The shape cases, at least one.
        members: Evidence of those asked so far on these cases.
        reference: Evidence of the solver that the cascade is measured against.

    Returns:
        The signal. Where nothing tells the cases apart it is constant.

    References:
        W. Jitkrittum et al. (2023), When does confidence-based cascade deferral suffice?, NeurIPS:
        the best rule compares the two chances, not one of them with a constant.
    """
    scales = tuple(Scale.fit(member.confidence) for member in members)
    features = _features(
        scales, [one.confidence for one in members], [one.answer for one in members]
    )
    features = np.nan_to_num(features)
    weights = shape.weights / shape.weights.mean()
    return Signal(
        scales,
        _fit(features, members[-1].as_policy, weights),
        _fit(features, reference.as_reference, weights),
    )


def _features(
    scales: Sequence[Scale], confidences: Sequence[Floats], answers: Sequence[Codes]
) -> Floats:
    """Base, own rank, and the rank of each earlier member: for an equal answer, against another."""
    ranks = [scale.rank(given) for scale, given in zip(scales, confidences, strict=True)]
    columns = [np.ones(ranks[-1].shape), ranks[-1] - 0.5]
    for rank, answer in zip(ranks[:-1], answers[:-1], strict=True):
        vote = np.where(answer == answers[-1], 1.0, -1.0) * np.where(np.isnan(rank), 0.5, rank)
        columns.append(np.where(answer == 0, 0.0, vote))
    return np.stack([columns[0], *(_SPREAD * column for column in columns[1:])], axis=1)


def _chance(features: Floats, weights: Floats) -> Floats:
    logits = np.minimum(np.maximum(features @ weights, -30), 30)
    return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float64)


def _fit(features: Floats, target: Floats, weights: Floats) -> tuple[float, ...]:
    """Ridge logistic regression by Newton's method, from the base rate."""
    ridge = np.full(features.shape[1], _RIDGE)
    ridge[0] = _BASE_RIDGE
    found = np.zeros(features.shape[1])
    rate = np.clip(np.average(target, weights=weights), 0.01, 0.99)
    found[0] = np.log(rate / (1 - rate))
    for _ in range(_NEWTON_STEPS):
        chance = _chance(features, found)
        slope = features.T @ (weights * (target - chance)) - ridge * found
        bend = (features.T * (weights * chance * (1 - chance))) @ features + np.diag(ridge)
        found = found + np.linalg.solve(bend, slope)
    return tuple(found.tolist())
