"""Loads a scenario file, or says all that is wrong with it at once."""

from pathlib import Path
from typing import Any

from rixin.core.ids import digest
from rixin.core.scenario import Scenario
from rixin.errors import ContractError, Mistake, UsageError, nearest_hint
from rixin.interop.contract.yaml_lines import Document, parse
from rixin.interop.contract.yaml_lines import Path as Where

_WHY = {
    "owner": "somebody must answer for the job; without an owner no verdict is acted upon",
    "demand": "without its volume nobody can say whether a model is worth it",
    "incumbent": "without what the job costs today nobody can say whether a model is worth it",
}
_EXAMPLES = {
    "owner": "owner: support operations",
    "demand": "demand: {cases_per_month: 40000}",
    "incumbent": 'incumbent: {name: agents, cost_per_case: 1.60, solved: 0.93, source: "…"}',
    "candidates": "candidates:  followed by lines such as  - {name: student, student: tfidf-logistic}",
}
_PATTERNS = {
    "scenario": "a name of letters, digits, dots and hyphens",
    "name": "a name without spaces, slashes and at signs",
    "currency": "an ISO 4217 code such as USD",
    "latency_p95": "a duration such as 2s or 500ms",
    "timeout": "a duration such as 60s",
    "base_url": "an address that begins with http:// or https://",
}
_LATER = {
    ("policy", "egress"): "egress is none or allowed; redaction is not in this version of Rixin",
}


def load_scenario(path: Path) -> Scenario:
    """The scenario of a file.

    Args:
        path: The YAML file.

    Raises:
        UsageError: The file is not there or is no text.
        ContractError: It does not hold; every mistake is in it, with line, reason and mend.
    """
    text = _read(path)
    document = parse(text, path.name)
    mistakes = list(document.mistakes)
    scenario = None
    if not mistakes:
        scenario = _validated(document, path, mistakes)
    if mistakes or scenario is None:
        raise ContractError([mistake for _, mistake in sorted(mistakes, key=lambda m: m[0])])
    return scenario


def fingerprint(scenario: Scenario) -> str:
    """A hash of all that can change the verdict."""
    return digest("scenario", repr({**_plain(scenario)}))


def _plain(scenario: Scenario) -> dict[str, Any]:
    from dataclasses import asdict

    fields = asdict(scenario)
    fields["illustrative"] = sorted(scenario.illustrative)
    fields["path"] = ""
    return fields


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path}:{line}: not UTF-8 text", hint="save the scenario file as UTF-8"
        ) from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder", hint="name the scenario file in it") from error
    except OSError as error:
        folder = path.parent
        known = [one.name for one in folder.glob("*.y*ml")] if folder.is_dir() else []
        hint = nearest_hint(path.name, known) if known else "make one with: rixin init FILE"
        raise UsageError(f"there is no scenario file {str(path)!r}", hint=hint) from error


def _validated(
    document: Document, path: Path, mistakes: list[tuple[int, Mistake]]
) -> Scenario | None:
    from pydantic import ValidationError

    from rixin.interop.contract.checks import check_files, check_whole
    from rixin.interop.contract.convert import to_scenario
    from rixin.interop.contract.schema import ScenarioFile

    def add(where: Where, reason: str, mend: str) -> None:
        line = document.line(where)
        field = ".".join(str(part) for part in where)
        place = f"{path.name}:{line}" + (f", {field}" if field else "")
        mistakes.append((line, Mistake(place, reason, mend)))

    if not isinstance(document.values, dict):
        add((), "the file is empty or no mapping", "make one with: rixin init FILE")
        return None
    for found in check_files(document.values, path.parent):
        add(*found)
    try:
        file = ScenarioFile.model_validate(document.values)
    except ValidationError as error:
        for detail in error.errors():
            add(*_explained(dict(detail), document.values))
        return None
    try:
        scenario = to_scenario(file, path)
    except (OSError, ValueError) as error:
        add(("output",), f"the JSON schema cannot be read: {error}", "check the path and the JSON")
        return None
    for found in check_whole(scenario):
        add(*found)
    return scenario


def _explained(detail: dict[str, Any], values: Any) -> tuple[Where, str, str]:
    where = _in_file(detail["loc"], values)
    kind, name = detail["type"], str(where[-1]) if where else ""
    if where in _LATER:
        return where, f"{_LATER[where]}", ""
    if kind == "missing":
        reason = f"{name!r} is missing" + (f": {_WHY[name]}" if name in _WHY else "")
        return where, reason, f"add  {_EXAMPLES[name]}" if name in _EXAMPLES else f"add `{name}:`"
    if kind == "extra_forbidden":
        return (
            where,
            f"unknown key {name!r}",
            nearest_hint(name, _known_keys(detail["loc"], values)),
        )
    if kind.startswith("union_tag"):
        return where, "a candidate has exactly one kind", _kinds_hint()
    shown = repr(detail.get("input"))
    given = f", not {shown if len(shown) < 60 else shown[:57] + '…'}"
    message = detail["msg"]
    if kind == "string_pattern_mismatch":
        message = f"Input should be {_PATTERNS.get(name, 'written otherwise')}"
    return where, message.replace("Input should", f"{name!r} should") + given, ""


def _kinds_hint() -> str:
    from rixin.core.scenario import SOLVER_KINDS

    return f"write one of: {', '.join(SOLVER_KINDS)}; e.g. {{name: small, local: model.gguf}}"


def _in_file(loc: tuple[str | int, ...], values: Any) -> Where:
    """The part of pydantic's location that is in the file: names of unions fall out."""
    from rixin.core.scenario import SOLVER_KINDS

    path: list[str | int] = []
    here = values
    for place, part in enumerate(loc):
        if place == 2 and loc[0] == "candidates" and part in SOLVER_KINDS and len(loc) > 3:
            continue  # the tag of the union, not the key of that name
        inside = isinstance(here, dict | list) and (
            part in here if isinstance(here, dict) else isinstance(part, int)
        )
        if inside:
            here = here[part]
            path.append(part)
        elif place == len(loc) - 1 and isinstance(here, dict) and isinstance(part, str):
            path.append(part)
    return tuple(path)


def _known_keys(loc: tuple[str | int, ...], values: Any) -> list[str]:
    """The keys that are allowed where an unknown one stands."""
    from pydantic import BaseModel

    from rixin.interop.contract import schema

    if len(loc) == 1:
        return _field_names(schema.ScenarioFile)
    models = {
        name: model
        for name, model in vars(schema).items()
        if isinstance(model, type) and issubclass(model, BaseModel)
    }
    for part in reversed(loc[:-1]):
        wanted = str(part).replace("_", "").replace("-", "").lower()
        for name, model in models.items():
            if name.lower() in {wanted, f"{wanted}candidate"}:
                return _field_names(model)
    return []


def _field_names(model: Any) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
