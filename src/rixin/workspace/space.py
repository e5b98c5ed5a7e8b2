"""The workspace: puts the parts together for the command line and for notebooks."""

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rixin.core.scenario import Scenario
from rixin.decide.budget import budget_of
from rixin.decide.race import Race
from rixin.engine.judge import Judge
from rixin.engine.progress import Reporter
from rixin.engine.transport import AiohttpTransport
from rixin.errors import UnknownName
from rixin.interop.contract.load import fingerprint, load_scenario
from rixin.ledger.decisions import last_decision, write_decision
from rixin.ledger.store import Ledger
from rixin.models.store import ModelStore
from rixin.report.data import ReportData
from rixin.workspace.build import Builder
from rixin.workspace.contender import Contender
from rixin.workspace.evaluate import Stored, judge_stored, spent_so_far
from rixin.workspace.prepare import Dataset, prepare
from rixin.workspace.result import Result
from rixin.workspace.run import Run, register
from rixin.workspace.start import Field, entries_of, field_of

if TYPE_CHECKING:
    from rixin.report.explain import Explanation
    from rixin.workspace.doctor import Finding
    from rixin.workspace.plan import Plan

FOLDER = ".rixin"
"""Beside the scenario file: ledger, reports, schema."""


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

    def __init__(self, *, ledger: Path | str | None = None, quiet: bool = False) -> None:
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
            run = opened.run(self._reporter, chosen=only, exhaustive=exhaustive)
            _wait(run.go())
            data = opened.report(run.race, run.warnings())
            result = Result(data, tuple(run.unusable))
            write_decision(
                opened.ledger,
                scenario.name,
                opened.dataset.id,
                contract=fingerprint(scenario),
                record=result.to_json(),
                now=data.decided_at,
            )
        return result

    def report(self, path: Path | str) -> Result:
        """The verdict on what is stored, without any call."""
        scenario = load_scenario(Path(path))
        opened = self._open(scenario)
        warnings = [] if last_decision(opened.ledger, scenario.name) else [_NEVER]
        return Result(opened.report(None, tuple(warnings)))

    def check(self, path: Path | str) -> "Plan":
        """The contract, its demand, and what a decision will ask and cost; no solver is called."""
        from rixin.workspace.plan import plan

        scenario = load_scenario(Path(path))
        opened = self._open(scenario)
        return plan(scenario, opened.dataset, opened.stored, opened.contenders)

    def explain(self, path: Path | str, case: str) -> "Explanation":
        """What each solver said to one case, and why.

        Args:
            path: The scenario file.
            case: Its own id, its line, the beginning of its hash, or words of its text.

        Raises:
            UnknownName: No case, or more than one, is meant.
        """
        from rixin.workspace.explaining import explain

        scenario = load_scenario(Path(path))
        opened = self._open(scenario)
        return explain(scenario, opened.dataset, opened.stored, opened.contenders, case)

    def doctor(self, path: Path | str | None = None) -> "list[Finding]":
        """What works on this machine, what does not, and what to do.

        Args:
            path: A scenario, whose ledger, models, keys and endpoints are checked too.
        """
        from rixin.workspace.doctor import examine

        scenario = None if path is None else load_scenario(Path(path))
        ledger = self.ledger_path(path if path is not None else "scenario.yaml")
        return list(examine(scenario, ledger, _wait))

    def _ledger(self, path: Path | str) -> Ledger:
        place = self.ledger_path(path)
        if place not in self._ledgers:
            self._ledgers[place] = Ledger(place)
        return self._ledgers[place]

    def _open(self, scenario: Scenario, *, need_keys: bool = False) -> "_Opened":
        ledger = self._ledger(scenario.path)
        dataset = prepare(ledger, scenario, self._reporter)
        transport = AiohttpTransport()
        builder = Builder(
            scenario=scenario,
            dataset=dataset,
            ledger=ledger,
            models=ModelStore(),
            transport=transport,
            need_keys=need_keys,
            say=self._reporter.say,
        )
        judge, contenders = builder.judge(), builder.contenders()
        budget = budget_of(scenario)
        field = field_of(ledger, scenario, dataset, budget)
        stored = Stored(
            ledger=ledger,
            judge=judge.fingerprint,
            samples=field.samples,
            red=field.red,
            errors=field.errors,
            counted=field.counted,
            numbers=register(ledger, contenders),
        )
        return _Opened(scenario, ledger, dataset, transport, judge, contenders, stored, field)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A scenario with all its parts built."""

    scenario: Scenario
    ledger: Ledger
    dataset: Dataset
    transport: AiohttpTransport
    judge: Judge
    contenders: list[Contender]
    stored: Stored
    field: Field

    def run(self, reporter: Reporter, *, chosen: Sequence[str], exhaustive: bool) -> Run:
        """The run of the chosen candidates; all where none is named."""
        entries = entries_of(self.ledger, self.field, self.contenders, chosen)
        return Run(
            ledger=self.ledger,
            judge=self.judge,
            contenders=self.contenders,
            race=Race(self.scenario, entries, exhaustive=exhaustive),
            samples=self.field.samples,
            red=self.field.red,
            counted=self.field.counted,
            numbers=self.stored.numbers,
            transport=self.transport,
            reporter=reporter,
            currency=self.scenario.economics.currency,
            cap=self.scenario.budget.decide,
            spent=spent_so_far(self.stored, self.contenders),
        )

    def report(self, race: Race | None, warnings: tuple[str, ...]) -> ReportData:
        """The verdict on what is stored."""
        asked = {} if race is None else {lane.name: lane.asked for lane in race.lanes.values()}
        return judge_stored(
            self.stored.cut(asked),
            self.scenario,
            self.dataset,
            self.contenders,
            now=datetime.now(UTC),
            warnings=warnings,
        )


_NEVER = "nothing was decided yet on this scenario: run rixin decide first"


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
