"""Reads a YAML file of rules and reports every mistake in it with its line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rixin.core.ids import normalise
from rixin.core.regex import compile_regex
from rixin.errors import ContractError, Mistake, UsageError, nearest_hint
from rixin.solvers.rule import Rule, RuleSet

_LISTS = ("any", "all", "none", "regex")
_RULE_KEYS = ("label", *_LISTS, "reason")
_FILE_KEYS = ("rules", "default")
_ABSTAIN = "abstain"


def load_rules(path: Path) -> RuleSet:
    """The rules of a file.

    Raises:
        UsageError: The file cannot be read.
        ContractError: It has mistakes; all of them are reported, each with file and line.
    """
    import yaml

    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read the rules file {str(path)!r}: {error}",
            hint="check the path of the rules, and that the file is UTF-8",
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reason = f"not YAML: {error.problem or error.context}"
        raise ContractError([Mistake(f"{path.name}:{line}", reason)]) from error
    except (yaml.YAMLError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ContractError([Mistake(f"{path.name}:1", f"not YAML: {why}")]) from error
    reader = _Reader(path.name)
    rules = reader.rule_set(root)
    if reader.mistakes:
        raise ContractError(reader.mistakes)
    return rules


class _Reader:
    """Turns the nodes of the file into rules and gathers mistakes on the way."""

    def __init__(self, file: str) -> None:
        self.mistakes: list[Mistake] = []
        self._file = file

    def rule_set(self, root: Any) -> RuleSet:
        entries = dict(self._entries(root, _FILE_KEYS)) if root is not None else {}
        rules = entries.get("rules")
        nodes = rules.value if rules is not None and rules.id == "sequence" else None
        if not nodes:
            self._mistake(
                rules or root, "there are no rules", "write rules: [{label: …, any: […]}]"
            )
            return RuleSet(rules=())
        default = self._text(entries["default"]) if "default" in entries else _ABSTAIN
        return RuleSet(
            rules=tuple(self._rule(node) for node in nodes),
            default=None if default == _ABSTAIN else default,
        )

    def _rule(self, node: Any) -> Rule:
        values: dict[str, Any] = {}
        before = len(self.mistakes)
        for key, value in self._entries(node, _RULE_KEYS):
            values[key] = self._phrases(key, value) if key in _LISTS else self._text(value)
        if len(self.mistakes) == before:
            self._check(node, values)
        return Rule(**{"label": "", **values})

    def _check(self, node: Any, values: dict[str, Any]) -> None:
        if not values.get("label"):
            self._mistake(node, "a rule without label", "say which label it gives: label: …")
        if not any(values.get(key) for key in ("any", "all", "regex")):
            self._mistake(
                node,
                "a rule that would match every text",
                "give it any, all or regex; for the rest of the texts use default: LABEL",
            )

    def _phrases(self, key: str, node: Any) -> tuple[str, ...]:
        nodes = node.value if node.id == "sequence" else [node]
        found = tuple(self._text(item) for item in nodes)
        for text, item in zip(found, nodes, strict=True):
            if not normalise(text):
                self._mistake(item, f"an empty entry in {key}", "remove it or quote what is meant")
            elif key == "regex":
                self._compile(text, item)
        return found

    def _compile(self, expression: str, node: Any) -> None:
        try:
            compile_regex(expression)
        except ValueError as error:
            self._mistake(node, str(error), "mend it, or escape what is meant as written with \\")

    def _entries(self, node: Any, known: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        pairs = node.value if node.id == "mapping" else None
        if pairs is None:
            self._mistake(node, f"expected {', '.join(known)} here", "write key: value pairs")
            return
        for key, value in pairs:
            if key.value in known:
                yield key.value, value
            else:
                self._mistake(
                    key, f"unknown key {key.value!r}", nearest_hint(str(key.value), known)
                )

    def _text(self, node: Any) -> str:
        if isinstance(node.value, str):
            return node.value
        self._mistake(node, "expected a text here", "write one word, or quote the text")
        return ""

    def _mistake(self, node: Any, reason: str, mend: str) -> None:
        line = node.start_mark.line + 1 if node is not None else 1
        self.mistakes.append(Mistake(f"{self._file}:{line}", reason, mend))
