"""YAML to plain values with the line of each: the safe part of YAML without its surprises.

`yes`, `no`, `on`, dates and numbers with leading zeros stay text, because labels look like that;
where only a text can stand (a label, a column, a name) all plain words stay as they are written.
Decimal numbers become `Decimal`, because money does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from rixin.errors import Mistake
from rixin.interop.contract.syntax import syntax_mistake

Path = tuple[str | int, ...]
"""Keys and indices from the top of the file."""

_NULLS = frozenset({"null", "Null", "NULL", "~", ""})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.")
_TEXT_HERE = re.compile(
    r"scenario|owner|task|prices|output\.labels\.\d+|incumbent\.(name|source)|illustrative\.\d+"
    r"|cases\.(path|input|expected|stratum|weight|id|encoding|delimiter|sheet)"
    r"|candidates\.\d+\.(name|rule|local|endpoint|replay|columns\.[^.]+|where\..+|function\.\d+"
    r"|cascade\.\d+\.solver)"
)
_LABEL_HERE = re.compile(r"output\.labels\.\d+")
_MOST_VALUES = 100_000
_MOST_DIGITS = 40
_MOST_EXPONENT = 300


@dataclass(slots=True)
class Document:
    """A parsed file."""

    values: Any
    lines: dict[Path, int] = field(default_factory=dict)
    """Path → line, from 1."""
    mistakes: list[tuple[int, Mistake]] = field(default_factory=list)
    """Line and mistake, for what is wrong with the YAML itself."""

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest part above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(text: str, name: str) -> Document:
    r"""Parses one YAML document.

    Args:
        text: The file's text.
        name: The file's name, for messages.

    Examples:
        >>> parsed = parse("cases:\n  id: 007\n  pools: {shape: 0.50}", "desk.yaml")
        >>> parsed.values, parsed.line(("cases", "pools"))
        ({'cases': {'id': '007', 'pools': {'shape': Decimal('0.50')}}}, 3)
    """
    document = Document(values=None)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            document.values = _Values(document, name).value(node, ())
    except (yaml.YAMLError, RecursionError) as error:
        document.values = None
        document.mistakes.append(syntax_mistake(error, text, name))
    return document


class _Values:
    """Values of nodes; a node that many aliases share is counted each time it is used."""

    def __init__(self, document: Document, name: str) -> None:
        self._document, self._name = document, name
        self._count = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        self._count += 1
        if self._count > _MOST_VALUES:
            raise RecursionError
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        try:
            return _scalar(node, ".".join(map(str, path)))
        except OverflowError:
            line = node.start_mark.line + 1
            reason = f"a number of {len(node.value):,} characters, or too large"
            self._add(line, reason, f"write one of at most {_MOST_DIGITS} digits")
            return 1  # what would be said of it otherwise is no further mistake

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._add(line, "a key is a list or a mapping", "write a plain word as the key")
                continue
            key = key_node.value
            if key in seen:
                self._add(line, f"the key {key!r} is there twice", "keep one of them")
            seen.add(key)
            self._document.lines[*path, key] = line
            yield key, self.value(value_node, (*path, key))

    def _add(self, line: int, reason: str, mend: str) -> None:
        mistake = Mistake(f"{self._name}:{line}", reason, mend)
        self._document.mistakes.append((line, mistake))


def _scalar(node: yaml.ScalarNode, where: str) -> Any:
    text: str = node.value
    if node.style in {"'", '"', "|", ">"} or node.tag not in _PLAIN_TAGS:
        return text
    if text in _NULLS:
        return text if text.isalpha() and _LABEL_HERE.fullmatch(where) else None
    if _TEXT_HERE.fullmatch(where):
        return text
    if text in _BOOLS:
        return _BOOLS[text]
    return _number(text)


def is_plain_text(text: str) -> bool:
    """Whether a text that stands without quotes is read as that text.

    Examples:
        >>> is_plain_text("yes"), is_plain_text("1e3"), is_plain_text("true")
        (True, False, False)
    """
    return text not in _NULLS and text not in _BOOLS and not _is_number(text)


def _is_number(text: str) -> bool:
    if _INTEGER.fullmatch(text):
        return True
    return _DECIMAL.fullmatch(text) is not None and not re.match(r"[-+]?0[0-9]", text)


def _number(text: str) -> int | Decimal | str:
    """The number that a text is.

    Raises:
        OverflowError: It has more digits or a larger exponent than any figure here has a use for.
    """
    if not _is_number(text):
        return text
    digits, _, exponent = text.lower().replace("_", "").partition("e")
    if len(digits) > _MOST_DIGITS or len(exponent) > 5 or abs(int(exponent or 0)) > _MOST_EXPONENT:
        raise OverflowError
    return int(digits) if _INTEGER.fullmatch(text) else Decimal(text.replace("_", ""))


_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "null", "bool", "int", "float", "timestamp", "merge", "value")
)
