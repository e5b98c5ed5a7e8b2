"""What endpoints can do: as the contract states it, and as it was found out in deciding."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

from rixin.core.scenario import CAPABILITIES, Candidate, Scenario
from rixin.ledger.features import keep_features, stored_features
from rixin.ledger.store import Ledger
from rixin.solvers._chat import Features
from rixin.solvers.endpoint import EndpointSolver, Known
from rixin.workspace.contender import Contender


def known_features(
    ledger: Ledger, candidate: Candidate, fingerprint: str, *, serves: bool
) -> Known:
    """What an endpoint takes: as a release states it, or as it was found out in deciding."""
    if serves:
        frozen = candidate.options.get("takes")
        if isinstance(frozen, Mapping):
            return Known(features=Features(**frozen), learns="never")
        return Known(learns="param")
    stored = stored_features(ledger, fingerprint)
    return Known(
        features=None if stored is None else Features(**stored),
        learned=lambda features: keep_features(ledger, fingerprint, features._asdict()),
    )


def with_features(scenario: Scenario, fingerprints: Mapping[str, str], ledger: Ledger) -> Scenario:
    """The scenario with what its endpoints take, so that a release serves as it was decided on.

    Args:
        scenario: The contract.
        fingerprints: Of its solvers, by name.
        ledger: Where it is kept what endpoints take.
    """
    candidates = []
    for candidate in scenario.candidates:
        if candidate.kind == "endpoint" and candidate.name in fingerprints:
            takes = stored_features(ledger, fingerprints[candidate.name])
            if takes is not None:
                candidate = replace(candidate, options={**candidate.options, "takes": takes})  # noqa: PLW2901
        candidates.append(candidate)
    return replace(scenario, candidates=tuple(candidates))


def schema_wish(supports: object) -> Literal["auto", "on", "off"]:
    """Whether an endpoint is asked with a schema, as the contract states it."""
    if not isinstance(supports, list | tuple):
        return "auto"
    return "on" if "json_schema" in supports else "off"


def lacks(scenario: Scenario, candidate: Candidate) -> dict[str, str]:
    """What an endpoint cannot do, and how that is known: from the contract, or from deciding.

    Args:
        scenario: The contract.
        candidate: The candidate, of kind `endpoint`.
    """
    stated, takes = candidate.options.get("supports"), candidate.options.get("takes")
    if isinstance(stated, list | tuple):
        why = "its `supports` in the contract does not list it"
        return {one: why for one in CAPABILITIES if one not in stated}
    asked = scenario.output.kind in {"labels", "json-schema"}
    if asked and isinstance(takes, Mapping) and not takes.get("schema", True):
        return {"json_schema": "it refused one when it was decided on"}
    return {}


def without_schema(contenders: Iterable[Contender]) -> Iterator[str]:
    """Which endpoints refuse the schema of the answers, and are asked without it."""
    for one in contenders:
        if isinstance(one.solver, EndpointSolver) and one.solver.goes_without_schema:
            name = one.candidate.name
            yield (
                f"{name} refuses JSON Schemas, so it is asked without that of `output`, here and in"
                f" serving; with `supports: [json_schema]` a refusal is a failure"
            )
