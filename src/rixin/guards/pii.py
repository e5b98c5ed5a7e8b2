"""The guard that finds personal data: addresses, numbers of people, accounts, machines, names."""

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from rixin.core.finding import Finding, Origin
from rixin.core.ids import digest_json
from rixin.guards.addresses import AT_SIGNS, find_emails, find_machines
from rixin.guards.folding import plain_digits, readings
from rixin.guards.national import Found, find_national, needs_stdnum
from rixin.guards.payment import find_cards, find_ibans
from rixin.guards.phone import DEFAULT_REGIONS, find_phones, needs_phonenumbers
from rixin.guards.scan import holds
from rixin.guards.text_guard import TextGuard
from rixin.plugins import Plugin

KINDS = ("email", "iban", "cn_id", "cn_uscc", "national_id", "card", "ip", "phone")
"""Kinds told by rules; `name` comes from a recogniser. The surest is first."""
_NATIONAL = frozenset({"cn_id", "cn_uscc", "national_id"})
_ENOUGH_DIGITS = re.compile(r"[0-9](?:[^0-9]{0,6}[0-9]){5}")


class PiiGuard(TextGuard):
    """Finds personal data in English, Chinese and Arabic texts.

    Args:
        kinds: Of `KINDS`; all of them where nothing is said.
        regions: ISO 3166 codes whose telephone numbers are known without a country code.
        names: A recogniser: it gets the text and gives pairs of start and end.

    Raises:
        MissingExtra: A kind needs a package that is not installed.

    Examples:
        >>> guard = PiiGuard(kinds=["email", "card"])
        >>> [found.kind for found in guard.find("ann@example.org paid with 4111 1111 1111 1111")]
        ['email', 'card']
    """

    def __init__(
        self,
        kinds: Sequence[str] = KINDS,
        regions: Sequence[str] = DEFAULT_REGIONS,
        names: Plugin | None = None,
    ) -> None:
        self._kinds, self._regions, self._names = frozenset(kinds), tuple(regions), names
        if "phone" in self._kinds:
            needs_phonenumbers()
        if self._kinds & _NATIONAL:
            needs_stdnum()
        recogniser = f"{names.target} {names.source_hash}" if names else ""
        versions = [_version("phonenumbers"), _version("python-stdnum")]
        settings = {
            "versions": versions,
            "kinds": sorted(kinds),
            "regions": self._regions,
            "names": recogniser,
        }
        super().__init__("pii", digest_json({"guard": "pii/2", **settings}))

    def _find(self, text: str, origin: Origin) -> list[Finding]:
        """The personal data in a text."""
        found = [
            Finding("pii", kind, *reading.span(start, end), reason)
            for reading in readings(plain_digits(text))
            for kind, start, end, reason in self._found(reading.text)
            if kind in self._kinds
        ]
        if self._names is not None:
            try:
                found += _spans(self._names, text)
            except Exception as error:  # noqa: BLE001 - a user's function may raise anything
                why = f"the recogniser of names failed: {type(error).__name__}"
                return [Finding("pii", "name", 0, len(text), why, judged=False)]
        return found

    def _found(self, text: str) -> Iterator[Found]:
        if "email" in self._kinds and any(sign in text for sign in AT_SIGNS):
            yield from find_emails(text)
        if "ip" in self._kinds and text.count(":") + text.count(".") >= 2:
            yield from find_machines(text)
        if not holds(_ENOUGH_DIGITS, text):
            return
        if "iban" in self._kinds:
            yield from find_ibans(text)
        if self._kinds & _NATIONAL:
            yield from find_national(text)
        if "card" in self._kinds:
            yield from find_cards(text)
        if "phone" in self._kinds:
            yield from find_phones(text, self._regions)


def _version(package: str) -> str:
    """The version of a package, whose numbering plans change what is found."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _spans(names: Plugin, text: str) -> list[Finding]:
    """What the recogniser names."""
    spans = [(int(start), int(end)) for start, end in names.call(text)]  # type: ignore[attr-defined]
    return [
        Finding("pii", "name", max(0, start), min(end, len(text)), "a name") for start, end in spans
    ]
