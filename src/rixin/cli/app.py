"""The command group, and how errors and interruptions end a command."""

import os
import re
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import click

from rixin import __version__
from rixin.cli.options import echo
from rixin.errors import RixinError, nearest_hint

_COMMANDS = {
    "init": "Writes a scenario for a file of cases.",
    "check": "Checks a scenario and says what a decision will cost at most.",
    "decide": "Asks the candidates, the cheapest first, and prints the verdict.",
    "report": "Prints or writes the verdict again, without any call.",
    "verify": "Recomputes a certificate from the stored rows, and says what differs.",
    "explain": "Shows what each solver said to one case or request, and why.",
    "release": "Turns the latest certified verdict into a release.",
    "promote": "Lets a release serve, on a part of the traffic or all of it.",
    "rollback": "Goes back to the release before.",
    "serve": "Serves the releases behind OpenAI's API.",
    "apply": "Answers the rows of a file with the release that serves.",
    "requests": "Lists what was asked of the gateway, and follows it.",
    "runs": "Lists the runs of agents, and what each has spent.",
    "inbox": "Lists, shows and answers the cases that wait for people.",
    "keys": "Creates, lists, rotates and revokes keys of the gateway.",
    "audit": "Verifies and reads the audit trail, and erases what was said.",
    "backup": "Copies ledger, tree heads and secrets into one file, while a gateway serves.",
    "restore": "Lays what a backup holds where it shall be, and checks it.",
    "models": "Lists, pulls, verifies and removes local models.",
    "doctor": "Says what works on this machine, what does not, and what to do.",
}


class Commands(click.Group):
    """Loads a command's module only when it is called, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a newcomer's first hour."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, from its own module."""
        if cmd_name not in _COMMANDS:
            return None
        from importlib import import_module

        command = getattr(import_module(f"rixin.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As in click, with the nearest name for one that is not there."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            hint = nearest_hint(args[0], _COMMANDS)
            raise click.UsageError(f"no such command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with one line each, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a promise does not hold, 2 usage, 3 stopped and resumable,"
    " 4 environment. Start with: rixin init FILE",
)
@click.version_option(__version__, prog_name="rixin")
def app() -> None:
    """Decide, for one business scenario, which solver solves it at the lowest cost, safely."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and gives its exit code."""
    try:
        result = app.main(args=list(arguments), prog_name="rixin", standalone_mode=False)
    except click.exceptions.Abort:
        echo("stopped", err=True)
        return 130
    except click.ClickException as error:
        said = StringIO()
        error.show(said)
        echo(said.getvalue().rstrip("\n"), err=True)
        return error.exit_code
    except RixinError as error:
        show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        echo("\nstopped; what was stored stays", err=True)
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; there is nobody to complain to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def show_error(error: RixinError) -> None:
    """What happened, and what to do next, on stderr."""
    from rixin.report.columns import printable

    for word, colour, text in (("error", "red", str(error)), ("hint", "cyan", error.hint)):
        if text:
            click.echo(f"{click.style(word, fg=colour, bold=True)}: {printable(text)}", err=True)


def scenario_path(given: str | None) -> Path:
    """The scenario file that a command means: a file or a scenario's name, or the only one here.

    Raises:
        click.UsageError: None or several are here.
    """
    if given is not None and Path(given).exists():
        return Path(given)
    scenarios = {path: name for path in sorted(Path().glob("*.y*ml")) if (name := _name_in(path))}
    if given is not None:
        named = [path for path, name in scenarios.items() if name == given]
        return named[0] if len(named) == 1 else Path(given)
    if len(scenarios) == 1:
        return next(iter(scenarios))
    if not scenarios:
        raise click.UsageError("no scenario here: name one, or make one with: rixin init FILE")
    raise click.UsageError(f"several scenarios here, name one: {', '.join(map(str, scenarios))}")


def _name_in(path: Path) -> str | None:
    """The name of the scenario in a file; None where it holds none."""
    try:
        head = path.read_text(encoding="utf-8-sig")[:20_000]
    except (OSError, UnicodeDecodeError):
        return None
    name = re.search(r"^scenario: *['\"]?([\w.-]+)", head, re.MULTILINE)
    if name is None or "\ncandidates:" not in head or "\nincumbent:" not in head:
        return None
    return name[1]
