"""Proposes cascades of the solvers that were run, and certifies them, on stored outcomes."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rixin.core.ids import Pool
from rixin.core.scenario import Scenario
from rixin.core.verdict import Standing
from rixin.decide.budget import Budget, Errors
from rixin.decide.economics import saving_at
from rixin.decide.evidence import Evidence, best_single
from rixin.decide.evidence import Sample as Pooled
from rixin.decide.exploring import Counting, objective_of, outlook, point_of
from rixin.decide.judged import Judged
from rixin.decide.policies import Policy, PolicyOutcomes, Step, apply
from rixin.decide.promise import harm_plan, standing_of, terms_of
from rixin.decide.sequence import Held, Holds, certify
from rixin.ledger.sample import Sample, sample_of, weights_of
from rixin.ledger.vectors import case_strata, case_weights, vectors
from rixin.solvers.speaking import signal_from
from rixin.workspace.evaluate import Stored
from rixin.workspace.proposed import FEWEST, Proposal, is_graded, margin_of, steps_of
from rixin.workspace.start import shape_of

Complete = Callable[[str, Sample], Awaitable[None]]
"""Brings one candidate to an outcome for every case of a sample."""


@dataclass(slots=True, kw_only=True)
class Proposer:
    """Looks for cascades after a race.

    Args:
        stored: Where the rows are, with the samples as planned.
        scenario: The contract.
        budget: How the chance of a wrong verdict is spent.
        prices: Expected price of the solvers that may be part of a cascade, cheap to dear.
        complete: Asks a solver what is missing.
        missed: Those that miss a floor of the promise for certain.
    """

    stored: Stored
    scenario: Scenario
    budget: Budget
    prices: Mapping[str, float]
    complete: Complete
    missed: Collection[str] = ()

    async def propose(self, best: Judged | None) -> Proposal:
        """The certified cascades.

        Args:
            best: The best candidate of the race; None where singles are tested here.
        """
        shape, certify_sample = self._samples()
        if reason := self._not_possible(shape, certify_sample):
            return Proposal(note=reason)
        if best is not None and (reason := self._not_worth(best, shape, certify_sample)):
            return Proposal(note=reason)
        for name in self.prices:
            await self.complete(name, shape)
        reference, policies = self._from_shape(shape, self.prices, alone=best is None)
        if reference is None:
            return Proposal(note="nobody solves a shape case")
        asked = Proposal(
            reference=reference,
            cases=certify_sample.size,
            shape_cases=shape.size,
            proposed_from=tuple(self.prices),
            note="no cascade looked cheaper and paid on shape cases without a loss",
        )
        if reference in self.missed:
            return replace(asked, note=f"{reference} solves most shape cases, and not enough")
        if not policies and best is not None:
            return asked
        members = _members(reference, policies)
        for name in members:
            await self.complete(name, certify_sample)
            if name in self.stored.red:
                await self.complete(name, self.stored.red[name])
        return self._certified(replace(asked, tested_on=members), policies, certify_sample, best)

    def again(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The tests of a certificate, taken anew on the stored rows.

        Args:
            record: From `Proposal.record`.
        """
        policies = [policy_from(one["steps"]) for one in record["tested"]]
        asked = Proposal(
            reference=record["reference"],
            cases=record["cases"],
            shape_cases=record["shape_cases"],
            proposed_from=tuple(record["proposed_from"]),
            tested_on=tuple(record["tested_on"]),
        )
        if not asked.tested_on:
            return dict(record)
        sample = self._pool("certify", asked.cases)
        found = self._certified(asked, policies, sample, best=None)
        return {**found.record(self.scenario), "note": record["note"]}

    def settled(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What the shape cases of a certificate settle before its tests, taken anew.

        Args:
            record: From `Proposal.record`.

        Returns:
            Those of its keys: `reference`, `tested_on`, and of `tested` the steps.
        """
        shape = self._pool("shape", record["shape_cases"])
        alone = self.scenario.promise.below_best_at_most is not None  # then there was no race
        reference, policies = self._from_shape(shape, record["proposed_from"], alone=alone)
        members: tuple[str, ...] = ()
        if reference is not None and record["tested_on"]:
            members = _members(reference, policies)
        return {
            "reference": reference,
            "tested_on": list(members),
            "tested": [steps_of(one) for one in policies[: len(record["tested"])]],
        }

    def _samples(self) -> tuple[Sample, Sample]:
        sizes = [self.stored.samples[name].size for name in self.prices]
        certify_sample = self._pool("certify", min(sizes, default=0))
        return shape_of(self.scenario, self.stored), certify_sample

    def _pool(self, pool: Pool, size: int) -> Sample:
        """The first cases of a pool, but those of the red team."""
        one = next(iter(self.stored.samples.values()))
        return sample_of(self.stored.ledger, one.dataset_id, pool, size, without=one.without)

    def _not_possible(self, shape: Sample, certify_sample: Sample) -> str:
        """Why no cascade can be certified whatever comes; empty where one may."""
        n, margin = certify_sample.size, margin_of(self.scenario)
        if len(self.prices) < 2 or min(shape.size, n) < FEWEST:
            return "too few solvers or cases to propose cascades from"
        if not self._can_certify(n, margin):
            return f"{n} certify cases cannot exclude a loss of {margin:.3g}"
        return ""

    def _can_certify(self, n: int, margin: float) -> bool:
        """Whether a policy that never differs from the reference would pass."""
        from rixin.stats.eprocess import log_e_difference, rejects
        from rixin.stats.pairs import certify_pair

        delta = self.budget.sequence.hold
        if is_graded(self.scenario):
            return rejects(log_e_difference([0.0], [n], margin), delta)
        return bool(certify_pair(0, 0, n, margin, delta))

    def _not_worth(self, judged: Judged, shape: Sample, certify_sample: Sample) -> str:
        """Why looking for cascades does not pay; empty where it may."""
        assert judged.point is not None
        prices = list(self.prices.values())
        best = self.prices.get(judged.result.name, max(prices))
        cost = sum(prices) * shape.size + (best + prices[0]) * certify_sample.size
        if outlook(self.scenario, judged.point, prices[0], cost).worth_it:
            return ""
        return "looking for cascades would cost more than they are likely to save"

    def _from_shape(
        self, shape: Sample, names: Iterable[str], *, alone: bool
    ) -> tuple[str | None, list[Policy]]:
        """The reference and the policies to test, in their order.

        All of it is settled before a certify case is looked at. Without a solved case there is no
        reference.
        """
        from rixin.decide.proposals import propose

        pooled = self._pooled(shape, names, graded=is_graded(self.scenario))
        reference = best_single(pooled)
        if reference is None:
            return None, []
        policies = [
            one.policy for one in propose(pooled, reference, margin=margin_of(self.scenario))
        ]
        if alone:
            return reference, policies
        chains = [policy for policy in policies if len(policy.steps) > 1]
        return reference, self._paying(chains, shape)

    def _paying(self, policies: Sequence[Policy], shape: Sample) -> list[Policy]:
        """Those that save money against the incumbent on shape cases."""
        plain = self._pooled(shape, self.prices)
        points = [point_of(apply(one, plain), plain.weights) for one in policies]
        pairs = zip(policies, points, strict=True)
        return [one for one, point in pairs if point and saving_at(self.scenario, point) > 0]

    def _certified(
        self,
        asked: Proposal,
        policies: Sequence[Policy],
        sample: Sample,
        best: Judged | None,
    ) -> Proposal:
        """What came of testing the policies on certify cases."""
        graded = is_graded(self.scenario)
        pooled = self._pooled(sample, asked.tested_on, graded=graded)
        plain = self._pooled(sample, asked.tested_on) if graded else pooled
        tested = certify(
            policies,
            pooled,
            asked.reference,
            margin=margin_of(self.scenario),
            delta=self.budget.sequence.hold,
            holds=self._holds(sample, self.budget.sequence, plain),
        )
        passed = [one.policy for one in tested if one.certified]
        chains = [policy for policy in passed if len(policy.steps) > 1]
        cheapest = min(
            chains,
            key=lambda one: objective_of(self.scenario, apply(one, plain), plain.weights),
            default=None,
        )
        alone = Policy((Step(asked.reference),))
        singles = [one.members[0] for one in passed if len(one.steps) == 1]
        if self.scenario.promise.below_best_at_most is not None:
            holds = self._holds(sample, self.budget.reference, plain)
            singles += [asked.reference] if holds(alone, apply(alone, pooled)).holds else []
        return replace(
            asked,
            tested=tested,
            winners=() if cheapest is None else (cheapest,),
            singles=tuple(singles),
            note="" if passed or best is None else "no proposed cascade could be certified",
        )

    def _pooled(self, sample: Sample, names: Iterable[str], *, graded: bool = False) -> Pooled:
        """The rows of some solvers on a sample, by their scores where it is graded."""
        return Pooled(
            solvers=tuple(self._evidence(name, sample, graded=graded) for name in names),
            weights=case_weights(self.stored.ledger, sample),
            graded=graded,
        )

    def _evidence(self, name: str, sample: Sample, *, graded: bool) -> Evidence:
        found = vectors(self.stored.ledger, sample, self.stored.numbers[name], self.stored.judge)
        return Evidence(
            solver=name,
            solved=found.score if graded else found.solved,
            cost=found.cost,
            confidence=found.confidence,
            violated=found.violated,
            abstained=found.abstained,
            latency_s=found.latency_s,
            answer=found.answer,
        )

    def _holds(self, sample: Sample, chances: Errors, plain: Pooled) -> Holds:
        """Tests the other terms of the promise on what a policy did.

        Args:
            sample: Certify cases.
            chances: Of a wrong bound.
            plain: The rows of its members on them: solved or not, whatever their scores.
        """
        counted = next(iter(self.stored.counted.values()))
        planned = next(iter(self.stored.errors.values()))
        units = weights_of(self.stored.ledger, sample).units
        errors = chances.planned(units, planned.strata, harm_cases=sample.size)
        plan = harm_plan(self.scenario, errors.harm_cases, errors.hold)
        counting = Counting(
            weights=case_weights(self.stored.ledger, sample),
            heaviest=counted.weight_max,
            harm_cases=0 if plan is None else plan.cases,
            slow_s=counted.slow_s,
            strata=case_strata(self.stored.ledger, sample, counted.strata),
        )

        def holds(policy: Policy, outcomes: PolicyOutcomes) -> Held:
            scores = outcomes.solved if is_graded(self.scenario) else None
            did = outcomes if scores is None else apply(policy, plain)
            tally = counting.tally("policy", did, scores)
            if not tally.cases:
                return Held(False)
            terms = terms_of(self.scenario, tally, errors)
            if self.stored.red:  # its harm is known once it is asked the red-team cases
                terms = tuple(term for term in terms if term.name != "harm")
            return Held(standing_of(terms) is Standing.HOLDS, tuple(term.text for term in terms))

        return holds


def _members(reference: str, policies: Iterable[Policy]) -> tuple[str, ...]:
    """Who is asked the certify cases: the reference, and all members of the policies."""
    return tuple(dict.fromkeys((reference, *(m for one in policies for m in one.members))))


def policy_from(steps: Sequence[Mapping[str, Any]]) -> Policy:
    """A policy from its written steps."""
    return Policy(
        tuple(
            Step(
                str(step["solver"]),
                step["threshold"],
                None if step["signal"] is None else signal_from(step["signal"]),
            )
            for step in steps
        )
    )
