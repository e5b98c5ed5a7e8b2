"""The scorer for numbers."""

from decimal import Decimal

from rixin.core.numbers import Number, parse_number
from rixin.core.outcome import Score
from rixin.scorers.base import ExpectationScorer, missed, passed, shown, unscored


class NumberScorer(ExpectationScorer):
    """Solved when the number that the output gives is the expected one, within a tolerance.

    How a number may be written, and which of several is the answer: see
    `rixin.core.numbers.parse_number`. Where only one side has a percent sign, 12 % equals both 12
    and 0.12; a bare number up to 1 is a share, so 0.5 is 50 % and not 0.5 %.

    Args:
        absolute: Largest difference that counts as equal, at least 0.
        relative: The same, as a share of the expected number; the larger of both is allowed.
    """

    def __init__(self, absolute: float = 0.0, relative: float = 0.0) -> None:
        super().__init__("number", {"abs": absolute, "rel": relative}, version=2)
        self._absolute = Decimal(str(absolute))
        self._relative = Decimal(str(relative))

    def _judge(self, expected: str, output: str) -> Score:
        wanted, given = parse_number(expected), parse_number(output)
        if wanted is None:
            return unscored(f"the expected output {shown(expected)} is not a number")
        if given is None:
            return missed(f"there is no number in {shown(output)}")
        if self._equal(wanted, given):
            return passed()
        return missed(f"{given.value} is not {wanted.value}")

    def _equal(self, wanted: Number, given: Number) -> bool:
        if wanted.percent == given.percent:
            return self._near(wanted.value, given.value)
        bare = given if wanted.percent else wanted
        if abs(bare.value) > 1 and self._near(wanted.value, given.value):
            return True
        hundred = Decimal(100)
        if wanted.percent:
            return self._near(wanted.value / hundred, given.value)
        return self._near(wanted.value, given.value / hundred)

    def _near(self, wanted: Decimal, given: Decimal) -> bool:
        allowed = max(self._absolute, self._relative * abs(wanted))
        return wanted == given or abs(wanted - given) <= allowed
