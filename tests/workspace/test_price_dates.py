"""Every price in a certificate has a date."""

import os
from datetime import UTC, datetime

from recorded_world import decided, write_contract, write_world

from desk import write_desk
from rixin.pricing.book import changed_on

DAY = datetime(2026, 3, 4, 5, tzinfo=UTC).timestamp()
LATER = datetime(2026, 5, 6, 7, tzinfo=UTC).timestamp()


def test_a_recorded_price_is_as_old_as_the_log_and_a_cascades_as_the_contract(tmp_path):
    write_world(tmp_path)
    path = write_contract(tmp_path, solved=", below_best_at_most: 0.02")
    for name in ("cheap", "middle", "dear"):
        os.utime(tmp_path / f"{name}.csv", (DAY, DAY))
    os.utime(path, (LATER, LATER))
    prices = {one["solver"]: one["date"] for one in decided(path).certificate["prices"]}
    cascade = next(name for name in prices if "→" in name)
    assert {prices.pop(cascade)} == {"2026-05-06"}
    assert prices == dict.fromkeys(("cheap", "middle", "dear"), "2026-03-04")


def test_prices_of_the_contract_are_as_old_as_the_contract(tmp_path):
    ours = {"name": "ours", "endpoint": "m", "base_url": "http://127.0.0.1:9/v1"}
    path = write_desk(
        tmp_path,
        candidates=[
            {"name": "rules", "rule": "rules.yaml"},
            {**ours, "price": {"input": 1, "output": 2}},
            {**ours, "name": "free"},
        ],
    )
    os.utime(path, (LATER, LATER))
    prices = decided(path, only=["rules"]).certificate["prices"]
    assert {one["solver"]: one["date"] for one in prices} == dict.fromkeys(
        ("rules", "ours", "free"), "2026-05-06"
    )


def test_a_file_that_is_gone_has_no_date(tmp_path):
    assert changed_on(tmp_path / "gone.yaml") == "unknown"
