"""The package `xllamacpp` and what it runs on; the only module that imports it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rixin.errors import MissingExtra

_PACKAGE = "xllamacpp"
_LONGEST_FOLDER = 70
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def library() -> Any:
    """The package, told that threads which wait for each other should sleep.

    By default they spin. Measured on four processors of which two were busy, three that sleep
    answer a case in 0.8 s instead of 1.1 s, for half of the CPU seconds; on idle ones they take
    0.47 s instead of 0.39 s.

    Raises:
        MissingExtra: It is not installed.
    """
    with _environment("OMP_WAIT_POLICY", "passive"):  # read when the library is loaded
        try:
            import xllamacpp
        except ImportError as error:
            raise MissingExtra("a local model", "local") from error
    return xllamacpp


def processors() -> int:
    """Processors that this process may use, at least one; the quota of a container counts.

    Examples:
        >>> processors() >= 1
        True
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        allowed = int(quota) // int(period)
    except (OSError, ValueError):  # no quota, or not a Linux container
        return usable or 1
    return max(1, min(usable or 1, allowed))


def runtime_version() -> str:
    """The installed version of llama.cpp, read without importing it.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return version(_PACKAGE)
    except PackageNotFoundError as error:
        raise MissingExtra("a local model", "local") from error


def socket_folder() -> str | None:
    """Where a socket can be: the path of one may have some hundred characters only."""
    return None if len(tempfile.gettempdir()) < _LONGEST_FOLDER else "/tmp"  # noqa: S108


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """A variable for a while, unless the user has set it."""
    if name in os.environ:
        yield
        return
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)
