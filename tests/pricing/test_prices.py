"""What answers cost: given, listed, converted; unknown is never zero."""

from decimal import Decimal

import pytest

from rixin.core.answer import Usage
from rixin.errors import UsageError
from rixin.pricing.book import (
    cpu_cost,
    given_rates,
    in_currency,
    listed_rates,
    load_price_file,
    snapshot_date,
)


def test_given_prices_are_per_million_tokens():
    rates = given_rates({"input": "0.15", "output": "0.60"}, "2026-11-01", "the contract")
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000, cached_tokens=400_000)
    assert rates.cost(usage) == Decimal("0.45")
    assert rates.per_million() == "0.15 in, 0.6 out, 0.15 cached (per million tokens)"


def test_cached_tokens_have_their_own_price():
    rates = given_rates({"input": 1, "output": 2, "cached": "0.1"}, "", "")
    assert rates.cost(Usage(input_tokens=10, cached_tokens=10)) == Decimal("0.000001")


@pytest.mark.parametrize(
    "price", [{"input": 1}, {"input": "x", "output": 1}, {"input": -1, "output": 1}]
)
def test_prices_that_are_no_prices_are_refused(price):
    with pytest.raises(UsageError, match="price"):
        given_rates(price, "", "the contract")


def test_a_price_file_has_a_date(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text("date: 2026-11-01\nmodels: {big: {input: 2, output: 8}}")
    rates = load_price_file(path)["big"]
    assert (rates.date, rates.source) == ("2026-11-01", "prices.yaml")
    assert rates.output == Decimal("0.000008")


@pytest.mark.parametrize("text", ["", "models: {}", "date: 2026-11-01", "date: x\nmodels: 3", "{"])
def test_a_price_file_that_cannot_be_used_says_what_it_needs(tmp_path, text):
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match="not usable") as caught:
        load_price_file(path)
    assert "date: 2026-11-01" in caught.value.hint
    with pytest.raises(UsageError):
        load_price_file(tmp_path / "none.yaml")


def test_listed_prices_have_a_source_and_a_date():
    rates = listed_rates("openai", "gpt-4o-mini", None)
    assert rates.input > 0
    assert rates.output > rates.input
    assert rates.cached < rates.input
    assert rates.source.startswith("genai-prices ")
    assert rates.date == snapshot_date()
    assert snapshot_date() > "2025"


def test_an_unknown_model_has_no_price_at_all():
    assert listed_rates("openai", "no-such-model-at-all", None) is None
    assert listed_rates(None, "x", "http://127.0.0.1:1/v1") is None


def test_dollars_become_the_currency_of_the_scenario():
    dollars = given_rates({"input": 1, "output": 2}, "2026-11-01", "list")
    euros = in_currency(dollars, Decimal("0.9"))
    assert euros.input == Decimal("0.0000009")
    assert "1 USD = 0.9" in euros.source
    assert in_currency(dollars, Decimal(1)) is dollars


def test_time_on_this_machine_costs_by_the_hour():
    assert cpu_cost(Usage(cpu_s=3600.0), Decimal("0.05")) == Decimal("0.05")
    assert cpu_cost(Usage(), Decimal("0.05")) == 0
