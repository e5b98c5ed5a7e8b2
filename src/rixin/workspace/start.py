"""The start of a race: each candidate with its cases, its price and its part of the error budget."""

from collections.abc import Sequence
from itertools import islice

from rixin.core.scenario import Scenario
from rixin.decide.budget import Budget, Errors
from rixin.decide.needs import leave_out, shortages
from rixin.decide.promise import harm_plan
from rixin.decide.race import Entry
from rixin.engine.counter import Counted
from rixin.ledger.cases import stream_cases
from rixin.ledger.sample import Sample, sample_of, weights_of
from rixin.ledger.store import Ledger
from rixin.workspace.contender import Contender
from rixin.workspace.evaluate import Stored

_PRICED = 50
"""Cases on which the price of an answer is estimated beforehand."""
_SHAPE_CASES = 600
"""Shape cases on which cascades are proposed, at most."""
_WIDEST_BATCH = 64
"""Calls that may be under way when a candidate turns out to be settled."""


def stored_of(
    ledger: Ledger, scenario: Scenario, dataset_id: str, budget: Budget, judge: str
) -> Stored:
    """The cases of every candidate, and how its tests are planned on them.

    All of it is known before the first case is asked. The numbers of the solvers are left empty.
    """
    stratum = scenario.promise.harm_stratum
    samples = {}
    red = {}
    errors = {}
    for candidate in scenario.candidates:
        limits = [n for n in (candidate.cases, scenario.budget.cases) if n is not None]
        sample = sample_of(
            ledger, dataset_id, "certify", min(limits, default=None), without=stratum
        )
        samples[candidate.name] = sample
        if stratum is not None:
            red[candidate.name] = sample_of(ledger, dataset_id, "certify", stratum=stratum)
        chances = (
            budget.sequence
            if candidate.options.get("proposed")
            else budget.errors_of(candidate.name)
        )
        errors[candidate.name] = _planned(
            ledger, scenario, sample, red.get(candidate.name), chances
        )
    everything = weights_of(ledger, Sample(dataset_id, "certify", "~", 0))
    return Stored(
        ledger=ledger,
        judge=judge,
        samples=samples,
        red=red,
        errors=errors,
        numbers={},
        counted={n: _counted(scenario, one, everything.largest) for n, one in errors.items()},
        outside=budget.outside,
    )


def shared_out(ledger: Ledger, scenario: Scenario, dataset_id: str, budget: Budget) -> Budget:
    """The budget divided among those candidates whose cases may suffice to certify them."""
    every = stored_of(ledger, scenario, dataset_id, budget, "")
    asked = [one.name for one in scenario.candidates if one.kind != "human"]
    most = max((every.samples[name].size for name in asked), default=0)
    capped = {name: every.errors[name] for name in asked if every.samples[name].size < most}
    return leave_out(scenario, budget, capped) if capped else budget


def shape_of(scenario: Scenario, stored: Stored) -> Sample:
    """The shape cases on which cascades are proposed: the first ones, but those of the red team."""
    one = next(iter(stored.samples.values()))
    limits = [each.cases for each in scenario.candidates if each.cases is not None]
    size = min([_SHAPE_CASES, *limits])
    return sample_of(stored.ledger, one.dataset_id, "shape", size, without=one.without)


def _planned(
    ledger: Ledger, scenario: Scenario, sample: Sample, red: Sample | None, chances: Errors
) -> Errors:
    strata = {}
    for name in scenario.promise.solved_strata:
        part = Sample(sample.dataset_id, sample.pool, sample.last_id, 0, name)
        strata[name] = weights_of(ledger, part).units
    units, harm = weights_of(ledger, sample).units, sample.size if red is None else red.size
    return chances.planned(units, strata, harm_cases=harm, answers=sample.size)


def _counted(scenario: Scenario, errors: Errors, heaviest: float) -> Counted:
    plan = harm_plan(scenario, errors.harm_cases, errors.hold)
    return Counted(
        weight_max=heaviest,
        slow_s=scenario.promise.latency_p95_s,
        harm_cases=0 if plan is None else plan.cases,
        harm_stratum=scenario.promise.harm_stratum,
        strata=tuple(scenario.promise.solved_strata),
        scored=scenario.promise.score_at_least is not None,
    )


def entries_of(
    stored: Stored, contenders: Sequence[Contender], chosen: Sequence[str]
) -> list[Entry]:
    """The candidates at the start, with the price of an answer as far as it can be told."""
    return [
        Entry(
            candidate=one.candidate,
            price=expected_price(stored.ledger, stored.samples[one.candidate.name], one),
            errors=stored.errors[one.candidate.name],
            cases=stored.samples[one.candidate.name].size,
            batch=min(one.concurrency, _WIDEST_BATCH),
        )
        for one in contenders
        if one.candidate.kind != "human" and (not chosen or one.candidate.name in chosen)
    ]


def worth_asking(
    scenario: Scenario,
    stored: Stored,
    contenders: Sequence[Contender],
    chosen: Sequence[str] = (),
) -> list[Contender]:
    """All but those that cost money, themselves or by their members, and cannot be adopted.

    One whose price is not known may cost money. Who takes no share of the error is asked only if
    it is chosen by name. What is stored of them already counts all the same.
    """
    paid: set[str] = set()
    worth = []
    for one in contenders:  # members stand above their cascades
        name = one.candidate.name
        pays = not one.is_free or any(step.name in paid for step in one.steps)
        if pays:
            paid.add(name)
        if name in stored.outside and name not in chosen:
            continue
        if not pays or not shortages(scenario, stored.errors[name]):
            worth.append(one)
    return worth


def expected_price(ledger: Ledger, sample: Sample, contender: Contender) -> float | None:
    """The mean of the expected cost of the first cases; None: not known."""
    first = Sample(
        sample.dataset_id,
        sample.pool,
        sample.last_id,
        min(sample.size, _PRICED),
        None,
        sample.without,
    )
    chunk = next(islice(stream_cases(ledger, first), 1), [])
    prices = [contender.expected(case) for case in chunk]
    known = [price for price in prices if price is not None]
    return sum(known) / len(known) if known and len(known) == len(prices) else None
