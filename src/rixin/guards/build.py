"""Makes guards from their names and options in the contract."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from rixin.core.case import Case
from rixin.core.finding import Finding
from rixin.core.ids import digest, digest_json
from rixin.core.outcome import Violation
from rixin.core.scenario import OutputSpec, PartSpec
from rixin.core.solver import Guard
from rixin.guards.allow import Allowed
from rixin.guards.function import FunctionGuard
from rixin.guards.options import GUARD_NAMES, TEXT_GUARDS, guard_mistakes
from rixin.guards.output_schema import OutputSchemaGuard
from rixin.guards.redact import scrub
from rixin.guards.text_guard import PLACES, Action, Place, TextGuard
from rixin.plugins import load_plugin

__all__ = [
    "GUARD_NAMES",
    "TextPolicy",
    "build_guard",
    "guard_mistakes",
    "kept_text",
    "text_guards",
]


class TextPolicy(NamedTuple):
    """A text guard with what is to be done about its findings, and where."""

    guard: TextGuard
    action: Action
    at: frozenset[Place]


class _SilentGuard:
    """Stands for a text guard that does not look at outputs: it finds no harm in them."""

    def __init__(self, guard: TextGuard) -> None:
        self.name = guard.name
        self.fingerprint = digest("not at output", guard.fingerprint)

    def check(self, case: Case, output: str) -> Sequence[Violation]:
        """Nothing."""
        return ()


def build_guard(spec: PartSpec, output: OutputSpec, labels: Sequence[str], folder: Path) -> Guard:
    """The guard that the contract names, as it judges outputs.

    Whatever the action of a text guard is, a finding in an output is harm; a guard whose `at`
    leaves `output` out looks at none.

    Args:
        spec: Name and options.
        output: What an answer looks like.
        labels: All labels of the scenario, given or taken from the cases.
        folder: The folder of the scenario file, where a function's module lies.

    Raises:
        UnknownName: There is no such guard, or it has no such option.
        UsageError: The guard is not in this version, or its function or rules cannot be loaded.
        MissingExtra: The guard needs a package that is not installed.
    """
    for _, error in guard_mistakes(spec):
        raise error
    if spec.name == "output-schema":
        return OutputSchemaGuard(output, labels)
    if spec.name == "function":
        return FunctionGuard(load_plugin(str(spec.options["target"]), folder))
    (policy,) = text_guards([spec], folder)
    return policy.guard if "output" in policy.at else _SilentGuard(policy.guard)


def text_guards(specs: Sequence[PartSpec], folder: Path) -> list[TextPolicy]:
    """The text guards among the guards of a contract, in its order; others are left out.

    Args:
        specs: Names and options, such as `scenario.policy.guards`.
        folder: The folder of the scenario file.

    Raises:
        UsageError: An option is wrong, or a function or the rules cannot be loaded.
        MissingExtra: A guard needs a package that is not installed.
    """
    found = []
    for spec in specs:
        if spec.name not in TEXT_GUARDS:
            continue
        for _, error in guard_mistakes(spec):
            raise error
        guard = _text_guard(spec.name, spec.options, folder)
        if "longest" in spec.options:
            guard.longest = cast("int", spec.options["longest"])
            guard.fingerprint = digest(guard.fingerprint, "longest", str(guard.longest))
        if "allow" in spec.options:
            listed = cast("Sequence[object]", spec.options["allow"])
            guard.allowed = Allowed(listed)
            guard.fingerprint = digest(guard.fingerprint, "allow", digest_json({"allow": listed}))
        action = cast("Action", spec.options.get("action", "observe"))
        at = cast("Sequence[Place]", spec.options.get("at", PLACES))
        found.append(TextPolicy(guard, action, frozenset(at)))
    return found


def kept_text(
    policies: Sequence[TextPolicy], text: str | None, place: Place = "capture"
) -> str | None:
    """A text as it may be kept: without the values that guards find, for good.

    Args:
        policies: Of the scenario.
        text: What was said; None stays so.
        place: Where it is kept.
    """
    if text is None:
        return None
    taken: list[Finding] = []
    for policy in policies:
        if place in policy.at and policy.action != "observe":
            taken += policy.guard.find(text)
    return scrub(text, taken) if taken else text


def _text_guard(name: str, options: Mapping[str, object], folder: Path) -> TextGuard:
    # Each is imported where it is wanted: most contracts name one or two.
    if name == "pii":
        from rixin.guards.phone import DEFAULT_REGIONS
        from rixin.guards.pii import KINDS, PiiGuard

        names = options.get("names")
        return PiiGuard(
            kinds=cast("Sequence[str]", options.get("kinds", KINDS)),
            regions=cast("Sequence[str]", options.get("regions", DEFAULT_REGIONS)),
            names=None if names is None else load_plugin(str(names), folder),
        )
    if name == "secrets":
        from rixin.guards.secrets import SecretsGuard

        return SecretsGuard()
    if name == "injection":
        from rixin.guards.injection import InjectionGuard

        return InjectionGuard(classifier=bool(options.get("classifier", True)))
    from rixin.guards.content import ContentGuard, read_rules

    return ContentGuard(read_rules(options.get("rules", options.get("target")), folder))
