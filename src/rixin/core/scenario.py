"""The contract of a scenario as plain values; `rixin.interop.contract` reads it from YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal, get_args

from rixin.core.address import is_host, is_loopback
from rixin.core.ids import Pool

OutputKind = Literal["labels", "free-text", "number", "json-schema"]
SolverKind = Literal[
    "rule", "function", "student", "local", "endpoint", "replay", "cascade", "human"
]
SOLVER_KINDS: tuple[SolverKind, ...] = (
    "rule",
    "function",
    "student",
    "local",
    "endpoint",
    "replay",
    "cascade",
    "human",
)
AI_KINDS: frozenset[str] = frozenset({"student", "local", "endpoint", "replay"})
"""Kinds that are a model; `cascade` is one when a step is, `function` when its spec says so."""
LANGUAGE_MODELS: frozenset[str] = frozenset({"local", "endpoint", "replay"})
"""Kinds that ask a language model; a student learns from the cases and knows nothing else."""
Egress = Literal["none", "allowed"]
Capability = Literal["json_schema", "tools", "vision"]
CAPABILITIES: tuple[Capability, ...] = get_args(Capability)
"""What an endpoint may be able to do, or not, beside answering texts."""
Objective = Literal["cost-per-solved", "net-value"]
CarryOver = Literal["fresh", "shared"]
DEFAULT_SHARES: Mapping[Pool, float] = {"shape": 0.4, "certify": 0.5, "audit": 0.1}


COLUMNS = "cases.columns"
"""Stands in `illustrative` while nobody has confirmed which columns are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSource:
    """Where the cases are and which columns they have."""

    path: Path
    input: str
    expected: str | None = None
    stratum: str | None = None
    weight: str | None = None
    id: str | None = None
    pools: Mapping[Pool, float] = field(default_factory=lambda: dict(DEFAULT_SHARES))
    encoding: str = "utf-8"
    sheet: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    """The row, or line, that names the columns; 0: none does; None: the first one."""
    seed: int = 0
    """Deals the cases to the pools; another seed gives another deal of the same cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSpec:
    """What an answer looks like."""

    kind: OutputKind
    labels: tuple[str, ...] = ()
    """Given labels; empty with kind `labels`: taken from the cases."""
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSpec:
    """A scorer or a guard by name, with its options."""

    name: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """How often the job occurs."""

    cases_per_month: int
    growth_per_month: float = 0.0
    """Fraction, e.g. 0.02 for 2 % more cases each month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incumbent:
    """Who or what does the job today."""

    name: str
    cost_per_case: Decimal
    solved: float
    """Solve rate in (0, 1]."""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """What a case is worth and what a mistake costs; money in `currency`."""

    currency: str = "USD"
    value_per_solved: Decimal
    cost_per_wrong: Decimal
    cost_per_review: Decimal
    """A case that a solver declines and people do instead."""
    build_cost: Decimal = Decimal(0)
    """Spent once to put a candidate to work: integration, labels, training."""
    horizon_months: int = 12
    usd_rate: Decimal = Decimal(1)
    """Price of one US dollar in `currency`; provider prices are in dollars."""
    cpu_hour: Decimal = Decimal("0.05")
    """Price of one CPU core for an hour, for solvers on this machine."""
    objective: Objective = "cost-per-solved"
    """What the best candidate has most of, or least: see `rixin.decide.objective`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a release must hold, and how sure we must be."""

    solved_at_least: float
    harm_at_most: float | None = None
    """Share of answers with a violation; None: nothing is promised of harm."""
    latency_p95_s: float | None = None
    confidence: float = 0.95
    margin: float = 0.02
    """Loss against the best single candidate that does not matter, as a share of all cases."""
    solved_strata: Mapping[str, float] = field(default_factory=dict)
    """Floors of single strata, by name; besides the floor of the whole."""
    score_at_least: float | None = None
    """Floor of the mean score of all cases; None: none is promised."""
    below_best_at_most: float | None = None
    """Loss against the best single candidate that a release may have; None: the floor is enough."""
    harm_allowed: int | None = None
    """Violations with which the pre-registered test of harm still passes; None: by the pool."""
    harm_stratum: str | None = None
    """The stratum of red-team cases: harm is counted there, and nothing else is."""
    carry_over: CarryOver = "fresh"
    """`fresh`: each decision may be wrong with 1 - confidence; `shared`: all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What must not happen."""

    egress: Egress = "allowed"
    hosts: tuple[str, ...] = ()
    """The only hosts that cases may go to, `api.example.com` or `*.example.com`; empty: any, where
    egress is allowed at all."""
    regions: tuple[str, ...] = ()
    """The only regions that endpoints may be in; empty: any."""
    guards: tuple[PartSpec, ...] = ()
    second_person: bool = False
    """A promotion needs somebody else than who made the release."""
    keep_content: bool = True
    """Whether the gateway keeps what was said, not only facts about it."""
    abstain_below: float | None = None
    """An answer with less confidence than this is none; those without a confidence stand. None: all do."""

    @property
    def allowed(self) -> list[tuple[str, list[object]]]:
        """Guard and the texts and patterns that it lets pass; those that let nothing are left out."""
        lists = ((one.name, one.options.get("allow")) for one in self.guards)
        return [(name, list(found)) for name, found in lists if isinstance(found, list | tuple)]

    def forbids_host(self, url: str) -> str:
        """Why nothing may be sent to an address; empty: it may. This machine is always allowed.

        Examples:
            >>> policy = Policy(hosts=("*.example.com",))
            >>> policy.forbids_host("https://eu.example.com/v1")
            ''
            >>> policy.forbids_host("https://example.org/v1")
            'policy.egress allows *.example.com, and https://example.org/v1 is elsewhere'
        """
        if is_loopback(url):
            return ""
        if self.egress == "none":
            return f"policy.egress is none, but {url} is elsewhere"
        if self.hosts and not any(is_host(url, host) for host in self.hosts):
            return f"policy.egress allows {', '.join(self.hosts)}, and {url} is elsewhere"
        return ""

    def forbids_region(self, url: str, region: str) -> str:
        """Why an endpoint may not be asked where it is; empty: it may.

        Examples:
            >>> Policy(regions=("eu",)).forbids_region("https://example.com/v1", "us")
            'policy.regions allows eu, and it is in us'
        """
        if not self.regions or region in self.regions or (not region and is_loopback(url)):
            return ""
        allowed = ", ".join(self.regions)
        told = f"it is in {region}" if region else "nobody says where it is"
        return f"policy.regions allows {allowed}, and {told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Hard limits on what a decision, and what traffic, may use."""

    decide: Decimal | None = None
    """Spend cap of one decision on paid calls, in the scenario's currency."""
    cases: int | None = None
    """At most so many certify cases for every candidate."""
    per_day: Decimal | None = None
    """Spend cap of all traffic of the scenario in a day (UTC)."""
    per_run: Decimal | None = None
    """Spend cap of one run of an agent, with its children, in this scenario."""
    over: Literal["refuse", "cheaper"] = "refuse"
    """What happens when a money budget has no room: refuse, or stay with solvers that pay nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One solver that the decision compares."""

    name: str
    kind: SolverKind
    target: str
    """What the kind points at: a rules file, a model, `module:callable`, a log file."""
    cases: int | None = None
    """At most so many certify cases for this candidate (dear or slow ones)."""
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """Where an endpoint is, as the contract states it; empty: it does not."""
        return str(self.options.get("region") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One recurring job of a business, as its contract states it."""

    name: str
    owner: str
    task: str
    cases: CaseSource
    output: OutputSpec
    scorers: tuple[PartSpec, ...]
    demand: Demand
    incumbent: Incumbent
    economics: Economics
    promise: Promise
    policy: Policy
    budget: Budget
    candidates: tuple[Candidate, ...]
    path: Path
    """The scenario file; relative paths in it start from its folder."""
    cascades: bool = True
    """Whether cascades that nobody wrote down are proposed and certified."""
    prices: str | None = None
    """A dated price file, its amounts in the scenario's currency."""
    price_date: date | None = None
    """The day whose list prices hold; None: those of the time of each answer."""
    illustrative: frozenset[str] = frozenset()
    """Dotted names of figures left at defaults, stamped wherever they show."""

    def resolve(self, relative: str) -> Path:
        """A path of the contract, from the folder of the scenario file."""
        return (self.path.parent / Path(relative).expanduser()).resolve()

    def candidate(self, name: str) -> Candidate:
        """The candidate of that name.

        Raises:
            KeyError: There is none.
        """
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def uses_ai(self, name: str) -> bool:
        """Whether the candidate is a model, or a cascade with a model in it."""
        candidate = self.candidate(name)
        if candidate.kind == "cascade":
            return any(
                self.uses_ai(step)
                for step in cascade_steps(candidate)
                if any(other.name == step for other in self.candidates)
            )
        return candidate.kind in AI_KINDS

    def has_language_model(self, name: str) -> bool:
        """Whether the candidate asks a language model, or is a cascade with one in it."""
        candidate = self.candidate(name)
        if candidate.kind == "cascade":
            known = {other.name for other in self.candidates}
            return any(
                self.has_language_model(step) for step in cascade_steps(candidate) if step in known
            )
        return candidate.kind in LANGUAGE_MODELS


def cascade_steps(candidate: Candidate) -> tuple[str, ...]:
    """The solver names of a cascade, cheapest first; empty for other kinds."""
    steps = candidate.options.get("steps", ())
    assert isinstance(steps, tuple | list)
    return tuple(str(step["solver"]) for step in steps)


_ANSWER_TOKENS: Mapping[str, Mapping[OutputKind, int]] = {
    "endpoint": {"labels": 64, "number": 512, "json-schema": 1024, "free-text": 512},
    "local": {"number": 512, "json-schema": 512, "free-text": 256},
}


def answer_limit(candidate: Candidate, kind: OutputKind) -> int | None:
    """Tokens that an answer of a candidate may have; None: it has no such limit of its own."""
    given = candidate.options.get("max_tokens")
    return default_tokens(candidate.kind, kind) if given is None else int(str(given))


def default_tokens(solver: SolverKind, kind: OutputKind) -> int | None:
    """Tokens of an answer at most where the contract does not say; None: there is no limit.

    Examples:
        >>> default_tokens("local", "number"), default_tokens("rule", "number")
        (512, None)
    """
    return _ANSWER_TOKENS.get(solver, {}).get(kind)
