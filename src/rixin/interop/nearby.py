"""Which files are near a name that is not there."""

from collections.abc import Container
from difflib import get_close_matches
from pathlib import Path

_SHOWN = 5


def missing_hint(path: Path, suffixes: Container[str], what: str) -> str:
    """What to do about a file that is not there: the nearest one, or what the folder has.

    Args:
        path: The missing file.
        suffixes: Endings in lower case of the files that could be meant, e.g. `.csv`.
        what: What they are called, e.g. `file of cases`.
    """
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r} either: check the path"
    return files_hint(folder, suffixes, what, name=path.name)


def files_hint(folder: Path, suffixes: Container[str], what: str, *, name: str = "") -> str:
    """The file of a folder that is nearest to a name, else the first ones that could be meant."""
    files = [other for other in sorted(_list(folder)) if Path(other).suffix.lower() in suffixes]
    if near := get_close_matches(name, files, n=1, cutoff=0.6):
        return f"did you mean {near[0]!r}?"
    if not files:
        return f"there is no {what} in {str(folder)!r}: check the path"
    return f"files there: {', '.join(files[:_SHOWN])}{' …' if len(files) > _SHOWN else ''}"


def _list(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if entry.is_file()]
    except OSError:
        return []
