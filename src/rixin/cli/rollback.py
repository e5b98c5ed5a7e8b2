"""`rixin rollback`."""

from rixin.cli.promote import rollback

__all__ = ["rollback"]
