"""The protocols that everything pluggable meets: solver, scorer, guard."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from rixin.core.answer import Answer
from rixin.core.case import Case
from rixin.core.outcome import Score, Violation


@runtime_checkable
class Solver(Protocol):
    """Anything that answers cases.

    `solve` gives one answer per case, in the same order, and never raises for a single
    case: what goes wrong is `Answer.failure`, a value. It may be called again from the
    same event loop while earlier calls are under way.
    """

    @property
    def name(self) -> str:
        """The name in the scenario file."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that can change an answer: model, prompt, examples, rules, version."""

    @property
    def batch_size(self) -> int:
        """How many cases one `solve` call likes to get; 1 for servers."""

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case, in order."""

    async def close(self) -> None:
        """Gives back sessions, processes and memory; may be called twice."""


@runtime_checkable
class Loads(Protocol):
    """A solver that has something to load or to learn before its first answer."""

    async def load(self) -> None:
        """Gets ready to answer; does nothing where it is. `solve` does it where nobody else has.

        Raises:
            RixinError: It cannot.
        """


@runtime_checkable
class Prompts(Protocol):
    """A solver that writes a prompt for each case."""

    def prompt(self, text: str) -> Sequence[tuple[str, str]]:
        """The messages that are sent for a case: the role and the text of each."""


@runtime_checkable
class Scorer(Protocol):
    """Compares an output with what was expected."""

    @property
    def name(self) -> str:
        """The name in the scenario file."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that can change a score."""

    def score(self, case: Case, output: str) -> Score:
        """The score of one output; `value=None` where the case has no expectation."""


@runtime_checkable
class Guard(Protocol):
    """Checks an output against the policy."""

    @property
    def name(self) -> str:
        """The name in the scenario file."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that can change a finding."""

    def check(self, case: Case, output: str) -> Sequence[Violation]:
        """The violations, empty where there are none."""
