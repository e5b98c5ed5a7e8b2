"""From stored rows to the verdict and its report; nothing here asks a solver."""

import os
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import combinations
from math import fsum
from typing import Any

from rixin import __version__
from rixin.core.money import format_money
from rixin.core.scenario import Scenario
from rixin.core.verdict import PairTally, Tally, Trial, Verdict
from rixin.decide.budget import Budget, Errors
from rixin.decide.economics import Month
from rixin.decide.effort import Extra
from rixin.decide.verdict import decide, months
from rixin.engine.counter import Counted
from rixin.ledger.breakdown import answers_by_expected, solved_by_stratum
from rixin.ledger.cases import cases_of
from rixin.ledger.outcomes import failure_example, outcomes_of_case
from rixin.ledger.promise_counts import harm_counts, score_weights, slow_answers, stratum_tallies
from rixin.ledger.sample import Sample, sample_of
from rixin.ledger.store import Ledger
from rixin.ledger.tallies import asked_on, differing_cases, latencies, spent_in_all, tally
from rixin.ledger.vectors import vectors
from rixin.report.data import (
    ANSWERS,
    BUILD,
    REVIEWS,
    VALUE,
    WRONG,
    DifferingCase,
    Part,
    PriceLine,
    ReportData,
    Slice,
    SolverLine,
)
from rixin.stats.intervals import in_order, quantile, quantile_interval
from rixin.workspace.around import assumptions_of, care_of
from rixin.workspace.contender import Contender
from rixin.workspace.prepare import Dataset, describe_notes

_SHOWN_CASES = 40
_COMPARED = 6
"""Candidates that are compared in pairs, the best ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where the rows of a decision are."""

    ledger: Ledger
    judge: str
    samples: Mapping[str, Sample]
    red: Mapping[str, Sample]
    """Red-team cases of each candidate; empty where harm is counted on all cases."""
    errors: Mapping[str, Errors]
    counted: Mapping[str, Counted]
    numbers: Mapping[str, int]
    outside: frozenset[str] = frozenset()
    """Candidates that take no share of the error, and are asked only if they are named."""

    def cut(self, asked: Mapping[str, int]) -> "Stored":
        """The same, with each candidate's sample cut to the cases it was asked."""
        cut = {
            name: sample_of(self.ledger, one.dataset_id, one.pool, asked[name], without=one.without)
            if name in asked
            else one
            for name, one in self.samples.items()
        }
        return replace(self, samples=cut)


def tallies_of(stored: Stored, scenario: Scenario) -> dict[str, Tally]:
    """The sums of every candidate, with its latencies and the counts of the promise's terms."""
    return {one.name: tally_of(stored, one.name) for one in scenario.candidates}


def tally_of(stored: Stored, name: str) -> Tally:
    """The sums of one candidate over its sample."""
    sample, number = stored.samples[name], stored.numbers[name]
    counted = stored.counted[name]
    where = (number, stored.judge)
    found = tally(stored.ledger, sample, *where, name)
    harm = harm_counts(stored.ledger, stored.red.get(name, sample), *where, counted.harm_cases)
    found = replace(
        found,
        weight_max=counted.weight_max,
        harm_cases=harm[0],
        harm_hits=harm[1],
        strata=stratum_tallies(stored.ledger, sample, *where, counted.strata),
        scores=score_weights(stored.ledger, sample, *where) if counted.scored else (),
    )
    if counted.slow_s is not None:
        slow = slow_answers(stored.ledger, sample, *where, counted.slow_s)
        found = replace(found, slow=slow)
    return _with_latencies(stored, name, found)


def _with_latencies(stored: Stored, name: str, found: Tally) -> Tally:
    sample, number = stored.samples[name], stored.numbers[name]
    times = latencies(stored.ledger, sample, number, stored.judge)
    if not times:
        return found
    seconds = in_order(times)
    errors = stored.errors[name]
    lower = quantile_interval(seconds, 0.95, 2 * errors.fail).lower
    upper = quantile_interval(seconds, 0.95, 2 * errors.hold).upper
    return replace(
        found,
        latency_n=len(times),
        latency_mean=fsum(times) / len(times),
        latency_p50=quantile(seconds, 0.5),
        latency_p95=quantile(seconds, 0.95),
        latency_p95_lower=_finite(lower),
        latency_p95_upper=_finite(upper),
    )


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def pairs_of(stored: Stored, scenario: Scenario, tallies: Mapping[str, Tally]) -> list[PairTally]:
    """Two candidates each on the cases that both were measured on; of many only the best."""
    found = [name for name, one in tallies.items() if one.cases]
    found.sort(key=lambda name: tallies[name].solved_weight / tallies[name].weight, reverse=True)
    kept = set(found[:_COMPARED]) if len(found) > 1 else set()
    solved = {
        one.name: vectors(
            stored.ledger, stored.samples[one.name], stored.numbers[one.name], stored.judge
        ).solved
        for one in scenario.candidates
        if one.name in kept and one.kind != "human"
    }
    pairs = []
    for first, second in combinations(solved, 2):
        n = min(solved[first].size, solved[second].size)
        both_ways = 2 * solved[first][:n] + solved[second][:n]  # NaN where one is not measured
        neither, only_second, only_first, both = (int((both_ways == k).sum()) for k in range(4))
        pair = PairTally(
            first=first,
            second=second,
            both=both,
            only_first=only_first,
            only_second=only_second,
            neither=neither,
        )
        pairs += [pair] if pair.cases else []
    return pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a verdict rests on besides the stored rows."""

    budget: Budget
    trials: Mapping[str, Trial]
    sequence: Mapping[str, Any]
    """The tests of proposed policies as in a certificate; may be empty."""


def verdict_of(stored: Stored, scenario: Scenario, basis: Basis) -> Verdict:
    """The verdict on what is stored; `stored` is cut to what each candidate was asked."""
    tallies = tallies_of(stored, scenario)
    return decide(
        scenario,
        tallies,
        pairs_of(stored, scenario, tallies),
        errors=stored.errors,
        budget=basis.budget,
        trials=basis.trials,
        extra=_extra(stored, scenario, basis.sequence),
    )


def _extra(stored: Stored, scenario: Scenario, sequence: Mapping[str, Any]) -> Extra:
    """Answers to red-team cases, to shape cases, and to certify cases that only the tests of
    cascades needed.
    """
    answers, spent = 0, Decimal(0)
    planned: Counter[str] = Counter()

    def add(name: str, sample: Sample, times: int = 1) -> None:
        nonlocal answers, spent
        count, cost = asked_on(stored.ledger, sample, stored.numbers[name])
        answers, spent = answers + times * count, spent + times * cost

    asked = [one.name for one in scenario.candidates if one.kind not in {"human", "cascade"}]
    for name in asked if stored.red else ():
        red = stored.red[name]
        planned[name] += red.size
        add(name, red)
    if not sequence:
        return Extra(answers, spent, planned)
    one = next(iter(stored.samples.values()))
    where, without = one.dataset_id, one.without
    shape = sample_of(stored.ledger, where, "shape", sequence["shape_cases"], without=without)
    certify = sample_of(stored.ledger, where, "certify", sequence["cases"], without=without)
    for name in sequence["proposed_from"]:
        planned[name] += shape.size
        add(name, shape)
    for name in sequence["tested_on"]:
        if stored.samples[name].size < certify.size:
            add(name, certify)
            add(name, stored.samples[name], -1)
    return Extra(answers, spent, planned)


def judge_stored(
    stored: Stored,
    scenario: Scenario,
    dataset: Dataset,
    contenders: Sequence[Contender],
    basis: Basis,
    *,
    now: datetime,
    warnings: tuple[str, ...] = (),
) -> ReportData:
    """The verdict on what is stored, with all that its report shows."""
    verdict = verdict_of(stored, scenario, basis)
    verdict = replace(verdict, warnings=(*warnings, *verdict.warnings, *_failures(stored, verdict)))
    return ReportData(
        scenario=scenario.name,
        owner=scenario.owner,
        task=scenario.task,
        path=str(scenario.path),
        decided_at=now,
        verdict=verdict,
        waterfalls=tuple(
            (name, _parts(month, worth=verdict.value_stated))
            for name, month in months(scenario, verdict)
        ),
        differing=_differing(stored, scenario, dataset),
        notes=describe_notes(dataset.notes),
        pools={str(pool): count for pool, count in dataset.pools.items()},
        prices=tuple(
            PriceLine(
                solver=one.candidate.name,
                text=one.price,
                date=one.price_date,
                source=one.price_source,
            )
            for one in contenders
        ),
        solvers=tuple(
            SolverLine(
                name=one.candidate.name,
                kind=one.candidate.kind,
                fingerprint=one.solver.fingerprint,
                description=one.about,
            )
            for one in contenders
        ),
        environment=environment(),
        floor=scenario.promise.solved_at_least,
        score_floor=scenario.promise.score_at_least,
        demand_per_month=scenario.demand.cases_per_month,
        illustrative=tuple(sorted(scenario.illustrative)),
        slices=_slices(stored, verdict),
        answers=_answers(stored, scenario, verdict),
        assumptions=assumptions_of(scenario),
        care=care_of(scenario),
        build_cost=float(scenario.economics.build_cost),
        horizon_months=scenario.economics.horizon_months,
        certify_share=scenario.cases.pools["certify"],
        cases_file=scenario.cases.path.name,
    )


def _slices(stored: Stored, verdict: Verdict) -> tuple[Slice, ...]:
    """How the candidate in front did on each stratum; nothing where there is only one."""
    name = verdict.nearest
    if name is None:
        return ()
    where = (stored.samples[name], stored.numbers[name], stored.judge)
    rows = solved_by_stratum(stored.ledger, *where)
    found = tuple(Slice(name=row[0], cases=row[1], solved=row[2]) for row in rows)
    return found if len(found) > 1 else ()


def _answers(
    stored: Stored, scenario: Scenario, verdict: Verdict
) -> tuple[tuple[str, str | None, int], ...]:
    """Which labels the candidate in front takes for which."""
    name = verdict.nearest
    if name is None or scenario.output.kind != "labels":
        return ()
    return answers_by_expected(
        stored.ledger, stored.samples[name], stored.numbers[name], stored.judge
    )


def _failures(stored: Stored, verdict: Verdict) -> Iterator[str]:
    """What was lost, and one of its failures in full, for each candidate that has some."""
    for one in verdict.candidates:
        if one.tally.sunk:
            most = format_money(one.tally.sunk, verdict.currency)
            yield (
                f"{one.name}: calls that were lost or timed out may have been billed, {most} at"
                " most; it is counted as spent"
            )
        if one.tally.unmeasured:
            said = failure_example(stored.ledger, stored.numbers[one.name], stored.judge)
            if said is not None:
                count = one.tally.unmeasured
                which = "its only failure" if count == 1 else f"one of {count:,} failures"
                yield f"{one.name}, {which}: {said}"


def _parts(month: Month, *, worth: bool) -> tuple[Part, ...]:
    """Where a month's money comes from and goes; no income where nobody has stated any."""
    lines = (
        (VALUE, month.value),
        (ANSWERS, month.answers),
        (WRONG, month.wrong),
        (REVIEWS, month.reviews),
        (BUILD, month.build),
    )
    left_out = {BUILD} if month.build == 0 else set()
    left_out |= set() if worth else {VALUE}
    return tuple((label, amount) for label, amount in lines if label not in left_out)


def _differing(stored: Stored, scenario: Scenario, dataset: Dataset) -> tuple[DifferingCase, ...]:
    names = {
        stored.numbers[one.name]: one.name for one in scenario.candidates if one.kind != "human"
    }
    smallest = min(
        (stored.samples[name] for name in names.values()), key=lambda s: s.size, default=None
    )
    if smallest is None or len(names) < 2:
        return ()
    ids = differing_cases(stored.ledger, smallest, stored.judge, names, limit=_SHOWN_CASES)
    found = []
    for case in cases_of(stored.ledger, dataset.id, ids):
        rows = outcomes_of_case(stored.ledger, case, names, stored.judge)
        answers = tuple(
            (row.solver, row.answer.output, row.state.value, row.answer.confidence) for row in rows
        )
        found.append(
            DifferingCase(
                ref=case.ref, id=case.id, input=case.input, expected=case.expected, rows=answers
            )
        )
    return tuple(found)


def spent_so_far(stored: Stored, contenders: Sequence[Contender]) -> Decimal:
    """What the stored answers of paid candidates have cost, in all pools, under whatever judge."""
    paid = [one.candidate.name for one in contenders if one.paid]
    costs = (
        spent_in_all(stored.ledger, stored.samples[name].dataset_id, stored.numbers[name])
        for name in paid
    )
    return sum(costs, Decimal(0))


def environment() -> str:
    """The machine in one line, without a name that tells whose it is."""
    return (
        f"Rixin {__version__}, Python {platform.python_version()}, {platform.system()}"
        f" {platform.machine()}, {os.cpu_count()} CPUs"
    )
