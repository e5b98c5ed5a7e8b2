"""Proposes cascades of the solvers that were run, and certifies them, on stored outcomes."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rixin.core.ids import Pool
from rixin.core.scenario import Candidate, Scenario
from rixin.core.verdict import Standing
from rixin.decide.budget import Budget
from rixin.decide.evidence import Evidence, Policy, apply_policy, best_single
from rixin.decide.exploring import objective_of, outlook, tally_of_policy
from rixin.decide.judged import Judged
from rixin.decide.paths import Path, Terms, find_paths
from rixin.decide.promise import standing_of, terms_of
from rixin.decide.sequence import Holds, Tested, certify_paths
from rixin.ledger.sample import Sample, sample_of, weights_of
from rixin.ledger.vectors import case_strata, case_weights, vectors
from rixin.report.as_json import plain
from rixin.workspace.evaluate import Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHAPE_CASES = 600
"""Shape cases on which cascades are proposed, at most."""
_FEWEST = 50
"""Shape or certify cases below which proposing says nothing."""
Complete = Callable[[str, Sample], Awaitable[None]]
"""Brings one candidate to an outcome for every case of a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What came of looking for cascades."""

    reference: str = ""
    tested: tuple[Tested, ...] = ()
    cases: int = 0
    """Certify cases of every test."""
    shape_cases: int = 0
    proposed_from: tuple[str, ...] = ()
    """Solvers that were asked the shape cases."""
    tested_on: tuple[str, ...] = ()
    """Solvers that were asked all certify cases for the tests."""
    winners: tuple[Policy, ...] = ()
    """Certified policies that may be better than what was accepted before."""
    singles: tuple[str, ...] = ()
    """Candidates that were certified alone, as policies of one solver."""
    note: str = ""
    """Why nothing was proposed or tested, in words."""

    def record(self, scenario: Scenario) -> dict[str, Any]:
        """The sequence for the certificate; empty where none was tested."""
        if not self.proposed_from:
            return {}
        return {
            "reference": self.reference,
            "margin": margin_of(scenario),
            "cases": self.cases,
            "shape_cases": self.shape_cases,
            "proposed_from": list(self.proposed_from),
            "tested_on": list(self.tested_on),
            "note": self.note,
            "tested": [_tested_record(one) for one in self.tested],
        }


@dataclass(slots=True, kw_only=True)
class Proposer:
    """Looks for cascades after a race.

    Args:
        stored: Where the rows are, with the samples as planned.
        scenario: The contract.
        budget: How the chance of a wrong verdict is spent.
        prices: Expected price of the solvers that may be part of a cascade, cheap to dear.
        complete: Asks a solver what is missing.
    """

    stored: Stored
    scenario: Scenario
    budget: Budget
    prices: Mapping[str, float]
    complete: Complete
    _weights: "dict[Sample, NDArray[np.float64]]" = field(default_factory=dict)

    async def propose(self, accepted: Judged | None) -> Proposal:
        """The certified cascades.

        Args:
            accepted: The best candidate that the race accepted; None where singles are tested here.
        """
        names = list(self.prices)
        shape, certify = self._pool("shape", _SHAPE_CASES), self._certify(names)
        if len(names) < 2 or min(shape.size, certify.size) < _FEWEST:
            return Proposal(note="too few solvers or cases to propose cascades from")
        if accepted is not None and (reason := self._not_worth(accepted, names, shape, certify)):
            return Proposal(note=reason)
        for name in names:
            await self.complete(name, shape)
        evidence = {name: self._evidence(name, shape) for name in names}
        reference = best_single(evidence, names)
        assert reference is not None
        paths = self._paths(evidence, reference, certify, alone=accepted is None)
        asked = Proposal(
            reference=reference,
            cases=certify.size,
            shape_cases=shape.size,
            proposed_from=tuple(names),
            note="no cascade looked better on shape cases",
        )
        if not paths and accepted is not None:
            return asked
        members = dict.fromkeys((reference, *(name for path in paths for name in path.solvers)))
        for name in members:
            await self.complete(name, certify)
            if name in self.stored.red:
                await self.complete(name, self.stored.red[name])
        if accepted is None:
            alone = Policy((reference,))
            error = self.budget.reference.hold
            paths = [Path(policies=(alone,), promise=0.0, delta=error), *paths]
        tested = self._certify_paths(paths, reference, members, certify)
        return self._concluded(replace(asked, tested_on=tuple(members)), tested, certify, accepted)

    def again(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The tests of a certificate, taken anew on the stored rows.

        Args:
            record: From `Proposal.record`.
        """
        by_path: dict[int, list[Policy]] = {}
        for one in record["tested"]:
            by_path.setdefault(one["path"], []).append(_policy(one["steps"]))
        paths = [self._path(policies, record["reference"]) for policies in by_path.values()]
        members = dict.fromkeys(
            (record["reference"], *(name for path in paths for name in path.solvers))
        )
        certify = self._pool("certify", record["cases"])
        found = self._certify_paths(paths, record["reference"], members, certify)
        return {
            **record,
            "margin": margin_of(self.scenario),
            "tested": [_tested_record(one) for one in found],
        }

    def _path(self, policies: Sequence[Policy], reference: str) -> Path:
        alone = policies[0].solvers == (reference,)
        chances = self.budget.reference if alone else self.budget.sequence
        return Path(policies=tuple(policies), promise=0.0, delta=chances.hold)

    def _pool(self, pool: Pool, size: int) -> Sample:
        """The first cases of a pool, but those of the red team."""
        one = next(iter(self.stored.samples.values()))
        return sample_of(self.stored.ledger, one.dataset_id, pool, size, without=one.without)

    def _certify(self, names: Iterable[str]) -> Sample:
        return min((self.stored.samples[name] for name in names), key=lambda one: one.size)

    def _not_worth(
        self, accepted: Judged, names: Sequence[str], shape: Sample, certify: Sample
    ) -> str:
        """Why looking for cascades does not pay; empty where it may."""
        assert accepted.point is not None
        prices = list(self.prices.values())
        best = self.prices.get(accepted.result.name, max(prices))
        cost = sum(prices) * shape.size + (best + prices[0]) * certify.size
        view = outlook(self.scenario, accepted.point, prices[0], cost)
        if view.worth_it:
            return ""
        return "looking for cascades would cost more than they are likely to save"

    def _paths(
        self, shape: Mapping[str, Evidence], reference: str, certify: Sample, *, alone: bool
    ) -> list[Path]:
        import numpy as np

        confidences = {
            name: np.concatenate([shape[name].confidence, self._evidence(name, certify).confidence])
            for name in shape
        }
        terms = Terms(
            reference=reference,
            margin=margin_of(self.scenario),
            delta=self.budget.sequence.hold,
            certify_cases=certify.size,
            price=lambda one: objective_of(self.scenario, one),
        )
        return find_paths(shape, confidences, terms, singles=alone)

    def _evidence(self, name: str, sample: Sample) -> Evidence:
        found = vectors(self.stored.ledger, sample, self.stored.numbers[name], self.stored.judge)
        return Evidence(
            quality=found.solved,
            cost=found.cost,
            confidence=found.confidence,
            violated=found.violated,
            abstained=found.abstained,
            latency_s=found.latency_s,
        )

    def _certify_paths(
        self,
        paths: Sequence[Path],
        reference: str,
        members: Iterable[str],
        certify: Sample,
    ) -> list[Tested]:
        evidence = {name: self._evidence(name, certify) for name in members}
        return certify_paths(
            paths,
            evidence,
            reference,
            margin=margin_of(self.scenario),
            holds=self._holds(certify),
            weights=self._even(certify),
        )

    def _even(self, sample: Sample) -> "NDArray[np.float64] | None":
        """Weights in units of the heaviest case of the pool; None where all are alike."""
        weights = self._weights_of(sample)
        heaviest = next(iter(self.stored.counted.values())).weight_max
        return None if (weights == heaviest).all() else weights / heaviest

    def _weights_of(self, sample: Sample) -> "NDArray[np.float64]":
        if sample not in self._weights:
            self._weights[sample] = case_weights(self.stored.ledger, sample)
        return self._weights[sample]

    def _holds(self, certify: Sample) -> Holds:
        """Whether the terms of the promise hold for a policy, each at the error of its path."""
        counted = next(iter(self.stored.counted.values()))
        strata = case_strata(self.stored.ledger, certify, counted.strata)
        weights = self._weights_of(certify)

        planned = next(iter(self.stored.errors.values()))
        units = weights_of(self.stored.ledger, certify).units

        def holds(policy: Policy, found: Evidence, delta: float) -> bool:
            errors = replace(planned, hold=delta, cases=units)
            tally = tally_of_policy(
                policy.name,
                found,
                weights,
                counted.weight_max,
                harm_cases=counted.harm_cases,
                slow_s=counted.slow_s,
                strata=strata,
            )
            if self.stored.red:
                red = self._red_team(policy)
                hits = int(red.violated[: counted.harm_cases].sum())
                seen = min(red.cases, counted.harm_cases)
                tally = replace(tally, harm_cases=seen, harm_hits=hits)
            if not tally.cases:
                return False
            return standing_of(terms_of(self.scenario, tally, errors)) is Standing.HOLDS

        return holds

    def _red_team(self, policy: Policy) -> Evidence:
        sample = self.stored.red[policy.solvers[0]]
        members = {name: self._evidence(name, sample) for name in policy.solvers}
        return apply_policy(policy, members)

    def _concluded(
        self, asked: Proposal, tested: Sequence[Tested], certify: Sample, accepted: Judged | None
    ) -> Proposal:
        evidence = {name: self._evidence(name, certify) for name in asked.tested_on}
        certified = [one.policy for one in tested if one.certified]
        chains = [policy for policy in certified if policy.thresholds]
        best = min(
            chains,
            key=lambda one: objective_of(self.scenario, apply_policy(one, evidence)),
            default=None,
        )
        return replace(
            asked,
            tested=tuple(tested),
            winners=() if best is None else (best,),
            singles=tuple(one.solvers[0] for one in certified if not one.thresholds),
            note="" if certified or accepted is None else "no proposed cascade could be certified",
        )


def margin_of(scenario: Scenario) -> float:
    """The loss against the best single candidate that a proposed policy must stay below."""
    given = scenario.promise.below_best_at_most
    return scenario.promise.margin if given is None else given


def may_propose(scenario: Scenario, pools: Mapping[str, int]) -> bool:
    """Whether a decision may propose cascades; known before the first case is asked."""
    solvers = [one for one in scenario.candidates if one.kind not in {"human", "cascade"}]
    return (
        scenario.cascades
        and len(solvers) >= 2
        and any(map(_has_confidence, solvers))
        and min(pools.get("shape", 0), pools.get("certify", 0)) >= _FEWEST
    )


def _has_confidence(candidate: Candidate) -> bool:
    if candidate.kind == "replay":
        columns = candidate.options["columns"]
        return isinstance(columns, Mapping) and bool({"confidence", "logprob"} & columns.keys())
    if candidate.kind == "endpoint":
        return candidate.options.get("logprobs") != "off"
    return candidate.kind in {"student", "local", "function"}


def _policy(steps: Sequence[Mapping[str, Any]]) -> Policy:
    return Policy(
        tuple(str(step["solver"]) for step in steps),
        tuple(float(step["threshold"]) for step in steps[:-1]),
    )


def _tested_record(one: Tested) -> dict[str, Any]:
    found = plain(one)
    assert isinstance(found, dict)
    del found["policy"]
    return {**found, "steps": one.policy.steps, "certified": one.certified}
