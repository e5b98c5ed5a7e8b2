"""Which candidate is asked how many cases next: the cheapest first, each until it is settled.

Candidates are tried in the order of their price. Each is looked at after every few cases, until it
holds the promise and pays (accepted), cannot any more (rejected), or has been asked all its cases
(exhausted). The first that is accepted ends the search, unless a dearer one could still be better
by the objective and finding that out is worth its price.

A candidate so close to the floor that it will hardly be settled is parked when going on costs more
than it may bring: the gain of serving it instead of what comes after it, times the chance that it
is accepted. Parked candidates are taken up again before the decision gives up. Parking, order and
stopping rest on guesses; what is accepted rests on tests that hold whenever one stops.

References:
    METHODS §2 and §6; the tests: `rixin.decide.promise`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING

from rixin.core.scenario import Candidate, Scenario
from rixin.core.verdict import Standing, Tally
from rixin.decide.budget import Errors
from rixin.decide.cut_answers import cut_count
from rixin.decide.economics import Point, Prices, prices_of
from rixin.decide.judged import Judged, judge
from rixin.decide.looks import chance_to_hold, next_look
from rixin.decide.prefer import near, vendors_of
from rixin.decide.promise import glance, unknown_cases

if TYPE_CHECKING:
    from rixin.decide.stopping import Arm

_TYPICAL = 100
"""Cases that settle a candidate that is clearly above or below the floor."""
_MANY_CUT = 24
"""Answers that were cut, at least as many as were whole, with which nobody is asked on."""
_MONEY_EVERY = 8
"""Looks between two full judgements of a candidate that is open: they take a hundred times longer
than a glance, and can only end its test earlier."""


class State(StrEnum):
    """Where a candidate is in the race."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LOST = "cannot be accepted any more"
    EXHAUSTED = "all its cases were asked"
    PARKED = "parked"
    NOT_NEEDED = "not needed"
    UNUSABLE = "unusable"
    CUT = "its answers are cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A candidate at the start."""

    candidate: Candidate
    price: float | None
    """Expected cost of an answer in money; None: not known, it comes last."""
    errors: Errors
    """With `cases` and `strata` planned."""
    cases: int
    """Most cases it is asked."""
    batch: int = 1
    """Cases that are asked at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The next thing to do: bring a candidate to so many cases."""

    name: str
    cases: int


@dataclass(slots=True)
class Lane:
    """A candidate in the race."""

    entry: Entry
    state: State = State.OPEN
    tally: Tally | None = None
    judged: Judged | None = None
    asked: int = 0
    """Cases it was asked."""
    judged_at: int = 0
    """Cases at its last judgement: what it is reported with."""
    quality: Sequence[float] = ()
    looks: int = 0
    may_park: bool = True

    @property
    def name(self) -> str:
        """The candidate's name."""
        return self.entry.candidate.name


@dataclass(slots=True)
class Race:
    """The state of the search; `next` and `tell` in turn until there is nothing to ask.

    Args:
        scenario: The contract.
        entries: The candidates, in any order.
        exhaustive: Ask everything, and judge at the end.
    """

    scenario: Scenario
    entries: Sequence[Entry]
    exhaustive: bool = False
    lanes: dict[str, Lane] = field(default_factory=dict)
    _prices: Prices = field(init=False)

    def __post_init__(self) -> None:
        """Puts the candidates in the order of their price; those of one price keep theirs."""
        by_price = sorted(self.entries, key=lambda one: inf if one.price is None else one.price)
        self.lanes = {one.candidate.name: Lane(one) for one in by_price}
        self._prices = prices_of(self.scenario)

    @property
    def horizon(self) -> float:
        """Cases that the winner will serve."""
        economics = self.scenario.economics
        return self.scenario.demand.cases_per_month * economics.horizon_months

    @property
    def accepted(self) -> Lane | None:
        """The best accepted candidate by the objective."""
        found = [lane for lane in self.lanes.values() if lane.state is State.ACCEPTED]
        return min(found, key=self._rank, default=None)

    def next(self) -> Ask | None:
        """What to ask next; None: the search is over."""
        if self.exhaustive:
            lane = next((one for one in self._open() if one.asked < one.entry.cases), None)
            return None if lane is None else Ask(lane.name, lane.entry.cases)
        if self.accepted is not None:
            return self._better()
        lane = next(iter(self._open()), None) or self._unpark()
        return None if lane is None else self._look(lane)

    def tell(self, name: str, tally: Tally, *, asked: int, quality: Sequence[float] = ()) -> None:
        """Takes the counts of a candidate at the prefix that `next` asked for.

        Args:
            name: The candidate.
            tally: Its outcomes so far, summed.
            asked: Cases it was asked so far.
            quality: 1 or 0 for each case, in the order of the cases; NaN where not measured.
        """
        lane = self.lanes[name]
        lane.tally, lane.asked, lane.quality = tally, asked, quality
        lane.looks += 1
        if lane.state is State.ACCEPTED:
            self._seen_again(lane, tally)
            return
        lane.judged_at = asked
        lane.state = State.EXHAUSTED if self.exhaustive else self._state(lane, tally)
        if lane.state is State.OPEN and cut_count(tally) >= max(_MANY_CUT, tally.cases):
            lane.state = State.CUT  # more answers would cost money and be cut too

    def _seen_again(self, lane: Lane, tally: Tally) -> None:
        """An accepted candidate that was asked more stays accepted: its test has ended.

        It is reported with the newer counts, unless its test would not have ended there.
        """
        judged = judge(self.scenario, lane.entry.candidate, tally, lane.entry.errors)
        if judged.adoptable:
            lane.judged, lane.judged_at = judged, lane.asked

    def drop(self, name: str) -> None:
        """Takes a candidate out that cannot be asked at all."""
        self.lanes[name].state = State.UNUSABLE

    def _state(self, lane: Lane, tally: Tally) -> State:
        errors, last = lane.entry.errors, lane.asked >= lane.entry.cases
        if tally.cases == 0:
            return State.EXHAUSTED if last else State.OPEN
        seen = glance(self.scenario, tally, errors)
        if not last and seen is Standing.OPEN and lane.looks % _MONEY_EVERY:
            return State.PARKED if self._should_park(lane, tally) else State.OPEN
        lane.judged = judged = judge(self.scenario, lane.entry.candidate, tally, errors)
        if judged.adoptable:
            return State.ACCEPTED
        if judged.excluded:
            return State.REJECTED
        if any(term.lost for term in judged.terms):
            return State.LOST
        if last:
            return State.EXHAUSTED
        return State.PARKED if self._should_park(lane, tally) else State.OPEN

    def _open(self) -> list[Lane]:
        return [lane for lane in self.lanes.values() if lane.state is State.OPEN]

    def _unpark(self) -> Lane | None:
        for lane in self.lanes.values():
            if lane.state is State.PARKED:
                lane.state, lane.may_park = State.OPEN, False
                return lane
        return None

    def _look(self, lane: Lane) -> Ask:
        entry = lane.entry
        return Ask(lane.name, next_look(lane.asked, entry.batch, entry.cases))

    def _should_park(self, lane: Lane, tally: Tally) -> bool:
        """Whether going on costs more than it may bring."""
        entry, errors = lane.entry, lane.entry.errors
        if not lane.may_park or not entry.price or not errors.cases:
            return False
        after = (one.entry.price for one in self._after(lane))
        dearer = [price for price in after if price is not None and price > entry.price]
        if not dearer:
            return False
        instead = sum(dearer) / len(dearer)
        gain = self.horizon * (instead - entry.price) + _TYPICAL * instead
        return self._chance(lane, tally) * gain < entry.price * (entry.cases - lane.asked)

    def _chance(self, lane: Lane, tally: Tally) -> float:
        """The chance that the floor will be held at the end of the candidate's test."""
        errors = lane.entry.errors
        hits = tally.solved_weight / tally.weight_max
        misses = tally.weight / tally.weight_max - hits + unknown_cases(tally)
        floor = self.scenario.promise.solved_at_least
        return chance_to_hold(hits, misses, errors.cases, floor, errors.hold)

    def _after(self, lane: Lane) -> list[Lane]:
        lanes = list(self.lanes.values())
        rest = lanes[lanes.index(lane) + 1 :]
        return [one for one in rest if one.state in {State.OPEN, State.PARKED}]

    def _better(self) -> Ask | None:
        """The next look at a candidate that may be better than the accepted one, if it pays."""
        from rixin.decide.stopping import next_to_ask  # with numpy: not needed before this

        best = self.accepted
        assert best is not None
        lanes = [
            lane
            for lane in self.lanes.values()
            if lane.state is State.ACCEPTED or self._may_win(lane, best)
        ]
        while len(lanes) > 1:
            arms = [self._arm(lane, best) for lane in lanes]
            worth = self._worth(best)
            more = next_to_ask(arms, worth, self.horizon)
            if more is not None:
                lane = self.lanes[more.names[0]]
                return Ask(lane.name, min(lane.entry.cases, max(more.cases, lane.asked + 1)))
            leader = self._leader(lanes, arms, worth)
            if leader.state is State.ACCEPTED:
                break
            if self._worth_proving(leader, best, worth):
                return self._look(leader)
            leader.state = State.NOT_NEEDED
            lanes.remove(leader)
        if (ask := self._to_tell(best)) is not None:
            return ask
        for lane in self.lanes.values():
            if lane.state in {State.OPEN, State.PARKED}:
                lane.state = State.NOT_NEEDED
        return None

    def _to_tell(self, best: Lane) -> Ask | None:
        """The next look at one that would be taken if it were practically equal to the best.

        It goes on while the cases suffice to tell, as far as one knows, and cost less than the
        margin is worth over the horizon.
        """
        for lane in self.lanes.values():
            live = lane is not best and lane.state in {State.OPEN, State.ACCEPTED}
            if live and self._plainer(lane, best) and self._near(lane, best):
                wanted = self._wanted(lane, best)
                if wanted is not None and wanted.asked < wanted.entry.cases:
                    return self._look(wanted)
        return None

    def _plainer(self, lane: Lane, best: Lane) -> bool:
        """Whether it has fewer vendors, or as many and, as far as one knows, the lower latency."""
        mine, other = (len(vendors_of(self.scenario, one.name)) for one in (lane, best))
        if mine != other:
            return mine < other
        assert best.tally is not None
        slower = best.tally.latency_mean
        if slower is None or lane.tally is None:
            return slower is not None
        return lane.tally.latency_mean is not None and lane.tally.latency_mean < slower

    def _near(self, lane: Lane, best: Lane) -> bool:
        """Whether its objective is within the margin of the best, as far as one knows."""
        n, lost, won = _shared(best.quality, lane.quality)
        assert best.judged is not None and best.judged.point is not None
        point = best.judged.point
        other = Point(point.solved, point.abstained, self._price(lane))
        return near(self.scenario, point, other, (won - lost) / max(1, n))

    def _wanted(self, lane: Lane, best: Lane) -> Lane | None:
        """Whom to ask to tell whether two are equal and both accepted; None: it is told, or does
        not pay.
        """
        from rixin.decide.compare import cases_to_tell

        n, lost, won = _shared(best.quality, lane.quality)
        most = min(lane.entry.cases, best.entry.cases)
        needed = cases_to_tell(self.scenario, lost, won, n, most)
        told = needed is not None and needed <= n
        if needed is None or (told and lane.state is State.ACCEPTED):
            return None
        upto, asked = (lane.entry.cases, [lane]) if told else (needed, [lane, best])
        cost = sum(max(0, upto - one.asked) * self._price(one) for one in asked)
        worth = self.scenario.promise.margin * abs(self._rank(best)) * self.horizon
        return min(asked, key=lambda one: one.asked) if cost <= worth else None

    def _arm(self, lane: Lane, best: Lane) -> "Arm":
        """A candidate as it is weighed against the best one, which the others must beat by more
        than the margin: less than that makes no difference.
        """
        import numpy as np

        from rixin.decide.stopping import Arm

        price = self._price(lane)
        if lane is not best:
            price += self.scenario.promise.margin * abs(self._rank(best))
        return Arm(
            name=lane.name, quality=np.asarray(lane.quality), price=price, cases=lane.entry.cases
        )

    def _price(self, lane: Lane) -> float:
        """Of an answer, in money: the measured mean, or what is expected."""
        if lane.tally is not None and lane.tally.cases:
            return float(lane.tally.cost_total) / lane.tally.cases
        return lane.entry.price or 0.0

    def _worth(self, best: Lane) -> float:
        """What a solved case is worth over an unsolved one, by the objective.

        Cost per solved case is a ratio; about the best one it falls with `kappa * solved - cost`.
        """
        if self.scenario.economics.objective == "net-value":
            return self._prices.value + self._prices.wrong
        return max(0.0, self._rank(best)) + self._prices.wrong

    def _leader(self, lanes: Sequence[Lane], arms: Sequence["Arm"], worth: float) -> Lane:
        from rixin.decide.stopping import values_of

        seen = [k for k, arm in enumerate(arms) if arm.quality.size]
        values = values_of([arms[k] for k in seen], worth)
        return lanes[seen[max(range(len(seen)), key=lambda k: values[k])]]

    def _worth_proving(self, leader: Lane, best: Lane, worth: float) -> bool:
        """Whether the test of a candidate that looks better should go on."""
        from rixin.decide.stopping import values_of

        entry, tally = leader.entry, leader.tally
        assert tally is not None
        ahead, behind = values_of([self._arm(leader, best), self._arm(best, best)], worth)
        chance = self._chance(leader, tally)
        cost = (entry.price or 0.0) * (entry.cases - leader.asked)
        return leader.asked < entry.cases and chance * self.horizon * (ahead - behind) > cost

    def _may_win(self, lane: Lane, best: Lane) -> bool:
        """Whether it could be better than the accepted one, if all went as well as it can.

        One that was parked was not worth its test even before somebody was accepted.
        """
        if lane.state is not State.OPEN or lane.entry.price is None:
            return False
        upper = 1.0
        if lane.judged is not None and lane.judged.result.solved.upper is not None:
            upper = lane.judged.result.solved.upper
        dream = Point(upper, 0.0, lane.entry.price)
        return self._prices.rank(dream, self.scenario.economics.objective) < self._rank(best)

    def _rank(self, lane: Lane) -> float:
        point = lane.judged.point if lane.judged else None
        return inf if point is None else self._prices.rank(point, self.scenario.economics.objective)


def _shared(best: Sequence[float], other: Sequence[float]) -> tuple[int, int, int]:
    """Cases on which both were measured, and those that only the best, only the other solved."""
    lost = sum(a > b for a, b in zip(best, other, strict=False))  # false where one is NaN
    won = sum(a < b for a, b in zip(best, other, strict=False))
    ties = sum(a == b for a, b in zip(best, other, strict=False))
    return lost + won + ties, lost, won
