"""A cascade: the cheapest solver first, and the next one only where it is not sure."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from rixin.core.answer import Answer, Step, is_below
from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.core.solver import Solver
from rixin.core.usage import total_usage

Speaks = Callable[[Sequence[Answer]], float]
"""What speaks for the last of the answers of a case, those of the members asked before included."""


class Member(NamedTuple):
    """A solver in a cascade, and what lets its answer stand."""

    solver: Solver
    least: float | None
    """Least confidence, or least that speaks for it; None: every answer stands."""
    speaks: Speaks | None = None
    """What is compared with `least`; None: the confidence."""


class CascadeSolver:
    """Asks its members in turn until an answer stands.

    A case goes on to the next member when the answer is missing (abstained, failed), a guard found
    something in it, or what speaks for it is below the member's threshold or not known. What the
    last member says stands.

    Args:
        name: The name in the scenario file.
        members: Cheapest first. They stay the caller's: `close` does not close them.
        abstain_below: With less confidence than this no member's answer stands but the last one's.

    Raises:
        ValueError: There is no member.
    """

    def __init__(
        self,
        name: str,
        members: Sequence[Member | tuple[Solver, float | None]],
        *,
        abstain_below: float | None = None,
    ) -> None:
        if not members:
            raise ValueError(f"the cascade {name!r} has no member")
        self.name = name
        self._members = tuple(Member(*member) for member in members)
        self.batch_size = self._members[0].solver.batch_size
        parts = (
            f"{m.solver.name} {m.solver.fingerprint} {m.least} {m.speaks!r}" for m in self._members
        )
        floor = () if abstain_below is None else (f"abstains below {abstain_below!r}",)
        self.fingerprint = digest("cascade/2", *parts, *floor)
        self._floor = abstain_below

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case with the steps that led to it; costs and times are sums."""
        answers: list[Answer | None] = [None] * len(cases)
        said: list[list[Answer]] = [[] for _ in cases]
        open_cases = list(range(len(cases)))
        for member in self._members:
            if not open_cases:
                break
            last = member is self._members[-1]
            given = await member.solver.solve([cases[i] for i in open_cases])
            still_open = []
            for i, answer in zip(open_cases, given, strict=True):
                said[i].append(answer)
                speaks = _speaks(member, said[i])
                goes_on = not last and not self._stands(answer, member.least, speaks)
                answers[i] = _joined(answers[i], answer, (member, speaks), goes_on)
                if goes_on:
                    still_open.append(i)
            open_cases = still_open
        return [answer for answer in answers if answer is not None]

    async def close(self) -> None:
        """Closes nothing: the members are the caller's."""

    def _stands(self, answer: Answer, least: float | None, speaks: float | None) -> bool:
        if answer.failure is not None or answer.abstained or answer.vetoed:
            return False
        if is_below(answer, self._floor):
            return False
        return least is None or (speaks is not None and speaks >= least)


def _speaks(member: Member, said: Sequence[Answer]) -> float | None:
    if member.speaks is None or member.least is None:
        return said[-1].confidence
    return member.speaks(said)


def _joined(
    before: Answer | None, answer: Answer, by: tuple[Member, float | None], goes_on: bool
) -> Answer:
    (solver, threshold, _), speaks = by
    answer = answer._replace(vetoed=False)
    step = Step(
        solver=solver.name,
        output=answer.output,
        confidence=speaks,
        threshold=threshold,
        escalated=goes_on,
    )
    note = f"answered by {solver.name}" + (f": {answer.note}" if answer.note else "")
    if before is None:
        return answer._replace(steps=(*answer.steps, step), note=note)
    return answer._replace(
        usage=total_usage((before.usage, answer.usage)),
        cost=_sum_cost(before.cost, answer.cost),
        latency_s=_sum_time(before.latency_s, answer.latency_s),
        retries=before.retries + answer.retries,
        steps=(*before.steps, *answer.steps, step),
        outside=before.outside or answer.outside,
        note=note,
    )


def _sum_cost(left: Decimal | None, right: Decimal | None) -> Decimal | None:
    return None if left is None or right is None else left + right


def _sum_time(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left + right
