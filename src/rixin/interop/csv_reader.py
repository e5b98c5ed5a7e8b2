"""CSV and TSV files as rows."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import NoReturn

from rixin.core.text import plural
from rixin.errors import CasesError
from rixin.interop.encodings import BOM, is_utf8
from rixin.interop.row_source import CsvForm, Row, RowSource, name_columns
from rixin.interop.text_lines import MAX_CELL, text_lines

TAB_SUFFIXES = frozenset({".tsv", ".tab"})
_DELIMITERS = (",", ";", "\t", "|")
_HEAD_LINES, _HEAD_WIDTH = 20, 10_000
_SEP = re.compile(r'("?)sep=([^\w\s"]|\t| )\1(\r\n|\r|\n)?', re.IGNORECASE)
"""A first line that only names the delimiter, as spreadsheet programs write and read it."""


class CsvRows(RowSource):
    """Rows of a CSV or TSV file; `Row.number` is the line on which a row starts.

    Args:
        path: A text file that is there and not empty.
        encoding: Its encoding.
        delimiter: One character; None finds it: in a first line such as `sep=;`, else by itself.
        header_row: The line that names the columns; 0: none does; None: the first that is not blank.

    Raises:
        CasesError: The delimiter, the encoding or the header cannot be used.
    """

    unit = "line"

    def __init__(
        self,
        path: Path,
        *,
        encoding: str = "utf-8",
        delimiter: str | None = None,
        header_row: int | None = None,
    ) -> None:
        super().__init__(path)
        self.header_row, self._above = header_row, 0
        # Without this the module refuses a cell of more than 128 KiB.
        csv.field_size_limit(max(MAX_CELL, csv.field_size_limit()))
        self._encoding = encoding
        head = self._head()
        self._sep = _SEP.fullmatch(head[0]) if head else None
        named = None if self._sep is None else self._sep[2]
        self.delimiter: str = delimiter or named or guess_delimiter(path, encoding)
        if len(self.delimiter) != 1 or self.delimiter in '\r\n"':
            raise CasesError(
                f"{path}: {self.delimiter!r} cannot be a delimiter",
                hint='use one character: "," or ";" or "\\t"',
            )
        number, header = self._header()
        self.columns, self.titles = name_columns(header, self.where(number)), header
        self.form = self._form(head)

    def _header(self) -> tuple[int, list[str]]:
        """The row with the names, and how many rows are no cases."""
        for number, cells in self._records():
            if self.header_row == 0:
                return number, [""] * len(cells)
            self._above += 1
            if self.header_row is None or number == self.header_row:
                return number, cells
        if self.header_row:
            raise self.no_header(self.header_row)
        raise CasesError(f"{self.path}: the file has only blank lines", hint="add a header")

    def top(self, limit: int) -> list[tuple[int, list[str | None]]]:
        """As in `RowSource`."""
        return [(number, [*cells]) for number, cells in islice(self._records(), limit)]

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows as a stream; blank lines are passed over."""
        names = self.columns if columns is None else list(columns)
        self.require(names)
        places = [self.columns.index(name) for name in names]
        for number, cells in self._body():
            yield Row(number, {name: cells[at] for name, at in zip(names, places, strict=True)})

    def records(self, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
        """As in `RowSource`; several times as fast as `rows`."""
        self.require(columns)
        first, *more = [self.columns.index(name) for name in columns]
        if not more:
            return ((cells[first],) for _, cells in self._body())
        pick = itemgetter(first, *more)
        return (pick(cells) for _, cells in self._body())

    def _body(self) -> Iterator[tuple[int, list[str]]]:
        """The rows below the header, each with its line."""
        width, number = len(self.columns), 0
        records = islice(self._records(), self._above, None)
        for number, cells in records:
            if len(cells) != width:
                self._refuse_ragged(number, cells, records)
            yield number, cells
        if not number:
            raise self.no_rows()

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        with text_lines(self.path, self._encoding) as lines:
            above = last = 0 if self._sep is None else len([next(lines)])
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            try:
                for cells in reader:
                    if cells:
                        yield last + 1, cells
                    last = above + reader.line_num
            except csv.Error as error:
                raise self._broken(error, last + 1) from None

    def _head(self) -> list[str]:
        with text_lines(self.path, self._encoding) as lines:
            return list(islice(lines, 3))

    def _form(self, head: list[str]) -> CsvForm:
        """As the first lines have it; a file that was no UTF-8 gets a mark where it becomes UTF-8.

        Without one, the program that wrote it takes it for what it writes itself.
        """
        ends = re.search(r"\r\n|\r|\n", head[0])
        with self.path.open("rb") as file:
            marked = file.read(len(BOM)) == BOM
        table = [line.rstrip("\r\n") for line in head if line is not head[0] or not self._sep]
        return CsvForm(
            delimiter=self.delimiter,
            line_end=ends[0] if ends else "\n",
            mark=marked or not is_utf8(self._encoding),
            quoted=all(_is_quoted(line, self.delimiter) for line in table[:2]),
            names_delimiter=self._sep is not None,
        )

    def _broken(self, error: csv.Error, number: int) -> CasesError:
        reason = str(error)
        if "field limit" in reason:
            reason = f"a cell is longer than {MAX_CELL:,} characters"
        elif "end of data" in reason:
            reason = 'a quote (") is opened and never closed'
        return CasesError(
            f"{self.where(number)}: the row that starts here cannot be read: {reason}",
            hint='put cells with quotes in quotes, and write each " inside as ""',
        )

    def _refuse_ragged(
        self, number: int, cells: list[str], rest: Iterator[tuple[int, list[str]]]
    ) -> NoReturn:
        width = len(self.columns)
        others = sum(len(more) != width for _, more in rest)
        also = f"; {others:,} more rows below do not match either" if others else ""
        raise CasesError(
            f"{self.where(number)}: the row has {plural(len(cells), 'cell')} and the header"
            f" {width}{also}",
            hint=f"put cells that contain {self.delimiter!r} in quotes, and write every column",
        )


def guess_delimiter(path: Path, encoding: str = "utf-8") -> str:
    r"""The delimiter of a text table: the one that cuts the first lines into most equal columns.

    Args:
        path: A text file; a name ending in `.tsv` or `.tab` settles it.
        encoding: Its encoding.
    """
    if path.suffix.lower() in TAB_SUFFIXES:
        return "\t"
    with text_lines(path, encoding) as lines:
        head = [line[:_HEAD_WIDTH] for line in islice(lines, _HEAD_LINES)]
    return max(_DELIMITERS, key=lambda delimiter: _evenness(head, delimiter))


def _is_quoted(line: str, delimiter: str) -> bool:
    """Whether each cell of a line is in quotes."""
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return line == delimiter.join('"{}"'.format(cell.replace('"', '""')) for cell in cells)


def _evenness(head: list[str], delimiter: str) -> tuple[float, int]:
    widths = [len(cells) for cells in csv.reader(head, delimiter=delimiter) if cells]
    while widths and widths[0] < 2:  # a title above the table
        widths.pop(0)
    if len(widths) < 2:
        return float(len(widths) * (widths[0] > 1 if widths else 0)), 0
    return widths.count(widths[0]) / len(widths), widths[0]
