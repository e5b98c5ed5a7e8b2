"""`rixin backup` and `rixin restore`."""

from pathlib import Path

import click

from rixin.cli.options import echo, ledger_option


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@ledger_option
def backup(file: Path, ledger: Path | None) -> int:
    """Copy the ledger, its tree heads and its secrets into FILE; a gateway may go on serving.

    FILE is its owner's alone, and is checked once it is written: keep it where the ledger is not.

    Exit code 1: the trail in it does not hold; 4: whether it holds cannot be told.
    """
    from rixin.ledger.backup import back_up

    found = back_up(ledger or Path(".rixin") / "ledger.sqlite3", file)
    echo(
        f"{file}: {found.entries:,} entries, {found.requests:,} requests: the trail {found.verdict}"
    )
    echo(f"back again: rixin restore {file} --ledger PLACE")
    return found.exit_code


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ledger_option
def restore(file: Path, ledger: Path | None) -> int:
    """Lay the ledger, its tree heads and its secrets out of FILE where they shall be, and check them.

    Nothing is replaced: where a ledger is, move it away first. Rules, cases and models that the
    scenarios name are not in FILE.

    Exit code 1: the trail does not hold; 4: whether it holds cannot be told.
    """
    from rixin.ledger.backup import restore as lay

    place = ledger or Path(".rixin") / "ledger.sqlite3"
    found = lay(file, place)
    echo(
        f"{place}: {found.entries:,} entries, {found.requests:,} requests: the trail {found.verdict}"
    )
    return found.exit_code
