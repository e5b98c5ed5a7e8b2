"""The guard that holds an output to its declared form."""

from collections.abc import Callable, Sequence

from rixin.core.case import Case
from rixin.core.ids import digest_json
from rixin.core.labels import label_set
from rixin.core.numbers import parse_number
from rixin.core.outcome import Violation
from rixin.core.scenario import OutputSpec
from rixin.core.structured import parse_json, schema_validator

Check = Callable[[str], str | None]


class OutputSchemaGuard:
    """Finds outputs that are no label, no number, not valid by the JSON Schema, or empty.

    Args:
        output: What an answer looks like.
        labels: All labels of the scenario; used where the output is a label.

    Raises:
        UsageError: The JSON Schema itself does not hold.
    """

    name = "output-schema"

    def __init__(self, output: OutputSpec, labels: Sequence[str]) -> None:
        self.fingerprint = digest_json(
            {
                "guard": "output-schema/3",
                "kind": output.kind,
                "labels": sorted(labels) if output.kind == "labels" else [],
                "schema": output.schema,
            }
        )
        self._check = _check_of(output, labels)

    def wrong(self, output: str) -> str | None:
        """What is wrong with the form of an output; None: nothing."""
        return self._check(output)

    def check(self, case: Case, output: str) -> Sequence[Violation]:
        """At most one violation: what is wrong with the form of the output."""
        wrong = self.wrong(output)
        return () if wrong is None else (Violation(self.name, wrong),)


def _check_of(output: OutputSpec, labels: Sequence[str]) -> Check:
    if output.kind == "labels":
        known = label_set(tuple(labels))
        return lambda text: "not one of the labels" if known.find(text) is None else None
    if output.kind == "number":
        return lambda text: "not a number" if parse_number(text) is None else None
    if output.kind == "json-schema":
        return _json_check(output)
    return lambda text: None if text.strip() else "empty"


def _json_check(output: OutputSpec) -> Check:
    valid = schema_validator(output.schema or {})

    def check(text: str) -> str | None:
        try:
            value = parse_json(text)
        except ValueError as error:
            return f"not JSON: {error}"
        return valid(value)

    return check
