"""The command line: parses, calls `rixin.Workspace`, prints. Nothing is decided here."""

import sys


def main() -> None:
    """Entry point of the `rixin` command; the exit codes are those of `rixin.errors`."""
    from rixin.cli.app import run

    sys.exit(run(sys.argv[1:]))
