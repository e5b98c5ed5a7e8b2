"""How far each candidate was asked: from a race that was run, or from a certificate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rixin.core.verdict import Trial
from rixin.decide.race import Race, State
from rixin.workspace.proposed import Proposal


def trials_of(race: Race, proposal: Proposal, proposed: Sequence[str]) -> dict[str, Trial]:
    """The trials of a race that is over and of what was proposed after it, by name.

    Args:
        race: The race.
        proposal: Cascades and, where a release is measured against the best candidate, singles.
        proposed: Names of the certified cascades.
    """
    trials = {
        lane.name: Trial(
            order=order,
            state=lane.state.value,
            asked=lane.judged_at,
            planned=lane.entry.cases,
            price=lane.entry.price,
        )
        for order, lane in enumerate(race.lanes.values(), 1)
    }
    if race.scenario.promise.below_best_at_most is not None:
        asked = set(proposal.tested_on)
        for name, trial in trials.items():
            state = State.ACCEPTED if name in proposal.singles else State.NOT_NEEDED
            cases = proposal.cases if name in asked else 0
            trials[name] = replace(trial, state=state.value, asked=cases)
    for place, name in enumerate(proposed, len(trials) + 1):
        trials[name] = Trial(
            order=place,
            state=State.ACCEPTED.value,
            asked=proposal.cases,
            planned=proposal.cases,
            proposed=True,
        )
    return trials


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
