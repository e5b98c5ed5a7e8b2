"""What a Parquet file says of its own size, which its reader does not tell before it unpacks."""

from typing import Any, NamedTuple

_STOP, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 7, 8, 9, 10, 11, 12


class Footer(NamedTuple):
    """Sizes, as the file says them."""

    rows: int
    unpacked: int
    """Bytes of all columns together."""
    largest: int
    """Bytes of the largest column of a row group, which may be one page."""


def read_footer(data: bytes) -> Footer:
    """The sizes in the metadata of a Parquet file.

    Args:
        data: The bytes of the metadata, in Thrift's compact protocol.

    Raises:
        ValueError: They are no such metadata.

    References:
        Apache Parquet, `parquet.thrift`: FileMetaData, RowGroup, ColumnMetaData.
    """
    try:
        metadata = _Reader(data).struct()
        columns = [column[3] for group in metadata[4] for column in group[1]]
        sizes = [int(column[6]) for column in columns]
        return Footer(int(metadata[3]), sum(sizes), max(sizes, default=0))
    except (IndexError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("its metadata cannot be read") from error


class _Reader:
    """Thrift's compact protocol: structs become `{number of the field: value}`."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        last = 0
        while (head := self._byte()) != _STOP:
            last = last + (head >> 4) if head >> 4 else self._integer()
            kind = head & 15
            # The kind of a truth is its value.
            fields[last] = kind == 1 if kind in {1, 2} else self._value(kind)
        return fields

    def _value(self, kind: int) -> Any:
        if kind == _STRUCT:
            return self.struct()
        if kind in {_LIST, _SET}:
            return self._list()
        if kind == _MAP:
            return self._map()
        if kind in {_BINARY, _DOUBLE}:
            size = 8 if kind == _DOUBLE else self._varint()
            self._at += size
            if self._at > len(self._data):  # else a list of a billion doubles would be walked
                raise IndexError
            return self._data[self._at - size : self._at]
        if kind in {1, 2, 3}:
            return self._byte()
        return self._integer()

    def _list(self) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 != 15 else self._varint()
        return [self._value(head & 15) for _ in range(size)]

    def _map(self) -> None:
        size = self._varint()
        kinds = self._byte() if size else 0
        for _ in range(size):
            self._value(kinds >> 4)
            self._value(kinds & 15)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def _integer(self) -> int:
        """Zigzag: small numbers of either sign are short."""
        value = self._varint()
        return value >> 1 ^ -(value & 1)
