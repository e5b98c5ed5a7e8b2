"""What pydantic found, in words that say what to write instead."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from rixin.core.ids import POOLS, scenario_name
from rixin.core.scenario import SOLVER_KINDS
from rixin.errors import nearest_hint
from rixin.interop.contract.keys import in_file, known_keys
from rixin.interop.contract.yaml_lines import Path as Where

Found = tuple[Where, str, str]
"""Where in the file, what is wrong, how to mend it."""

_WHY = {
    "owner": "somebody must answer for the job; without an owner no verdict is acted upon",
    "demand": "without its volume nobody can say whether a model is worth it",
    "incumbent": "without what the job costs today nobody can say whether a model is worth it",
}
_EXAMPLES = {
    "scenario": "scenario: support-triage",
    "owner": "owner: support operations",
    "task": "task: Route each message to the queue that resolves it.",
    "cases": "cases: {path: messages.csv, input: text, expected: queue}",
    "cases.path": "path: messages.csv",
    "cases.input": "input: COLUMN, the one with the text",
    "cases.pools": "pools: {shape: 0.4, certify: 0.5, audit: 0.1}",
    "output": "output: {labels: from-cases}, or number, free-text, {json-schema: FILE}",
    "output.labels": "labels: from-cases, or a list such as [billing, other]",
    "scorers": "scorers: [exact], or with options [{similarity: {threshold: 0.8}}]",
    "demand": "demand: {cases_per_month: 40000}",
    "demand.cases_per_month": "cases_per_month: 40000",
    "incumbent": 'incumbent: {name: agents, cost_per_case: 1.60, solved: 0.93, source: "…"}',
    "incumbent.name": "name: agents",
    "incumbent.cost_per_case": "cost_per_case: 1.60",
    "incumbent.solved": "solved: 0.93",
    "economics.currency": "currency: USD",
    "promise.solved": "solved: {at_least: 0.85}",
    "promise.score": "score: {at_least: 0.8}",
    "promise.harm": "harm: {at_most: 0.01}",
    "promise.latency_p95": "latency_p95: 2s",
    "policy.guards": "guards: [output-schema], or [pii, {function: module:callable}]",
    "candidates": "candidates:  followed by lines such as  - {name: student, student: tfidf-logistic}",
    "candidates.name": "name: small",
    "candidates.timeout": "timeout: 60s",
    "candidates.base_url": "base_url: http://127.0.0.1:8000/v1",
    "candidates.columns": "columns: {id: id, output: answer}",
    "candidates.cascade": "cascade: [{solver: cheap, threshold: 0.5}, {solver: dear}]",
    "candidates.price": "price: {input: 0.10, output: 0.40}, for a million tokens",
    "candidates.price.input": "input: 0.10, for a million tokens",
    "candidates.price.output": "output: 0.40, for a million tokens",
    "candidates.key": "key: {env: NAME_OF_A_VARIABLE}",
}
_PATTERNS = {
    "scenario": "a name of letters, digits, dots and hyphens",
    "name": "a name without spaces, slashes and at signs",
    "currency": "an ISO 4217 code such as USD",
    "latency_p95": "a duration such as 2s or 500ms",
    "timeout": "a duration such as 60s",
    "from": "a time of the day such as 16:30",
    "to": "a time of the day such as 16:30",
    "egress": "a host such as api.example.com or *.example.com",
    "base_url": "an address that begins with http:// or https://",
}
_FORMS = {
    "model": "a mapping",
    "dict": "a mapping",
    "list": "a list",
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "finite": "a number",
    "date": "a day such as 2026-11-01",
}
_BOUNDS = {
    "greater_than": ("a value above", "gt"),
    "greater_than_equal": ("a value at least", "ge"),
    "less_than": ("a value below", "lt"),
    "less_than_equal": ("a value at most", "le"),
    "too_short": ("a list of at least", "min_length"),
    "too_long": ("one alone: at most", "max_length"),
}
_SHARES = frozenset({"at_least", "at_most", "confidence", "margin", "threshold", "solved"})


def explain_all(details: Iterable[Mapping[str, Any]], values: Any) -> Iterator[Found]:
    """Each mistake once: the forms of a union do not count apart.

    Args:
        details: What `ValidationError.errors` gives.
        values: The whole file.
    """
    findings = [(detail, in_file(tuple(detail["loc"]), values)) for detail in details]
    unknown = [where for detail, where in findings if detail["type"] == "extra_forbidden"]
    told: set[Where] = set()
    for detail, where in findings:
        if where in told or (detail["type"] == "missing" and _is_misspelt(where, unknown)):
            continue
        told.add(where)
        yield (where, *_explained(detail, where))


def _is_misspelt(missing: Where, unknown: Iterable[Where]) -> bool:
    """Whether an unknown key beside it is the missing one, so that one mistake is told once."""
    beside = [str(where[-1]) for where in unknown if where[:-1] == missing[:-1]]
    return bool(get_close_matches(str(missing[-1]), beside, n=1, cutoff=0.6))


def _explained(detail: Mapping[str, Any], where: Where) -> tuple[str, str]:
    kind, location = str(detail["type"]), tuple(detail["loc"])
    name = str(where[-1]) if where else ""
    if kind == "missing":
        return _with_why(f"{name!r} is missing", name), f"add  {_example(where)}"
    if kind == "extra_forbidden" or location[-1] == "[key]":
        known = [*map(str, POOLS)] if location[-1] == "[key]" else known_keys(location)
        return f"unknown key {name!r}", _mend_key(name, known)
    if kind.startswith("union_tag"):
        return _one_of(where, detail["input"])
    given = detail["input"]
    if kind == "string_too_short" or given is None:
        return _with_why(f"{_called(where)} is empty", name), f"write  {_example(where)}"
    if where == ("policy", "egress") and given == "redacted":
        reason = "egress is none or allowed; redaction is not in this version of Rixin"
        return reason, "write  egress: none  until cases may leave this machine as they are"
    context = detail.get("ctx", {})
    field = next((str(part) for part in reversed(where) if not isinstance(part, int)), name)
    wanted = _wanted(kind, context, field)
    reason = f"{_called(where)} should be {wanted}, not {_shown(given)}"
    return reason, _mend(where, given, context) or _usual(where, wanted)


def _wanted(kind: str, context: Mapping[str, Any], name: str) -> str:
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(name, "written otherwise")
    if kind == "literal_error":
        return str(context["expected"])
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"{word} {context[key]:g}"
    return _FORMS.get(kind.partition("_")[0], "written otherwise")


def _mend(where: Where, given: Any, context: Mapping[str, Any]) -> str:
    """How to write what was probably meant; empty where that cannot be told."""
    name = where[-1]
    if (
        where[:-1] == ("promise",)
        and name in {"solved", "score", "harm"}
        and not isinstance(given, dict)
    ):
        bound = "at_most" if name == "harm" else "at_least"
        return f"write  {name}: {{{bound}: {given}}}"
    if "expected" in context:
        options = re.findall("'([^']+)'", str(context["expected"]))
        near = get_close_matches(str(given), options, n=1) or options[: len(options) == 1]
        return f"write  {name}: {near[0]}" if near and len(where) > 1 else ""
    mend = _share(given) if name in _SHARES else _repaired(str(name), str(given).strip())
    return f"write  {name}: {mend}" if mend else ""


def _share(given: Any) -> str:
    """A percentage as a share."""
    try:
        value = float(str(given).strip().removesuffix("%").replace(",", "."))
    except ValueError:
        return ""
    return f"{value / 100:.4g}" if 1 < value < 100 else ""


def _repaired(name: str, text: str) -> str:
    if name in {"timeout", "latency_p95"} and re.fullmatch(r"[0-9.]+", text):
        return f"{text}s"
    if name == "currency" and re.fullmatch("[A-Za-z]{3}", text):
        return text.upper()
    if name == "base_url" and re.fullmatch(r"[\w.-]+(:\d+)?(/.*)?", text):
        return f"http://{text}"
    if name in {"name", "scenario"}:
        return scenario_name(text)
    return text.replace(",", ".") if re.fullmatch("[0-9]+,[0-9]+", text) else ""


def _mend_key(name: str, known: list[str]) -> str:
    if name.isdigit():
        return "a comma separates entries: write a decimal point, such as 2.10"
    return nearest_hint(name, known) if known else "leave it out"


def _one_of(where: Where, given: Any) -> tuple[str, str]:
    if where[0] == "output":
        return "an output has one form", f"write  {_example(where)}"
    has = [kind for kind in SOLVER_KINDS if isinstance(given, dict) and kind in given]
    told = " and ".join(has) if has else "none"
    mend = f"write one of: {', '.join(SOLVER_KINDS)}; e.g. {{name: small, local: model.gguf}}"
    return f"a candidate has exactly one kind, and this one has {told}", mend


def _with_why(reason: str, name: str) -> str:
    return f"{reason}: {_WHY[name]}" if name in _WHY else reason


def _example(where: Where) -> str:
    keys = [part for part in where if isinstance(part, str)]
    return _EXAMPLES.get(".".join(keys)) or f"{keys[-1]}: and its value"


def _usual(where: Where, wanted: str) -> str:
    if where[0] == "scorers" and len(where) > 2:
        return "write its options as a mapping, such as {similarity: {threshold: 0.8}}"
    keys = ".".join(part for part in where if isinstance(part, str))
    return f"write  {_EXAMPLES[keys]}" if keys in _EXAMPLES else f"give it {wanted}"


def _called(where: Where) -> str:
    """The last key, or the entry of a list by its number."""
    if not isinstance(where[-1], int):
        return repr(where[-1])
    return f"entry {where[-1] + 1} of {where[-2]!r}"


def _shown(given: Any) -> str:
    text = repr(given) if isinstance(given, str) else _as_json(given)
    return text if len(text) < 60 else f"{text[:57]}…"


def _as_json(given: Any) -> str:
    if isinstance(given, Decimal):
        return str(given)
    return json.dumps(given, ensure_ascii=False, default=str)
