"""A first scenario for a file of cases: what can be guessed, and what a person has to say."""

import getpass
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rixin.interop.contract.json_schema import schema_text
from rixin.interop.contract.render import SCHEMA_FILE, Draft, write_draft
from rixin.interop.guess import Guess, guess_columns
from rixin.interop.guess_names import Role
from rixin.interop.readers import open_rows

DEFAULT_MODEL = "qwen2.5-coder-0.5b-instruct"
_MANY_LABELS = 200
_TASKS: Mapping[str, str] = {
    "labels": "Give each {input} its {expected}.",
    "number": "Work out the {expected} of each {input}.",
    "json-schema": "Take the {expected} out of each {input}.",
    "free-text": "Answer each {input}.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a file of cases shows by itself."""

    path: Path
    guess: Guess
    labels: int
    example: tuple[str, str | None]
    """Input and expected output of the first row."""

    @property
    def name(self) -> str:
        """A scenario name made of the file's name."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", self.path.stem).strip("-.")
        return plain[:60] or "scenario"

    @property
    def task(self) -> str:
        """The job in words, as far as column names tell."""
        kind = self.guess.output_kind
        words = {"input": self.guess.input, "expected": self.guess.expected or "answer"}
        return _TASKS[kind].format(**{key: value.replace("_", " ") for key, value in words.items()})


def look_at(path: Path, chosen: Mapping[str, str | None]) -> Found:
    """Guesses the columns of a file.

    Args:
        path: The file of cases.
        chosen: What the user has said: input, expected, id, delimiter, sheet; None: to guess.

    Raises:
        CasesError: The file cannot be read, or a chosen column is not there.
    """
    roles: tuple[Role, ...] = ("input", "expected", "id")
    named = {role: column for role in roles if (column := chosen.get(role)) is not None}
    guess = guess_columns(
        path, delimiter=chosen.get("delimiter"), sheet=chosen.get("sheet"), chosen=named
    )
    row = next(
        iter(
            open_rows(
                path, encoding=guess.encoding, delimiter=guess.delimiter, sheet=guess.sheet
            ).rows()
        ),
        None,
    )
    values = row.values if row else {}
    expected = None if guess.expected is None else str(values.get(guess.expected, ""))
    return Found(
        path=path,
        guess=guess,
        labels=len(guess.labels),
        example=(str(values.get(guess.input, "")), expected),
    )


def draft_of(found: Found, target: Path, answers: Mapping[str, Any]) -> Draft:
    """The draft of a scenario from what was found and what was answered.

    Args:
        found: From `look_at`.
        target: Where the scenario file will be.
        answers: Fields of `Draft` by name; None where nobody said.
    """
    guess = found.guess
    given = {name: value for name, value in answers.items() if value is not None}
    if given.get("local") == "none":
        given["local"] = None
    elif "local" not in given and 1 < found.labels <= _MANY_LABELS:
        given["local"] = DEFAULT_MODEL
    fields: dict[str, Any] = {
        "name": found.name,
        "task": found.task,
        "cases": os.path.relpath(found.path, target.parent),
        "input": guess.input,
        "expected": guess.expected,
        "id": guess.id,
        "encoding": None if guess.encoding == "utf-8" else guess.encoding,
        "delimiter": guess.delimiter if guess.delimiter not in {None, ","} else None,
        "sheet": guess.sheet,
        "output": guess.output_kind,
        "labels": found.labels,
    }
    return Draft(**{**fields, **given})


def write_scenario(draft: Draft, target: Path, *, force: bool = False) -> None:
    """Writes the scenario, and the schema that editors complete it with.

    Raises:
        UsageError: The file is there already and `force` is not set.
    """
    write_draft(draft, target, force=force)
    schema = target.parent / SCHEMA_FILE
    schema.parent.mkdir(parents=True, exist_ok=True)
    schema.write_text(schema_text(), encoding="utf-8")


def who() -> str:
    """The name of the person at the keyboard, for the owner of a scenario."""
    command = ["git", "config", "user.name"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)  # noqa: S603
        name = done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        name = ""
    try:
        return name or getpass.getuser()
    except OSError:
        return "owner"
