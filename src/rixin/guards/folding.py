"""Texts as guards read them: one form for each character, with the way back to the offsets."""

import re
from collections.abc import Iterator

from rixin.guards.scan import translated

_ZEROS = (
    "660 6F0 7C0 966 9E6 A66 AE6 B66 BE6 C66 CE6 D66 DE6 E50 ED0 F20 1040 1090 17E0 1810 1946 19D0"
    " 1A80 1A90 1B50 1BB0 1C40 1C50 A620 A8D0 A900 A9D0 A9F0 AA50 ABF0 FF10 1D7CE 1D7D8 1D7E2 1D7EC"
    " 1D7F6"
)
"""The zero of each script that has digits of its own; nine more stand behind it."""
_DIGITS = {int(zero, 16) + n: str(n) for zero in _ZEROS.split() for n in range(10)}
_FULL_WIDTH = {0xFF01 + n: chr(0x21 + n) for n in range(94)}
_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2043, 0x2212, 0xFE58, 0xFE63), "-")
_SPACES = dict.fromkeys((0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
_BREAKS = dict.fromkeys((0x0085, 0x2028, 0x2029), "\n")
_SIGNS = {0x066B: ".", 0x066C: ",", 0x3002: ".", 0xFF61: ".", 0x060C: ",", 0x061B: ";"}
_NEAR = "".join(chr(sign) for sign in (*_DIGITS, *_DASHES, *_SPACES, *_BREAKS) if sign < 0x10000)
_TO_PLAIN = re.compile(rf"[{_NEAR}\uff0d-\uff0f\uff20-\uff3a\uff41-\uff5a]")
_BEYOND = re.compile("[\U0001d7ce-\U0001d7ff]")
"""Apart, since a set of signs beyond the first 65,536 makes the search ten times slower."""
_PLAIN = {**_DIGITS, **_FULL_WIDTH, **_DASHES, **_SPACES, **_BREAKS, **_SIGNS}

# Letters of other scripts that readers, and models, take for Latin ones.
_ALIKE = dict(
    zip(
        map(ord, "аеорсухіјѕԁһӏԛԝАВЕКМНОРСТХІЈЅαορνικτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"),
        "aeopcyxijsdhlqwABEKMHOPCTXIJSaopviktABEZHIKMNOPTYX",
        strict=True,
    )
)
_ARABIC_LETTERS = {0x0622: "ا", 0x0623: "ا", 0x0625: "ا", 0x0671: "ا", 0x0649: "ي", 0x0629: "ه"}
_RANGES = (
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x180E, 0x180E), (0xFEFF, 0xFEFF)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F)),
    *((0xE0000, 0xE007F), (0xE0100, 0xE01EF)),
)
INVISIBLE = frozenset(code for first, last in _RANGES for code in range(first, last + 1))
"""Characters that are not shown."""
_UNSEEN = "[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES) + "]"
_HIDING = re.compile(rf"{_UNSEEN}(?<=[0-9A-Za-z@.+:/_-].)", re.DOTALL)
"""One in a number or an address: the many behind emoji and Arabic letters change nothing there."""
_ARABIC_MARKS = frozenset((*range(0x064B, 0x0660), 0x0670, 0x0640))
_DROPPED = INVISIBLE | _ARABIC_MARKS
_WORDS = {**_PLAIN, **_ALIKE, **_ARABIC_LETTERS, **dict.fromkeys(_DROPPED)}


def plain_digits(text: str) -> str:
    """The text with Western digits, narrow letters and plain signs; no offset changes.

    Examples:
        >>> plain_digits("٠٥٠ １２３")
        '050 123'
    """
    if text.isascii() or not (_TO_PLAIN.search(text) or _BEYOND.search(text)):
        return text
    return translated(text, _PLAIN)


class Reading:
    """A text as a reader may take it, with the way back to the offsets of the text as written."""

    def __init__(self, text: str, kept: list[int] | None = None) -> None:
        self.text = text
        self._kept = kept

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets of this reading as offsets of the text as written."""
        if self._kept is None:
            return start, end
        return self._kept[start], self._kept[end - 1] + 1


def readings(text: str) -> Iterator[Reading]:
    r"""The text as it is read: where it holds characters that are not shown, in two ways.

    Such a character may stand in the middle of a number, or part it from the word before.

    Examples:
        >>> [reading.text for reading in readings("to\u200b4111\u200b1111")]
        ['to41111111', 'to 4111 1111']
    """
    if text.isascii() or not _HIDING.search(text):
        yield Reading(text)
        return
    kept = [place for place, sign in enumerate(text) if ord(sign) not in INVISIBLE]
    yield Reading("".join([text[place] for place in kept]), kept)
    yield Reading(re.sub(_UNSEEN, " ", text))


class Folded:
    r"""A text in lower case, without marks and hidden characters, one letter for look-alikes.

    Args:
        text: The text as written.

    Examples:
        >>> folded = Folded("Ig\u200bn\u043ere")
        >>> folded.text, folded.span(0, 6)
        ('ignore', (0, 7))
    """

    def __init__(self, text: str) -> None:
        self._given = text
        self._kept: list[int] | None = None
        self.text = text.lower() if text.isascii() else lower_same_length(translated(text, _WORDS))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets of the folded text as offsets of the text as written, with the marks at its end."""
        if len(self.text) == len(self._given):
            return start, end
        if self._kept is None:
            self._kept = [n for n, sign in enumerate(self._given) if ord(sign) not in _DROPPED]
            self._kept.append(len(self._given))
        return self._kept[start], self._kept[end]


def lower_same_length(text: str) -> str:
    """The text in small letters, every offset kept: `İ` alone would become two characters."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(one if len(one := sign.lower()) == 1 else sign for sign in text)
