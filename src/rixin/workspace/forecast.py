"""What a decision is expected to pay, before anybody is paid.

Nobody knows yet how good the candidates are, and everything hangs on it: the race is therefore run
on made-up outcomes, several times, each time with other solve rates. The search for cascades that
follows a race is counted with it. The seeds are fixed: the same scenario has the same forecast.

How the rates are drawn was fitted on the recorded outcomes of `tests/workspace/test_forecast.py`: a
candidate is seldom better than the floor by much, often worse by much. With that prior the forecast
is too high, up to many times, where the first candidate holds at once and no cascade is sought.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

from rixin.core.scenario import Scenario
from rixin.core.verdict import Tally
from rixin.decide.race import Entry, Race

_WORLDS, _LANES = 8, 60
"""Races that are run at most, and candidates in all of them together: the more, the longer."""
_ABOVE = 0.03
"""The best that a candidate is taken to be, over the floor."""
_SPREAD = 0.15
"""How far below that candidates lie: the deviation of a half-normal distribution."""
_SHARED = 0.6
"""Share of a case's difficulty that is the same for every candidate."""
_LEAST, _MOST = 0.02, 0.995
"""Solve rates that are taken to be possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """How many answers of a candidate would have to be asked for, and how many are there."""

    stored: int = 0
    """Certify cases with a stored answer."""
    red: int = 0
    """Red-team cases without one."""
    search: int = 0
    """Shape cases without one, in the search for cascades; 0 where none is sought."""


def expected_spend(
    scenario: Scenario,
    entries: Sequence[Entry],
    missing: Mapping[str, Missing],
    *,
    exhaustive: bool = False,
) -> float:
    """Return what the candidates in `missing` are expected to be paid, in money, at least 0.

    Args:
        scenario: The scenario; its floor, objective and volume steer the race.
        entries: The candidates of the race, each with a price.
        missing: Candidates that cost money → what of their answers is not stored.
        exhaustive: Whether everybody is asked everything: then nothing has to be guessed.

    Returns:
        The mean over a fixed set of made-up races, the search for cascades included.
    """
    priced = [one for one in entries if _name(one) in missing]
    if exhaustive:
        return sum(_price(one) * (_left(one, missing) + missing[_name(one)].red) for one in priced)
    if scenario.promise.below_best_at_most is not None:  # nobody is raced, everybody is searched
        search = sum(_price(one) * missing[_name(one)].search for one in priced)
        tested = sorted((_price(one) * _left(one, missing) for one in priced), reverse=True)
        return search + sum(tested[:2])
    count = min(_WORLDS, max(2, _LANES // len(entries)))
    worlds = (random.Random(k) for k in range(count))  # noqa: S311  no secret is drawn
    return fmean(_spend(scenario, entries, missing, world) for world in worlds)


def _left(entry: Entry, missing: Mapping[str, Missing]) -> int:
    """Certify cases without a stored answer."""
    return max(0, entry.cases - missing[_name(entry)].stored)


def _spend(
    scenario: Scenario,
    entries: Sequence[Entry],
    missing: Mapping[str, Missing],
    source: random.Random,
) -> float:
    """What one made-up race and the search after it cost."""
    race = Race(scenario, entries)
    floor = scenario.promise.solved_at_least
    size = max((one.cases for one in entries), default=0)
    hard = [source.random() for _ in range(size)]
    quality = {name: _outcomes(hard, floor, source) for name in race.lanes}
    while (ask := race.next()) is not None:
        entry = race.lanes[ask.name].entry
        solved = quality[ask.name][: ask.cases]
        race.tell(ask.name, _tally(entry, solved), asked=ask.cases, quality=solved)
    lanes = race.lanes.values()
    searches = any(one.judged is not None and one.judged.good_enough for one in lanes)
    total = 0.0
    for lane in lanes:
        if lane.asked and lane.name in missing:
            left = missing[lane.name]
            cases = max(0, lane.asked - left.stored) + left.red + left.search * searches
            total += cases * _price(lane.entry)
    return total


def _outcomes(hard: Sequence[float], floor: float, source: random.Random) -> list[float]:
    """Draw a candidate: 1 for each case that it solves, else 0; the hard cases are hard for all."""
    rate = floor + _ABOVE - _SPREAD * abs(source.gauss(0.0, 1.0))
    rate = min(_MOST, max(_LEAST, rate))
    mixed = [_SHARED * one + (1 - _SHARED) * source.random() for one in hard]
    bound = sorted(mixed)[min(len(mixed) - 1, int(rate * len(mixed)))] if mixed else 0.0
    return [float(one < bound) for one in mixed]


def _tally(entry: Entry, solved: Sequence[float]) -> Tally:
    """The counts of made-up outcomes: quick, harmless, at the expected price."""
    count, hits, price = len(solved), sum(solved), _price(entry)
    return Tally(
        solver=_name(entry),
        cases=count,
        solved=int(hits),
        weight=float(count),
        solved_weight=hits,
        harm_cases=min(count, entry.errors.harm_cases),
        scores=((0.0, count - hits), (1.0, hits)),
        cost_known=count,
        cost_total=Decimal(repr(price * count)),
        cost_sq=price * price * count,
        latency_n=count,
        latency_mean=0.0,
        latency_p50=0.0,
        latency_p95=0.0,
        latency_p95_lower=0.0,
        latency_p95_upper=0.0,
    )


def _name(entry: Entry) -> str:
    return entry.candidate.name


def _price(entry: Entry) -> float:
    return entry.price or 0.0
