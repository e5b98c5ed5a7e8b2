"""What a decision will ask and cost at most, before any solver is called."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING

from rixin.core.labels import label_set
from rixin.core.money import ceil_cent, format_money
from rixin.core.scenario import Scenario
from rixin.decide.budget import Budget
from rixin.decide.cut_answers import cut_line
from rixin.decide.demand import DemandScore, demand_score
from rixin.decide.needs import needs_of, shortages
from rixin.decide.race import Entry
from rixin.decide.telling import what_is_allowed
from rixin.decide.wording import percent
from rixin.ledger.cases import label_counts, stream_cases
from rixin.ledger.outcomes import stored_between
from rixin.ledger.sample import Sample
from rixin.ledger.tallies import tally
from rixin.report.as_json import plain
from rixin.report.columns import wrap
from rixin.workspace.contender import Contender
from rixin.workspace.endpoints import is_usual, key_goes_to
from rixin.workspace.evaluate import Stored
from rixin.workspace.forecast import Missing, expected_spend
from rixin.workspace.prepare import Dataset, describe_notes
from rixin.workspace.start import shape_of, worth_asking

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 100
_MORE_CASES = (
    "cases are those of the test and, where a cascade may be worth seeking, those to learn from; a"
    " test that is settled early asks fewer"
)
_WRITERS = frozenset({"local", "endpoint", "replay"})
"""Kinds whose answers may be cut."""
_POOL_USE = {
    "shape": "to learn from (shape)",
    "certify": "to decide on (certify)",
    "audit": "kept for later (audit)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """What one candidate will be asked."""

    candidate: str
    kind: str
    cases: int
    stored: int
    """Cases whose answer is stored already."""
    most: Decimal | None
    """The most that the other answers can cost, in money; None: the price is not known."""
    paid: bool
    price: str

    @property
    def missing(self) -> int:
        """Cases that will be asked."""
        return self.cases - self.stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A checked scenario: its demand, its cases, and what a decision takes."""

    scenario: str
    path: str
    owner: str
    currency: str
    demand: DemandScore
    pools: dict[str, int]
    notes: tuple[str, ...]
    illustrative: tuple[str, ...]
    keys: tuple[str, ...]
    """Which key a decision sends to which host."""
    needs: tuple[str, ...]
    """How many cases each term of the promise needs at least."""
    lines: tuple[PlanLine, ...]
    cap: Decimal | None
    allowed: tuple[str, ...] = ()
    """What guards let pass, one line for each."""

    @property
    def most(self) -> Decimal | None:
        """The most that the decision can cost; None: a price is not known."""
        paid = [line.most for line in self.lines if line.paid or line.most is None]
        known = [amount for amount in paid if amount is not None]
        total = sum(known, Decimal(0)) if len(known) == len(paid) else None
        return total if self.cap is None or total is None else min(self.cap, total)

    @property
    def exit_code(self) -> int:
        """1 where not even a perfect solver would pay, else 0."""
        return 0 if self.demand.worth_it else 1

    def to_dict(self) -> dict[str, object]:
        """Values that `json.dumps` takes; money is a string."""
        found = plain(self)
        assert isinstance(found, dict)
        return {**found, "most": plain(self.most)}

    def to_pandas(self) -> "pd.DataFrame":
        """One row for each candidate: what it will be asked, and what that costs at most.

        Raises:
            MissingExtra: pandas is not installed.
        """
        from rixin.report.notebook import data_frame

        return data_frame({**asdict(line), "missing": line.missing} for line in self.lines)

    def _repr_html_(self) -> str:
        from rixin.report.notebook import preformatted

        return preformatted(self.text())

    def __repr__(self) -> str:
        return f"<Plan {self.scenario}: {len(self.lines)} candidates>"

    def text(self) -> str:
        """For a terminal."""
        return "\n".join(self._text())

    def _text(self) -> Iterator[str]:
        yield f"{self.path} holds: {self.scenario}, owner {self.owner}"
        yield ""
        yield from wrap(f"demand score {int(self.demand.score)} of 100: {self.demand.text}", _WIDTH)
        pools = ", ".join(f"{count:,} {_POOL_USE[pool]}" for pool, count in self.pools.items())
        yield from wrap(f"cases: {pools}", _WIDTH)
        for note in self.notes:
            yield from wrap(note, _WIDTH, first="  · ", rest="    ")
        for need in self.needs:
            yield from wrap(need, _WIDTH)
        for allowed in self.allowed:
            yield from wrap(allowed, _WIDTH)
        if self.illustrative:
            names = ", ".join(self.illustrative)
            yield from wrap(f"assumed (defaults, not yours): {names}", _WIDTH)
        yield ""
        yield f"{'candidate':<22}{'kind':<10}{'cases':>9}{'stored':>9}{'costs at most':>20}  price"
        for line in self.lines:
            price, *more = line.price.split("; ")
            yield (
                f"{line.candidate:<22}{line.kind:<10}{line.cases:>9,}{line.stored:>9,}"
                f"{self._cost(line):>20}  {price}"
            )
            yield from (f"{'':<72}{part}" for part in more)
        if any(line.cases > self.pools.get("certify", 0) for line in self.lines):
            yield from wrap(_MORE_CASES, _WIDTH)
        yield ""
        for key in self.keys:
            yield from wrap(f"a decision sends a key: {key}", _WIDTH)
        yield from wrap(self._total(), _WIDTH)
        yield f"next: rixin decide {self.path}"

    def _cost(self, line: PlanLine) -> str:
        if line.most is None:
            return "unknown"
        return format_money(ceil_cent(line.most), self.currency) if line.paid else "no money"

    def _total(self) -> str:
        unpriced = ", ".join(line.candidate for line in self.lines if line.most is None)
        if self.most is None:
            return (
                f"what a decision costs is not known: state the `price` of {unpriced}, which is"
                " {input: 0, output: 0} where the server is your own and costs nothing more"
            )
        if not any(line.paid for line in self.lines):
            return "a decision pays nothing to anybody: all candidates run on this machine"
        cap = "" if self.cap is None else f" (hard cap {format_money(self.cap, self.currency)})"
        return f"a decision costs at most {format_money(ceil_cent(self.most), self.currency)}{cap}"


def plan(
    scenario: Scenario,
    dataset: Dataset,
    stored: Stored,
    contenders: Sequence[Contender],
    budget: Budget,
) -> Plan:
    """The plan of a decision on the cases as they are now."""
    worth = worth_asking(scenario, stored, contenders)
    return Plan(
        scenario=scenario.name,
        path=str(scenario.path),
        owner=scenario.owner,
        currency=scenario.economics.currency,
        demand=demand_score(scenario),
        pools={str(pool): count for pool, count in dataset.pools.items()},
        notes=(
            *describe_notes(dataset.notes),
            *_labels(scenario, dataset, stored),
            *(one.doubt for one in contenders if one.doubt),
        ),
        illustrative=tuple(sorted(scenario.illustrative)),
        keys=tuple(dict.fromkeys(_keys(scenario))),
        needs=(*what_it_takes(scenario, stored), *what_was_cut(scenario, stored)),
        lines=tuple(
            _line(scenario, stored, one, asked=one in worth, proposes=budget.proposed > 0)
            for one in contenders
            if one.candidate.kind != "human"
        ),
        cap=scenario.budget.decide,
        allowed=tuple(what_is_allowed(scenario)),
    )


def _keys(scenario: Scenario) -> Iterator[str]:
    for candidate in scenario.candidates:
        if candidate.kind == "endpoint" and (key := key_goes_to(candidate)):
            yield key if is_usual(candidate) else f"{key}, which is not known as its provider"


def _line(
    scenario: Scenario, stored: Stored, one: Contender, *, asked: bool, proposes: bool
) -> PlanLine:
    """What one candidate may be asked: certify cases, those of the red team, and shape cases."""
    name = one.candidate.name
    samples = _samples(scenario, stored, one, proposes=proposes).values()
    have, most = 0, Decimal(0)
    for chunk in chain.from_iterable(stream_cases(stored.ledger, sample) for sample in samples):
        measured, answered = stored_between(
            stored.ledger, stored.numbers[name], chunk, judge=stored.judge
        )
        have += len(measured.keys() | answered.keys())
        if asked and one.costing.most is not None:
            missing = (c for c in chunk if c.id not in measured and c.id not in answered)
            most += sum((one.costing.most(case) for case in missing), Decimal(0))
    return PlanLine(
        candidate=name,
        kind=one.candidate.kind,
        cases=sum(sample.size for sample in samples) if asked else have,
        stored=have,
        most=most if one.costing.most is not None or one.is_free else None,
        paid=one.paid,
        price=one.price,
    )


def _samples(
    scenario: Scenario, stored: Stored, one: Contender, *, proposes: bool
) -> dict[str, Sample]:
    """The cases that a candidate may be asked, by what they are for."""
    name = one.candidate.name
    samples = {"test": stored.samples[name]}
    if name in stored.red:
        samples["red team"] = stored.red[name]
    if proposes and one.candidate.kind != "cascade":
        samples["search"] = shape_of(scenario, stored)
    return samples


def missing_answers(
    scenario: Scenario, stored: Stored, one: Contender, *, proposes: bool
) -> Missing:
    """Count the answers of a candidate that are stored, and those that are not.

    Args:
        scenario: The scenario.
        stored: Its cases and what is stored of them.
        one: The candidate.
        proposes: Whether cascades may be sought.
    """
    number = stored.numbers[one.candidate.name]
    samples = _samples(scenario, stored, one, proposes=proposes)
    counts = dict.fromkeys(samples, 0)
    for kind, sample in samples.items():
        for chunk in stream_cases(stored.ledger, sample):
            measured, answered = stored_between(stored.ledger, number, chunk, judge=stored.judge)
            counts[kind] += len(measured.keys() | answered.keys())
    rest = {kind: sample.size - counts[kind] for kind, sample in samples.items()}
    return Missing(stored=counts["test"], red=rest.get("red team", 0), search=rest.get("search", 0))


def forecast(
    scenario: Scenario,
    stored: Stored,
    entries: Sequence[Entry],
    contenders: Sequence[Contender],
    *,
    proposes: bool,
    exhaustive: bool,
    spent: Decimal,
) -> str:
    """What paid answers cost at most and as is to be expected; empty where nobody is paid.

    The most is what the calls of all missing answers can cost, in every pool, up to the spend cap;
    the expectation is that of `rixin.workspace.forecast`. Both count the search for cascades.
    """
    raced = {one.candidate.name: one for one in entries}
    asked = [one for one in contenders if one.paid and one.candidate.name in raced]
    if not asked or any(raced[one.candidate.name].price is None for one in asked):
        return ""
    missing = {
        one.candidate.name: missing_answers(scenario, stored, one, proposes=proposes)
        for one in asked
    }
    expected = expected_spend(scenario, entries, missing, exhaustive=exhaustive)
    lines = [_line(scenario, stored, one, asked=True, proposes=proposes) for one in asked]
    most = sum((line.most for line in lines if line.most is not None), Decimal(0))
    if scenario.budget.decide is not None:
        most = min(most, max(Decimal(0), scenario.budget.decide - spent))
    currency = scenario.economics.currency
    likely = min(most, Decimal(repr(expected)))
    search = ", the search for cascades included" if proposes else ""
    return (
        f"paid answers: about {format_money(likely, currency, digits=2)} are expected;"
        f" {format_money(ceil_cent(most), currency)} at most{search}"
    )


def what_it_takes(scenario: Scenario, stored: Stored, *, exhaustive: bool = False) -> Iterator[str]:
    """The fewest cases with which the promise could hold at all, and who gets fewer."""
    unpaid = "" if exhaustive else ", so nobody is paid; `rixin decide --exhaustive` asks all"
    asked = [one.name for one in scenario.candidates if one.kind != "human"]
    sizes = {name: stored.samples[name].size for name in asked}
    widest = max(sizes, key=lambda name: sizes[name])
    yield f"the promise, at {percent(scenario.promise.confidence)} confidence:"
    for need in needs_of(scenario, stored.errors[widest]):
        cure = f": {need.cure}" if need.short else ""
        yield f"· {need}" + (f" ({need.note})" if need.note else "") + cure
    if shortages(scenario, stored.errors[widest]):
        yield f"nothing can be adopted with these cases{unpaid}"
        return
    for name, size in sizes.items():
        if name in stored.outside:
            yield (
                f"{name} is asked {size:,} cases at most, too few to hold the promise: it takes no"
                f" share of the error and is not run (`rixin decide --only {name}` runs it)"
            )
        elif shortages(scenario, stored.errors[name]):
            yield f"{name} is asked {size:,} cases at most: too few to hold the promise"


def what_was_cut(scenario: Scenario, stored: Stored) -> Iterator[str]:
    """Candidates whose stored answers were cut, with the limit to raise before asking on."""
    for candidate in scenario.candidates:
        if candidate.kind in _WRITERS:
            where = (stored.samples[candidate.name], stored.numbers[candidate.name], stored.judge)
            rows = tally(stored.ledger, *where, candidate.name)
            if cut := cut_line(scenario, candidate.name, rows):
                yield cut


def _labels(scenario: Scenario, dataset: Dataset, stored: Stored) -> Iterator[str]:
    """Labels of the contract that no case expects: likely misspelt."""
    if scenario.output.kind != "labels" or not scenario.output.labels:
        return
    known, counts = label_set(scenario.output.labels), label_counts(stored.ledger, dataset.id)
    found = {known.find(expected) for expected in counts}
    unused = [label for label in scenario.output.labels if label not in found]
    if unused:
        yield f"no case expects {', '.join(map(repr, unused[:8]))}: misspelt, or not in these cases?"
    unknown = [expected for expected in counts if known.find(expected) is None]
    if unknown:
        yield (
            f"{len(unknown):,} expected outputs are not among the labels, e.g."
            f" {', '.join(map(repr, sorted(unknown)[:8]))}: no solver can solve those cases"
        )
