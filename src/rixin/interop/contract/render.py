"""The first scenario file of `rixin init`: complete, commented, and honest about its figures."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from rixin.core.address import is_loopback
from rixin.core.scenario import COLUMNS, OutputKind, Scenario
from rixin.errors import EnvironmentFault, UsageError
from rixin.interop.contract.load import parse_scenario
from rixin.interop.contract.yaml_lines import is_plain_text
from rixin.ledger.private import make_folder, opener_for

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
    header_row: int | None = None
    output: OutputKind = "labels"
    labels: int = 0
    """Number of different labels in the cases."""
    schema: Mapping[str, Any] | None = None
    """Of the output, where it is JSON."""
    columns_sure: bool = True
    """Whether somebody named the columns, or the file leaves no doubt about them."""
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
    price: tuple[Decimal, Decimal] | None = None
    """Of a million tokens of `endpoint`, in and out; None: that of a price list, if any."""


SLOW_LABELS, SLOW_TEXTS = 100, 80
"""Certify cases for the local model: about a second for a label, some seconds for a text."""
_HARM: Mapping[str, str] = {
    "labels": "that are none of the labels",
    "number": "that are no number",
    "json-schema": "that break the schema",
}
"""What the guard of a first scenario counts as harm, in the words of its output."""
ILLUSTRATIVE = {
    "cases_per_month": 10_000,
    "incumbent": "people",
    "incumbent_cost": Decimal("1.00"),
    "incumbent_solved": 0.9,
}
"""What stands in for figures that nobody gave; stamped wherever they show."""


def render(draft: Draft) -> str:
    """The YAML text of a draft."""
    assumed = assumed_figures(draft)
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        _pair("scenario", draft.name),
        _pair("owner", draft.owner),
        _pair("task", draft.task),
        f"cases: {_flow(_cases(draft))}",
        f"output: {_output(draft)}",
        *_scorers(draft),
        "# How often the job occurs, and who or what does it today, at what cost, how well.",
        f"demand: {_flow({'cases_per_month': _or_assumed(draft, 'cases_per_month')})}",
        f"incumbent: {_flow(_incumbent(draft))}",
        *_economics(draft),
        *_promise(draft),
        *_policy(draft),
        *_budget(draft),
        *_price_note(draft),
        "candidates:",
        *(f"  - {_flow(one)}" for one in _candidates(draft)),
    ]
    if assumed:
        lines.append(
            "# Nobody has confirmed these yet; give your own and take them out of the list."
        )
        lines.append(f"illustrative: {_flow(assumed)}")
    return "\n".join(lines) + "\n"


def write_draft(draft: Draft, path: Path, *, force: bool = False) -> Scenario:
    """Writes the file, whole or not at all; it is not written when it would not load.

    Args:
        draft: What it says.
        path: Where it goes; its folder is made.
        force: Replace a file that is there.

    Returns:
        The scenario as it will be read.

    Raises:
        UsageError: The file is there already and `force` is not set.
        ContractError: The draft does not hold.
        EnvironmentFault: The place cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(
            f"{str(path)!r} is there already", hint="name another file with -o, or use --force"
        )
    text = render(draft)
    scenario = parse_scenario(text, path)
    write_whole(path, text)
    return scenario


def write_whole(path: Path, text: str) -> None:
    """Writes a small file so that no reader ever sees half of it.

    Raises:
        EnvironmentFault: The place cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        make_folder(path.parent)
        try:
            with open(part, "w", encoding="utf-8", newline="\n", opener=opener_for(path)) as file:
                file.write(text)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentFault(
            f"{path} cannot be written: {error.strerror}", hint="name another place with -o"
        ) from error


def assumed_figures(draft: Draft) -> list[str]:
    """The figures of a draft that nobody gave."""
    found = ["demand"] if draft.cases_per_month is None else []
    if draft.incumbent_cost is None or draft.incumbent_solved is None:
        found.append("incumbent")
    if not draft.columns_sure:
        found.append(COLUMNS)
    return found


def needs_price(draft: Draft) -> bool:
    """Whether the remote candidate has a price that no list can know, and nobody has stated it."""
    return bool(draft.endpoint and draft.base_url and draft.price is None)


def _or_assumed(draft: Draft, name: str) -> Any:
    given = getattr(draft, name)
    return ILLUSTRATIVE[name] if given is None else given


def _cases(draft: Draft) -> dict[str, Any]:
    names = ("input", "expected", "id", "stratum", "encoding", "delimiter", "sheet")
    given = {name: value for name in names if (value := getattr(draft, name))}
    header = {} if draft.header_row is None else {"header_row": draft.header_row}
    return {"path": draft.cases, **given, **header}


def _output(draft: Draft) -> str:
    if draft.output == "labels":
        return f"{{labels: from-cases}}   # {draft.labels} labels"
    return (
        _flow({"json-schema": draft.schema or {}})
        if draft.output == "json-schema"
        else draft.output
    )


def _scorers(draft: Draft) -> list[str]:
    if draft.output != "free-text":
        return []
    return [
        "# Solved when most words are those of the expected output; or: exact, contains, regex.",
        "scorers: [{similarity: {threshold: 0.8}}]",
    ]


def _incumbent(draft: Draft) -> dict[str, Any]:
    return {
        "name": _or_assumed(draft, "incumbent"),
        "cost_per_case": _or_assumed(draft, "incumbent_cost"),
        "solved": _or_assumed(draft, "incumbent_solved"),
        "source": f"{'assumed by' if 'incumbent' in assumed_figures(draft) else 'told to'} rixin init",
    }


def _economics(draft: Draft) -> list[str]:
    known: dict[str, Any] = {"currency": draft.currency}
    if draft.value_per_solved is not None:
        known["value_per_solved"] = draft.value_per_solved
    return [
        "# Left out here: cost_per_wrong, cost_per_review (default: the incumbent's cost per case),",
        "# build_cost, horizon_months, cpu_hour. Figures left at defaults are stamped assumed.",
        f"economics: {_flow(known)}",
    ]


def _promise(draft: Draft) -> list[str]:
    bad = _HARM.get(draft.output, "that a guard finds fault with")
    harm = [f"# To promise that answers {bad} are rare, add  harm: {{at_most: 0.01}}  to it."]
    if draft.solved_at_least is None:
        return [
            "# The floor is the incumbent's solve rate less the margin; say your own as",
            "# promise: {solved: {at_least: 0.85}, latency_p95: 2s}",
            *harm,
        ]
    return [*harm, f"promise: {{solved: {{at_least: {draft.solved_at_least}}}}}"]


def _budget(draft: Draft) -> list[str]:
    return ["budget: {decide: 5.00}   # hard cap on paid calls"] if draft.endpoint else []


def _policy(draft: Draft) -> list[str]:
    if draft.endpoint and not (draft.base_url and is_loopback(draft.base_url)):
        return [
            "policy: {egress: allowed, guards: [output-schema]}   # egress none: nothing leaves"
        ]
    return ["policy: {egress: none, guards: [output-schema]}   # no case leaves this machine"]


def _price_note(draft: Draft) -> list[str]:
    """What is missing where no price list can know the price."""
    if not needs_price(draft):
        return []
    return [
        "# What a million tokens of 'strong' cost is not known yet; without it no saving can be",
        "# stated and nothing is asked. Add to it  price: {input: 2.50, output: 10}, or",
        "# price: {input: 0, output: 0}  where the server is your own and bills nobody.",
    ]


def _candidates(draft: Draft) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    is_labels = draft.output == "labels"
    if is_labels and draft.labels > 1:
        found.append({"name": "student", "student": "tfidf-logistic"})
    if draft.local:
        slow = SLOW_LABELS if is_labels else SLOW_TEXTS
        found.append({"name": "small", "local": draft.local, "cases": slow})
    if draft.endpoint:
        one = {"name": "strong", "endpoint": draft.endpoint, "cases": 500}
        one |= {"base_url": draft.base_url} if draft.base_url else {}
        if draft.price is not None:
            one["price"] = dict(zip(("input", "output"), draft.price, strict=True))
        found.append(one)
    return found


def _pair(key: str, value: str) -> str:
    dumped = yaml.dump({key: value}, Dumper=_Dumper, allow_unicode=True, width=100)
    return str(dumped).rstrip("\n")


def _flow(value: object) -> str:
    text: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        width=math.inf,
        sort_keys=False,
    )
    return text.strip()


class _Dumper(yaml.SafeDumper):
    """Writes decimals as plain numbers, and texts so that they are read back as texts."""

    def ignore_aliases(self, data: object) -> bool:
        """Everything is written out."""
        return True


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    text = f"{value:f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if is_plain_text(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(Decimal, _decimal)
_Dumper.add_representer(str, _text)
