"""A release: an immutable, numbered version of the solver that was chosen for a scenario."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WARM = 3
"""Releases that stay ready to serve beside the live one and the canary: those before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What serves a scenario, with the evidence it rests on."""

    scenario: str
    number: int
    """From 1, in the order in which they were made."""
    created_at: str
    created_by: str
    solver: str
    """Name of the candidate or proposed cascade that was chosen."""
    fingerprint: str
    """Of that solver: what serves must be what was decided on."""
    dataset_id: str
    path: str
    """The scenario file; files that the contract names are looked for beside it."""
    frozen: str
    """The contract as JSON, see `rixin.workspace.frozen`."""
    contract: str
    """The text of the scenario file, as it was decided on."""
    certificate: Mapping[str, Any]
    certified: bool
    """False for ever where it was forced: the verdict does not adopt this solver."""

    @property
    def seal(self) -> str:
        """Hash of the certificate."""
        return str(self.certificate["sha256"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which releases of a scenario serve."""

    id: int
    """A small number that stays the same: meters go by it."""
    scenario: str
    live: int | None = None
    canary: int | None = None
    share: int = 0
    """Percent of the traffic that the canary gets."""
    history: tuple[int, ...] = field(default=())
    """Releases that were live before, the latest first."""

    def warm(self) -> tuple[int, ...]:
        """Releases that stay ready: a rollback must not wait for one to be built."""
        wanted = (self.live, self.canary, *self.history[:WARM])
        return tuple(dict.fromkeys(one for one in wanted if one is not None))
