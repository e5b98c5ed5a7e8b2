"""Parquet files as rows; the only module that imports arro3."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from rixin.errors import CasesError, MissingExtra
from rixin.interop.parquet_footer import read_footer
from rixin.interop.row_source import Row, RowSource, name_columns

_MAGIC = b"PAR1"
_UNPACKED, _RATIO = 64 << 20, 100
"""Bytes to which any file may unpack, and how many times its size."""
_LARGEST = 1 << 30
"""Bytes of a column of a row group: it may be one page, which is unpacked as a whole."""
_ROWS = 1_000_000
"""Rows that any file may have; beyond, a hundred for each of its bytes."""


_TRIAL = """\
import sys
from arro3.io import read_parquet
for batch in read_parquet(sys.argv[1]):
    for place in range(batch.num_columns):
        batch.column(place).to_pylist()
"""


@lru_cache(maxsize=64)
def _tried(path: str, *_version: int) -> str:
    """Why a file cannot be read to its end; empty: it can be.

    On a damaged page the library ends its whole process, which nothing can catch. So a child reads
    the file first, once for each version of it.
    """
    child = subprocess.run(  # noqa: S603 - our own words, and a path that is no option
        [sys.executable, "-c", _TRIAL, str(Path(path).absolute())],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if child.returncode >= 0:  # whatever else is wrong with it is told while it is read
        return "a part of it is damaged" if b"PanicException" in child.stderr else ""
    return f"reading it ends with {signal.Signals(-child.returncode).name}: a page of it is damaged"


class ParquetRows(RowSource):
    """Rows of a Parquet file, a batch at a time.

    Args:
        path: A file that is there and not empty.

    Raises:
        CasesError: The file is no Parquet, broken, or unpacks to too much.
        MissingExtra: The extra `parquet` is not installed.
    """

    unit = "row"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._check()
        names = list(self._open().schema.names)
        self.columns = name_columns(names, str(path))

    def rows(self, columns: Sequence[str] | None = None) -> Iterator[Row]:
        """The rows as a stream."""
        names = self.columns if columns is None else list(columns)
        self.require(names)
        places = [self.columns.index(name) for name in names]
        done = 0
        for batch in self._batches():
            cells = [batch.column(place).to_pylist() for place in places]
            for number, values in enumerate(zip(*cells, strict=True), done + 1):
                yield Row(number, dict(zip(names, values, strict=True)))
            done += batch.num_rows
        if not done:
            raise self.no_rows()

    def arrow(self, columns: Sequence[str]) -> Mapping[str, Any]:
        """As in `RowSource`."""
        from arro3.core import Table

        table = Table.from_batches(list(self._batches()), schema=self._open().schema)
        places = {name: place for place, name in enumerate(self.columns) if name in columns}
        return {name: table.column(place) for name, place in places.items()}

    def _batches(self) -> Iterator[Any]:
        reader = self._open()
        while True:
            try:
                batch = next(reader)
            except StopIteration:
                return
            except BaseException as error:
                # arro3 raises the bare class, so no narrower one can be named, or panics.
                if type(error) is not Exception and type(error).__name__ != "PanicException":
                    raise
                raise self._broken(error) from None
            yield batch

    def _open(self) -> Any:
        try:
            from arro3.io import read_parquet
        except ImportError:
            raise MissingExtra(f"reading {self.path.name!r}", "parquet") from None
        try:
            return read_parquet(str(self.path))
        except BaseException as error:
            # A broken footer makes arro3 panic, which is not an Exception.
            if type(error).__name__ != "PanicException":
                raise
            raise self._broken(error) from None

    def _check(self) -> None:
        """Refuses what is no whole Parquet file, or small as a file and large in memory."""
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            head = file.read(4)
            file.seek(max(0, size - 8))
            tail = file.read(8)
            length = int.from_bytes(tail[:4], "little")
            if head != _MAGIC or tail[4:] != _MAGIC or length + 12 > size:
                raise self._broken("its first or last bytes are not those of a whole Parquet file")
            file.seek(size - 8 - length)
            data = file.read(length)
        try:
            footer = read_footer(data)
        except ValueError as error:
            raise self._broken(error) from None
        too_large = footer.unpacked > max(_UNPACKED, _RATIO * size) or footer.largest > _LARGEST
        if too_large or footer.rows > _ROWS + _RATIO * size:
            raise CasesError(
                f"{self.path}: the Parquet file of {size:,} bytes unpacks to"
                f" {footer.unpacked:,} in {footer.rows:,} rows, which is too much to read",
                hint="write it anew with less in each file, or as CSV or JSON lines",
            )
        seen = self.path.stat()
        reason = _tried(str(self.path), seen.st_ino, seen.st_size, seen.st_mtime_ns)
        if reason:
            raise self._broken(reason)

    def _broken(self, reason: object) -> CasesError:
        return CasesError(
            f"{self.path}: the Parquet file cannot be read: {reason}",
            hint="download or export the file again",
        )
