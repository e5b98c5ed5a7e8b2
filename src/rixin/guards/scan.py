"""Looks for patterns in long texts in short steps, so that other threads get in between.

`re` keeps the interpreter to itself while it looks: a pattern that finds nothing in a text of 1 MB
would hold up everybody else for as long as that takes, a thread or not.
"""

import re
import time
from collections.abc import Iterator, Mapping

WINDOW = 8_192
"""Characters in which a match is sought in one step."""
REACH = 1_024
"""So far behind its first character a pattern of ours looks at most, if it does not say more."""


def scan(
    pattern: re.Pattern[str], text: str, reach: int = REACH, window: int = WINDOW
) -> Iterator[re.Match[str]]:
    """The same as `pattern.finditer(text)`, for patterns that match no empty text.

    Args:
        pattern: It never looks further than `reach` behind the first character of a match.
        text: Any text.
        reach: In characters.
        window: In characters.
    """
    if len(text) <= window:
        yield from pattern.finditer(text)
        return
    place = 0
    while place < len(text):
        # Where a step begins, `re` still sees what stands before; where it ends, it sees no more.
        stop = place + window
        match = pattern.search(text, place, stop + reach)
        if match is None or match.start() >= stop:
            place = stop
            time.sleep(0)
        else:
            yield match
            place = max(match.end(), place + 1)


def holds(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a pattern is in a text."""
    return next(scan(pattern, text), None) is not None


def translated(text: str, table: Mapping[int, str | None]) -> str:
    """The same as `text.translate(table)`."""
    if len(text) <= WINDOW:
        return text.translate(table)
    return "".join(
        text[place : place + WINDOW].translate(table) for place in range(0, len(text), WINDOW)
    )
