"""The price book: the contract's own price first, then a dated price file, then genai-prices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from rixin.core.answer import Usage
from rixin.core.money import to_pico
from rixin.errors import UsageError

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices per token in the scenario's currency, with their date and source.

    Examples:
        >>> rates = Rates(Decimal("1e-6"), Decimal("2e-6"), Decimal("1e-7"), "2026-11-01", "list")
        >>> rates.cost(Usage(input_tokens=1000, cached_tokens=400, output_tokens=10))
        Decimal('0.0006600')
    """

    input: Decimal
    output: Decimal
    cached: Decimal
    date: str
    source: str

    def cost(self, usage: Usage) -> Decimal:
        """The cost of one answer's tokens."""
        cached = usage.cached_tokens
        fresh = max(0, usage.input_tokens - cached)
        cost = fresh * self.input + usage.output_tokens * self.output
        return cost + cached * self.cached if cached else cost

    def per_million(self) -> str:
        """The rates for people, per million tokens."""
        shown = [f"{rate * _MILLION:f}".rstrip("0").rstrip(".") for rate in self._all()]
        return f"{shown[0]} in, {shown[1]} out, {shown[2]} cached (per million tokens)"

    def _all(self) -> tuple[Decimal, Decimal, Decimal]:
        return self.input, self.output, self.cached


def pico_pricer(rates: Rates) -> Callable[[Usage], int]:
    """Prices usage in 10⁻¹² currency units, exactly and many thousand times a second.

    Rates of a whole number of these units a token, which all lists have, need whole numbers only.

    Examples:
        >>> price = pico_pricer(Rates(Decimal("1e-6"), Decimal("2e-6"), Decimal("1e-7"), "", ""))
        >>> price(Usage(input_tokens=1000, cached_tokens=400, output_tokens=10))
        660000000
    """
    exact = [rate.scaleb(12) for rate in (rates.input, rates.output, rates.cached)]
    if any(rate != rate.to_integral_value() for rate in exact):
        return lambda usage: to_pico(rates.cost(usage))
    fresh, out, cached = map(int, exact)

    def price(usage: Usage) -> int:
        again = usage.cached_tokens
        new = max(0, usage.input_tokens - again)
        return new * fresh + again * cached + usage.output_tokens * out

    return price


def given_rates(price: Mapping[str, object], date: str, source: str) -> Rates:
    """Rates from `{input, output, cached}` per million tokens; `cached` defaults to `input`.

    Raises:
        UsageError: A price is missing, negative or no number.
    """
    try:
        per_input = Decimal(str(price["input"]))
        per_output = Decimal(str(price["output"]))
        per_cached = Decimal(str(price.get("cached", price["input"])))
    except (KeyError, InvalidOperation) as error:
        raise UsageError(
            f"a price in {source} is not usable: {dict(price)!r}",
            hint="give numbers per million tokens: {input: 0.15, output: 0.60, cached: 0.075}",
        ) from error
    if min(per_input, per_output, per_cached) < 0:
        raise UsageError(f"a price in {source} is negative: {dict(price)!r}")
    return Rates(per_input / _MILLION, per_output / _MILLION, per_cached / _MILLION, date, source)


def changed_on(path: Path) -> str:
    """The day (UTC) of a file's last change: how old the prices in it are, at the most."""
    try:
        changed = path.stat().st_mtime
    except OSError:
        return "unknown"
    return str(datetime.fromtimestamp(changed, UTC).date())


def load_price_file(path: Path) -> dict[str, Rates]:
    """Prices by model name from a YAML file `{date: 2026-11-01, models: {name: {input, …}}}`.

    Raises:
        UsageError: The file has no date, no models, or a price that is not usable.
    """
    import yaml

    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        date, models = str(content["date"]), dict(content["models"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"the price file {str(path)!r} is not usable: {error}",
            hint="it needs `date: 2026-11-01` and `models: {name: {input: 0.15, output: 0.60}}`",
        ) from error
    return {name: given_rates(price, date, path.name) for name, price in models.items()}


def listed_rates(provider: str | None, model: str, base_url: str | None) -> Rates | None:
    """Rates in US dollars from the genai-prices package, or None where it has none.

    Its prices are list prices of the day in their `date` and may differ from your contract.
    """
    from importlib.metadata import version

    from genai_prices import Usage as TokenUsage
    from genai_prices import calc_price

    many = 1_000
    costs = []
    where: Any = {"provider_id": provider} if provider else {"provider_api_url": base_url}
    for fields in ({"input_tokens": many}, {"output_tokens": many}, _CACHED):
        try:
            now = datetime.now(tz=UTC)
            found = calc_price(TokenUsage(**fields), model, genai_request_timestamp=now, **where)
        except LookupError:
            return None
        costs.append(found.total_price / many)
    source = f"genai-prices {version('genai-prices')}"
    return Rates(costs[0], costs[1], costs[2], snapshot_date(), source)


def snapshot_date() -> str:
    """The day of the newest price change that the installed genai-prices knows of, up to today.

    The package states no date of its own; a price list is at least as new as its newest change.
    """
    from genai_prices.data import providers

    today = datetime.now(tz=UTC).date()
    changes = (
        getattr(price.constraint, "start_date", None)
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list)
        for price in model.prices
    )
    return str(max((day for day in changes if day and day <= today), default="unknown"))


_CACHED = {"input_tokens": 1_000, "cache_read_tokens": 1_000}


def in_currency(rates: Rates, usd_rate: Decimal) -> Rates:
    """Dollar rates in a currency of which one dollar costs `usd_rate`."""
    if usd_rate == 1:
        return rates
    return Rates(
        rates.input * usd_rate,
        rates.output * usd_rate,
        rates.cached * usd_rate,
        rates.date,
        f"{rates.source}, 1 USD = {usd_rate}",
    )


def pico_cpu_pricer(cpu_hour: Decimal) -> Callable[[Usage], int]:
    """The same as `cpu_cost` in 10⁻¹² currency units, by whole numbers.

    Examples:
        >>> pico_cpu_pricer(Decimal("0.05"))(Usage(cpu_s=36.0))
        500000000
    """
    hour, parts = to_pico(cpu_hour), 3_600 * 10**9

    def price(usage: Usage) -> int:
        return (round(usage.cpu_s * 1e9) * hour + parts // 2) // parts

    return price


def cpu_cost(usage: Usage, cpu_hour: Decimal) -> Decimal:
    """CPU seconds on this machine × the stated price of a core hour.

    Examples:
        >>> cpu_cost(Usage(cpu_s=36.0), Decimal("0.05")) == Decimal("0.0005")
        True
    """
    return Decimal(f"{usage.cpu_s:.9f}") / 3600 * cpu_hour
