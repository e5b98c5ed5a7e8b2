"""Texts as guards read them: one form for each character, with the way back to the offsets."""

import re

_ARABIC_DIGITS = {0x0660 + n: str(n) for n in range(10)} | {0x06F0 + n: str(n) for n in range(10)}
_FULL_WIDTH = {0xFF01 + n: chr(0x21 + n) for n in range(94)}
_DASHES = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212, 0xFE63), "-")
_SPACES = dict.fromkeys((0x00A0, 0x2002, 0x2003, 0x2007, 0x2009, 0x202F, 0x3000), " ")
_SIGNS = {0x066B: ".", 0x066C: ",", 0x3002: ".", 0xFF61: ".", 0x060C: ",", 0x061B: ";"}
_TO_PLAIN = re.compile("[\u0660-\u0669\u06f0-\u06f9\uff10-\uff20\u00a0\u2007\u202f\u2010-\u2014]")
"""Without any of these there is nothing to do for numbers and addresses."""
_PLAIN = {**_ARABIC_DIGITS, **_FULL_WIDTH, **_DASHES, **_SPACES, **_SIGNS}

# Letters of other scripts that readers, and models, take for Latin ones.
_ALIKE = dict(
    zip(
        map(ord, "аеорсухіјѕԁһӏԛԝАВЕКМНОРСТХІЈЅαορνικτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"),
        "aeopcyxijsdhlqwABEKMHOPCTXIJSaopviktABEZHIKMNOPTYX",
        strict=True,
    )
)
_ARABIC_LETTERS = {0x0622: "ا", 0x0623: "ا", 0x0625: "ا", 0x0671: "ا", 0x0649: "ي", 0x0629: "ه"}
INVISIBLE = frozenset(
    (
        *(0x00AD, 0x034F, 0x061C, 0x180E, 0xFEFF),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE0080),
        *range(0xE0100, 0xE01F0),
    )
)
"""Characters that are not shown."""
_ARABIC_MARKS = frozenset((*range(0x064B, 0x0660), 0x0670, 0x0640))
_DROPPED = INVISIBLE | _ARABIC_MARKS
_WORDS = {**_PLAIN, **_ALIKE, **_ARABIC_LETTERS, **dict.fromkeys(_DROPPED)}


def plain_digits(text: str) -> str:
    """The text with Western digits, narrow letters and plain signs; no offset changes.

    Examples:
        >>> plain_digits("٠٥٠ １２３")
        '050 123'
    """
    if text.isascii() or not _TO_PLAIN.search(text):
        return text
    return text.translate(_PLAIN)


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
        self.text = text.lower() if text.isascii() else lower_same_length(text.translate(_WORDS))

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
