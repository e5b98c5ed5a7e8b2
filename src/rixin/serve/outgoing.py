"""Requests that are passed on to an endpoint, and what the gateway adds to them.

A caller's own fields go out as they came. What is added for the gateway's sake, a limit of tokens
or the wish for usage, must not make an endpoint refuse: it is asked again in the words it knows.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from rixin.solvers._chat import StatedError
from rixin.workspace.serving import Upstream

_log = logging.getLogger("rixin.serve")
_encode = msgspec.json.Encoder().encode
_NOT_TAKEN = frozenset({400, 422, 501})
_LIMITS = {
    "/chat/completions": ("max_tokens", "max_completion_tokens"),
    "/completions": ("max_tokens",),
    "/responses": ("max_output_tokens",),
}
_SMALLER = 4
"""An added limit that an endpoint finds too large is divided by this, once."""


@dataclass(slots=True)
class Dialect:
    """What an endpoint takes of what the gateway adds, as it was found out."""

    limit: str = ""
    """The name of a chat's limit; empty: the older one."""
    most: int | None = None
    """Tokens that an added limit may have; None: as many as the contract says."""
    usage_in_streams: bool = True
    """Whether a stream may be asked for its usage."""


class Outgoing:
    """One request that is passed on.

    Args:
        upstream: Where to.
        path: Of the API, such as `/chat/completions`.
        fields: The request, as JSON by names.
        dialect: What the endpoint takes; kept when it is found out.
        limit: Tokens of an answer that the gateway adds as a limit; None: it adds none.
        shrinks: Whether the limit may be made smaller: it is not the caller's.
        usage: The value of `stream_options` that the gateway adds; None: it adds none.
    """

    __slots__ = (
        *("_adds_usage", "_changed", "_fields", "_limit", "_most", "_name", "_names", "_renames"),
        *("_shrinks", "_usage", "_wants_usage", "dialect", "path", "upstream"),
    )

    def __init__(
        self,
        upstream: Upstream,
        path: str,
        fields: Mapping[str, msgspec.Raw],
        dialect: Dialect,
        *,
        limit: int | None = None,
        shrinks: bool = True,
        usage: object = None,
    ) -> None:
        self.upstream, self.path, self.dialect = upstream, path, dialect
        self._fields, self._limit, self._usage = fields, limit, usage
        self._names = _LIMITS.get(path, ())
        self._name = self._names[0] if self._names else ""
        if dialect.limit in self._names:
            self._name = dialect.limit
        self._most = dialect.most if shrinks else None
        self._wants_usage = usage is not None and dialect.usage_in_streams
        self._adds_usage = self._wants_usage
        self._renames, self._shrinks = len(self._names) > 1, shrinks
        self._changed = False

    def body(self) -> bytes:
        """The request as it goes out."""
        if self._limit is None and not self._adds_usage:
            return _encode(self._fields)
        added: dict[str, object] = {}
        if self._limit is not None and self._name:
            most = self._limit if self._most is None else min(self._limit, self._most)
            added[self._name] = most
        if self._adds_usage:
            added["stream_options"] = self._usage
        return _encode({**self._fields, **added})

    def adapts(self, status: int, error: StatedError) -> bool:
        """Whether to ask again, because what the endpoint refuses may be what was added here."""
        if status not in _NOT_TAKEN:
            return False
        about = (error.param or error.words).lower()
        changes = self._without_usage(about) or self._with_another_limit(about)
        self._changed |= changes
        return changes

    def answered(self) -> None:
        """The endpoint took it: what was found out on the way holds from now on."""
        if not self._changed:
            return
        self._changed = False
        dialect = self.dialect
        dialect.usage_in_streams = (
            dialect.usage_in_streams and self._adds_usage == self._wants_usage
        )
        if self._limit is not None:
            dialect.most = self._most or dialect.most
            if len(self._names) > 1:
                dialect.limit = self._name
        _log.warning("what is added to requests for %s changes: %s", self.upstream.name, dialect)

    def _without_usage(self, about: str) -> bool:
        if not self._adds_usage or not ("stream_options" in about or "include_usage" in about):
            return False
        self._adds_usage = False
        return True

    def _with_another_limit(self, about: str) -> bool:
        """First the other name of the limit, then a smaller one under its first name."""
        if self._limit is None:
            return False
        named = any(name in about for name in self._names)
        if named and self._renames:
            self._renames = False
            self._name = self._other()
            return True
        if not self._shrinks or not (named or "completion" in about):
            return False
        self._shrinks = False
        if len(self._names) > 1 and not self._renames:
            self._name = self._other()
        self._most = max(1, (self._most or self._limit) // _SMALLER)
        return True

    def _other(self) -> str:
        return next(name for name in self._names if name != self._name)
