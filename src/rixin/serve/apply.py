"""Fills the rows of a file through the gateway's own path: same release, limits and trail.

Answers are kept beside the output, row by row; a run that was stopped goes on after them. Where an
upstream asks for a pause or is down, the rows wait for it.
"""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rixin.core.key import Key, Limits
from rixin.errors import ExportError, RixinError, Stopped, UsageError
from rixin.interop.cell_text import NoValue, to_text
from rixin.interop.readers import file_digest, open_rows
from rixin.interop.row_source import Row, RowSource
from rixin.interop.writers import check_target, write_rows
from rixin.serve.app import Settings, opened, seed
from rixin.serve.call import Call, keep, new_id, settle
from rixin.serve.capture import HAND_S, gather_s
from rixin.serve.errors import Refusal
from rixin.serve.gateway import Gateway, refusal_of
from rixin.serve.journal import Journal
from rixin.serve.meters import Meters
from rixin.serve.reserving import has_money
from rixin.serve.sole import sole
from rixin.serve.state import Caller
from rixin.serve.writer import Writer

ADDED = (
    *("rixin_output", "rixin_solver", "rixin_state", "rixin_cost", "rixin_request"),
    "rixin_note",
)
_AT_ONCE = 16
_ALONE = "this scenario has a cap on money: end that first, or ask the gateway that serves"
_AGAIN = "run the same command again: it goes on"
_SHOW_S = 1.0
_UNASKED = {"rixin_state": "failed"}
_PAUSES = frozenset({"rate_limit_exceeded", "upstream_unavailable"})
"""Refusals of a solver that is left alone for a while."""
_MISHAPS = frozenset({"upstream_error", "upstream_timeout"})
_TRIES = 3
_PATIENCE_S = 120.0
"""Seconds without any answer, after which a run stops where it is."""


class Reading(NamedTuple):
    """How a source is read."""

    encoding: str = "utf-8"
    """Of a text file."""
    sheet: str | None = None
    """Of a workbook; None: the first."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a file."""

    rows: int
    answered: int
    queued: int
    """For people."""
    refused: int
    """By a guard, or without an input."""
    failed: int
    reason: str = ""
    """Why most of those have no answer."""
    notes: tuple[str, ...] = ()
    """What of the file could not be carried over as it is, with the first place."""


def apply(
    settings: Settings,
    scenario: str,
    source: Path,
    target: Path,
    *,
    column: str | None,
    reading: Reading,
    say: Callable[[str], None],
    overwrite: bool = False,
) -> Applied:
    """Answers each row of a file, and writes it with the answers beside.

    Args:
        settings: The ledger.
        scenario: Its name, or `NAME@7`.
        source: CSV, JSONL, Parquet or XLSX.
        target: The same kinds; may not be `source`. From CSV to CSV the form stays, from Parquet
            to Parquet the types.
        column: With the input; None: as the contract names it.
        reading: How the source is read.
        say: Gets the lines for people.
        overwrite: Whether an output that is there already is answered anew and replaced.

    Raises:
        UsageError: Nothing serves the scenario, the file has no such column, or the output is there.
        Stopped: Ctrl-C, the budget, or an upstream that stays down; the same command goes on.
    """
    if source.resolve() == target.resolve():
        raise UsageError("the output would replace the input", hint="name another file with -o")
    check_target(target)
    part = target.with_name(f".{target.name}.part")
    if target.exists() and not (overwrite or part.exists()):
        raise UsageError(
            f"{target} is there already: its rows would be answered, and paid, once more",
            hint="name another file with -o, or replace it with --overwrite",
        )
    rows = open_rows(source, encoding=reading.encoding, sheet=reading.sheet)
    digest = file_digest(source)
    columns = [name for name in rows.find_columns() if name not in ADDED]
    check_target(target, rows)
    job = repr((str(settings.ledger.resolve()), scenario, digest, column, *reading))
    with Journal(part, job) as journal:
        done = journal.rows
        # Before the ledger is open here: what was handed over is committed after a kill, too.
        writer = Writer(settings.ledger, gather_s=gather_s(settings.capture_bound_s))
        try:
            asyncio.run(_run(settings, writer, scenario, rows, column, journal, say))
        except KeyboardInterrupt:  # the second one
            raise Stopped(f"stopped after {len(done):,} rows", hint=_AGAIN) from None
        if file_digest(source) != digest:
            raise UsageError(
                f"{source} was changed while it was answered", hint="name another output with -o"
            )
        lost = _Lost(rows)
        write_rows(target, [*columns, *ADDED], _filled(rows, done, lost), rows)
        journal.remove()
    states = Counter(one["rixin_state"] for one in done.values())
    reasons = Counter(
        one["rixin_note"] for one in done.values() if one["rixin_state"] in {"failed", "refused"}
    )
    most = "".join(str(note or "") for note, _ in reasons.most_common(1))
    return Applied(
        rows=states.total(),
        answered=states["answered"],
        queued=states["queued"],
        refused=states["refused"],
        failed=states["failed"],
        reason=most,
        notes=lost.notes(),
    )


async def _run(
    settings: Settings,
    writer: Writer,
    scenario: str,
    rows: RowSource,
    column: str | None,
    journal: Journal,
    say: Callable[[str], None],
) -> None:
    meters = Meters()
    name, _, number = scenario.partition("@")
    only = (name, int(number) if number.isdecimal() else None)
    async with opened(settings, meters, say=say, writer=writer, only=only) as gateway:
        route = gateway.state.routes.get(name)
        if route is None:
            raise UsageError(
                f"nothing serves {name!r}", hint=f"run: rixin release and rixin promote {name}"
            )
        try:
            served = route.pick(int(number) if number else None)
        except (Refusal, ValueError) as error:
            raise UsageError(str(error), hint=f"run: rixin release {name}.yaml --list") from None
        wanted = column or served.scenario.cases.input
        rows.require([wanted])
        filler = _Filler(gateway, scenario, wanted, journal, say)
        loop = asyncio.get_running_loop()
        # Without a cap on money nothing is counted, and a gateway may serve meanwhile.
        alone = sole(settings.ledger, "rixin apply", hint=_ALONE)
        with alone if has_money(route.limits) else nullcontext():
            seed(meters, gateway.state.ledger)
            loop.add_signal_handler(signal.SIGINT, filler.stop)
            try:
                await filler.fill(rows)
            finally:
                loop.remove_signal_handler(signal.SIGINT)


class _Filler:
    """Answers rows, some at the same time."""

    def __init__(
        self,
        gateway: Gateway,
        scenario: str,
        column: str,
        journal: Journal,
        say: Callable[[str], None],
    ) -> None:
        self._gateway, self._scenario, self._column = gateway, scenario, column
        self._journal, self._say = journal, say
        key = Key(
            id=0,
            public_id="apply",
            hash="",
            name="rixin apply",
            role="caller",
            scenarios=(),
            limits=Limits(),
            created_at="",
        )
        self._caller = Caller(key, ())
        self._shown = self._answered = time.monotonic()
        self._pause_until = 0.0
        self._asking = 0
        self._freed, self._ended = asyncio.Event(), asyncio.Event()
        """Set when a call has settled what it had set aside; when no more rows are taken."""
        self._why: Stopped | None = None
        """Set when no more rows are taken."""

    def stop(self) -> None:
        """Takes no more rows; those under way are answered. Asked again, it ends at once."""
        if self._why is not None:
            raise KeyboardInterrupt
        self._end("stopped", _AGAIN)
        self._say("what is under way is answered; Ctrl-C again ends at once")

    def _end(self, why: str, hint: str) -> None:
        if self._why is None:
            self._why = Stopped(why, hint=hint)
        self._ended.set()
        self._freed.set()

    async def fill(self, source: RowSource) -> None:
        """Answers what is not answered yet.

        Raises:
            Stopped: Before the end.
        """
        rows = (
            (row.number, row.values[self._column])
            for row in source.rows([self._column])
            if self._journal.rows.get(row.number, _UNASKED)["rixin_state"] == "failed"
        )
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(self._work(rows, group))
        except* OSError as failed:
            why = failed.exceptions[0]
            raise ExportError(f"what is answered cannot be noted: {why}", hint=_AGAIN) from None
        except* RixinError as failed:
            raise failed.exceptions[0] from None
        if self._why is not None:
            done = f"{len(self._journal.rows):,} rows are answered"
            raise Stopped(f"{self._why}; {done}", hint=self._why.hint)

    async def _work(self, rows: Iterator[tuple[int, object]], group: asyncio.TaskGroup) -> None:
        for number, cell in rows:
            tries = 0
            while self._why is None:
                try:
                    answer = await self._answer(cell, tries)
                    group.create_task(self._note(number, answer))
                    break
                except _LaterError as later:
                    tries += 1
                    await self._wait(later.seconds)
            if self._why is not None:
                return

    async def _note(self, number: int, answer: Mapping[str, Any]) -> None:
        try:
            await asyncio.sleep(HAND_S)  # until its row is on the way to the ledger
        finally:
            self._journal.add(number, answer)
        if time.monotonic() - self._shown >= _SHOW_S:
            self._shown = time.monotonic()
            self._say(f"  {len(self._journal.rows):,} rows")

    async def _wait(self, seconds: float | None) -> None:
        """So long, or (None) until another call has given money back; not once it has ended."""
        self._freed.clear()
        event = self._freed if seconds is None else self._ended
        if self._why is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()

    async def _answer(self, cell: object, tries: int) -> dict[str, Any]:
        """What is written of a row.

        Raises:
            _LaterError: It is to be asked again.
        """
        text, now = to_text(cell) or "", time.time()
        call = Call(new_id(now), now, self._caller, "apply")
        output, note, later = None, "", None
        self._asking += 1
        try:
            if text.strip():
                output = await self._output(call, text, tries)
                self._answered = time.monotonic()
            else:
                call.state, call.note = "refused", _no_input(cell)
        except Refusal as refusal:
            call.refused(refusal)
            note, later = refusal.message, self._later(refusal, tries)
            if later is not None:
                raise later from None
        except asyncio.CancelledError:
            call.cancelled("the run was stopped")
            raise
        finally:
            self._asking -= 1
            settle(call, self._gateway.meters)
            if later is None or later.seconds is not None:
                self._freed.set()
                keep(call, self._gateway.capture)
        cost = None if call.cost_pico is None else call.cost_pico * 1e-12
        values = (output, call.solver, call.state, cost, call.id, note or call.note or None)
        return dict(zip(ADDED, values, strict=True))

    async def _output(self, call: Call, text: str, tries: int) -> str | None:
        """None: the case goes to people. They are not given what an upstream may answer later."""
        climb = await self._gateway.answer(call, self._scenario, text)
        if climb.answer is not None:
            return climb.answer.output
        refusal = None if climb.failure is None else refusal_of(climb.failure)
        if refusal is not None and self._later(refusal, tries) is not None:
            raise refusal
        return None

    def _later(self, refusal: Refusal, tries: int) -> "_LaterError | None":
        """When a row that was refused is asked again; None: it is not."""
        if refusal.code == "insufficient_quota":
            if self._asking == 1:
                self._end(refusal.message, "run the same command later: it goes on")
            return _LaterError(None)
        if refusal.code in _PAUSES:
            return self._pause(refusal.message, refusal.retry_after_s or 1.0)
        if refusal.code in _MISHAPS and refusal.retry is not False and tries < _TRIES - 1:
            return _LaterError(2.0**tries)
        return None

    def _pause(self, why: str, seconds: float) -> "_LaterError":
        """Nobody can be asked for a while: the rows wait, and do not fail one after the other."""
        now = time.monotonic()
        if now + seconds - self._answered > _PATIENCE_S:
            self._end(why, _AGAIN)
        elif now >= self._pause_until:
            self._pause_until = now + seconds
            self._say(f"  waiting: {why}")
        return _LaterError(seconds)


class _LaterError(Exception):
    """A row is asked again, so many seconds later; None: once another call gives money back."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _no_input(cell: object) -> str:
    if isinstance(cell, NoValue):
        return f"the input is {cell.reason}: {cell.mend}"
    return "the row has no input"


class _Lost:
    """Cells without a value, which are written as what a spreadsheet shows of them."""

    def __init__(self, source: RowSource) -> None:
        self._source = source
        self._first: dict[bool, tuple[str, NoValue]] = {}
        self._count = Counter[bool]()

    def look(self, row: Row) -> None:
        for name, cell in row.values.items():
            if isinstance(cell, NoValue):
                self._count[cell.is_formula] += 1
                place = f"{self._source.where(row.number)}, column {name!r}"
                self._first.setdefault(cell.is_formula, (place, cell))

    def notes(self) -> tuple[str, ...]:
        return tuple(
            f"{self._count[kind]:,} {_cells(self._count[kind])} no value and"
            f" {'is' if self._count[kind] == 1 else 'are'} written as"
            f" {'the text of the formula' if kind else 'the error'}; the first is {cell.reason},"
            f" at {place}: {cell.mend}"
            for kind, (place, cell) in self._first.items()
        )


def _cells(count: int) -> str:
    return "cell has" if count == 1 else "cells have"


def _filled(
    source: RowSource, done: Mapping[int, Mapping[str, Any]], lost: _Lost
) -> Iterator[dict[str, object]]:
    for row in source.rows():
        lost.look(row)
        own = {name: cell for name, cell in row.values.items() if name not in ADDED}
        yield {**own, **done.get(row.number, {})}
