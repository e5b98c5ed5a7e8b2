"""The price book: the contract's own price first, then a dated price file, then genai-prices."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from datetime import date as Day  # noqa: N812 - a price has a date of its own
from decimal import Decimal
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from rixin.core.answer import Usage
from rixin.core.money import to_pico
from rixin.errors import UsageError
from rixin.pricing.listed import listed_rates as listed_rates
from rixin.pricing.listed import snapshot_date as snapshot_date
from rixin.pricing.rates import ALWAYS, UNITS, Entry, Rates, Steps

TIERS = ("batch", "flex", "priority")
"""Tiers of service that a stated price may have prices of their own for."""
_MOST_AMOUNT = 10**9
"""For a million tokens: beyond it a figure is a slip, and sums would not fit the ledger."""
_ODD = 100
"""Times that a stated price may be off the list before somebody must have mistyped the unit."""


def given_rates(price: Mapping[str, Any], date: str, source: str) -> Rates:
    """Rates from `{input, output, cached, …}`, per million tokens, or a piece of what is no token.

    Args:
        price: The units of `UNITS`; `tiers: [{above, …}]` for long calls, `hours: [{from, to, …}]`
            in UTC, and `batch`, `flex` and `priority` with what differs there.
        date: When it held.
        source: Where it was stated.

    Raises:
        UsageError: A price is missing, negative or no number.

    Examples:
        >>> long = {"above": 200_000, "input": 2}
        >>> given_rates({"input": 1, "output": 4, "tiers": [long]}, "", "").per_million()
        '1 in, 4 out, 1 cached (per million tokens); above 200,000 tokens 2 in, 4 out, 2 cached'
    """
    try:
        entries = tuple(_entries(price))
        usual = entries[0].prices
        if "input" not in usual or "output" not in usual:
            raise KeyError("it needs input and output")
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UsageError(
            f"a price in {source} is not usable: {shortened(price)}",
            hint="give numbers per million tokens: {input: 0.15, output: 0.60, cached: 0.075}",
        ) from error
    if any(
        amount < 0 for entry in entries for steps in entry.prices.values() for _, amount in steps
    ):
        raise UsageError(f"a price in {source} is negative: {shortened(price)}")
    return Rates(entries, date, source)


def _entries(price: Mapping[str, Any]) -> Iterator[Entry]:
    unknown = price.keys() - {*UNITS, *TIERS, "tiers", "hours"}
    if unknown:
        raise KeyError(f"nobody knows {sorted(unknown)}")
    usual = _steps(price)
    yield Entry(usual)
    for window in price.get("hours") or ():
        hours = _second(window["from"]), _second(window["to"])
        yield Entry({**usual, **_steps(window)}, hours=hours)
    for tier in TIERS:
        if price.get(tier):
            yield Entry(_steps(price[tier]), tier)


def _steps(price: Mapping[str, Any]) -> dict[str, Steps]:
    steps: dict[str, Steps] = {
        unit: ((ALWAYS, _amount(price[unit])),) for unit in UNITS if price.get(unit) is not None
    }
    for tier in sorted(price.get("tiers") or (), key=lambda one: int(one["above"])):
        for unit in UNITS:
            if tier.get(unit) is not None:
                above = (int(tier["above"]), _amount(tier[unit]))
                steps[unit] = (*steps.get(unit, ()), above)
    return steps


def _amount(value: object) -> Decimal:
    # In a file of aliases a list may be endless as a text: only what is one number is read as one.
    if not isinstance(value, int | float | Decimal | str):
        raise TypeError(f"{shortened(value)} is no amount")
    amount = Decimal(str(value))
    if not amount.is_finite() or abs(amount) > _MOST_AMOUNT:
        raise ValueError(f"{shortened(value)} is no amount")
    return amount


def _second(moment: object) -> int:
    """The second of a day from `16:30`, which YAML may read as 990 minutes."""
    if isinstance(moment, int):
        return moment * 60
    hour, minute = map(int, str(moment).split(":"))
    return (hour * 60 + minute) * 60


def odd_price(stated: Rates, listed: Rates) -> str:
    """Which stated price is so far off the list that its unit must be another; empty: none.

    Examples:
        >>> by_token = given_rates({"input": "0.00000015", "output": "0.6"}, "", "")
        >>> odd_price(by_token, given_rates({"input": "0.15", "output": "0.60"}, "", ""))
        'input is 0.00000015 a million tokens; the list says 0.15'
    """
    for unit in ("input", "output"):
        own, usual = stated.price(unit), listed.price(unit)
        if own and usual and not usual / _ODD < own < usual * _ODD:
            return f"{unit} is {own:f} a million tokens; the list says {usual.normalize():f}"
    return ""


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
    except (OSError, yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise _no_price_file(path, [why]) from error
    fields = content if isinstance(content, Mapping) else {}
    date, models = fields.get("date"), fields.get("models")
    wrong = [] if isinstance(date, str | Day) else ["there is no `date`, as 2026-11-01"]
    if not isinstance(models, Mapping):
        raise _no_price_file(path, [*wrong, "there are no `models`, as {name: {input, output}}"])
    rates: dict[str, Rates] = {}
    for name, price in models.items():
        try:
            rates[str(name)] = given_rates(price, str(date), path.name)
        except UsageError as error:
            wrong.append(f"{shortened(name)}: {error}")
    if wrong:
        raise _no_price_file(path, wrong)
    return rates


def _no_price_file(path: Path, wrong: list[str]) -> UsageError:
    return UsageError(
        f"the price file {str(path)!r} is not usable: " + "; ".join(wrong),
        hint="it needs `date: 2026-11-01` and `models: {name: {input: 0.15, output: 0.60}}`",
    )


def in_currency(rates: Rates, usd_rate: Decimal) -> Rates:
    """Dollar rates in a currency of which one dollar costs `usd_rate`."""
    if usd_rate == 1:
        return rates
    return rates.times(usd_rate, f"{rates.source}, 1 USD = {usd_rate}")


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
