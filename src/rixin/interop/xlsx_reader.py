"""XLSX workbooks as rows; the only module that imports openpyxl."""

import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from rixin.errors import CasesError, MissingExtra, nearest_hint
from rixin.interop.cell_text import NoValue, to_text
from rixin.interop.row_source import Row, RowSource, name_columns

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
"""Of a sheet; no spreadsheet program has more."""
MAX_UNPACKED = 1 << 30
"""Bytes of a workbook as it is unpacked."""
_READ_WHOLE = re.compile(r"\[Content_Types\]\.xml|docProps/.*|xl/styles\.xml|xl/theme/.*|.*\.rels")
_TYPES = "[Content_Types].xml"
_YES = frozenset({"1", "true"})
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_COLUMN_TAG, _MERGED_TAG = f"{_MAIN}col", f"{_MAIN}mergeCell"
_TOP = 60
"""Rows that tell how wide a table without names is."""
_ESCAPED = re.compile(r"_x(005[Ff]|00[01][0-9A-Fa-f])_")
"""How a workbook writes what XML cannot hold: `_x000D_` is a carriage return."""
_EXCEL_ERRORS = frozenset({"#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
_BROKEN = (
    *(BadZipFile, EOFError, SyntaxError, zlib.error, NotImplementedError),
    *(LookupError, ValueError, OverflowError),
)
"""What damaged archives and XML raise, and parts that do not say what they should."""


class _Bound(NamedTuple):
    """To how many bytes a part of a workbook may unpack."""

    anyway: int
    """However small it is packed."""
    ratio: int
    """Times its packed size."""
    most: int

    def holds(self, part: ZipInfo) -> bool:
        return part.file_size <= min(self.most, max(self.anyway, self.ratio * part.compress_size))


_STREAMED = _Bound(16 << 20, 100, MAX_UNPACKED)
"""A sheet; one of a word that is repeated in all cells is packed to a fiftieth."""
_STRINGS = _Bound(4 << 20, 30, 256 << 20)
"""Texts that cells share: each is there once, and has an object of its own in memory."""
_WHOLE = _Bound(1 << 20, 20, 4 << 20)
"""What is read as a whole: a byte of a style takes some hundred in memory."""
_BOUNDS = {"main+xml": _WHOLE, "chartsheet+xml": _WHOLE, "sharedStrings+xml": _STRINGS}
"""By the end of a content type; other parts are streamed, or not read at all."""


class XlsxRows(RowSource):
    """Rows of one sheet of a workbook; the first row that is not empty is the header.

    Texts that cells share are held in memory as long as the workbook is open, as the format
    keeps them in a table of their own.

    Args:
        path: A file that is there and not empty.
        sheet: Name of the sheet; None takes the first one that is shown and looks like a table.
        header_row: The row that names the columns; 0: none does; None: the first that is not empty.

    Raises:
        CasesError: The file is no workbook, there is no such sheet, or it has no header.
        MissingExtra: The extra `xlsx` is not installed.
    """

    unit = "row"

    def __init__(
        self, path: Path, *, sheet: str | None = None, header_row: int | None = None
    ) -> None:
        super().__init__(path)
        self.sheet, self.sheets = sheet, []
        self.header_row, self._above = header_row, 0
        self._hidden_rows = self._merged = 0
        self._hidden_columns: list[int] = []
        self._names_at = MAX_ROWS
        with self._open() as book:
            self.sheets = list(book.sheetnames)
            self.sheet = self._pick(book, sheet)
            header = self._header(self._filled(book[self.sheet]))
        self._names_at = 0 if self.header_row == 0 else header[0]
        self.titles = [self._title(header, place) for place in range(1, max(header[1]) + 1)]
        self.columns = name_columns(self.titles, self.where(header[0]))

    def remarks(self) -> tuple[str, ...]:
        """What is hidden in the sheet, and cells that are merged below the header."""
        found = []
        if self._hidden_rows:
            found.append(
                f"{_of(self._hidden_rows, 'row')} hidden in the sheet, and read as the others"
            )
        if self._hidden_columns:
            names = dict(enumerate(self.columns, 1))
            shown = ", ".join(repr(names[at]) for at in self._hidden_columns if at in names)
            found += [f"columns that are hidden in the sheet are read: {shown}"] if shown else []
        if self._merged:
            found.append(
                f"{_of(self._merged, 'area')} merged below the header: only the first cell of each"
                " has a value, the others are empty"
            )
        return tuple(found)

    def _header(self, rows: Iterator[tuple[int, dict[int, object]]]) -> tuple[int, dict[int, Any]]:
        """The row with the names, and how many rows are no cases."""
        for number, cells in rows:
            if self.header_row == 0:
                width = max(max(more) for _, more in chain([(number, cells)], islice(rows, _TOP)))
                return number, dict.fromkeys(range(1, width + 1), "")
            self._above += 1
            if self.header_row is None or number == self.header_row:
                return number, cells
        if self.header_row:
            raise self.no_header(self.header_row)
        raise CasesError(
            f"{self.path}: the sheet {self.sheet!r} is empty",
            hint=f"name another sheet; the workbook has {', '.join(self.sheets)}",
        )

    def top(self, limit: int) -> list[tuple[int, list[str | None]]]:
        """As in `RowSource`."""
        with self._open() as book:
            found = list(islice(self._filled(book[self.sheet]), limit))
        return [
            (number, [_shown(cells.get(place)) for place in range(1, max(cells) + 1)])
            for number, cells in found
        ]

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows as a stream; empty rows are passed over.

        A cell without a value that is not empty is a `NoValue`.
        """
        names = self.columns if columns is None else list(columns)
        self.require(names)
        places = [(name, self.columns.index(name) + 1) for name in names]
        width, number = len(self.columns), 0
        with self._open() as book:
            for number, cells in islice(self._filled(book[self.sheet]), self._above, None):
                if max(cells) > width:
                    raise CasesError(
                        f"{self.where(number)}: a cell right of the last named column is filled",
                        hint="give that column a name in the header, or empty the cell",
                    )
                yield Row(number, {name: cells.get(place) for name, place in places})
        if not number:
            raise self.no_rows()

    def records(self, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
        """As in `RowSource`; an error cell is empty here.

        Raises:
            CasesError: A cell is a formula whose value is not in the file.
        """
        for row in self.rows(list(dict.fromkeys(columns))):
            for name, cell in row.values.items():
                if isinstance(cell, NoValue) and cell.is_formula:
                    raise CasesError(
                        f"{self.where(row.number)}: {name!r} holds {cell.reason}", hint=cell.mend
                    )
            cells = map(row.values.get, columns)
            yield tuple(None if isinstance(cell, NoValue) else cell for cell in cells)

    def where(self, number: int) -> str:
        """The place of a row, with its sheet."""
        return f"{self.path}, sheet {self.sheet!r}, row {number}"

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            from openpyxl import load_workbook
        except ImportError:
            raise MissingExtra(f"reading {self.path.name!r}", "xlsx") from None
        self._check_unpacked()
        # It warns of styles, dates and extensions that it passes over: no matter for values.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")
        try:
            book = load_workbook(self.path, read_only=True, data_only=True, keep_links=False)
        except (*_BROKEN, TypeError, AttributeError, OSError) as error:
            raise self._broken(error) from None
        try:
            yield book
        except _BROKEN as error:
            raise self._broken(error) from None
        finally:
            book.close()

    def _check_unpacked(self) -> None:
        """Refuses a workbook that is small as a file and large in memory.

        Of a part no more is unpacked than its entry says, whatever its data say.
        """
        try:
            with ZipFile(self.path) as book:
                parts = book.infolist()
                large = _too_large(book)
        except _BROKEN as error:
            raise self._broken(error) from None
        total, packed = (sum(part.file_size for part in parts), self.path.stat().st_size)
        if sum(part.compress_size for part in parts) > packed:
            raise self._broken(ValueError("its parts overlap"))
        if large or total > MAX_UNPACKED:
            part = f" (its part {large[0].filename!r} to {large[0].file_size:,})" if large else ""
            raise CasesError(
                f"{self.path}: the workbook of {packed:,} bytes unpacks to {total:,}{part}, which"
                " is too much to read",
                hint="save the table as CSV or Parquet, or in several workbooks",
            )

    def _title(self, header: tuple[int, dict[int, object]], place: int) -> str:
        title = header[1].get(place)
        if isinstance(title, NoValue):
            raise CasesError(
                f"{self.where(header[0])}: the name of column {place} is {title.reason}",
                hint=title.mend,
            )
        return to_text(title) or ""

    def _broken(self, error: Exception) -> CasesError:
        return CasesError(
            f"{self.path}: the workbook cannot be read: {error}",
            hint="open it in a spreadsheet program and save it again as .xlsx",
        )

    def _pick(self, book: Any, name: str | None) -> str:
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if name is None and shown:
            # A cover sheet or notes often come before the table.
            return str(next(filter(self._is_table, shown), shown[0]).title)
        if name not in [sheet.title for sheet in book.worksheets]:
            raise CasesError(
                f"{self.path}: there is no sheet {name!r}",
                hint=nearest_hint(name or "", self.sheets),
            )
        return str(name)

    def _is_table(self, sheet: Any) -> bool:
        head = list(islice(self._filled(sheet), 2))
        return len(head) == 2 and len(head[0][1]) > 1

    def _filled(self, sheet: Any) -> Iterator[tuple[int, dict[int, object]]]:
        """The rows with something in them: number, and column from 1 → cell.

        The package would make up every row and cell that a number in the file leaves out, and
        hold all cells of a row; so only its reading of a single cell is used.
        """
        from openpyxl.worksheet._reader import CELL_TAG, FORMULA_TAG, ROW_TAG, WorkSheetParser
        from openpyxl.xml.functions import iterparse

        book = sheet.parent
        with sheet._get_source() as source:  # noqa: SLF001
            parser = WorkSheetParser(
                source,
                sheet._shared_strings,  # noqa: SLF001
                data_only=True,
                epoch=book.epoch,
                date_formats=book._date_formats,  # noqa: SLF001
                timedelta_formats=book._timedelta_formats,  # noqa: SLF001
            )
            number, cells, count = 0, {}, 0
            self._hidden_rows = self._merged = 0
            self._hidden_columns = []
            for _, element in iterparse(source):
                tag = element.tag
                if tag == CELL_TAG:
                    count += 1
                    column, value = _cell(parser, element, FORMULA_TAG)
                    if count > MAX_COLUMNS or column > MAX_COLUMNS:
                        raise self._too_wide(number + 1)
                    if value is not None:
                        cells[column] = value
                    element.clear()
                elif tag == ROW_TAG:
                    number = int(float(element.get("r") or number + 1))
                    if number > MAX_ROWS:
                        raise self._broken(ValueError(f"it has a row {number:,}"))
                    if cells:
                        self._hidden_rows += element.get("hidden") in _YES
                        yield number, cells
                    parser.col_counter, cells, count = 0, {}, 0
                    element.clear()
                elif tag == _COLUMN_TAG and element.get("hidden") in _YES:
                    first, last = int(element.get("min") or 0), int(element.get("max") or 0)
                    self._hidden_columns += range(first, min(last, MAX_COLUMNS) + 1)
                elif tag == _MERGED_TAG:
                    self._merged += _top_of(element.get("ref") or "") > self._names_at

    def _too_wide(self, number: int) -> CasesError:
        return CasesError(
            f"{self.where(number)}: the row has a cell right of column {MAX_COLUMNS:,}, which no"
            " workbook has",
            hint="export the table again",
        )


def _top_of(area: str) -> int:
    """The first row of an area such as `B3:C7`; 0 where it is none."""
    found = re.match(r"\$?[A-Z]{1,3}\$?(\d{1,7})", area)
    return 0 if found is None else int(found[1])


def _of(count: int, noun: str) -> str:
    return f"{count:,} {noun} is" if count == 1 else f"{count:,} {noun}s are"


def _shown(cell: object) -> str | None:
    return None if isinstance(cell, NoValue) else to_text(cell)


def _cell(parser: Any, element: Any, formula_tag: str) -> tuple[int, object]:
    """The column of a cell, from 1, and its value."""
    parsed = parser.parse_cell(element)
    value: object = parsed["value"]
    if value is None and element.get("t") != "str" and element.find(formula_tag) is not None:
        formula = parser.parse_formula(element)
        value = NoValue(str(getattr(formula, "text", None) or formula or "="))
    elif parsed["data_type"] == "e" or (isinstance(value, str) and value in _EXCEL_ERRORS):
        value = None if value is None else NoValue(str(value))
    elif isinstance(value, str) and "_x00" in value:
        value = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), value)
    return int(parsed["column"]), value


def _too_large(book: ZipFile) -> list[ZipInfo]:
    """The parts of a workbook that unpack to more than they may."""
    from openpyxl.xml.functions import fromstring

    parts = book.infolist()
    large = [
        part
        for part in parts
        if not (_WHOLE if _READ_WHOLE.fullmatch(part.filename) else _STREAMED).holds(part)
    ]
    if large:
        return large  # the list of types may be among them
    bounds = {
        str(entry.get("PartName")).lstrip("/"): bound
        for entry in fromstring(book.read(_TYPES))
        for end, bound in _BOUNDS.items()
        if str(entry.get("ContentType")).endswith(end)
    }
    return [part for part in parts if not bounds.get(part.filename, _STREAMED).holds(part)]
