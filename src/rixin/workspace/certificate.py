"""The certificate of a decision: what was tested, on which rows, with which error; and its check.

A certificate is recomputed, not believed: `verify` builds it anew from the contract in it and the
rows of the ledger, and names every figure that differs.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rixin import __version__
from rixin.core.ids import digest_json
from rixin.core.scenario import Scenario
from rixin.core.verdict import CandidateResult, Verdict
from rixin.decide.budget import Budget, Errors
from rixin.decide.promise import score_evidence
from rixin.report.as_json import plain
from rixin.workspace.evaluate import Stored
from rixin.workspace.marks import MARKED, Difference, Part, altered_parts, marks_of, parts_of

FORMAT = "rixin.certificate/1"
"""Named in every file; the number rises when a key goes or changes its meaning."""
RULES = 2
"""By which rules a verdict was reached and worded; a certificate without the key: by the first."""
_UNSIGNED = frozenset({"sha256", "decided_at", "rixin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a certificate is made of."""

    stored: Stored
    """Where the rows are, each sample cut to the cases that were asked."""
    scenario: Scenario
    """The contract, proposed cascades among its candidates."""
    contract: str
    """The text of the scenario file."""
    dataset_id: str
    pools: Mapping[str, int]
    verdict: Verdict
    budget: Budget
    solvers: Sequence[object]
    prices: Sequence[object]
    sequence: Mapping[str, Any]
    """Hypotheses about proposed policies, in the order in which they were tested; may be empty."""
    decided_at: str = ""
    rules: int = RULES

    @property
    def parts(self) -> list[Part]:
        """The rows and cases that it rests on."""
        asked = [
            one.name for one in self.verdict.candidates if one.tally.cases + one.tally.unmeasured
        ]
        return parts_of(self.stored, asked, self.sequence)


def build_certificate(claim: Claim) -> dict[str, Any]:
    """The certificate as values that `json.dumps` takes."""
    scenario, verdict, stored = claim.scenario, claim.verdict, claim.stored
    body: dict[str, Any] = {
        "format": FORMAT,
        "rixin": __version__,
        "decided_at": claim.decided_at,
        "scenario": scenario.name,
        "scenario_file": scenario.path.name,
        "owner": scenario.owner,
        "decision": verdict.decision.value,
        "winner": verdict.winner,
        "headline": verdict.headline,
        "cases": {
            "dataset": claim.dataset_id,
            "pools": dict(claim.pools),
            "seed": scenario.cases.seed,
        },
        "judge": stored.judge,
        "promise": plain(scenario.promise),
        "error_budget": _budget(scenario, claim.budget, verdict),
        "solvers": [plain(one) for one in claim.solvers],
        "prices": [plain(one) for one in claim.prices],
        "proposed": [
            {"name": one.name, "steps": one.options["steps"], "cases": one.cases}
            for one in scenario.candidates
            if one.options.get("proposed")
        ],
        "hypotheses": [_hypothesis(scenario, stored, one) for one in _in_order(verdict)],
        "sequence": dict(claim.sequence),
        **marks_of(stored, claim.parts),
        "spent": plain(verdict.spent),
        "contract": claim.contract,
        **({"rules": claim.rules} if claim.rules > 1 else {}),
    }
    whole: dict[str, Any] = json.loads(json.dumps(body))
    return {**whole, "sha256": seal_of(whole)}


def seal_of(certificate: Mapping[str, Any]) -> str:
    """A hash of all that the certificate claims; not of when and by which version it was made."""
    return digest_json({k: v for k, v in certificate.items() if k not in _UNSIGNED})


def differences(
    given: Mapping[str, Any], found: Mapping[str, Any], claim: Claim
) -> list[Difference]:
    """Every claim of a certificate that its recomputation does not bear out.

    Args:
        given: The certificate.
        found: The same recomputed.
        claim: What it was recomputed of.
    """
    source = claim.scenario.cases
    rows = [*altered_parts(given, found, claim.stored, claim.parts, source)]
    for key in {**given, **found}:
        if key not in _UNSIGNED and key not in MARKED:
            rows += _compare(key, given.get(key), found.get(key))
    return rows


def _budget(scenario: Scenario, budget: Budget, verdict: Verdict) -> dict[str, Any]:
    return {
        "total": budget.total,
        "carry_over": scenario.promise.carry_over,
        "decision": budget.decision,
        "candidates": budget.singles,
        "each_of": budget.rivals,
        **({"takes_no_share": sorted(budget.outside)} if budget.outside else {}),
        "proposed": budget.proposed,
        "ways_to_fail": budget.ways,
        "chance_that_the_verdict_is_wrong_at_most": verdict.error_chance,
    }


def _in_order(verdict: Verdict) -> list[CandidateResult]:
    return sorted(verdict.candidates, key=lambda one: one.trial.order or len(verdict.candidates))


def _hypothesis(scenario: Scenario, stored: Stored, one: CandidateResult) -> dict[str, Any]:
    errors, tally = stored.errors[one.name], one.tally
    floor = scenario.promise.score_at_least
    return {
        "order": one.trial.order,
        "about": one.name,
        "proposed": one.trial.proposed,
        "state": one.trial.state,
        "standing": one.standing.value,
        "asked": one.trial.asked,
        "planned": one.trial.planned,
        "expected_price": one.trial.price,
        "error_to_hold": errors.hold,
        "error_to_fail": errors.fail,
        "cases_at_the_end": errors.cases,
        "terms": list(one.reasons),
        "counts": {
            "measured": tally.cases,
            "solved": tally.solved,
            "not_measured": tally.unmeasured,
            "abstained": tally.abstained,
            "violations": tally.violations,
            "harm_cases": tally.harm_cases,
            "harm_hits": tally.harm_hits,
            "slow": tally.slow,
            "weight": tally.weight,
            "solved_weight": tally.solved_weight,
            "cost": plain(tally.cost_total),
            "strata": plain(tally.strata),
        },
        **({} if floor is None or not tally.cases else {"score": _score(floor, errors, one)}),
        "cost_per_solved": plain(one.cost_per_solved),
        "saving_per_month": plain(one.saving_per_month),
    }


def _score(floor: float, errors: Errors, one: CandidateResult) -> dict[str, Any]:
    """The test of the mean score, with all that it rests on: the scores and their weights."""
    found = score_evidence(floor, one.tally, errors)
    return {
        "cases": one.tally.cases,
        "sum": sum(score * weight for score, weight in one.tally.scores),
        "scores_sha256": digest_json({"scores": plain(one.tally.scores)}),
        "mean": plain(one.score),
        "log_e_holds": found.holds,
        "log_e_fails": found.fails,
    }


def _compare(where: str, given: object, found: object) -> Iterator[Difference]:
    if isinstance(given, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys((*given, *found)):
            yield from _compare(f"{where}.{key}", given.get(key), found.get(key))
    elif isinstance(given, list) and isinstance(found, list) and len(given) == len(found):
        for place, (one, other) in enumerate(zip(given, found, strict=True), 1):
            name = one.get("about") or one.get("name") if isinstance(one, Mapping) else None
            yield from _compare(f"{where}[{name or place}]", one, other)
    elif given != found:
        yield Difference(where, given, found)
