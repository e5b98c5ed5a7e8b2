"""What each term of the promise takes at least, against the cases that are there.

A solver that makes no mistake shows what a test can do at best: a term that not even that one can
hold cannot be certified with these cases, whoever answers them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rixin.core.scenario import Scenario
from rixin.decide.budget import Errors
from rixin.decide.promise import FAST, MOST_ALLOWED, harm_plan, kind_of_stratum
from rixin.decide.wording import percent, seconds
from rixin.stats.bets import bets_for
from rixin.stats.eprocess import log_e, rejects
from rixin.stats.planning import cases_needed_harm


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The fewest cases with which one term of the promise can be certified."""

    term: str
    cases: int
    there: int
    kind: str
    """Which cases count."""
    note: str = ""
    """How the figure comes about; may be empty."""

    @property
    def short(self) -> int:
        """Cases that are missing; 0 where there are enough."""
        return max(0, self.cases - self.there)

    def __str__(self) -> str:
        """In words, without the end of a sentence."""
        only = "only " if self.short else ""
        needed = f"{self.cases:,} {self.kind}"
        return f"{self.term} takes at least {needed}, and there are {only}{self.there:,}"


def needs_of(scenario: Scenario, errors: Errors) -> Iterator[Need]:
    """What every promised term takes of one candidate's cases.

    Args:
        scenario: The contract.
        errors: The candidate's chances of a wrong bound, its tests planned on its cases.
    """
    promise, enough = scenario.promise, "certify cases"

    def need(term: str, floor: float, alpha: float, there: int, kind: str = enough) -> Need:
        return Need(term=term, cases=_perfect(floor, alpha), there=there, kind=kind)

    floor, score = promise.solved_at_least, promise.score_at_least
    yield need(f"solved at least {percent(floor)}", floor, errors.hold, errors.cases)
    if score is not None:
        yield need(f"a mean score of at least {score:.4g}", score, errors.hold, errors.cases)
    for name, least in promise.solved_strata.items():
        term, there = f"stratum {name} solved at least {percent(least)}", errors.strata.get(name, 0)
        yield need(term, least, errors.hold_stratum, there, kind_of_stratum(name))
    yield from _harm(scenario, errors)
    if promise.latency_p95_s is not None:
        term = f"a p95 latency of at most {seconds(promise.latency_p95_s)}"
        yield need(term, FAST, errors.hold, errors.answers)


def shortages(scenario: Scenario, errors: Errors) -> list[Need]:
    """The terms that cannot be certified with the cases that are there.

    Empty where the tests have no planned end: then nothing is known of the cases.
    """
    return [one for one in needs_of(scenario, errors) if one.short] if errors.cases else []


def _harm(scenario: Scenario, errors: Errors) -> Iterator[Need]:
    plan = harm_plan(scenario, errors.harm_cases, errors.hold)
    if plan is None:
        return
    stratum, ceiling = scenario.promise.harm_stratum, scenario.promise.harm_at_most
    notes = [] if stratum is None else [f"stratum {stratum}"]
    notes.append(f"{plan.allowed} violations allowed")
    if scenario.promise.harm_allowed is None and plan.allowed < MOST_ALLOWED:
        more = cases_needed_harm(ceiling, errors.hold, MOST_ALLOWED)
        notes.append(f"{more:,} cases to allow {MOST_ALLOWED}")
    yield Need(
        term=f"harm at most {percent(ceiling)}",
        cases=plan.cases,
        there=errors.harm_cases,
        kind="certify cases" if stratum is None else "red-team cases",
        note="; ".join(notes),
    )


@lru_cache(maxsize=256)
def _perfect(floor: float, alpha: float) -> int:
    """The fewest cases with which the test of a floor passes a solver that solves all."""
    few, many = 0, 1
    while not _passes(many, floor, alpha):
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _passes(middle, floor, alpha) else (middle, many)
    return many


def _passes(cases: int, floor: float, alpha: float) -> bool:
    return rejects(log_e([0, 1], [0, cases], floor, bets_for(floor, cases, alpha)), alpha)
