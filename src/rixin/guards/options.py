"""Which options the guards have, and what is wrong with those that the contract gives."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from rixin.core.scenario import PartSpec
from rixin.errors import UnknownName, UsageError
from rixin.guards.allow import allow_mistakes
from rixin.guards.text_guard import ACTIONS, PLACES
from rixin.plugins import is_target

Mistake = tuple[str | None, UsageError]
Check = Callable[[object], Iterator[UsageError]]
TEXT_GUARDS = ("pii", "secrets", "injection", "content")
GUARD_NAMES = (*TEXT_GUARDS, "output-schema", "function")
LATER = ("sql",)


def guard_mistakes(spec: PartSpec) -> Iterator[Mistake]:
    """What is wrong with a guard's name and options, with the option; no function is loaded.

    Args:
        spec: Name and options.
    """
    if spec.name not in GUARD_NAMES:
        yield None, _unknown(spec.name)
        return
    checks = _checks(spec.name)
    for option, value in spec.options.items():
        if option in checks:
            yield from ((option, error) for error in checks[option](value))
        else:
            hint = "" if checks else "leave it out: this guard has no options"
            what = f"option of guard {spec.name!r}"
            yield option, UnknownName(what, option, tuple(checks), hint=hint)
    yield from _missing(spec)


def _missing(spec: PartSpec) -> Iterator[Mistake]:
    if spec.name == "function" and "target" not in spec.options:
        yield from (("target", error) for error in _target(None))
    if spec.name == "content":
        given = [name for name in ("rules", "target") if name in spec.options]
        if not given:
            yield from (("rules", error) for error in _rules(None))
        elif len(given) > 1:
            error = UsageError("the guard 'content' has rules and a file of rules", hint="give one")
            yield "target", error


def _unknown(name: str) -> UsageError:
    if name in LATER:
        return UsageError(
            f"the guard {name!r} is not in this version of Rixin",
            hint=f"available: {', '.join(GUARD_NAMES)}",
        )
    return UnknownName("guard", name, GUARD_NAMES)


def _checks(guard: str) -> Mapping[str, Check]:
    own: Mapping[str, Mapping[str, Check]] = {
        "pii": {"kinds": _kinds, "regions": _regions, "names": _names},
        "injection": {"classifier": _truth},
        "content": {"rules": _rules, "target": _rule_file},
        "function": {"target": _target},
    }
    shared: Mapping[str, Check] = {
        "action": _action,
        "at": _places,
        "longest": _longest,
        "allow": allow_mistakes,
    }
    return {**own.get(guard, {}), **(shared if guard in TEXT_GUARDS else {})}


def _target(value: object) -> Iterator[UsageError]:
    if not (isinstance(value, str) and is_target(value)):
        wrong = f"the guard 'function' has no target, but {value!r}"
        yield UsageError(wrong, hint="name it as module:callable")


def _names(value: object) -> Iterator[UsageError]:
    if not (isinstance(value, str) and is_target(value)):
        wrong = f"`names` of the guard 'pii' is {value!r}, not a function"
        yield UsageError(wrong, hint="name it as module:callable")


def _rules(value: object) -> Iterator[UsageError]:
    from rixin.guards.content import rule_mistakes  # most contracts name no guard on texts

    return rule_mistakes(value)


def _rule_file(value: object) -> Iterator[UsageError]:
    if not (isinstance(value, str) and value.strip()):
        wrong = f"the guard 'content' has {value!r} for its rules"
        yield UsageError(
            wrong, hint="write  content: rules.yaml  or  rules: [{name: …, words: […]}]"
        )


def _truth(value: object) -> Iterator[UsageError]:
    if not isinstance(value, bool):
        wrong = f"`classifier` of the guard 'injection' is {value!r}"
        yield UsageError(wrong, hint="write true or false")


def _action(value: object) -> Iterator[UsageError]:
    if value not in ACTIONS:
        yield UnknownName("action", str(value), ACTIONS)


def _longest(value: object) -> Iterator[UsageError]:
    if type(value) is not int or value < 1:
        wrong = f"`longest` of a guard is {value!r}, not a number of characters"
        yield UsageError(wrong, hint="write it as 200000; longer texts are not read")


def _kinds(value: object) -> Iterator[UsageError]:
    from rixin.guards.pii import KINDS

    return _some_of("kind of personal data", value, KINDS)


def _places(value: object) -> Iterator[UsageError]:
    return _some_of("place", value, PLACES)


def _regions(value: object) -> Iterator[UsageError]:
    regions = _known_regions()
    if regions:
        yield from _some_of("region", value, regions)


@cache
def _known_regions() -> tuple[str, ...]:
    """ISO 3166 codes with telephone numbers; empty where the extra is not installed."""
    try:
        from phonenumbers import SUPPORTED_REGIONS
    except ImportError:
        return ()
    return tuple(sorted(SUPPORTED_REGIONS))


def _some_of(what: str, value: object, known: Sequence[str]) -> Iterator[UsageError]:
    if not isinstance(value, list | tuple) or not value:
        error = f"{value!r} is not a list of at least one {what}"
        yield UsageError(error, hint=f"write it as [{', '.join(known[:3])}]")
        return
    yield from (UnknownName(what, str(one), known) for one in value if one not in known)
