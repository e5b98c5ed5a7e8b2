"""JSON lines as rows, and small JSON arrays."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rixin.errors import CasesError
from rixin.interop.row_source import Row, RowSource
from rixin.interop.text_lines import text_lines

MAX_ARRAY = 64 * 1024 * 1024
"""Bytes of the largest JSON array that is read; it has to be in memory as a whole."""
_HEAD_ROWS = 1000
_SHOWN = 5


class JsonlRows(RowSource):
    """Rows of a file with one JSON object a line.

    The columns are the keys of the first 1,000 rows, until a later one is asked for: then those of
    all rows. A key that a row lacks is an empty cell.

    Args:
        path: A text file that is there and not empty.
        encoding: Its encoding.

    Raises:
        CasesError: The encoding is wrong, or the first rows hold no object.
    """

    unit = "line"

    def __init__(self, path: Path, *, encoding: str = "utf-8") -> None:
        super().__init__(path)
        self._encoding = encoding
        with self._objects() as objects:
            keys = {key: None for _, row in islice(objects, _HEAD_ROWS) for key in row}
        self.columns = list(keys)
        self._all = False
        """Whether the columns are those of all rows."""
        if not keys:
            raise CasesError(
                f"{path}: the rows have no keys", hint='write rows such as {"text": "…"}'
            )

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows as a stream; blank lines are passed over."""
        if columns is not None:
            self.require(columns)
        with self._objects() as objects:
            for number, row in objects:
                yield Row(
                    number, row if columns is None else {name: row.get(name) for name in columns}
                )

    def find_columns(self) -> list[str]:
        """As in `RowSource`; the file is read once for it."""
        if not self._all:
            with self._objects() as objects:
                self.columns = list({key: None for _, row in objects for key in row})
            self._all = True
        return self.columns

    @contextmanager
    def _objects(self) -> Iterator[Iterator[tuple[int, dict[str, object]]]]:
        with text_lines(self.path, self._encoding) as lines:
            yield self._parsed(lines)

    def _parsed(self, lines: Iterator[str]) -> Iterator[tuple[int, dict[str, object]]]:
        numbered = enumerate(lines, 1)
        for number, line in numbered:
            if line.isspace():
                continue
            row = parse_object(line)
            if isinstance(row, str):
                raise self._bad_lines((number, row), numbered)
            yield number, row

    def _bad_lines(self, first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> CasesError:
        bad, count = [first], 1
        for number, line in rest:
            reason = None if line.isspace() else parse_object(line)
            if isinstance(reason, str):
                count += 1
                bad.append((number, reason))
                del bad[_SHOWN:]
        lines = "\n".join(f"  {self.where(number)}: {reason}" for number, reason in bad)
        more = f"\n  … and {count - len(bad):,} more" if count > len(bad) else ""
        return CasesError(
            f"{count:,} line{'s' if count > 1 else ''} of {self.path} cannot be read:\n{lines}{more}",
            hint="write one JSON object a line",
        )


class JsonArrayRows(RowSource):
    """Rows of a file that is one JSON array of objects.

    Args:
        path: A text file that is there and not empty.
        encoding: Its encoding.

    Raises:
        CasesError: The file is too large, no JSON, or no array of objects.
    """

    unit = "item"

    def __init__(self, path: Path, *, encoding: str = "utf-8") -> None:
        super().__init__(path)
        self._encoding = encoding
        self.columns = list({key: None for row in self._items() for key in row})
        if not self.columns:
            raise CasesError(f"{path}: the array has no items with keys", hint="add a case")

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows; the whole array is in memory while they are read."""
        if columns is not None:
            self.require(columns)
        for number, row in enumerate(self._items(), 1):
            yield Row(number, row if columns is None else {name: row.get(name) for name in columns})

    def _items(self) -> list[dict[str, object]]:
        size = self.path.stat().st_size
        if size > MAX_ARRAY:
            raise CasesError(
                f"{self.path}: a JSON array of {size:,} bytes is too large to read as a stream",
                hint="write one JSON object a line (JSON lines)",
            )
        with text_lines(self.path, self._encoding) as lines:
            text = "".join(lines)
        try:
            items = json.loads(text, object_pairs_hook=_each_once)
        except (ValueError, RecursionError) as error:
            raise CasesError(f"{self.path}: {error}", hint="mend the JSON") from None
        for number, item in enumerate(items, 1):
            if not isinstance(item, dict):
                raise CasesError(
                    f"{self.where(number)}: expected an object, found {type(item).__name__}",
                    hint='write items such as {"text": "…"}',
                )
        return list(items)


def parse_object(line: str) -> dict[str, object] | str:
    """The object of a line, or the reason why there is none.

    Examples:
        >>> parse_object('{"a": 1}')
        {'a': 1}
        >>> parse_object('[1]')
        'expected an object, found an array'
    """
    try:
        value = json.loads(line, object_pairs_hook=_each_once)
    except json.JSONDecodeError as error:
        return f"{error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        return str(error)
    if not isinstance(value, dict):
        kind = {list: "an array", str: "a text", type(None): "null"}.get(type(value), "a number")
        return f"expected an object, found {kind}"
    if "\\ud" in line.lower() and not _is_text(json.dumps(value, ensure_ascii=False)):
        return "half of a surrogate pair (\\ud800 to \\udfff) is no character"
    return value


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in an object: nobody knows which counts")
    return found


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
