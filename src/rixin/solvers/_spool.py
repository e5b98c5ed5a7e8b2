"""Many small records found by key: in memory while they are few, in a temporary file after that.

The index of the file takes 24 bytes a record.
"""

import hashlib
import json
import os
import tempfile
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Record = Sequence[object]
"""The cells of a record; a cell that JSON cannot hold comes back as a text."""
_IN_MEMORY = 50_000
"""Records; a record of a few short cells takes about half a kilobyte."""
_SIMPLE = frozenset({str, int, float, bool, type(None)})
"""Types of cells that come out of the file as they went in."""


class Spool:
    """Add records, seal, then find them; of several records of a key the last one is found.

    Args:
        small: The records are known to be small, so that many of them may stay in memory.
    """

    def __init__(self, *, small: bool = False) -> None:
        self._few: dict[str, Record] | None = {} if small else None
        self._file = None if small else _File()

    @property
    def in_memory(self) -> bool:
        """Whether finding a record takes no reading."""
        return self._few is not None

    def add(self, key: str, record: Record) -> None:
        """Stores a record under its key."""
        if self._few is not None:
            simple = _SIMPLE.issuperset(map(type, record))
            self._few[key] = record if simple else json.loads(_write(record))
            if len(self._few) > _IN_MEMORY:
                self._move()
            return
        assert self._file is not None
        self._file.append(key, record)

    def seal(self) -> None:
        """Builds the index; nothing is added afterwards."""
        if self._file is not None:
            self._file.seal()

    def find(self, keys: Sequence[str]) -> list[Record | None]:
        """The last record of each key, or None where there is none."""
        if self._few is not None:
            return list(map(self._few.get, keys))
        assert self._file is not None
        return self._file.find(keys)

    def close(self) -> None:
        """Removes the file."""
        if self._file is not None:
            self._file.close()

    def _move(self) -> None:
        assert self._few is not None
        self._file = _File()
        for key, record in self._few.items():
            self._file.append(key, record)
        self._few = None


class _File:
    """Records in a temporary file, with an index in memory."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="rixin-", buffering=1 << 20)  # noqa: SIM115
        self._hashes = array("Q")
        self._offsets = array("Q", (0,))
        self._index: NDArray[np.uint64] | None = None
        self._order: NDArray[np.int64] | None = None

    def append(self, key: str, record: Record) -> None:
        line = _write([key, record]).encode("utf-8", "surrogatepass")
        self._file.write(line)
        self._hashes.append(_hash(key))
        self._offsets.append(self._offsets[-1] + len(line))

    def seal(self) -> None:
        import numpy as np

        self._file.flush()
        hashes = np.frombuffer(self._hashes, dtype=np.uint64)
        self._order = np.argsort(hashes, kind="stable")
        self._index = hashes[self._order]
        self._hashes = array("Q")

    def find(self, keys: Sequence[str]) -> list[Record | None]:
        import numpy as np

        assert self._index is not None
        assert self._order is not None
        wanted = np.fromiter(map(_hash, keys), dtype=np.uint64, count=len(keys))
        last = np.searchsorted(self._index, wanted, side="right") - 1
        return [
            self._read(int(self._order[place]), key)
            if place >= 0 and self._index[place] == want
            else None
            for key, place, want in zip(keys, last, wanted, strict=True)
        ]

    def close(self) -> None:
        self._file.close()

    def _read(self, row: int, key: str) -> Record | None:
        begin, end = self._offsets[row], self._offsets[row + 1]
        data = os.pread(self._file.fileno(), end - begin, begin)
        stored, record = json.loads(data.decode("utf-8", "surrogatepass"))
        return record if stored == key else None


_write = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""Built once: `json.dumps` with options builds an encoder for each record."""


def _hash(key: str) -> int:
    data = key.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
