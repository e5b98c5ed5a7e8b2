"""Makes guards from their names and options in the contract."""

from collections.abc import Sequence
from pathlib import Path

from rixin.core.scenario import OutputSpec, PartSpec
from rixin.core.solver import Guard
from rixin.errors import UnknownName, UsageError
from rixin.guards.function import FunctionGuard
from rixin.guards.output_schema import OutputSchemaGuard
from rixin.plugins import load_plugin

GUARD_NAMES = ("output-schema", "function")
_LATER = ("pii", "secrets", "injection", "content")


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
    if spec.name in _LATER:
        raise UsageError(
            f"the guard {spec.name!r} is not in this version",
            hint=f"available: {', '.join(GUARD_NAMES)}",
        )
    if spec.name not in GUARD_NAMES:
        raise UnknownName("guard", spec.name, GUARD_NAMES)
    known = ("target",) if spec.name == "function" else ()
    for option in spec.options:
        if option not in known:
            raise UnknownName(f"option of guard {spec.name!r}", option, known)
    if spec.name == "output-schema":
        return OutputSchemaGuard(output, labels)
    return FunctionGuard(load_plugin(_target(spec), folder))


def _target(spec: PartSpec) -> str:
    target = spec.options.get("target")
    if not isinstance(target, str):
        raise UsageError(
            f"the guard 'function' has no target, but {target!r}",
            hint="name it as module:callable",
        )
    return target
