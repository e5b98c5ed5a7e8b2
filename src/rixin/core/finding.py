"""A finding: where in a text a guard found something, and of which kind."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Origin = Literal["user", "tool"]
"""Who wrote a text: `tool` is what was retrieved or what a tool gave back."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place of a text that a guard objects to; it never holds the text itself."""

    guard: str
    """Name of the guard, such as `pii`."""
    kind: str
    """What it is, such as `email`, `secret_aws` or `content:NAME`."""
    start: int
    """First character, as an offset in the text."""
    end: int
    """The character after the last one."""
    reason: str
    """Why, in words that do not tell the value."""
    judged: bool = True
    """False: it stands for a text that could not be judged, so nobody can allow it."""


def without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that do not overlap, by start; of two that do, the one given first stays.

    Args:
        findings: In order of trust: the surest first. Empty spans are left out.

    Examples:
        >>> card, phone = Finding("pii", "card", 3, 19, ""), Finding("pii", "phone", 5, 15, "")
        >>> [found.kind for found in without_overlaps([card, phone])]
        ['card']
    """
    kept: list[Finding] = []
    for found in findings:
        place = bisect_right(kept, found.start, key=_start)
        free_before = not place or kept[place - 1].end <= found.start
        free_after = place == len(kept) or found.end <= kept[place].start
        if found.start < found.end and free_before and free_after:
            kept.insert(place, found)
    return kept


def united(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by start, those that overlap as one: nothing that one of them covers is lost.

    Args:
        findings: In order of trust: of those that overlap, the surest names the kind.

    Examples:
        >>> word, mail = Finding("content", "word", 4, 7, ""), Finding("pii", "email", 0, 15, "")
        >>> [(found.kind, found.start, found.end) for found in united([word, mail])]
        [('word', 0, 15)]
    """
    whole: list[tuple[int, Finding]] = []
    for rank, found in sorted(enumerate(findings), key=lambda ranked: ranked[1].start):
        if found.start >= found.end:
            continue
        if not whole or whole[-1][1].end <= found.start:
            whole.append((rank, found))
            continue
        (other, before), end = whole[-1], max(whole[-1][1].end, found.end)
        surest = before if other < rank else found
        whole[-1] = (min(other, rank), replace(surest, start=before.start, end=end))
    return [found for _, found in whole]


def _start(found: Finding) -> int:
    return found.start
