"""Loads a scenario file, or says all that is wrong with it at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rixin.core.ids import digest
from rixin.core.scenario import Scenario
from rixin.errors import ContractError, Mistake, UsageError
from rixin.interop.contract.yaml_lines import Document, parse
from rixin.interop.nearby import missing_hint
from rixin.interop.readers import SUFFIXES

if TYPE_CHECKING:
    from rixin.interop.contract.explain import Found
    from rixin.interop.contract.schema import ScenarioFile
from rixin.interop.contract.yaml_lines import Path as Where


def load_scenario(path: Path) -> Scenario:
    """The scenario of a file.

    Args:
        path: The YAML file.

    Raises:
        UsageError: The file is not there or is no text.
        ContractError: It does not hold; every mistake is in it, with line, reason and mend.
    """
    return parse_scenario(_read(path), path)


def parse_scenario(text: str, path: Path) -> Scenario:
    """The scenario of a text, as if it stood in a file.

    Args:
        text: The YAML.
        path: Where it would stand; paths in it start from that folder.

    Raises:
        ContractError: It does not hold; every mistake is in it, with line, reason and mend.
    """
    document = parse(text, path.name)
    mistakes = list(document.mistakes)
    scenario = _validated(document, path, mistakes)
    if mistakes or scenario is None:
        raise ContractError([mistake for _, mistake in sorted(mistakes, key=lambda m: m[0])])
    return scenario


def scenario_as_stated(text: str, path: Path) -> Scenario:
    """The scenario of a text that held once, whatever has become of the files it names.

    Args:
        text: The YAML.
        path: Where it stood.

    Raises:
        ContractError: It is no scenario of this version.
    """
    from pydantic import ValidationError

    from rixin.interop.contract.convert import to_scenario
    from rixin.interop.contract.schema import ScenarioFile

    try:
        return to_scenario(ScenarioFile.model_validate(parse(text, path.name).values), path)
    except ValidationError as error:
        reason = f"the contract in it is of another version: {error.errors()[0]['msg']}"
        raise ContractError(
            [Mistake(path.name, reason, "verify it with the Rixin that made it")]
        ) from error


def changed_parts(path: Path, before: str) -> list[str]:
    """The parts of a scenario file that are not what an earlier text of it says, in order.

    Args:
        path: The file.
        before: Its text at another time; comments and layout do not count.

    Raises:
        UsageError: The file is not there or is no text.
    """
    old, new = parse(before, path.name).values, parse(_read(path), path.name).values
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def fingerprint(scenario: Scenario) -> str:
    """A hash of all that can change the verdict."""
    return digest("scenario", repr({**_plain(scenario)}))


def _plain(scenario: Scenario) -> dict[str, Any]:
    from dataclasses import asdict

    fields = asdict(scenario)
    fields["illustrative"] = sorted(scenario.illustrative)
    fields["path"] = ""
    if scenario.promise.score_at_least is None:  # contracts of before it could be promised
        del fields["promise"]["score_at_least"]
    return fields


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder", hint="name the scenario file in it") from error
    except FileNotFoundError as error:
        hint = missing_hint(path, {".yaml", ".yml"}, "scenario file")
        if hint.startswith("there is no scenario"):
            hint = "make one with: rixin init FILE"
        raise UsageError(f"there is no scenario file {str(path)!r}", hint=hint) from error
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", hint="check its permissions"
        ) from error
    if path.suffix.lower() in SUFFIXES - {".txt", ".json"}:
        raise UsageError(
            f"{path} is a file of cases, not a scenario", hint=f"make one with: rixin init {path}"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{path}:{line}: not UTF-8 text", hint="save the scenario file as UTF-8"
        ) from error


def _validated(
    document: Document, path: Path, mistakes: list[tuple[int, Mistake]]
) -> Scenario | None:
    from rixin.interop.contract.checks import check_whole
    from rixin.interop.contract.convert import to_scenario
    from rixin.interop.contract.files import check_files

    def add(found: "Found") -> None:
        where, reason, mend = found
        line = document.line(where)
        field = ".".join(str(part) for part in where)
        place = f"{path.name}:{line}" + (f", {field}" if field else "")
        mistakes.append((line, Mistake(place, reason, mend)))

    values = document.values
    if not isinstance(values, dict):
        if not mistakes:
            add(((), "the file is empty or no mapping", "make one with: rixin init FILE"))
        return None
    on_disk = list(check_files(values, path.parent))
    file, wrong = _file(values, [where for where, *_ in on_disk if where[0] == "output"])
    for found in (*on_disk, *wrong):
        add(found)
    if file is None:
        return None
    scenario = to_scenario(file, path)
    for found in check_whole(scenario):
        add(found)
    return scenario


def _file(
    values: dict[str, Any], unusable: list[Where]
) -> tuple["ScenarioFile | None", list["Found"]]:
    """The validated file, or the one that is left when its mistakes are taken out."""
    from pydantic import ValidationError

    from rixin.interop.contract.explain import explain_all
    from rixin.interop.contract.keys import in_file
    from rixin.interop.contract.mended import without_mistakes
    from rixin.interop.contract.schema import ScenarioFile

    wrong: list[Found] = []
    try:
        file = ScenarioFile.model_validate(values)
        if not unusable:
            return file, []
    except ValidationError as error:
        details: list[Any] = error.errors()
        wrong = list(explain_all(details, values))
        unusable = [*unusable, *(in_file(tuple(one["loc"]), values) for one in details)]
    try:
        return ScenarioFile.model_validate(without_mistakes(values, unusable)), wrong
    except ValidationError:  # one mistake in another: mend the first, then see
        return None, wrong
