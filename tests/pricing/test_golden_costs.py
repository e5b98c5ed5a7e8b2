"""Bodies of many makers cost what their price lists say: `make bench-money` as a test."""

import importlib
import sys
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def money():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        yield importlib.import_module("money")
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def lines(money):
    return [money.booked(row) for row in money.bodies()]


def test_every_body_is_booked_at_what_it_costs(lines):
    assert [line for line in lines if line.error != 0] == []


def test_no_body_costs_more_than_was_set_aside_for_it(lines):
    assert [line for line in lines if line.is_short] == []


def test_the_table_is_wide(money, lines):
    found = money.figures(lines)
    assert found["makers"] >= 12
    assert found["bodies"] >= 200
    assert (found["max_error"], found["underbooked"], found["reserve_short"]) == (0, 0, 0)


def test_the_costs_of_the_table_are_its_own_sums(money):
    for row in money.bodies():
        if row["cost"] is not None:
            tokens = sum((count * Decimal(price) for count, price in row["terms"]), Decimal(0))
            pieces = sum(count * Decimal(price) for count, price in row.get("pieces", ()))
            assert Decimal(row["cost"]) == tokens / 1_000_000 + pieces


def test_a_wrong_booking_is_seen(money):
    (row,) = [row for row in money.bodies() if row["model"] == "o1-pro"]
    dearer = money.booked({**row, "cost": "0.03"})
    found = money.figures([dearer])
    assert (found["max_error"], found["underbooked"]) == (0.0045, 1)
    assert money.figures([money.booked({**row, "cost": None})])["max_error"] is None
