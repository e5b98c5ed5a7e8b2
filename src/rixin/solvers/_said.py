"""What the choices of a reply hold, and what several of them agree on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rixin.core.answer import Failure
from rixin.core.scenario import OutputKind

_LONGEST_SAID = 500
_NO: Mapping[OutputKind, str] = {
    "labels": "none of the labels, or several",
    "number": "no number",
    "json-schema": "no JSON value, or several",
    "free-text": "no answer",
}


class Said(NamedTuple):
    """What a reply holds."""

    output: str | None
    confidence: float | None
    probabilities: Mapping[str, float]
    unread: str = ""
    """What was said where it holds no output; empty: it holds one."""


def agreed(read: Sequence[Said | Failure]) -> Said | Failure:
    """The most frequent of several answers, the first of those that are as frequent.

    One that was refused or cut counts as an answer of its own.
    """
    outputs = Counter(one.output for one in read if isinstance(one, Said) and one.output)
    if not outputs:
        return read[0]
    ((output, count),) = outputs.most_common(1)
    return Said(output, count / len(read) if len(read) > 1 else None, {})


def unread(text: str, kind: OutputKind) -> str:
    """What a model said that holds no output, for whoever wants to know why there is none."""
    said = f"{text[:_LONGEST_SAID]}…" if len(text) > _LONGEST_SAID else text
    return f"it said {said!r}, which holds {_NO[kind]}" if said.strip() else "it said nothing"


def note_of(body: Mapping[str, Any], *, mended: bool) -> str:
    """What is worth keeping of a reply beside its answer."""
    model = body.get("model")
    notes = [f"model {model}"] if isinstance(model, str) else []
    if mended:
        notes.append("halves of characters were taken out of the answer")
    return "; ".join(notes)
