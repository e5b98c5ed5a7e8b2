"""The verdict on a fixed sample: from summed rows to a decision that says what it rests on."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from rixin.core.scenario import Scenario
from rixin.core.verdict import (
    CandidateResult,
    Decision,
    Factor,
    PairTally,
    Tally,
    Trial,
    Verdict,
)
from rixin.decide.budget import Budget, Errors, budget_of
from rixin.decide.compare import compare
from rixin.decide.economics import (
    Month,
    Point,
    incumbent_point,
    incumbent_result,
    month_of,
    prices_of,
)
from rixin.decide.effort import Extra, effort_of
from rixin.decide.judged import Judged, judge, not_certified
from rixin.decide.language_models import says_no_ai
from rixin.decide.prefer import prefer
from rixin.decide.sensitivity import sensitivities
from rixin.decide.telling import (
    because,
    changes,
    effort_line,
    headline,
    missing,
    practically_equal,
    warnings,
)
from rixin.decide.wording import percent

_EXACT_PAIRS = 3
"""More pairs are compared by betting: they are for orientation, and time matters."""


def decide(
    scenario: Scenario,
    tallies: Mapping[str, Tally],
    pairs: Sequence[PairTally] = (),
    *,
    errors: Mapping[str, Errors] | None = None,
    budget: Budget | None = None,
    trials: Mapping[str, Trial] | None = None,
    extra: Extra | None = None,
) -> Verdict:
    """The verdict on a scenario.

    A candidate is adopted when every term of the promise holds and the lower bound of its saving
    is above zero; among several the one with the lowest cost per solved case. Without one the
    verdict is *cannot tell* while any candidate may still become one, *do not use AI* when no
    model would pay at any volume without doing harm and either a language model is among them or
    not even a perfect solver would pay, and *keep the incumbent* otherwise.

    Args:
        scenario: The contract.
        tallies: Stored rows of each candidate, summed, by its name.
        pairs: Two candidates on the cases that both were measured on.
        errors: The planned tests of each candidate; without them: tests without a planned end.
        budget: How the chance of a wrong verdict is spent.
        trials: How far each candidate was asked.
        extra: What was asked besides, to propose cascades.

    Returns:
        The verdict; the chance that its promise is wrong is at most 1 - confidence.

    References:
        METHODS §1, §2 (on a fixed sample), §6 and §7.
    """
    spent = budget or budget_of(scenario)
    chances, tried = errors or {}, trials or {}
    judged = [
        not_certified(
            scenario,
            judge(
                scenario,
                one,
                tallies[one.name],
                chances.get(one.name, spent.single),
                tried.get(one.name),
            ),
        )
        for one in scenario.candidates
        if one.kind != "human"
    ]
    decision, winner, equals = _ruling(scenario, judged, pairs)
    best = winner or _nearest(judged)
    results = tuple(one.result for one in judged)
    settled = decision is not Decision.CANNOT_TELL
    lacking = None if settled else missing(scenario, judged)
    effort = effort_of(results, extra) if trials else None
    work = effort_line(effort, results, scenario.economics.currency)
    others = [one for one in judged if one not in equals]
    reasons = [*because(scenario, decision, winner, others), *practically_equal(equals)]
    return Verdict(
        scenario=scenario.name,
        owner=scenario.owner,
        decision=decision,
        winner=winner.result.name if winner else None,
        headline=headline(scenario, decision, winner, judged),
        because=(*reasons, work) if work else tuple(reasons),
        error_chance=spent.total if settled else 0.0,
        changes=tuple(changes(scenario, decision, best, judged)),
        warnings=tuple(warnings(scenario, results)),
        cases_needed=lacking.cases if lacking else None,
        missing=lacking,
        currency=scenario.economics.currency,
        candidates=results,
        incumbent=incumbent_result(scenario),
        pairs=tuple(
            compare(scenario, pair, exact=len(pairs) <= _EXACT_PAIRS)
            for pair in pairs
            if pair.cases
        ),
        factors=_factors(scenario, winner),
        illustrative=tuple(sorted(scenario.illustrative)),
        spent=_spent(results) if effort is None else effort.spent,
        effort=effort,
        equal_to_winner=tuple(one.result.name for one in equals),
        nearest=best.result.name if best else None,
        sensitivities=sensitivities(scenario, best.point) if best and best.point else (),
    )


def months(scenario: Scenario, verdict: Verdict) -> tuple[tuple[str, Month], ...]:
    """Where a month's money comes from and goes: the incumbent first, then each candidate.

    Candidates whose price is not known, or that were not measured, are left out.
    """
    found = [(scenario.incumbent.name, month_of(scenario, incumbent_point(scenario), built=False))]
    for one in verdict.candidates:
        if one.solved.value is not None and one.cost_per_case.value is not None:
            gone = one.tally.abstained_weight / one.tally.weight
            point = Point(one.solved.value, gone, one.cost_per_case.value)
            found.append((one.name, month_of(scenario, point, built=True)))
    return tuple(found)


def _ruling(
    scenario: Scenario, judged: Sequence[Judged], pairs: Sequence[PairTally]
) -> tuple[Decision, Judged | None, list[Judged]]:
    adoptable = [one for one in judged if one.adoptable]
    if adoptable:
        winner, equals = prefer(scenario, adoptable, pairs)
        return Decision.ADOPT, winner, equals
    if not all(one.excluded for one in judged):
        return Decision.CANNOT_TELL, None, []
    models = [one for one in judged if one.result.uses_ai]
    if models and not any(one.worth_it for one in models) and says_no_ai(scenario, judged):
        return Decision.NO_AI, None, []
    return Decision.KEEP, None, []


def _nearest(judged: Sequence[Judged]) -> Judged | None:
    """The candidate that comes nearest to a saving, those that may still hold first."""
    known = [one for one in judged if one.result.saving_per_month.value is not None]
    return max(
        known,
        key=lambda one: (not one.excluded, one.result.saving_per_month.value or 0.0),
        default=None,
    )


def _factors(scenario: Scenario, winner: Judged | None) -> tuple[Factor, ...]:
    """What was spent to build, revenue and its growth, net margin of the job."""
    prices, today = prices_of(scenario), incumbent_result(scenario)
    income = prices.demand * prices.value
    growth = scenario.demand.growth_per_month
    point = winner.point if winner else None
    stated = "economics.value_per_solved" not in scenario.illustrative
    return (
        Factor(
            name="spent to build",
            before=0.0,
            after=prices.build if point else None,
            unit="money",
            note="once",
        ),
        Factor(
            name="revenue of the job",
            before=income * today.solved if stated else None,
            after=income * point.solved if point and stated else None,
            unit="money/month",
            note=f"demand grows {percent(growth)} a month" if growth else "demand is stable",
        ),
        Factor(
            name="net margin of the job",
            before=today.net_margin if stated else None,
            after=prices.margin(point) if point and stated else None,
            unit="share",
        ),
    )


def _spent(results: Sequence[CandidateResult]) -> Decimal | None:
    if any(one.tally.cost_known < one.tally.cases for one in results):
        return None
    return sum((one.tally.spent for one in results), Decimal(0))
