"""The form of a certificate: one that somebody sends is looked at before anything trusts it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rixin.core.foreign import finite_number, whole_number

Test = Callable[[object], bool]


class Either:
    """A value that passes a test, with what it is in words; None may be allowed, too."""

    def __init__(self, words: str, test: Test, *, empty: bool = False) -> None:
        self.words, self.test, self.empty = words, test, empty


class Each:
    """A list, or a mapping with names as keys, whose values all have one form."""

    def __init__(self, form: Any, kind: type = list) -> None:
        self.form, self.kind = form, kind


class Optional:
    """A key whose value may be empty, and which may be missing."""

    def __init__(self, form: Any, *, missing: bool = True) -> None:
        self.form, self.missing = form, missing


_MARK = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def _is_file_name(value: object) -> bool:
    return isinstance(value, str) and bool(value) and not {*value} & {"/", "\\", "\0"}


TEXT = Either("a text", lambda value: isinstance(value, str))
COUNT = Either("a whole number from 0", lambda value: type(value) is int and _whole(value))
FLAG = Either("true or false", lambda value: isinstance(value, bool))
NUMBER = Either("a number", lambda value: finite_number(value) is not None)
MAYBE = Either("a number or null", lambda value: finite_number(value) is not None, empty=True)
FILE = Either("the name of a file, without a folder", _is_file_name)
BYTES = Either("base64", lambda value: isinstance(value, str) and bool(_MARK.fullmatch(value)))
SOME = Either("a whole number from 1", lambda value: COUNT.test(value) and bool(value))
OBJECT = Either("a mapping", lambda value: isinstance(value, Mapping))


def _whole(value: object) -> bool:
    return whole_number(value) is not None


_MARKS = {"rows": COUNT, "sha256": TEXT, "rows_per_mark": SOME, "marks": BYTES}
_SCALE = {"confidences": Each(NUMBER), "ranks": Each(NUMBER)}
_SIGNAL = {"scales": Each(_SCALE), "answer": Each(NUMBER), "reference": Each(NUMBER)}
_STEP = {"solver": TEXT, "threshold": MAYBE, "signal": Optional(_SIGNAL)}
_SEQUENCE = {
    "reference": TEXT,
    "cases": COUNT,
    "shape_cases": COUNT,
    "note": TEXT,
    "proposed_from": Each(TEXT),
    "tested_on": Each(TEXT),
    "tested": Each({"steps": Each(_STEP)}),
}
FORM = {
    "rixin": TEXT,
    "scenario": TEXT,
    "scenario_file": FILE,
    "headline": TEXT,
    "judge": TEXT,
    "contract": TEXT,
    "sha256": TEXT,
    "decision": TEXT,
    "promise": OBJECT,
    "cases": {"dataset": TEXT, "pools": Each(COUNT, dict), "seed": NUMBER},
    "error_budget": {"decision": SOME, "proposed": NUMBER},
    "solvers": Each({"name": TEXT, "fingerprint": TEXT}),
    "prices": Each(OBJECT),
    "proposed": Each({"name": TEXT, "steps": Each(_STEP), "cases": Optional(MAYBE)}),
    "hypotheses": Each(
        {
            "about": TEXT,
            "state": TEXT,
            "proposed": FLAG,
            "expected_price": MAYBE,
            "order": COUNT,
            "asked": COUNT,
            "planned": COUNT,
        }
    ),
    "sequence": Optional(_SEQUENCE, missing=False),
    "rules": Optional(SOME),
    "rows": Optional(Each(_MARKS, dict)),
    "more_rows": Optional(Each(Each(_MARKS, dict), dict)),
    "case_marks": Optional(Each(_MARKS, dict)),
}
"""What verification reads; what else is there is compared and needs no form."""


def mistakes_in(value: object, form: Any = None, where: str = "") -> Iterator[str]:
    """Everything in a certificate that has not the form it must have, in words.

    Args:
        value: A value that came as JSON.
        form: Its form; None: that of a whole certificate.
        where: Its place, for the words.
    """
    form = FORM if form is None else form
    if isinstance(form, Either):
        if not (form.test(value) or (form.empty and value is None)):
            yield f"{where} must be {form.words}"
    elif isinstance(form, Each):
        yield from _in_each(value, form, where)
    elif not isinstance(value, Mapping):
        yield f"{where or 'it'} must be a mapping"
    else:
        yield from _in_fields(value, form, where)


def _in_each(value: object, form: Each, where: str) -> Iterator[str]:
    if not isinstance(value, form.kind):
        yield f"{where} must be a {'list' if form.kind is list else 'mapping'}"
        return
    pairs = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for name, one in pairs:
        yield from mistakes_in(one, form.form, f"{where}[{name!r}]")


def _in_fields(value: Mapping[str, object], form: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, field in form.items():
        place = f"{where}.{name}" if where else name
        optional = isinstance(field, Optional)
        if name not in value:
            if not (optional and field.missing):
                yield f"{place} is missing"
        elif not optional or value[name] not in (None, {}):
            yield from mistakes_in(value[name], field.form if optional else field, place)
