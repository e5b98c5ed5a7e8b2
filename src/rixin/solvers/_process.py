"""A child process that answers lines with lines and is ended together with its children."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_LONGEST_LINE = 64 * 1024 * 1024
_LAST_LINES = 10
_GRACE_S = 2.0


class ProcessEnded(Exception):
    """The process ended or closed its output."""


class LineProcess:
    """One running child process in a group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._errors: deque[str] = deque(maxlen=_LAST_LINES)
        self._listener = asyncio.ensure_future(self._listen())

    @classmethod
    async def start(cls, command: Sequence[str], folder: Path) -> "LineProcess":
        """Starts the command in the folder.

        Raises:
            OSError: It cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            start_new_session=True,
        )
        return cls(process)

    async def ask(self, line: bytes) -> bytes:
        """Writes a line and gives the next line back.

        Raises:
            ProcessEnded: No whole line came.
        """
        writer, reader = self._process.stdin, self._process.stdout
        assert writer is not None
        assert reader is not None
        try:
            writer.write(line + b"\n")
            await writer.drain()
            reply = await reader.readline()
        except (ConnectionError, ValueError) as error:
            raise ProcessEnded(f"the program cannot be talked to: {error}") from error
        if not reply.endswith(b"\n"):
            raise ProcessEnded("the program ended without an answer")
        return reply

    async def end(self) -> str:
        """Ends the process and its children; gives the last lines of its standard error."""
        with suppress(asyncio.TimeoutError):
            # A program that is ending by itself gets the time to say why.
            await asyncio.wait_for(asyncio.shield(self._process.wait()), 0.05)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await asyncio.wait([self._listener], timeout=_GRACE_S)
        self._listener.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return "\n".join(self._errors)

    async def _listen(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-4096:]
            self._errors.extend(line.decode("utf-8", "replace")[:500] for line in lines)
        if rest:
            self._errors.append(rest.decode("utf-8", "replace")[:500])
