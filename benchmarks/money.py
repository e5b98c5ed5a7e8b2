"""`make bench-money`: what calls of many makers are booked at, against costs worked out by hand.

Each line of `data/money.jsonl` is a body as its maker sends it, and its right cost with the sum
behind it: `terms` are tokens times the list price of a million, `pieces` are counts times a price.
The prices are those of the list of the day in `at` (genai-prices 0.2.3 or the maker's page), or a
`price` as a contract states it; a cost of null means that nobody can know it. The last line that
is printed is one JSON object.
"""

import json
import timeit
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rixin.core.answer import Usage
from rixin.core.money import from_pico, to_pico
from rixin.core.usage import read_usage
from rixin.pricing.book import given_rates
from rixin.pricing.listed import listed_rates
from rixin.pricing.rates import Pricer
from rixin.serve.errors import Refusal
from rixin.serve.reserving import Asked, most_of
from rixin.workspace.serving import Upstream

DATA = Path(__file__).parent / "data" / "money.jsonl"
UNREADABLE: Mapping[str, Any] = {"type": "image_url", "image_url": {"url": "https://x"}}
"""A part whose size is elsewhere."""


class Booked(NamedTuple):
    """One body, what it should cost, what it is booked at, and what was set aside for it."""

    maker: str
    model: str
    right: int | None
    """In 10⁻¹² of a currency unit; None: nobody can know it."""
    booked: int | None
    reserved: int | None
    """None: a budget refuses such a request."""

    @property
    def error(self) -> int | None:
        """How far off it is; None: known where nobody can know, or not known at all."""
        if self.right is None or self.booked is None:
            return 0 if self.right is self.booked else None
        return abs(self.booked - self.right)

    @property
    def is_short(self) -> bool:
        """Whether more is booked than was set aside, so that a budget would be overrun."""
        return self.reserved is not None and (self.booked or 0) > self.reserved


def bodies() -> list[dict[str, Any]]:
    """The golden table."""
    return [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]


def booked(row: Mapping[str, Any]) -> Booked:
    """What the product makes of one body."""
    at = datetime.fromisoformat(row["at"]).timestamp()
    used, pricer = read_usage(row["body"]), _pricer(row)
    priced = None if used is None or pricer is None else pricer(used, at)
    reserved = None
    if used is not None and pricer is not None:
        reserved = _reserved(row.get("request", {}), used, pricer, at)
    right = None if row["cost"] is None else to_pico(Decimal(row["cost"]))
    return Booked(row["maker"], row["model"], right, priced, reserved)


def _pricer(row: Mapping[str, Any]) -> Pricer | None:
    if "price" in row:
        return given_rates(row["price"], "", "").pricer
    rates = listed_rates(row["provider"], row["model"], None)
    return None if rates is None else rates.pricer


def _reserved(request: Mapping[str, Any], used: Usage, pricer: Pricer, at: float) -> int | None:
    """What is set aside for the smallest request that could use so much: a byte for a token."""
    part = UNREADABLE if request.get("audio") else {"type": "text", "text": "x"}
    content = {"model": "x", "messages": [{"role": "user", "content": [part]}]}
    named = {name: request[name] for name in ("service_tier", "speed") if name in request}
    fields = {
        name: msgspec.Raw(msgspec.json.encode(it)) for name, it in {**content, **named}.items()
    }
    endpoint = _endpoint(pricer, used.input_tokens)
    answers = request.get("images", 1)
    try:
        written = -(-used.output_tokens // answers)
        most = most_of(Asked(fields, used.input_tokens, written, answers), endpoint)
    except Refusal:
        return None
    if request.get("refused") or not pricer.is_bounded:
        return None
    return pricer.bound(*most[:4], media=most.media, at=at)


def _endpoint(pricer: Pricer, read: int) -> Upstream:
    return Upstream(
        scenario="",
        name="x",
        url="",
        model="x",
        headers={},
        timeout_s=1.0,
        price_pico=pricer,
        pricer=pricer,
        host="",
        max_input_tokens=read,
    )


def figures(lines: Sequence[Booked]) -> dict[str, Any]:
    """The figures of the last line that is printed."""
    errors = [line.error for line in lines]
    known = [error for error in errors if error is not None]
    return {
        "makers": len({line.maker for line in lines}),
        "bodies": len(lines),
        "max_error": float(from_pico(max(known))) if len(known) == len(errors) else None,
        "underbooked": sum(
            line.booked is not None and line.booked < (line.right or 0) for line in lines
        ),
        "reserve_short": sum(line.is_short for line in lines),
    }


def _nanoseconds() -> dict[str, int]:
    """How long it takes to read a usage, and to price it."""
    body = {"usage": {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}}
    used = read_usage(body)
    rates = listed_rates("openai", "gpt-5.4", None)
    assert used is not None
    assert rates is not None
    price, many = rates.pricer, 20_000
    work = {
        "read": lambda: read_usage(body),
        "price": lambda: price(used),
        "most": lambda: price.most(used),
    }
    return {
        name: round(min(timeit.repeat(call, number=many, repeat=5)) / many * 1e9)
        for name, call in work.items()
    }


def main() -> None:
    """Prints a table by maker, whatever is off, the speed, and the figures."""
    lines = [booked(row) for row in bodies()]
    print(f"{'maker':<20}{'bodies':>8}{'right':>8}{'not known':>11}{'refused under a budget':>24}")
    for maker in dict.fromkeys(line.maker for line in lines):
        own = [line for line in lines if line.maker == maker]
        right = sum(line.error == 0 for line in own)
        unknown = sum(line.booked is None for line in own)
        refused = sum(line.booked is not None and line.reserved is None for line in own)
        print(f"{maker:<20}{len(own):>8}{right:>8}{unknown:>11}{refused:>24}")
    for number, line in enumerate(lines, start=1):
        if line.error != 0 or line.is_short:
            print(f"line {number}: {line}")
    print(f"\nnanoseconds: {_nanoseconds()}")
    print(json.dumps(figures(lines)))


if __name__ == "__main__":
    main()
