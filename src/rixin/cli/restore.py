"""`rixin restore`."""

from rixin.cli.backup import restore

__all__ = ["restore"]
