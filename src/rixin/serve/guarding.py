"""Guards on the way: what a request may hold before it leaves, and before it is kept.

What is taken out before a request leaves comes back in the answer, for the caller alone. What is
kept is taken out for good.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from rixin.core.finding import Finding, Origin
from rixin.guards.build import TextPolicy
from rixin.guards.redact import Placeholders, redact, scrub
from rixin.guards.text_guard import Place
from rixin.serve.errors import Refusal
from rixin.serve.restoring import EventRestorer, restored

_TEXTS = ("messages", "prompt", "input", "instructions")
"""What a model reads; guards that act need it as text."""
_FORMS = frozenset(
    {
        *("model", "tools", "tool_choice", "functions", "function_call", "response_format"),
        *("text", "reasoning", "stream_options", "logit_bias"),
    }
)
"""What says how to answer, written by whoever wrote the application."""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


_LONG = 32_768
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
        for policy in self._policies:
            if "egress" not in policy.at:
                continue
            found = policy.guard.find(text, origin=origin)
            if not found:
                continue
            self.findings += [(one.guard, f"{one.kind} ({policy.action})") for one in found]
            if policy.action == "block":
                kinds = ", ".join(sorted({one.kind for one in found}))
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
        if text is None:
            return None
        taken: list[Finding] = []
        for policy in self._policies:
            if place in policy.at and policy.action != "observe":
                taken += policy.guard.find(text)
        return scrub(text, taken) if taken else text

    def body(self, fields: dict[str, msgspec.Raw]) -> None:
        """Takes values out of the texts of a request that is passed on, in place.

        Raises:
            Refusal: A guard blocks it, or hands it to people, who cannot answer such a request;
                or it holds tokens, which no guard reads.
        """
        acts = any("egress" in one.at and one.action != "observe" for one in self._policies)
        for name in [one for one in fields if one not in _FORMS]:  # placeholders number in order
            value = _decode(fields[name])
            if acts and name in _TEXTS and _holds_tokens(value):
                raise Refusal(
                    400,
                    f"guards read texts, not tokens: send {name} as text",
                    "content_filter",
                    name,
                    retry=False,
                )
            if isinstance(value, str | list | dict):
                fields[name] = msgspec.Raw(_encode(self._walk(value, "user")))

    def _walk(self, value: Any, origin: Origin) -> Any:
        if isinstance(value, str):
            try:
                return self.leaving(value, origin)
            except NeedsPeople as guard:
                raise Refusal(
                    400,
                    f"the guard {guard} hands this request to people",
                    "content_filter",
                    retry=False,
                ) from None
        if isinstance(value, list):
            return [self._walk(one, origin) for one in value]
        if isinstance(value, dict):
            inner: Origin = "tool" if value.get("role") in {"tool", "function"} else origin
            return {
                key: one
                if key in {"role", "type", "name", "id", "tool_call_id"}
                else self._walk(one, inner)
                for key, one in value.items()
            }
        return value

    def answer(self, body: bytes) -> bytes:
        """A whole answer with the values back in."""
        return _encode(restored(_decode(body), self.names))

    def stream(self) -> Callable[[bytes], bytes]:
        """Puts values back into the events of a stream; see `rixin.serve.restoring`."""
        return EventRestorer(self.names).restore


def _holds_tokens(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, int | list) for one in value)
