"""The command line: parses, calls `rixin.Workspace`, prints. Nothing is decided here."""

import gc
import sys


def main() -> None:
    """Entry point of the `rixin` command; the exit codes are those of `rixin.errors`."""
    from rixin.cli.app import run

    gc.set_threshold(50_000)  # looking for garbage among modules takes a tenth of the start
    code = run(sys.argv[1:])
    gc.freeze()  # the system takes back the memory; freeing it piece by piece takes 0.15 s
    sys.exit(code)
