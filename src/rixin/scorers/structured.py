"""The scorer for JSON outputs: valid by the schema, and right field by field."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rixin.core.outcome import Score
from rixin.core.structured import parse_json, schema_validator
from rixin.scorers._pairing import Node, comparable, leaves_of, shared
from rixin.scorers.base import ExpectationScorer, missed, unscored


class JsonScorer(ExpectationScorer):
    """F1 over the fields of output and expectation; solved when valid and at the threshold.

    A field is a path with a scalar, or an empty list or object, at its end. The order of a list
    does not count, but the fields of one item belong together; see `rixin.scorers._pairing`.

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
        super().__init__("json", options, version=2)
        self._check = None if schema is None else schema_validator(schema)
        self._threshold = threshold
        self._fields = frozenset(fields)

    def _judge(self, expected: str, output: str) -> Score:
        try:
            wanted = self._comparable(parse_json(expected))
        except (ValueError, RecursionError) as error:
            return unscored(f"the expected output is not JSON: {error}")
        try:
            value = parse_json(output)
            wrong = None if self._check is None else self._check(value)
            return self._compare(wanted, self._comparable(value), wrong)
        except RecursionError:
            return missed("not JSON: nested too deeply")
        except ValueError as error:
            return missed(f"not JSON: {error}")

    def _compare(self, wanted: Node, given: Node, wrong: str | None) -> Score:
        both, left, right = shared(wanted, given), leaves_of(wanted), leaves_of(given)
        value = 2 * both.total() / (left.total() + right.total())
        reason = _difference(left - both, right - both)
        if wrong is not None:
            reason = f"not valid by the schema: {wrong}"
        solved = wrong is None and value >= self._threshold
        fields = ((path, 2 * both[path] / (left[path] + right[path])) for path in sorted(left))
        parts = (*fields, ("valid", float(wrong is None)))
        return Score(value=value, solved=solved, reason="" if solved else reason, parts=parts)

    def _comparable(self, value: object) -> Node:
        if self._fields and isinstance(value, dict):
            value = {name: inner for name, inner in value.items() if name in self._fields}
        return comparable(value)


def _difference(lacking: Counter[str], extra: Counter[str]) -> str:
    wrong = sorted(lacking)
    more = sorted(extra.keys() - lacking.keys())
    shown = [
        *(f"{_shown(path)} is wrong" for path in wrong),
        *(f"{_shown(path)} is too much" for path in more),
    ]
    return ", ".join(shown[:5]) + (" …" if len(shown) > 5 else "")


def _shown(path: str) -> str:
    return path or "the value"
