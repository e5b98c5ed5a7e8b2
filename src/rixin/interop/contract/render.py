"""The first scenario file of `rixin init`: complete, commented, and honest about its figures."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from rixin.core.scenario import OutputKind
from rixin.errors import UsageError

SCHEMA_FILE = ".rixin/scenario.schema.json"
"""Where `rixin init` puts the schema, from the folder of the scenario file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a new scenario file says; figures that nobody gave are None and become illustrative."""

    name: str
    owner: str
    task: str
    cases: str
    """Path of the cases, from the folder of the scenario file."""
    input: str
    expected: str | None
    id: str | None = None
    stratum: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    output: OutputKind = "labels"
    labels: int = 0
    """Number of different labels in the cases."""
    currency: str = "USD"
    cases_per_month: int | None = None
    incumbent: str | None = None
    incumbent_cost: Decimal | None = None
    incumbent_solved: float | None = None
    value_per_solved: Decimal | None = None
    solved_at_least: float | None = None
    local: str | None = None
    """A local model for the candidate `small`; None: none."""
    endpoint: str | None = None
    base_url: str | None = None
    slow_cases: int = 100
    """Certify cases for the local model, which takes about a second each."""


ILLUSTRATIVE = {
    "cases_per_month": 10_000,
    "incumbent": "people",
    "incumbent_cost": Decimal("1.00"),
    "incumbent_solved": 0.9,
}
"""What stands in for figures that nobody gave; stamped wherever they show."""


def render(draft: Draft) -> str:
    """The YAML text of a draft."""
    assumed = _assumed(draft)
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        _pair("scenario", draft.name),
        _pair("owner", draft.owner),
        _pair("task", draft.task),
        f"cases: {_flow(_cases(draft))}",
        f"output: {_output(draft)}",
        "# How often the job occurs, and who or what does it today, at what cost, how well.",
        f"demand: {_flow({'cases_per_month': _or_assumed(draft, 'cases_per_month')})}",
        f"incumbent: {_flow(_incumbent(draft))}",
        *_economics(draft),
        *_promise(draft),
        "policy: {egress: allowed, guards: [output-schema]}   # egress none: nothing leaves",
        *_budget(draft),
        "candidates:",
        *(f"  - {_flow(one)}" for one in _candidates(draft)),
    ]
    if assumed:
        lines.append(
            "# Nobody has confirmed these yet; give your own and take them out of the list."
        )
        lines.append(f"illustrative: {_flow(assumed)}")
    return "\n".join(lines) + "\n"


def write_draft(draft: Draft, path: Path, *, force: bool = False) -> None:
    """Writes the file, whole or not at all.

    Raises:
        UsageError: The file is there already and `force` is not set.
    """
    if path.exists() and not force:
        raise UsageError(
            f"{str(path)!r} is there already", hint="name another file with -o, or use --force"
        )
    part = path.with_name(f".{path.name}.part")
    part.write_text(render(draft), encoding="utf-8")
    part.replace(path)


def _assumed(draft: Draft) -> list[str]:
    found = ["demand"] if draft.cases_per_month is None else []
    if draft.incumbent_cost is None or draft.incumbent_solved is None:
        found.append("incumbent")
    return found


def _or_assumed(draft: Draft, name: str) -> Any:
    given = getattr(draft, name)
    return ILLUSTRATIVE[name] if given is None else given


def _cases(draft: Draft) -> dict[str, Any]:
    names = ("input", "expected", "id", "stratum", "encoding", "delimiter", "sheet")
    given = {name: getattr(draft, name) for name in names}
    return {"path": draft.cases, **{name: value for name, value in given.items() if value}}


def _output(draft: Draft) -> str:
    if draft.output == "labels":
        return f"{{labels: from-cases}}   # {draft.labels} labels"
    return draft.output


def _incumbent(draft: Draft) -> dict[str, Any]:
    return {
        "name": _or_assumed(draft, "incumbent"),
        "cost_per_case": _or_assumed(draft, "incumbent_cost"),
        "solved": _or_assumed(draft, "incumbent_solved"),
        "source": "assumed by rixin init" if _assumed(draft) else "told to rixin init",
    }


def _economics(draft: Draft) -> list[str]:
    known: dict[str, Any] = {"currency": draft.currency}
    if draft.value_per_solved is not None:
        known["value_per_solved"] = draft.value_per_solved
    return [
        "# Left out here: cost_per_wrong, cost_per_review (default: the incumbent's cost per case),",
        "# build_cost, horizon_months, cpu_hour. Figures left at defaults are stamped illustrative.",
        f"economics: {_flow(known)}",
    ]


def _promise(draft: Draft) -> list[str]:
    if draft.solved_at_least is None:
        return [
            "# The floor is the incumbent's solve rate less the margin; say your own as",
            "# promise: {solved: {at_least: 0.85}, harm: {at_most: 0.01}, latency_p95: 2s}",
        ]
    return [f"promise: {{solved: {{at_least: {draft.solved_at_least}}}, harm: {{at_most: 0.01}}}}"]


def _budget(draft: Draft) -> list[str]:
    return ["budget: {decide: 5.00}   # hard cap on paid calls"] if draft.endpoint else []


def _candidates(draft: Draft) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if draft.output == "labels" and draft.labels > 1:
        found.append({"name": "student", "student": "tfidf-logistic"})
    if draft.local:
        found.append({"name": "small", "local": draft.local, "cases": draft.slow_cases})
    if draft.endpoint:
        one = {"name": "strong", "endpoint": draft.endpoint, "cases": 500}
        found.append({**one, "base_url": draft.base_url} if draft.base_url else one)
    return found


def _pair(key: str, value: str) -> str:
    return str(yaml.safe_dump({key: value}, allow_unicode=True, width=100)).rstrip("\n")


def _flow(value: object) -> str:
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        width=10_000,
        sort_keys=False,
    )
    return text.strip()


class _Dumper(yaml.SafeDumper):
    """Writes decimals as plain numbers."""


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", f"{value:f}")


_Dumper.add_representer(Decimal, _decimal)
