"""Solvers that hold much memory, one for all releases that ask the same one."""

import threading
from dataclasses import dataclass, field

from rixin.core.solver import Solver
from rixin.solvers.student import StudentSolver

Key = tuple[type, str]


@dataclass(slots=True)
class SolverPool:
    """Students and local models by their fingerprints.

    Releases are built in threads, and several may ask the same solver: it is trained or loaded once,
    and closed when the last of them is.
    """

    _held: dict[Key, tuple[Solver, int]] = field(default_factory=dict)
    """The solver, and the releases that have it."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, solver: Solver) -> Solver:
        """The solver itself, or the one that answers the same and is there already."""
        if not _is_heavy(solver):
            return solver
        key = (type(solver), solver.fingerprint)
        with self._lock:
            known, count = self._held.get(key, (solver, 0))
            self._held[key] = (known, count + 1)
        return known

    async def give_back(self, solver: Solver) -> None:
        """A release does without it from now on; nobody else has it: it is closed."""
        if _is_heavy(solver) and self._others(solver):
            return
        await solver.close()

    def _others(self, solver: Solver) -> bool:
        """Takes one release off a solver; whether others have it."""
        key = (type(solver), solver.fingerprint)
        with self._lock:
            known, count = self._held.get(key, (solver, 1))
            if known is not solver:
                return False
            if count > 1:
                self._held[key] = (known, count - 1)
                return True
            self._held.pop(key, None)
            return False


def _is_heavy(solver: Solver) -> bool:
    if isinstance(solver, StudentSolver):
        return True
    from rixin.solvers.local import LocalSolver

    return isinstance(solver, LocalSolver)
