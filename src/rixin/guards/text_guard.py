"""What all guards that read texts share: find places, and report them as violations."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

from rixin.core.case import Case
from rixin.core.finding import Finding, Origin, united
from rixin.core.ids import digest
from rixin.core.outcome import Violation
from rixin.guards.escapes import LAYERS, Unescaped, unescaped

Action = Literal["observe", "redact", "block", "human"]
Place = Literal["egress", "capture", "training", "output"]
ACTIONS: tuple[Action, ...] = get_args(Action)
PLACES: tuple[Place, ...] = get_args(Place)


LONGEST = 1_000_000
"""Characters that a guard reads, where the contract says nothing."""
UNREAD, FAILED = "unread", "failed"
"""Kinds of a finding that is the whole text: it was not judged, so it must not pass as clean."""


class TextGuard(ABC):
    """A guard that finds places in a text; it never raises for a text.

    Args:
        name: The name in the scenario file.
        fingerprint: Hash of everything that can change a finding.
    """

    longest = LONGEST
    """A text with more characters is not read; its finding says so, and the action decides."""

    def __init__(self, name: str, fingerprint: str) -> None:
        self.name = name
        self.fingerprint = digest(fingerprint, "escapes/1")

    def find(self, text: str, *, origin: Origin = "user", before: int = 0) -> list[Finding]:
        """The findings in a text, by start, without overlaps.

        Args:
            text: Any text.
            origin: `tool` for what was retrieved or what a tool gave back.
            before: So many characters of the same request were read before.
        """
        if before + len(text) > self.longest:
            why = f"longer than the {self.longest} characters that are read"
            return [Finding(self.name, UNREAD, 0, len(text), why)] if text else []
        try:
            return self._read(text, origin, LAYERS)
        except Exception as error:  # noqa: BLE001 - a mistake of a guard must not let a text pass
            why = f"the guard itself failed: {type(error).__name__}"
            return [Finding(self.name, FAILED, 0, len(text), why)]

    def _read(self, text: str, origin: Origin, layers: int) -> list[Finding]:
        """The findings in a text and behind its escapes, with offsets of the text as written."""
        found = self._find(text, origin)
        read = unescaped(text) if layers else None
        if read is None:
            return found
        behind = []
        for one in self._read(read.text, origin, layers - 1):
            start, end = read.span(one.start, one.end)
            behind.append(replace(one, start=start, end=end))
        return united([*(one for one in found if not _misread(one, read, behind)), *behind])

    @abstractmethod
    def _find(self, text: str, origin: Origin) -> list[Finding]:
        """The findings in a text that is not too long."""

    def check(self, case: Case, output: str) -> Sequence[Violation]:
        """One violation for each kind that is in the output, with its count, never its value."""
        return violations(self.find(output))


def _misread(found: Finding, read: Unescaped, behind: Sequence[Finding]) -> bool:
    r"""Whether a finding took a part of an escape for a letter: the `n` of `\nann@example.org`."""
    start, end = found.start, found.end
    return any(
        read.cuts(start, end)
        or (one.kind == found.kind and start <= one.start and one.end <= end)
        or (one.start <= start and end <= one.end and one.end - one.start > end - start)
        for one in behind
        if one.start < end and start < one.end
    )


def violations(findings: Sequence[Finding]) -> tuple[Violation, ...]:
    """Findings as violations: one for each guard, kind and reason.

    Examples:
        >>> violations([Finding("pii", "email", 0, 5, "an e-mail address")])
        (Violation(guard='pii', reason='email: an e-mail address'),)
    """
    counts = Counter((found.guard, found.kind, found.reason) for found in findings)
    return tuple(
        Violation(guard, f"{kind}: {reason}" + (f" ({count} times)" if count > 1 else ""))
        for (guard, kind, reason), count in counts.items()
    )
