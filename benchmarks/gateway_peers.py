"""Other gateways under the same load: those that PyPI has, each in a virtual environment of its own.

`PEERS=1 make bench-gateway` installs them once (2 GB, a few minutes) under `.cache/peers`; what is
there is run beside Rixin by every later run. Each has one worker, default features, and the same
upstream.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

PLACE = Path(__file__).parents[1] / ".cache" / "peers"
KEY = "sk-bench"
_START_S = 90.0
_LITELLM = """\
model_list:
  - {{model_name: mock, litellm_params: {{model: openai/mock, api_base: '{url}', api_key: none}}}}
general_settings: {{master_key: {key}}}
"""
_MLFLOW = """\
endpoints:
  - name: mock
    endpoint_type: llm/v1/chat
    model: {{provider: openai, name: mock, config: {{openai_api_base: '{url}', openai_api_key: none}}}}
"""


class Peer(NamedTuple):
    """How one is installed and started."""

    name: str
    requirement: str
    config: str
    command: tuple[str, ...]
    """With the places {config} and {port}."""


PEERS = (
    Peer(
        "LiteLLM",
        "litellm[proxy]",
        _LITELLM,
        ("litellm", "--config", "{config}", "--port", "{port}", "--num_workers", "1"),
    ),
    Peer(
        "MLflow",
        "mlflow[genai]",
        _MLFLOW,
        (
            *("mlflow", "gateway", "start", "--config-path", "{config}"),
            *("--port", "{port}", "--workers", "1"),
        ),
    ),
)


def installed() -> Iterator[tuple[Peer, Path, str]]:
    """Those that are there, their folders and versions; `PEERS=1` installs the others."""
    for peer in PEERS:
        folder = PLACE / peer.name.lower()
        if not (folder / "ready").exists():
            if not os.environ.get("PEERS"):
                print(f"{peer.name}: not installed, skipped (PEERS=1 installs it)")
                continue
            print(f"{peer.name}: pip install {peer.requirement}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(folder / "bin" / "pip"), "install", "--quiet", peer.requirement]
            if subprocess.run(pip, check=False, capture_output=True).returncode:
                print(f"{peer.name}: does not install here, skipped")
                continue
            (folder / "ready").touch()
        package = peer.requirement.partition("[")[0]
        asked = f"from importlib.metadata import version; print(version({package!r}))"
        done = subprocess.run(
            [str(folder / "bin" / "python"), "-c", asked],
            capture_output=True,
            text=True,
            check=True,
        )
        yield peer, folder, done.stdout.strip()


@contextlib.contextmanager
def running(
    peer: Peer, folder: Path, work: Path, url: str, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A peer that answers."""
    config = work / f"{peer.name}.yaml"
    config.write_text(peer.config.format(url=url, key=KEY))
    command = [part.format(config=config, port=port) for part in peer.command]
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    process = subprocess.Popen(
        [str(folder / "bin" / command[0]), *command[1:]],
        cwd=work,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + _START_S
        while socket.socket().connect_ex(("127.0.0.1", port)):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{peer.name} does not start")
            time.sleep(0.2)
        time.sleep(2)
        yield process
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            time.sleep(1)
        process.wait()


def measure_peers(
    work: Path,
    url: str,
    free_port: Callable[[], int],
    load: Callable[[int, str, str], tuple[float, float]],
    cpu: Callable[[subprocess.Popen[bytes]], float],
) -> dict[str, dict[str, float]]:
    """Requests a second and CPU ms of each.

    Args:
        work: A folder for their files.
        url: Of the upstream.
        free_port: Finds a port.
        load: Loads a port with a model and a key; gives answered requests a second, and the number.
        cpu: CPU seconds of a process and its children.
    """
    found: dict[str, dict[str, float]] = {}
    for peer, folder, version in installed():
        port = free_port()
        try:
            with running(peer, folder, work, url, port) as process:
                begin = cpu(process)
                rps, requests = load(port, "mock", KEY)
                ms = 1_000 * (cpu(process) - begin) / max(1.0, requests)
        except RuntimeError as error:
            print(f"{error}, skipped")
            continue
        found[f"{peer.name} {version}"] = {"requests_per_s": rps, "cpu_ms": round(ms, 3)}
    return found
