"""Regular expressions of users: none that can take for ever, and long texts in short steps."""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import product
from typing import Any, NamedTuple

_parser: Any = import_module("re._parser")
c: Any = import_module("re._constants")
_WINDOW = 512
"""Characters in which a match is sought in one step: `re` lets no other thread run meanwhile."""
_REACH = 2_048
"""Characters behind its first one in which a match of any length is sought."""
_EDGE = 256
"""A match that ends so near the end of what was looked at is looked at again, with more behind."""
_AGAIN = 64
"""So many times: else each of many digits would be followed to the last one."""
_MANY = 10
"""From so many repetitions on, a bounded one is as slow as one without a bound."""
_MOST_PLACES = 200
_SAMPLES = "aZ5_ \n\té中٣!-.,:;/@\"'\\<>()[]{}=+*#"
_Node = tuple[Any, Any]


@lru_cache(maxsize=1024)
def compile_regex(expression: str) -> re.Pattern[str]:
    """A user's regular expression, compiled; what Python may read otherwise one day is no matter.

    Raises:
        ValueError: It is not a regular expression, or there are short texts on which it takes for
            ever, since what repeats in it can match the same text in many ways.

    Examples:
        >>> compile_regex("(")
        Traceback (most recent call last):
        ValueError: '(' is not a regular expression: missing ), unterminated subpattern at position 0
        >>> compile_regex("(a+)+")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: '(a+)+' takes for ever on some texts: ...
    """
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            pattern = re.compile(expression)
            tree = _parser.parse(expression)
        endless = any(_is_endless(*loop) for loop in _loops(tree, pattern.flags))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{expression!r} is not a regular expression: {error}") from error
    if endless:
        raise ValueError(
            f"{expression!r} takes for ever on some texts: a part that repeats stands in another"
            " that repeats, and both can match the same; leave one of the two out, or write the"
            " inner one as (?>…)"
        )
    return pattern


def find_matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The same as `pattern.finditer(text)`, in short steps where the text is long.

    A match that needs more than some thousand characters to be told is not found in a long text,
    unless the pattern itself says how long it may be.

    Args:
        pattern: As `compile_regex` gives it.
        text: Any text.

    Examples:
        >>> [match[0] for match in find_matches(compile_regex("a[0-9]+"), "a1 a22")]
        ['a1', 'a22']
    """
    reach = _reach_of(pattern.pattern)
    if reach is None or len(text) <= _WINDOW + reach:
        yield from pattern.finditer(text)
        return
    place, again = 0, _AGAIN
    while place < len(text):
        stop = place + _WINDOW
        match = pattern.search(text, place, stop + reach)
        if match is None or match.start() >= stop:
            place = stop
            continue
        start, whole = match.start(), match
        if match.end() > stop + reach - _EDGE and stop + reach < len(text):
            again -= 1
            found = _with_more_behind(pattern, text, start, stop + reach) if again > 0 else None
            place = start + 1
            if found is None:
                continue
            whole = found
        yield whole
        place = max(start + 1, whole.end())


def find_first(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The same as `pattern.search(text)`, in short steps where the text is long."""
    if len(text) <= _WINDOW:  # most texts are, and rules look at each of them
        return pattern.search(text)
    return next(find_matches(pattern, text), None)


def _with_more_behind(
    pattern: re.Pattern[str], text: str, start: int, limit: int
) -> re.Match[str] | None:
    """A match where one ends at the end of what was looked at, which may be no end of the text."""
    found = pattern.match(text, start, limit)
    while found is not None and found.end() > limit - _EDGE and limit < len(text):
        limit += limit - start
        found = pattern.match(text, start, limit)
    return found


@lru_cache(maxsize=1024)
def _reach_of(expression: str) -> int | None:
    """How far a pattern looks from its first character; None: it may look at the whole text."""
    with warnings.catch_warnings(action="ignore", category=FutureWarning):
        tree = _parser.parse(expression)
    for code, value in _nodes(tree):
        if code in {c.ASSERT, c.ASSERT_NOT} and value[1].getwidth()[1] > _EDGE:
            return None
    longest = tree.getwidth()[1]
    return longest + _EDGE if longest < 16_384 else _REACH


def _nodes(tree: Any) -> Iterator[_Node]:
    """All nodes of a parsed expression."""
    for node in tree:
        yield node
        for part in _parts(node):
            yield from _nodes(part)


def _parts(node: _Node) -> Sequence[Any]:
    """The expressions inside of a node."""
    code, value = node
    if code is c.BRANCH:
        return list(value[1])
    if code is c.ATOMIC_GROUP:
        return [value]
    if code is c.GROUPREF_EXISTS:
        return [part for part in value[1:] if part is not None]
    holds_one = code in {*_REPEATS, c.SUBPATTERN, c.ASSERT, c.ASSERT_NOT}
    return [value[-1]] if holds_one else []


_REPEATS = {c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT}
_LOOPS = {c.MAX_REPEAT, c.MIN_REPEAT}


def _loops(tree: Any, flags: int) -> Iterator[tuple[_Node, int]]:
    """What repeats without an end, with the flags that hold there."""
    for node in tree:
        code, value = node
        if code in _LOOPS and value[1] >= _MANY:
            yield node, flags
        inside = (flags | value[1]) & ~value[2] if code is c.SUBPATTERN else flags
        for part in _parts(node):
            yield from _loops(part, inside)


class _Ends(NamedTuple):
    """Where a part of an expression may begin and end, each place with the number of ways."""

    empty: int
    """In how many ways it may be left out."""
    first: Counter[int]
    last: Counter[int]


_NOTHING = _Ends(1, Counter(), Counter())


def _is_endless(loop: _Node, flags: int) -> bool:
    """Whether what repeats can match one text in two ways, so that n of them match it in 2ⁿ.

    References:
        N. Weideman et al. (2016), Analyzing matching time behavior of backtracking regular
        expression matchers by using ambiguity of NFA, CIAA.
    """
    graph = _Graph(flags)
    graph.read([loop])
    return len(graph.signs) <= _MOST_PLACES and graph.is_ambiguous()


class _Graph:
    """The automaton of an expression: its places, and which may follow which, in how many ways."""

    def __init__(self, flags: int) -> None:
        self.signs: list[frozenset[str]] = []
        """What may stand in a place, of some sample characters."""
        self.follow: Counter[tuple[int, int]] = Counter()
        self._flags = flags
        self._samples = set(_SAMPLES)

    def read(self, tree: Any) -> _Ends:
        """Adds a part of an expression."""
        self._samples |= {sample for node in _nodes(tree) for sample in _samples_of(node)}
        return self._read(tree)

    def is_ambiguous(self) -> bool:
        """Whether two different ways lead from a place back to it through the same text."""
        steps: dict[int, list[int]] = {}
        for before, after in self.follow:
            steps.setdefault(before, []).append(after)
        pairs: dict[tuple[int, int], list[tuple[int, int]]] = {}
        todo = [(place, place) for place in range(len(self.signs))]
        while todo:
            pair = todo.pop()
            if pair in pairs:
                continue
            both = product(steps.get(pair[0], ()), steps.get(pair[1], ()))
            pairs[pair] = [(a, b) for a, b in both if self.signs[a] & self.signs[b]]
            todo += pairs[pair]
        for place in range(len(self.signs)):
            there = _reached(pairs, (place, place))
            if any(a != b and (place, place) in _reached(pairs, (a, b)) for a, b in there):
                return True
            twice = (b for b in steps.get(place, ()) if self.follow[place, b] > 1)
            if any((place, place) in _reached(pairs, (b, b)) for b in twice):
                return True
        return False

    def _read(self, tree: Any) -> _Ends:
        ends = _NOTHING
        for node in tree:
            ends = self._joined(ends, self._node(node))
        return ends

    def _node(self, node: _Node) -> _Ends:
        code, value = node
        if code in {c.AT, c.ASSERT, c.ASSERT_NOT}:
            return _NOTHING
        if code in _LOOPS:
            return self._repeated(self._read(value[2]), value[0], value[1])
        if code is c.SUBPATTERN:
            return self._group(*value)
        if code in {c.BRANCH, c.GROUPREF_EXISTS}:
            return _either([self._read(part) for part in _parts(node)])
        # What does not go back (`(?>…)`, `a++`), and what stands for a group, is one sign.
        self.signs.append(frozenset(filter(lambda sign: self._fits(node, sign), self._samples)))
        place = Counter({len(self.signs) - 1: 1})
        return _Ends(0, place, place)

    def _group(self, _number: int | None, on: int, off: int, tree: Any) -> _Ends:
        flags, self._flags = self._flags, (self._flags | on) & ~off
        ends = self._read(tree)
        self._flags = flags
        return ends

    def _fits(self, node: _Node, sign: str) -> bool:
        code, value = node
        if code is c.ANY:
            return sign != "\n" or bool(self._flags & re.DOTALL)
        if code in {c.LITERAL, c.NOT_LITERAL, c.IN}:
            forms = {sign, sign.lower(), sign.upper()} if self._flags & re.IGNORECASE else {sign}
            return any(_fits_one(code, value, form) for form in forms)
        return True

    def _joined(self, a: _Ends, b: _Ends) -> _Ends:
        self._link(a.last, b.first)
        return _Ends(
            a.empty * b.empty,
            a.first + _times(b.first, a.empty),
            b.last + _times(a.last, b.empty),
        )

    def _repeated(self, ends: _Ends, least: int, most: int) -> _Ends:
        if most == 1:
            return ends._replace(empty=ends.empty + (least == 0))
        self._link(ends.last, ends.first)
        return ends._replace(empty=int(ends.empty > 0 or least == 0))

    def _link(self, last: Counter[int], first: Counter[int]) -> None:
        for (a, n), (b, m) in product(last.items(), first.items()):
            self.follow[a, b] += n * m


def _either(parts: Sequence[_Ends]) -> _Ends:
    first = sum((part.first for part in parts), Counter[int]())
    last = sum((part.last for part in parts), Counter[int]())
    return _Ends(sum(part.empty for part in parts), first, last)


def _times(ends: Counter[int], ways: int) -> Counter[int]:
    return Counter({place: count * ways for place, count in ends.items() if ways})


def _reached(
    pairs: dict[tuple[int, int], list[tuple[int, int]]], start: tuple[int, int]
) -> set[tuple[int, int]]:
    """The pairs that can be reached in one step or more, and the start."""
    seen, todo = {start}, [start]
    while todo:
        for pair in pairs[todo.pop()]:
            if pair not in seen:
                seen.add(pair)
                todo.append(pair)
    return seen


def _samples_of(node: _Node) -> Iterator[str]:
    code, value = node
    if code in {c.LITERAL, c.NOT_LITERAL}:
        yield chr(value)
    elif code is c.IN:
        for kind, item in value:
            if kind in {c.LITERAL, c.RANGE}:
                yield from map(chr, item if kind is c.RANGE else (item,))


_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    c.CATEGORY_DIGIT: str.isdecimal,
    c.CATEGORY_SPACE: str.isspace,
    c.CATEGORY_WORD: lambda sign: sign.isalnum() or sign == "_",
    c.CATEGORY_NOT_DIGIT: lambda sign: not sign.isdecimal(),
    c.CATEGORY_NOT_SPACE: lambda sign: not sign.isspace(),
    c.CATEGORY_NOT_WORD: lambda sign: not (sign.isalnum() or sign == "_"),
}


def _fits_one(code: Any, value: Any, sign: str) -> bool:
    if code is c.LITERAL:
        return bool(ord(sign) == value)
    if code is c.NOT_LITERAL:
        return bool(ord(sign) != value)
    listed = any(_is_listed(kind, item, sign) for kind, item in value)
    return listed != (value[0][0] is c.NEGATE)


def _is_listed(kind: Any, item: Any, sign: str) -> bool:
    if kind is c.LITERAL:
        return bool(ord(sign) == item)
    if kind is c.RANGE:
        return bool(item[0] <= ord(sign) <= item[1])
    return kind is c.CATEGORY and bool(_CATEGORIES[item](sign))
