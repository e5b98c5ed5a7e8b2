"""The Python API that command line and notebooks share: a `Workspace` and its results."""

from rixin.workspace.result import Result
from rixin.workspace.space import Workspace

__all__ = ["Result", "Workspace"]
