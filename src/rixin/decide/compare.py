"""Two candidates on the same cases: do they differ, and is one no worse than the other?"""

from rixin.core.scenario import Scenario
from rixin.core.verdict import Estimate, PairResult, PairTally
from rixin.stats.eprocess import lower_bound, upper_bound
from rixin.stats.pairs import compare_pair, mcnemar_p_value


def compare(scenario: Scenario, tally: PairTally) -> PairResult:
    """The comparison of two candidates by the cases that only one of them solved.

    Each comparison has its own error of 1 - confidence; the decision does not rest on them.

    Args:
        scenario: Gives the margin and the confidence.
        tally: Counts over at least one case that both were measured on.

    References:
        METHODS §1: exact test on matched pairs; bounds by the betting test.
    """
    promise = scenario.promise
    delta = 1 - promise.confidence
    lost, won = tally.only_second, tally.only_first
    test = compare_pair(lost, won, tally.cases, promise.margin, delta)
    return PairResult(
        tally=tally,
        p_value=mcnemar_p_value(lost, won),
        difference=_difference(lost, won, tally.cases, delta / 2),
        no_worse=test.certified,
        method=test.method,
    )


def _difference(lost: int, won: int, n: int, alpha: float) -> Estimate:
    values, counts = [0.0, 0.5, 1.0], [lost, n - lost - won, won]
    return Estimate(
        (won - lost) / n,
        2 * lower_bound(values, counts, alpha) - 1,
        2 * upper_bound(values, counts, alpha) - 1,
    )
