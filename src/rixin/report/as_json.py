"""The report as JSON: stable keys, money as strings, no number that JSON does not have."""

import dataclasses
import math
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum

from rixin.core.answer import Step
from rixin.report.data import DifferingCase, ReportData, Waterfall
from rixin.report.summary import summary_of

FORMAT = "rixin.report/1"
"""Named in every file; the number rises when a key goes or changes its meaning."""


def to_json(data: ReportData) -> dict[str, object]:
    """The report as values that `json.dumps` takes as they are.

    Exact money is a string; a figure that is not known, or not bounded, is null.
    """
    skipped = {"waterfalls", "differing"}
    body = {
        field.name: plain(getattr(data, field.name))
        for field in dataclasses.fields(data)
        if field.name not in skipped
    }
    return {
        "format": FORMAT,
        **body,
        "waterfalls": [_waterfall(one) for one in data.waterfalls],
        "differing": [_differing(one) for one in data.differing],
        "summary": plain(summary_of(data)),
    }


def plain(value: object) -> object:
    """A value as JSON knows it.

    Examples:
        >>> plain({"cost": Decimal("0.10"), "rate": float("nan"), "names": ("a", "b")})
        {'cost': '0.10', 'rate': None, 'names': ['a', 'b']}
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _inside(value)


def _inside(value: object) -> object:
    if dataclasses.is_dataclass(value):
        return {
            field.name: _causes(getattr(value, field.name))
            if field.name == "causes"
            else plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Step):
        return {name: plain(one) for name, one in zip(value._fields, value, strict=True)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return [plain(one) for one in value]
    return value


def _causes(causes: tuple[tuple[str, int], ...]) -> list[dict[str, object]]:
    return [{"cause": cause, "count": count} for cause, count in causes]


def _waterfall(waterfall: Waterfall) -> dict[str, object]:
    name, parts = waterfall
    return {
        "name": name,
        "parts": [{"label": label, "amount": plain(amount)} for label, amount in parts],
    }


def _differing(case: DifferingCase) -> dict[str, object]:
    keys = ("solver", "output", "state", "confidence")
    return {
        "ref": case.ref,
        "id": case.id,
        "input": case.input,
        "expected": case.expected,
        "answers": [dict(zip(keys, map(plain, row), strict=True)) for row in case.rows],
    }
