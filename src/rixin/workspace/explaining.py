"""Finds one case and what is stored of it."""

from collections.abc import Sequence

from rixin.core.case import Case
from rixin.core.scenario import Scenario
from rixin.errors import UnknownName, UsageError
from rixin.ledger.cases import find_cases
from rixin.ledger.outcomes import outcomes_of_case
from rixin.report.explain import Asked, Explanation
from rixin.workspace.contender import Contender
from rixin.workspace.evaluate import Stored
from rixin.workspace.prepare import Dataset


def explain(
    scenario: Scenario,
    dataset: Dataset,
    stored: Stored,
    contenders: Sequence[Contender],
    wanted: str,
) -> Explanation:
    """What each solver said to one case.

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
        )
        for one in contenders
        if one.candidate.kind != "human"
    ]
    return Explanation(case=case, currency=scenario.economics.currency, asked=asked)


def _the_case(stored: Stored, dataset: Dataset, wanted: str) -> Case:
    found = find_cases(stored.ledger, dataset.id, wanted)
    if len(found) == 1:
        return found[0]
    if not found:
        hint = "name its id, its line, the beginning of its hash, or words of its text"
        raise UnknownName("case", wanted, [], hint=hint)
    shown = "\n".join(f"  {case.ref or case.id[:12]}: {case.input[:70]!r}" for case in found)
    raise UsageError(f"several cases fit {wanted!r}:\n{shown}", hint="name one of them by its id")
