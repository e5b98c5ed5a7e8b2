"""Cases that go to people: a caller looks here for the answer, and a reviewer gives it."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from rixin.core.key import OF_ALL, Key
from rixin.core.usage import BYTES_PER_TOKEN
from rixin.errors import LedgerFault, UsageError
from rixin.ledger.people import NotWaiting, find_state
from rixin.ledger.requests import origin_of
from rixin.serve.call import counted, no_call_headers
from rixin.serve.errors import Refusal, bad_request
from rixin.serve.gateway import Gateway
from rixin.serve.http import Request
from rixin.serve.openai.envelope import AnswerBody, encode, read_body
from rixin.serve.sensenova.tokens import caller_of
from rixin.workspace.people import answer_request

REQUESTS = "/v1/requests/"
_ID = re.compile(r"req_[0-9a-f]{32}")
_log = logging.getLogger("rixin.serve")
T = TypeVar("T")


async def asked(gateway: Gateway, request: Request) -> None:
    """`GET /v1/requests/{id}`: callers look at their own, reviewers at those of all.

    Raises:
        Refusal: This key has no such request, or the ledger cannot be read.
    """
    signed = request.headers.get(b"authorization", b"").count(b".") == 2
    caller = caller_of(gateway, request) if signed else gateway.caller(request)
    gateway.check_key(caller)
    name = request.path.removeprefix(REQUESTS)
    with counted(caller.limits, gateway.meters, tokens=0, now=time.time()):
        try:
            found = await written(gateway, find_state, name) if _ID.fullmatch(name) else None
        except LedgerFault as fault:
            raise _ledger_away(fault) from fault
    if found is None or not may_know(caller.key, found["scenario"], found["key_id"]):
        raise unknown_request(name)
    request.reply(200, encode(_told(found)), no_call_headers())


async def answer(gateway: Gateway, request: Request) -> None:
    """`POST /v1/answers`: a reviewer answers a case of their scenarios that waits for people.

    Raises:
        Refusal: This key has no such request, it does not wait, or the answer has another form than
            the contract declares.
    """
    caller, now = gateway.caller(request), time.time()
    body: AnswerBody = read_body(AnswerBody, request.body)
    tokens = len(request.body) // BYTES_PER_TOKEN + 1
    by = f"key {caller.key.public_id}"
    give = partial(answer_request, by=by, any_form=body.any_form, key_id=caller.key.id)
    with counted(caller.limits, gateway.meters, tokens=tokens, now=now):
        try:
            origin = await written(gateway, origin_of, body.request_id)
            if origin is None or not may_know(caller.key, *origin):
                raise unknown_request(body.request_id)
            output = await gateway.state.read(give, body.request_id, body.output)
        except NotWaiting as error:
            raise Refusal(409, str(error), "not_waiting", "request_id", retry=False) from None
        except UsageError as error:
            raise bad_request(str(error), param="output") from None
        except LedgerFault as fault:
            raise _ledger_away(fault) from fault
    told = {"object": "answer", "request_id": body.request_id, "output": output}
    request.reply(200, encode(told), no_call_headers())


def _ledger_away(fault: LedgerFault) -> Refusal:
    _log.error("the ledger cannot be used for what people answer: %s", fault)
    return Refusal(503, "the ledger cannot be used at the moment", "ledger_away", retry_after_s=5.0)


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
