"""`rixin report`: the verdict again, from stored rows."""

from pathlib import Path

import click

from rixin.cli.app import scenario_path
from rixin.cli.decide import show
from rixin.cli.options import echo, json_option, ledger_option, scenario_argument


@click.command()
@scenario_argument
@click.option(
    "-o",
    "--output",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a file: .html, .md, .json or .txt; may be repeated.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown for a pull request.")
@click.option(
    "--lang",
    metavar="LANG",
    default="en",
    show_default=True,
    help="Language of the HTML page: en, zh or ar.",
)
@ledger_option
@json_option
def report(
    scenario: str | None,
    output: tuple[Path, ...],
    markdown: bool,
    lang: str,
    ledger: Path | None,
    as_json: bool,
) -> int:
    """Print or write the verdict on what is stored, without any call."""
    from rixin.report.words import language_of
    from rixin.workspace import Workspace

    if language_of(lang) != "en" and not any(one.suffix.lower() == ".html" for one in output):
        what = f"--lang {lang} is for an HTML page, and none is written"
        raise click.UsageError(f"{what}: add -o report.html; other forms are in English")
    with Workspace(ledger=ledger) as workspace:
        result = workspace.report(scenario_path(scenario))
    for target in output:
        result.write(target, lang=lang)
        echo(f"wrote {target}", err=True)
    if markdown:
        echo(result.markdown())
    elif not output or as_json:
        show(result, as_json=as_json)
    return 0
