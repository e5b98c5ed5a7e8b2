"""The reader's language: messages of the page through gettext, with direction and code."""

from collections.abc import Callable
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

from rixin.errors import UnknownName

LANGUAGES = ("en", "zh_Hans", "ar")
_ALIASES = {"zh": "zh_Hans", "zh_cn": "zh_Hans", "zh_hans": "zh_Hans", "zh_hans_cn": "zh_Hans"}


@dataclass(frozen=True, slots=True)
class Words:
    """Messages of one language."""

    lang: str
    """As HTML writes it, e.g. `zh-Hans`."""
    rtl: bool
    say: Callable[[str], str]


def language_of(tag: str) -> str:
    """The language that a tag means, in any of the usual spellings.

    Args:
        tag: As BCP 47 or gettext write it: `zh`, `zh-CN`, `zh_Hans`, `en-GB`, `ar_EG.UTF-8` …

    Raises:
        UnknownName: There are no messages in it.

    Examples:
        >>> language_of("zh-CN"), language_of("ar_EG"), language_of("EN")
        ('zh_Hans', 'ar', 'en')
    """
    name = tag.partition(".")[0].replace("-", "_").lower()
    first = name.partition("_")[0]
    language = _ALIASES.get(name) or (first if first in {"en", "ar"} else None)
    if language is None:
        raise UnknownName("language", tag, LANGUAGES)
    return language


def words_of(lang: str) -> Words:
    """The messages of a language.

    Args:
        lang: English, Chinese or Arabic, in a spelling that `language_of` takes.

    Raises:
        UnknownName: There is no such language.

    Examples:
        >>> words_of("ar").rtl
        True
    """
    lang = language_of(lang)
    catalog: NullTranslations = NullTranslations()
    if lang != "en":
        place = files("rixin.report").joinpath(f"locale/{lang}/LC_MESSAGES/rixin.mo")
        with place.open("rb") as file:
            catalog = GNUTranslations(file)
    return Words(lang.replace("_", "-"), lang == "ar", catalog.gettext)
