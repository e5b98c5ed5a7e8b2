"""XLSX workbooks as rows; the only module that imports openpyxl."""

import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from rixin.errors import CasesError, MissingExtra, nearest_hint
from rixin.interop.cell_text import to_text
from rixin.interop.row_source import Row, RowSource, name_columns

_EXCEL_ERRORS = frozenset({"#N/A", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})

_BROKEN = (BadZipFile, EOFError, SyntaxError, zlib.error)
"""What a damaged archive or damaged XML raises."""


class XlsxRows(RowSource):
    """Rows of one sheet of a workbook; the first row that is not empty is the header.

    Texts that cells share are held in memory as long as the workbook is open, as the format
    keeps them in a table of their own.

    Args:
        path: A file that is there and not empty.
        sheet: Name of the sheet; None takes the first one that is shown and looks like a table.

    Raises:
        CasesError: The file is no workbook, there is no such sheet, or it has no header.
        MissingExtra: The extra `xlsx` is not installed.
    """

    unit = "row"

    def __init__(self, path: Path, *, sheet: str | None = None) -> None:
        super().__init__(path)
        self.sheet, self.sheets = sheet, []
        with self._open() as book:
            self.sheets = list(book.sheetnames)
            self.sheet = self._pick(book, sheet)
            header = next(_filled(book[self.sheet]), None)
        if header is None:
            raise CasesError(
                f"{path}: the sheet {self.sheet!r} is empty",
                hint=f"name another sheet; the workbook has {', '.join(self.sheets)}",
            )
        cells = [to_text(cell) for cell in header[1]]
        while cells and cells[-1] is None:
            cells.pop()
        self.columns = name_columns(cells, self.where(header[0]))

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows as a stream; empty rows are passed over."""
        names = self.columns if columns is None else list(columns)
        self.require(names)
        places = [(name, self.columns.index(name)) for name in names]
        width, number = len(self.columns), 0
        with self._open() as book:
            for number, cells in islice(_filled(book[self.sheet]), 1, None):
                if any(cell is not None for cell in cells[width:]):
                    raise CasesError(
                        f"{self.where(number)}: a cell right of the last named column is filled",
                        hint="give that column a name in the header, or empty the cell",
                    )
                yield Row(number, {name: _cell(cells, place) for name, place in places})
        if not number:
            raise self.no_rows()

    def where(self, number: int) -> str:
        """The place of a row, with its sheet."""
        return f"{self.path}, sheet {self.sheet!r}, row {number}"

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            from openpyxl import load_workbook
        except ImportError:
            raise MissingExtra(f"reading {self.path.name!r}", "xlsx") from None
        try:
            with warnings.catch_warnings():
                # It warns of styles and extensions that it passes over: no matter for values.
                warnings.simplefilter("ignore", UserWarning)
                book = load_workbook(self.path, read_only=True, data_only=True)
        except (*_BROKEN, KeyError, ValueError) as error:
            raise self._broken(error) from None
        try:
            yield book
        except _BROKEN as error:
            raise self._broken(error) from None
        finally:
            book.close()

    def _broken(self, error: Exception) -> CasesError:
        return CasesError(
            f"{self.path}: the workbook cannot be read: {error}",
            hint="open it in a spreadsheet program and save it again as .xlsx",
        )

    def _pick(self, book: Any, name: str | None) -> str:
        shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if name is None and shown:
            # A cover sheet or notes often come before the table.
            return str(next(filter(_is_table, shown), shown[0]).title)
        if name not in [sheet.title for sheet in book.worksheets]:
            raise CasesError(
                f"{self.path}: there is no sheet {name!r}",
                hint=nearest_hint(name or "", self.sheets),
            )
        return str(name)


def _is_table(sheet: Any) -> bool:
    head = list(islice(_filled(sheet), 2))
    return len(head) == 2 and sum(cell is not None for cell in head[0][1]) > 1


def _filled(sheet: Any) -> Iterator[tuple[int, tuple[object, ...]]]:
    # Some programs write a wrong size into the sheet, which would cut rows off.
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if any(cell is not None for cell in cells):
            yield number, cells


def _cell(cells: tuple[object, ...], place: int) -> object:
    cell = cells[place] if place < len(cells) else None
    return None if isinstance(cell, str) and cell in _EXCEL_ERRORS else cell
