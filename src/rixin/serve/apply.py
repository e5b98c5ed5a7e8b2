"""Fills the rows of a file through the gateway's own path: same release, limits and trail.

Answers are kept beside the output, row by row; a run that was stopped goes on after them.
"""

import asyncio
import hashlib
import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rixin.core.key import Key, Limits
from rixin.errors import ExportError, RixinError, Stopped, UsageError
from rixin.interop.cell_text import to_text
from rixin.interop.readers import file_digest, open_rows
from rixin.interop.writers import check_target, write_rows
from rixin.serve.app import Settings, opened, seed
from rixin.serve.call import Call, keep, new_id, settle
from rixin.serve.errors import Refusal
from rixin.serve.gateway import Gateway
from rixin.serve.meters import Meters
from rixin.serve.state import Caller

ADDED = (
    *("rixin_output", "rixin_solver", "rixin_state", "rixin_cost", "rixin_request"),
    "rixin_note",
)
_AT_ONCE = 16
_AGAIN = "run the same command again: it goes on"
_SHOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a file."""

    rows: int
    answered: int
    queued: int
    """For people."""
    failed: int
    """Or without an input."""
    reason: str = ""
    """Why most of these failed."""


def apply(
    settings: Settings,
    scenario: str,
    source: Path,
    target: Path,
    *,
    column: str | None,
    say: Callable[[str], None],
) -> Applied:
    """Answers each row of a file, and writes it with the answers beside.

    Args:
        settings: The ledger.
        scenario: Its name, or `NAME@7`.
        source: CSV, JSONL, Parquet or XLSX.
        target: The same kinds; may not be `source`.
        column: With the input; None: as the contract names it.
        say: Gets the lines for people.

    Raises:
        UsageError: Nothing serves the scenario, or the file has no such column.
        Stopped: Ctrl-C, or the budget; the same command goes on from there.
    """
    if source.resolve() == target.resolve():
        raise UsageError("the output would replace the input", hint="name another file with -o")
    check_target(target)
    rows = open_rows(source)
    journal = target.with_name(f".{target.name}.part")
    done = _done(journal, f"{scenario} {file_digest(source)}")
    try:
        asyncio.run(_run(settings, scenario, source, column, journal, done, say))
    except KeyboardInterrupt:  # the second one
        raise Stopped(f"stopped after {len(done):,} rows", hint=_AGAIN) from None
    except UsageError:
        if not done:
            journal.unlink()
        raise
    write_rows(target, [*rows.columns, *ADDED], _filled(source, done))
    journal.unlink(missing_ok=True)
    states = [one["rixin_state"] for one in done.values()]
    answered, queued = states.count("answered"), states.count("queued")
    reasons = Counter(
        one.get("rixin_note")
        for one in done.values()
        if one["rixin_state"] in {"failed", "refused"}
    )
    most = "".join(str(note or "") for note, _ in reasons.most_common(1))
    return Applied(len(states), answered, queued, len(states) - answered - queued, most)


def _done(journal: Path, key: str) -> dict[int, dict[str, Any]]:
    """The rows that were answered before, where the journal is of the same job."""
    seal = hashlib.sha256(key.encode()).hexdigest()
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    if not lines or lines[0] != seal:
        journal.write_text(seal + "\n", encoding="utf-8")
        return {}
    found = {}
    for line in lines[1:]:
        try:
            number, values = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        found[number] = values
    return found


async def _run(
    settings: Settings,
    scenario: str,
    source: Path,
    column: str | None,
    journal: Path,
    done: dict[int, dict[str, Any]],
    say: Callable[[str], None],
) -> None:
    meters = Meters()
    async with opened(settings, meters, say=say) as gateway:
        seed(meters, gateway.state.ledger)
        name = scenario.partition("@")[0]
        route = gateway.state.routes.get(name)
        if route is None:
            raise UsageError(
                f"nothing serves {name!r}", hint=f"run: rixin release and rixin promote {name}"
            )
        number = scenario.partition("@")[2]
        try:
            served = route.pick(int(number) if number else None)
        except (Refusal, ValueError) as error:
            raise UsageError(str(error), hint=f"run: rixin release {name}.yaml --list") from None
        wanted = column or served.scenario.cases.input
        open_rows(source).require([wanted])
        with journal.open("a", encoding="utf-8") as file:
            filler = _Filler(gateway, scenario, wanted, done, file.write, say)
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGINT, filler.stop)
            try:
                await filler.fill(source)
            finally:
                loop.remove_signal_handler(signal.SIGINT)
        if filler.stopped:
            raise Stopped(f"stopped after {len(done):,} rows", hint=_AGAIN)


class _Filler:
    """Answers rows, some at the same time."""

    def __init__(
        self,
        gateway: Gateway,
        scenario: str,
        column: str,
        done: dict[int, dict[str, Any]],
        write: Callable[[str], Any],
        say: Callable[[str], None],
    ) -> None:
        self._gateway, self._scenario, self._column = gateway, scenario, column
        self._done, self._write, self._say = done, write, say
        key = Key(
            id=0,
            public_id="apply",
            hash="",
            name="rixin apply",
            role="operator",
            scenarios=(),
            limits=Limits(),
            created_at="",
        )
        self._caller = Caller(key, ())
        self._shown = time.monotonic()
        self._asking = 0
        self._freed = asyncio.Event()
        """Set when a call has settled what it had set aside."""
        self.stopped = False

    def stop(self) -> None:
        """Takes no more rows; those under way are answered. Asked again, it ends at once."""
        if self.stopped:
            raise KeyboardInterrupt
        self.stopped = True
        self._say("what is under way is answered; Ctrl-C again ends at once")

    async def fill(self, source: Path) -> None:
        """Answers what is not answered yet."""
        rows = (
            (row.number, row.values)
            for row in open_rows(source).rows()
            if row.number not in self._done
        )
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(self._work(rows))
        except* OSError as failed:
            why = failed.exceptions[0]
            raise ExportError(f"what is answered cannot be noted: {why}", hint=_AGAIN) from None
        except* RixinError as failed:
            raise failed.exceptions[0] from None

    async def _work(self, rows: Iterator[tuple[int, Mapping[str, object]]]) -> None:
        for number, values in rows:
            if self.stopped:
                return
            text = to_text(values[self._column]) or ""
            while (answer := await self._answer(text)) is None:
                self._freed.clear()
                await self._freed.wait()
            self._done[number] = answer
            self._write(json.dumps([number, answer], ensure_ascii=False) + "\n")
            if time.monotonic() - self._shown >= _SHOW_S:
                self._shown = time.monotonic()
                self._say(f"  {len(self._done):,} rows")

    async def _answer(self, text: str) -> dict[str, Any] | None:
        """What is written of a row; None: there is no money as long as others have set it aside."""
        now = time.time()
        call = Call(new_id(now), now, self._caller, "apply")
        output, note, waits = None, "", False
        self._asking += 1
        try:
            if text.strip():
                climb = await self._gateway.answer(call, self._scenario, text)
                output = None if climb.answer is None else climb.answer.output
            else:
                call.state, call.note = "refused", "the row has no input"
        except Refusal as refusal:
            call.refused(refusal)
            note = refusal.message
            waits = refusal.code == "insufficient_quota" and self._asking > 1
            if waits:
                return None
            if refusal.code == "insufficient_quota":
                raise Stopped(str(refusal), hint="run the same command later: it goes on") from None
        finally:
            self._asking -= 1
            settle(call, self._gateway.meters)
            if not waits:
                self._freed.set()
                keep(call, self._gateway.capture)
        cost = None if call.cost_pico is None else call.cost_pico * 1e-12
        values = (output, call.solver, call.state, cost, call.id, note or call.note or None)
        return dict(zip(ADDED, values, strict=True))


def _filled(source: Path, done: Mapping[int, Mapping[str, Any]]) -> Iterator[dict[str, object]]:
    for row in open_rows(source).rows():
        yield {**row.values, **done.get(row.number, {})}
