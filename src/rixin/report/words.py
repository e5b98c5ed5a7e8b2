"""The reader's language: messages of the page through gettext, with direction and code."""

from collections.abc import Callable
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

from rixin.errors import UnknownName

LANGUAGES = ("en", "zh_Hans", "ar")


@dataclass(frozen=True, slots=True)
class Words:
    """Messages of one language."""

    lang: str
    """As HTML writes it, e.g. `zh-Hans`."""
    rtl: bool
    say: Callable[[str], str]


def words_of(lang: str) -> Words:
    """The messages of a language.

    Args:
        lang: en, zh_Hans or ar.

    Raises:
        UnknownName: There is no such language.

    Examples:
        >>> words_of("ar").rtl
        True
    """
    if lang not in LANGUAGES:
        raise UnknownName("language", lang, LANGUAGES)
    catalog: NullTranslations = NullTranslations()
    if lang != "en":
        place = files("rixin.report").joinpath(f"locale/{lang}/LC_MESSAGES/rixin.mo")
        with place.open("rb") as file:
            catalog = GNUTranslations(file)
    return Words(lang.replace("_", "-"), lang == "ar", catalog.gettext)
