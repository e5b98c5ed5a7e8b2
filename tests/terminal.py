"""A command at a real terminal, whose keys a test presses."""

import codecs
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE_S = 20.0


class Terminal:
    """`rixin` with its arguments, ended together with the block that opened it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._keys, self._screen = os.openpty()
        name = os.ttyname(self._screen)
        # The shell leads a session of its own, so the terminal it opens is the one that rules it.
        command = ["sh", "-c", f'exec "$@" <{name} >{name} 2>&1', "sh", sys.executable]
        # A run in the background ignores Ctrl-C, and its children would inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self._process = subprocess.Popen(
            [*command, "-m", "rixin", *arguments], cwd=folder, start_new_session=True
        )
        signal.signal(signal.SIGINT, before)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._told = 0
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._process.kill()  # does nothing to one that has ended
        self._process.wait()
        os.close(self._keys)
        os.close(self._screen)

    def read_until(self, text: str) -> None:
        """Waits for a text behind all that was waited for before."""
        while (place := self.shown.find(text, self._told)) < 0:
            assert self._is_readable(_PATIENCE_S), f"no {text!r} in:\n{self.shown}"
            self._read()
        self._told = place + len(text)

    def press(self, keys: str) -> None:
        """Presses keys once the program waits for them.

        Python's `input` does not see a Ctrl-C that comes between the end of its prompt and the
        call that reads; no hand is that quick, but a test is.
        """
        until = time.monotonic() + _PATIENCE_S
        while not self._sleeps():
            assert time.monotonic() < until, f"it does not wait for a key:\n{self.shown}"
            time.sleep(0.01)
        os.write(self._keys, keys.encode())

    def answer(self, question: str, said: str) -> None:
        """Waits for the question and answers it."""
        self.read_until(question)
        self.press(f"{said}\n")

    def end(self) -> int:
        """The exit code, after everything that was shown is read."""
        until = time.monotonic() + _PATIENCE_S
        # A terminal waits for its reader: what is shown must be read for the process to end.
        while (code := self._process.poll()) is None or self._is_readable(0.0):
            assert time.monotonic() < until, f"it goes on:\n{self.shown}"
            if self._is_readable(0.02):
                self._read()
        return code

    def _sleeps(self) -> bool:
        stat = Path(f"/proc/{self._process.pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "SZ"

    def _is_readable(self, seconds: float) -> bool:
        return bool(select.select([self._keys], [], [], seconds)[0])

    def _read(self) -> None:
        self.shown += self._decoder.decode(os.read(self._keys, 4096))
