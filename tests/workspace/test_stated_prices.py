"""Prices of a contract: every unit, a day, and units that somebody mistyped."""

from decimal import Decimal
from pathlib import Path

import pytest

import desk
from rixin import Workspace
from rixin.core.answer import Usage
from rixin.errors import UsageError
from rixin.interop.contract.load import load_scenario
from rixin.workspace.endpoints import find_rates


def write_desk(folder, **changes):
    policy = {"egress": "allowed", "guards": ["output-schema"]}
    return desk.write_desk(folder, policy=policy, **changes)


def rates_of(folder, candidate, **changes):
    scenario = load_scenario(write_desk(folder, candidates=[candidate], **changes))
    return find_rates(scenario, scenario.candidates[0])


OURS = {"name": "ours", "endpoint": "big", "base_url": "http://127.0.0.1:9/v1"}


def test_a_contract_states_whatever_a_list_states(tmp_path):
    price = {
        "input": 1,
        "output": 4,
        "cached": 0.1,
        "cache_write": 1.25,
        "request": 0.01,
        "tiers": [{"above": 1000, "input": 2, "output": 6}],
        "hours": [{"from": "00:30", "to": "16:30", "input": 3}],
        "priority": {"input": 5},
    }
    rates = rates_of(tmp_path, {**OURS, "price": price})
    noon, night = 12 * 3600, 20 * 3600
    used = Usage(input_tokens=1000, output_tokens=10, cached_tokens=100)
    assert rates.cost(used, night) == Decimal("0.01") + Decimal("0.00095")
    assert rates.cost(used, noon) == Decimal("0.01") + Decimal("0.00275")
    assert rates.cost(used._replace(input_tokens=1001), night) == Decimal("0.011872")
    assert rates.cost(used._replace(service_tier="priority"), night) == Decimal("0.01455")


def test_times_of_the_day_need_no_quotes_in_a_contract_nor_in_a_price_file(tmp_path):
    price = "{input: 1, output: 1, hours: [{from: 16:30, to: 18:30, input: 3}]}"
    path = write_desk(tmp_path, candidates=[OURS], prices="prices.yaml")
    (tmp_path / "prices.yaml").write_text(f"date: 2026-11-01\nmodels: {{big: {price}}}")
    by_file = load_scenario(path)
    path.write_text(path.read_text().replace("endpoint: big", f"endpoint: big\n  price: {price}"))
    for scenario in (by_file, load_scenario(path)):
        rates = find_rates(scenario, scenario.candidates[0])
        assert [rates.price("input", hour * 3600) for hour in (16, 17, 19)] == [1, 3, 1]


def test_a_time_of_the_day_that_is_none_is_told(tmp_path):
    odd = {"input": 1, "output": 1, "hours": [{"from": "noon", "to": "18:30"}]}
    with pytest.raises(UsageError, match="a time of the day such as 16:30"):
        rates_of(tmp_path, {**OURS, "price": odd})


def test_the_day_of_the_prices_is_pinned_and_told(tmp_path):
    o3 = {"name": "o3", "endpoint": "openai/o3"}
    then = rates_of(tmp_path, o3, price_date="2025-06-09")
    assert (then.price("input"), then.date) == (10, "2025-06-09")
    assert rates_of(tmp_path, o3, price_date="2025-06-10").price("input") == 2
    assert rates_of(tmp_path, o3).source.startswith("genai-prices ")
    with pytest.raises(UsageError, match="future"):
        rates_of(tmp_path, o3, price_date="2999-01-01")


@pytest.mark.parametrize(
    ("price", "odd"),
    [
        ({"input": 0.0000025, "output": 0.000015}, "input is 0.0000025"),
        ({"input": 2.5, "output": 15_000}, "output is 15000"),
        ({"input": 2, "output": 12}, ""),
        ({"input": 0, "output": 0}, ""),
    ],
)
def test_check_warns_of_a_price_in_another_unit(tmp_path, monkeypatch, price, odd):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-one")
    path = write_desk(
        tmp_path, candidates=[{"name": "s", "endpoint": "openai/gpt-5.4", "price": price}]
    )
    with Workspace(quiet=True) as workspace:
        notes = " ".join(workspace.check(path).notes)
    assert ("mistyped" in notes) is bool(odd)
    assert odd in notes


def test_check_says_that_a_name_may_have_moved_on(tmp_path, monkeypatch):
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-not-one")
    latest = {"name": "s", "endpoint": "mistral/mistral-large-latest"}
    path = write_desk(tmp_path, candidates=[latest])
    with Workspace(quiet=True) as workspace:
        assert "state `price` if it has moved on" in " ".join(workspace.check(path).notes)


def test_a_certificate_says_which_list_priced_it(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-one")
    o3 = {"name": "o3", "endpoint": "openai/o3", "cases": 1}
    path = write_desk(tmp_path, candidates=[o3], price_date="2025-06-10")
    with Workspace(quiet=True) as workspace:
        plan = workspace.check(path)
    assert plan.lines[0].price.startswith("2 in, 8 out, 0.5 cached")


def test_what_else_may_hold_stands_on_lines_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-one")
    path = write_desk(tmp_path, candidates=[{"name": "s", "endpoint": "openai/gpt-5.4"}])
    with Workspace(quiet=True) as workspace:
        lines = workspace.check(path).text().splitlines()
    (usual,) = (n for n, line in enumerate(lines) if "2.5 in, 15 out" in line)
    assert lines[usual + 1].strip() == "above 272,000 tokens 5 in, 22.5 out, 0.5 cached"
    assert max(map(len, lines)) < 125


def test_a_model_that_reads_without_a_bound_needs_a_stated_price_under_a_cap(tmp_path):
    research = {
        "name": "deep",
        "endpoint": "sonar-deep-research",
        "base_url": "https://api.perplexity.ai",
    }
    path = write_desk(tmp_path, candidates=[research], budget={"decide": 5})
    with Workspace(quiet=True) as workspace, pytest.raises(UsageError, match="spend cap"):
        workspace.check(path)


def test_the_price_of_the_docs_can_be_used(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    (text,) = (block for block in page.split("```") if block.startswith("yaml"))
    path = write_desk(tmp_path, candidates=[OURS])
    head = path.read_text().partition("candidates:")[0]
    path.write_text(f"{head}candidates:\n{text.removeprefix('yaml')}")
    (candidate,) = load_scenario(path).candidates
    rates = find_rates(load_scenario(path), candidate)
    assert candidate.options["max_input_tokens"] == 32_000
    assert rates.per_million(at=20 * 3600).startswith("0.8 in, 2 out, 0.16 cached")
    assert rates.price("input", 3600) == Decimal("0.4")
