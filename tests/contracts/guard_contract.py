"""The contract of `rixin.core.solver.Guard`, for every implementation, third-party ones too.

`make` gives a fresh, equal guard at each call; `clean` passes it and `dirty` does not.
"""

from collections.abc import Callable

from rixin.core.case import Case
from rixin.core.outcome import Violation
from rixin.core.solver import Guard

Make = Callable[[], Guard]
ODD_OUTPUTS = ("", " ", "\x00", "🙂", "a" * 20_000, "[" * 5_000, "{", "null", "NaN")


def check_it_meets_the_protocol(make: Make, case: Case, clean: str, dirty: str) -> None:
    guard = make()
    assert isinstance(guard, Guard)
    assert guard.name
    assert guard.fingerprint == make().fingerprint


def check_a_clean_output_passes(make: Make, case: Case, clean: str, dirty: str) -> None:
    assert list(make().check(case, clean)) == []


def check_a_dirty_output_is_found_with_its_reason(
    make: Make, case: Case, clean: str, dirty: str
) -> None:
    guard = make()
    found = list(guard.check(case, dirty))
    assert found
    assert all(violation.guard == guard.name and violation.reason for violation in found)


def check_odd_outputs_do_not_raise(make: Make, case: Case, clean: str, dirty: str) -> None:
    for output in ODD_OUTPUTS:
        assert all(isinstance(found, Violation) for found in make().check(case, output))


def check_the_expected_output_is_not_looked_at(
    make: Make, case: Case, clean: str, dirty: str
) -> None:
    for output in (clean, dirty):
        blind = make().check(case._replace(expected=None), output)
        assert list(blind) == list(make().check(case, output))


GUARD_CHECKS = (
    check_it_meets_the_protocol,
    check_a_clean_output_passes,
    check_a_dirty_output_is_found_with_its_reason,
    check_odd_outputs_do_not_raise,
    check_the_expected_output_is_not_looked_at,
)
