"""What all guards that read texts share: find places, and report them as violations."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, get_args

from rixin.core.case import Case
from rixin.core.finding import Finding, Origin, united, without_overlaps
from rixin.core.ids import digest
from rixin.core.outcome import Violation
from rixin.guards.allow import Allowed
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
    allowed: Allowed | None = None
    """What is no finding of this guard, though it looks like one."""

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
            return self._read(text, origin, LAYERS)[0]
        except Exception as error:  # noqa: BLE001 - a mistake of a guard must not let a text pass
            why = f"the guard itself failed: {type(error).__name__}"
            return [Finding(self.name, FAILED, 0, len(text), why)]

    def _read(self, text: str, origin: Origin, layers: int) -> tuple[list[Finding], list[Finding]]:
        """The findings in a text and behind its escapes, with offsets of the text as written.

        And those that are allowed.
        """
        found, passed = self._sifted(text, self._find(text, origin))
        read = unescaped(text) if layers else None
        if read is None:
            return found, passed
        inner, let = (_as_written(some, read) for some in self._read(read.text, origin, layers - 1))
        behind, more = self._sifted(text, inner)
        right = [one for one in found if not _misread(one, read, [*behind, *let, *more])]
        return united([*right, *behind]), [*passed, *let, *more]

    @abstractmethod
    def _find(self, text: str, origin: Origin) -> list[Finding]:
        """What looks like a finding in a text that is not too long, the surest first."""

    def _sifted(
        self, text: str, findings: Sequence[Finding]
    ) -> tuple[list[Finding], list[Finding]]:
        """The findings that count, without overlaps, and those that are allowed."""
        if self.allowed is None:
            return without_overlaps(findings), []
        rest, passed = self.allowed.split(text, findings)
        return without_overlaps(rest), passed

    def check(self, case: Case, output: str) -> Sequence[Violation]:
        """One violation for each kind that is in the output, with its count, never its value."""
        return violations(self.find(output))


def _as_written(findings: Iterable[Finding], read: Unescaped) -> list[Finding]:
    written = []
    for one in findings:
        start, end = read.span(one.start, one.end)
        written.append(replace(one, start=start, end=end))
    return written


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
