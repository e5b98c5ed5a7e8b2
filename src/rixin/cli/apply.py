"""`rixin apply`."""

from pathlib import Path

import click

from rixin.cli.app import scenario_path
from rixin.cli.options import echo, json_option, ledger_option, print_json


@click.command()
@click.argument("scenario", type=click.Path(dir_okay=False))
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write; the ending says the form: .csv, .tsv, .jsonl, .parquet, .xlsx.",
)
@click.option(
    "--input", "column", help="Column with the input. [default: as the contract names it]"
)
@click.option("--encoding", default="utf-8", show_default=True, help="Of a text file.")
@click.option("--sheet", help="Of a workbook. [default: the first]")
@click.option("--overwrite", is_flag=True, help="Replace an output that is there already.")
@ledger_option
@json_option
def apply(
    *,
    scenario: str,
    source: Path,
    output: Path,
    column: str | None,
    encoding: str,
    sheet: str | None,
    overwrite: bool,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Answer each row of SOURCE with the release that serves SCENARIO, and write them to a file.

    SCENARIO is its file or its name, NAME@7 for one release. Answers go the way of the gateway:
    the same guards, budget and trail. A run that was stopped goes on with the same command. Where
    an endpoint asks for a pause or is down, the rows wait, two minutes without any answer at most.
    Your own columns come back as they went in; from CSV to CSV with the same delimiter, quotes and
    mark. Cells of a text file that a spreadsheet would take for formulas get an apostrophe.

    Exit code 1: some rows failed; 3: it was stopped.
    """
    from dataclasses import asdict

    from rixin.errors import MissingExtra
    from rixin.workspace import Workspace

    try:
        from rixin.serve.app import Settings
        from rixin.serve.apply import Reading
        from rixin.serve.apply import apply as run
    except ModuleNotFoundError as error:
        raise MissingExtra("rixin apply", "serve") from error
    with Workspace(ledger=ledger) as workspace:
        name, at, number = scenario.partition("@")
        name = workspace.scenario_name(scenario_path(name))
        place = workspace.desk(scenario).ledger.path
    found = run(
        Settings(ledger=place),
        f"{name}{at}{number}",
        source,
        output,
        column=column,
        reading=Reading(encoding, sheet),
        say=lambda line: echo(line, err=True),
        overwrite=overwrite,
    )
    if as_json:
        print_json(asdict(found))
    else:
        echo(
            f"{output}: {found.rows:,} rows, {found.answered:,} answered, {found.queued:,} for"
            f" people, {found.refused:,} refused, {found.failed:,} failed"
        )
        for note in found.notes:
            echo(f"  {note}")
        if found.reason:
            echo(f"  most of those without an answer: {found.reason} (column rixin_note)")
    return 1 if found.failed else 0
