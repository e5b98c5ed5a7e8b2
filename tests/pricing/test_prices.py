"""What answers cost: given, listed, converted; unknown is never zero."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from genai_prices import data
from genai_prices import types as data_types

from rixin.core.answer import Usage
from rixin.core.money import from_pico
from rixin.errors import UsageError
from rixin.pricing.book import cpu_cost, given_rates, in_currency, load_price_file, odd_price
from rixin.pricing.listed import listed_rates, snapshot_date


def test_given_prices_are_per_million_tokens():
    rates = given_rates({"input": "0.15", "output": "0.60"}, "2026-11-01", "the contract")
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000, cached_tokens=400_000)
    assert rates.cost(usage) == Decimal("0.45")
    assert rates.per_million() == "0.15 in, 0.6 out, 0.15 cached (per million tokens)"


def test_cached_tokens_have_their_own_price():
    rates = given_rates({"input": 1, "output": 2, "cached": "0.1"}, "", "")
    assert rates.cost(Usage(input_tokens=10, cached_tokens=10)) == Decimal("0.000001")


@pytest.mark.parametrize(
    "price",
    [
        {"input": 1},
        {"input": "x", "output": 1},
        {"input": "NaN", "output": 1},
        {"input": -1, "output": 1},
        {"input": 1, "output": 1, "tiers": [{"above": 5, "input": -1}]},
        {"input": 1, "output": 1, "tiers": [{"input": 1}]},
        {"input": 1, "output": 1, "hours": [{"from": "noon", "to": "16:30"}]},
        {"input": 1, "output": 1, "inputs": 1},
        10,
        None,
    ],
)
def test_prices_that_are_no_prices_are_refused(price):
    with pytest.raises(UsageError, match="price"):
        given_rates(price, "", "the contract")


def test_a_price_file_has_a_date(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text("date: 2026-11-01\nmodels: {big: {input: 2, output: 8}}")
    rates = load_price_file(path)["big"]
    assert (rates.date, rates.source) == ("2026-11-01", "prices.yaml")
    assert rates.price("output") == 8


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
    assert rates.price("input") < rates.price("output")
    assert rates.price("cached") < rates.price("input")
    assert rates.source.startswith("genai-prices ")
    assert rates.date == snapshot_date()
    assert snapshot_date() > "2025"


def test_an_unknown_model_has_no_price_at_all():
    assert listed_rates("openai", "no-such-model-at-all", None) is None
    assert listed_rates("nobody", "gpt-4o", None) is None
    assert listed_rates(None, "x", "http://127.0.0.1:1/v1") is None
    assert listed_rates(None, "x", None) is None


def test_dollars_become_the_currency_of_the_scenario():
    dollars = given_rates({"input": 1, "output": 2}, "2026-11-01", "list")
    euros = in_currency(dollars, Decimal("0.9"))
    assert euros.price("input") == Decimal("0.9")
    assert "1 USD = 0.9" in euros.source
    assert in_currency(dollars, Decimal(1)) is dollars


def test_time_on_this_machine_costs_by_the_hour():
    assert cpu_cost(Usage(cpu_s=3600.0), Decimal("0.05")) == Decimal("0.05")
    assert cpu_cost(Usage(), Decimal("0.05")) == 0


def test_prices_of_nothing_are_shown_as_noughts():
    free = given_rates({"input": 0, "output": 0}, "", "")
    assert free.per_million() == "0 in, 0 out, 0 cached (per million tokens)"
    assert (
        given_rates({"input": "20.0", "output": 100}, "", "").per_million().startswith("20 in, 100")
    )


def test_what_else_may_hold_is_shown_with_the_price():
    price = {
        "input": 1,
        "output": 4,
        "request": "0.01",
        "tiers": [{"above": 200_000, "input": 2, "output": 6}],
        "hours": [{"from": "00:30", "to": "16:30", "input": 3}],
    }
    text = given_rates(price, "", "").per_million(at=20 * 3600)
    assert text == (
        "1 in, 4 out, 1 cached (per million tokens); above 200,000 tokens 2 in, 6 out, 2 cached;"
        " 00:30 to 16:30 UTC 3 in, 4 out, 3 cached; 0.01 a request"
    )


def test_a_stated_price_has_every_unit_that_a_list_has():
    price = {
        "input": 2,
        "output": 8,
        "cached": "0.2",
        "cache_write": "2.5",
        "cache_write_1h": 4,
        "reasoning": 3,
        "audio_input": 32,
        "audio_output": 64,
        "image": "0.04",
        "request": "0.012",
        "search": "0.01",
    }
    cost = given_rates(price, "", "").cost
    whole = Usage(input_tokens=1000, output_tokens=100)
    assert cost(whole) == Decimal("0.0148")
    assert cost(whole._replace(cache_write_tokens=1000)) == Decimal("0.0153")
    hour = whole._replace(cache_write_tokens=1000, cache_write_1h_tokens=400)
    assert cost(hour) == Decimal("0.0159")
    assert cost(whole._replace(reasoning_tokens=100)) == Decimal("0.0143")
    assert cost(whole._replace(audio_input_tokens=100)) == Decimal("0.0178")
    assert cost(whole._replace(audio_output_tokens=100)) == Decimal("0.0204")
    heard = whole._replace(audio_input_tokens=100, audio_cached_tokens=100, cached_tokens=100)
    assert cost(heard) == Decimal("0.0178"), "what is heard again has no price of its own"
    assert cost(whole._replace(images=2)) == Decimal("0.0948")
    assert cost(whole._replace(searches=3)) == Decimal("0.0448")
    assert cost(Usage(calls=1)) == 0, "a call that used nothing was not answered"


def test_what_has_no_price_is_not_free():
    cost = given_rates({"input": 1, "output": 2}, "", "").cost
    assert cost(Usage(input_tokens=10, searches=1)) is None
    assert cost(Usage(images=1)) is None
    assert cost(Usage(input_tokens=1, output_tokens=4, images=1)) == Decimal("0.000009")
    assert cost(Usage(input_tokens=1, service_tier="priority")) is None
    assert cost(Usage(input_tokens=1, service_tier="flex")) == Decimal("0.000001")


def test_an_amount_that_the_ledger_cannot_hold_is_not_known():
    cost = given_rates({"input": 10**9, "output": 0}, "", "").pricer
    assert cost(Usage(input_tokens=9_000)) == 9 * 10**18
    assert cost(Usage(input_tokens=10_000)) is None
    assert cost.most(Usage(input_tokens=10_000)) == 2**63 - 1


def test_a_price_that_is_finer_than_the_ledger_is_rounded_up():
    cost = given_rates({"input": "0.00000033", "output": "0.0000001"}, "", "").pricer
    assert cost(Usage(input_tokens=1)) == 1
    assert cost(Usage(input_tokens=100)) == 33
    assert cost(Usage(input_tokens=10, output_tokens=1)) == 4


def test_long_calls_pay_their_tier_for_all_of_their_tokens():
    price = {"input": 1, "output": 4, "cached": "0.1", "tiers": [{"above": 200_000, "input": 2}]}
    cost = given_rates(price, "", "").cost
    assert cost(Usage(input_tokens=200_000, output_tokens=10)) == Decimal("0.20004")
    assert cost(Usage(input_tokens=200_001, output_tokens=10)) == Decimal("0.400042")
    assert cost(Usage(input_tokens=200_001, cached_tokens=200_000)) == Decimal("0.020002")


def test_a_price_of_long_calls_alone_leaves_short_ones_as_they_are():
    price = {"input": 1, "output": 4, "tiers": [{"above": 1000, "cached": "0.5"}]}
    cost = given_rates(price, "", "").cost
    assert cost(Usage(input_tokens=1000, cached_tokens=1000)) == Decimal("0.001")
    assert cost(Usage(input_tokens=1001, cached_tokens=1001)) == Decimal("0.0005005")


def test_hours_are_those_of_the_answer_and_the_dearest_is_reserved():
    price = {
        "input": 1,
        "output": 2,
        "hours": [
            {"from": "00:30", "to": "16:30", "input": 4},
            {"from": "22:00", "to": "00:30", "input": 8},
        ],
    }
    pricer, one = given_rates(price, "", "").pricer, Usage(input_tokens=1)
    day, clock = 86_400 * 20_000, {"00:29": 8, "00:30": 4, "16:29": 4, "16:30": 1, "22:00": 8}
    for moment, right in [*clock.items(), *reversed(clock.items())]:
        hour, minute = map(int, moment.split(":"))
        at = day + hour * 3600 + minute * 60
        assert pricer(one, at) == right * 10**6, moment
        assert pricer.most(one, at=at) == 8 * 10**6, moment


def test_batch_flex_and_priority_have_their_own_prices():
    price = {"input": 2, "output": 8, "batch": {"input": 1}, "priority": {"input": 4, "output": 16}}
    pricer = given_rates(price, "", "").pricer
    used = Usage(input_tokens=100, output_tokens=10)
    costs = {"": 280, "batch": 180, "flex": 280, "priority": 560, "scale": None}
    for tier, right in costs.items():
        pico = pricer(used._replace(service_tier=tier))
        assert pico == (None if right is None else right * 10**6), tier


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        (None, 560),  # the server chooses
        ("auto", 560),
        ("default", 280),
        ("flex", 280),
        ("batch", 280),
        ("priority", 560),
        ("scale", None),
    ],
)
def test_the_dearest_tier_that_may_serve_is_reserved(asked, right):
    price = {"input": 2, "output": 8, "batch": {"input": 1}, "priority": {"input": 4, "output": 16}}
    most = given_rates(price, "", "").pricer.most(Usage(input_tokens=100, output_tokens=10), asked)
    assert most == (None if right is None else right * 10**6)


def test_tiers_that_callers_invent_are_not_kept():
    pricer = given_rates({"input": 2, "output": 8}, "", "").pricer
    for number in range(100):
        assert pricer.most(Usage(input_tokens=1), f"tier-{number}") is None
    assert len(pricer._ceilings) == 0


def test_what_is_written_to_a_cache_and_what_is_heard_is_reserved():
    price = {"input": 2, "output": 8, "cache_write_1h": 4, "audio_input": 32, "image": "0.5"}
    most = given_rates(price, "", "").pricer.most
    assert most(Usage(input_tokens=10), media=False) == 40 * 10**6
    assert most(Usage(input_tokens=10)) == 320 * 10**6
    assert most(Usage(input_tokens=10, images=1)) == 320 * 10**6 + 5 * 10**11


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "whisper-1"),
        ("openai", "tts-1"),
        ("mistral", "mistral-ocr-4-0"),
        ("groq", "whisper-large-v3"),
        ("github-copilot", "gpt-4o"),
        ("x-ai", "grok-voice-latest"),
    ],
)
def test_a_model_that_is_not_listed_by_the_token_has_no_price(provider, model):
    assert listed_rates(provider, model, None) is None


def listed_with(monkeypatch, **changes):
    """The price of a model of the list that is changed for the test."""
    model = next(one for one in data.providers if one.id == "openai").find_model("gpt-4o-mini")
    for name, value in changes.items():
        monkeypatch.setattr(model, name, value)
    return listed_rates("openai", "gpt-4o-mini", None)


def test_a_kind_of_price_that_is_new_to_us_is_no_price(monkeypatch):
    by_token = {"input_mtok": Decimal(1), "output_mtok": Decimal(2)}
    prices = data_types.ModelPrice(**by_token)
    assert listed_with(monkeypatch, prices=prices).price("output") == 2
    assert (
        listed_with(monkeypatch, prices=data_types.ModelPrice(**by_token, smell=Decimal(1))) is None
    )
    hourly = data_types.ConditionalPrice(prices=data_types.ModelPrice(audio_hours=Decimal(1)))
    tokens = data_types.ConditionalPrice(prices=prices)
    assert listed_with(monkeypatch, prices=[tokens, hourly]) is None
    moon = data_types.ConditionalPrice(SimpleNamespace(full_moon=True), prices=prices)
    assert listed_with(monkeypatch, prices=[tokens, moon]) is None
    two = data_types.PriceVariant({"service_tier": "flex", "speed": "fast"}, prices)
    rates = listed_with(monkeypatch, prices=prices, price_variants=[two])
    assert len(rates.entries) == 1


def test_a_day_before_the_first_price_has_the_first_price(monkeypatch):
    first = data_types.ConditionalPrice(
        data_types.StartDateConstraint(date(2026, 1, 1)),
        prices=data_types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(2)),
    )
    listed_with(monkeypatch, prices=[first])
    assert listed_rates("openai", "gpt-4o-mini", None, as_of=date(2025, 1, 1)).price("input") == 1


def test_only_a_name_that_says_so_is_free():
    rates = listed_rates("openrouter", "deepseek/deepseek-r1:free", None)
    assert rates.cost(Usage(input_tokens=1000, output_tokens=1000)) == 0
    assert rates.source.startswith("genai-prices")


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("https://api.openai.com/v1", True),
        ("https://api.openai.com:443/v1", True),
        ("https://API.OpenAI.com/v1", True),
        ("https://my.openai.azure.com/openai/v1", True),
        ("https://api.openai.com.evil.example/v1", False),
        ("https://api.openai.com@evil.example/v1", False),
        ("https://api.openai.community/v1", False),
        ("https://evil.example/api.openai.com", False),
        ("https://evil.example/a.openai.azure.com/", False),
        ("https://evil.example/x.googleapis.com/", False),
        ("http://[::1", False),
    ],
)
def test_a_host_that_only_begins_like_a_provider_has_no_list_price(address, known):
    assert (listed_rates(None, "gpt-4o", address) is not None) is known


def test_a_host_with_another_top_domain_is_known_where_the_list_says_so():
    assert listed_rates(None, "kimi-k2", "https://api.moonshot.cn/v1") is not None
    assert listed_rates(None, "kimi-k2", "https://api.moonshot.evil.example/v1") is None


def test_yuan_of_bigmodel_are_told_in_the_source():
    rates = listed_rates(None, "GLM-4.7", "https://open.bigmodel.cn/api/paas/v4")
    assert "7.25 CNY = 1 USD" in rates.source


def test_a_pinned_day_keeps_its_prices():
    then = listed_rates("openai", "o3", None, as_of=date(2025, 6, 9))
    after = listed_rates("openai", "o3", None, as_of=date(2025, 6, 10))
    assert (then.price("input"), after.price("input")) == (10, 2)
    assert (then.date, after.date) == ("2025-06-09", "2025-06-10")
    live = listed_rates("openai", "o3", None).pricer
    at = datetime(2025, 6, 9, 23, tzinfo=UTC).timestamp()
    assert live(Usage(input_tokens=1), at) == 10 * 10**6
    assert live(Usage(input_tokens=1), at + 3600) == 2 * 10**6
    assert live.most(Usage(input_tokens=1), "default", at=at) == 10 * 10**6


def test_a_pinned_day_in_the_future_is_refused():
    with pytest.raises(UsageError, match="2999-01-01"):
        listed_rates("openai", "o3", None, as_of=date(2999, 1, 1))


def test_a_price_by_the_token_where_the_list_has_millions_is_odd():
    listed = given_rates({"input": "0.15", "output": "0.60"}, "", "")
    assert "output" in odd_price(given_rates({"input": "0.1", "output": 600}, "", ""), listed)
    assert odd_price(given_rates({"input": "0.1", "output": 6}, "", ""), listed) == ""
    assert odd_price(given_rates({"input": 0, "output": 0}, "", ""), listed) == ""


CONTEXTS = ("service_tier", "processing", "speed")


def priced_models():
    for provider in data.providers:
        for model in provider.models:
            rates = listed_rates(provider.id, model.id, None)
            if rates is not None and provider.find_model(model.id) is model:
                yield provider, model, rates


@pytest.mark.filterwarnings("ignore:Unsupported usage key")
def test_every_model_of_the_list_costs_what_the_list_says():
    """Against the package's own arithmetic: tiers, hours, dates, caches, service tiers."""
    draw = random.Random(11)
    checked = 0
    for provider, model, rates in priced_models():
        for _ in range(2):
            read = draw.choice([10, 100_001, 200_000, 200_001, 272_001, 600_000])
            cached, written = draw.choice([0, read // 3]), draw.choice([0, read // 4])
            wrote = draw.choice([1, 70_000]) if model_writes(model) else 0
            at = datetime(2026, 11, draw.choice([1, 28]), draw.choice([0, 3, 17]), 30, tzinfo=UTC)
            tiers = [
                one.when for one in model.price_variants or () if one.when.keys() & {*CONTEXTS}
            ]
            context = draw.choice([{}, *tiers])
            right = model.calc_price(
                data_types.Usage(
                    input_tokens=read,
                    output_tokens=wrote,
                    cache_read_tokens=cached,
                    cache_write_tokens=written,
                ),
                provider,
                genai_request_timestamp=at,
                price_context=context,
            ).total_price
            tier = "".join(context.values()).replace("default", "")
            used = Usage(read, wrote, cached, cache_write_tokens=written, service_tier=tier)
            cost = rates.cost(used, at.timestamp())
            assert 0 <= cost - right < Decimal("1e-12"), (provider.id, model.id, used, context)
            worst = Usage(read, wrote)
            if rates.is_bounded:
                assert from_pico(rates.pricer.most(worst, tier or None, at=at.timestamp())) >= cost
            checked += 1
    assert checked > 4_000


def model_writes(model):
    prices = model.prices if isinstance(model.prices, list) else [model]
    return all("output_mtok" in vars(one.prices) for one in prices)
