"""Reads what a language model wrote: a label, a number, a JSON value or a text."""

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from rixin.core.denial import denies
from rixin.core.ids import normalise
from rixin.core.labels import LabelSet, label_set
from rixin.core.numbers import parse_number
from rixin.core.scenario import OutputKind
from rixin.core.structured import parse_json
from rixin.solvers._label_prose import Prose

_THINKS = re.compile(r"\A\s*<(?:think|thinking|thought|reasoning)>")
_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>")
_FENCED = re.compile(r"```[a-zA-Z]*[^\S\n]*\n(.*?)```", re.DOTALL)
_STRONG = re.compile(r"(\*{1,3})([^*\n]{1,200})\1")
_CODE = re.compile(r"`([^`\n]{1,200})`")
_TAGS = re.compile(
    r"</?(?:b|i|em|strong|p|br|span|div|code|answer|label|output|final)\s*/?>", re.IGNORECASE
)
_ANSWER_FIELDS = frozenset(
    [
        "label",
        "answer",
        "output",
        "class",
        "category",
        "classification",
        "result",
        "prediction",
        "decision",
        "sentiment",
        "intent",
        "topic",
        "final_answer",
        "标签",
        "答案",
        "类别",
        "分类",
        "结果",
        "الإجابة",
        "التصنيف",
        "الفئة",
    ]
)
_MOST_STARTS = 100
"""A model that writes brackets without an end must not hold up the others."""
_OPENING = " \t\r\n\"'`*_#>«»“”‘’„「『【《(（[{"
_CLOSING = " \t\r\n\"'`*_«»“”‘’」』】》)）]}.。!！,，;；"


def parse_output(kind: OutputKind, text: str, labels: Sequence[str] = ()) -> str | None:
    r"""The answer in a model's text, in the form that scorers compare; None: it holds none.

    Thoughts up to `</think>` are left out. A label is found in whatever spelling keeps the
    labels apart: as the whole text, as the field of an object, in the place of the answer with its
    reason behind it, or as the only label of a text that neither denies nor doubts it.

    Examples:
        >>> parse_output("labels", "Label: **Spam**.", ["ham", "spam"])
        'spam'
        >>> parse_output("number", "3 + 4 = 7\n#### 1,007 apples")
        '1007'
        >>> parse_output("json-schema", 'Here it is: {"total": 3}')
        '{"total": 3}'
        >>> parse_output("labels", "ham - not spam", ["ham", "spam"])
        'ham'
        >>> parse_output("labels", "It is not spam.", ["ham", "spam"]) is None
        True
    """
    said = _without_thoughts(text).strip()
    try:
        return _read(kind, said, labels)
    except RecursionError:  # JSON that is nested beyond all reason
        return None


def _read(kind: OutputKind, said: str, labels: Sequence[str]) -> str | None:
    if kind == "labels":
        return _label(said, labels)
    if kind == "number":
        return _number(said)
    if kind == "json-schema":
        return _json(said)
    return said or None


def _without_thoughts(text: str) -> str:
    """What comes after the thoughts; servers may leave out the mark with which they begin."""
    if "<" not in text:  # as in nearly all texts
        return text
    ends = list(_THOUGHT.finditer(text))
    if ends:
        return text[ends[-1].end() :]
    return "" if _THINKS.match(text) else text


def _label(said: str, labels: Sequence[str]) -> str | None:
    known = label_set(tuple(labels))
    found = _whole_label(said, known)
    if found is not None:
        return found
    try:
        value = parse_json(said)
    except ValueError:
        pass
    else:
        return _label_of_json(value, known)
    plain = _unmarked(said)
    return _whole_label(plain, known) or _label_in_json(plain, known) or Prose(plain, known).label()


def _whole_label(said: str, known: LabelSet) -> str | None:
    """The label that the whole text is, quotes and a full stop aside."""
    for form in (said, said.lstrip(_OPENING).rstrip(_CLOSING)):
        if (found := known.find(form)) is not None:
            return found
    return None


def _label_of_json(value: object, known: LabelSet) -> str | None:
    """The label in a JSON value: a text, or the only field of an object that holds just a label."""
    if isinstance(value, list):
        return _label_of_json(value[0], known) if len(value) == 1 else None
    if not isinstance(value, dict):
        return _scalar_label(value, known)
    named = [inner for name, inner in value.items() if normalise(name) in _ANSWER_FIELDS]
    if len(value) == 1 or len(named) == 1:
        only = named[0] if named else next(iter(value.values()))
        found = _scalar_label(only, known)
        others = (inner for inner in value.values() if inner is not only)
        texts = (inner for inner in others if isinstance(inner, str))
        agrees = all(_whole_label(inner, known) in {None, found} for inner in texts)
        return found if agrees else None
    fields = [_whole_label(inner, known) for inner in value.values() if isinstance(inner, str)]
    labels = [label for label in fields if label is not None]
    return labels[0] if len(labels) == 1 and not named else None


def _scalar_label(value: object, known: LabelSet) -> str | None:
    if isinstance(value, str):
        return _whole_label(value, known) or Prose(_unmarked(value), known).label()
    if isinstance(value, dict | list):
        return _label_of_json(value, known)
    if isinstance(value, bool):
        return known.find("true" if value else "false")
    return known.find(str(value)) if isinstance(value, int | float) else None


def _label_in_json(said: str, known: LabelSet) -> str | None:
    """The label in the only object within a text, where nothing before it names one or denies."""
    values = list(_inner_values(said))
    if len(values) != 1 or not values[0].startswith("{"):
        return None
    (inner,) = values
    before, _, after = said.partition(inner)
    found = _label_of_json(parse_json(inner), known)
    if found is None or denies(normalise(before)) or Prose(before, known).mentions:
        return None
    return Prose(f"{found}\n{after}", known).label()  # as a label with its reason behind it


def _unmarked(said: str) -> str:
    """The text without marks of emphasis and the tags that models put around answers."""
    return _TAGS.sub("", _CODE.sub(r"\1", _STRONG.sub(r"\2", said)))


def _number(said: str) -> str | None:
    number = parse_number(said)
    return None if number is None else f"{number.value:f}{'%' if number.percent else ''}"


def _json(said: str) -> str | None:
    """The JSON value that a text is or holds; None where it holds several that differ."""
    if (whole := _readable(said)) is not None:
        return whole
    fenced = [found for block in _FENCED.finditer(said) if (found := _readable(block[1]))]
    return _one_of(fenced or list(_inner_values(said)))


def _readable(candidate: str) -> str | None:
    try:
        parse_json(candidate)
    except ValueError:
        return None
    fenced = _FENCED.fullmatch(candidate)
    return (fenced[1] if fenced else candidate).strip()


def _one_of(written: Sequence[str]) -> str | None:
    """The one value among those of a text; a list without objects, such as [1], may be a note."""
    values = [(text, parse_json(text)) for text in written]
    values = [one for one in values if _holds_object(one[1])] or values
    different = {json.dumps(value, sort_keys=True) for _, value in values}
    return values[0][0] if len(different) == 1 else None


def _holds_object(value: object) -> bool:
    if isinstance(value, list):
        return any(isinstance(item, dict) for item in value)
    return isinstance(value, dict)


def _inner_values(said: str) -> Iterator[str]:
    """The JSON objects and lists within a text, not those inside of others."""
    decoder, end = json.JSONDecoder(), 0
    for start in islice(re.finditer(r"[{\[]", said), _MOST_STARTS):
        if start.start() < end:
            continue
        try:
            _, end = decoder.raw_decode(said, start.start())
        except ValueError:
            continue
        except RecursionError:
            break
        if (found := _readable(said[start.start() : end])) is not None:
            yield found
