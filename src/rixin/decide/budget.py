"""The error budget: which chance of being wrong each test of a decision gets.

Of 1 - confidence a decision spends a part on the candidates as they are and a part on cascades that
it proposes itself. The first part is divided among the K candidates: each may be adopted, and one
that should not be must slip through its own test. A promise of several terms holds only if every
term does: a broken promise must slip through the test of its broken term, so each term may be
tested at the candidate's whole error (R. L. Berger, 1982: intersection-union tests). A statement
about a single stratum is read by itself, so floors of strata divide it once more.

A verdict that nothing holds is wrong only if some candidate that does hold was rejected; it would
have to be rejected itself, so each candidate is rejected at the whole 1 - confidence, divided among
the ways in which it can fail.

Where the contract says `carry_over: shared`, decision number r gets 1 / (r (r + 1)) of the budget:
all decisions that are ever taken on the scenario are wrong with 1 - confidence at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from rixin.core.scenario import Scenario

PROPOSED_SHARE = 0.5
"""Part of the budget for proposed cascades, where there may be any (METHODS §0)."""
REFERENCE_SHARE = 0.1
"""Of that part, what the best single candidate is tested with where singles are in the sequence:
it need not be compared with itself, only keep the promise."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Chances of a wrong bound for one candidate, each in (0, 1), and when its test ends."""

    hold: float
    """Of a bound by which a term holds."""
    fail: float
    """Of a bound by which a term, or the money, fails."""
    cases: int = 0
    """Cases at the end of the test, in units of the heaviest; 0: not known."""
    strata: Mapping[str, int] = field(default_factory=dict)
    """The same for the strata that have a floor."""
    harm_cases: int = 0
    """Cases on which harm can be counted; 0: not known."""
    answers: int = 0
    """Cases at the end of the test, whatever their weight; 0: not known."""

    def planned(
        self,
        cases: int,
        strata: Mapping[str, int] | None = None,
        *,
        harm_cases: int | None = None,
        answers: int | None = None,
    ) -> "Errors":
        """The same chances for a test that ends with that many cases."""
        count = cases if answers is None else answers
        harm = count if harm_cases is None else harm_cases
        return replace(self, cases=cases, strata=strata or {}, harm_cases=harm, answers=count)

    @property
    def hold_stratum(self) -> float:
        """Of a bound by which a floor of one stratum holds."""
        return self.hold / max(1, len(self.strata))


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How 1 - confidence is spent by one decision."""

    total: float
    """Chance that the verdict is wrong, at most."""
    singles: float
    """Part for the candidates of the contract, all together."""
    proposed: float
    """Part for the sequence of proposed policies, as a whole."""
    rivals: int
    """Candidates among which `singles` is divided."""
    ways: int
    """Ways in which a candidate can fail."""
    outside: frozenset[str] = frozenset()
    """Candidates that take no share: with their cases they cannot be certified."""
    decision: int = 1
    """Number of the decision on this scenario, where the budget is shared by all."""

    @property
    def single(self) -> Errors:
        """The chances for one candidate of the contract."""
        if not self.singles:  # whatever may be adopted is tested in the sequence
            return self.sequence
        return Errors(self.singles / max(1, self.rivals), self.total / self.ways)

    def errors_of(self, name: str) -> Errors:
        """The chances for one candidate of the contract, by its name.

        One that takes no share is held to the share it would have had: it was too little to pass
        on its cases, so nothing is spent.
        """
        if name not in self.outside:
            return self.single
        return replace(self.single, hold=self.singles / (self.rivals + len(self.outside)))

    @property
    def sequence(self) -> Errors:
        """The chances for each hypothesis of the fixed sequence."""
        part = self.proposed if self.singles else (1 - REFERENCE_SHARE) * self.proposed
        return Errors(part or self.total, self.total / self.ways)

    @property
    def reference(self) -> Errors:
        """The chances for the reference alone, where singles are part of the sequence."""
        return Errors(REFERENCE_SHARE * self.proposed or self.total, self.total / self.ways)


def budget_of(scenario: Scenario, *, proposes: bool = False, decision: int = 1) -> Budget:
    """The error budget of a decision; all of it is known before the first case is asked.

    Args:
        scenario: The contract.
        proposes: Whether cascades may be proposed.
        decision: 1 for the first decision; counts where `carry_over` is `shared`.

    Examples:
        With two candidates and no proposals each may be adopted at half of 1 - confidence.
    """
    promise = scenario.promise
    total = 1 - promise.confidence
    if promise.carry_over == "shared":
        total /= decision * (decision + 1)
    rivals = sum(candidate.kind != "human" for candidate in scenario.candidates)
    proposed = 0.0
    if promise.below_best_at_most is not None:
        proposed = total  # singles are part of the sequence: nothing is tested outside it
    elif proposes:
        proposed = total * PROPOSED_SHARE
    harm = bool(scenario.policy.guards) and promise.harm_at_most is not None
    ways = 2 + harm + (promise.latency_p95_s is not None)
    ways += promise.score_at_least is not None
    return Budget(
        total=total,
        singles=total - proposed,
        proposed=proposed,
        rivals=rivals,
        ways=ways + len(promise.solved_strata),
        decision=decision,
    )
