"""Opens a file of cases: finds its format, and says clearly why a file cannot be opened."""

import hashlib
from pathlib import Path
from typing import Literal

from rixin.errors import CasesError
from rixin.interop.csv_reader import CsvRows
from rixin.interop.encodings import python_encoding
from rixin.interop.jsonl_reader import JsonArrayRows, JsonlRows
from rixin.interop.nearby import files_hint, missing_hint
from rixin.interop.row_source import RowSource

Format = Literal["csv", "jsonl", "json", "parquet", "xlsx"]
SUFFIXES = frozenset(
    {".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx"}
)
"""Names that a file of cases has; others are opened by what is in them."""
_WHAT = "file of cases"
_REFUSED = (
    (b"\xd0\xcf\x11\xe0", "an old or locked Excel file", "save it as .xlsx without a password"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first"),
    (b"BZh", "compressed with bzip2", "unpack it first"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it first"),
    (b"(\xb5/\xfd", "compressed with zstd", "unpack it first"),
    (b"%PDF", "a PDF", "export the cases as CSV or JSON lines"),
    (b"SQLite format 3\0", "an SQLite database", "export the cases as CSV or JSON lines"),
)


def open_rows(
    path: Path,
    *,
    encoding: str = "utf-8",
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
) -> RowSource:
    """Opens a CSV, TSV, JSON lines, JSON, Parquet or XLSX file as a stream of rows.

    Args:
        path: The file.
        encoding: Of a text file.
        delimiter: Of a CSV file; None finds it.
        sheet: Of a workbook; None takes the first one.
        header_row: The row, or line, that names the columns; 0: none does; None: the first one.

    Raises:
        CasesError: The file cannot be opened or has no header.
        MissingExtra: Its format needs an extra that is not installed.
    """
    check_file(path)
    kind = find_format(path, encoding)
    if kind == "parquet":
        from rixin.interop.parquet_reader import ParquetRows

        return ParquetRows(path)
    if kind == "xlsx":
        from rixin.interop.xlsx_reader import XlsxRows

        return XlsxRows(path, sheet=sheet, header_row=header_row)
    if kind == "csv":
        return CsvRows(path, encoding=encoding, delimiter=delimiter, header_row=header_row)
    reader = JsonArrayRows if kind == "json" else JsonlRows
    return reader(path, encoding=encoding)


def check_file(path: Path) -> None:
    """Refuses what is no readable file with something in it.

    Raises:
        CasesError: With the nearest file of the folder in its hint.
    """
    if path.is_dir():
        raise CasesError(f"{path} is a folder, not a file", hint=files_hint(path, SUFFIXES, _WHAT))
    if not path.exists():
        raise CasesError(f"{path}: there is no such file", hint=missing_hint(path, SUFFIXES, _WHAT))
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise CasesError(
            f"{path}: the file cannot be read: {error.strerror}", hint="check its permissions"
        ) from None
    if not first:
        raise CasesError(f"{path}: the file is empty", hint="export the cases again")


def find_format(path: Path, encoding: str = "utf-8") -> Format:
    """The format of a file: what its first bytes say, then its name, then its first character.

    Raises:
        CasesError: The file is of a kind that holds no rows.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    for magic, what, mend in _REFUSED:
        if head.startswith(magic):
            raise CasesError(f"{path}: the file is {what}", hint=mend)
    suffix = path.suffix.lower()
    if head.startswith(b"PAR1") or suffix == ".parquet":
        return "parquet"
    if head.startswith(b"PK\x03\x04") or suffix in {".xlsx", ".xlsm"}:
        return "xlsx"
    if suffix in {".csv", ".tsv", ".tab"}:
        return "csv"
    return _text_format(head.decode(python_encoding(encoding), "ignore").lstrip(), suffix)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hex digits.

    Raises:
        CasesError: The file cannot be read.
    """
    check_file(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text_format(head: str, suffix: str) -> Format:
    if head.startswith("[") and suffix not in {".jsonl", ".ndjson", ".txt"}:
        return "json"
    if head.startswith("{") or suffix in {".jsonl", ".ndjson", ".json"}:
        return "jsonl"
    return "csv"
