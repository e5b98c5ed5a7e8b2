"""Rules: keywords and regular expressions; the first rule that matches answers."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from rixin.core.answer import Answer, Usage
from rixin.core.case import Case
from rixin.core.ids import digest, normalise
from rixin.core.regex import compile_regex, find_first
from rixin.core.text import strip_arabic_marks, whole_word_pattern, words

_SHORT = 4_000
"""Characters of one text that are matched without a thread."""
_FEW = 32
"""Words that are sooner looked for one by one than in the set of all words of a text."""
_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A label and what a text must hold to get it; every list that is not empty must agree."""

    label: str
    any: tuple[str, ...] = ()
    """At least one of these words or phrases stands in the text."""
    all: tuple[str, ...] = ()
    """Each of these does."""
    none: tuple[str, ...] = ()
    """None of these does."""
    regex: tuple[str, ...] = ()
    """At least one of these expressions is found in the text as it is written."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Rules in the order in which they are tried."""

    rules: tuple[Rule, ...]
    default: str | None = None
    """The answer where no rule matches; None: abstain."""

    @property
    def digest(self) -> str:
        """Hash of everything that can change an answer."""
        return digest("rules/1", repr(self))


class RuleSolver:
    """Answers by rules.

    Words match whole, in any case, whatever the spacing, full-width form or Arabic vowel signs.
    `confidence` is 1 for the answer of a rule, 0 for the default, and unknown on abstention, so
    that in a cascade every threshold keeps what a rule said and passes the rest on.

    Args:
        name: The name in the scenario file.
        rules: The rules; every expression in them compiles.
    """

    def __init__(self, name: str, rules: RuleSet) -> None:
        self.name = name
        self.batch_size = _BATCH
        self.fingerprint = rules.digest
        self._matchers = [_Matcher(i, rule) for i, rule in enumerate(rules.rules, start=1)]
        self._otherwise = _default(rules.default)

    async def solve(self, cases: Sequence[Case]) -> Sequence[Answer]:
        """One answer per case; `note` names the rule and what it matched."""
        texts = [case.input for case in cases]
        if len(texts) == 1 and len(texts[0]) <= _SHORT:  # a thread would take longer to reach
            begin = time.perf_counter()
            found = self._find(texts[0])
            latency = time.perf_counter() - begin  # the time of this thread takes a system call
            return [found.answer(Usage(cpu_s=latency), latency)]
        return await asyncio.to_thread(self._solve, texts)

    async def close(self) -> None:
        """Holds nothing."""

    def _solve(self, texts: Sequence[str]) -> list[Answer]:
        begin, begin_cpu = time.perf_counter(), time.thread_time()
        found = [self._find(text) for text in texts]
        each = 1 / max(1, len(texts))
        latency = (time.perf_counter() - begin) * each
        usage = Usage(cpu_s=(time.thread_time() - begin_cpu) * each)
        return [one.answer(usage, latency) for one in found]

    def _find(self, text: str) -> "_Found":
        prepared = _Text(text)
        for matcher in self._matchers:
            matched = matcher.match(prepared)
            if matched is not None:
                return _Found(matcher.rule.label, 1.0, matcher.note(matched))
        return self._otherwise


class _Text:
    """A text as written, and as words are looked for in it."""

    def __init__(self, text: str) -> None:
        self.written = text
        self.plain = _plain(text)

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words; most texts have none of a few phrases, and then nobody asks for them."""
        return frozenset(words(self.plain))


class _Phrases:
    """Some words and phrases; single words are looked up at once, whatever their number."""

    def __init__(self, phrases: Sequence[str]) -> None:
        plain = sorted({_plain(phrase) for phrase in phrases})
        self._words = frozenset(phrase for phrase in plain if words(phrase) == [phrase])
        self._longer = [
            (phrase, re.compile(whole_word_pattern(phrase)))
            for phrase in plain
            if phrase not in self._words
        ]

    def find(self, text: _Text) -> str | None:
        """The first of them, in the order of the alphabet, that stands in the text."""
        if len(self._words) > _FEW or any(word in text.plain for word in self._words):
            common = self._words & text.words
            if common:
                return min(common)
        for phrase, pattern in self._longer:
            if phrase in text.plain and pattern.search(text.plain):
                return phrase
        return None


class _Matcher:
    """One rule, made ready to match."""

    def __init__(self, number: int, rule: Rule) -> None:
        self.rule = rule
        self._number = number
        self._needed = [_Phrases((word,)) for word in rule.all]
        if rule.any:
            self._needed.insert(0, _Phrases(rule.any))
        self._none = _Phrases(rule.none)
        self._regex = [compile_regex(expression) for expression in rule.regex]

    def match(self, text: _Text) -> str | None:
        """What matched, in words; None where the rule does not hold."""
        matched: list[str] = []
        for phrases in self._needed:
            found = phrases.find(text)
            if found is None:
                return None
            matched.append(repr(found))
        if self._regex:
            hits = (find_first(regex, text.written) for regex in self._regex)
            hit = next((hit for hit in hits if hit), None)
            if hit is None:
                return None
            matched.append(repr(hit[0][:80]))
        return None if self._none.find(text) else ", ".join(matched)

    def note(self, matched: str) -> str:
        """Why the rule answered, for the explanation."""
        reason = f" ({self.rule.reason})" if self.rule.reason else ""
        return f"rule {self._number} {self.rule.label!r} matched {matched}{reason}"


def _plain(text: str) -> str:
    plain = normalise(text)
    return plain if plain.isascii() else strip_arabic_marks(plain)


class _Found(NamedTuple):
    """What the rules say to a text; nothing where they abstain."""

    output: str | None
    confidence: float | None
    note: str

    def answer(self, usage: Usage, latency_s: float) -> Answer:
        """The same as an answer."""
        return Answer(
            output=self.output,
            confidence=self.confidence,
            abstained=self.output is None,
            note=self.note,
            usage=usage,
            latency_s=latency_s,
        )


def _default(output: str | None) -> _Found:
    if output is None:
        return _Found(None, None, "no rule matched")
    return _Found(output, 0.0, "no rule matched: the default")
