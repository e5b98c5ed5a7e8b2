"""Makes guards from their names and options in the contract."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rixin.core.scenario import OutputSpec, PartSpec
from rixin.core.solver import Guard
from rixin.errors import UnknownName, UsageError
from rixin.guards.function import FunctionGuard
from rixin.guards.output_schema import OutputSchemaGuard
from rixin.plugins import is_target, load_plugin

GUARD_NAMES = ("output-schema", "function")
_LATER = ("pii", "secrets", "injection", "content", "sql")


def build_guard(spec: PartSpec, output: OutputSpec, labels: Sequence[str], folder: Path) -> Guard:
    """The guard that the contract names.

    Args:
        spec: Name and options; `function` has the option `target`, a `module:callable`.
        output: What an answer looks like.
        labels: All labels of the scenario, given or taken from the cases.
        folder: The folder of the scenario file, where a function's module lies.

    Raises:
        UnknownName: There is no such guard, or it has no such option.
        UsageError: The guard is not in this version, or its function cannot be loaded.
    """
    for _, error in guard_mistakes(spec):
        raise error
    if spec.name == "output-schema":
        return OutputSchemaGuard(output, labels)
    return FunctionGuard(load_plugin(str(spec.options["target"]), folder))


def guard_mistakes(spec: PartSpec) -> Iterator[tuple[str | None, UsageError]]:
    """What is wrong with a guard's name and options, with the option; no function is loaded.

    Args:
        spec: Name and options.
    """
    if spec.name not in GUARD_NAMES:
        yield None, _unknown(spec.name)
        return
    known = ("target",) if spec.name == "function" else ()
    for option in spec.options:
        if option not in known:
            hint = "" if known else "leave it out: this guard has no options"
            error = UnknownName(f"option of guard {spec.name!r}", option, known, hint=hint)
            yield option, error
    target = spec.options.get("target")
    if known and not (isinstance(target, str) and is_target(target)):
        wrong = f"the guard 'function' has no target, but {target!r}"
        yield "target", UsageError(wrong, hint="name it as module:callable")


def _unknown(name: str) -> UsageError:
    if name in _LATER:
        return UsageError(
            f"the guard {name!r} is not in this version of Rixin",
            hint=f"available: {', '.join(GUARD_NAMES)}",
        )
    return UnknownName("guard", name, GUARD_NAMES)
