"""Words of a text in any script: scripts without spaces give one word per character."""

import re

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"  # Han, kana
    "\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
_SPACED = rf"[^\W{_UNSPACED}]"
WORD_PATTERN = f"[{_UNSPACED}]|{_SPACED}+"
"""A word: a run of letters and digits, or one character of a script without spaces."""
_ARABIC_MARKS = dict.fromkeys((*range(0x064B, 0x0660), 0x0670, 0x0640))


def words(text: str) -> list[str]:
    """The words of a text, in order, as written.

    Examples:
        >>> words("It's 3 pm")
        ['It', 's', '3', 'pm']
        >>> words("味道好 ok")
        ['味', '道', '好', 'ok']
    """
    return re.findall(WORD_PATTERN, text)


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, which takes an s but for one.

    Examples:
        >>> plural(1, "violation"), plural(1200, "row")
        ('1 violation', '1,200 rows')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def strip_arabic_marks(text: str) -> str:
    """The text without Arabic vowel signs and without the stretching mark.

    Readers treat them as optional, so words with and without them are the same word.

    Examples:
        >>> strip_arabic_marks("كِتـاب") == "كتاب"
        True
    """
    return text.translate(_ARABIC_MARKS)


def whole_word_pattern(word: str) -> str:
    """A regular expression that finds a word or phrase only where it stands whole.

    An end that is a letter of a script without spaces, or not a letter, needs no border.

    Examples:
        >>> bool(re.search(whole_word_pattern("net"), "a net loss"))
        True
        >>> bool(re.search(whole_word_pattern("net"), "cabinet"))
        False
        >>> bool(re.search(whole_word_pattern("好吃"), "真好吃啊"))
        True
    """
    before = f"(?<!{_SPACED})" if re.match(_SPACED, word[:1]) else ""
    after = f"(?!{_SPACED})" if re.match(_SPACED, word[-1:]) else ""
    return f"{before}{re.escape(word)}{after}"
