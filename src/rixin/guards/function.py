"""A user's own Python function as a guard."""

import inspect
from collections.abc import Mapping, Sequence

from rixin.core.case import Case
from rixin.core.ids import digest
from rixin.core.outcome import Violation
from rixin.errors import UsageError
from rixin.plugins import Plugin


class FunctionGuard:
    """Checks outputs with a user's function.

    The function gets the output, and where it takes a second argument a mapping with id, input
    and stratum of the case. None, False and an empty list mean that nothing is wrong; True, a
    text or a list of texts are violations. A function that raises counts as a violation, because
    an output that was not checked must not pass as clean.

    Args:
        plugin: The function, as `rixin.plugins.load_plugin` gives it.

    Raises:
        UsageError: The function is async, or takes neither one nor two arguments.
    """

    def __init__(self, plugin: Plugin) -> None:
        self.name = plugin.target
        self.fingerprint = digest("function-guard/1", plugin.target, plugin.source_hash)
        self._call = plugin.call
        self._takes_case = _arguments(plugin) == 2

    def check(self, case: Case, output: str) -> Sequence[Violation]:
        """What the function finds."""
        fields = {"id": case.ref or case.id, "input": case.input, "stratum": case.stratum}
        arguments: tuple[object, ...] = (output, fields) if self._takes_case else (output,)
        try:
            found = self._call(*arguments)
        except Exception as error:  # noqa: BLE001 - a user's function may raise anything
            found = f"the guard itself failed: {type(error).__name__}: {error}"
        return tuple(Violation(self.name, reason) for reason in _reasons(found))


def _reasons(found: object) -> list[str]:
    if found is None or found is False:
        return []
    if found is True:
        return ["violation"]
    if isinstance(found, str):
        return [found] if found else []
    if isinstance(found, Sequence):
        return [str(reason) for reason in found]
    return [f"the guard itself failed: it gave {found!r}, not a text or a list of texts"]


def _arguments(plugin: Plugin) -> int:
    if inspect.iscoroutinefunction(plugin.call):
        raise UsageError(
            f"the guard {plugin.target!r} is async", hint="write it as a plain function"
        )
    try:
        parameters: Mapping[str, inspect.Parameter] = inspect.signature(plugin.call).parameters
    except ValueError:  # built-in functions without a signature
        return 1
    positional = [p for p in parameters.values() if p.kind <= p.VAR_POSITIONAL]
    needed = [p for p in positional if p.default is p.empty and p.kind != p.VAR_POSITIONAL]
    if not positional or len(needed) > 2:
        raise UsageError(
            f"the guard {plugin.target!r} must take the output, and at most the case after it",
            hint="write it as: def check(output, case): …",
        )
    return max(1, len(needed))
