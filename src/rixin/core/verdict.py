"""The verdict: the decision on a scenario, with its evidence and its price."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Decision(StrEnum):
    """The four verdicts."""

    ADOPT = "adopt"
    KEEP = "keep the incumbent"
    NO_AI = "do not use AI"
    CANNOT_TELL = "cannot tell"


class Standing(StrEnum):
    """Where a candidate stands against the promise."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"
    UNMEASURED = "unmeasured"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval."""

    value: float | None
    """None: not known."""
    lower: float | None
    upper: float | None
    """None: not bounded by the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumTally:
    """The measured rows of one candidate in one stratum."""

    name: str
    solved_weight: float = 0.0
    weight: float = 0.0
    """Of measured cases."""
    unknown: int = 0
    """Cases that could have been measured and were not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The stored rows of one candidate, summed; the only input of its figures.

    Weighted counts are sums of case weights; all other counts are plain.
    Sums of money are floats here only to form squares; `cost_total` is exact.
    """

    solver: str
    cases: int = 0
    """Outcomes that were measured: solved or unsolved."""
    unmeasured: int = 0
    missing: int = 0
    """Cases of the sample that have no stored row (the run was stopped)."""
    causes: tuple[tuple[str, int], ...] = ()
    """Reason of not being solved or not measured → count, most frequent first."""
    lost: tuple[tuple[str, int], ...] = ()
    """Those of `causes` for which outcomes were not measured."""
    solved: int = 0
    abstained: int = 0
    violations: int = 0
    """Measured outcomes with at least one violation."""
    harm_cases: int = 0
    """Measured cases of the pre-registered sample for harm: the first in its random order."""
    harm_hits: int = 0
    """Those of them with a violation."""
    weight: float = 0.0
    weight_max: float = 1.0
    """Largest weight of a case in the pool: what counts as one case in the tests."""
    solved_weight: float = 0.0
    abstained_weight: float = 0.0
    scores: tuple[tuple[float, float], ...] = ()
    """Score in [0, 1] → weight of the measured cases with it, rising; empty where no mean score is
    promised."""
    cost_known: int = 0
    """Measured outcomes with a known cost."""
    cost_total: Decimal = Decimal(0)
    cost_sq: float = 0.0
    """Sum of squared costs over measured outcomes."""
    strata: tuple[StratumTally, ...] = ()
    """The strata with floors of their own."""
    slow: int = 0
    """Measured outcomes that took longer than the promise allows."""
    latency_n: int = 0
    latency_mean: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    latency_p95_lower: float | None = None
    latency_p95_upper: float | None = None
    retries: int = 0
    twin_cases: int = 0
    """Measured cases with a near copy in another pool."""
    twin_solved: int = 0
    spent: Decimal = Decimal(0)
    """Money that the stored rows cost when they were first asked, at most."""
    sunk: Decimal = Decimal(0)
    """The part of it that nobody knows for sure: calls that were lost or timed out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTally:
    """Two candidates on the cases that both were measured on."""

    first: str
    second: str
    both: int = 0
    only_first: int = 0
    only_second: int = 0
    neither: int = 0

    @property
    def cases(self) -> int:
        """Cases that both were measured on."""
        return self.both + self.only_first + self.only_second + self.neither


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How far a candidate was asked, and why no further."""

    order: int = 0
    """Its place in the order of asking, from 1; 0: not known."""
    state: str = ""
    """A word of `rixin.decide.race.State`; empty: it was not in a race."""
    asked: int = 0
    """Cases it was asked."""
    planned: int = 0
    """Cases it would have been asked if nothing had ended its test before."""
    price: float | None = None
    """Cost of an answer that was expected before it was asked, in money."""
    proposed: bool = False
    """Nobody wrote it down: it was proposed on shape cases and certified on others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a decision has asked and paid, against asking every candidate everything."""

    answers: int
    """Answers that the decision rests on."""
    all_answers: int
    """Answers of every candidate to every case it may be asked."""
    spent: Decimal | None
    """What the answers cost when they were first asked; None: some price is not known."""
    all_spent: float | None
    """What all answers would cost, by measured means and expected prices; None: not known."""

    @property
    def share(self) -> float | None:
        """Money spent as a share of what all answers would cost; None: not known, or no money."""
        if self.spent is None or not self.all_spent:
            return None
        return float(self.spent) / self.all_spent


@dataclass(frozen=True, slots=True, kw_only=True)
class TermResult:
    """One term of the promise, as a candidate stands to it."""

    name: str
    """`solved`, `score`, `stratum`, `harm` or `latency`."""
    limit: float
    """What is promised: a share, a mean score, or seconds."""
    measured: float | None
    worst: float | None
    """What it could be as bad as; None: not bounded by the evidence."""
    standing: Standing
    cases: int = 0
    """Measured cases that it rests on."""
    stratum: str = ""
    """Of a floor of one stratum: its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What one figure of the contract does to the saving of a month, all others as they stand."""

    name: str
    """Dotted, as in the contract."""
    value: float
    low: float
    high: float
    at_low: float
    """Saving a month where the figure is `low`."""
    at_high: float
    even: float | None
    """The figure at which nothing is saved; None: at none that is possible."""

    @property
    def swing(self) -> float:
        """How far the saving moves from `low` to `high`, in money a month."""
        return abs(self.at_high - self.at_low)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateResult:
    """One candidate with its figures; money in the scenario's currency."""

    name: str
    kind: str
    uses_ai: bool
    tally: Tally
    standing: Standing
    reasons: tuple[str, ...]
    """Each term of the promise, in words: holds, fails or open, with the figures."""
    solved: Estimate
    harm: Estimate
    latency_p95: Estimate
    cost_per_case: Estimate
    cost_per_solved: Estimate
    """E[cost + review·abstained + wrong·E] / E[solved], METHODS §6."""
    saving_per_month: Estimate
    """Against the incumbent at the stated demand."""
    break_even_cases: float | None
    """Cases a month from which it pays within the horizon; None: at no volume."""
    payback_days: float | None
    """Days until the build cost is earned; None: never."""
    net_margin: Estimate
    """Of the job: (value of solved − all costs) / value of solved."""
    cases_needed: int | None
    """More cases to settle an open term; None: nothing is open, or no number settles it."""
    error_chance: float
    """The chance that a standing of HOLDS or FAILS is wrong, at most."""
    trial: Trial = field(default_factory=Trial)
    score: Estimate | None = None
    """The mean score; None where none is promised."""
    terms: tuple[TermResult, ...] = ()
    """Each term of the promise; empty where it was not measured."""

    @property
    def not_needed(self) -> bool:
        """Whether it was left out because it could not have been better."""
        return self.tally.cases == 0 and self.trial.state == "not needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncumbentResult:
    """The incumbent beside every candidate; figures from the contract."""

    name: str
    cost_per_case: Decimal
    solved: float
    cost_per_solved: float
    value_per_month: float
    """Value of solved cases − all costs, a month."""
    net_margin: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """Two candidates compared on the same cases."""

    tally: PairTally
    p_value: float
    """Exact two-sided sign test that they differ at all."""
    difference: Estimate
    """Solve rate of the first minus that of the second."""
    no_worse: bool
    """Certified by the exact matched-pair test: first loses less than the margin to second."""
    method: str
    """`exact` or `betting`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One of the three factors, before (incumbent) and after (the winner)."""

    name: str
    before: float | None
    after: float | None
    unit: str
    """`money`, `money/month` or `share`."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The test cases that a verdict lacks."""

    cases: int
    """More cases that are needed."""
    there: int
    """Those that there are of the kind."""
    kind: str
    rows: int | None
    """Rows of the file that bring them; None: a limit binds, and not the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision, its price, and what would change it."""

    scenario: str
    owner: str
    decision: Decision
    winner: str | None
    headline: str
    """One sentence for everybody, e.g. `Adopt student: …`."""
    because: tuple[str, ...]
    """The reasons in plain words."""
    error_chance: float
    """The chance that the promise of this verdict is wrong, at most."""
    changes: tuple[str, ...]
    """What would change this decision."""
    warnings: tuple[str, ...]
    cases_needed: int | None
    currency: str
    candidates: tuple[CandidateResult, ...]
    incumbent: IncumbentResult
    pairs: tuple[PairResult, ...]
    factors: tuple[Factor, ...]
    illustrative: tuple[str, ...]
    spent: Decimal | None
    """Money paid for the stored rows this verdict rests on; None: some price is not known."""
    effort: Effort | None = None
    equal_to_winner: tuple[str, ...] = ()
    """Candidates that are practically equal to the winner, which was preferred to them."""
    nearest: str | None = None
    """The winner; without one, the candidate that comes nearest to a saving."""
    missing: Missing | None = None
    """What `cases_needed` is made of; None: it is settled, or no number of cases would do it."""
    sensitivities: tuple[Sensitivity, ...] = ()
    """What the saving of that candidate hangs on, most first; empty where it is not known."""

    @property
    def value_stated(self) -> bool:
        """Whether somebody has said what a solved case is worth; else no margin means anything."""
        return "economics.value_per_solved" not in self.illustrative
