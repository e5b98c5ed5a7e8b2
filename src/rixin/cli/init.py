"""`rixin init`: a scenario for a file of cases."""

import sys
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rixin.workspace.init import Found


def _share(text: str) -> float:
    """A rate in (0, 1], also written as a percentage."""
    number = text.strip()
    value = float(number[:-1]) / 100 if number.endswith("%") else float(number)
    if not 0 < value <= 1:
        raise ValueError("give a share between 0 and 1, such as 0.93, or 93%")
    return value


def _money(text: str) -> Decimal:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("give an amount such as 1.60, without a currency") from None
    if not value.is_finite() or value < 0:
        raise ValueError("give an amount of at least 0")
    return value


def _count(text: str) -> int:
    value = int(text.strip().replace(",", "").replace("_", ""))
    if value < 1:
        raise ValueError("give a whole number of at least 1")
    return value


def _words(text: str) -> str:
    if not text.strip():
        raise ValueError("say it in a word or two")
    return text.strip()


_QUESTIONS: Mapping[str, tuple[str, str, Callable[[str], Any]]] = {
    "owner": ("Who answers for this job?", "--owner", _words),
    "task": ("What is to be done, as you would tell a new colleague?", "--task", _words),
    "cases_per_month": ("How many cases come in a month?", "--cases-per-month", _count),
    "incumbent": ("Who or what does the job today?", "--incumbent", _words),
    "incumbent_cost": ("What does a case cost today, in {currency}?", "--incumbent-cost", _money),
    "incumbent_solved": ("What share of cases is done right today?", "--incumbent-solved", _share),
    "value_per_solved": ("What is a solved case worth, in {currency}?", "--value", _money),
}
_OPTIONAL = {"value_per_solved"}
"""Has a default of its own: what a case costs today."""


class _Reads(click.ParamType[Any]):
    """A flag that is read as the question of the same name."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value, or a usage error with the reason."""
        try:
            return self._read(str(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The scenario file. [default: NAME.yaml beside the cases]",
)
@click.option("--name", help="Name of the scenario.")
@click.option("--owner", help="Who answers for the job.")
@click.option("--task", help="What is to be done.")
@click.option("--input", help="Column of the input.")
@click.option("--expected", help="Column of the expected output.")
@click.option("--id", help="Column of your own id.")
@click.option("--delimiter", help="Of a CSV file.")
@click.option("--sheet", help="Of a workbook.")
@click.option("--cases-per-month", type=_Reads("count", _count), help="Demand.")
@click.option("--incumbent", help="Who or what does the job today.")
@click.option("--incumbent-cost", type=_Reads("amount", _money), help="What a case costs today.")
@click.option(
    "--incumbent-solved",
    type=_Reads("share", _share),
    help="Share of cases done right today, e.g. 0.93.",
)
@click.option(
    "--value",
    "value_per_solved",
    type=_Reads("amount", _money),
    help="What a solved case is worth. [default: what it costs today]",
)
@click.option("--currency", help="ISO 4217 code.  [default: USD]")
@click.option(
    "--floor",
    "solved_at_least",
    type=_Reads("share", _share),
    help="Solve rate to promise. [default: today's less 2 points]",
)
@click.option("--local", help="A local model as candidate, or none.")
@click.option("--endpoint", help="A remote candidate: provider/model, or a model with --base-url.")
@click.option("--base-url", help="Where an OpenAI-compatible server listens.")
@click.option(
    "-y", "--yes", is_flag=True, help="Ask nothing: figures nobody gave are illustrative."
)
@click.option("--force", is_flag=True, help="Replace a scenario that is there.")
def init(file: Path, output: Path | None, yes: bool, force: bool, **given: Any) -> None:
    """Write a scenario for FILE: CSV, JSONL, Parquet or XLSX, one case a row.

    Columns are guessed. What no file can tell is asked, or given by flags: who owns the job, how
    often it comes, who does it today, at what cost, how well.
    """
    from rixin.errors import UsageError
    from rixin.workspace.init import draft_of, look_at, write_scenario

    found = look_at(file, given)
    target = output or file.parent / f"{given['name'] or found.name}.yaml"
    if target.exists() and not force:
        raise UsageError(
            f"{str(target)!r} is there already", hint="name another file with -o, or use --force"
        )
    _show(found)
    answers = {name: value for name, value in given.items() if name not in _COLUMNS}
    answers |= _answers(found, answers, yes=yes)
    draft = draft_of(found, target, answers)
    write_scenario(draft, target, force=force)
    click.echo(f"\nwrote {target}")
    if draft.local:
        click.echo(f"  for the candidate `small`: rixin models pull {draft.local}")
    click.echo(f"next: rixin check {target}\n      rixin decide {target}")


_COLUMNS = frozenset({"input", "expected", "id", "delimiter", "sheet"})


def _show(found: "Found") -> None:
    """What was guessed, and the first case as it will be read."""
    for reason in found.guess.reasons:
        click.echo(f"  {reason}")
    text, expected = found.example
    click.echo(f"  first case: {_short(text)!r} → {_short(expected or 'not known')!r}")
    if not found.guess.confident:
        click.echo("  not sure of the columns: name them with --input and --expected if wrong")


def _answers(found: "Found", given: Mapping[str, Any], *, yes: bool) -> dict[str, Any]:
    """Answers to the questions that no flag has answered."""
    from rixin.workspace.init import who

    missing = [name for name in _QUESTIONS if given.get(name) is None]
    defaults = {"owner": who(), "task": found.task}
    if yes:
        return {name: defaults[name] for name in missing if name in defaults}
    if not sys.stdin.isatty():
        _refuse([name for name in missing if name not in _OPTIONAL and name != "task"])
        return {name: defaults[name] for name in missing if name == "task"}
    click.echo("\nWhat no file can tell (Enter takes what stands in brackets):")
    currency = given.get("currency") or "USD"
    return {name: _ask(name, defaults.get(name), currency) for name in missing}


def _refuse(missing: list[str]) -> None:
    if missing:
        flags = ", ".join(_QUESTIONS[name][1] for name in missing)
        raise click.UsageError(
            f"nobody is here to ask, so say it with flags: {flags};"
            " or use --yes for illustrative figures"
        )


def _ask(name: str, default: str | None, currency: str) -> Any:
    """Asks until the answer can be used; Enter without a default leaves it illustrative."""
    from rixin.interop.contract.render import ILLUSTRATIVE

    question, _, read = _QUESTIONS[name]
    assumed = ILLUSTRATIVE.get(name)
    hint = default or (f"{assumed}, illustrative" if assumed is not None else "what it costs today")
    while True:
        said = click.prompt(
            f"  {question.format(currency=currency)} [{hint}]", default="", show_default=False
        )
        if not said.strip():
            return default
        try:
            return read(said)
        except ValueError as error:
            click.echo(f"    {said!r}: {error}")


def _short(text: str, width: int = 60) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"
