"""Where in the file a finding of pydantic is, and which keys may stand there."""

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from rixin.interop.contract.schema import ScenarioFile
from rixin.interop.contract.yaml_lines import Path as Where

_TAG_AFTER = re.compile(
    r"output|output\.labels\.labels|candidates\.\d+|candidates\.\d+\.function\.function"
    r"|scorers\.\d+|policy\.guards\.\d+"
)
"""Behind these pydantic puts the name of a form, which is no key of the file."""


def in_file(location: Where, values: Any) -> Where:
    """The part of pydantic's location that is in the file, and a key that is missing there.

    Args:
        location: `loc` of a finding.
        values: The whole file.

    Examples:
        >>> in_file(("candidates", 0, "rule", "rule"), {"candidates": [{"rule": 3}]})
        ('candidates', 0, 'rule')
    """
    path: list[str | int] = []
    here = values
    parts = list(_without_tags(location))
    for place, part in enumerate(parts):
        if _has(here, part):
            here = here[part]
            path.append(part)
        elif place == len(parts) - 1 and isinstance(here, dict):
            path.append(part)
    return tuple(path)


def known_keys(location: Where) -> list[str]:
    """The keys that may stand beside the last one of a location; empty where that is not fixed."""
    models: list[type[BaseModel]] = [ScenarioFile]
    for place, part in enumerate(location[:-1]):
        if _is_tag(location, place):
            models = [model for model in models if part in _names(model)]
        elif not isinstance(part, int):
            fields = [_names(model)[part] for model in models if part in _names(model)]
            models = [inner for field in fields for inner in _models(field)]
    return list(dict.fromkeys(str(name) for model in models for name in _names(model)))


def _without_tags(location: Where) -> Iterator[str | int]:
    for place, part in enumerate(location):
        if not _is_tag(location, place):
            yield part


def _is_tag(location: Where, place: int) -> bool:
    return _TAG_AFTER.fullmatch(".".join(map(str, location[:place]))) is not None


def _has(here: Any, part: str | int) -> bool:
    if isinstance(here, dict):
        return part in here
    return isinstance(here, list) and isinstance(part, int) and part < len(here)


def _names(model: type[BaseModel]) -> dict[str | int, Any]:
    """Key in the file → annotation."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    inner = get_args(annotation)
    for part in inner[:1] if hasattr(annotation, "__metadata__") else inner:
        yield from _models(part)
