"""What is wrong with a file that is no YAML, in words and with what to do."""

import yaml

from rixin.errors import Mistake

_MENDS = {
    "cannot start any token": "put the text in quotes",
    "mapping values are not allowed": "put a text with a colon in quotes",
    "another document": "keep one scenario in a file, without a second ---",
    "unexpected end of stream": "close the quote that is opened here",
    "expected ',' or": "put a comma or the closing bracket there; quote a text with brackets",
    "undefined alias": "put a text that begins with * in quotes",
}
_COMPARE = "compare it with the line above: is a colon, a quote or a bracket missing?"


def syntax_mistake(
    error: yaml.YAMLError | RecursionError, text: str, name: str
) -> tuple[int, Mistake]:
    """The line and the mistake of a text that cannot be parsed.

    Args:
        error: What the parser raised.
        text: The text.
        name: The file's name.
    """
    if isinstance(error, RecursionError):
        reason = "values are nested too deeply, or contain themselves"
        return 1, Mistake(f"{name}:1", reason, "write the values out, without & and *")
    if isinstance(error, yaml.reader.ReaderError):
        return _character(error, text, name)
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    line = _line(error, problem)
    rows = text.splitlines()
    row = rows[line - 1] if line <= len(rows) else ""
    if "\t" in row and ("\t" in row[: len(row) - len(row.lstrip())] or "'\\t'" in problem):
        reason = "there is a tab where YAML takes spaces only"
        return line, Mistake(f"{name}:{line}", reason, "replace each tab by two spaces")
    mend = next((mend for part, mend in _MENDS.items() if part in problem), _COMPARE)
    return line, Mistake(f"{name}:{line}", f"this is not YAML: {problem}", mend)


def _line(error: yaml.YAMLError, problem: str) -> int:
    # An open quote is noticed at the end of the file; what helps is where it was opened.
    opened = "end of stream" in problem
    mark = getattr(error, "context_mark" if opened else "problem_mark", None)
    return mark.line + 1 if mark is not None else 1


def _character(error: yaml.reader.ReaderError, text: str, name: str) -> tuple[int, Mistake]:
    line = text[: error.position].count("\n") + 1
    reason = f"the character U+{ord(text[error.position]):04X} cannot stand in YAML"
    return line, Mistake(f"{name}:{line}", reason, "delete it, or write the file anew as UTF-8")
