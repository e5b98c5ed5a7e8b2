"""Counts of one candidate's outcomes as they come, so that each look costs next to nothing.

They steer what is asked next. What is reported is summed anew over the stored rows; a test holds
the two against each other.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan

from rixin.core.money import from_pico, to_pico
from rixin.core.outcome import Outcome, State, counted_score
from rixin.core.verdict import StratumTally, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What is counted, from the contract; all of it is known before the first case."""

    weight_max: float = 1.0
    slow_s: float | None = None
    """An answer that takes longer is slow."""
    harm_cases: int = 0
    """Measured cases on which harm is counted: the first ones."""
    harm_stratum: str | None = None
    """Harm is counted in this stratum, and nothing else is."""
    strata: tuple[str, ...] = ()
    """Strata with a floor of their own."""
    scored: bool = False
    """Whether a mean score is promised."""


@dataclass(slots=True)
class _Stratum:
    solved: float = 0.0
    weight: float = 0.0
    unknown: int = 0


@dataclass(slots=True)
class RunningTally:
    """The sums of one candidate's outcomes, in the order of the cases."""

    solver: str
    counted: Counted
    asked: int = 0
    """Outcomes, measured or not, of all cases."""
    spent_pico: int = 0
    """What all answers have cost at most, also those without a result, in 10⁻¹² of the currency."""
    quality: "array[float]" = field(default_factory=lambda: array("d"))
    """1 for solved, 0 for not, NaN for not measured: one figure a case, in order."""
    _cases: int = 0
    _unmeasured: int = 0
    _lost: Counter[str] = field(default_factory=Counter)
    _solved: int = 0
    _abstained: int = 0
    _violations: int = 0
    _harm_cases: int = 0
    _harm_hits: int = 0
    _weight: float = 0.0
    _solved_weight: float = 0.0
    _abstained_weight: float = 0.0
    _cost_known: int = 0
    _cost_pico: int = 0
    _cost_sq: float = 0.0
    _latency_n: int = 0
    _latency_s: float = 0.0
    _slow: int = 0
    _scores: dict[float, float] = field(default_factory=dict)
    _strata: dict[str, _Stratum] = field(default_factory=dict)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Adds outcomes, in the order of the cases."""
        counted = self.counted
        for one in outcomes:
            self.asked += 1
            self.spent_pico += to_pico((one.answer.cost or 0) + one.answer.sunk)
            in_harm = counted.harm_stratum is None or one.case.stratum == counted.harm_stratum
            if in_harm and one.state is not State.UNMEASURED:
                self._count_harm(one)
            if in_harm and counted.harm_stratum is not None:
                continue
            if one.state is State.UNMEASURED:
                self._count_lost(one)
            else:
                self._count(one)

    def tally(self) -> Tally:
        """The sums so far."""
        return Tally(
            solver=self.solver,
            cases=self._cases,
            unmeasured=self._unmeasured,
            lost=tuple(self._lost.most_common()),
            solved=self._solved,
            abstained=self._abstained,
            violations=self._violations,
            harm_cases=self._harm_cases,
            harm_hits=self._harm_hits,
            weight=self._weight,
            weight_max=self.counted.weight_max,
            solved_weight=self._solved_weight,
            abstained_weight=self._abstained_weight,
            scores=tuple(sorted(self._scores.items())),
            cost_known=self._cost_known,
            cost_total=from_pico(self._cost_pico),
            cost_sq=self._cost_sq,
            strata=tuple(
                StratumTally(name=name, solved_weight=s.solved, weight=s.weight, unknown=s.unknown)
                for name, s in ((n, self._strata.get(n, _Stratum())) for n in self.counted.strata)
            ),
            slow=self._slow,
            latency_n=self._latency_n,
            latency_mean=self._latency_s / self._latency_n if self._latency_n else None,
        )

    def _count_harm(self, one: Outcome) -> None:
        if self._harm_cases < self.counted.harm_cases:
            self._harm_cases += 1
            self._harm_hits += bool(one.violations)

    def _count_lost(self, one: Outcome) -> None:
        self._unmeasured += 1
        self._lost[one.reason] += 1
        self.quality.append(nan)
        if one.case.stratum in self.counted.strata and one.reason != "unscored":
            self._strata.setdefault(one.case.stratum, _Stratum()).unknown += 1

    def _count(self, one: Outcome) -> None:
        answer, weight = one.answer, one.case.weight
        solved = one.state is State.SOLVED
        self._cases += 1
        self._solved += solved
        self._violations += bool(one.violations)
        self._weight += weight
        self.quality.append(float(solved))
        if solved:
            self._solved_weight += weight
        if self.counted.scored and one.score is not None:
            score = counted_score(one.score.value, violated=bool(one.violations))
            self._scores[score] = self._scores.get(score, 0.0) + weight
        if answer.abstained:
            self._abstained += 1
            self._abstained_weight += weight
        if answer.cost is not None:
            pico = to_pico(answer.cost)
            self._cost_known += 1
            self._cost_pico += pico
            self._cost_sq += (pico * 1e-12) ** 2
        if answer.latency_s is not None:
            self._latency_n += 1
            self._latency_s += answer.latency_s
            slow_s = self.counted.slow_s
            self._slow += slow_s is not None and answer.latency_s > slow_s
        if one.case.stratum in self.counted.strata:
            part = self._strata.setdefault(one.case.stratum, _Stratum())
            part.weight += weight
            part.solved += weight * solved
