"""The guard that finds keys, tokens and passwords."""

import re
from collections import Counter
from collections.abc import Iterator
from math import log2

from rixin.core.finding import Finding, Origin
from rixin.core.ids import digest
from rixin.guards.folding import lower_same_length, readings
from rixin.guards.national import Found
from rixin.guards.scan import scan
from rixin.guards.secret_shapes import ASSIGNED, ASSIGNED_SIGNS, BEFORE_KEY, SHAPES
from rixin.guards.text_guard import TextGuard

_EXAMPLE = re.compile(
    r"example|placeholder|change.?me|your|xxxx|\*\*\*|\.\.\.|redacted|https?:|^\$|^%|^env|process\.env",
    re.IGNORECASE,
)
_ENTROPY = 2.75
"""Bits for each character from which a value looks chosen at random; words have about 2.5."""


class SecretsGuard(TextGuard):
    """Finds keys of known providers, private keys, connection strings and assigned passwords.

    Examples:
        >>> [found.kind for found in SecretsGuard().find("password=hK83!ksQz1")]
        ['secret_password']
    """

    def __init__(self) -> None:
        super().__init__(
            "secrets",
            digest("secrets/2", ASSIGNED.pattern, *[one.pattern.pattern for one in SHAPES]),
        )

    def _find(self, text: str, origin: Origin) -> list[Finding]:
        """The secrets in a text."""
        return [
            Finding(self.name, kind, *reading.span(start, end), reason)
            for reading in readings(text)
            for kind, start, end, reason in (*_known(reading.text), *_assigned(reading.text))
        ]


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits for each.

    Examples:
        >>> entropy("aaaa"), entropy("abcd")
        (0.0, 2.0)
    """
    counts, total = Counter(value).values(), len(value)
    return sum(count / total * log2(total / count) for count in counts)


def _known(text: str) -> Iterator[Found]:
    for shape in SHAPES:
        if not any(sign in text for sign in shape.signs):
            continue
        for match in scan(shape.pattern, text, shape.reach):
            span = match.span("value" if "value" in shape.pattern.groupindex else 0)
            yield shape.kind, *span, shape.reason


def _assigned(text: str) -> Iterator[Found]:
    for end in _named_ends(text):
        match = ASSIGNED.match(text, end)
        if match is not None and looks_random(match["value"]):
            span = match.span("value")
            yield "secret_password", *span, "a value given to a name of secrets"


def _named_ends(text: str) -> Iterator[int]:
    """Where words end behind which a secret may stand."""
    lower = lower_same_length(text)
    for sign in ASSIGNED_SIGNS:
        start = lower.find(sign)
        while start >= 0:
            if sign != "key" or BEFORE_KEY.search(text, max(0, start - 12), start):
                yield start + len(sign)
            start = lower.find(sign, start + 1)


def looks_random(value: str) -> bool:
    """Whether a value is rather a secret than a word, a variable or an example.

    Examples:
        >>> looks_random("hK83!ksQz1"), looks_random("required"), looks_random("${PASSWORD_1}")
        (True, False, False)
    """
    digit = any(sign.isdigit() for sign in value)
    letter = any(sign.isalpha() for sign in value)
    mixed = value.lower() != value != value.upper() and not value.isalpha()
    odd = letter and (digit or (mixed and not value.replace(".", "").replace("_", "").isalpha()))
    return odd and not _EXAMPLE.search(value) and entropy(value) >= _ENTROPY
