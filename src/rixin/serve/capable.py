"""Refuses what is passed on to an endpoint that cannot do it, before anything is paid."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from rixin.core.usage import BYTES_PER_TOKEN
from rixin.serve.errors import Refusal
from rixin.serve.reserving import is_elsewhere
from rixin.workspace.serving import Upstream

SCHEMA_FIELDS = ("guided_json", "json_schema", "structured_outputs")
"""How servers other than OpenAI's are asked for JSON."""
_CHATS = ("/chat/completions", "/responses")
_CONTENT = ("messages", "input")
_NOTHING = frozenset({b"null", b"[]", b"{}", b'""', b"false"})


def check_capable(
    upstream: Upstream, path: str, fields: Mapping[str, msgspec.Raw], most: int | None
) -> None:
    """Refuses a request that needs what the endpoint lacks, or more room than it has.

    Args:
        upstream: Where it goes.
        path: Of the API, such as `/chat/completions`.
        fields: The request, as JSON by names.
        most: Tokens of an answer at most; None: it says nothing of them.

    Raises:
        Refusal: 400, which names the field and what to do.
    """
    if upstream.lacks:
        for need, field in _needs(fields):
            if need in upstream.lacks:
                raise _unable(upstream, need, field)
    room = upstream.context
    if room is None or path not in _CHATS or is_elsewhere(fields):
        return
    needed = sum(map(len, fields.values())) // BYTES_PER_TOKEN + (most or 0)
    if needed > room:
        raise Refusal(
            400,
            f"the request needs about {needed:,} tokens with its answer, and {upstream.name} has"
            f" room for {room:,}: shorten it, or ask for fewer tokens",
            "context_length_exceeded",
            next((name for name in _CONTENT if name in fields), None),
            retry=False,
        )


def _unable(upstream: Upstream, need: str, field: str) -> Refusal:
    return Refusal(
        400,
        f"{upstream.name} cannot do {need} ({upstream.lacks[need]}): leave {field} out, or name"
        " another model",
        "unsupported_parameter",
        field,
        retry=False,
    )


def _needs(fields: Mapping[str, msgspec.Raw]) -> Iterator[tuple[str, str]]:
    """What a request needs of an endpoint, each with the field that says so."""
    for name in ("tools", "functions"):
        if _says(fields, name):
            yield "tools", name
    for name in SCHEMA_FIELDS:
        if _says(fields, name):
            yield "json_schema", name
    if _form(_read(fields, "response_format")) == "json_schema":
        yield "json_schema", "response_format"
    text = _read(fields, "text")
    if isinstance(text, dict) and _form(text.get("format")) == "json_schema":
        yield "json_schema", "text"
    for name in _CONTENT:
        if b"image" in bytes(fields.get(name, b"")) and _shows(_read(fields, name)):
            yield "vision", name


def _says(fields: Mapping[str, msgspec.Raw], name: str) -> bool:
    return name in fields and bytes(fields[name]) not in _NOTHING


def _read(fields: Mapping[str, msgspec.Raw], name: str) -> Any:
    """What a field holds; None where it is not there, or nobody can read it."""
    try:
        return msgspec.json.decode(fields[name]) if name in fields else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _form(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else None


def _shows(value: Any) -> bool:
    """Whether some part of messages is a picture."""
    turns = value if isinstance(value, list) else ()
    contents = (one.get("content") for one in turns if isinstance(one, dict))
    parts = (part for one in contents if isinstance(one, list) for part in one)
    return any("image" in str(_form(part)) for part in (*turns, *parts))
