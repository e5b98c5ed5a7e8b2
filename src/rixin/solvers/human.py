"""The people who do the job today: they answer nothing here, and cost what the contract says."""

from collections.abc import Sequence
from decimal import Decimal

from rixin.core.answer import Answer
from rixin.core.case import Case
from rixin.core.ids import digest


class HumanSolver:
    """Hands every case to people, so that a cascade may end in them.

    Args:
        name: The name in the scenario file.
        cost_per_case: What people cost for one case, in the scenario's currency.
    """

    def __init__(self, name: str, cost_per_case: Decimal) -> None:
        self.name = name
        self.batch_size = 1_000
        self.fingerprint = digest("human/1", str(cost_per_case))
        self._answer = Answer(abstained=True, cost=cost_per_case, note="left to people")

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """Abstains from every case."""
        return [self._answer] * len(cases)

    async def close(self) -> None:
        """Holds nothing."""
