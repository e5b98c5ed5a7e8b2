"""The scorer for JSON outputs: valid by the schema, and right field by field."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from rixin.core.ids import normalise
from rixin.core.outcome import Score
from rixin.core.structured import leaves, parse_json, schema_validator
from rixin.scorers.base import ExpectationScorer, missed, unscored

Leaf = tuple[str, str, object]


class JsonScorer(ExpectationScorer):
    """F1 over the fields of output and expectation; solved when valid and at the threshold.

    A field is a path with a scalar at its end; the order within a list does not count. Texts are
    compared without regard to case, spacing and Unicode form, numbers by value.

    Args:
        schema: JSON Schema of the output; None: any JSON.
        threshold: In (0, 1]; solved from this score.
        fields: Names of the top-level fields that count; empty: all.

    Raises:
        UsageError: The schema itself does not hold.
    """

    def __init__(
        self,
        schema: Mapping[str, object] | None = None,
        threshold: float = 1.0,
        fields: Sequence[str] = (),
    ) -> None:
        options = {"schema": schema, "threshold": threshold, "fields": sorted(fields)}
        if schema is not None:
            options["checker"] = 2  # the second one: it looks at all words and formats
        super().__init__("json", options)
        self._check = None if schema is None else schema_validator(schema)
        self._threshold = threshold
        self._fields = frozenset(fields)

    def _judge(self, expected: str, output: str) -> Score:
        try:
            wanted = self._leaves(parse_json(expected))
        except ValueError as error:
            return unscored(f"the expected output is not JSON: {error}")
        try:
            value = parse_json(output)
        except ValueError as error:
            return missed(f"not JSON: {error}")
        wrong = None if self._check is None else self._check(value)
        return self._compare(wanted, self._leaves(value), wrong)

    def _compare(self, wanted: Counter[Leaf], given: Counter[Leaf], wrong: str | None) -> Score:
        total = wanted.total() + given.total()
        value = 2 * (wanted & given).total() / total if total else 1.0
        reason = _difference(wanted, given)
        if wrong is not None:
            reason = f"not valid by the schema: {wrong}"
        solved = wrong is None and value >= self._threshold
        parts = (*_field_scores(wanted, given), ("valid", float(wrong is None)))
        return Score(value=value, solved=solved, reason="" if solved else reason, parts=parts)

    def _leaves(self, value: object) -> Counter[Leaf]:
        if self._fields and isinstance(value, dict):
            value = {name: inner for name, inner in value.items() if name in self._fields}
        return Counter((path, *_comparable(leaf)) for path, leaf in leaves(value))


def _comparable(leaf: object) -> tuple[str, object]:
    if isinstance(leaf, bool) or leaf is None:
        return "constant", leaf
    if isinstance(leaf, str):
        return "text", normalise(leaf)
    return "number", Decimal(str(leaf)).normalize()


def _field_scores(
    wanted: Counter[Leaf], given: Counter[Leaf]
) -> tuple[tuple[str, float | None], ...]:
    names = sorted({path for path, _, _ in wanted})
    return tuple((name, _field_score(name, wanted, given)) for name in names)


def _field_score(name: str, wanted: Counter[Leaf], given: Counter[Leaf]) -> float:
    left = Counter({leaf: n for leaf, n in wanted.items() if leaf[0] == name})
    right = Counter({leaf: n for leaf, n in given.items() if leaf[0] == name})
    return 2 * (left & right).total() / (left.total() + right.total())


def _difference(wanted: Counter[Leaf], given: Counter[Leaf]) -> str:
    lacking = sorted({path for path, _, _ in wanted - given})
    extra = sorted({path for path, _, _ in given - wanted} - set(lacking))
    shown = [*(f"{path} is wrong" for path in lacking), *(f"{path} is too much" for path in extra)]
    return ", ".join(shown[:5]) + (" …" if len(shown) > 5 else "")
