"""The workspace: puts the parts together for the command line and for notebooks."""

import asyncio
import sys
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rixin.core.scenario import Scenario, cascade_steps
from rixin.core.verdict import Trial
from rixin.decide.budget import Budget, budget_of
from rixin.decide.race import Race
from rixin.engine.judge import Judge
from rixin.engine.progress import Reporter
from rixin.engine.transport import HttpTransport
from rixin.errors import NoLedger, UnknownName
from rixin.interop.contract.load import fingerprint, load_scenario
from rixin.ledger.audit import record_change
from rixin.ledger.decisions import decision_keys, last_decision, write_decision
from rixin.ledger.private import FOLDER
from rixin.ledger.store import Ledger
from rixin.workspace.actor import current_user
from rixin.workspace.build import Builder
from rixin.workspace.capabilities import without_schema
from rixin.workspace.certificate import Claim, build_certificate
from rixin.workspace.contender import Contender
from rixin.workspace.evaluate import Basis, Stored, judge_stored, spent_so_far
from rixin.workspace.prepare import Dataset, prepare
from rixin.workspace.proposed import may_propose, proposed_candidates
from rixin.workspace.result import Result
from rixin.workspace.run import Run, register
from rixin.workspace.start import entries_of, shared_out, stored_of, worth_asking
from rixin.workspace.trials import trials_in, trials_of

if TYPE_CHECKING:
    from rixin.report.explain import Explanation
    from rixin.workspace.doctor import Finding
    from rixin.workspace.plan import Plan
    from rixin.workspace.releasing import Desk
    from rixin.workspace.verify import Verification


class Workspace:
    """Decides scenarios; everything the command line does, from Python.

    Args:
        ledger: The ledger file; None: `.rixin/ledger.sqlite3` beside each scenario.
        quiet: No progress on stderr.

    Examples:
        >>> with Workspace() as workspace:  # doctest: +SKIP
        ...     result = workspace.decide("desk.yaml")
        >>> print(result.text())  # doctest: +SKIP
    """

    def __init__(
        self, *scenario: object, ledger: Path | str | None = None, quiet: bool = False
    ) -> None:
        if scenario:
            raise TypeError(
                "a workspace takes no scenario; hint: name it in the call, as in"
                f" Workspace().decide({scenario[0]!r})"
            )
        self._given = None if ledger is None else Path(ledger)
        self._ledgers: dict[Path, Ledger] = {}
        self._reporter = Reporter(None if quiet else sys.stderr)

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes every ledger that was opened; may be called twice."""
        for ledger in self._ledgers.values():
            ledger.close()
        self._ledgers.clear()

    def folder_of(self, path: Path | str) -> Path:
        """Where ledger and reports of a scenario lie."""
        return Path(path).parent / FOLDER

    def ledger_path(self, path: Path | str) -> Path:
        """The ledger file of a scenario."""
        return self._given or self.folder_of(path) / "ledger.sqlite3"

    def decide(
        self, path: Path | str, *, only: Sequence[str] = (), exhaustive: bool = False
    ) -> Result:
        """Asks the candidates, the cheapest first, until they are settled, and gives the verdict.

        What is stored is not asked again, so a second call is quick, and one after an
        interruption goes on where it stopped.

        Args:
            path: The scenario file.
            only: Names of candidates to run; the others stay as they are stored.
            exhaustive: Ask every candidate all its certify cases, whatever they show.

        Raises:
            ContractError: The scenario does not hold; all its mistakes are in the error.
            CasesError: The cases cannot be read.
            Stopped: Ctrl-C, or the spend cap; what was done is stored.
            EnvironmentFault: A key, a model, a package or the disk is missing.
        """
        scenario = load_scenario(Path(path))
        _check_names(scenario, only)
        with self._ledger(path).exclusive():
            opened = self._open(scenario, need_keys=True)
            allow = {"allow": scenario.policy.allowed}
            record_change(
                opened.ledger,
                "guards.allow",
                scenario.name,
                allow,
                actor=current_user(),
                at_first={"allow": []},
            )
            run = opened.run(self._reporter, chosen=only, exhaustive=exhaustive)
            opened.announce(run.race, self._reporter)
            _wait(run.go())
            names = [one.candidate.name for one in run.proposed]
            result = opened.extended(run.proposed).conclude(
                {**opened.as_they_stood(only), **trials_of(run.race, run.proposal, names)},
                sequence=run.proposal.record(scenario),
                warnings=run.warnings(),
            )
            result = replace(result, unusable=tuple(run.unusable))
            write_decision(
                opened.ledger,
                scenario.name,
                opened.dataset.id,
                contract=fingerprint(scenario),
                record=result.record(),
                actor=current_user(),
                now=result.data.decided_at,
            )
        return result

    def report(self, path: Path | str) -> Result:
        """The verdict on what is stored, without any call."""
        scenario = load_scenario(Path(path))
        opened = self._open(scenario)
        last = last_decision(opened.ledger, scenario.name)
        if last is None:
            return opened.conclude({}, warnings=(_NEVER,))
        given = last["record"]["certificate"]
        proposed = proposed_candidates(given["proposed"])
        names = {*given["sequence"].get("proposed_from", ())}.union(*map(cascade_steps, proposed))
        if not names <= opened.builder.made.keys():  # one of them has left the contract since
            return opened.conclude(trials_in(given))
        opened = opened.extended([opened.builder.proposed(one) for one in proposed])
        return opened.conclude(trials_in(given), sequence=given["sequence"])

    def verify(self, certificate: Path | str, scenario: Path | str | None = None) -> "Verification":
        """Recomputes a certificate from the ledger and says what differs.

        Args:
            certificate: The JSON file that a decision wrote.
            scenario: Where its scenario stands; None: above the folder of the certificate.

        Raises:
            UsageError: There is no certificate there, or it is none.
            NoLedger: There are no rows to recompute it from.
        """
        from rixin.workspace.verify import read_certificate, verify

        path = Path(certificate)
        given = read_certificate(path)
        stands = Path(scenario) if scenario else path.parent.parent / given["scenario_file"]
        place = self.ledger_path(stands)
        if not place.exists():
            raise NoLedger(place)
        return verify(path, given, self._ledger(stands), stands)

    def check(self, path: Path | str) -> "Plan":
        """The contract, its demand, and what a decision will ask and cost; no solver is called."""
        from rixin.workspace.plan import plan

        scenario = load_scenario(Path(path))
        opened = self._open(scenario)
        return plan(scenario, opened.dataset, opened.stored, opened.contenders, opened.budget)

    def explain(self, path: Path | str, case: str) -> "Explanation":
        """What each solver said to one case, and why; cascades of the last decision among them.

        Args:
            path: The scenario file.
            case: Its own id, its line, the beginning of its hash, or words of its text.

        Raises:
            UnknownName: No case, or more than one, is meant.
        """
        from rixin.workspace.explaining import explain, proposed_of

        scenario = load_scenario(Path(path))
        opened = self._open(scenario)
        last = last_decision(opened.ledger, scenario.name)
        proposed = proposed_of(last, opened.contenders)
        opened = opened.extended([opened.builder.proposed(one) for one in proposed.candidates])
        return explain(
            scenario, opened.dataset, opened.stored, opened.contenders, case, proposed.tested
        )

    def desk(self, path: Path | str | None = None, *, actor: str = "") -> "Desk":
        """Where releases and keys are made.

        Args:
            path: A scenario, whose ledger is meant; None: the ledger of this folder.
            actor: Who works at it; empty: the user of this process.

        Raises:
            NoLedger: A key of an empty one would open nothing.
        """
        from rixin.workspace.releasing import Desk

        scenario = "scenario.yaml" if path is None else path
        place = self.ledger_path(scenario)
        if not place.exists():
            raise NoLedger(place)
        return Desk(self._ledger(scenario), actor=actor)

    def scenario_name(self, path: Path | str) -> str:
        """The name of a scenario, given its file or, where releases have it, the name itself.

        Raises:
            UnknownName: It is neither.
        """
        path, name = Path(path), str(path)
        released: set[str] = set()
        if not path.exists() and self.ledger_path(path).exists():
            released = {one.scenario for one in self.desk(path).releases()}
        if name in released:
            return name
        if not released or path.suffix in {".yaml", ".yml"}:
            return load_scenario(path).name
        raise UnknownName("scenario", name, released)

    def doctor(self, path: Path | str | None = None, *, send_keys: bool = False) -> "list[Finding]":
        """What works on this machine, what does not, and what to do.

        Args:
            path: A scenario, whose ledger, models, keys and endpoints are checked too.
            send_keys: Whether keys may go to hosts that are not known as their providers.
        """
        from rixin.workspace.doctor import examine

        scenario = None if path is None else load_scenario(Path(path))
        ledger = self.ledger_path(path if path is not None else "scenario.yaml")
        return list(examine(scenario, ledger, _wait, send_keys=send_keys))

    def _ledger(self, path: Path | str) -> Ledger:
        place = self.ledger_path(path)
        if place not in self._ledgers:
            self._ledgers[place] = Ledger(place)
        return self._ledgers[place]

    def _open(self, scenario: Scenario, *, need_keys: bool = False) -> "_Opened":
        ledger = self._ledger(scenario.path)
        dataset = prepare(ledger, scenario, self._reporter)
        transport = HttpTransport()
        builder = Builder(
            scenario=scenario,
            dataset=dataset,
            ledger=ledger,
            transport=transport,
            need_keys=need_keys,
            say=self._reporter.say,
        )
        judge, contenders = builder.judge(), builder.contenders()
        budget = budget_of(
            scenario,
            proposes=may_propose(scenario, {str(p): n for p, n in dataset.pools.items()}),
            decision=_number(ledger, scenario, dataset),
        )
        budget = shared_out(ledger, scenario, dataset.id, budget)
        stored = stored_of(ledger, scenario, dataset.id, budget, judge.fingerprint)
        stored = replace(stored, numbers=register(ledger, contenders))
        return _Opened(
            scenario, ledger, dataset, transport, builder, judge, contenders, stored, budget
        )


@dataclass(frozen=True, slots=True)
class _Opened:
    """A scenario with all its parts built."""

    scenario: Scenario
    ledger: Ledger
    dataset: Dataset
    transport: HttpTransport
    builder: Builder
    judge: Judge
    contenders: list[Contender]
    stored: Stored
    budget: Budget

    def run(self, reporter: Reporter, *, chosen: Sequence[str], exhaustive: bool) -> Run:
        """The run of the chosen candidates; all where none is named.

        Who would be paid although it cannot be adopted is left out, unless all is wanted, and so
        is who has too few cases to be certified, unless it is named.
        """
        worth = self.contenders
        if not exhaustive:
            worth = worth_asking(self.scenario, self.stored, self.contenders, chosen)
        entries = entries_of(self.stored, worth, chosen)
        return Run(
            stored=self.stored,
            judge=self.judge,
            contenders=self.contenders,
            race=Race(self.scenario, entries, exhaustive=exhaustive),
            transport=self.transport,
            reporter=reporter,
            currency=self.scenario.economics.currency,
            cap=self.scenario.budget.decide,
            spent=spent_so_far(self.stored, self.contenders),
            budget=self.budget,
            build=self.builder.proposed,
            proposes=self.budget.proposed > 0,
        )

    def as_they_stood(self, chosen: Sequence[str]) -> dict[str, Trial]:
        """How far those that are not chosen were asked in the last decision on these cases.

        Their evidence stays what it was: a prefix of their cases, ended by their own test.
        """
        last = last_decision(self.ledger, self.scenario.name) if chosen else None
        relative = self.scenario.promise.below_best_at_most is not None
        if last is None or relative or last["dataset_id"] != self.dataset.id:
            return {}
        stood = trials_in(last["record"]["certificate"])
        known = self.stored.samples.keys() - set(chosen)
        return {name: trial for name, trial in stood.items() if name in known}

    def announce(self, race: Race, reporter: Reporter) -> None:
        """What the promise takes and what it will cost, before anybody is paid."""
        paid = {one.candidate.name for one in self.contenders if one.paid}
        if not paid:
            return
        from rixin.workspace.plan import forecast, what_it_takes, what_was_cut

        entries = [lane.entry for lane in race.lanes.values()]
        needs = what_it_takes(self.scenario, self.stored, exhaustive=race.exhaustive)
        expected = forecast(
            self.scenario,
            self.stored,
            entries,
            self.contenders,
            proposes=self.budget.proposed > 0 and not race.exhaustive,
            exhaustive=race.exhaustive,
            spent=spent_so_far(self.stored, self.contenders),
        )
        for line in (*needs, *what_was_cut(self.scenario, self.stored), expected):
            if line:
                reporter.say(line)

    def extended(self, proposed: Sequence[Contender]) -> "_Opened":
        """The same with cascades that were proposed among its candidates."""
        if not proposed:
            return self
        more = tuple(one.candidate for one in proposed)
        scenario = replace(self.scenario, candidates=(*self.scenario.candidates, *more))
        contenders = [*self.contenders, *proposed]
        stored = stored_of(self.ledger, scenario, self.dataset.id, self.budget, self.stored.judge)
        stored = replace(stored, numbers=register(self.ledger, contenders))
        return replace(self, scenario=scenario, contenders=contenders, stored=stored)

    def conclude(
        self,
        trials: Mapping[str, Trial],
        *,
        sequence: Mapping[str, Any] | None = None,
        warnings: tuple[str, ...] = (),
    ) -> Result:
        """The verdict on what is stored, its report and its certificate."""
        tried = {one.name: self._trial(one.name, trials) for one in self.scenario.candidates}
        cut = self.stored.cut({name: trial.asked for name, trial in tried.items()})
        data = judge_stored(
            cut,
            self.scenario,
            self.dataset,
            self.contenders,
            Basis(budget=self.budget, trials=tried, sequence=sequence or {}),
            now=datetime.now(UTC),
            warnings=(*warnings, *without_schema(self.contenders)),
        )
        claim = Claim(
            stored=cut,
            scenario=self.scenario,
            contract=self.scenario.path.read_text(encoding="utf-8-sig"),
            dataset_id=self.dataset.id,
            pools=data.pools,
            verdict=data.verdict,
            budget=self.budget,
            solvers=data.solvers,
            prices=data.prices,
            sequence=sequence or {},
            decided_at=data.decided_at.isoformat(),
        )
        return Result(data, build_certificate(claim))

    def _trial(self, name: str, trials: Mapping[str, Trial]) -> Trial:
        size = self.stored.samples[name].size
        return replace(trials.get(name, Trial(asked=size)), planned=size)


_NEVER = "nothing was decided yet on this scenario: run rixin decide first"


def _number(ledger: Ledger, scenario: Scenario, dataset: Dataset) -> int:
    """The number of this decision among those that share the error budget."""
    if scenario.promise.carry_over == "fresh":
        return 1
    earlier = decision_keys(ledger, scenario.name)
    key = (fingerprint(scenario), dataset.id)
    return earlier.index(key) + 1 if key in earlier else len(earlier) + 1


def _check_names(scenario: Scenario, only: Sequence[str]) -> None:
    known = [candidate.name for candidate in scenario.candidates]
    for name in only:
        if name not in known:
            raise UnknownName("candidate", name, known)


def _wait(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine to its end, also from a notebook, whose own loop is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
