"""Cascades that nobody wrote down, as candidates of the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rixin.core.scenario import Candidate, Scenario


def with_proposed(scenario: Scenario, proposed: Sequence[Mapping[str, Any]]) -> Scenario:
    """The scenario with proposed cascades after its own candidates.

    Args:
        scenario: The contract.
        proposed: Each with `name` and `steps`, the steps as in a contract.
    """
    more = proposed_candidates(proposed)
    return replace(scenario, candidates=(*scenario.candidates, *more))


def proposed_candidates(proposed: Sequence[Mapping[str, Any]]) -> tuple[Candidate, ...]:
    """Proposed cascades as candidates."""
    return tuple(
        Candidate(
            name=one["name"],
            kind="cascade",
            target=" → ".join(step["solver"] for step in one["steps"]),
            options={"steps": [dict(step) for step in one["steps"]], "proposed": True},
        )
        for one in proposed
    )
