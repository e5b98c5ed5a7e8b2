"""Takes values out of texts and, for the one who sent them, puts them back."""

import json
import re
from collections.abc import Sequence

from rixin.core.finding import Finding, united

_NAME = r"[A-Z][A-Z0-9_]{0,40}_[0-9]{1,9}"
_PLACEHOLDER = re.compile(f"<{_NAME}>")
_QUOTED = re.compile(rf"(?:<|(?<!\\)\\u003[cC])({_NAME})(?:>|\\u003[eE])")
"""In JSON, which some models and servers write so that HTML takes no harm."""
_CUT = re.compile(r"<([A-Z0-9_]{0,52})\Z")
_PART = r"\\(?:u(?:0(?:0(?:3)?)?)?)?"
_QUOTED_CUT = re.compile(rf"(?:(?:<|\\u003[cC])([A-Z0-9_]{{0,52}})(?:{_PART})?|{_PART})\Z")
"""A placeholder of which the end may be still to come."""
_LONGEST = 80
_LEAD = re.compile(r"\s*(?:```\w{0,20}\s*)?")
_HEAD = 64
"""So many characters of an answer, without blanks before, say whether it is JSON."""


class Placeholders:
    """The placeholders of one request: the same value has the same one in all of its texts.

    A placeholder has no `<` or `>` inside, so two never overlap. What looks like a placeholder
    and was in the text already gets one of its own, so it comes back as it was.

    Examples:
        >>> names = Placeholders()
        >>> names.put("ann@example.org", "email"), names.restore("to <EMAIL_1>, not <EMAIL_2>")
        ('<EMAIL_1>', 'to ann@example.org, not <EMAIL_2>')
    """

    def __init__(self) -> None:
        self._of_value: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def put(self, value: str, kind: str) -> str:
        """The placeholder of a value.

        Args:
            value: What is taken out.
            kind: Its kind, such as `email`; `content:NAME` is fine, too.
        """
        if value not in self._of_value:
            word = _word(kind)
            self._counts[word] = self._counts.get(word, 0) + 1
            name = f"<{word}_{self._counts[word]}>"
            self._of_value[value] = name
            self._values[name] = value
        return self._of_value[value]

    def restore(self, text: str, *, quoted: bool = False) -> str:
        """The text with the values back in; unknown placeholders stay.

        Args:
            text: The text with placeholders.
            quoted: Whether it is JSON, in whose strings the placeholders stand.
        """
        if not quoted:
            return _PLACEHOLDER.sub(lambda match: self._values.get(match[0], match[0]), text)

        def value(match: re.Match[str]) -> str:
            known = self._values.get(f"<{match[1]}>")
            return match[0] if known is None else json.dumps(known, ensure_ascii=False)[1:-1]

        return _QUOTED.sub(value, text)

    def restore_answer(self, text: str, *, declared: bool = False) -> str:
        r"""What a model said, with the values back in: a JSON answer stays JSON.

        Args:
            text: The text with placeholders.
            declared: Whether JSON was asked for; otherwise an object or a list tells.

        Examples:
            >>> names = Placeholders()
            >>> _ = names.put('a "b"', "secret")
            >>> names.restore_answer('{"said": "<SECRET_1>"}'), names.restore_answer("<SECRET_1>!")
            ('{"said": "a \\"b\\""}', 'a "b"!')
        """
        return self.restore(text, quoted=bool(_is_json(text.lstrip()[:_HEAD], declared=declared)))

    def may_begin(self, tail: str) -> bool:
        """Whether a text may be the beginning of a placeholder that is known."""
        return any(name.startswith(tail) for name in self._values)


class StreamRestorer:
    """Puts values back into a text that comes in pieces, also where one cuts a placeholder.

    Args:
        names: The placeholders of the request.
        quoted: Whether the text is JSON; None: as `Placeholders.restore_answer` tells.
        declared: Whether JSON was asked for.

    Examples:
        >>> names = Placeholders()
        >>> _ = names.put("ann@example.org", "email")
        >>> stream = StreamRestorer(names)
        >>> stream.feed("to <EMA"), stream.feed("IL_1>!"), stream.close()
        ('to ', 'ann@example.org!', '')
    """

    def __init__(
        self, names: Placeholders, *, quoted: bool | None = False, declared: bool = False
    ) -> None:
        self._names, self._quoted, self._declared = names, quoted, declared
        self._held = self._head = ""

    def feed(self, chunk: str) -> str:
        """What can be passed on now."""
        if self._quoted is None:
            self._head = (self._head + chunk).lstrip()[:_HEAD]
            self._quoted = _is_json(self._head, declared=self._declared)
        text = self._held + chunk
        open_ = (_QUOTED_CUT if self._quoted else _CUT).search(text, max(0, len(text) - _LONGEST))
        cut = len(text)
        if open_ is not None and (open_[1] is None or self._names.may_begin(f"<{open_[1]}")):
            cut = open_.start()
        self._held = text[cut:]
        return self._names.restore(text[:cut], quoted=bool(self._quoted))

    def close(self) -> str:
        """What was held back at the end of the stream."""
        rest, self._held = self._held, ""
        return self._names.restore(rest, quoted=bool(self._quoted))


def _is_json(head: str, *, declared: bool) -> bool | None:
    """Whether an answer that begins so is JSON; None: it cannot be told yet."""
    rest = _LEAD.sub("", head, count=1)
    inside = rest[1:].lstrip()
    if not rest.strip("`") or (rest[0] in "{[" and not inside and not declared):
        return None
    if declared:
        return rest[0] in '{["'
    return rest[0] in "{[" and inside[0] in ('"' if rest[0] == "{" else '"{[')


def redact(text: str, findings: Sequence[Finding], names: Placeholders) -> str:
    """The text with a placeholder in the place of each finding.

    For any text and any findings, `names.restore(redact(text, findings, names)) == text`.

    Args:
        text: The text as written.
        findings: Of this text; where two overlap, both are taken out as one.
        names: The placeholders of the request; new ones are added.
    """
    alike = [Finding("", "text", *match.span(), "") for match in _PLACEHOLDER.finditer(text)]
    found = united([*findings, *alike])
    return _replaced(text, [(one, names.put(text[one.start : one.end], one.kind)) for one in found])


def scrub(text: str, findings: Sequence[Finding]) -> str:
    """The text without the values, for good: no number tells which were the same.

    Args:
        text: The text as written.
        findings: Of this text.

    Examples:
        >>> scrub("to ann@example.org", [Finding("pii", "email", 3, 18, "an e-mail address")])
        'to [email]'
    """
    found = united(findings)
    return _replaced(text, [(one, f"[{one.kind}]") for one in found])


def _replaced(text: str, pieces: Sequence[tuple[Finding, str]]) -> str:
    parts, done = [], 0
    for found, name in pieces:
        parts += [text[done : found.start], name]
        done = found.end
    return "".join([*parts, text[done:]])


def _word(kind: str) -> str:
    plain = re.sub(r"[^A-Z0-9]+", "_", kind.upper()).strip("_")[:40].rstrip("_")
    return plain if plain[:1].isalpha() else f"X_{plain}"[:40].rstrip("_")
