"""A candidate that is ready to be asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from rixin.core.case import Case
from rixin.core.scenario import Candidate
from rixin.core.solver import Solver
from rixin.engine.runner import Costing
from rixin.solvers.cascade import Speaks

UNKNOWN_PRICE = "unknown"


def _unknown(_case: Case) -> float | None:
    return None


class CascadeStep(NamedTuple):
    """A member of a cascade by its name, and what lets its answer stand."""

    name: str
    least: float | None
    speaks: Speaks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A candidate as a solver, with how it is priced and how hard it may be driven."""

    candidate: Candidate
    solver: Solver
    costing: Costing
    concurrency: int = 1
    rate_per_minute: float | None = None
    paid: bool = False
    """Its calls cost money elsewhere, so the spend cap holds for it."""
    price: str = ""
    price_date: str = ""
    price_source: str = ""
    doubt: str = ""
    """What is odd about its price; empty: nothing."""
    about: str = ""
    steps: tuple[CascadeStep, ...] = ()
    """Of a cascade: its members, first asked first."""
    expected: Callable[[Case], float | None] = _unknown
    """Cost of an answer that is expected before it is asked, in money: it sets the order."""

    @property
    def is_free(self) -> bool:
        """Whether it is known that its calls pay nobody; an unknown price is never zero."""
        return not self.paid and self.price != UNKNOWN_PRICE
