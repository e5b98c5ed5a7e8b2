"""Two candidates on the same cases: do they differ, and is one no worse than the other?"""

from rixin.core.scenario import Scenario
from rixin.core.verdict import Estimate, PairResult, PairTally
from rixin.decide.looks import next_look
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


def within_margin(scenario: Scenario, lost: float, won: float, n: float) -> bool:
    """Whether the interval of the difference of two solve rates lies within the margin.

    It holds at all times: two candidates may be compared after every case.

    Args:
        scenario: Gives the margin and the confidence.
        lost: Of the shared cases, those that only the other one solved.
        won: Those that only this one solved.
        n: Shared cases, `>= lost + won`.
    """
    margin, alpha = scenario.promise.margin, (1 - scenario.promise.confidence) / 2
    ties = n - lost - won
    return all(
        rejects(log_e_pair(worse, ties, better, margin), alpha)
        for worse, better in ((lost, won), (won, lost))
    )


def cases_to_tell(scenario: Scenario, lost: int, won: int, n: int, most: int) -> int | None:
    """Shared cases after which `within_margin` is to be expected; None: not with those there are.

    Args:
        scenario: Gives the margin and the confidence.
        lost: As in `within_margin`.
        won: Likewise.
        n: Shared cases so far, `>= 0`.
        most: Cases that both can be asked.
    """
    then = n
    while not within_margin(scenario, lost * then / max(1, n), won * then / max(1, n), then):
        if then >= most:
            return None
        then = next_look(then, 1, most)
    return then


def _difference(lost: int, won: int, n: int, alpha: float) -> Estimate:
    values, counts = [0.0, 0.5, 1.0], [lost, n - lost - won, won]
    return Estimate(
        (won - lost) / n,
        2 * lower_bound(values, counts, alpha) - 1,
        2 * upper_bound(values, counts, alpha) - 1,
    )
