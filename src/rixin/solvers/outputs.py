"""Reads what a language model wrote: a label, a number, a JSON value or a text."""

import json
import re
from collections.abc import Sequence
from itertools import islice

from rixin.core.ids import normalise
from rixin.core.numbers import parse_number
from rixin.core.scenario import OutputKind
from rixin.core.structured import parse_json
from rixin.core.text import whole_word_pattern

_THOUGHTS = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCED = re.compile(r"```[a-zA-Z]*[^\S\n]*\n(.*?)```", re.DOTALL)
_LEAD = re.compile(r"\A\s*(?:output|label|answer)\s*[:=]\s*", re.IGNORECASE)
_MOST_STARTS = 100
"""A model that writes brackets without an end must not hold up the others."""
_EDGES = " \t\r\n\"'`*.«»“”‘’。[](){}"


def parse_output(kind: OutputKind, text: str, labels: Sequence[str] = ()) -> str | None:
    r"""The answer in a model's text, in the form that scorers compare; None: it holds none.

    Thoughts between `<think>` marks are left out. A label is found in its own spelling, in
    another letter case, in JSON, or as the only label that stands whole in the text.

    Examples:
        >>> parse_output("labels", "Label: **Spam**.", ["ham", "spam"])
        'spam'
        >>> parse_output("number", "3 + 4 = 7\n#### 1,007 apples")
        '1007'
        >>> parse_output("json-schema", 'Here it is: {"total": 3}')
        '{"total": 3}'
        >>> parse_output("labels", "ham or spam?", ["ham", "spam"]) is None
        True
    """
    said = _THOUGHTS.sub("", text, count=1).strip()
    if kind == "labels":
        return _label(said, labels)
    if kind == "number":
        return _number(said)
    if kind == "json-schema":
        return _json(said)
    return said or None


def _label(said: str, labels: Sequence[str]) -> str | None:
    if said in labels:
        return said
    known = {normalise(label): label for label in labels}
    for candidate in (said, _from_json(said), _LEAD.sub("", said)):
        for form in (candidate, candidate.strip(_EDGES)):
            if (found := known.get(normalise(form))) is not None:
                return found
    return _only_label(said, labels)


def _from_json(said: str) -> str:
    """The label in an object of one field, which is what a server with a JSON Schema writes."""
    try:
        value = parse_json(said)
    except ValueError:
        return said
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, str) else said


def _only_label(said: str, labels: Sequence[str]) -> str | None:
    """The one label that stands whole in the text; longer labels hide those within them."""
    rest, found = normalise(said), []
    for label in sorted(labels, key=len, reverse=True):
        if not (plain := normalise(label)):
            continue
        rest, count = re.subn(whole_word_pattern(plain), "\0", rest)
        if count:
            found.append(label)
    return found[0] if len(found) == 1 else None


def _number(said: str) -> str | None:
    number = parse_number(said)
    return None if number is None else f"{number.value:f}{'%' if number.percent else ''}"


def _json(said: str) -> str | None:
    for candidate in (said, *(found[1] for found in _FENCED.finditer(said)), _inner_json(said)):
        try:
            parse_json(candidate)
        except ValueError:
            continue
        fenced = _FENCED.fullmatch(candidate)
        return (fenced[1] if fenced else candidate).strip()
    return None


def _inner_json(said: str) -> str:
    """The first JSON object or list within a text; empty where there is none."""
    decoder = json.JSONDecoder()
    for start in islice(re.finditer(r"[{\[]", said), _MOST_STARTS):
        try:
            _, end = decoder.raw_decode(said, start.start())
        except ValueError:
            continue
        except RecursionError:
            break
        return said[start.start() : end]
    return ""
