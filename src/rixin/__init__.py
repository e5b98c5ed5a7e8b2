"""Rixin (日新): decide which solver solves a business scenario at the lowest cost, safely.

The public Python API is small:

    >>> import rixin
    >>> rixin.__version__
    '0.1.0'

`rixin.Workspace` (imported on first use, so that `import rixin` stays fast) does
everything the command line does.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rixin.workspace import Workspace as Workspace

__version__ = "0.1.0"
__all__ = ["Workspace", "__version__"]


def __getattr__(name: str) -> object:
    if name == "Workspace":
        from rixin.workspace import Workspace

        return Workspace
    msg = f"module 'rixin' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """The public names, for tab completion."""
    return [*__all__]
