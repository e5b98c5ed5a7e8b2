"""What the page's sections and pictures show, computed once; JSON has the same figures."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rixin.core.verdict import CandidateResult, Estimate
from rixin.report.data import ANSWERS, REVIEWS, WRONG, Part, ReportData
from rixin.report.figures import known
from rixin.stats.intervals import wilson

LEVEL = 0.95
"""Of the interval of each stratum, taken alone."""
_MOST_LABELS = 10
_MOST_MIX_UPS = 10
_MOST_CAUSES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFlow:
    """What becomes of the cases of a month under one solver."""

    name: str
    right: int
    wrong: int
    to_people: int
    """Left to people by a solver that declines them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedPrice:
    """What a solved case costs under one solver, in money, and what that is made of."""

    name: str
    answers: float
    wrong: float
    """Of the wrong answers that come with each solved case."""
    reviews: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PaybackPoint:
    """Money saved since the start less what it cost to build, after so many months."""

    month: int
    expected: float
    at_least: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRate:
    """How the shown candidate did on one stratum."""

    name: str
    cases: int
    solved: int
    rate: Estimate
    """With its interval at `LEVEL`, taken alone; no part of the promise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixUp:
    """One label taken for another."""

    expected: str
    given: str | None
    """None: no label at all."""
    cases: int
    share: float
    """Of all cases that were answered otherwise than expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Expected labels against given ones."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """A row for each expected label: how often each label was given, then anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """Why one candidate did not solve cases, or was not measured on them."""

    solver: str
    cause: str
    """Empty: all causes that are not listed."""
    cases: int
    share: float | None
    """Of the cases it was asked; None: of none is it known."""
    kinds: int = 1
    """How many causes are in this line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTotal:
    """What a month comes to under one solver, in money."""

    name: str
    total: float
    """What is left; where nobody has stated any income, all costs, as a positive amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A figure that the verdict rests on, and what the saving does when it is another."""

    name: str
    """Dotted, as in the contract."""
    value: float | str
    unit: str
    assumed: bool
    low: float | None = None
    high: float | None = None
    at_low: float | None = None
    """Saving a month where the figure is `low`."""
    at_high: float | None = None
    even: float | None = None
    """The figure at which nothing is saved; None: at none that is possible."""

    @property
    def swing(self) -> float:
        """How far the saving moves, in money a month."""
        return abs((self.at_high or 0.0) - (self.at_low or 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The figures of the page besides those of the verdict."""

    shown: str | None
    """The candidate that they are about: the winner, or the one that comes nearest."""
    level: float = LEVEL
    cases_needed: int | None = None
    """Test cases that would settle it, those that are there included."""
    not_solved_today: float = 0.0
    """Share of the cases, as stated."""
    flows: tuple[CaseFlow, ...] = ()
    """Today's first, then the shown candidate's."""
    prices: tuple[SolvedPrice, ...] = ()
    """Today's first, then those of the measured candidates."""
    months: tuple[MonthTotal, ...] = ()
    wrong_cost: float | None = None
    """Cost of the shown candidate's wrong answers a month, in money."""
    payback: tuple[PaybackPoint, ...] = ()
    slices: tuple[SliceRate, ...] = ()
    matrix: Matrix | None = None
    """None: not labels, or too many of them for a picture."""
    mix_ups: tuple[MixUp, ...] = ()
    """The most frequent first."""
    effects: tuple[Effect, ...] = ()
    """Those that move the saving most first."""
    errors: tuple[CauseShare, ...] = ()
    """Candidate by candidate, the most frequent first."""


def summary_of(data: ReportData) -> Summary:
    """The figures of the page."""
    best, lacking = data.best(), data.verdict.missing
    flows = [_flow(data, data.verdict.incumbent.name, data.verdict.incumbent.solved, 0.0)]
    if best is not None and best.solved.value is not None:
        flows.append(_flow(data, best.name, best.solved.value, _left_to_people(best)))
    return Summary(
        shown=best.name if best else None,
        cases_needed=lacking.there + lacking.cases if lacking else None,
        not_solved_today=1 - data.verdict.incumbent.solved,
        flows=tuple(flows),
        prices=_prices(data),
        wrong_cost=next(
            (-parts[WRONG] for name, parts in _months(data) if best and name == best.name), None
        ),
        payback=_payback(data, best),
        slices=_slices(data),
        matrix=_matrix(data),
        mix_ups=_mix_ups(data),
        effects=_effects(data),
        months=tuple(
            MonthTotal(name=name, total=sum(drawn_amounts(parts)))
            for name, parts in data.waterfalls
        ),
        errors=tuple(_causes(data)),
    )


def drawn_amounts(parts: Sequence[Part]) -> list[float]:
    """The amounts of a month as they are added up: without any income, costs count upwards."""
    sign = 1.0 if any(amount > 0 for _, amount in parts) else -1.0
    return [sign * amount for _, amount in parts]


def _part(whole: int, count: int) -> float | None:
    return count / whole if whole else None


def _causes(data: ReportData) -> Iterator[CauseShare]:
    for one in data.verdict.candidates:
        part = partial(_part, one.tally.cases + one.tally.unmeasured)
        shown, rest = one.tally.causes[:_MOST_CAUSES], one.tally.causes[_MOST_CAUSES:]
        for cause, count in shown:
            yield CauseShare(solver=one.name, cause=cause, cases=count, share=part(count))
        if rest:
            cases = sum(count for _, count in rest)
            yield CauseShare(
                solver=one.name, cause="", cases=cases, share=part(cases), kinds=len(rest)
            )


def _left_to_people(one: CandidateResult) -> float:
    return one.tally.abstained_weight / one.tally.weight if one.tally.weight else 0.0


def _flow(data: ReportData, name: str, solved: float, left: float) -> CaseFlow:
    """Whole cases that add up to the demand."""
    demand = data.demand_per_month
    right, people = round(demand * solved), round(demand * left)
    people = min(people, demand - right)
    return CaseFlow(name=name, right=right, wrong=demand - right - people, to_people=people)


def _months(data: ReportData) -> list[tuple[str, dict[str, float]]]:
    return [
        (name, {ANSWERS: 0.0, WRONG: 0.0, REVIEWS: 0.0} | dict(parts))
        for name, parts in data.waterfalls
    ]


def _prices(data: ReportData) -> tuple[SolvedPrice, ...]:
    people = data.verdict.incumbent
    rates = {one.name: (one.solved.value, one.cost_per_solved.value) for one in data.shown()}
    rates[people.name] = (people.solved, people.cost_per_solved)
    found = []
    for name, parts in _months(data):
        solved, total = rates.get(name, (None, None))
        if not solved or known(total) is None or total is None:
            continue
        cases = data.demand_per_month * solved
        found.append(
            SolvedPrice(
                name=name,
                answers=-parts[ANSWERS] / cases,
                wrong=-parts[WRONG] / cases,
                reviews=-parts[REVIEWS] / cases,
                total=total,
            )
        )
    return tuple(found)


def _payback(data: ReportData, best: CandidateResult | None) -> tuple[PaybackPoint, ...]:
    """Month by month to the horizon, at today's demand."""
    if best is None or best.saving_per_month.value is None:
        return ()
    build, months = data.build_cost, data.horizon_months
    expected, least = best.saving_per_month.value, best.saving_per_month.lower

    def since(month: int, saving: float) -> float:
        # The saving of a month has the cost to build spread over the horizon: take that out.
        return month * (saving + build / months) - build

    return tuple(
        PaybackPoint(
            month=month,
            expected=since(month, expected),
            at_least=None if least is None else since(month, least),
        )
        for month in range(months + 1)
    )


def _slices(data: ReportData) -> tuple[SliceRate, ...]:
    found = []
    for one in data.slices:
        bounds = wilson(one.solved, one.cases, 1 - LEVEL)
        rate = Estimate(one.solved / one.cases, bounds.lower, bounds.upper)
        found.append(SliceRate(name=one.name, cases=one.cases, solved=one.solved, rate=rate))
    return tuple(found)


def _labelled(data: ReportData) -> Counter[tuple[str, str | None]]:
    """Expected and given labels; an answer that is no label is None."""
    labels = {expected.strip().casefold(): expected for expected, _, _ in data.answers}
    found: Counter[tuple[str, str | None]] = Counter()
    for expected, given, count in data.answers:
        label = None if given is None else labels.get(given.strip().casefold())
        found[labels[expected.strip().casefold()], label] += count
    return found


def _matrix(data: ReportData) -> Matrix | None:
    found = _labelled(data)
    totals: Counter[str] = Counter()
    for (expected, _), count in found.items():
        totals[expected] += count
    labels = [label for label, _ in totals.most_common()]
    if not 2 <= len(labels) <= _MOST_LABELS:
        return None
    counts = [[found[row, column] for column in (*labels, None)] for row in labels]
    return Matrix(labels=tuple(labels), counts=tuple(map(tuple, counts)))


def _mix_ups(data: ReportData) -> tuple[MixUp, ...]:
    found = {pair: count for pair, count in _labelled(data).items() if pair[0] != pair[1]}
    total = sum(found.values())
    first = sorted(found.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or ""))
    return tuple(
        MixUp(expected=pair[0], given=pair[1], cases=count, share=count / total)
        for pair, count in first[:_MOST_MIX_UPS]
    )


def _effects(data: ReportData) -> tuple[Effect, ...]:
    moved = {one.name: one for one in data.verdict.sensitivities}
    found = []
    for given in data.assumptions:
        effect = Effect(name=given.name, value=given.value, unit=given.unit, assumed=given.assumed)
        if (one := moved.get(given.name)) is not None:
            effect = Effect(
                name=given.name,
                value=given.value,
                unit=given.unit,
                assumed=given.assumed,
                low=one.low,
                high=one.high,
                at_low=one.at_low,
                at_high=one.at_high,
                even=one.even,
            )
        found.append(effect)
    return tuple(sorted(found, key=lambda one: (-one.swing, not one.assumed)))
