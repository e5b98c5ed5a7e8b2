"""Finds one case and what is stored of it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from rixin.core.answer import Step
from rixin.core.case import Case
from rixin.core.outcome import Outcome, State
from rixin.core.scenario import Candidate, Scenario
from rixin.core.solver import Prompts
from rixin.errors import UnknownName, UsageError
from rixin.ledger.cases import find_cases
from rixin.ledger.outcomes import outcomes_of_case
from rixin.report.explain import Asked, Explanation, Tested
from rixin.workspace.contender import Contender
from rixin.workspace.evaluate import Stored
from rixin.workspace.prepare import Dataset
from rixin.workspace.proposed import proposed_candidates

if TYPE_CHECKING:
    from rixin.decide.evidence import Evidence
    from rixin.decide.policies import Policy


@dataclass(frozen=True, slots=True)
class Proposed:
    """The cascades that a decision made up."""

    candidates: tuple[Candidate, ...] = ()
    """Those that were certified and got rows of their own."""
    tested: tuple[Mapping[str, Any], ...] = ()
    """The others that were tested, each as its certificate has it."""


def proposed_of(decision: Mapping[str, Any] | None, contenders: Sequence[Contender]) -> Proposed:
    """The cascades of a decision whose members are still what they were.

    Args:
        decision: From `rixin.ledger.decisions.last_decision`.
        contenders: The candidates of the contract as it is now.
    """
    if decision is None:
        return Proposed()
    given = decision["record"]["certificate"]
    now = {one.candidate.name: one.solver.fingerprint for one in contenders}
    then = {one["name"]: one["fingerprint"] for one in given["solvers"]}

    def stands(one: Mapping[str, Any]) -> bool:
        members = [step["solver"] for step in one["steps"]]
        return all(name in now and now[name] == then[name] for name in members)

    kept = [one for one in given["proposed"] if stands(one)]
    run = [one["steps"] for one in kept]
    tested = given["sequence"].get("tested", ())
    return Proposed(
        proposed_candidates(kept),
        tuple(
            one
            for one in tested
            if len(one["steps"]) > 1 and one["steps"] not in run and stands(one)
        ),
    )


def explain(
    scenario: Scenario,
    dataset: Dataset,
    stored: Stored,
    contenders: Sequence[Contender],
    wanted: str,
    tested: Sequence[Mapping[str, Any]] = (),
) -> Explanation:
    """What each solver said to one case.

    Args:
        scenario: The contract.
        dataset: Its cases.
        stored: Where the rows are.
        contenders: The candidates, proposed cascades with rows of their own among them.
        wanted: What the user calls the case.
        tested: Cascades that were judged by the stored rows of their members only.

    Raises:
        UnknownName: No case is meant.
        UsageError: Several are.
    """
    case = _the_case(stored, dataset, wanted)
    names = {stored.numbers[one.candidate.name]: one.candidate.name for one in contenders}
    rows = outcomes_of_case(stored.ledger, case, names, stored.judge)
    found = {row.solver: row for row in rows}
    asked = [
        Asked(
            solver=one.candidate.name,
            kind=one.candidate.kind,
            about=one.about,
            price=one.price,
            outcome=found.get(one.candidate.name),
            proposed=bool(one.candidate.options.get("proposed")),
            prompt=one.solver.prompt(case.input) if isinstance(one.solver, Prompts) else (),
        )
        for one in contenders
        if one.candidate.kind != "human"
    ]
    return Explanation(
        case=case,
        currency=scenario.economics.currency,
        asked=asked,
        tested=[_tested(one, found) for one in tested],
    )


def _tested(one: Mapping[str, Any], rows: Mapping[str, Outcome]) -> Tested:
    """What a cascade would have said by the rows of its members, as its test took it."""
    from rixin.workspace.propose import policy_from

    policy = policy_from(one["steps"])
    steps = _steps(policy, rows)
    return Tested(
        name=policy.name,
        certified=one["certified"],
        steps=steps,
        outcome=rows[steps[-1].solver] if steps else None,
    )


def _steps(policy: "Policy", rows: Mapping[str, Outcome]) -> tuple[Step, ...]:
    """The way of one case through a cascade; empty where a member was not asked about it."""
    import numpy as np

    from rixin.decide.evidence import Sample
    from rixin.decide.policies import apply, speaking

    known = [name for name in policy.members if name in rows]
    if known != list(policy.members):
        return ()
    sample = Sample(solvers=tuple(_evidence(rows[name]) for name in known), weights=np.ones(1))
    speaks = speaking(policy, sample)
    end = int(apply(policy, sample, speaks).answered_by[0])
    said = [None if isnan(float(one[0])) else float(one[0]) for one in speaks]
    return tuple(
        Step(
            solver=step.solver,
            output=rows[step.solver].answer.output,
            confidence=said[place] if place < len(said) else None,
            threshold=step.threshold,
            escalated=place < end,
        )
        for place, step in enumerate(policy.steps[: end + 1])
    )


def _evidence(row: Outcome) -> "Evidence":
    """One row as evidence on one case."""
    import numpy as np

    from rixin.core.ids import output_code
    from rixin.decide.evidence import Evidence

    answer, unknown = row.answer, float("nan")
    measured = row.state is not State.UNMEASURED
    return Evidence(
        solver=row.solver,
        solved=np.array([float(row.state is State.SOLVED) if measured else unknown]),
        cost=np.array([unknown if answer.cost is None else float(answer.cost)]),
        confidence=np.array([unknown if answer.confidence is None else answer.confidence]),
        violated=np.array([bool(row.violations)]),
        abstained=np.array([answer.abstained]),
        latency_s=np.array([unknown if answer.latency_s is None else answer.latency_s]),
        answer=np.array([output_code(answer.output)], dtype=np.int64),
    )


def _the_case(stored: Stored, dataset: Dataset, wanted: str) -> Case:
    matches, count = find_cases(stored.ledger, dataset.id, wanted)
    if count == 1:
        return matches[0]
    if not matches:
        example, _ = find_cases(stored.ledger, dataset.id, "", limit=1)
        hint = (
            f"name it as this file does (like {example[0].ref!r}), by the beginning of its hash,"
            " or by words of its text"
        )
        raise UnknownName("case", wanted, [], hint=hint)
    shown = "".join(f"\n  {case.ref} ({case.id[:12]}): {case.input[:60]!r}" for case in matches)
    more = f"\n  and {count - len(matches):,} more" * (count > len(matches))
    example_ref = shlex.quote(matches[0].ref)
    raise UsageError(
        f"{count:,} cases fit {wanted!r}:{shown}{more}",
        hint=f"name one of them by what stands before the colon: {example_ref}",
    )
