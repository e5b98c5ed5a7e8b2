"""What every reader gives: named columns, and rows as a stream."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from rixin.errors import CasesError, nearest_hint


class Row(NamedTuple):
    """One row of a file of cases."""

    number: int
    """The place in the file, counted from 1: a line of a text file, a row of a table."""
    values: Mapping[str, object]
    """Column → cell; a cell that is not there is None."""


class CsvForm(NamedTuple):
    """How a CSV file is written, beside what is in it."""

    delimiter: str = ","
    line_end: str = "\r\n"
    mark: bool = False
    """Whether a byte order mark says that it is UTF-8."""
    quoted: bool = False
    """Whether all cells are in quotes."""
    names_delimiter: bool = False
    """Whether the first line only names the delimiter: `sep=;`."""


class RowSource(ABC):
    """A file of rows. Each iteration opens the file anew, so passes may be repeated."""

    unit: ClassVar[str]
    """What `Row.number` counts: `line`, `row` or `item`."""
    columns: list[str]
    titles: Sequence[str] = ()
    """The columns as the file has them, with blanks around them or empty; none: as `columns`."""
    form: CsvForm | None = None
    """Of a CSV file."""
    delimiter: str | None = None
    """Of a CSV file."""
    sheet: str | None = None
    """Of a workbook."""
    header_row: int | None = None
    """The row, or line, that names the columns; 0: none does; None: the first one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def top(self, limit: int) -> list[tuple[int, list[str | None]]]:
        """The first rows as the file has them, with what stands above the names of the columns.

        Args:
            limit: So many at most.
        """
        return []

    def remarks(self) -> tuple[str, ...]:
        """What a reader has to know of how the file is made, as far as it was read."""
        return ()

    @abstractmethod
    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows as a stream.

        Args:
            columns: Give only these; None gives all, and of JSON only the keys that a row has.

        Raises:
            CasesError: The file is broken, or it has no row.
        """

    def records(self, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
        """The cells of some columns, in their order, a tuple for each row; a column may repeat.

        Raises:
            CasesError: The file is broken, or it has no row.
        """
        for row in self.rows(list(dict.fromkeys(columns))):
            yield tuple(map(row.values.get, columns))

    def __iter__(self) -> Iterator[Row]:
        return self.rows()

    def find_columns(self) -> list[str]:
        """All columns, also those that come late: a file of JSON lines is read to its end.

        Raises:
            CasesError: The file is broken.
        """
        return self.columns

    def arrow(self, columns: Sequence[str]) -> Mapping[str, object]:
        """Columns as Arrow has them, with their types; empty where the file has no types.

        Args:
            columns: Names; those that are not in the file are passed over.
        """
        return {}

    def where(self, number: int) -> str:
        """The place of a row, for a message."""
        return f"{self.path}, {self.unit} {number}"

    def require(self, names: Sequence[str]) -> None:
        """Refuses names that are not columns of the file.

        Raises:
            CasesError: A name is not there; the hint has the nearest column.
        """
        for name in names:
            if name not in self.columns and name not in self.find_columns():
                known = ", ".join(map(repr, self.columns[:20]))
                more = " …" if len(self.columns) > 20 else ""
                raise CasesError(
                    f"{self.path}: there is no column {name!r}; its columns are {known}{more}",
                    hint=nearest_hint(name, self.columns),
                )

    def no_header(self, number: int) -> CasesError:
        """The error of a file without the row that should name its columns."""
        return CasesError(
            f"{self.path}: {self.unit} {number} should name the columns, and is empty or not there",
            hint=f"header_row is the number of that {self.unit}, from 1; 0: none names them",
        )

    def no_rows(self) -> CasesError:
        """The error of a file that names columns and has no row."""
        return CasesError(
            f"{self.path}: there is a header and no row below it", hint="add at least one case"
        )


def name_columns(cells: Sequence[str | None], where: str) -> list[str]:
    """Column names from a header; a column without a name gets one from its place.

    Args:
        cells: The header as read.
        where: The place of the header, for a message.

    Raises:
        CasesError: Two columns have the same name.

    Examples:
        >>> name_columns(["text ", None, "queue"], "a.csv, line 1")
        ['text', 'column 2', 'queue']
    """
    names: dict[str, int] = {}
    for place, cell in enumerate(cells, 1):
        name = (cell or "").strip() or f"column {place}"
        if name in names:
            raise CasesError(
                f"{where}: columns {names[name]} and {place} are both named {name!r}",
                hint="give each column its own name",
            )
        names[name] = place
    return list(names)
