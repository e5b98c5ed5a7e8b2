"""How far each candidate was asked: from a race that was run, or from a certificate."""

from collections.abc import Mapping
from typing import Any

from rixin.core.verdict import Trial
from rixin.decide.race import Race


def trials_of(race: Race) -> dict[str, Trial]:
    """The trials of a race that is over, by the candidate's name."""
    return {
        lane.name: Trial(
            order=order,
            state=lane.state.value,
            asked=lane.asked,
            planned=lane.entry.cases,
            price=lane.entry.price,
        )
        for order, lane in enumerate(race.lanes.values(), 1)
    }


def trials_in(certificate: Mapping[str, Any]) -> dict[str, Trial]:
    """The trials that a certificate states, by the candidate's name."""
    return {
        one["about"]: Trial(
            order=one["order"],
            state=one["state"],
            asked=one["asked"],
            planned=one["planned"],
            price=one["expected_price"],
            proposed=one["proposed"],
        )
        for one in certificate["hypotheses"]
    }
