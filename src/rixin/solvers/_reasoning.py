"""Tells where reasoning took all tokens of an answer, so that nothing was said.

Such a reply has the status 200, costs money, and looks like an empty answer. Servers tell what was
thought in the usage, in a field of the message (DeepSeek, vLLM: `reasoning_content`; OpenRouter:
`reasoning`), in parts of the content, or between `<think>` and `</think>`.
"""

from collections.abc import Mapping
from typing import Any

from rixin.core.answer import Usage, is_cut

_FIELDS = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
_SAYS = ("content", "refusal", "tool_calls", "function_call", "audio")
_OPEN, _CLOSED = "<think>", "</think>"


def says_something(message: Mapping[str, Any]) -> bool:
    """Whether a message, or a part of one in a stream, holds more than thoughts.

    Examples:
        >>> says_something({"content": "refund"}), says_something({"reasoning": "They want"})
        (True, False)
        >>> says_something({"content": "<think>They want"})
        False
    """
    content = message.get("content")
    if isinstance(content, list):
        content = [one for one in content if not _is_thought(one)]
    elif isinstance(content, str):
        content = _without_thoughts(content)
    return bool(content) or any(message.get(field) for field in _SAYS[1:])


def thinks(message: Mapping[str, Any]) -> bool:
    """Whether a message, or a part of one in a stream, holds thoughts."""
    content = message.get("content")
    if isinstance(content, list):
        return any(map(_is_thought, content))
    thoughts = isinstance(content, str) and content.lstrip().startswith(_OPEN)
    return thoughts or any(message.get(field) for field in _FIELDS)


def took_all(body: Any, used: Usage | None) -> bool:
    """Whether reasoning took all tokens of an answer.

    Args:
        body: A chat completion or a response, decoded.
        used: What it used; None: not known.

    Examples:
        >>> cut = {"finish_reason": "length", "message": {"content": ""}}
        >>> used = Usage(output_tokens=160, reasoning_tokens=160)
        >>> took_all({"choices": [cut]}, used), took_all({"choices": [cut]}, None)
        (True, False)
    """
    if not isinstance(body, dict):
        return False
    choices, output = body.get("choices"), body.get("output")
    if isinstance(choices, list) and choices:
        return all(isinstance(one, dict) and choice_took_all(one, used) for one in choices)
    details = body.get("incomplete_details")
    if not isinstance(details, dict) or not is_cut(details.get("reason")):
        return False
    return isinstance(output, list) and all(map(_is_thought, output))


def choice_took_all(choice: Mapping[str, Any], used: Usage | None) -> bool:
    """The same of one choice of a chat completion."""
    message = choice.get("message")
    if not is_cut(choice.get("finish_reason")) or not isinstance(message, dict):
        return False
    thought = thinks(message) or (used is not None and used.reasoning_tokens > 0)
    return thought and not says_something(message)


def _without_thoughts(text: str) -> str:
    before, _, rest = text.partition(_OPEN)
    return (before + rest.partition(_CLOSED)[2]).strip()


def _is_thought(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in {"reasoning", "thinking"}
