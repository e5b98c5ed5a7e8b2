"""What a report shows: the verdict and everything around it, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from rixin.core.verdict import CandidateResult, Verdict

Part = tuple[str, float]
"""One line of a waterfall: its label and its amount a month (income > 0, cost < 0)."""
Waterfall = tuple[str, tuple[Part, ...]]
"""A solver's name and the parts that its net value a month is the sum of."""
AnswerRow = tuple[str, str | None, str, float | None]
"""Solver, output, state (`core.outcome.State`), confidence."""

VALUE = "value of solved cases"
ANSWERS = "cost of answers"
WRONG = "cost of wrong answers"
REVIEWS = "cost of reviews"
BUILD = "cost to build, spread"

_RESTS_ON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cost_per_solved": (
            "economics.cost_per_wrong",
            "economics.cost_per_review",
            "economics.cpu_hour",
        ),
        "saving_per_month": ("economics", "demand", "incumbent"),
        "net_value": ("economics", "demand", "incumbent"),
        "payback_days": ("economics", "demand", "incumbent"),
        "margin": ("economics", "demand", "incumbent"),
        "incumbent": ("incumbent",),
        "incumbent_cost": ("incumbent", "economics.cost_per_wrong"),
        "demand": ("demand",),
        "floor": ("promise.solved",),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingCase:
    """A case that solvers answered differently."""

    ref: str
    """The user's own id, or the line."""
    id: str
    input: str
    expected: str | None
    rows: tuple[AnswerRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """What one solver's answers are priced at."""

    solver: str
    text: str
    date: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverLine:
    """One solver as it was run."""

    name: str
    kind: str
    fingerprint: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One stratum of the cases, as the shown candidate did on it."""

    name: str
    cases: int
    solved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """A figure that the verdict rests on and nobody has measured."""

    name: str
    """Dotted, as in the contract."""
    value: float | str
    unit: str = "money"
    """`money`, `count`, `share`, `rate` or `text`."""
    assumed: bool
    """A default, which nobody has stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Care:
    """What the contract does about that which can go wrong."""

    egress: bool = False
    """Whether cases may leave this machine at all."""
    hosts: tuple[tuple[str, str, str], ...] = ()
    """Solver, the host that it sends cases to (empty: this machine) and its region, if stated."""
    allowed_hosts: tuple[str, ...] = ()
    """The only hosts that cases may go to; empty: any, where they may leave at all."""
    regions: tuple[str, ...] = ()
    """The only regions that endpoints may be in; empty: any."""
    guards: tuple[str, ...] = ()
    """Names of the guards in the contract."""
    harm_promised: bool = False
    second_person: bool = False
    keep_content: bool = True
    abstain_below: float | None = None
    licences: tuple[tuple[str, str], ...] = ()
    """Solver and the licence of its weights; empty: not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything that a report of one decision shows."""

    scenario: str
    owner: str
    task: str
    path: str
    """The scenario file, as the user named it."""
    decided_at: datetime
    verdict: Verdict
    waterfalls: tuple[Waterfall, ...] = ()
    """The incumbent first, then the candidates to show."""
    differing: tuple[DifferingCase, ...] = ()
    notes: tuple[str, ...] = ()
    """Notes on the data."""
    pools: Mapping[str, int] = field(default_factory=dict)
    prices: tuple[PriceLine, ...] = ()
    solvers: tuple[SolverLine, ...] = ()
    environment: str = ""
    floor: float
    """The promise: solved at least, in [0, 1]."""
    score_floor: float | None = None
    """The promise: mean score at least, in [0, 1]; None: none."""
    demand_per_month: int
    illustrative: tuple[str, ...] = ()
    """Dotted names of contract figures that are defaults, not the user's own."""
    slices: tuple[Slice, ...] = ()
    """Of `best`; empty where the cases have no strata."""
    answers: tuple[tuple[str, str | None, int], ...] = ()
    """Of `best`, with labels: expected, given (None: nothing) and how often."""
    assumptions: tuple[Assumption, ...] = ()
    care: Care = field(default_factory=Care)
    build_cost: float = 0.0
    """Spent once, in money."""
    horizon_months: int = 12
    certify_share: float = 0.5
    """Part of the rows of a file that become test cases, in (0, 1]."""
    cases_file: str = ""

    def is_illustrative(self, figure: str) -> bool:
        """Whether a shown figure rests on a contract figure left at its default.

        Args:
            figure: cost_per_solved, saving_per_month, net_value, payback_days, margin,
                incumbent, incumbent_cost, demand or floor.
        """
        return any(
            name == root or name.startswith(f"{root}.")
            for name in self.illustrative
            for root in _RESTS_ON[figure]
        )

    def shown(self) -> tuple[CandidateResult, ...]:
        """The candidates that were worth asking; the verdict's reasons name the others."""
        return tuple(one for one in self.verdict.candidates if not one.not_needed)

    def best(self) -> CandidateResult | None:
        """The winner; without one, the candidate that comes nearest to a saving."""
        candidates = self.verdict.candidates
        for candidate in candidates:
            if candidate.name == (self.verdict.winner or self.verdict.nearest):
                return candidate
        known = [one for one in candidates if one.saving_per_month.value is not None]
        return max(known, key=lambda one: one.saving_per_month.value or 0.0, default=None)
