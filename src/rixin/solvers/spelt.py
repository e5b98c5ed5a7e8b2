"""Answers of a user's own rules and programs, in the spelling of the scenario's labels."""

from collections.abc import Sequence

from rixin.core.answer import Answer
from rixin.core.case import Case
from rixin.core.labels import LabelSet
from rixin.core.solver import Loads, Solver


class SpeltSolver:
    """A solver whose labels come in the spelling of the scenario; what is no label stays.

    Args:
        solver: Its name and fingerprint stay: the same answers are right.
        labels: The labels of the scenario.
    """

    def __init__(self, solver: Solver, labels: LabelSet) -> None:
        self.name, self.fingerprint = solver.name, solver.fingerprint
        self.batch_size = solver.batch_size
        self._solver, self._labels = solver, labels

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, in order."""
        answers = await self._solver.solve(cases)
        return [self._spelt(answer) for answer in answers]

    async def load(self) -> None:
        """Loads the solver behind it."""
        if isinstance(self._solver, Loads):
            await self._solver.load()

    async def close(self) -> None:
        """Closes the solver behind it."""
        await self._solver.close()

    def _spelt(self, answer: Answer) -> Answer:
        output = answer.output
        label = None if output is None else self._labels.find(output)
        if label is None or label == output:
            return answer
        return answer._replace(output=label)
