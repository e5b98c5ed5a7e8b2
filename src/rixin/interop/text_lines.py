"""Text files as a stream of lines, checked while they are read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rixin.errors import CasesError
from rixin.interop.encodings import decode_error, detect_encoding, python_encoding

MAX_CELL = 16 * 1024 * 1024
"""Characters of the longest cell that is read; a longer one is a quote that nobody closed."""
MAX_LINE = 2 * MAX_CELL


@contextmanager
def text_lines(path: Path, encoding: str) -> Iterator[Iterator[str]]:
    """The lines of a text file, line ends kept; a byte order mark is left out.

    Args:
        path: A file that is there.
        encoding: Its encoding.

    Raises:
        CasesError: The encoding is wrong, a NUL is in the text, or a line is too long.
    """
    with path.open(encoding=python_encoding(encoding), newline="") as file:
        yield _checked(file.readline, path, encoding)


def _checked(readline: Callable[[int], str], path: Path, encoding: str) -> Iterator[str]:
    number = 0
    try:
        while line := readline(MAX_LINE):
            number += 1
            if "\0" in line:
                raise _nul_error(path, number, encoding)
            if len(line) == MAX_LINE:
                raise CasesError(
                    f"{path}, line {number}: the line is longer than {MAX_LINE:,} characters",
                    hint="write each case on its own line",
                )
            yield line
    except UnicodeDecodeError:
        raise decode_error(path, encoding) from None
    except UnicodeError as error:  # UTF-16 without its mark
        raise CasesError(
            f"{path}: the file is no {encoding} text: {error}",
            hint=f"set `encoding: {detect_encoding(path)}` in the cases",
        ) from None


def _nul_error(path: Path, number: int, encoding: str) -> CasesError:
    found = detect_encoding(path)
    hint = "the file is damaged: export it again"
    if python_encoding(found) != python_encoding(encoding):
        hint = f"set `encoding: {found}` in the cases"
    return CasesError(f"{path}, line {number}: there is a NUL character in the text", hint=hint)
