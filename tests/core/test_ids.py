"""Pools by hash: what falls behind the last edge."""

from rixin.core.ids import pool_of


def test_shares_that_sum_to_a_little_less_than_one_leave_no_case_out() -> None:
    assert pool_of("ff" * 16, {"shape": 0.5, "certify": 0.4999999999}) == "certify"
