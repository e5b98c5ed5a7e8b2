"""The guard that finds content which the owner of the scenario forbids, by words and patterns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from rixin.core.finding import Finding, Origin
from rixin.core.ids import digest_json
from rixin.core.regex import compile_regex, find_matches
from rixin.core.text import whole_word_pattern
from rixin.errors import UnknownName, UsageError
from rixin.guards.folding import Folded
from rixin.guards.scan import REACH, scan
from rixin.guards.text_guard import TextGuard

LANGUAGES = ("en", "zh", "ar")
KEYS = ("name", "words", "regex", "languages")
_SCRIPTS = {
    "en": re.compile("[A-Za-z]"),
    "zh": re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
}
_ARABIC = re.compile("[\u0621-\u064a]")
_PREFIXES = "(?:[وف]?(?:[بكل]?ال|لل|[بلك])?)"
"""What Arabic writes together with the word that follows."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """One rule: its words, read folded and whole, or its regular expression, read as written."""

    name: str
    words: tuple[str, ...] = ()
    regex: str = ""
    languages: tuple[str, ...] = ()
    """Only texts with letters of one of them; empty: all texts."""


class ContentGuard(TextGuard):
    """Finds forbidden words and patterns; the kind of a finding is `content:NAME`.

    Args:
        rules: As `read_rules` gives them.

    Examples:
        >>> guard = ContentGuard([Forbidden("promise", words=("guaranteed profit",))])
        >>> [found.kind for found in guard.find("A Guaranteed Profit for you")]
        ['content:promise']
    """

    def __init__(self, rules: Sequence[Forbidden]) -> None:
        self._words = [(rule, *_words(rule.words)) for rule in rules if rule.words]
        self._regexes = [(rule, compile_regex(rule.regex)) for rule in rules if rule.regex]
        settings = [[one.name, one.words, one.regex, one.languages] for one in rules]
        super().__init__("content", digest_json({"guard": "content/1", "rules": settings}))

    def _find(self, text: str, origin: Origin) -> list[Finding]:
        """The forbidden places in a text."""
        folded = Folded(text)
        found = [
            self._finding(rule, folded.span(*match.span()))
            for rule, pattern, reach in self._words
            if _speaks(rule, text)
            for match in scan(pattern, folded.text, reach)
        ]
        found += [
            self._finding(rule, match.span())
            for rule, pattern in self._regexes
            if _speaks(rule, text)
            for match in find_matches(pattern, text)
        ]
        return found

    def _finding(self, rule: Forbidden, span: tuple[int, int]) -> Finding:
        return Finding(self.name, f"content:{rule.name}", *span, f"forbidden: {rule.name}")


def _speaks(rule: Forbidden, text: str) -> bool:
    return not rule.languages or any(_SCRIPTS[one].search(text) for one in rule.languages)


def _words(words: Sequence[str]) -> tuple[re.Pattern[str], int]:
    """All words as one pattern, the longest first, and how far it looks.

    Arabic ones are found behind their prefixes, too.
    """
    plain = sorted({Folded(word.strip()).text for word in words}, key=len, reverse=True)
    return re.compile("|".join(map(_one_word, plain))), len(plain[0]) + REACH


def _one_word(word: str) -> str:
    pattern = whole_word_pattern(word)
    if not _ARABIC.match(word):
        return pattern
    return rf"(?<!\w){_PREFIXES}{re.escape(word.removeprefix('ال'))}(?!\w)"


def read_rules(value: object, folder: Path) -> list[Forbidden]:
    """The rules of the contract.

    Args:
        value: A list of rules, or the name of a YAML file with such a list.
        folder: Where the file lies.

    Raises:
        UsageError: The file cannot be read, or a rule in it is wrong.
    """
    given = _loaded(folder / value) if isinstance(value, str) else value
    for error in rule_mistakes(given):
        raise error
    assert isinstance(given, Sequence)
    return [
        Forbidden(
            name=str(one["name"]),
            words=_texts(one.get("words", ())),
            regex=str(one.get("regex", "")),
            languages=_texts(one.get("languages", ())),
        )
        for one in given
    ]


def rule_mistakes(given: object) -> Iterator[UsageError]:
    """What is wrong with a list of rules.

    Args:
        given: As YAML gives it.
    """
    if not isinstance(given, list | tuple) or not given:
        yield UsageError(
            "the guard 'content' needs a list of rules",
            hint="write  rules: [{name: promise, words: [guaranteed profit]}]",
        )
        return
    for number, one in enumerate(given, 1):
        if not isinstance(one, Mapping) or not str(one.get("name") or "").strip():
            yield UsageError(
                f"rule {number} of the guard 'content' has no name",
                hint="write it as {name: promise, words: [guaranteed profit]}",
            )
            continue
        yield from _mistakes_of(one)


def _mistakes_of(one: Mapping[str, object]) -> Iterator[UsageError]:
    what = f"rule {one['name']!r} of the guard 'content'"
    for key in one:
        if key not in KEYS:
            yield UnknownName(f"key of {what}:", str(key), KEYS)
    words = _texts(one.get("words", ()))
    if not any(word.strip() for word in words) and not one.get("regex"):
        yield UsageError(f"{what} has neither words nor a regex", hint="give it one of them")
    elif words and not all(Folded(word.strip()).text for word in words):
        yield UsageError(f"{what} has an empty word", hint="leave it out")
    for language in _texts(one.get("languages", ())):
        if language not in LANGUAGES:
            yield UnknownName(f"language in {what}:", language, LANGUAGES)
    try:
        compile_regex(str(one.get("regex", "")))
    except ValueError as error:
        yield UsageError(f"{what}: {error}", hint="write it as Python reads it")


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value)) if isinstance(value, Sequence) else ()


def _loaded(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"cannot read the rules of the guard 'content' from {path}: {error}",
            hint="name a YAML file beside the scenario file, with a list of rules",
        ) from error
