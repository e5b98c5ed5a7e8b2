"""Cascades that nobody wrote down: which to test, in which order, by what shape cases show.

A path is one list of solvers, cheap to dear, with thresholds from the strictest to the most
lenient. Along a path ever more answers of the cheap solver stand, so cost falls and loss rises;
neighbours hardly differ. That is what a test in fixed sequence wants: it goes down a path and stops
at the first policy that fails, and it seldom stops early, as it does where policies of many paths
take turns.

Paths are judged on shape cases: how far down would its test get, and what would the policy there
cost? The best few are tested on certify cases, each with its part of the error. Thresholds are
quantiles of the confidences, for which no expected output is looked at.

References:
    A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan and L. Lei (2022), Learn then test;
    B. Laufer-Goldshtein, A. Fisch, R. Barzilay and T. Jaakkola (2023), Pareto testing, ICLR.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from rixin.decide.budget import PATHS
from rixin.decide.evidence import Evidence, Floats, Policy, apply_policy, losses
from rixin.stats.exact import critical_value
from rixin.stats.pairs import EXACT_CASES
from rixin.stats.tango import tango_scores

LEVELS = 19
"""Thresholds of a path: every twentieth part of the answers."""
_SLACK = 0.3
"""Standard errors by which a policy should pass on shape to be counted on."""
_MOST_TRIPLES_OF = 6
"""Pairs, the best first, before which a cheaper solver is tried."""
_TRIPLE_GAIN = 0.9
"""A path of three must look cheaper than the best pair by a tenth: it has more to go wrong."""
Price = Callable[[Evidence], float]
"""The objective of a policy by its outcomes; less is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Policies of the same solvers, in the order in which they are tested."""

    policies: tuple[Policy, ...]
    promise: float
    """The objective of the last policy that should be certified, as measured on shape."""
    delta: float
    """Chance of any wrong certificate on this path."""

    @property
    def solvers(self) -> tuple[str, ...]:
        """The solvers, cheap to dear."""
        return self.policies[0].solvers


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a path is judged by."""

    reference: str
    margin: float
    delta: float
    """Error of the test of one path."""
    certify_cases: int
    price: Price


def find_paths(
    shape: Mapping[str, Evidence],
    confidences: Mapping[str, Floats],
    terms: Terms,
    *,
    singles: bool,
) -> list[Path]:
    """The most promising paths, at most `PATHS`, the best first.

    Args:
        shape: Outcomes on shape cases, by solver.
        confidences: Confidences of each solver on whatever cases, for the thresholds.
        terms: The reference, the margin and the objective.
        singles: Whether solvers alone are tested, too: paths of one policy.
    """
    order = sorted(shape, key=lambda name: float(np.nanmean(_costs(shape[name]))))
    found = list(_judged(_pairs(order, confidences, terms.reference), shape, terms))
    if singles:
        alone = ([Policy((name,))] for name in order if name != terms.reference)
        found += _judged(alone, shape, terms)
    found.sort(key=lambda path: path.promise)
    pairs = [path for path in found if len(path.solvers) == 2]
    triples = _judged(_triples(order, confidences, pairs[:_MOST_TRIPLES_OF]), shape, terms)
    limit = _TRIPLE_GAIN * found[0].promise if found else np.inf
    found += [path for path in triples if path.promise < limit]
    return _different(sorted(found, key=lambda path: path.promise))[:PATHS]


def _judged(
    candidates: Iterator[list[Policy]], shape: Mapping[str, Evidence], terms: Terms
) -> list[Path]:
    paths = (_judge(policies, shape, terms) for policies in candidates)
    reference = terms.price(shape[terms.reference])
    return [path for path in paths if path is not None and path.promise < reference]


def _judge(policies: Sequence[Policy], shape: Mapping[str, Evidence], terms: Terms) -> Path | None:
    """The path with what it promises; None where not even its first policy should pass."""
    best = np.inf
    for policy in policies:
        found = apply_policy(policy, shape)
        if not _should_pass(losses(shape[terms.reference], found), terms):
            break
        best = min(best, terms.price(found))
    if not np.isfinite(best):
        return None
    return Path(policies=tuple(policies), promise=best, delta=terms.delta)


def _should_pass(loss: Floats, terms: Terms) -> bool:
    """Whether the test would pass, if certify cases came out as these did."""
    if not loss.size:
        return False
    n = min(terms.certify_cases, EXACT_CASES)
    lost = np.maximum(loss, 0.0).sum() * n / loss.size
    won = np.maximum(-loss, 0.0).sum() * n / loss.size
    score = float(tango_scores(lost, won, n, terms.margin))
    return score <= critical_value(n, terms.margin, terms.delta) - _SLACK


def _pairs(
    order: Sequence[str], confidences: Mapping[str, Floats], reference: str
) -> Iterator[list[Policy]]:
    for first, last in permutations(order, 2):
        if order.index(first) < order.index(last) and first != reference:
            policies = [Policy((first, last), (t,)) for t in levels_of(confidences[first])]
            if policies:
                yield policies


def _triples(
    order: Sequence[str], confidences: Mapping[str, Floats], pairs: Sequence[Path]
) -> Iterator[list[Policy]]:
    """A cheaper solver before a pair, both at the same level of strictness."""
    for path in pairs:
        first, last = path.solvers
        for cheaper in order[: order.index(first)]:
            before, own = levels_of(confidences[cheaper]), levels_of(confidences[first])
            if before and len(before) == len(own):
                yield [
                    Policy((cheaper, first, last), both) for both in zip(before, own, strict=True)
                ]


def levels_of(confidence: Floats) -> list[float]:
    """Thresholds from the strictest to the most lenient; equal ones are given once.

    Examples:
        >>> levels_of(np.array([np.nan, np.nan])), levels_of(np.array([0.5, 0.5]))
        ([], [0.5])
    """
    known = confidence[np.isfinite(confidence)]
    if not known.size:
        return []
    shares = np.arange(LEVELS, 0, -1) / (LEVELS + 1)
    return [float(t) for t in dict.fromkeys(np.quantile(known, shares, method="lower").tolist())]


def _different(paths: Sequence[Path]) -> list[Path]:
    seen: dict[tuple[str, ...], Path] = {}
    for path in paths:
        seen.setdefault(path.solvers, path)
    return list(seen.values())


def _costs(one: Evidence) -> Floats:
    return one.cost if np.isfinite(one.cost).any() else np.array([np.inf])
