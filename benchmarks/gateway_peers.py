"""Other gateways under the same load: those that PyPI and npm have, and nginx where it is installed.

`PEERS=1 make bench-gateway` installs them once (2 GB, a few minutes) under `.cache/peers`; what is
there is run beside Rixin by every later run. Each has one worker, default features, and the same
upstream.
"""

import contextlib
import json
import os
import shutil
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


_NGINX = """\
daemon off;
pid nginx.pid;
error_log stderr crit;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u;
  scgi_temp_path s;
  upstream mock {{ server {host}; keepalive 256; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


class Peer(NamedTuple):
    """How one is installed and started; {url}, {host}, {key}, {port} and {config} are filled in."""

    name: str
    source: str
    """pip, npm, or path: what the machine has."""
    package: str
    command: tuple[str, ...]
    config: str = ""
    header: str = "Authorization: Bearer {key}"


PEERS = (
    Peer(
        "LiteLLM",
        "pip",
        "litellm[proxy]",
        ("litellm", "--config", "{config}", "--port", "{port}", "--num_workers", "1"),
        _LITELLM,
    ),
    Peer(
        "MLflow",
        "pip",
        "mlflow[genai]",
        (
            *("mlflow", "gateway", "start", "--config-path", "{config}"),
            *("--port", "{port}", "--workers", "1"),
        ),
        _MLFLOW,
    ),
    Peer(
        "Portkey",
        "npm",
        "@portkey-ai/gateway",
        ("gateway", "--port={port}", "--headless"),
        header='x-portkey-config: {{"provider":"openai","api_key":"none","custom_host":"{url}"}}',
    ),
    Peer("nginx", "path", "nginx", ("nginx", "-p", ".", "-c", "{config}"), _NGINX),
)


def installed() -> Iterator[tuple[Peer, Path, str]]:
    """Those that are there, the folders of their programs and versions; `PEERS=1` installs others."""
    for peer in PEERS:
        folder = PLACE / peer.name.lower()
        if peer.source == "path":
            found = shutil.which(peer.package)
            if found is None:
                print(f"{peer.name}: not installed, skipped")
                continue
            told = subprocess.run([found, "-v"], capture_output=True, text=True, check=True).stderr
            yield peer, Path(found).parent, told.strip().rpartition("/")[2]
            continue
        if not (folder / "ready").exists():
            if not os.environ.get("PEERS"):
                print(f"{peer.name}: not installed, skipped (PEERS=1 installs it)")
                continue
            print(f"{peer.name}: {peer.source} install {peer.package}", flush=True)
            if not _install(peer, folder):
                print(f"{peer.name}: does not install here, skipped")
                continue
            (folder / "ready").touch()
        if peer.source == "npm":
            facts = (folder / "node_modules" / peer.package / "package.json").read_text()
            yield peer, folder / "node_modules" / ".bin", json.loads(facts)["version"]
            continue
        package = peer.package.partition("[")[0]
        asked = f"from importlib.metadata import version; print(version({package!r}))"
        python = [str(folder / "bin" / "python"), "-c", asked]
        told = subprocess.run(python, capture_output=True, text=True, check=True).stdout
        yield peer, folder / "bin", told.strip()


def _install(peer: Peer, folder: Path) -> bool:
    if peer.source == "npm":
        if shutil.which("npm") is None:
            return False
        command = ["npm", "install", "--silent", "--prefix", str(folder), peer.package]
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        command = [str(folder / "bin" / "pip"), "install", "--quiet", peer.package]
    return not subprocess.run(command, check=False, capture_output=True).returncode


@contextlib.contextmanager
def running(
    peer: Peer, folder: Path, work: Path, url: str, port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A peer that answers."""
    config = work / f"{peer.name}.conf"
    host = url.split("/")[2]
    config.write_text(peer.config.format(url=url, host=host, key=KEY, port=port))
    command = [part.format(config=config, port=port) for part in peer.command]
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    process = subprocess.Popen(
        [str(folder / command[0]), *command[1:]],
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
        load: Loads a port with a model and a header; gives answered requests a second, and the
            number of all.
        cpu: CPU seconds of a process and its children.
    """
    found: dict[str, dict[str, float]] = {}
    for peer, folder, version in installed():
        port = free_port()
        try:
            with running(peer, folder, work, url, port) as process:
                begin = cpu(process)
                rps, requests = load(port, "mock", peer.header.format(url=url, key=KEY))
                ms = 1_000 * (cpu(process) - begin) / max(1.0, requests)
        except RuntimeError as error:
            print(f"{error}, skipped")
            continue
        found[f"{peer.name} {version}"] = {"requests_per_s": rps, "cpu_ms": round(ms, 3)}
    return found
