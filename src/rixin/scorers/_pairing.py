"""How much of a JSON value is in another, where the items of lists may stand in any order.

Fields of one item belong together: items are paired, and only what agrees within a pair counts.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TypeAlias

from rixin.scorers.base import comparable_text

Leaf: TypeAlias = tuple[str, str, object]
"""Path, kind, comparable value."""
Node: TypeAlias = "Leaf | Fields | Items"
_MOST_PAIRS = 40_000
"""Pairs of items that are weighed; of longer lists, items that differ are paired as they come."""


class Fields(frozenset[tuple[str, "Node"]]):
    """The fields of an object: name and value."""


class Items(frozenset[tuple["Node", int]]):
    """The items of a list: each with how often it is there."""


def comparable(value: object, path: str = "") -> Node:
    """A value whose equality is that of a reader: the order of keys and items does not count.

    Texts are compared without regard to case, spacing and Unicode form, numbers by value. An empty
    object or list is there: it is not the same as nothing.

    Examples:
        >>> comparable({"a": [1, 2]}) == comparable({"a": [2, 1.0]})
        True
    """
    if isinstance(value, dict) and value:
        inner = ((name, f"{path}.{name}" if path else name) for name in value)
        return Fields((name, comparable(value[name], below)) for name, below in inner)
    if isinstance(value, list) and value:
        return Items(Counter(comparable(item, f"{path}[]") for item in value).items())
    return path, *_scalar(value)


def leaves_of(node: Node) -> Counter[str]:
    """Path → how many scalars it has."""
    if isinstance(node, Fields):
        return _sum((leaves_of(inner), 1) for _, inner in node)
    if isinstance(node, Items):
        return _sum((leaves_of(item), count) for item, count in node)
    return Counter({node[0]: 1})


def shared(left: Node, right: Node) -> Counter[str]:
    """Path → how many scalars are the same in both, items of lists paired as well as they can be.

    Examples:
        >>> a = comparable([{"sku": "a", "n": 2}, {"sku": "b", "n": 1}])
        >>> b = comparable([{"sku": "a", "n": 1}, {"sku": "b", "n": 2}])
        >>> shared(a, b).total(), leaves_of(a).total()
        (2, 4)
    """
    if left == right:
        return leaves_of(left)
    if isinstance(left, Fields) and isinstance(right, Fields):
        other = dict(right)
        return _sum((shared(inner, other[name]), 1) for name, inner in left if name in other)
    if isinstance(left, Items) and isinstance(right, Items):
        return _shared_items(left, right)
    return Counter()


def _shared_items(left: Items, right: Items) -> Counter[str]:
    here, there = Counter(dict(left)), Counter(dict(right))
    same = here & there
    found = _sum((leaves_of(item), count) for item, count in same.items())
    rest = [sorted((items - same).elements(), key=_order) for items in (here, there)]
    return found + _sum((shared(*pair), 1) for pair in _pairs(*rest))


def _pairs(left: Sequence[Node], right: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    """Pairs of items that agree in as many scalars as possible together."""
    if len(left) * len(right) > _MOST_PAIRS:
        yield from zip(left, right, strict=False)
    elif left and right:
        from scipy.optimize import linear_sum_assignment

        weights = [[-_likeness(one, other) for other in right] for one in left]
        rows, columns = linear_sum_assignment(weights)
        yield from ((left[row], right[column]) for row, column in zip(rows, columns, strict=True))


def _likeness(left: Node, right: Node) -> float:
    """How many scalars two items share; of equal numbers more texts, which name things, decide."""
    both, texts = shared(left, right), _texts(left)
    return both.total() + sum(both[path] for path in texts) / (1 + 2 * both.total())


def _texts(node: Node) -> set[str]:
    if isinstance(node, Fields):
        return {path for _, inner in node for path in _texts(inner)}
    if isinstance(node, Items):
        return {path for item, _ in node for path in _texts(item)}
    return {node[0]} if node[1] == "text" else set()


def _order(node: Node) -> str:
    """The same for equal nodes in every process, which their hashes are not."""
    if isinstance(node, Fields):
        return repr(sorted((name, _order(inner)) for name, inner in node))
    if isinstance(node, Items):
        return repr(sorted((_order(item), count) for item, count in node))
    return repr(node)


def _scalar(value: object) -> tuple[str, object]:
    if isinstance(value, bool) or value is None:
        return "constant", value
    if isinstance(value, str):
        return "text", comparable_text(value)
    if isinstance(value, dict | list):
        return "empty", type(value).__name__
    return "number", Decimal(str(value)).normalize()


def _sum(counters: Iterable[tuple[Counter[str], int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one, times in counters:
        for path, count in one.items():
            total[path] += count * times
    return total
