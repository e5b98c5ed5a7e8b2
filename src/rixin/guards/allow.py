"""What the owner of a scenario lets pass: texts and patterns that a guard takes for what they are not."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from rixin.core.finding import Finding
from rixin.core.regex import compile_regex
from rixin.errors import UsageError

LONGEST_MATCH = 2_048
"""A pattern is tried on findings of so many characters at most."""
_HOW = "write it as ['support@example.com', {regex: 'ORD-\\d{10}'}]"


class Allowed:
    r"""Takes findings out whose whole text is listed, with all that lies inside of them.

    Args:
        listed: Texts, and mappings with a `regex`; as `allow_mistakes` has no fault to find with.

    Examples:
        >>> allowed = Allowed(["a@b.org", {"regex": r"\w+@c\.org"}])
        >>> text = "a@b.org x@c.org a@b.orga"
        >>> spans = [(0, 7), (8, 15), (16, 24)]
        >>> found = [Finding("pii", "email", start, end, "") for start, end in spans]
        >>> [text[one.start : one.end] for one in allowed.split(text, found)[0]]
        ['a@b.orga']
    """

    def __init__(self, listed: Sequence[object]) -> None:
        self._texts = {one for one in listed if isinstance(one, str)}
        self._patterns = [
            compile_regex(str(one["regex"])) for one in listed if isinstance(one, Mapping)
        ]

    def split(self, text: str, findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
        """The findings that are not allowed, in their order, and those that are.

        Args:
            text: The text that they are of.
            findings: With all that overlap, so that what reaches beyond a listed text stays.
        """
        spans = sorted(
            (one.start, one.end)
            for one in findings
            if one.judged and self._lists(text[one.start : one.end])
        )
        starts = [start for start, _ in spans]
        ends = list(accumulate((end for _, end in spans), max))

        def is_inside(one: Finding) -> bool:
            place = bisect_right(starts, one.start)
            return one.judged and place > 0 and one.end <= ends[place - 1]

        rest: list[Finding] = []
        passed: list[Finding] = []
        for one in findings:
            (passed if is_inside(one) else rest).append(one)
        return rest, passed

    def _lists(self, value: str) -> bool:
        if value in self._texts:
            return True
        if len(value) > LONGEST_MATCH:
            return False
        return any(pattern.fullmatch(value) for pattern in self._patterns)


def allow_mistakes(given: object) -> Iterator[UsageError]:
    """What is wrong with a list of what is allowed.

    Args:
        given: As YAML gives it.
    """
    if not isinstance(given, list | tuple) or not given:
        yield UsageError(f"`allow` of a guard is {given!r}, not a list", hint=_HOW)
        return
    for one in given:
        if isinstance(one, str) and one:
            continue
        if not isinstance(one, Mapping) or set(one) != {"regex"} or not one["regex"]:
            wrong = f"{one!r} in `allow` of a guard is neither a text nor a pattern"
            quoted = f"put it in quotes: '{one}'" if isinstance(one, int | float) else _HOW
            yield UsageError(wrong, hint=quoted)
            continue
        try:
            compile_regex(str(one["regex"]))
        except ValueError as error:
            yield UsageError(f"`allow` of a guard: {error}", hint="write it as Python reads it")
