"""A user's own program as a solver: JSON lines in, JSON lines out."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rixin.core.answer import Answer, Failure
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.errors import UsageError
from rixin.plugins import hash_files, local_sources
from rixin.solvers._process import LineProcess, ProcessEnded
from rixin.solvers._reply import bad_reply, case_fields, crashed, read_reply


class CommandSolver:
    """Answers with a program that is kept running.

    For each case the program reads one line `{"id", "input", "stratum"}` and writes one line
    `{"id", "output", "confidence", "cost"}`; only `output` is needed, and null abstains. What it
    writes to its standard error is shown when it fails. A program that ends, is too slow or
    writes anything else is ended with all its children and started again for the next case.

    Args:
        name: The name in the scenario file.
        command: Program and arguments; `python` is the Python that runs Rixin.
        folder: The folder of the scenario file, where the program runs.
        timeout_s: Seconds an answer may take.

    Raises:
        UsageError: There is no such program.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, *, timeout_s: float = 60.0
    ) -> None:
        self.name = name
        self.batch_size = 32
        self.fingerprint = digest("command/1", *command, _named_files_hash(command, folder))
        self._command = (_program(command, folder), *command[1:])
        self._folder = folder
        self._timeout_s = timeout_s
        self._process: LineProcess | None = None
        self._turn = asyncio.Lock()

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, asked one after the other."""
        async with self._turn:
            return [await self._one(case) for case in cases]

    async def load(self) -> None:
        """Starts the program; where that fails, the first `solve` says why."""
        async with self._turn:
            if self._process is None:
                with suppress(OSError):
                    self._process = await LineProcess.start(self._command, self._folder)

    async def close(self) -> None:
        """Ends the program and its children."""
        process, self._process = self._process, None
        if process is not None:
            await process.end()

    async def _one(self, case: Case) -> Answer:
        begin = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                line = await self._ask(case)
        except TimeoutError:
            answer = await self._broken(f"no answer within {self._timeout_s:g} s")
            return Answer(failure=Failure(kind="timeout", message=_message(answer)))
        except (ProcessEnded, OSError) as error:
            return await self._broken(str(error))
        answer = _read_line(line, str(case_fields(case)["id"]))
        if answer.failure is not None and answer.failure.kind == "bad_reply":
            await self._broken("")
        return answer._replace(latency_s=time.perf_counter() - begin)

    async def _ask(self, case: Case) -> bytes:
        if self._process is None:
            self._process = await LineProcess.start(self._command, self._folder)
        return await self._process.ask(json.dumps(case_fields(case)).encode())

    async def _broken(self, message: str) -> Answer:
        """Ends the program; its last words go into the failure."""
        process, self._process = self._process, None
        last_words = await process.end() if process is not None else ""
        return crashed("\n".join(part for part in (message, last_words) if part))


def _message(answer: Answer) -> str:
    return answer.failure.message if answer.failure is not None else ""


def _read_line(line: bytes, identity: str) -> Answer:
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        return bad_reply(f"the program wrote {line[:200]!r}, which is not a JSON line")
    if not isinstance(reply, dict):
        return bad_reply(f"the program wrote {line[:200]!r}, which is not a JSON object")
    if str(reply.get("id", identity)) != identity:
        return bad_reply(f"the program answered {reply['id']!r} when asked {identity!r}")
    return read_reply(reply)


def _program(command: Sequence[str], folder: Path) -> str:
    name = command[0] if command else ""
    if name in {"python", "python3"}:
        return sys.executable
    local = folder / name
    found = str(local.resolve()) if name and local.is_file() else shutil.which(name)
    if found is None:
        raise UsageError(
            f"there is no program {name!r} (in {folder} or on the PATH)",
            hint="check the first word of the command",
        )
    return found


def _named_files_hash(command: Sequence[str], folder: Path) -> str:
    files: set[Path] = set()
    for word in command:
        path = folder / word
        if path.is_file():
            files.add(path)
            files.update(
                local_sources(path.parent, path.stem).values() if path.suffix == ".py" else ()
            )
    return hash_files(files)
