"""Endpoint candidates: their key, their price, and whether they can be reached at all."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

from rixin.core.address import is_loopback
from rixin.core.answer import Answer
from rixin.core.case import Case
from rixin.core.foreign import decode_reply
from rixin.core.ids import digest
from rixin.core.scenario import Candidate, Scenario
from rixin.core.transport import Reply, Transport, TransportError
from rixin.engine.runner import Costing
from rixin.engine.transport import HttpTransport
from rixin.errors import EndpointFault, UsageError, nearest_hint
from rixin.interop.contract.providers import PROVIDERS
from rixin.ledger.store import Ledger
from rixin.pricing.book import given_rates, in_currency, listed_rates, load_price_file, odd_price
from rixin.pricing.rates import Rates
from rixin.solvers.endpoint import EndpointOptions, EndpointSolver
from rixin.solvers.prompt import Prompt
from rixin.workspace.capabilities import known_features, schema_wish
from rixin.workspace.contender import UNKNOWN_PRICE, Contender

_OF_THE_MOST = 0.25
"""A token is some four bytes long, and most answers are shorter than they may be."""
_PROBE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key and where it came from."""

    value: str | None
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an endpoint said to one free question."""

    state: Literal["ok", "warn", "bad"]
    said: str
    mend: str = ""


def build_endpoint(
    scenario: Scenario,
    candidate: Candidate,
    prompt: Prompt,
    transport: Transport,
    *,
    ledger: Ledger,
    need_key: bool = True,
    serves: bool = False,
) -> Contender:
    """An endpoint candidate with its price.

    Args:
        scenario: The contract.
        candidate: The candidate, of kind `endpoint`.
        prompt: What it is asked.
        transport: How it is reached.
        ledger: Where it is kept what the endpoint takes.
        need_key: Whether a missing key is an error; a report needs none.
        serves: Whether it answers callers: what it takes was found out before, then.

    Raises:
        EndpointFault: Its key is not set.
        UsageError: It costs money, nobody knows how much, and a spend cap is to hold.
    """
    options = candidate.options
    address = str(options["base_url"])
    if reason := forbidden(scenario, candidate):
        raise UsageError(f"{candidate.name} may not be asked: {reason}", hint="see `policy:`")
    key = find_key(scenario, candidate, need=need_key)
    solver = EndpointSolver(
        candidate.name,
        transport,
        prompt,
        EndpointOptions(
            base_url=address,
            model=str(options["model"]),
            key=key.value,
            key_name=key.origin,
            timeout_s=float(str(options["timeout_s"])),
            temperature=float(str(options["temperature"])),
            max_tokens=_whole(options.get("max_tokens")),
            logprobs=str(options["logprobs"]),
            samples=_whole(options.get("samples")) or 1,
            schema=schema_wish(options.get("supports")),
            context=_whole(options.get("context")),
        ),
    )
    solver.start_from(known_features(ledger, candidate, solver.fingerprint, serves=serves))
    rates = find_rates(scenario, candidate)
    _check_cap(scenario, candidate, rates, address)
    return Contender(
        candidate=candidate,
        solver=solver,
        costing=(costing := _costing(solver, rates)),
        expected=_expected(costing),
        concurrency=int(str(options["concurrency"])),
        rate_per_minute=_number(options.get("rate_per_minute")),
        paid=rates is not None or not is_loopback(address),
        price=UNKNOWN_PRICE if rates is None else rates.per_million(),
        price_date="" if rates is None else rates.date,
        price_source="" if rates is None else rates.source,
        doubt=_doubt(scenario, candidate, rates),
        about=f"{options['model']} at {address}",
    )


def forbidden(scenario: Scenario, candidate: Candidate) -> str:
    """Why the policy lets no case go to an endpoint; empty: it does."""
    url, policy = str(candidate.options["base_url"]), scenario.policy
    return policy.forbids_host(url) or policy.forbids_region(url, candidate.region)


def find_key(scenario: Scenario, candidate: Candidate, *, need: bool) -> Key:
    """The key of an endpoint, from its variable or its file.

    Raises:
        EndpointFault: It is needed and not there.
    """
    variable, file = candidate.options.get("key_env"), candidate.options.get("key_file")
    if file is not None:
        path = scenario.resolve(str(file))
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            if not need:
                return Key(value=None, origin=str(file))
            raise EndpointFault(
                f"the key of {candidate.name!r} cannot be read from {str(path)!r}: {error}",
                hint="write the key into that file, or name another with `key: {file: …}`",
            ) from error
        if need:
            _check_key(value, candidate, f"the file {str(path)!r}")
        return Key(value=value or None, origin=str(file))
    if variable is None:
        return Key(value=None, origin="")
    value = os.environ.get(str(variable), "").strip()
    if not value and need:
        raise EndpointFault(
            f"candidate {candidate.name!r} needs a key, and {variable} is not set",
            hint=f"export {variable}=…, or name a file with `key: {{file: …}}`; nothing was asked",
        )
    if need:
        _check_key(value, candidate, f"the variable {variable}")
    return Key(value=value or None, origin=str(variable))


def _check_key(key: str, candidate: Candidate, place: str) -> None:
    """Refuses what cannot stand in a header.

    Raises:
        EndpointFault: It is empty, or something else than one word.
    """
    if key and key.isascii() and key.isprintable() and " " not in key:
        return
    what = "is empty" if not key else "is more than one word of plain letters, digits and signs"
    raise EndpointFault(
        f"the key of {candidate.name!r} in {place} {what}", hint="put the key there, and no more"
    )


def find_rates(scenario: Scenario, candidate: Candidate) -> Rates | None:
    """What its tokens cost: the contract's own price, a price file, or the price list."""
    return _stated_rates(scenario, candidate) or _listed_rates(scenario, candidate)


def prices_in_force(scenario: Scenario) -> dict[str, dict[str, str]]:
    """What each endpoint's tokens cost, where that is known, with a hash of every part of it."""
    found = {}
    for candidate in scenario.candidates:
        if candidate.kind != "endpoint":
            continue
        rates = find_rates(scenario, candidate)
        if rates is not None:
            entries = digest("rates", repr(rates.entries))
            found[candidate.name] = {"from": rates.source, "date": rates.date, "rates": entries}
    return found


def _stated_rates(scenario: Scenario, candidate: Candidate) -> Rates | None:
    """The contract's own price, or that of its price file."""
    price = candidate.options.get("price")
    if isinstance(price, Mapping):
        return given_rates(price, "", "the contract")
    if scenario.prices is not None:
        listed = load_price_file(scenario.resolve(scenario.prices))
        for name in (candidate.target, str(candidate.options["model"])):
            if name in listed:
                return listed[name]
    return None


def _listed_rates(scenario: Scenario, candidate: Candidate) -> Rates | None:
    """The price of the list; a server on this machine has none, whatever its model is called."""
    options = candidate.options
    provider = options.get("provider")
    if provider is None and is_loopback(str(options["base_url"])):
        return None
    known = listed_rates(
        None if provider is None else str(provider),
        str(options["model"]),
        str(options["base_url"]),
        as_of=scenario.price_date,
    )
    return None if known is None else in_currency(known, scenario.economics.usd_rate)


def _doubt(scenario: Scenario, candidate: Candidate, rates: Rates | None) -> str:
    """A warning about a price that must be of another unit, or may be of another model."""
    listed, name = _listed_rates(scenario, candidate), candidate.name
    if rates is None or listed is None:
        return ""
    if _stated_rates(scenario, candidate) is None:
        model = str(candidate.options["model"])
        alias = f"the price of {name} is that of what the list takes {model!r} for; state `price`"
        return f"{alias} if it has moved on" if model.endswith("latest") else ""
    odd = odd_price(rates, listed)
    return f"the price of {name} looks mistyped: {odd}; it is for a million tokens" if odd else ""


def key_goes_to(candidate: Candidate) -> str:
    """Which key an endpoint gets, and at which host; empty: none."""
    variable, file = candidate.options.get("key_env"), candidate.options.get("key_file")
    if variable is None and file is None:
        return ""
    place = f"the variable {variable}" if file is None else f"the file {file}"
    # Without a user in front, which may look like another host.
    host = urlsplit(str(candidate.options["base_url"])).netloc.rpartition("@")[2]
    return f"{place} goes to {host}"


def is_usual(candidate: Candidate) -> bool:
    """Whether a key goes where it belongs: to its provider, or to this machine."""
    options = candidate.options
    pair = (str(options["base_url"]).rstrip("/"), options.get("key_env"))
    known = {(one.base_url, one.key_env) for one in PROVIDERS.values()}
    return is_loopback(pair[0]) or (options.get("key_file") is None and pair in known)


async def probe_endpoint(
    scenario: Scenario, candidate: Candidate, *, send_keys: bool = False
) -> Probe:
    """Asks an endpoint for its models: is it there, does it take the key, has it the model?

    Args:
        scenario: The contract. Whoever wrote it chose the host, and may name any variable or file
            as its key.
        candidate: The candidate, of kind `endpoint`.
        send_keys: Whether a key may go to a host that is not its provider's.

    Raises:
        EndpointFault: The key is not set.
    """
    key = find_key(scenario, candidate, need=True)
    if key.value and not send_keys and not is_usual(candidate):
        return Probe(
            state="warn",
            said=f"not asked: {key_goes_to(candidate)}, which is not known as its provider",
            mend="if you trust this scenario and that host, add --send-keys",
        )
    address, model = str(candidate.options["base_url"]), str(candidate.options["model"])
    headers = {"Authorization": f"Bearer {key.value}"} if key.value else {}
    transport = HttpTransport()
    try:
        reply = await transport.get(f"{address}/models", headers=headers, timeout_s=_PROBE_S)
    except TransportError as error:
        return Probe(
            state="bad", said=f"{address}: {error}", mend="start the server, or check base_url"
        )
    finally:
        await transport.close()
    if reply.status in {401, 403}:
        mend = f"check the key in {key.origin}" if key.value else "name its key with `key:`"
        return Probe(
            state="bad", said=f"{address} refuses the key (HTTP {reply.status})", mend=mend
        )
    names = _model_names(reply)
    if names and model not in names:
        # A server on this machine often has one model, and answers whatever name it hears.
        state: Literal["warn", "bad"] = "warn" if is_loopback(address) else "bad"
        said = f"{address} lists no model {model!r}"
        return Probe(state=state, said=said, mend=nearest_hint(model, names))
    priced = find_rates(scenario, candidate)
    price = "price unknown" if priced is None else priced.per_million()
    return Probe(state="ok", said=f"{model} at {address}, {price}")


def _costing(solver: EndpointSolver, rates: Rates | None) -> Costing:
    if rates is None:
        return Costing(price=lambda _: None)

    def price(answer: Answer) -> Decimal | None:
        used = answer.usage
        if answer.failure is None and not used.input_tokens:
            return None  # the server did not say what it used
        return rates.cost(used)

    def most(case: Case) -> Decimal:
        return rates.most(solver.max_usage(case), media=False)

    bounded = rates.is_bounded
    return Costing(
        price=price,
        most=most if bounded else None,
        rates=rates,
        most_usage=solver.max_usage if bounded else None,
    )


def _expected(costing: Costing) -> Callable[[Case], float | None]:
    """What an answer costs as a rule: of the most that it may use, at the usual price."""
    rates, usage = costing.rates, costing.most_usage

    def expected(case: Case) -> float | None:
        cost = None if rates is None or usage is None else rates.cost(usage(case))
        return None if cost is None else _OF_THE_MOST * float(cost)

    return expected


def _check_cap(scenario: Scenario, candidate: Candidate, rates: Rates | None, address: str) -> None:
    cap = scenario.budget.decide
    known = rates is not None and rates.is_bounded
    if not known and cap is not None:
        own = ", which is {input: 0, output: 0} where the server is your own" * is_loopback(address)
        raise UsageError(
            f"the price of {candidate.name!r} ({candidate.target}) is not known, so the spend cap"
            f" of {cap} cannot hold",
            hint="add `price: {input: …, output: …}` per million tokens to the candidate" + own,
        )


def _model_names(reply: Reply) -> list[str]:
    try:
        return [str(model["id"]) for model in decode_reply(reply.body)["data"]]
    except (ValueError, LookupError, TypeError):
        return []


def _whole(value: object) -> int | None:
    return None if value is None else int(str(value))


def _number(value: object) -> float | None:
    return None if value is None else float(str(value))
