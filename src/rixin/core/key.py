"""Keys of the gateway: who may call what, and how much."""

import hashlib
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

Role = Literal["caller", "viewer", "reviewer", "operator", "admin", "approver", "auditor"]
ROLES: tuple[str, ...] = get_args(Role)
CALLERS = frozenset({"caller", "operator", "admin"})
"""Roles whose keys may ask for answers; a viewer sees models, a reviewer gives feedback, too."""
REVIEWERS = CALLERS | {"reviewer"}
"""Roles whose keys give feedback."""
OF_ALL = frozenset({"reviewer", "admin"})
"""Roles whose keys give feedback about what others have asked, too."""
APPROVERS = frozenset({"approver", "admin"})
"""Roles whose keys approve a promotion: no application has one."""
_BUDGET = re.compile(r"(\d+(?:\.\d+)?)/(minute|min|day|month|run)")
_COUNT = re.compile(r"(\d+)([kM]?)(?:/(minute|min|day|month))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a key may use; None: no limit of this kind. Months and days are those of UTC."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    requests_per_month: int | None = None
    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    money_per_minute: Decimal | None = None
    money_per_day: Decimal | None = None
    money_per_month: Decimal | None = None
    money_per_run: Decimal | None = None
    """Of all calls of one run and its children; a call that names no run is one of its own."""
    in_flight: int | None = None
    body_bytes: int | None = None
    """Of one request at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is stored: without the secret."""

    id: int
    public_id: str
    """Names the key in lists, logs and the audit trail."""
    hash: str
    """SHA-256 of the whole key."""
    name: str
    role: str
    scenarios: tuple[str, ...]
    """What it may call; empty: everything."""
    limits: Limits
    created_at: str
    revoked_at: str | None = None

    def may_call(self, scenario: str) -> bool:
        """Whether it may call a scenario, or a solver of it."""
        return not self.scenarios or scenario in self.scenarios


def hash_key(key: str) -> str:
    """What is stored of a key: SHA-256, since keys are 192 random bits and cannot be guessed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def parse_budget(text: str) -> tuple[str, Decimal]:
    """The field of `Limits` and the amount that a budget like `20/day` means.

    Raises:
        ValueError: It is written otherwise.

    Examples:
        >>> parse_budget("20/day")
        ('money_per_day', Decimal('20'))
    """
    found = _BUDGET.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"{text!r} is no budget: write it as 20/day, 0.5/minute, 300/month or 2/run"
        )
    period = "minute" if found[2] == "min" else found[2]
    return f"money_per_{period}", Decimal(found[1])


def parse_count(text: str) -> tuple[str, int]:
    """The period and the number that a limit like `1M/day` means; without a period, of a minute.

    Raises:
        ValueError: It is written otherwise, or nothing.

    Examples:
        >>> parse_count("60/min"), parse_count("2M/month")
        (('minute', 60), ('month', 2000000))
    """
    found = _COUNT.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise ValueError(f"{text!r} is no limit: write it as 60/min, 5000/day or 2M/month")
    number = int(found[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[found[2]]
    period = found[3] or "minute"
    return "minute" if period == "min" else period, number
