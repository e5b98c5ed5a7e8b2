"""The contract of a release as plain JSON: it serves as it was decided, and is read at once.

The text of the scenario file is kept, too, for people and for the certificate; it would have to be
validated anew, by rules that may have changed since.
"""

from pathlib import Path
from typing import Any

from rixin.core.scenario import Scenario
from rixin.errors import MissingExtra, UsageError


def freeze(scenario: Scenario) -> str:
    """A scenario as JSON; amounts of money keep every digit.

    Raises:
        MissingExtra: The package for it is not installed.
    """
    msgspec = _msgspec()
    text: bytes = msgspec.json.encode(scenario, enc_hook=str)
    return text.decode()


def thaw(text: str, path: Path) -> Scenario:
    """The same scenario again.

    Args:
        text: What `freeze` gave.
        path: Where its file stands; files that it names are looked for beside it.

    Raises:
        UsageError: It was made by a version that wrote it otherwise.
        MissingExtra: The package for it is not installed.
    """
    from dataclasses import replace

    msgspec = _msgspec()
    try:
        found: Scenario = msgspec.json.decode(text, type=Scenario, dec_hook=_read)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"the contract of the release cannot be read: {error}",
            hint="it is of another version of Rixin: decide and release anew",
        ) from error
    return replace(found, path=path)


def _read(kind: type, value: Any) -> Any:
    return Path(value) if issubclass(kind, Path) else value


def _msgspec() -> Any:
    try:
        import msgspec
    except ModuleNotFoundError as error:
        raise MissingExtra("a release", "serve") from error
    return msgspec
