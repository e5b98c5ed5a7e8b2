"""Builds and runs the mock model server (benchmarks/mock.c) on loopback."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

SOURCE = Path(__file__).parent / "mock.c"


class MockServer:
    """A very fast OpenAI-compatible server that answers "42"."""

    def __enter__(self) -> "MockServer":
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            sys.exit("the mock server needs a C compiler: install gcc or clang")
        self._folder = tempfile.TemporaryDirectory(prefix="rixin-mock-")
        binary = Path(self._folder.name) / "mock"
        subprocess.run([compiler, "-O2", "-w", "-o", str(binary), str(SOURCE)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._process = subprocess.Popen([str(binary), str(self._port)])
        self.url = f"http://127.0.0.1:{self._port}/v1"
        self._wait()
        return self

    def set(self, **options: float) -> None:
        """Sets delay (ms) and fault rates, and sets all counters to zero."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        self._get(f"/__set?{query}")

    def stats(self) -> dict[str, Any]:
        """Counters since the last `set`."""
        found: dict[str, Any] = json.loads(self._get("/__stats"))
        return found

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as reply:
            data: bytes = reply.read()
        return data

    def _wait(self) -> None:
        for _ in range(100):
            try:
                self.set(delay=0)
            except OSError:
                time.sleep(0.02)
            else:
                return
        sys.exit("the mock server did not start")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()
