"""Tracebacks for logs: frames and types of exceptions, never their texts.

The text of an exception may hold what somebody said, such as an endpoint's words about a request,
and logs never do.
"""

import errno
import logging
from collections.abc import Iterator
from pathlib import PurePath
from traceback import walk_tb

_MOST_FRAMES = 30
"""Of one exception; a recursion has a thousand."""
_MOST_ERRORS = 12


def log_traceback(log: logging.Logger, message: str, error: BaseException) -> None:
    """Logs at level error what happened, and below it `describe_error`.

    Args:
        log: Where to.
        message: What happened, in words that hold nothing of what was said.
        error: What was raised.
    """
    log.error("%s\n%s", message, describe_error(error))


def describe_error(error: BaseException) -> str:
    """Types and frames of an exception and of those that led to it, without any text of theirs.

    The newest exception comes first, the innermost frame of each last. A name that the system or
    SQLite has for the error stands beside its type, since it holds nothing else.

    Examples:
        >>> try:
        ...     int("what Jane said")
        ... except ValueError as error:
        ...     print(describe_error(error))
        ValueError
          <doctest ...>:2 in <module>
    """
    return "\n".join(_lines(error, "", [_MOST_ERRORS]))


def _lines(error: BaseException, how: str, left: list[int]) -> Iterator[str]:
    if not left[0]:
        return
    left[0] -= 1
    yield f"{how}{_named(error)}"
    places = [
        f"  {_short(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    if len(places) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        places[half:-half] = [f"  … {len(places) - 2 * half} more"]
    yield from places
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _lines(member, "among them ", left)
    if error.__cause__ is not None:
        yield from _lines(error.__cause__, "because of ", left)
    elif error.__context__ is not None and not error.__suppress_context__:
        yield from _lines(error.__context__, "while handling ", left)


def _named(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    code = getattr(error, "sqlite_errorname", None) or errno.errorcode.get(number or 0, "")
    return f"{type(error).__name__} {code}".rstrip()


def _short(path: str) -> str:
    return "/".join(PurePath(path).parts[-3:])
