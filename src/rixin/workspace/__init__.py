"""The Python API that command line and notebooks share: a `Workspace` and its results.

Both are imported on first use: a gateway needs neither.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rixin.workspace.result import Result as Result
    from rixin.workspace.space import Workspace as Workspace

__all__ = ["Result", "Workspace"]


def __getattr__(name: str) -> object:
    if name == "Workspace":
        from rixin.workspace.space import Workspace

        return Workspace
    if name == "Result":
        from rixin.workspace.result import Result

        return Result
    raise AttributeError(f"module 'rixin.workspace' has no attribute {name!r}")
