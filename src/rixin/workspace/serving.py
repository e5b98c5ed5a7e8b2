"""Builds what serves: a release as a ladder of solvers, and the endpoints a contract declares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rixin.core.answer import Answer, Usage
from rixin.core.case import Case
from rixin.core.money import to_pico
from rixin.core.release import Release
from rixin.core.scenario import Candidate, Scenario
from rixin.core.solver import Guard, Loads, Prompts, Solver
from rixin.core.transport import Transport
from rixin.errors import LedgerFault, UsageError
from rixin.guards.build import TextPolicy, text_guards
from rixin.ledger.cases import has_dataset, label_counts, pool_sizes
from rixin.ledger.releases import find_release
from rixin.ledger.store import Ledger
from rixin.pricing.book import pico_cpu_pricer
from rixin.pricing.rates import Pricer
from rixin.solvers.cascade import Speaks
from rixin.workspace.build import Builder
from rixin.workspace.capabilities import lacks
from rixin.workspace.contender import Contender
from rixin.workspace.endpoints import find_key, find_rates, forbidden
from rixin.workspace.frozen import thaw
from rixin.workspace.prepare import Dataset, labels_of
from rixin.workspace.proposed import with_proposed
from rixin.workspace.sharing import SolverPool

_DEFAULT_TOKENS = 4_096
"""Tokens of an answer that are reserved where a request does not say how many it wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An endpoint that requests can be passed on to as they are."""

    scenario: str
    name: str
    url: str
    """Ends before `/chat/completions`."""
    model: str
    headers: dict[str, str]
    timeout_s: float
    price_pico: Callable[[Usage], int | None]
    """In 10⁻¹² currency units; None: not known, which is never zero."""
    pricer: Pricer | None
    """Says what a call may cost at most; None: nobody knows its price."""
    host: str
    """The model at that server, for the breaker."""
    most_tokens: int = _DEFAULT_TOKENS
    max_input_tokens: int | None = None
    """The most that a call reads, as the contract states it."""
    context: int | None = None
    """Tokens that the model has room for, question and answer together; None: not known."""
    lacks: Mapping[str, str] = field(default_factory=dict)
    """What it cannot do, of `json_schema`, `tools` and `vision`, and how that is known."""
    text_guards: tuple[TextPolicy, ...] = ()
    """What is done about requests before they leave."""

    @property
    def is_bounded(self) -> bool:
        """Whether it is known to lack something, or to have room for so much only."""
        return self.context is not None or bool(self.lacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One solver of a release, and what lets its answer stand."""

    name: str
    kind: str
    solver: Solver
    least: float | None
    """Least that must speak for its answer; None: every answer stands."""
    speaks: Speaks | None
    price_pico: Callable[[Answer], int | None]
    """Cost of an answer in 10⁻¹² currency units; None: not known."""
    most_pico: Callable[[Case], int] | None
    """The most that one call can cost; None: it costs no money elsewhere."""
    host: str = ""
    """Where its calls go, and to which model, for the breaker; empty: nowhere."""
    concurrency: int = 1

    @property
    def is_plain(self) -> bool:
        """Whether it answers here and now: it needs no money, no upstream and no queue."""
        return not self.host and self.kind != "local" and self.most_pico is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A release that can answer: at once when it is loaded."""

    release: Release
    scenario: Scenario
    tiers: tuple[Tier, ...]
    """Cheapest first; a case goes on to the next one where an answer does not stand."""
    guards: tuple[Guard, ...]
    """What judges answers."""
    text_guards: tuple[TextPolicy, ...]
    """What is done about requests before they leave, and before they are kept."""
    labels: tuple[str, ...]
    all_solvers: tuple[Solver, ...]
    """To be given back in the end."""
    pool: SolverPool = field(default_factory=SolverPool)
    """Where other releases find them."""

    async def load(self) -> None:
        """Fits, loads and starts what its solvers answer with, so that no caller waits for it.

        Raises:
            RixinError: A solver cannot be made ready.
        """
        for solver in self.all_solvers:
            if isinstance(solver, Loads):
                await solver.load()

    async def close(self) -> None:
        """Gives back sessions, processes and memory."""
        for solver in self.all_solvers:
            await self.pool.give_back(solver)


def build_served(
    ledger: Ledger,
    release: Release,
    transport: Transport,
    *,
    say: Callable[[str], None],
    pool: SolverPool | None = None,
) -> Served:
    """A release as it was decided on.

    Args:
        ledger: Where its cases and its evidence lie.
        release: The release.
        transport: How endpoints are reached.
        say: Gets a line before each step that takes long.
        pool: Where releases find solvers that others have already; None: it is alone.

    Raises:
        UsageError: What would serve is not what was decided on: a file or a model has changed.
        EnvironmentFault: A key, a model, a package or the cases are missing.
    """
    if not has_dataset(ledger, release.dataset_id):
        raise LedgerFault(
            f"the cases of {release.scenario}@{release.number} are not in this ledger",
            hint="serve with the ledger that the release was made in",
        )
    builder = _builder(ledger, release, transport, say=say)
    scenario = builder.scenario
    chosen = builder.chosen(release.solver)
    if chosen.solver.fingerprint != release.fingerprint:
        raise UsageError(
            f"what {release.scenario}@{release.number} would serve is not what was decided on:"
            f" a file, a model or a prompt of {release.solver!r} has changed since",
            hint=f"decide and release anew: rixin decide {release.path}",
        )
    guards, texts = tuple(builder.judge().guards), _text_guards(scenario)
    labels, pool = builder.output().labels, SolverPool() if pool is None else pool
    made = {name: replace(one, solver=pool.take(one.solver)) for name, one in builder.made.items()}
    chosen = made[release.solver]
    tiers = tuple(_tier(made[step.name], step.least, step.speaks) for step in chosen.steps) or (
        _tier(chosen, None, None),
    )
    return Served(
        release=release,
        scenario=scenario,
        tiers=tiers,
        guards=guards,
        text_guards=texts,
        labels=labels,
        all_solvers=tuple(one.solver for one in made.values()),
        pool=pool,
    )


def _builder(
    ledger: Ledger,
    release: Release,
    transport: Transport,
    *,
    say: Callable[[str], None],
    need_keys: bool = True,
) -> Builder:
    stated = thaw(release.frozen, Path(release.path))
    scenario = with_proposed(stated, release.certificate["proposed"])
    return Builder(
        scenario=scenario,
        dataset=_dataset(ledger, scenario, release.dataset_id),
        ledger=ledger,
        transport=transport,
        need_keys=need_keys,
        serves=True,
        say=say,
    )


def prompts_of(
    ledger: Ledger, request: Mapping[str, Any], transport: Transport
) -> dict[str, Sequence[tuple[str, str]]]:
    """Solver → the messages that it was sent for a request, as its release writes them.

    Args:
        ledger: Where the cases lie that prompts show.
        request: As `rixin.ledger.requests.find_request` gives it; values that guards took out of what
            is kept are missing here, too.
        transport: Nothing is sent.

    Returns:
        Nothing of solvers without a prompt, nor where what was asked is not kept.
    """
    content, steps = request["content"], request["detail"].get("steps", ())
    if content is None or request["release"] is None:
        return {}
    release = find_release(ledger, request["scenario"], request["release"])
    builder = _builder(ledger, release, transport, say=lambda _: None, need_keys=False)
    builder.chosen(release.solver)
    asked = {step[0]: builder.made[step[0]].solver for step in steps}
    return {
        name: solver.prompt(content["input"])
        for name, solver in asked.items()
        if isinstance(solver, Prompts)
    }


def upstreams_of(scenario: Scenario, names: Sequence[str]) -> list[Upstream]:
    """The endpoints that a contract declares, for requests that are passed on as they are.

    Args:
        scenario: The contract.
        names: Candidates that may be called so; those that are no endpoint are passed over.

    Raises:
        EndpointFault: A key is not set.
    """
    return [
        _upstream(scenario, one)
        for one in scenario.candidates
        if one.kind == "endpoint" and one.name in names and not forbidden(scenario, one)
    ]


def _upstream(scenario: Scenario, candidate: Candidate) -> Upstream:
    options = candidate.options
    key, rates = find_key(scenario, candidate, need=True), find_rates(scenario, candidate)
    headers = {"Content-Type": "application/json"}
    if key.value:
        headers["Authorization"] = f"Bearer {key.value}"
    wanted, read = options.get("max_tokens"), options.get("max_input_tokens")
    room = options.get("context")
    return Upstream(
        scenario=scenario.name,
        name=candidate.name,
        url=str(options["base_url"]),
        host=_place(candidate),
        model=str(options["model"]),
        headers=headers,
        timeout_s=float(str(options["timeout_s"])),
        price_pico=(lambda _: None) if rates is None else rates.pricer,
        pricer=None if rates is None else rates.pricer,
        most_tokens=_DEFAULT_TOKENS if wanted is None else int(str(wanted)),
        max_input_tokens=None if read is None else int(str(read)),
        context=None if room is None else int(str(room)),
        lacks=lacks(scenario, candidate),
        text_guards=_text_guards(scenario),
    )


def _text_guards(scenario: Scenario) -> tuple[TextPolicy, ...]:
    return tuple(text_guards(scenario.policy.guards, scenario.path.parent))


def _tier(contender: Contender, least: float | None, speaks: Speaks | None) -> Tier:
    candidate = contender.candidate
    return Tier(
        name=candidate.name,
        kind=candidate.kind,
        solver=contender.solver,
        least=least,
        speaks=speaks,
        price_pico=_priced(contender),
        most_pico=_most(contender),
        host=_place(candidate) if candidate.kind == "endpoint" else "",
        concurrency=contender.concurrency,
    )


def _priced(contender: Contender) -> Callable[[Answer], int | None]:
    price, rates = contender.costing.price, contender.costing.rates
    if contender.costing.cpu_hour is not None:
        by_time = pico_cpu_pricer(contender.costing.cpu_hour)
        return lambda answer: by_time(answer.usage)
    if rates is None:

        def slow(answer: Answer) -> int | None:
            cost = price(answer)
            return None if cost is None else to_pico(cost)

        return slow
    count = rates.pricer

    def fast(answer: Answer) -> int | None:
        used = answer.usage
        # Without a failure, no tokens means that the server did not say what it used.
        unknown = used.unknown_calls or (answer.failure is None and not used.input_tokens)
        return None if unknown else count(used)

    return fast


def _most(contender: Contender) -> Callable[[Case], int] | None:
    costing, most = contender.costing, contender.costing.most
    if costing.rates is not None and (usage := costing.most_usage) is not None:
        rates = costing.rates
        bound = rates.pricer.most
        return lambda case: bound(usage(case), media=False) or 0
    return None if most is None else lambda case: to_pico(most(case))


def _place(candidate: Candidate) -> str:
    """A model at a server: one that is overloaded says nothing about the next."""
    return f"{candidate.options['base_url']} {candidate.options['model']}"


def _dataset(ledger: Ledger, scenario: Scenario, dataset_id: str) -> Dataset:
    counts = label_counts(ledger, dataset_id) if scenario.output.kind == "labels" else {}
    labels = labels_of(scenario, counts)
    sizes = pool_sizes(ledger, dataset_id)
    return Dataset(id=dataset_id, pools=sizes, labels=labels, notes={})
