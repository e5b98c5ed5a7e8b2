"""Puts values that guards took out back into answers, for the caller alone."""

from collections.abc import Iterator
from typing import Any

import msgspec

from rixin.guards.redact import Placeholders, StreamRestorer

_JSON = "arguments"
"""Of a call of a tool: JSON written as a string."""
_SAID = ("content", "text", "output_text")
"""What a model says: where it is JSON, it stays JSON."""
_PIECES = ("content", "refusal", "reasoning_content", "reasoning")
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_Key = tuple[object, ...]
_Piece = tuple[_Key, dict[str, Any], str]


def restored(value: Any, names: Placeholders, key: str = "", *, declared: bool = False) -> Any:
    """A whole answer, or a part of it, with the values back in all its strings.

    Args:
        value: As JSON gives it.
        names: The placeholders of the request.
        key: The name of the field that holds it.
        declared: Whether the request asks for JSON.
    """
    if isinstance(value, str):
        if key in _SAID:
            return names.restore_answer(value, declared=declared)
        return names.restore(value, quoted=key == _JSON)
    if isinstance(value, list):
        return [restored(item, names, declared=declared) for item in value]
    if isinstance(value, dict):
        return {
            names.restore(name): restored(item, names, name, declared=declared)
            for name, item in value.items()
        }
    return value


class EventRestorer:
    """Puts values back into the events of a stream, also where one cuts a placeholder.

    Args:
        names: The placeholders of the request.
        declared: Whether the request asks for JSON.
    """

    def __init__(self, names: Placeholders, *, declared: bool = False) -> None:
        self._names, self._declared = names, declared
        self._open: dict[_Key, StreamRestorer] = {}

    def restore(self, event: bytes) -> bytes:
        """One event, without the blank line after it; it comes back with it."""
        name, _, data = (b"\n" + event).partition(b"\ndata:")
        data = data.strip()
        if not data.startswith(b"{"):
            return event + b"\n\n"
        body, before = _decode(data), b""
        if isinstance(body.get("type"), str):
            before, body = self._response(body)
        for choice in _objects(body.get("choices")):
            self._choice(choice)
        lines = name[1:] + b"\n" if name else b""
        return b"%b%bdata: %b\n\n" % (before, lines, _encode(body))

    def _choice(self, choice: dict[str, Any]) -> None:
        """A choice of a chat or a completion; what was held back comes with its end."""
        place = _place(choice)
        for holder in _called(choice):  # a name comes in one piece
            holder["name"] = self._names.restore(holder["name"])
        for key, holder, field in _pieces(choice):
            if isinstance(holder.get(field), str):
                holder[field] = self._feed((place, *key), holder[field], _quoting(field))
        if not choice.get("finish_reason"):
            return
        for key in [one for one in self._open if one[0] == place]:
            rest = self._open.pop(key).close()
            if rest:
                _add(choice, key[1:], rest)

    def _response(self, body: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        """An event of a response: what was held back comes as an event of its own before the end."""
        kind, _, what = body["type"].rpartition(".")
        key = (kind, *(str(body.get(one)) for one in ("item_id", "output_index", "content_index")))
        if what == "delta" and isinstance(body.get("delta"), str):
            field = _JSON if _JSON in kind else kind.rpartition(".")[2]
            return b"", {**body, "delta": self._feed(key, body["delta"], _quoting(field))}
        before = b""
        if what == "done" and key in self._open and (rest := self._open.pop(key).close()):
            late = {name: one for name, one in body.items() if name not in {"text", "arguments"}}
            late |= {"type": f"{kind}.delta", "delta": rest}
            before = b"event: %b.delta\ndata: %b\n\n" % (kind.encode(), _encode(late))
        return before, restored(body, self._names, declared=self._declared)

    def _feed(self, key: _Key, text: str, quoted: bool | None) -> str:
        restorer = self._open.get(key)
        if restorer is None:
            restorer = StreamRestorer(self._names, quoted=quoted, declared=self._declared)
            self._open[key] = restorer
        return restorer.feed(text)


def _quoting(field: str) -> bool | None:
    """Whether a string of an answer is JSON; None: it must be told from its beginning."""
    return None if field in _SAID else field == _JSON


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[dict[str, Any]]:
    """Those of a list: what an endpoint sends may be anything."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _pieces(choice: dict[str, Any]) -> Iterator[_Piece]:
    """The strings of a choice that come in pieces: a key, where they are, and under which name."""
    delta = _object(choice.get("delta"))
    for name in _PIECES:
        yield (name,), delta, name
    for call in _objects(delta.get("tool_calls")):
        yield ("tool", _place(call)), _object(call.get("function")), _JSON
        yield ("custom", _place(call)), _object(call.get("custom")), "input"
    yield ("function",), _object(delta.get("function_call")), _JSON
    for part in _objects(delta.get("content")):
        yield ("content",), part, "text"
    yield ("text",), choice, "text"


def _called(choice: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The functions and tools that a choice names."""
    delta = _object(choice.get("delta"))
    calls = [*_objects(delta.get("tool_calls")), {"function": delta.get("function_call")}]
    for call in calls:
        for holder in map(_object, (call.get("function"), call.get("custom"))):
            if isinstance(holder.get("name"), str):
                yield holder


def _place(holder: dict[str, Any]) -> object:
    """The number of a choice or a call."""
    place = holder.get("index")
    return place if isinstance(place, int) else 0


def _add(choice: dict[str, Any], key: _Key, rest: str) -> None:
    """Puts the rest of a string at its end."""
    if key == ("text",):
        choice["text"] = str(choice.get("text") or "") + rest
        return
    delta = choice["delta"] = _object(choice.get("delta"))
    if key[0] in {"tool", "custom"} and not isinstance(delta.get("tool_calls"), list):
        delta["tool_calls"] = []
    if key[0] == "tool":
        delta["tool_calls"].append({"index": key[1], "function": {_JSON: rest}})
    elif key[0] == "custom":
        delta["tool_calls"].append({"index": key[1], "custom": {"input": rest}})
    elif key[0] == "function":
        call = delta["function_call"] = _object(delta.get("function_call"))
        call[_JSON] = str(call.get(_JSON) or "") + rest
    elif isinstance(delta.get("content"), list):
        delta["content"].append({"type": "text", "text": rest})
    else:
        delta[str(key[0])] = str(delta.get(str(key[0])) or "") + rest
