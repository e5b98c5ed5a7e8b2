"""A first scenario for a file of cases: what can be guessed, and what a person has to say."""

import getpass
import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rixin.core.ids import scenario_name
from rixin.core.scenario import Scenario
from rixin.errors import UnknownName, UsageError
from rixin.interop.contract.json_schema import schema_text
from rixin.interop.contract.providers import PROVIDERS
from rixin.interop.contract.render import (
    SCHEMA_FILE,
    Draft,
    write_draft,
    write_whole,
)
from rixin.interop.guess import READ_AT_MOST, Guess, guess_columns
from rixin.interop.guess_names import Role
from rixin.interop.readers import find_format
from rixin.models.catalog import CATALOG, find
from rixin.models.files import megabytes
from rixin.models.store import ModelStore

DEFAULT_MODEL = CATALOG[0].name
_MANY_LABELS = 100
"""Labels up to which a small local model is worth a try: each has an example in its prompt."""
_ROLES: tuple[Role, ...] = ("input", "expected", "id", "stratum")
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_PLAIN_INPUT = frozenset({"input", "inputs", "x", "content", "body", "data", "sentence", "prompt"})
_PLAIN_EXPECTED = frozenset(
    {"expected", "gold", "target", "output", "y", "truth", "result", "label", "class", "answer"}
)
_TASKS: Mapping[str, tuple[str, str]] = {
    "labels": ("Choose the {expected} that fits each {input}.", "label"),
    "number": ("Work out the {expected} for each {input}.", "number"),
    "json-schema": ("Take {expected} out of each {input}, as JSON.", "the fields"),
    "free-text": ("Write the {expected} for each {input}.", "answer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a file of cases shows by itself."""

    path: Path
    guess: Guess

    @property
    def name(self) -> str:
        """A scenario name made of the file's name."""
        return scenario_name(self.path.stem) or "scenario"

    @property
    def about(self) -> str:
        """Format, encoding and size in words."""
        guess = self.guess
        kind = find_format(self.path, guess.encoding)
        words = [{"jsonl": "JSON lines", "parquet": "Parquet"}.get(kind, kind.upper())]
        words += [_DELIMITERS[guess.delimiter]] if guess.delimiter in _DELIMITERS else []
        words += [f"sheet {guess.sheet!r}"] if guess.sheet else []
        words += [guess.encoding] if kind not in {"parquet", "xlsx"} else []
        rows = f"{'the first ' * (guess.rows_seen >= READ_AT_MOST)}{guess.rows_seen:,} rows"
        sample = f" (guessed from {guess.sampled:,} of them)" * (guess.sampled < guess.rows_seen)
        return f"{', '.join([*words, rows])}{sample}"

    @property
    def task(self) -> str:
        """The job in words, as far as column names tell."""
        guess = self.guess
        text, usual = _TASKS[guess.output_kind]
        expected = _noun(guess.expected or "", _PLAIN_EXPECTED, usual)
        if guess.output_kind == "json-schema":
            names = list((guess.schema or {}).get("properties", {}))[:8]  # type: ignore[call-overload]
            expected = ", ".join(names) or usual
        return text.format(input=_noun(guess.input, _PLAIN_INPUT, "text"), expected=expected)


class Person(NamedTuple):
    """Who is at the keyboard, and how that is known."""

    name: str
    origin: str


def look_at(path: Path, chosen: Mapping[str, Any]) -> Found:
    """Guesses the columns of a file.

    Args:
        path: The file of cases.
        chosen: What the user has said of input, expected, id, stratum, delimiter, sheet
            and header_row;
            what is None or not there is guessed.

    Raises:
        CasesError: The file cannot be read, or a chosen column is not there.
    """
    columns = {role: column for role in _ROLES if (column := chosen.get(role)) is not None}
    guess = guess_columns(
        path,
        delimiter=chosen.get("delimiter"),
        sheet=chosen.get("sheet"),
        header_row=chosen.get("header_row"),
        chosen=columns,
    )
    return Found(path=path, guess=guess)


EXAMPLE = "example.csv"
"""What the shipped cases are called where `rixin init --example` puts them."""


def write_example(folder: Path, *, force: bool = False) -> Path:
    """Writes the shipped cases: 200 messages to a shop, each with the queue it belongs to.

    Raises:
        UsageError: The file is there already, with other content, and `force` is not set.
        EnvironmentFault: The place cannot be written.
    """
    shipped = Path(__file__).with_name("example") / "messages.csv"
    text, target = shipped.read_text(encoding="utf-8"), folder / EXAMPLE
    if target.exists() and not force and target.read_text("utf-8", "replace") != text:
        raise UsageError(
            f"{str(target)!r} is there already, and is not the example", hint="use --force"
        )
    write_whole(target, text)
    return target


def check_models(given: Mapping[str, str | None]) -> None:
    """Refuses a model that is not known, before anybody is asked anything.

    Args:
        given: What the user has said of local, endpoint and base_url.

    Raises:
        UsageError: There is no such model, or it is not known where it listens.
    """
    local, endpoint, base_url = (given.get(name) for name in ("local", "endpoint", "base_url"))
    if given.get("price") and not endpoint:
        raise UsageError(
            "--price says what tokens cost, but not whose", hint="add --endpoint MODEL"
        )
    if local is not None and local != "none" and not _is_path(local):
        store = ModelStore()
        if find(local, CATALOG) is None and store.installed(local) is None:
            known = [status.name for status in store.list_models()]
            raise UnknownName("model", local, [*known, "none"])
    if base_url and not endpoint:
        raise UsageError("--base-url says where, but not which model", hint="add --endpoint MODEL")
    if endpoint and not base_url and endpoint.partition("/")[0] not in PROVIDERS:
        raise UsageError(
            f"it is not known where {endpoint!r} listens",
            hint=f"add --base-url URL, or write provider/model with: {', '.join(PROVIDERS)}",
        )


def draft_of(found: Found, target: Path, answers: Mapping[str, Any]) -> Draft:
    """The draft of a scenario from what was found and what was answered.

    Args:
        found: From `look_at`.
        target: Where the scenario file will be.
        answers: Fields of `Draft` by name; None where nobody said. `local` may be "none".

    Raises:
        UsageError: Nothing could be scored, or there is no candidate.
    """
    guess = found.guess
    if guess.expected is None:
        raise UsageError(
            f"{found.path}: no column looks like an expected output, and without one nothing can"
            " be scored",
            hint=f"name it with --expected: {', '.join(guess.columns)}",
        )
    given = {name: value for name, value in answers.items() if value is not None}
    given["local"] = _local(guess, target, given.get("local"))
    if guess.output_kind != "labels" and given["local"] is None and not given.get("endpoint"):
        raise UsageError(
            f"there is no candidate: an output of kind {guess.output_kind} takes a model",
            hint="name one with --local MODEL or --endpoint PROVIDER/MODEL",
        )
    fields: dict[str, Any] = {
        "name": found.name,
        "task": found.task,
        "cases": Path(os.path.relpath(found.path.absolute(), target.parent.absolute())).as_posix(),
        "input": guess.input,
        "expected": guess.expected,
        "id": guess.id,
        "stratum": guess.stratum,
        "encoding": None if guess.encoding == "utf-8" else guess.encoding,
        "delimiter": guess.delimiter if guess.delimiter not in {None, ","} else None,
        "sheet": guess.sheet,
        "header_row": guess.header_row,
        "output": guess.output_kind,
        "labels": len(guess.labels),
        "schema": guess.schema,
        "columns_sure": guess.confident,
    }
    return Draft(**{**fields, **given})


def write_scenario(draft: Draft, target: Path, *, force: bool = False) -> Scenario:
    """Writes the scenario, and the schema that editors complete it with.

    Raises:
        UsageError: The file is there already and `force` is not set, or the draft does not hold.
        EnvironmentFault: The place cannot be written.
    """
    scenario = write_draft(draft, target, force=force)
    write_whole(target.parent / SCHEMA_FILE, schema_text())
    return scenario


def next_steps(draft: Draft, target: Path) -> Iterator[tuple[str, str]]:
    """The commands that follow, each with why; from here to a verdict nothing else is needed."""
    model = find(draft.local or "", CATALOG)
    if model is not None and ModelStore().installed(model.name) is None:
        yield f"rixin models pull {model.name}", f"once, {megabytes(model.download_size)}"
    if draft.endpoint and not draft.base_url:
        key = PROVIDERS[draft.endpoint.partition("/")[0]].key_env
        if key and key not in os.environ:
            yield f"export {key}=…", f"the key of {draft.endpoint}"
    file = shlex.quote(str(target))
    yield f"rixin check {file}", "what a decision asks and costs; no call is made"
    yield f"rixin decide {file}", "the verdict"


def who() -> Person:
    """The person at the keyboard, for the owner of a scenario."""
    command = ["git", "config", "user.name"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603
        if name := done.stdout.strip():
            return Person(name, "git config user.name")
    except (OSError, subprocess.TimeoutExpired):
        pass
    try:
        return Person(getpass.getuser(), "your login name")
    except (OSError, KeyError):
        return Person("owner", "nobody said")


def _noun(column: str, plain: frozenset[str], usual: str) -> str:
    words = " ".join(re.split(r"[\s_]+", column)).strip()
    return usual if not words or words.casefold() in plain else words


def _local(guess: Guess, target: Path, given: str | None) -> str | None:
    """The local model as the scenario names it."""
    if given == "none":
        return None
    if given is None:
        few = guess.output_kind != "labels" or len(guess.labels) <= _MANY_LABELS
        return DEFAULT_MODEL if few else None
    if _is_path(given):
        # The scenario counts paths from its own folder, the command line from the current one.
        path = Path(given).expanduser().absolute()
        return Path(os.path.relpath(path, target.parent.absolute())).as_posix()
    return given


def _is_path(model: str) -> bool:
    return "/" in model or model.endswith(".gguf")


def to_json(found: Found, draft: Draft, scenario: Scenario, target: Path) -> dict[str, object]:
    """All that `rixin init` guessed and wrote, as values that `json.dumps` takes."""
    guess = found.guess
    columns: dict[str, object] = {str(role): getattr(draft, role) for role in _ROLES}
    return {
        "scenario": str(target),
        "name": scenario.name,
        "owner": scenario.owner,
        "task": scenario.task,
        "cases": {
            "path": draft.cases,
            "rows_seen": guess.rows_seen,
            **columns,
            "encoding": guess.encoding,
            "delimiter": guess.delimiter,
            "sheet": guess.sheet,
            "header_row": guess.header_row,
        },
        "output": guess.output_kind,
        "labels": list(guess.labels),
        "confident": guess.confident,
        "reasons": list(guess.reasons),
        "candidates": [candidate.name for candidate in scenario.candidates],
        "illustrative": sorted(scenario.illustrative),
        "next": [command for command, _ in next_steps(draft, target)],
    }
