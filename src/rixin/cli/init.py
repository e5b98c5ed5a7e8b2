"""`rixin init`: a scenario for a file of cases."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rixin.cli.options import echo, json_option, print_json
from rixin.cli.questions import (
    OPTIONAL,
    QUESTIONS,
    Reads,
    count,
    currency,
    money,
    share,
    token_price,
    words,
)

if TYPE_CHECKING:
    from rixin.core.scenario import Scenario
    from rixin.interop.contract.render import Draft
    from rixin.workspace.init import Found

_FILE_OPTIONS = frozenset(
    {"input", "expected", "id", "stratum", "delimiter", "sheet", "header_row"}
)
"""Options that say how the file is read; the others are fields of the draft."""


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The scenario file.  [default: NAME.yaml in this folder]",
)
@click.option("--name", help="Name of the scenario.  [default: from the file's name]")
@click.option("--owner", type=Reads("text", words), help="Who answers for the job.")
@click.option("--task", type=Reads("text", words), help="What is to be done.")
@click.option("--input", help="Column with the input.")
@click.option("--expected", help="Column with the right answer.")
@click.option("--id", help="Column with your own id.")
@click.option("--stratum", help="Column with the part of the traffic.")
@click.option("--delimiter", help="Of a CSV file.")
@click.option("--sheet", help="Of a workbook.")
@click.option(
    "--header-row",
    type=click.IntRange(0),
    metavar="N",
    help="Row, or line, that names the columns; 0: none does.  [default: found]",
)
@click.option("--cases-per-month", type=Reads("count", count), help="How often the job comes.")
@click.option("--incumbent", type=Reads("text", words), help="Who or what does the job today.")
@click.option("--incumbent-cost", type=Reads("amount", money), help="What a case costs today.")
@click.option("--incumbent-solved", type=Reads("share", share), help="Share solved today: 0.93.")
@click.option(
    "--value",
    "value_per_solved",
    type=Reads("amount", money),
    help="Worth of a solved case.  [default: what a case costs today]",
)
@click.option("--currency", type=Reads("code", currency), help="ISO 4217.  [default: USD]")
@click.option(
    "--floor",
    "solved_at_least",
    type=Reads("share", share),
    help="Solve rate to promise.  [default: today's less 2 points]",
)
@click.option(
    "--local",
    metavar="MODEL",
    help="A local model as candidate, or none.  [default: the catalogue's default]",
)
@click.option(
    "--endpoint",
    metavar="PROVIDER/MODEL",
    help="A remote candidate; a plain MODEL with --base-url.",
)
@click.option("--base-url", metavar="URL", help="Where an OpenAI-compatible server listens.")
@click.option(
    "--price",
    metavar="IN/OUT",
    type=Reads("price", token_price),
    help="Of a million tokens of the remote candidate; 0/0 where the server is your own.",
)
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: what is not given is assumed.")
@click.option(
    "--example",
    is_flag=True,
    help="Start from 200 shipped cases, without a file, a model or a question.",
)
@click.option("--force", is_flag=True, help="Replace a scenario that is there.")
@json_option
def init(
    file: Path | None,
    output: Path | None,
    yes: bool,
    force: bool,
    example: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Write a scenario for FILE: CSV, JSONL, Parquet or XLSX, one case a row.

    Columns are guessed. What no file can tell is asked, or given by flags: who owns the job, how
    often it comes, who does it today, at what cost, how well.
    """
    from rixin.errors import UsageError
    from rixin.workspace.init import check_models, draft_of, look_at, to_json, write_scenario

    if example:
        file, yes = _example(file, force=force), True
        given["local"] = given["local"] or "none"
    if file is None:
        raise UsageError("no file of cases is named", hint=_files_here())
    found = look_at(file, given)
    target = output or Path(f"{given['name'] or found.name}.yaml")
    if target.exists() and not force:
        raise UsageError(
            f"{str(target)!r} is there already", hint="name another file with -o, or use --force"
        )
    check_models(given)
    try:
        _show(found)
        found, answers = _complete(found, given, yes=yes)
    except click.Abort:
        echo("\nstopped; nothing was written", err=True)
        return 130
    draft = draft_of(found, target, answers)
    scenario = write_scenario(draft, target, force=force)
    if as_json:
        print_json(to_json(found, draft, scenario, target))
    else:
        _tell(draft, scenario, target)
    return 0


def _example(file: Path | None, *, force: bool) -> Path:
    """The shipped cases, written into this folder."""
    from rixin.errors import UsageError
    from rixin.workspace.init import write_example

    if file is not None:
        raise UsageError(f"--example has cases of its own, and {str(file)!r} is named")
    return write_example(Path(), force=force)


def _files_here() -> str:
    from rixin.interop.nearby import files_hint
    from rixin.interop.readers import SUFFIXES

    here = files_hint(Path(), SUFFIXES, "file of cases")
    return f"write: rixin init FILE ({here}), or rixin init --example"


def _show(found: "Found") -> None:
    """What was guessed and why, and two cases as they will be read."""
    echo(f"{found.path}: {found.about}", err=True)
    for reason in found.guess.reasons:
        echo(f"  {reason}", err=True)
    _show_cases(found)


def _show_cases(found: "Found") -> None:
    echo("  read as:", err=True)
    for text, expected in found.guess.examples:
        right = "not known" if expected is None else _short(expected, 30)
        echo(f"    {_short(text)} → {right}", err=True)


def _complete(
    found: "Found", given: Mapping[str, Any], *, yes: bool
) -> tuple["Found", dict[str, Any]]:
    """The columns and the answers, asked where somebody is there to answer."""
    answers = {name: value for name, value in given.items() if name not in _FILE_OPTIONS}
    missing = [name for name in QUESTIONS if answers.get(name) is None]
    asks = not yes and sys.stdin.isatty()
    if not found.guess.confident and asks:
        found = _ask_columns(found, given)
    elif not found.guess.confident:
        echo(
            "  not sure of the columns: if wrong, name them with --input, --expected, --header-row",
            err=True,
        )
    if asks:
        return found, {**answers, **_ask_all(found, missing, answers["currency"] or "USD")}
    if not yes:
        _refuse(found, [name for name in missing if name not in OPTIONAL])
    return found, {**answers, **_assume(found, missing)}


def _assume(found: "Found", missing: list[str]) -> dict[str, Any]:
    """What --yes takes for the two answers that have no default to assume."""
    from rixin.workspace.init import who

    assumed: dict[str, Any] = {}
    if "owner" in missing:
        person = who()
        assumed["owner"] = person.name
        echo(f"  owner: {person.name!r}, from {person.origin} (or --owner)", err=True)
    if "task" in missing:
        assumed["task"] = found.task
        echo(f"  task: {found.task!r} (or --task)", err=True)
    return assumed


def _refuse(found: "Found", missing: list[str]) -> None:
    from rixin.errors import UsageError

    if not missing:
        return
    flags = ["--expected"] * (found.guess.expected is None)
    flags += [QUESTIONS[name].flag for name in missing]
    examples = {name: shlex.quote(QUESTIONS[name].example) for name in missing}
    if "task" in examples:
        examples["task"] = shlex.quote(found.task)
    example = " ".join(f"{QUESTIONS[name].flag} {said}" for name, said in examples.items())
    raise UsageError(
        f"nobody is here to ask, and these are missing: {', '.join(flags)}",
        hint=f"for example: rixin init {shlex.quote(str(found.path))} {example}\n"
        "      or --yes, which takes assumed figures",
    )


def _ask_columns(found: "Found", given: Mapping[str, Any]) -> "Found":
    from rixin.workspace.init import look_at

    columns = found.guess.columns
    echo(f"\nThe columns are: {', '.join(columns)}", err=True)
    chosen = dict(given)
    chosen["input"] = _ask_column("Which one is the input?", found.guess.input, columns)
    others = tuple(name for name in columns if name != chosen["input"])
    expected = found.guess.expected if found.guess.expected in others else None
    chosen["expected"] = _ask_column("Which one has the right answer?", expected, others)
    found = look_at(found.path, chosen)
    _show_cases(found)
    return found


def _ask_column(question: str, default: str | None, columns: tuple[str, ...]) -> str:
    from rixin.errors import nearest_hint

    while True:
        said = _prompt(question, default or "") or default or ""
        if said in columns:
            return said
        echo(f"    there is no column {said!r}; {nearest_hint(said, columns)}", err=True)


def _ask_all(found: "Found", missing: list[str], currency: str) -> dict[str, Any]:
    if missing:
        echo(
            "\nWhat no file can tell. Enter takes what stands in brackets; what is assumed\n"
            "is stamped so wherever it shows, until you give your own.",
            err=True,
        )
    answers = {name: _ask(name, found, currency) for name in missing}
    echo(err=True)
    return answers


def _ask(name: str, found: "Found", currency: str) -> Any:
    """Asks until the answer can be used; Enter leaves a figure assumed."""
    from rixin.interop.contract.render import ILLUSTRATIVE

    question = QUESTIONS[name]
    hint = {"owner": "", "task": found.task, "value_per_solved": "what it costs today"}.get(name)
    if hint is None:
        hint = f"{ILLUSTRATIVE[name]}, assumed"
    echo(f"\n  {question.why}", err=True)
    while True:
        said = _prompt(question.ask.format(currency=currency), hint)
        if not said and name != "owner":
            return found.task if name == "task" else None
        try:
            return question.read(said)
        except ValueError as error:
            echo(f"    {f'{said!r} cannot be used: ' * bool(said)}{error}", err=True)


def _prompt(question: str, default: str) -> str:
    from rixin.report.columns import printable

    shown = f"  {question} [{default}]" if default else f"  {question}"
    said = click.prompt(
        printable(shown), default="", show_default=False, prompt_suffix=" ", err=True
    )
    return str(said).strip()


def _tell(draft: "Draft", scenario: "Scenario", target: Path) -> None:
    """What was written, what is not confirmed, and what to do next."""
    from rixin.interop.contract.render import needs_price
    from rixin.report.columns import wrap
    from rixin.workspace.init import next_steps

    names = ", ".join(candidate.name for candidate in scenario.candidates)
    echo(f"wrote {target} (candidates: {names})")
    figures = ", ".join(sorted(scenario.illustrative))
    for line in wrap(f"assumed until you give your own: {figures}", 100, rest="  "):
        echo(line)
    if needs_price(draft):
        echo("the price of 'strong' is not known: state its `price` in the file before you decide")
        echo("  (--price IN/OUT does so here; 0/0 where the server is your own and bills nobody)")
    echo(
        "one gateway serves one ledger: for scenarios of several folders, set RIXIN_LEDGER for all,"
        " or: rixin serve --workspace DIR"
    )
    steps = list(next_steps(draft, target))
    width = max(len(command) for command, _ in steps)
    for number, (command, why) in enumerate(steps):
        echo(f"{'next:' if not number else '':<6}{command:<{width}}   # {why}")


def _short(text: str, width: int = 60) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"
