"""Keys of the gateway: who may call what, and how much."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
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
_LIFETIME = re.compile(r"(\d{1,7})([mhd])")
_LONGEST = timedelta(days=36_525)


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
class Secret:
    """One of the secrets by which a key is used: a rotation adds one, and the others end."""

    hash: str
    """SHA-256 of the whole key with this secret."""
    made_at: str
    expires_at: str | None = None
    """When it ends by itself; None: never. Times are UTC, in ISO 8601."""
    earlier_until: str | None = None
    """How long those before it still hold; None: there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is stored: without the secret."""

    id: int
    public_id: str
    """Names the key in lists, logs and the audit trail."""
    hash: str
    """SHA-256 of the whole key, as it was made."""
    name: str
    role: str
    scenarios: tuple[str, ...]
    """What it may call; empty: everything."""
    limits: Limits
    created_at: str
    revoked_at: str | None = None
    secrets: tuple[Secret, ...] = ()
    """Oldest first."""

    @property
    def expires_at(self) -> str | None:
        """When the newest secret ends; None: never."""
        return self.secrets[-1].expires_at if self.secrets else None

    def ends(self) -> list[str | None]:
        """When each secret ends: by itself, or because a later one took its place.

        Examples:
            >>> old = Secret(hash="a", made_at="2026-01-01T00:00:00+00:00")
            >>> until = "2026-02-08T00:00:00+00:00"
            >>> new = Secret(hash="b", made_at="2026-02-01T00:00:00+00:00", earlier_until=until)
            >>> secrets = (old, new)
            >>> key = Key(id=1, public_id="k", hash="a", name="", role="caller", scenarios=(),
            ...     limits=Limits(), created_at=old.made_at, secrets=secrets)
            >>> key.ends()
            ['2026-02-08T00:00:00+00:00', None]
        """
        found: list[str | None] = []
        replaced: list[str] = []
        for secret in reversed(self.secrets):
            own = [] if secret.expires_at is None else [secret.expires_at]
            found.append(min(own + replaced, default=None))
            if secret.earlier_until is not None:
                replaced.append(secret.earlier_until)
        return found[::-1]

    def holds(self, hashed: str, now: str) -> bool:
        """Whether one of its secrets has this hash and has not ended; revoked keys are not looked at.

        Args:
            hashed: See `hash_key`.
            now: UTC, in ISO 8601 to the second, as the times of secrets are.
        """
        of_secrets = zip(self.secrets, self.ends(), strict=True)
        return any(one.hash == hashed and (end is None or now < end) for one, end in of_secrets)

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


def parse_lifetime(text: str) -> timedelta:
    """The span of time that `90d`, `12h` or `30m` means.

    Raises:
        ValueError: It is written otherwise, or is longer than a hundred years.

    Examples:
        >>> parse_lifetime("90d").days
        90
    """
    found = _LIFETIME.fullmatch(text.strip())
    unit = {"m": "minutes", "h": "hours", "d": "days"}
    span = timedelta() if found is None else timedelta(**{unit[found[2]]: int(found[1])})
    if found is None or not span or span > _LONGEST:
        raise ValueError(f"{text!r} is not a span of time: write it as 90d, 12h or 30m")
    return span


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
