"""What tokens cost: a table of one model, by context, hour, date and tier of service.

A table is compiled to whole numbers, so that a call is priced exactly and in a microsecond.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf
from typing import NamedTuple

from rixin.core.answer import Usage
from rixin.core.money import from_pico

Steps = tuple[tuple[int, Decimal], ...]
"""A price by context: each holds for all tokens of a call that reads more than so many."""
ALWAYS = -1
"""The context that every call exceeds."""

PIECES = frozenset({"image", "request", "search"})
"""What is priced by the piece; all else is per million tokens."""
STANDARD = frozenset({"default", "standard", "standard_only", "on_demand"})
"""Words in a request that ask for the usual tier and no other."""
CHEAPER = frozenset({"flex", "batch"})
"""Tiers that never cost more than the usual one; where a list has none, the usual price holds."""
_HOUR_S, _DAY_S = 3_600, 86_400
_MILLION = 1_000_000
_LARGEST = 2**63
"""The ledger holds less; what would cost more is not known."""


class Line(NamedTuple):
    """What one unit of each kind costs; where a list has no price of its own, its parent's holds."""

    input: int
    output: int
    cached: int
    cache_write: int
    cache_write_1h: int
    reasoning: int
    citation: int
    audio_input: int
    audio_cached: int
    audio_output: int
    image_input: int
    image_cached: int
    image_output: int
    video_input: int
    video_output: int
    image: int
    request: int
    search: int


_PARENTS = {
    "cached": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "reasoning": "output",
    "citation": "output",
    "audio_input": "input",
    "audio_cached": "audio_input",
    "audio_output": "output",
    "image_input": "input",
    "image_cached": "image_input",
    "image_output": "output",
    "video_input": "input",
    "video_output": "output",
}
UNITS = Line._fields
_SHOWN = ("input", "output", "cached")
_Table = tuple[tuple[int, Line], ...]
"""Lines by context, the longest first."""


class Entry(NamedTuple):
    """Prices of one tier of service, and when they hold."""

    prices: Mapping[str, Steps]
    """Unit → price; of another tier than the usual one only what differs from it."""
    tier: str = ""
    since: date | None = None
    hours: tuple[int, int] | None = None
    """Seconds of the day in UTC; the end may lie on the next day."""

    def holds(self, at: float) -> bool:
        """Whether it holds at a time, in seconds since 1970."""
        if self.since is not None and at < _midnight(self.since):
            return False
        if self.hours is None:
            return True
        begin, end = self.hours
        second = at % _DAY_S
        return begin <= second < end if begin <= end else second >= begin or second < end


@dataclass(frozen=True)
class Rates:
    """Prices of one model in the scenario's currency, with their date and source.

    Examples:
        >>> rates = flat_rates({"input": Decimal(1), "output": Decimal(2)}, "2026-11-01", "list")
        >>> rates.cost(Usage(input_tokens=1000, output_tokens=10))
        Decimal('0.001020000000')
    """

    entries: tuple[Entry, ...]
    """The last that holds counts; where none does, the first. Of other tiers: the first."""
    date: str
    source: str
    pricer: "Pricer" = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pricer", Pricer(self.entries))

    def cost(self, usage: Usage, at: float | None = None) -> Decimal | None:
        """The cost of one answer at a time (now, where none is given); None: not known."""
        pico = self.pricer(usage, at)
        return None if pico is None else from_pico(pico)

    @property
    def is_bounded(self) -> bool:
        """Whether the most that a call can cost follows from its size and its limit."""
        return self.pricer.is_bounded

    def most(self, usage: Usage, tier: str | None = None, *, media: bool = True) -> Decimal:
        """The most that a call can cost, see `Pricer.most`; without a price for the tier: zero."""
        return from_pico(self.pricer.most(usage, tier, media=media) or 0)

    def times(self, factor: Decimal, source: str) -> "Rates":
        """The same prices in another currency."""
        entries = tuple(
            entry._replace(
                prices={
                    unit: tuple((start, price * factor) for start, price in steps)
                    for unit, steps in entry.prices.items()
                }
            )
            for entry in self.entries
        )
        return replace(self, entries=entries, source=source)

    def price(self, unit: str, at: float | None = None) -> Decimal:
        """The price of a unit: per million tokens, or of a piece; of short calls."""
        standard = _standing(self.entries, time.time() if at is None else at)[""]
        return _at(standard, unit, ALWAYS) or Decimal(0)

    def per_million(self, at: float | None = None) -> str:
        """The prices for people: of short calls, and what else may hold."""
        now = time.time() if at is None else at
        text = f"{_shown(self._at_step(now, ALWAYS))} (per million tokens)"
        more = [
            f"above {start:,} tokens {_shown(self._at_step(now, start))}"
            for start in _starts(_standing(self.entries, now)[""])
            if start != ALWAYS
        ]
        for entry in self.entries:
            if entry.hours:
                begin, end = (
                    f"{second // 3600:02}:{second % 3600 // 60:02}" for second in entry.hours
                )
                prices = (_at(entry.prices, unit, ALWAYS) or Decimal(0) for unit in _SHOWN)
                more.append(f"{begin} to {end} UTC {_shown(tuple(prices))}")
        if fee := self.price("request", now):
            more.append(f"{plain_number(fee)} a request")
        return "; ".join([text, *more])

    def _at_step(self, at: float, start: int) -> tuple[Decimal, ...]:
        standard = _standing(self.entries, at)[""]
        return tuple(_at(standard, unit, start) or Decimal(0) for unit in _SHOWN)


def flat_rates(prices: Mapping[str, Decimal], date: str, source: str) -> Rates:
    """Rates that hold always: unit → price per million tokens, or of a piece."""
    steps = {unit: ((ALWAYS, price),) for unit, price in prices.items()}
    return Rates((Entry(steps),), date, source)


class Pricer:
    """Prices usage in 10⁻¹² currency units, exactly and many hundred thousand times a second.

    Where a price is finer than these units, the cost of a call is rounded up.

    Examples:
        >>> rates = flat_rates({"input": Decimal(1), "output": Decimal(2)}, "", "")
        >>> price = rates.pricer
        >>> price(Usage(input_tokens=1000, output_tokens=10))
        1020000000
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._finer: int = 10 ** max((_digits(entry) for entry in entries), default=0)
        self._from, self._until = inf, -inf
        self._tables: Mapping[str, _Table] = {}
        self._ceilings: dict[tuple[str | None, bool], tuple[_Ceiling, ...]] = {}
        self._ceilings_from = inf
        self._units = {unit for entry in entries for unit in entry.prices}
        if not any(entry.since or entry.hours for entry in entries):
            self._tables = self._compiled(0.0)
            self._from, self._until = -inf, inf

    def __call__(self, usage: Usage, at: float | None = None) -> int | None:
        """The cost of one answer at a time in seconds since 1970; None: not known.

        Args:
            usage: Of one call that was answered.
            at: When it was; None: now.
        """
        if self._until != inf:
            self._turn_to(time.time() if at is None else at)
        tier = usage.service_tier
        table = self._tables.get(tier)
        if table is None:
            if tier not in CHEAPER:
                return None
            table = self._tables[""]
        tokens = usage.input_tokens
        for start, line in table:  # noqa: B007 - the line that holds is used below
            if tokens > start:
                break
        again = usage.cached_tokens
        cost = (
            (tokens - again if tokens > again else 0) * line.input
            + again * line.cached
            + usage.output_tokens * line.output
        )
        if usage[_SPECIAL:_WORDS] != _NOTHING_SPECIAL or "output" not in self._units:
            if not self._knows(usage):
                return None
            cost = max(0, cost + _special(usage, line))
        if line.request and tokens:
            cost += line.request
        if self._finer != 1:
            cost = -(-cost // self._finer)
        return cost if cost < _LARGEST else None

    def most(
        self, usage: Usage, tier: str | None = None, *, media: bool = True, at: float | None = None
    ) -> int | None:
        """The most that a call can cost, by the most that it may use; see `bound`."""
        return self.bound(
            usage.input_tokens, usage.output_tokens, usage.images, tier, media=media, at=at
        )

    def bound(
        self,
        read: int,
        written: int,
        pictures: int,
        tier: str | None,
        *,
        media: bool,
        at: float | None = None,
    ) -> int | None:
        """The most that a call can cost: at any hour, in any tier that it may be served in.

        Args:
            read: Tokens that it reads at most.
            written: Tokens that it writes at most.
            pictures: Pictures that it may make.
            tier: The tier that it asks for; None or `auto`: the server chooses.
            media: Whether it may hold sound or pictures, whose tokens may be dearer.
            at: When it is sent; None: now.

        Returns:
            In 10⁻¹² currency units; None: nobody can say.
        """
        if self._until != inf:
            now = time.time() if at is None else at
            if not 0 <= now - self._ceilings_from < _HOUR_S:
                self._ceilings, self._ceilings_from = {}, now
        ceilings = self._ceilings.get((tier, media))
        if ceilings is None:
            ceilings = self._highest(tier, media)
            if not ceilings or not self.is_bounded:
                return None  # the tier has no price, or things are billed that nobody bounds
            self._ceilings[tier, media] = ceilings
        for start, of_input, of_output, of_picture, of_request in ceilings:  # noqa: B007
            if read > start:
                break
        cost = read * of_input + written * of_output + pictures * of_picture + of_request
        if self._finer != 1:
            cost = -(-cost // self._finer)
        return cost if cost < _LARGEST else _LARGEST - 1

    @property
    def is_bounded(self) -> bool:
        """Whether tokens are all that is billed: nobody limits the pages that a model reads."""
        return "citation" not in self._units

    def _turn_to(self, at: float) -> None:
        """Takes the prices of a time, until they change."""
        if self._from <= at < self._until:
            return
        bounds = sorted(_bounds(self._entries, at))
        self._tables = self._compiled(at)
        self._from = max((bound for bound in bounds if bound <= at), default=-inf)
        self._until = min((bound for bound in bounds if bound > at), default=at + _DAY_S)

    def _compiled(self, at: float) -> dict[str, _Table]:
        return {
            tier: tuple(
                (start, self._line(prices, start))
                for start in sorted(_starts(prices), reverse=True)
            )
            for tier, prices in _standing(self._entries, at).items()
        }

    def _line(self, prices: Mapping[str, Steps], start: int) -> Line:
        return Line._make(self._whole(unit, _at(prices, unit, start)) for unit in UNITS)

    def _whole(self, unit: str, price: Decimal | None) -> int:
        per = 1 if unit in PIECES else _MILLION
        return int((price or 0) * 10**12 * self._finer / per)

    def _knows(self, usage: Usage) -> bool:
        """Whether all that was used has a price: what has none is not free."""
        units = self._units
        return (
            not (usage.output_tokens and "output" not in units)
            and not (usage.searches and "search" not in units)
            and not (usage.images and not usage.output_tokens and "image" not in units)
        )

    def _highest(self, tier: str | None, media: bool) -> "tuple[_Ceiling, ...]":
        """Ceilings by context, the longest first; each covers all that shorter calls may pay."""
        named = None if tier in {None, "", "auto"} else tier
        now = self._ceilings_from if self._until != inf else 0.0
        every = list(self._dearest(named, media, now))
        starts = sorted({one.start for one in every}, reverse=True)
        return tuple(
            _Ceiling(
                start,
                *map(max, zip(*(one[1:] for one in every if one.start <= start), strict=True)),
            )
            for start in starts
        )

    def _dearest(self, tier: str | None, media: bool, now: float) -> "Iterable[_Ceiling]":
        """What may hold within a day, for one tier or for all that a server may choose."""
        for at in (now, *(bound for bound in _bounds(self._entries, now) if bound > now)):
            tables = self._compiled(at)
            if tier is not None and tier not in {*tables, *STANDARD, *CHEAPER}:
                return
            for name, table in tables.items():
                if name in {"", tier} or (tier is None and name not in CHEAPER):
                    yield from (_ceiling(start, line, media=media) for start, line in table)


class _Ceiling(NamedTuple):
    """The dearest price of each side."""

    start: int
    input: int
    output: int
    image: int
    request: int


def _ceiling(start: int, line: Line, *, media: bool) -> _Ceiling:
    read = [line.input, line.cached, line.cache_write, line.cache_write_1h]
    if media:
        read += [line.audio_input, line.image_input, line.video_input]
    written = (line.output, line.reasoning, line.audio_output, line.image_output, line.video_output)
    return _Ceiling(start, max(read), max(written), line.image, line.request)


_SPECIAL = Usage._fields.index("cache_write_tokens")
_WORDS = Usage._fields.index("service_tier")
_NOTHING_SPECIAL = Usage()[_SPECIAL:_WORDS]


def _special(usage: Usage, line: Line) -> int:
    """What parts of the tokens cost beyond the rest of their side, and what comes by the piece."""
    hour = usage.cache_write_1h_tokens
    hear, heard = usage.audio_input_tokens, usage.audio_cached_tokens
    see, seen = usage.image_input_tokens, usage.image_cached_tokens
    return (
        (usage.cache_write_tokens - hour) * (line.cache_write - line.input)
        + hour * (line.cache_write_1h - line.input)
        + usage.reasoning_tokens * (line.reasoning - line.output)
        + usage.citation_tokens * (line.citation - line.output)
        + (hear - heard) * (line.audio_input - line.input)
        + heard * (line.audio_cached - line.cached)
        + usage.audio_output_tokens * (line.audio_output - line.output)
        + (see - seen) * (line.image_input - line.input)
        + seen * (line.image_cached - line.cached)
        + usage.image_output_tokens * (line.image_output - line.output)
        + usage.video_input_tokens * (line.video_input - line.input)
        + usage.video_output_tokens * (line.video_output - line.output)
        + usage.images * line.image
        + usage.searches * line.search
    )


def _standing(entries: Sequence[Entry], at: float) -> dict[str, dict[str, Steps]]:
    """Tier → the prices that hold at a time."""
    usual = [entry for entry in entries if not entry.tier]
    standard = next((one for one in reversed(usual) if one.holds(at)), usual[0])
    tiers: dict[str, dict[str, Steps]] = {"": dict(standard.prices)}
    for entry in entries:
        if entry.tier and entry.holds(at):
            own = tiers.setdefault(entry.tier, {})
            tiers[entry.tier] = {**entry.prices, **own}
    return {tier: {**standard.prices, **prices} for tier, prices in tiers.items()}


def _starts(prices: Mapping[str, Steps]) -> list[int]:
    return sorted({ALWAYS, *(start for steps in prices.values() for start, _ in steps)})


def _at(prices: Mapping[str, Steps], unit: str, start: int) -> Decimal | None:
    """The price of a unit, or of what it is a part of, in calls above a context."""
    for own, price in reversed(prices.get(unit, ())):
        if own <= start:
            return price
    return _at(prices, _PARENTS[unit], start) if unit in _PARENTS else None


def _bounds(entries: Sequence[Entry], at: float) -> Iterable[float]:
    """When prices may change, about a time."""
    day = at - at % _DAY_S
    for entry in entries:
        if entry.since is not None and _midnight(entry.since) < day + 2 * _DAY_S:
            yield _midnight(entry.since)
        for second in entry.hours or ():
            yield from (day + days * _DAY_S + second for days in (-1, 0, 1))


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _digits(entry: Entry) -> int:
    """Digits of a price beyond 10⁻¹² for one token or piece."""
    digits = (
        -int(price.normalize().as_tuple().exponent) - (12 if unit in PIECES else 6)
        for unit, steps in entry.prices.items()
        for _, price in steps
        if price
    )
    return max(0, *digits, 0)


def _shown(prices: Sequence[Decimal]) -> str:
    read, written, again = map(plain_number, prices)
    return f"{read} in, {written} out, {again} cached"


def plain_number(number: Decimal) -> str:
    """A number for people, without noughts at its end.

    Examples:
        >>> plain_number(Decimal("0.1500")), plain_number(Decimal("0.00")), plain_number(Decimal(20))
        ('0.15', '0', '20')
    """
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
