"""What a decision has asked and paid, against asking every candidate everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rixin.core.verdict import CandidateResult, Effort


@dataclass(frozen=True, slots=True)
class Extra:
    """Answers besides those on which candidates are compared: to cases of the red team, and to
    those that cascades are proposed from.
    """

    answers: int
    spent: Decimal
    planned: Mapping[str, int] = field(default_factory=dict)
    """Candidate → such answers, if everything were asked."""


def effort_of(results: Sequence[CandidateResult], extra: Extra | None = None) -> Effort:
    """The effort behind a verdict; cascades that were proposed cost nothing of their own.

    What answers that were not asked would have cost is the measured mean of the candidate, or the
    price that was expected where it was not asked at all.

    Args:
        results: The candidates, with their trials.
        extra: What was asked besides.
    """
    more = extra or Extra(0, Decimal(0))
    own = [one for one in results if one.kind != "cascade"]
    costs = [_all_of(one, more.planned.get(one.name, 0)) for one in own]
    known = [cost for cost in costs if cost is not None]
    paid = all(one.tally.cost_known == one.tally.cases for one in own)
    return Effort(
        answers=sum(one.trial.asked for one in own) + more.answers,
        all_answers=sum(one.trial.planned for one in own) + sum(more.planned.values()),
        spent=sum((one.tally.spent for one in own), more.spent) if paid else None,
        all_spent=sum(known) if len(known) == len(costs) else None,
    )


def _all_of(one: CandidateResult, more: int) -> float | None:
    price = one.cost_per_case.value
    if price is None:
        price = one.trial.price if one.tally.cases == 0 else None
    return None if price is None else price * (one.trial.planned + more)
