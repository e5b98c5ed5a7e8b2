"""Merkle tree heads as in RFC 6962: one hash that stands for a whole log, at any length of it."""

import hashlib
from collections.abc import Iterable, Sequence


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry (RFC 6962 §2.1: a leaf and a node can never be taken for each other).

    Examples:
        >>> leaf_hash(b"").hex()[:16]
        '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The subtrees of a log that only grows: a new entry takes time and memory of log n.

    Args:
        size: Entries so far, at least 0.
        peaks: Hashes of the perfect subtrees of the `size` entries, the largest first.

    Raises:
        ValueError: So many peaks do not belong to this size.

    Examples:
        >>> log = Frontier()
        >>> for entry in (b"a", b"b", b"c"):
        ...     log.append(leaf_hash(entry))
        >>> log.root() == tree_head([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
        True
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size, self.peaks = size, list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ValueError(f"{len(self.peaks)} peaks do not belong to {size} entries")

    def append(self, leaf: bytes) -> None:
        """Adds the hash of the next entry."""
        node, rest = leaf, self.size
        while rest & 1:
            node = node_hash(self.peaks.pop(), node)
            rest >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The tree head: a hash of all entries and their order."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        *others, node = self.peaks
        for peak in reversed(others):
            node = node_hash(peak, node)
        return node


def tree_head(leaves: Sequence[bytes]) -> bytes:
    """The head of a whole tree, given the hashes of its entries in order."""
    log = Frontier()
    for leaf in leaves:
        log.append(leaf)
    return log.root()
