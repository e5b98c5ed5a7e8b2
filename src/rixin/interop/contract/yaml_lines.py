"""YAML to plain values with the line of each: the safe part of YAML without its surprises.

`yes`, `no`, `on`, dates and numbers with leading zeros stay text, because labels look like that;
decimal numbers become `Decimal`, because money does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from rixin.errors import Mistake

Path = tuple[str | int, ...]
"""Keys and indices from the top of the file."""

_STR, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_TEXTS = {"null": None, "Null": None, "NULL": None, "~": None, "": None}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9][0-9_]*)?\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.")


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
    """Parses one YAML document.

    Args:
        text: The file's text.
        name: The file's name, for messages.
    """
    document = Document(values=None)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        document.mistakes.append(_syntax(error, text, name))
        return document
    if node is not None:
        document.values = _value(node, (), document, name)
    return document


def _syntax(error: yaml.YAMLError, text: str, name: str) -> tuple[int, Mistake]:
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark else 1
    rows = text.splitlines()
    row = rows[line - 1] if line <= len(rows) else ""
    if "\t" in row[: len(row) - len(row.lstrip())] or "'\\t'" in str(error):
        reason = "a tab indents the line; YAML takes spaces only"
        return line, Mistake(f"{name}:{line}", reason, "replace each tab by two spaces")
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mend = "compare it with the line above: is a colon, a quote or a bracket missing?"
    return line, Mistake(f"{name}:{line}", f"this is not YAML: {problem}", mend)


def _value(node: yaml.Node, path: Path, document: Document, name: str) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, path, document, name))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), document, name) for i, item in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(node)


def _pairs(
    node: yaml.MappingNode, path: Path, document: Document, name: str
) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in seen:
            reason = f"the key {key!r} is there twice"
            document.mistakes.append((line, Mistake(f"{name}:{line}", reason, "keep one of them")))
        seen.add(key)
        document.lines[*path, key] = line
        yield key, _value(value_node, (*path, key), document, name)


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style in {"'", '"', "|", ">"} or node.tag not in _PLAIN_TAGS:
        return text
    if text in _TEXTS:
        return _TEXTS[text]
    if text in _BOOLS:
        return _BOOLS[text]
    if _INTEGER.fullmatch(text):
        return int(text.replace("_", ""))
    if _DECIMAL.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return Decimal(text.replace("_", ""))
    return text


_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "null", "bool", "int", "float", "timestamp", "merge", "value")
)
