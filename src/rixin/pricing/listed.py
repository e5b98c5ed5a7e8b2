"""The price list of the genai-prices package, read from its own tables.

Its prices are list prices in US dollars and may differ from your contract.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from rixin.errors import UsageError
from rixin.pricing.rates import ALWAYS, Entry, Rates, Steps

_UNITS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "output_citation_mtok": "citation",
    "input_audio_mtok": "audio_input",
    "cache_audio_read_mtok": "audio_cached",
    "output_audio_mtok": "audio_output",
    "input_image_mtok": "image_input",
    "cache_image_read_mtok": "image_cached",
    "output_image_mtok": "image_output",
    "input_video_mtok": "video_input",
    "output_video_mtok": "video_output",
    "requests_kcount": "request",
    "web_searches_kcount": "search",
}
_BESIDE = frozenset(
    {
        *("audio_hours", "input_audio_hours", "output_audio_hours", "social_searches_kcount"),
        *("storage_searches_kcount", "code_executions_kcount"),
    }
)
"""What is billed beside tokens only where a request asks for it; a budget refuses that."""
_LIMITS = {"start_date", "start_time"}
"""How the list says when a price holds."""
_TIERS = frozenset({"service_tier", "processing", "speed"})
"""What of a request chooses a price; routes and kinds of search are not told in an answer."""
_FREE = (":free", "/free")
"""How names say that they cost nothing."""
_TOP_DOMAIN = re.compile("[a-z]{2,4}")
_ZHIPU = "zhipuai"


def listed_rates(
    provider: str | None, model: str, base_url: str | None, *, as_of: date | None = None
) -> Rates | None:
    """What a model costs in US dollars; None where the list does not say it by the token.

    Args:
        provider: Its id in the list; None: whoever is at the address.
        model: As the provider calls it.
        base_url: The address.
        as_of: The day whose prices hold; None: those of the time of each call.

    Raises:
        UsageError: That day is in the future.

    Examples:
        >>> listed_rates("openai", "gpt-4o-mini", None).per_million()
        '0.15 in, 0.6 out, 0.075 cached (per million tokens)'
        >>> listed_rates("openai", "whisper-1", None) is None  # it is listed by the hour
        True
    """
    from genai_prices.data_snapshot import get_snapshot

    if as_of is not None and as_of > datetime.now(tz=UTC).date():
        raise UsageError(
            f"price_date: {as_of} is in the future, and nobody knows its prices",
            hint="name a day up to today, or leave it out: then each answer has its day's price",
        )
    providers = get_snapshot().providers
    seller = _seller(providers, provider, base_url)
    if seller is None:
        return None
    listed = seller.find_model(model, all_providers=providers)
    if listed is None:
        return None
    own = any(listed is one for one in seller.models)
    entries = tuple(_entries(listed, as_of, with_tiers=own))
    if not _are_by_the_token(listed, entries):
        if not model.lower().endswith(_FREE):
            return None
        entries = (Entry({unit: ((ALWAYS, Decimal(0)),) for unit in ("input", "output")}),)
    source = f"genai-prices {version('genai-prices')}"
    if seller.id == _ZHIPU:  # its list is in yuan, which the package brings into dollars
        source += ", 7.25 CNY = 1 USD"
    return Rates(entries, str(as_of or snapshot_date()), source)


@lru_cache(maxsize=1)
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


def _seller(providers: Iterable[Any], provider: str | None, base_url: str | None) -> Any:
    if provider is not None:
        from genai_prices.data_snapshot import find_provider_by_id

        return find_provider_by_id(list(providers), provider)
    return next((one for one in providers if _is_at(one.api_pattern, base_url or "")), None)


def _is_at(pattern: str, base_url: str) -> bool:
    """Whether an address is a provider's: its whole host, not one that only begins like it."""
    try:
        parts = urlsplit(base_url)
        host = f"{parts.scheme}://{parts.hostname}"
    except ValueError:
        return False
    # Dots in a path could look like a host to patterns that begin with anything.
    match = re.match(pattern, f"{host}{parts.path.replace('.', '_')}")
    if match is None:
        return False
    rest = host[match.end() :]
    return not rest or (match[0].endswith(".") and _TOP_DOMAIN.fullmatch(rest) is not None)


def _are_by_the_token(listed: Any, entries: Sequence[Entry]) -> bool:
    """Whether a model has a price by the token at all times, and no kind of price that is new."""
    usual = [entry.prices for entry in entries if not entry.tier]
    prices = listed.prices if isinstance(listed.prices, list) else []
    whole = [*(one.prices for one in prices), *([] if prices else [listed.prices])]
    names = {name for one in whole for name, price in vars(one).items() if price is not None}
    limits = [one.constraint for one in (*prices, *(listed.price_variants or ()))]
    return (
        bool(usual)
        and all("input" in prices for prices in usual)
        and len({"output" in prices for prices in usual}) == 1
        and names <= _UNITS.keys() | _BESIDE
        and all(limit is None or _LIMITS & vars(limit).keys() for limit in limits)
    )


def _entries(listed: Any, as_of: date | None, *, with_tiers: bool) -> Iterator[Entry]:
    """The prices of a model with their times, and those of its tiers."""
    prices = listed.prices
    if isinstance(prices, list):
        held = [entry for one in prices for entry in _entry(one.prices, one.constraint, as_of)]
        yield from held or (
            Entry(_steps(one.prices)) for one in prices[:1]
        )  # as the package has it
    else:
        yield Entry(_steps(prices))
    for variant in (listed.price_variants or ()) if with_tiers else ():
        if len(variant.when) == 1 and variant.when.keys() <= _TIERS:
            (tier,) = variant.when.values()
            yield from _entry(variant.prices, variant.constraint, as_of, tier)


def _entry(prices: Any, limit: Any, as_of: date | None, tier: str = "") -> Iterator[Entry]:
    since, hours = getattr(limit, "start_date", None), None
    if as_of is not None and since is not None:
        if since > as_of:
            return
        since = None
    if hasattr(limit, "start_time"):
        hours = _second(limit.start_time), _second(limit.end_time)
    yield Entry(_steps(prices), tier, since, hours)


def _second(moment: time_of_day) -> int:
    zone = moment.tzinfo or UTC
    at = datetime(1970, 1, 2, moment.hour, moment.minute, moment.second, tzinfo=zone)
    return int(at.timestamp()) % 86_400


def _steps(prices: Any) -> Mapping[str, Steps]:
    stated = {name: price for name, price in vars(prices).items() if price is not None}
    return {unit: _step(name, stated[name]) for name, unit in _UNITS.items() if name in stated}


def _step(name: str, price: Any) -> Steps:
    per = 1000 if name.endswith("_kcount") else 1
    if isinstance(price, Decimal):
        return ((ALWAYS, price / per),)
    higher = tuple((int(tier.start), tier.price / per) for tier in price.tiers)
    return ((ALWAYS, price.base / per), *higher)
