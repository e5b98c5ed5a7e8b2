"""Cascades that nobody wrote down: what came of looking for them, and as candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from rixin.core.scenario import Candidate, Scenario

if TYPE_CHECKING:
    from rixin.decide.policies import Policy, Step
    from rixin.decide.sequence import Tested

FEWEST = 50
"""Shape or certify cases below which proposing says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What came of looking for cascades."""

    reference: str = ""
    tested: "tuple[Tested, ...]" = ()
    cases: int = 0
    """Certify cases of every test."""
    shape_cases: int = 0
    proposed_from: tuple[str, ...] = ()
    """Solvers that were asked the shape cases."""
    tested_on: tuple[str, ...] = ()
    """Solvers that were asked all certify cases for the tests."""
    winners: "tuple[Policy, ...]" = ()
    """The best certified cascade."""
    singles: tuple[str, ...] = ()
    """Candidates that were certified alone, as policies of one solver."""
    note: str = ""
    """Why nothing was proposed or certified, in words."""

    def record(self, scenario: Scenario) -> dict[str, Any]:
        """The sequence for the certificate; empty where nobody was asked for it."""
        if not self.proposed_from:
            return {}
        return {
            "reference": self.reference,
            **({"compared_by": "score"} if is_graded(scenario) else {}),
            "margin": margin_of(scenario),
            "cases": self.cases,
            "shape_cases": self.shape_cases,
            "proposed_from": list(self.proposed_from),
            "tested_on": list(self.tested_on),
            "note": self.note,
            "reference_holds": self.reference in self.singles,
            "tested": [_tested_record(one) for one in self.tested],
        }


def with_proposed(scenario: Scenario, proposed: Sequence[Mapping[str, Any]]) -> Scenario:
    """The scenario with proposed cascades after its own candidates.

    Args:
        scenario: The contract.
        proposed: Each with `name`, `steps` as in a contract, and the `cases` it was tested on.
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
            cases=one.get("cases"),
            options={"steps": [dict(step) for step in one["steps"]], "proposed": True},
        )
        for one in proposed
    )


def steps_of(policy: "Policy") -> list[dict[str, Any]]:
    """The steps of a policy as a proposed candidate has them; plain values."""
    return [
        {
            "solver": step.solver,
            "threshold": step.threshold,
            "signal": None if step.signal is None else _plain_signal(step),
        }
        for step in policy.steps
    ]


def _plain_signal(step: "Step") -> dict[str, Any]:
    assert step.signal is not None
    written = asdict(step.signal)
    return {
        "scales": [
            {"confidences": list(scale["confidences"]), "ranks": list(scale["ranks"])}
            for scale in written["scales"]
        ],
        "answer": list(written["answer"]),
        "reference": list(written["reference"]),
    }


def margin_of(scenario: Scenario) -> float:
    """The loss against the best single candidate that a proposed policy must stay below."""
    given = scenario.promise.below_best_at_most
    return scenario.promise.margin if given is None else given


def is_graded(scenario: Scenario) -> bool:
    """Whether policies are compared by their scores, not by whether a case is solved."""
    return scenario.promise.score_at_least is not None


def may_propose(scenario: Scenario, pools: Mapping[str, int]) -> bool:
    """Whether a decision may propose cascades; known before the first case is asked."""
    solvers = [one for one in scenario.candidates if one.kind not in {"human", "cascade"}]
    by_confidence = len(solvers) >= 2 and any(map(_has_confidence, solvers))
    return (
        scenario.cascades
        and (by_confidence or _can_agree(solvers))
        and min(pools.get("shape", 0), pools.get("certify", 0)) >= FEWEST
    )


def _has_confidence(candidate: Candidate) -> bool:
    if candidate.kind == "replay":
        return bool({"confidence", "logprob"} & _columns(candidate).keys())
    if candidate.kind == "endpoint":
        samples = int(str(candidate.options.get("samples", 1)))
        return candidate.options.get("logprobs") != "off" or samples > 1
    return candidate.kind in {"student", "local", "function"}


def _can_agree(solvers: Sequence[Candidate]) -> bool:
    """Whether two can check each other, with a third to go to where they differ."""
    answering = [one for one in solvers if one.kind != "replay" or "output" in _columns(one)]
    return len(solvers) >= 3 and len(answering) >= 2


def _columns(candidate: Candidate) -> Mapping[str, str]:
    columns = candidate.options["columns"]
    assert isinstance(columns, Mapping)
    return columns


def _tested_record(one: "Tested") -> dict[str, Any]:
    """One hypothesis of the sequence as the certificate states it."""
    return {
        "policy": one.policy.name,
        "steps": steps_of(one.policy),
        "cases": one.cases,
        "lost": one.lost,
        "gained": one.gained,
        "delta": one.delta,
        "method": one.method,
        "statistic": one.statistic,
        "critical": one.critical,
        "no_worse": one.no_worse,
        "promise": list(one.others.record),
        "certified": one.certified,
    }
