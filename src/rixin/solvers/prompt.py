"""The prompt of a scenario: task, output rules, examples, and last the case.

All that comes before the case is the same for every case, byte for byte, so that the caches of
servers that keep a prompt's prefix hit.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from rixin.core.case import Case
from rixin.core.ids import digest_json
from rixin.core.scenario import OutputSpec
from rixin.core.text import WORD_PATTERN

EXAMPLE_WORDS = 60
"""Words of an example's input that are shown at most."""
LABEL_WORDS = 60
"""Words of a case that a local model reads by default where the output is a label."""
CALIBRATION_CASES = 48
"""Shape cases by default on which a local model's lean towards some labels is measured."""
FEW_LABELS = 12
PROMPT_BYTES = 12_000
"""Size of all examples together by default: some 3,000 tokens in any script."""
CASE_HEAD = "Input: "
CASE_TAIL = "\nOutput:"
_LONGEST_WORD = 40


class Example(NamedTuple):
    """A case of the shape pool that is shown with its expected output."""

    input: str
    output: str


class Message(NamedTuple):
    """One message of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What a model is asked; `messages` gives it for one case."""

    output: OutputSpec
    """With `labels` filled in where the output is a label."""
    rules: str
    """Task and output rules."""
    shown: tuple[Example, ...] = ()
    """Examples that found room."""
    max_words: int | None = None
    """Words of a case that are read; None: all."""

    @property
    def examples(self) -> int:
        """How many examples are shown."""
        return len(self.shown)

    @property
    def system(self) -> str:
        """Task, output rules and examples: the part that all cases share."""
        shown = [f"{CASE_HEAD}{each.input}{CASE_TAIL} {each.output}" for each in self.shown]
        return "\n\n".join([self.rules, *(["Examples:"] if shown else []), *shown])

    @property
    def fingerprint(self) -> str:
        """Hash of all that can change the prompt or how its output is read."""
        schema, words = self.output.schema, self.max_words
        return digest_json(
            {
                "prompt": 1,
                "kind": self.output.kind,
                "labels": list(self.output.labels),
                "schema": json.dumps(schema),  # its key order is the order of what is written
                "system": self.system,
                "words": words,
            }
        )

    def text(self, case_input: str) -> str:
        """The part of an input that the model reads."""
        cut = case_input if self.max_words is None else first_words(case_input, self.max_words)
        return cut.strip()

    def messages(self, case_input: str) -> tuple[Message, ...]:
        r"""The chat for one case.

        Examples:
            >>> spec = OutputSpec(kind="labels", labels=("ham", "spam"))
            >>> prompt = build_prompt("Sort mail.", spec, [Example("win!", "spam")])
            >>> [message.role for message in prompt.messages("hello")]
            ['system', 'user']
            >>> prompt.messages("hello")[-1].content
            'Input: hello\nOutput:'
        """
        return (
            Message("system", self.system),
            Message("user", f"{CASE_HEAD}{self.text(case_input)}{CASE_TAIL}"),
        )

    def turns(self, case_input: str) -> tuple[Message, ...]:
        """The same as a conversation in which each example was asked and answered before.

        Measured on short stories in eight classes, models of half a billion parameters follow examples in this form
        far better than examples within one text: 70 % of 60 stories against 35 %.

        Examples:
            >>> spec = OutputSpec(kind="labels", labels=("ham", "spam"))
            >>> prompt = build_prompt("Sort mail.", spec, [Example("win!", "spam")])
            >>> [message.content for message in prompt.turns("hello")][1:]
            ['win!', 'spam', 'hello']
        """
        pairs = [
            (Message("user", one.input), Message("assistant", one.output)) for one in self.shown
        ]
        return (
            Message("system", self.rules),
            *(message for pair in pairs for message in pair),
            Message("user", self.text(case_input)),
        )


def build_prompt(
    task: str,
    output: OutputSpec,
    examples: Sequence[Example] = (),
    *,
    max_words: int | None = None,
    max_bytes: int = PROMPT_BYTES,
) -> Prompt:
    """The prompt of a scenario.

    Args:
        task: The job in words, as the contract states it.
        output: What an answer looks like; its labels are given, not to be taken from cases.
        examples: Shown in this order, as many as find room; see `pick_examples`.
        max_words: Words of a case that are read; None: all.
        max_bytes: Room for the examples, in bytes of UTF-8, which grow with tokens in any script.
    """
    return Prompt(
        output=output,
        rules="\n\n".join(part for part in (task.strip(), _rules(output)) if part),
        shown=tuple(_within(examples, max_bytes)),
        max_words=max_words,
    )


def default_per_label(output: OutputSpec) -> int:
    """How many examples a label gets when the user does not say.

    Few labels get two, many labels one. Numbers and free texts get none: a bare result as an
    example teaches a model to leave out the steps that lead to it.

    Examples:
        >>> default_per_label(OutputSpec(kind="labels", labels=("a", "b")))
        2
    """
    if output.kind == "labels":
        return 2 if len(output.labels) <= FEW_LABELS else 1
    return 1 if output.kind == "json-schema" else 0


def pick_examples(
    cases: Iterable[Case],
    labels: Sequence[str],
    per_label: int,
    max_words: int | None = EXAMPLE_WORDS,
) -> tuple[Example, ...]:
    """The first cases of each label, in the order in which the cases come.

    Reads no further than until every label has its examples. One example of each label comes
    before the second of any, so that a lack of room takes the second ones first.

    Args:
        cases: Cases of the shape pool, in their random order.
        labels: Labels to show; with none, `per_label` counts over all cases.
        per_label: Examples of each label, at least 0.
        max_words: Words of an example's input; None: all.

    Examples:
        >>> from rixin.core.case import make_case
        >>> rows = [("hi", "ham"), ("yo", "ham"), ("win", "spam"), ("x", "?")]
        >>> cases = [make_case(text, label, {"shape": 1.0}) for text, label in rows]
        >>> [example.output for example in pick_examples(cases, ["ham", "spam"], 2)]
        ['ham', 'spam', 'ham']
    """
    taken: dict[str, list[Example]] = {label: [] for label in labels} or {"": []}
    wanted = per_label * len(taken)
    for case in cases if wanted > 0 else ():
        if case.expected is None:
            continue
        mine = taken.get(case.expected if labels else "")
        if mine is not None and len(mine) < per_label:
            mine.append(Example(_shown(case.input, max_words), case.expected))
            wanted -= 1
        if not wanted:
            break
    return tuple(_round_robin(list(taken.values()), per_label))


def pick_calibration(
    cases: Iterable[Case], prompt: Prompt, count: int | None = None
) -> tuple[Example, ...]:
    """The first cases with a label that the prompt does not show, as they come.

    Args:
        cases: Cases of the shape pool, in their random order.
        prompt: A prompt for labels; other outputs get none.
        count: How many; None: 48, or none where more than 12 labels share them.
    """
    labels, shown = set(prompt.output.labels), {one.input for one in prompt.shown}
    if count is None:
        count = CALIBRATION_CASES if len(labels) <= FEW_LABELS else 0
    fitting = (
        Example(prompt.text(case.input), case.expected)
        for case in (cases if labels and count else ())
        if case.expected in labels and _shown(case.input, EXAMPLE_WORDS) not in shown
    )
    return tuple(islice(fitting, count))


def first_words(text: str, count: int) -> str:
    """The text up to its word number `count`; a run of 40 letters counts as a word.

    Examples:
        >>> first_words("one two  three four", 3)
        'one two  three'
        >>> first_words("味道非常好", 2)
        '味道'
    """
    end = 0
    for number, found in enumerate(_pieces(text), start=1):
        end = found
        if number == count:
            return text[:end]
    return text if len(text) - end <= _LONGEST_WORD * count else text[: end + _LONGEST_WORD * count]


def label_schema(labels: Sequence[str]) -> dict[str, object]:
    """The JSON Schema of an answer that is one of the labels."""
    return {
        "type": "object",
        "properties": {"label": {"type": "string", "enum": list(labels)}},
        "required": ["label"],
        "additionalProperties": False,
    }


def _pieces(text: str) -> Iterator[int]:
    for found in re.finditer(WORD_PATTERN, text):
        start, end = found.span()
        yield from range(start + _LONGEST_WORD, end, _LONGEST_WORD)
        yield end


def _shown(text: str, max_words: int | None) -> str:
    return (text if max_words is None else first_words(text, max_words)).strip()


def _round_robin(groups: Sequence[Sequence[Example]], rounds: int) -> Iterator[Example]:
    for place in range(rounds):
        yield from (group[place] for group in groups if place < len(group))


def _within(examples: Sequence[Example], max_bytes: int) -> list[Example]:
    """The examples that find room, in order; one that is too long does not block the next."""
    shown: list[Example] = []
    room = max_bytes
    for example in examples:
        size = len(f"{example.input}{example.output}".encode("utf-8", "replace")) + 20
        if size <= room:
            shown.append(example)
            room -= size
    return shown


def _rules(output: OutputSpec) -> str:
    if output.kind == "labels":
        names = "\n".join(output.labels)
        return f"Answer with exactly one of these labels, and nothing else:\n{names}"
    if output.kind == "number":
        return (
            "Think in a few short steps. Then write the final result as a plain number "
            "on a last line that starts with ####"
        )
    if output.kind == "json-schema":
        schema: Mapping[str, object] = output.schema or {}
        written = json.dumps(schema, ensure_ascii=False)
        return (
            f"Answer with one JSON value that meets this JSON Schema, and nothing else:\n{written}"
        )
    return ""
