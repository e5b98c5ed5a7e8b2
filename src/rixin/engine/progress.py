"""What a person sees while the work runs: one line on stderr, from stored rows only."""

import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TextIO

from rixin.core.money import format_spent
from rixin.core.outcome import Outcome, State
from rixin.report.columns import printable


@dataclass(slots=True)
class Progress:
    """Counts of one candidate in this run; an outcome counts when it is on disk."""

    solver: str
    total: int
    currency: str
    stored: int = 0
    """Outcomes on disk: those from earlier runs and those of this one."""
    asked: int = 0
    """Outcomes of this run."""
    solved: int = 0
    unmeasured: int = 0
    retries: int = 0
    spent: Decimal = Decimal(0)
    """Money of this run; what stored rows cost earlier is not in it."""
    unpriced: int = 0
    """Outcomes of this run whose cost is not known; never taken for zero."""
    members_asked: int = 0
    _begin: float = field(default_factory=time.monotonic)

    def count(self, outcomes: list[Outcome]) -> None:
        """Counts outcomes that are on disk now."""
        for outcome in outcomes:
            self.stored += 1
            self.solved += outcome.state is State.SOLVED
            self.unmeasured += outcome.state is State.UNMEASURED
            if not outcome.cached:
                self.asked += 1
                if not outcome.answer.steps:  # a cascade's own cost is that of its members
                    self._count_calls(outcome)

    def count_member(self, outcomes: list[Outcome]) -> None:
        """Counts what the members of a cascade were asked in this run."""
        for outcome in outcomes:
            self.members_asked += 1
            self._count_calls(outcome)

    def _count_calls(self, outcome: Outcome) -> None:
        self.retries += outcome.answer.retries
        answer = outcome.answer
        if answer.cost is None:
            self.unpriced += answer.failure is None
        else:
            self.spent += answer.cost

    @property
    def rate(self) -> float:
        """Outcomes of this run a second."""
        return self.asked / max(1e-9, time.monotonic() - self._begin)

    def line(self) -> str:
        """The state in one line of at most about 100 characters."""
        parts = [f"{self.solver}: {self.stored}/{self.total}"]
        measured = self.stored - self.unmeasured
        if measured:
            parts.append(f"solved {self.solved / measured:.0%}")
        if self.asked:
            parts.append(f"{self.rate:.3g}/s")
            spent = None if self.unpriced else self.spent
            parts.append(f"spent {format_spent(spent, self.currency)}")
        if self.members_asked:
            parts.append(f"{self.members_asked} asked of its members")
        if self.retries:
            parts.append(f"{self.retries} retries")
        if self.unmeasured:
            parts.append(f"{self.unmeasured} not measured")
        if self.asked and self.stored < self.total:
            parts.append(f"{_span((self.total - self.stored) / self.rate)} left")
        return " · ".join(parts)


class Reporter:
    """Writes the progress to a stream: redrawn in place on a terminal, sparse lines elsewhere.

    Args:
        stream: Where to write; None for silence.
    """

    def __init__(self, stream: TextIO | None = sys.stderr) -> None:
        self._stream = stream
        self._live = bool(stream and stream.isatty())
        self._last = 0.0

    def say(self, text: str) -> None:
        """A line of its own."""
        if self._stream is not None:
            line = printable(text)
            print(f"\r\x1b[K{line}" if self._live else line, file=self._stream, flush=True)

    def update(self, progress: Progress) -> None:
        """Shows the state, at most five times a second."""
        now = time.monotonic()
        if self._stream is None or not self._live or now - self._last < 0.2:
            return
        self._last = now
        print(f"\r\x1b[K{progress.line()[:110]}", end="", file=self._stream, flush=True)

    def done(self, progress: Progress) -> None:
        """The last state of a candidate, as a line that stays."""
        self.say(f"  {progress.line()}")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
