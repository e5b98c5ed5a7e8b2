"""Makes solvers, scorers and guards out of a contract; nothing else builds from configuration."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any

from rixin.core.answer import Answer
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.core.labels import LabelSet, label_set
from rixin.core.scenario import Candidate, OutputSpec, Scenario
from rixin.core.solver import Solver
from rixin.core.transport import Transport
from rixin.engine.judge import Judge
from rixin.engine.runner import Costing
from rixin.errors import UnknownName
from rixin.ledger.cases import stream_pool
from rixin.ledger.store import Ledger
from rixin.pricing.book import changed_on, cpu_cost
from rixin.solvers.cascade import Speaks
from rixin.workspace.contender import CascadeStep, Contender
from rixin.workspace.prepare import Dataset

_LOCAL_CPU_S = 1.0
"""CPU seconds that an answer of a local model is expected to take, before one is asked."""
_ESCALATED = 0.5
STUDENTS = "students"
"""The folder beside the ledger where trained students are kept."""
_SMALL_LOG = 16 << 20
"""Bytes of a log that is held in memory."""


@dataclass(slots=True, kw_only=True)
class Builder:
    """Builds the contenders of one scenario on one snapshot of its cases."""

    scenario: Scenario
    dataset: Dataset
    ledger: Ledger
    transport: Transport
    need_keys: bool = True
    """False where nothing will be asked: a report needs no key."""
    serves: bool = False
    """Whether what is built answers callers, as it was decided on."""
    say: Any = print
    """Gets a line before each step that takes long."""
    _made: dict[str, Contender] = field(default_factory=dict)

    def judge(self) -> Judge:
        """Scorers and guards as one judge."""
        from rixin.guards.build import build_guard
        from rixin.scorers.build import build_scorer
        from rixin.scorers.combine import combine

        output, labels = self.output(), self.dataset.labels
        folder = self.scenario.path.parent
        return Judge(
            scorer=combine([build_scorer(spec, output, labels) for spec in self.scenario.scorers]),
            guards=[
                build_guard(spec, output, labels, folder) for spec in self.scenario.policy.guards
            ],
            labels=label_set(tuple(labels)) if output.kind == "labels" else None,
            abstain_below=self.scenario.policy.abstain_below,
        )

    def output(self) -> OutputSpec:
        """The output with its labels filled in, in a stable order."""
        if self.scenario.output.kind != "labels":
            return self.scenario.output
        given = self.scenario.output.labels or tuple(sorted(self.dataset.labels))
        return replace(self.scenario.output, labels=given)

    def contenders(self) -> list[Contender]:
        """Every candidate of the contract, in its order.

        Raises:
            RixinError: A candidate cannot be built; the message says which and why.
        """
        for candidate in self.scenario.candidates:
            self._made[candidate.name] = self._make(candidate)
        return list(self._made.values())

    def chosen(self, name: str) -> Contender:
        """One candidate, with the members it asks, and nobody else.

        Raises:
            RixinError: It cannot be built; the message says why.
            UnknownName: There is none of this name.
        """
        candidates = {one.name: one for one in self.scenario.candidates}
        if name not in candidates:
            raise UnknownName("candidate", name, candidates)
        candidate = candidates[name]
        steps = candidate.options.get("steps", ())
        assert isinstance(steps, list | tuple)
        for step in steps:
            if step["solver"] not in self._made:
                self.chosen(str(step["solver"]))
        self._made[name] = self._make(candidate)
        return self._made[name]

    @property
    def made(self) -> Mapping[str, Contender]:
        """The contenders that were made, by name."""
        return self._made

    def proposed(self, candidate: Candidate) -> Contender:
        """A cascade that was proposed, out of the contenders that were made."""
        return self._make(candidate)

    def _make(self, candidate: Candidate) -> Contender:
        """A contender; a price that has no date of its own is as old as the contract."""
        made: Contender = getattr(self, f"_{candidate.kind}")(candidate)
        if made.price_date:
            return made
        return replace(made, price_date=changed_on(self.scenario.path))

    def _rule(self, candidate: Candidate) -> Contender:
        from rixin.solvers._rule_file import load_rules
        from rixin.solvers.rule import RuleSolver

        rules = load_rules(self.scenario.resolve(candidate.target))
        solver = self._spelt(RuleSolver(candidate.name, rules))
        return self._on_this_machine(candidate, solver, f"{len(rules.rules)} rules")

    def _function(self, candidate: Candidate) -> Contender:
        from rixin.plugins import load_plugin
        from rixin.solvers.command import CommandSolver
        from rixin.solvers.function import FunctionSolver

        folder, timeout = self.scenario.path.parent, float(candidate.options["timeout_s"])  # type: ignore[arg-type]
        command = candidate.options.get("command")
        if isinstance(command, list):
            solver: Solver = CommandSolver(
                candidate.name, [str(word) for word in command], folder, timeout_s=timeout
            )
        else:
            plugin = load_plugin(candidate.target, folder)
            solver = FunctionSolver(candidate.name, plugin, timeout_s=timeout)
        return self._on_this_machine(candidate, self._spelt(solver), candidate.target)

    def _student(self, candidate: Candidate) -> Contender:
        from rixin.solvers.student import StudentSize, StudentSolver

        size = StudentSize(max_train=int(str(candidate.options["max_train"])))
        cases = islice(self._shape(), size.max_train)
        shelf = self.ledger.path.parent / STUDENTS if self.serves else None
        say = self.say if self.serves else None
        solver = StudentSolver(candidate.name, cases, size, say=say, shelf=shelf)
        about = f"{candidate.target}, trained on {solver.training_cases} cases of the shape pool"
        return self._on_this_machine(candidate, solver, about)

    def _local(self, candidate: Candidate) -> Contender:
        from rixin.models.store import ModelStore
        from rixin.solvers.local import LocalOptions, LocalSolver
        from rixin.solvers.prompt import LABEL_WORDS, pick_calibration

        path = ModelStore().resolve(candidate.target, self.scenario.path.parent)
        words = LABEL_WORDS if self.scenario.output.kind == "labels" else None
        names = ("threads", "max_tokens", "context")
        options = LocalOptions(**_picked(candidate.options, names))
        prompt = self._prompt(candidate, words)
        wanted = candidate.options.get("calibration_cases")
        cases = pick_calibration(
            self._shape(), prompt, None if wanted is None else int(str(wanted))
        )
        solver = LocalSolver(candidate.name, path, prompt, options, calibration=cases, say=self.say)
        about = f"{path.name} of {path.parent.name}"
        return self._on_this_machine(candidate, solver, about, cpu_s=_LOCAL_CPU_S)

    def _endpoint(self, candidate: Candidate) -> Contender:
        from rixin.workspace.endpoints import build_endpoint

        prompt = self._prompt(candidate, None)
        return build_endpoint(
            self.scenario,
            candidate,
            prompt,
            self.transport,
            ledger=self.ledger,
            need_key=self.need_keys,
            serves=self.serves,
        )

    def _replay(self, candidate: Candidate) -> Contender:
        from rixin.interop.readers import file_digest, open_rows
        from rixin.solvers.replay import ReplayColumns, ReplaySolver

        path = self.scenario.resolve(candidate.target)
        given = candidate.options["columns"]
        assert isinstance(given, Mapping)
        columns = ReplayColumns(**given)
        where = candidate.options.get("where", {})
        assert isinstance(where, Mapping)
        used = [*columns.used().values()]
        open_rows(path).require([*used, *where])

        def records() -> Iterable[Sequence[object]]:
            log, wanted = open_rows(path), [str(value) for value in where.values()]
            if not wanted:
                return log.records(used)
            size = len(used)
            return (
                cells[:size]
                for cells in log.records([*used, *where])
                if [*map(str, cells[size:])] == wanted
            )

        content = digest(file_digest(path), *sorted(f"{k}={v}" for k, v in where.items()))
        small = path.stat().st_size <= _SMALL_LOG
        solver = ReplaySolver(candidate.name, content, records, columns, small=small)
        return Contender(
            candidate=candidate,
            solver=solver,
            costing=Costing(price=lambda answer: answer.cost),
            price="as recorded" if columns.cost else "not recorded",
            price_date=changed_on(path),
            price_source=path.name,
            about=f"recorded answers in {path.name}",
            expected=lambda _: solver.mean_cost(),
        )

    def _cascade(self, candidate: Candidate) -> Contender:
        from rixin.solvers.cascade import CascadeSolver, Member

        given = candidate.options["steps"]
        assert isinstance(given, list)
        steps = tuple(
            CascadeStep(str(step["solver"]), step["threshold"], _speaks(step)) for step in given
        )
        members = [Member(self._made[s.name].solver, s.least, s.speaks) for s in steps]
        return Contender(
            candidate=candidate,
            solver=CascadeSolver(
                candidate.name, members, abstain_below=self.scenario.policy.abstain_below
            ),
            costing=Costing(price=lambda answer: answer.cost),
            concurrency=max(self._made[step.name].concurrency for step in steps),
            price="the sum of its members",
            expected=lambda case: _cascade_price(
                [self._made[step.name].expected(case) for step in steps]
            ),
            about=" → ".join(
                f"{name} ({'signal' if speaks else 'confidence'} ≥ {least:g})"
                if least is not None
                else name
                for name, least, speaks in steps
            ),
            steps=steps,
        )

    def _human(self, candidate: Candidate) -> Contender:
        from rixin.solvers.human import HumanSolver

        cost = self.scenario.incumbent.cost_per_case
        return Contender(
            candidate=candidate,
            solver=HumanSolver(candidate.name, cost),
            costing=Costing(price=lambda _: cost),
            price=f"{cost} a case",
            price_source="the contract",
            expected=lambda _: float(cost),
            about=self.scenario.incumbent.name,
        )

    def _on_this_machine(
        self, candidate: Candidate, solver: Solver, about: str, *, cpu_s: float = 0.0
    ) -> Contender:
        hour = self.scenario.economics.cpu_hour
        expected = cpu_s * float(hour) / 3600

        def price(answer: Answer) -> Decimal:
            return cpu_cost(answer.usage, hour)

        return Contender(
            candidate=candidate,
            solver=solver,
            costing=Costing(price=price, cpu_hour=hour),
            price=f"CPU time at {self.scenario.economics.currency} {hour} an hour",
            price_source="economics.cpu_hour",
            about=about,
            expected=lambda _: expected,
        )

    def _prompt(self, candidate: Candidate, default_words: int | None) -> Any:
        from rixin.solvers.prompt import (
            EXAMPLE_WORDS,
            build_prompt,
            default_per_label,
            pick_examples,
        )

        output = self.output()
        wanted = candidate.options.get("examples_per_label")
        per_label = default_per_label(output) if wanted is None else int(str(wanted))
        words = candidate.options.get("max_words", default_words)
        assert words is None or isinstance(words, int)
        examples = pick_examples(self._shape(), output.labels, per_label, words or EXAMPLE_WORDS)
        return build_prompt(self.scenario.task, output, examples, max_words=words)

    def _spelt(self, solver: Solver) -> Solver:
        """The solver with its labels in the spelling of the scenario."""
        if self.scenario.output.kind != "labels":
            return solver
        from rixin.solvers.spelt import SpeltSolver

        return SpeltSolver(solver, label_set(tuple(self.dataset.labels)))

    def _shape(self) -> Iterator[Case]:
        """The cases to learn from, their labels in one spelling."""
        labels = label_set(tuple(self.dataset.labels))
        for case in stream_pool(self.ledger, self.dataset.id, "shape"):
            yield _in_one_spelling(case, labels)


def _in_one_spelling(case: Case, labels: LabelSet) -> Case:
    """The case with its label as the scenario spells it; what is learnt from it is then another."""
    label = None if case.expected is None else labels.find(case.expected)
    if label is None or label == case.expected:
        return case
    return case._replace(expected=label, id=digest("spelt", case.id, label))


def _speaks(step: Mapping[str, Any]) -> Speaks | None:
    written = step.get("signal")
    if written is None:
        return None
    from rixin.solvers.speaking import SignalSpeaks, signal_from

    return SignalSpeaks(signal_from(written))


def _cascade_price(members: Sequence[float | None]) -> float | None:
    """The first member is always asked; that each next one is asked half as often is a guess."""
    known = [price for price in members if price is not None]
    if len(known) < len(members):
        return None
    return sum(price * _ESCALATED**place for place, price in enumerate(known))


def _picked(options: Mapping[str, object], names: Iterable[str]) -> dict[str, Any]:
    return {name: options[name] for name in names if options.get(name) is not None}
