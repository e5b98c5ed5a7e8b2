"""What the scenario file names on disk: whether it is there, and whether it can be used."""

import json
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from rixin.core.structured import schema_validator
from rixin.errors import RixinError, UsageError, nearest_hint
from rixin.interop.contract.explain import Found
from rixin.interop.contract.yaml_lines import Path as Where
from rixin.interop.nearby import missing_hint
from rixin.interop.readers import SUFFIXES, open_rows
from rixin.interop.row_source import RowSource

_YAML = frozenset({".yaml", ".yml"})
_JSON = frozenset({".json"})
_LARGE_WORKBOOK = 2_000_000
"""Bytes from which on a workbook takes seconds to open, so that only reading it checks it."""


def check_files(values: dict[str, Any], folder: Path) -> Iterator[Found]:
    """Files that are named but not there, and columns that a file of cases does not have.

    Asked of the raw file, so that no other mistake hides it.

    Args:
        values: The whole scenario file.
        folder: Its folder.
    """
    yield from _cases(values.get("cases"), folder)
    yield from _schema(values.get("output"), folder)
    if "prices" in values:
        yield from _missing(("prices",), values["prices"], folder, _YAML | _JSON, "price file")
    candidates = values.get("candidates")
    for number, one in enumerate(candidates if isinstance(candidates, list) else ()):
        if isinstance(one, dict):
            yield from _candidate(("candidates", number), one, folder)


def _candidate(where: Where, one: dict[str, Any], folder: Path) -> Iterator[Found]:
    if "rule" in one:
        yield from _missing((*where, "rule"), one["rule"], folder, _YAML, "rules file")
    if "replay" in one:
        yield from _replay(where, one, folder)
    local = one.get("local")
    if isinstance(local, str) and local.endswith(".gguf"):
        yield from _missing((*where, "local"), local, folder, {".gguf"}, "model file")


def _cases(given: Any, folder: Path) -> Iterator[Found]:
    if not isinstance(given, dict) or "path" not in given:
        return
    where: Where = ("cases", "path")
    missing = list(_missing(where, given["path"], folder, SUFFIXES, "file of cases"))
    yield from missing
    path = _place(given["path"], folder)
    if missing or path is None or _is_large(path):
        return
    how = {key: given.get(key) for key in ("delimiter", "sheet")}
    encoding = given.get("encoding", "utf-8")
    if not all(one is None or isinstance(one, str) for one in (*how.values(), encoding)):
        return
    header_row = given.get("header_row")
    if not isinstance(header_row, int | None):
        return
    try:
        rows = open_rows(path, encoding=encoding or "utf-8", header_row=header_row, **how)
    except RixinError as error:
        yield where, str(error), error.hint or ""
        return
    names = ("input", "expected", "stratum", "weight", "id")
    columns = {("cases", name): given.get(name) for name in names}
    yield from _absent(rows, columns)


def _replay(where: Where, one: dict[str, Any], folder: Path) -> Iterator[Found]:
    missing = list(_missing((*where, "replay"), one["replay"], folder, SUFFIXES, "log"))
    yield from missing
    path = _place(one["replay"], folder)
    if missing or path is None or _is_large(path):
        return
    try:
        rows = open_rows(path)
    except RixinError as error:
        yield (*where, "replay"), str(error), error.hint or ""
        return
    columns, chosen = one.get("columns"), one.get("where")
    named: dict[Where, object] = {}
    if isinstance(columns, dict):
        named |= {(*where, "columns", key): name for key, name in columns.items()}
    if isinstance(chosen, dict):
        named |= {(*where, "where", name): name for name in chosen}
    yield from _absent(rows, named)


def _absent(rows: RowSource, columns: dict[Any, object]) -> Iterator[Found]:
    for where, name in columns.items():
        if not isinstance(name, str):
            continue
        try:
            there = name in rows.columns or name in rows.find_columns()
        except RixinError as error:
            yield where, str(error), error.hint or ""
            return
        if not there:
            reason = f"{rows.path.name} has no column {name!r}"
            yield where, reason, nearest_hint(name, rows.columns)


def _schema(given: Any, folder: Path) -> Iterator[Found]:
    if not isinstance(given, dict) or "json-schema" not in given:
        return
    where: Where = ("output", "json-schema")
    schema = given["json-schema"]
    if isinstance(schema, str):
        missing = list(_missing(where, schema, folder, _JSON, "JSON Schema"))
        yield from missing
        if missing:
            return
    try:
        schema_validator(read_schema(schema, folder))
    except (OSError, ValueError) as error:
        yield where, f"the JSON Schema cannot be read: {error}", "write one JSON object as UTF-8"
    except UsageError as error:
        yield where, str(error), "mend the JSON Schema"


def read_schema(given: str | dict[str, Any], folder: Path) -> dict[str, Any]:
    """The JSON Schema itself, from the scenario or from the file that it names.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no JSON object.
    """
    if isinstance(given, dict):
        return given
    path = _place(given, folder)
    try:
        found = json.loads((path or folder / given).read_text(encoding="utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    return found


def _missing(
    where: Where, given: object, folder: Path, suffixes: Container[str], what: str
) -> Iterator[Found]:
    if not isinstance(given, str):
        return
    path = _place(given, folder)
    if path is None:
        yield where, f"{given!r} cannot be a path", "give a path from the folder of this file"
    elif path.is_dir():
        yield where, f"{given!r} is a folder, not a file", f"name the {what} in it"
    elif not path.is_file():
        yield where, f"there is no file {given!r}", missing_hint(path, suffixes, what)


def _place(given: object, folder: Path) -> Path | None:
    try:
        path = (folder / Path(str(given)).expanduser()).resolve()
        path.exists()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, ~ of nobody
        return None
    return path


def _is_large(path: Path) -> bool:
    return path.suffix.lower() in {".xlsx", ".xlsm"} and path.stat().st_size > _LARGE_WORKBOOK
