"""Makes scorers from their names and options in the contract."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rixin.core.scenario import OutputSpec, PartSpec
from rixin.core.solver import Scorer
from rixin.errors import UnknownName, UsageError
from rixin.scorers.number import NumberScorer
from rixin.scorers.structured import JsonScorer
from rixin.scorers.text import (
    ContainsScorer,
    ExactScorer,
    LabelScorer,
    RegexScorer,
    SimilarityScorer,
)

Options = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    options: tuple[str, ...] = ()
    make: Callable[[Options, OutputSpec, Sequence[str]], Scorer]


def build_scorer(spec: PartSpec, output: OutputSpec, labels: Sequence[str]) -> Scorer:
    """The scorer that the contract names.

    Args:
        spec: Name and options.
        output: What an answer looks like; its schema serves the scorer `json`.
        labels: All labels of the scenario, given or taken from the cases.

    Raises:
        UnknownName: There is no such scorer, or it has no such option.
        UsageError: An option has a value that it cannot have.
    """
    kind = _KINDS.get(spec.name)
    if kind is None:
        raise UnknownName("scorer", spec.name, _KINDS)
    for option in spec.options:
        if option not in kind.options:
            raise _unknown_option(spec.name, option, kind.options)
    return kind.make(spec.options, output, labels)


def scorer_mistakes(
    spec: PartSpec, output: OutputSpec, labels: Sequence[str]
) -> Iterator[tuple[str | None, UsageError]]:
    """Every reason why `build_scorer` would refuse, with the option that it is about.

    Args:
        spec: Name and options.
        output: What an answer looks like.
        labels: All labels of the scenario, or any where they come from the cases.
    """
    kind = _KINDS.get(spec.name)
    if kind is None:
        yield None, UnknownName("scorer", spec.name, _KINDS)
        return
    alone = [{name: value} for name, value in spec.options.items() if name in kind.options]
    yield from (
        (name, _unknown_option(spec.name, name, kind.options))
        for name in spec.options
        if name not in kind.options
    )
    for options in alone or [{}]:
        try:
            kind.make(options, output, labels)
        except UsageError as error:
            yield next(iter(options), None), error


def _unknown_option(scorer: str, option: str, known: Sequence[str]) -> UnknownName:
    hint = "" if known else "leave it out: this scorer has no options"
    return UnknownName(f"option of scorer {scorer!r}", option, known, hint=hint)


def _label(options: Options, output: OutputSpec, labels: Sequence[str]) -> Scorer:
    if not labels:
        raise UsageError(
            "the scorer 'label' needs labels, and the scenario has none",
            hint="write output: {labels: from-cases}, or use the scorer 'exact'",
        )
    return LabelScorer(labels)


def _json(options: Options, output: OutputSpec, labels: Sequence[str]) -> Scorer:
    schema = options.get("schema", output.schema)
    if schema is not None and not isinstance(schema, Mapping):
        raise _wrong("schema", "json", schema, "a JSON Schema (a mapping)")
    fields = options.get("fields", ())
    if not isinstance(fields, list | tuple):
        raise _wrong("fields", "json", fields, "a list of field names")
    return JsonScorer(schema, _share(options, "json", 1.0), [str(name) for name in fields])


def _regex(options: Options, output: OutputSpec, labels: Sequence[str]) -> Scorer:
    pattern = options.get("pattern")
    if pattern is not None and not isinstance(pattern, str):
        raise _wrong("pattern", "regex", pattern, "a text")
    return RegexScorer(pattern)


def _number(options: Options, output: OutputSpec, labels: Sequence[str]) -> Scorer:
    return NumberScorer(_tolerance(options, "abs"), _tolerance(options, "rel"))


def _tolerance(options: Options, name: str) -> float:
    value = options.get(name, 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e300:
        raise _wrong(name, "number", value, "a number of at least 0")
    return float(value)


def _share(options: Options, scorer: str, default: float) -> float:
    value = options.get("threshold", default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise _wrong("threshold", scorer, value, "a number above 0, at most 1")
    return float(value)


def _wrong(option: str, scorer: str, value: object, wanted: str) -> UsageError:
    return UsageError(
        f"the option {option!r} of scorer {scorer!r} cannot be {value!r}", hint=f"give {wanted}"
    )


_KINDS: Mapping[str, _Kind] = {
    "exact": _Kind(make=lambda *_: ExactScorer()),
    "label": _Kind(make=_label),
    "number": _Kind(options=("abs", "rel"), make=_number),
    "contains": _Kind(make=lambda *_: ContainsScorer()),
    "regex": _Kind(options=("pattern",), make=_regex),
    "json": _Kind(options=("schema", "threshold", "fields"), make=_json),
    "similarity": _Kind(
        options=("threshold",),
        make=lambda options, *_: SimilarityScorer(_share(options, "similarity", 0.8)),
    ),
}
SCORER_NAMES: tuple[str, ...] = tuple(_KINDS)
