"""What became of a request: a caller whose case went to people looks here for the answer."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from rixin.core.key import OF_ALL, Key
from rixin.errors import LedgerFault
from rixin.ledger.people import find_state
from rixin.serve.call import counted, no_call_headers
from rixin.serve.errors import Refusal
from rixin.serve.gateway import Gateway
from rixin.serve.http import Request
from rixin.serve.openai.envelope import encode

REQUESTS = "/v1/requests/"
_ID = re.compile(r"req_[0-9a-f]{32}")
_log = logging.getLogger("rixin.serve")
T = TypeVar("T")


async def asked(gateway: Gateway, request: Request) -> None:
    """`GET /v1/requests/{id}`: callers look at their own, reviewers at those of all.

    Raises:
        Refusal: This key has no such request, or the ledger cannot be read.
    """
    caller = gateway.caller(request)
    gateway.check_key(caller)
    name = request.path.removeprefix(REQUESTS)
    with counted(caller.limits, gateway.meters, tokens=0, now=time.time()):
        try:
            found = await written(gateway, find_state, name) if _ID.fullmatch(name) else None
        except LedgerFault as fault:
            _log.error("a request cannot be looked up: %s", fault)
            why = "the ledger cannot be read at the moment"
            raise Refusal(503, why, "ledger_away", retry_after_s=5.0) from fault
    if found is None or not may_know(caller.key, found["scenario"], found["key_id"]):
        raise unknown_request(name)
    request.reply(200, encode(_told(found)), no_call_headers())


def may_know(key: Key, scenario: str, asked_by: int) -> bool:
    """Whether a key may know of a request: one of its own, or as a reviewer."""
    return key.may_call(scenario) and (key.role in OF_ALL or asked_by == key.id)


def unknown_request(name: str) -> Refusal:
    """A request that this key has not, whether another one has it or not."""
    message = f"this key has no request {name[:64]!r}"
    return Refusal(404, message, "request_not_found", "request_id")


async def written(gateway: Gateway, look: Callable[..., T | None], name: str) -> T | None:
    """What the ledger holds of a request: its row is there a moment after its answer is out."""
    for _ in range(3):
        found = await gateway.state.read(look, name)
        if found is not None:
            return found
        await asyncio.sleep(0.1)
    return None


def _told(found: dict[str, Any]) -> dict[str, Any]:
    scenario, release, at = found["scenario"], found["release"], found["answered_at"]
    return {
        "id": found["id"],
        "object": "request",
        "created": int(found["at"]),
        "state": found["state"],
        "model": f"scenario/{scenario}" if release is not None else None,
        "release": None if release is None else f"{scenario}@{release}",
        "solver": found["solver"],
        "output": found["output"],
        "confidence": found["confidence"],
        "answered_at": None if at is None else int(at),
    }
