"""Guards on the way: what a request may hold before it leaves, and before it is kept.

What is taken out before a request leaves comes back in the answer, for the caller alone. What is
kept is taken out for good.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from rixin.core.finding import Finding, Origin
from rixin.guards.build import TextPolicy, kept_text
from rixin.guards.redact import Placeholders, redact
from rixin.guards.text_guard import FAILED, UNREAD, Place
from rixin.serve.capable import SCHEMA_FIELDS
from rixin.serve.errors import Refusal
from rixin.serve.places import FREE, REQUEST, is_token, speaks_for_tool
from rixin.serve.places import Place as Spot
from rixin.serve.restoring import EventRestorer, restored

_TEXTS = ("messages", "prompt", "input", "instructions")
"""What a model reads; guards that act need it as text."""
_JSON_FORMS = ("json_object", "json_schema")
_FEW_DIGITS = 100_000
"""Smaller numbers are of nobody."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


_LONG = 8_192
"""Characters from which texts are read in a thread: the others do not wait for a long one."""
_Found = TypeVar("_Found")


async def aside(size: int, work: Callable[[], _Found]) -> _Found:
    """Does what reads texts of this size: here, or where they are long, in a thread."""
    return work() if size < _LONG else await asyncio.to_thread(work)


class NeedsPeople(Exception):
    """A guard hands the case to people."""


class Guarding:
    """The guards of one request.

    Args:
        policies: Of the scenario.
    """

    def __init__(self, policies: Sequence[TextPolicy]) -> None:
        self.names = Placeholders()
        self.findings: list[tuple[str, str]] = []
        """Guard and kind, never the value."""
        self._policies = policies
        self._asks_json = False
        self._read = 0

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to look for."""
        return not self._policies

    def leaving(self, text: str, origin: Origin = "user") -> str:
        """The text as it may leave this machine.

        Raises:
            Refusal: A guard blocks the request.
            NeedsPeople: A guard hands it to people.
        """
        taken: list[Finding] = []
        before, self._read = self._read, self._read + len(text)
        for policy in self._policies:
            if "egress" not in policy.at:
                continue
            found = policy.guard.find(text, origin=origin, before=before)
            if not found:
                continue
            self.findings += [(one.guard, f"{one.kind} ({policy.action})") for one in found]
            unjudged = found[0].kind in {UNREAD, FAILED}
            if policy.action == "block" or (policy.action == "redact" and unjudged):
                kinds = ", ".join(sorted({one.reason if unjudged else one.kind for one in found}))
                raise Refusal(
                    400,
                    f"the guard {policy.guard.name} blocks this request: {kinds}",
                    "content_filter",
                    retry=False,
                )
            if policy.action == "human":
                raise NeedsPeople(policy.guard.name)
            if policy.action == "redact":
                taken += found
        return redact(text, taken, self.names) if taken else text

    def kept(self, text: str | None, place: Place = "capture") -> str | None:
        """The text as it may be kept: without the values, for good."""
        return kept_text(self._policies, text, place)

    def body(self, fields: dict[str, msgspec.Raw]) -> None:
        """Takes values out of the texts of a request that is passed on, in place.

        Raises:
            Refusal: A guard blocks it, or hands it to people, who cannot answer such a request;
                or it holds tokens, which no guard reads.
        """
        acts = any(
            "egress" in policy.at and policy.action != "observe" for policy in self._policies
        )
        read: dict[str, msgspec.Raw] = {}
        for name, raw in fields.items():  # placeholders number in the order of the request
            if name == "model":  # the endpoint's own name, which is ours
                read[name] = raw
                continue
            value = _decode(raw)
            if acts and name in _TEXTS and _holds_tokens(value):
                raise Refusal(
                    400,
                    f"guards read texts, not tokens: send {name} as text",
                    "content_filter",
                    name,
                    retry=False,
                )
            self._asks_json = self._asks_json or _asks_json(name, value)
            (key,), (safe,) = zip(
                *self._object({name: value}, REQUEST, "user").items(), strict=True
            )
            read[key] = raw if isinstance(value, bool | None) else msgspec.Raw(_encode(safe))
        fields.clear()
        fields.update(read)

    def _walk(self, value: Any, place: Spot, origin: Origin) -> Any:
        if isinstance(value, str):
            return value if place.is_fixed(value) else self._string(value, place, origin)
        if isinstance(value, list):
            return [self._walk(item, place, origin) for item in value]
        if isinstance(value, dict):
            tool = place.speaks and speaks_for_tool(value)
            return self._object(value, place, "tool" if tool else origin)
        if isinstance(value, bool | None) or place.holds == "number" or abs(value) < _FEW_DIGITS:
            return value
        text = str(value)
        safe = self._text(text, origin)
        return value if safe == text else safe

    def _object(self, value: dict[str, Any], place: Spot, origin: Origin) -> dict[str, Any]:
        """Names that the schema does not know are what somebody wrote, too."""
        safe = {}
        for name, item in value.items():
            below = place.fields.get(name)
            if below is None and not (place.holds == "number" and is_token(name)):
                name = self._text(name, origin)  # noqa: PLW2901
            safe[name] = self._walk(item, below or place.rest or FREE, origin)
        return safe

    def _string(self, text: str, place: Spot, origin: Origin) -> str:
        if place.holds == "json":  # arguments of a tool
            try:
                value = _decode(text)
            except (msgspec.DecodeError, RecursionError):
                return self._text(text, origin)
            safe = self._walk(value, FREE, origin)
            if safe != value:
                return _encode(safe).decode()
        return self._text(text, origin)

    def _text(self, text: str, origin: Origin) -> str:
        try:
            return self.leaving(text, origin)
        except NeedsPeople as guard:
            raise Refusal(
                400,
                f"the guard {guard} hands this request to people",
                "content_filter",
                retry=False,
            ) from None

    def answer(self, body: bytes) -> bytes:
        """A whole answer with the values back in."""
        return _encode(restored(_decode(body), self.names, declared=self._asks_json))

    def stream(self) -> Callable[[bytes], bytes]:
        """Puts values back into the events of a stream; see `rixin.serve.restoring`."""
        return EventRestorer(self.names, declared=self._asks_json).restore


def _holds_tokens(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, int | list) for one in value)


def _asks_json(name: str, value: Any) -> bool:
    """Whether a field of a request asks for an answer in JSON."""
    if name == "text" and isinstance(value, dict):
        value = value.get("format")
    elif name != "response_format":
        return name in SCHEMA_FIELDS
    return isinstance(value, dict) and value.get("type") in _JSON_FORMS
