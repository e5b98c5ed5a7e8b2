"""From the validated file to the plain values of `rixin.core.scenario`."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rixin.core.scenario import (
    COLUMNS,
    DEFAULT_SHARES,
    SOLVER_KINDS,
    Budget,
    Candidate,
    CaseSource,
    Demand,
    Economics,
    Incumbent,
    OutputSpec,
    PartSpec,
    Policy,
    Promise,
    Scenario,
)
from rixin.interop.contract import schema
from rixin.interop.contract.files import read_schema
from rixin.interop.contract.providers import PROVIDERS

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_DEFAULT_SCORERS = {"labels": "label", "number": "number", "json-schema": "json"}
_NO_FIGURES = {"currency", "objective", "carry_over"}
FIGURES = frozenset(
    {
        "demand",
        "incumbent",
        COLUMNS,
        *(f"economics.{name}" for name in schema.Economics.model_fields if name not in _NO_FIGURES),
        *(f"promise.{name}" for name in schema.Promise.model_fields if name not in _NO_FIGURES),
    }
)
"""Names that may stand in `illustrative`."""


def to_scenario(file: schema.ScenarioFile, path: Path) -> Scenario:
    """The scenario; figures left at defaults are named in `illustrative`."""
    output = _output(file, path)
    return Scenario(
        name=file.scenario,
        owner=file.owner,
        task=file.task.strip(),
        cases=_cases(file.cases),
        output=output,
        scorers=_scorers(file.scorers, output),
        demand=Demand(**file.demand.model_dump()),
        incumbent=Incumbent(**file.incumbent.model_dump()),
        economics=_economics(file),
        promise=_promise(file),
        policy=Policy(
            egress="allowed" if isinstance(file.policy.egress, list) else file.policy.egress,
            hosts=tuple(file.policy.egress) if isinstance(file.policy.egress, list) else (),
            regions=tuple(file.policy.regions),
            guards=parts(file.policy.guards),
            second_person=file.policy.second_person,
            keep_content=file.policy.keep_content,
            abstain_below=file.policy.abstain_below,
        ),
        budget=Budget(**file.budget.model_dump()),
        candidates=tuple(_candidate(one) for one in file.candidates),
        path=path,
        cascades=file.cascades == "auto",
        prices=file.prices,
        price_date=file.price_date,
        illustrative=_illustrative(file),
    )


def seconds(duration: str) -> float:
    """A duration such as `2s`, `500ms` or `1m`, in seconds.

    Examples:
        >>> seconds("500ms"), seconds("2 s")
        (0.5, 2.0)
    """
    match = re.fullmatch(r"([0-9]*\.?[0-9]+) ?(ms|s|m)", duration)
    if match is None:
        raise ValueError(f"not a duration: {duration!r}")
    return float(match[1]) * _UNITS[match[2]]


def plain_numbers(value: Any) -> Any:
    """Options and schemas are no money: their decimals become plain numbers.

    Examples:
        >>> plain_numbers({"threshold": Decimal("0.5"), "fields": ["a"]})
        {'threshold': 0.5, 'fields': ['a']}
    """
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: plain_numbers(one) for key, one in value.items()}
    return [plain_numbers(one) for one in value] if isinstance(value, list) else value


def parts(given: Sequence[str | Mapping[str, Any]]) -> tuple[PartSpec, ...]:
    """Scorers or guards from `name`, `{name: {options}}` or `{name: target}`."""
    found = []
    for one in given:
        if isinstance(one, str):
            found.append(PartSpec(name=one))
            continue
        for name, options in one.items():
            plain = options if isinstance(options, Mapping) else {"target": options}
            found.append(PartSpec(name=name, options=plain_numbers(plain if options else {})))
    return tuple(found)


def _cases(given: schema.Cases) -> CaseSource:
    fields = given.model_dump(exclude={"path", "pools"})
    pools = {pool: float(share) for pool, share in (given.pools or DEFAULT_SHARES).items()}
    return CaseSource(path=Path(given.path), pools=pools, **fields)


def _output(file: schema.ScenarioFile, path: Path) -> OutputSpec:
    given = file.output
    if isinstance(given, schema.LabelsOutput):
        labels = () if given.labels == "from-cases" else tuple(given.labels)
        return OutputSpec(kind="labels", labels=labels)
    if isinstance(given, schema.JsonOutput):
        return OutputSpec(
            kind="json-schema", schema=plain_numbers(read_schema(given.json_schema, path.parent))
        )
    return OutputSpec(kind=given)


def _scorers(given: Sequence[str | Mapping[str, Any]], output: OutputSpec) -> tuple[PartSpec, ...]:
    return parts(given) or (PartSpec(name=_DEFAULT_SCORERS.get(output.kind, "exact")),)


def _economics(file: schema.ScenarioFile) -> Economics:
    given, today = file.economics, file.incumbent.cost_per_case
    fields = given.model_dump(exclude_none=True)
    # Without better knowledge a solved case is worth what it costs today, and so is mending it.
    for name in ("value_per_solved", "cost_per_wrong", "cost_per_review"):
        fields.setdefault(name, today)
    return Economics(**fields)


def _promise(file: schema.ScenarioFile) -> Promise:
    given = file.promise
    default = min(max(file.incumbent.solved - given.margin, 0.01), 0.99)
    return Promise(
        solved_at_least=given.solved.at_least if given.solved else default,
        score_at_least=given.score.at_least if given.score else None,
        harm_at_most=given.harm.at_most if given.harm else None,
        latency_p95_s=seconds(given.latency_p95) if given.latency_p95 else None,
        confidence=given.confidence,
        margin=given.margin,
        solved_strata=dict(given.solved.strata) if given.solved else {},
        below_best_at_most=given.solved.below_best_at_most if given.solved else None,
        harm_allowed=given.harm.allowed if given.harm else None,
        harm_stratum=given.harm.stratum if given.harm else None,
        carry_over=given.carry_over,
    )


def _illustrative(file: schema.ScenarioFile) -> frozenset[str]:
    found = set(file.illustrative)
    if not file.incumbent.source:
        found.add("incumbent")
    for name in ("value_per_solved", "cost_per_wrong", "cost_per_review", "build_cost"):
        if getattr(file.economics, name) is None:
            found.add(f"economics.{name}")
    kinds = {_kind(one) for one in file.candidates}
    if file.economics.cpu_hour is None and kinds & {"local", "student", "rule", "function"}:
        found.add("economics.cpu_hour")
    if _needs_rate(file) and "usd_rate" not in file.economics.model_fields_set:
        found.add("economics.usd_rate")
    if file.promise.solved is None:
        found.add("promise.solved")
    return frozenset(found)


def _needs_rate(file: schema.ScenarioFile) -> bool:
    """Whether prices in dollars have to be brought into another currency."""
    listed = (
        isinstance(one, schema.EndpointCandidate) and one.price is None for one in file.candidates
    )
    return file.economics.currency != "USD" and any(listed)


def _kind(one: schema.CandidatePart) -> str:
    return next(kind for kind in SOLVER_KINDS if kind in type(one).model_fields)


def _candidate(one: schema.CandidatePart) -> Candidate:
    kind = _kind(one)
    options = one.model_dump(exclude={"name", "cases", kind}, exclude_none=True)
    target: object = getattr(one, kind)
    if isinstance(one, schema.FunctionCandidate):
        options["timeout_s"] = seconds(str(options.pop("timeout")))
        if isinstance(one.function, list):
            options["command"], target = one.function, " ".join(one.function)
    if isinstance(one, schema.CascadeCandidate):
        options["steps"] = [step.model_dump() for step in one.cascade]
        target = " → ".join(step.solver for step in one.cascade)
    if isinstance(one, schema.EndpointCandidate):
        options, target = _endpoint(one, options)
    return Candidate(
        name=one.name,
        kind=next(k for k in SOLVER_KINDS if k == kind),
        target=str(target),
        cases=one.cases,
        options=options,
    )


def _endpoint(one: schema.EndpointCandidate, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
    maker, _, model = one.endpoint.partition("/")
    provider = PROVIDERS.get(maker) if one.base_url is None else None
    options["timeout_s"] = seconds(options.pop("timeout"))
    options["model"] = model if provider else one.endpoint
    options["base_url"] = (provider.base_url if provider else one.base_url or "").rstrip("/")
    options["provider"] = provider.prices if provider else None
    key = one.key or schema.Key(env=provider.key_env if provider else None)
    options["key_env"], options["key_file"] = key.env, key.file
    options.pop("key", None)
    if one.samples == 1:
        del options["samples"]
    if one.price:
        options["price"] = one.price.model_dump(exclude_defaults=True, by_alias=True)
    return options, one.endpoint
