"""`python -m rixin` is the `rixin` command."""

from rixin.cli import main

main()
