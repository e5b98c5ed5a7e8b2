"""Characters that a reader does not see and a model does."""

import re
from collections.abc import Iterator

from rixin.guards.national import Found
from rixin.guards.scan import scan

_HIDDEN = re.compile(
    "(?P<tags>\U0001f3f4?[\U000e0000-\U000e007f]{1,1000})"
    "|(?P<bidi>[\u202d\u202e])"
    "|(?P<selectors>[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,1000})"
    "|(?P<zero>[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]{5,1000})"
)
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{4,6}\U000e007f")
_REASONS = {
    "tags": "tag characters, which can carry a hidden text",
    "bidi": "a sign that turns the direction of reading around",
    "selectors": "a run of variation selectors, which can carry hidden data",
    "zero": "a long run of characters without width",
}


def find_hidden(text: str) -> Iterator[Found]:
    """Hidden text: tag characters, direction overrides, selectors and runs without width.

    Flags of parts of countries, emoji and the joiners of Arabic and Persian are not hidden text.

    Args:
        text: The text as written.

    Examples:
        >>> [found[:3] for found in find_hidden("a" + chr(0x202e) + "b")]
        [('hidden_unicode', 1, 2)]
    """
    if text.isascii():
        return
    for match in scan(_HIDDEN, text):
        form = str(match.lastgroup)
        if form != "tags" or not _FLAG.fullmatch(match[0]):
            yield "hidden_unicode", *match.span(), _REASONS[form]
