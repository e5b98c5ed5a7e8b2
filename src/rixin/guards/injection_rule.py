"""What a rule for injections is; the rules themselves are in a module for each language.

They read folded texts (`rixin.guards.folding.Folded`): small letters, plain signs, Arabic without
vowel signs and with one letter for the forms of alef, ya and ta marbuta.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of speaking to the model instead of to its user."""

    kind: str
    signs: tuple[str, ...]
    """A text without any of these does not meet the rule."""
    pattern: re.Pattern[str]
    reason: str
    tool_only: bool = False
    """Harmless from a person, suspicious in what a tool gave back."""


def rule(kind: str, signs: str, pattern: str, reason: str, *, tool_only: bool = False) -> Rule:
    """A rule; its signs are one text, parted by bars."""
    whole = re.compile(pattern, re.MULTILINE)
    return Rule(f"injection_{kind}", tuple(signs.split("|")), whole, reason, tool_only)


OVERRIDE = "tells the model to set its instructions aside"
ROLE = "gives the model a role without rules"
EXTRACT = "asks for the instructions of the model"
FRAME = "imitates the frame of a conversation"
TOOL = "speaks to the model from inside of a content"
LEAK = "tells the model to send data away"
ENCODED = "tells the model to obey an encoded text"
