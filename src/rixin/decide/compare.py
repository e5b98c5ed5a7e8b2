"""Two candidates on the same cases: do they differ, and is one no worse than the other?"""

from rixin.core.scenario import Scenario
from rixin.core.verdict import Estimate, PairResult, PairTally
from rixin.stats.eprocess import log_e_pair, lower_bound, rejects, upper_bound


def compare(scenario: Scenario, tally: PairTally, *, exact: bool = True) -> PairResult:
    """The comparison of two candidates by the cases that only one of them solved.

    Each comparison has its own error of 1 - confidence; the decision does not rest on them.

    Args:
        scenario: Gives the margin and the confidence.
        tally: Counts over at least one case that both were measured on.
        exact: Whether the exact test is taken; it is stronger than betting, and takes half a second
            for each number of cases.

    References:
        METHODS §1: exact test on matched pairs; bounds by the betting test.
    """
    from rixin.stats.pairs import EXACT_CASES, certify_pair, mcnemar_p_value

    promise = scenario.promise
    delta = 1 - promise.confidence
    lost, won = tally.only_second, tally.only_first
    n = tally.cases
    if exact:
        certified = certify_pair(lost, won, n, promise.margin, delta)
        method = "exact" if 1 <= n <= EXACT_CASES else "betting"
    else:
        evidence = log_e_pair(lost, n - lost - won, won, promise.margin)
        certified, method = rejects(evidence, delta), "betting"
    return PairResult(
        tally=tally,
        p_value=mcnemar_p_value(lost, won),
        difference=_difference(lost, won, n, delta / 2),
        no_worse=certified,
        method=method,
    )


def _difference(lost: int, won: int, n: int, alpha: float) -> Estimate:
    values, counts = [0.0, 0.5, 1.0], [lost, n - lost - won, won]
    return Estimate(
        (won - lost) / n,
        2 * lower_bound(values, counts, alpha) - 1,
        2 * upper_bound(values, counts, alpha) - 1,
    )
