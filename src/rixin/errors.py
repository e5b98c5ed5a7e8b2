"""Every error that Rixin raises on purpose, in one tree.

RixinError
├── UsageError            2  the request itself is wrong: a flag, a file name, a column
│   ├── ContractError     2  the scenario file does not hold; carries every mistake at once
│   ├── CasesError        2  the case file cannot be read or used
│   ├── UnknownName       2  a name that is not there, with the nearest ones
│   ├── NoLedger          2  no ledger is where one is meant
│   └── ExportError       2  a report format or place that cannot be written
├── PromiseUnmet          1  what was asked for is not certified
├── Stopped               3  stopped before the end, and resumable
│   └── BudgetReached     3  the next call would break the spend cap
├── EnvironmentFault      4  the machine, the disk, the network or a missing extra
│   ├── MissingExtra      4  a package that an optional part needs
│   ├── LedgerFault       4  the ledger cannot be opened, locked or written
│   ├── ModelFault        4  weights missing, broken or unusable
│   └── EndpointFault     4  an endpoint cannot be used at all (key, name, address)
└── (exit code 1 is a finding, not an error: a promise that does not hold)

The number is the exit code. Each error says what happened; `hint` says what to do next.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar


class RixinError(Exception):
    """Base of all errors of Rixin.

    Args:
        message: What happened, with the value and the place.
        hint: What to do next, one imperative sentence.

    Examples:
        >>> str(RixinError("no such file 'a.csv'", hint="check the path"))
        "no such file 'a.csv'"
    """

    code: ClassVar[str] = "rixin_error"
    exit_code: ClassVar[int] = 4
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(RixinError):
    """The request itself is wrong."""

    code = "usage"
    exit_code = 2
    http_status = 400


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a file: where it is, what is wrong, and how to mend it."""

    where: str
    """`file:line` or `file:line, field`."""
    reason: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"\n    fix: {self.mend}" if self.mend else ""
        return f"{self.where}: {self.reason}{mend}"


class ContractError(UsageError):
    """The scenario file does not hold; `mistakes` has all of them."""

    code = "contract"

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        count = len(mistakes)
        head = f"{count} mistake{'s' if count != 1 else ''} in the scenario:"
        super().__init__("\n".join([head, *(f"  {mistake}" for mistake in mistakes)]))
        self.mistakes = tuple(mistakes)


class CasesError(UsageError):
    """The case file cannot be read or used."""

    code = "cases"


class UnknownName(UsageError):
    """A name that is not there."""

    code = "unknown_name"

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        super().__init__(f"unknown {kind} {name!r}", hint=hint or nearest_hint(name, known))


class NoLedger(UsageError):
    """There is no ledger where one is meant."""

    code = "no_ledger"

    def __init__(self, place: Path) -> None:
        super().__init__(
            f"there is no ledger {str(place)!r}",
            hint="run this beside the scenario, or name it with --ledger or RIXIN_LEDGER;"
            " rixin decide makes one",
        )


class ExportError(UsageError):
    """A report format or place that cannot be written."""

    code = "export"


class PromiseUnmet(RixinError):
    """What was asked for rests on a promise that is not certified."""

    code = "promise_unmet"
    exit_code = 1
    http_status = 409


class Stopped(RixinError):
    """Stopped before the end; what was done is stored and the next run goes on from there."""

    code = "stopped"
    exit_code = 3
    http_status = 503


class BudgetReached(Stopped):
    """The next call would break the spend cap."""

    code = "budget_reached"
    http_status = 429


class EnvironmentFault(RixinError):
    """The machine, the disk, the network or an installation is at fault."""

    code = "environment"


class MissingExtra(EnvironmentFault):
    """An optional part needs a package that is not installed."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs a package that is not installed",
            hint=f"install it with: pip install 'rixin[{extra}]'",
        )


class LedgerFault(EnvironmentFault):
    """The ledger cannot be opened, locked or written."""

    code = "ledger"


class ModelFault(EnvironmentFault):
    """Model weights are missing, broken or unusable."""

    code = "model"


class EndpointFault(EnvironmentFault):
    """An endpoint cannot be used at all: no key, wrong name, wrong address."""

    code = "endpoint"


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest known names.

    Examples:
        >>> nearest_hint("demnd", ["demand", "owner"])
        "did you mean 'demand'?"
        >>> nearest_hint("zzz", ["demand", "owner"])
        'known: demand, owner'
    """
    names = list(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if not names:
        return "there are none yet"
    shown = ", ".join(names[:12])
    return f"known: {shown}{' …' if len(names) > 12 else ''}"
