"""Tells an address that people answered, signed as in Standard Webhooks, until it takes it.

What is to be told lies in the ledger, so it outlives this process. It is sent at least once: who gets
it goes by `webhook-id`, which is the same in every try. What the address says is written down nowhere.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from rixin.core.transport import Transport, TransportError
from rixin.errors import RixinError, UsageError
from rixin.ledger.people import Told, due, note_told, untold
from rixin.serve.metrics import Metrics
from rixin.serve.state import State
from rixin.workspace.people import contract_of

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0)
"""After tries that failed; after the last of them, half a day on, it is given up."""
SECRET = "RIXIN_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
_TIMEOUT_S = 10.0
_GONE = 410
_PREFIX = "whsec_"
_MAKE = (
    'make one with: python -c "import base64,os;'
    "print('whsec_'+base64.b64encode(os.urandom(32)).decode())\""
)
_log = logging.getLogger("rixin.serve")


def read_secret(text: str) -> bytes:
    """The bytes of a secret as Standard Webhooks writes it.

    Raises:
        UsageError: It is none, or can be guessed.

    Examples:
        >>> len(read_secret("whsec_" + "A" * 32))
        24
    """
    try:
        secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(_PREFIX) or not 24 <= len(secret) <= 64:
        raise UsageError(
            f"{SECRET} is {'no secret' if text else 'not set'}: 24 to 64 bytes in base64 after"
            f" {_PREFIX}",
            hint=_MAKE,
        )
    return secret


def check_address(url: str) -> str:
    """An address that can be posted to.

    Raises:
        UsageError: It is none, or holds a password, which logs would show.
    """
    if not _is_address(url):
        raise UsageError(f"{url!r} is no address for a webhook", hint="write https://HOST/PATH")
    if "@" in urlsplit(url).netloc:
        raise UsageError(
            "the address of the webhook holds a name or a password",
            hint="leave it out: every call is signed",
        )
    return url


def _is_address(url: str) -> bool:
    if not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def signature(secret: bytes, name: str, at: int, body: bytes) -> str:
    """What proves to the receiver who sent a body, and when.

    Examples:
        >>> signature(b"k" * 24, "ans_1", 0, b"{}")
        'v1,r58FTBQzv1s+UqnxVM70BMCSh/rK9lTgngw4ZBcExqY='
    """
    signed = b"%b.%d.%b" % (name.encode(), at, body)
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


@dataclass(slots=True)
class Webhook:
    """Tells one address of answers.

    Args:
        url: The address.
        secret: What bodies are signed with.
        state: Whose ledger holds what is to be told.
        transport: How the address is reached; it follows no redirect.
        metrics: Counts what came of it.
        sends: False: another worker does, and here it is only looked what waits.
    """

    url: str
    secret: bytes
    state: State
    transport: Transport
    metrics: Metrics
    sends: bool = True
    trouble: str = ""
    """What could not be told yet, and why; empty: nothing."""

    async def round(self) -> None:
        """Tells what is due, and looks what waits."""
        if self.sends:
            told = await self.state.read(due, time.time())
            await asyncio.gather(*(self._tell(one) for one in told))
        count, fault = await self.state.read(untold)
        self.metrics.set("rixin_webhook_waiting", (), count)
        people = f"{count} answers of people" if count > 1 else "an answer of people"
        self.trouble = f"{people} could not be told yet to the webhook: {fault}" if count else ""

    async def _tell(self, told: Told) -> None:
        fault, again = await self._fault(told)
        now = time.time()
        pause = PAUSES_S[told.tries] if again and told.tries < len(PAUSES_S) else None
        outcome = "sent" if not fault else "failed" if pause is not None else "given_up"
        if fault:
            then = "it is given up" if pause is None else f"it is tried again in {pause:g} s"
            _log.error(
                "the webhook was not told that %s is answered: %s; %s", told.request_id, fault, then
            )
        self.metrics.count("rixin_webhook_total", (("outcome", outcome),))
        again_at = None if pause is None or not fault else now + pause
        await asyncio.to_thread(
            note_told, self.state.ledger, told, now=now, fault=fault, again_at=again_at
        )

    async def _fault(self, told: Told) -> tuple[str, bool]:
        """Why the address does not know of an answer (empty: it does), and whether to try again."""
        try:
            asked = {"scenario": told.scenario, "release": told.release}
            scenario, _ = await self.state.read(contract_of, asked)
        except RixinError:
            return "its contract cannot be read, so whether it may leave this machine", False
        if reason := scenario.policy.forbids_host(self.url.partition("?")[0]):
            return f"{told.scenario}: {reason}", False
        body, at, name = body_of(told), int(time.time()), f"ans_{told.request_id}"
        headers = {
            "Content-Type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(self.secret, name, at, body),
        }
        try:
            reply = await self.transport.post(
                self.url, headers=headers, body=body, timeout_s=_TIMEOUT_S
            )
        except TransportError as error:
            return error.kind, True
        if 200 <= reply.status < 300:
            return "", False
        return f"HTTP {reply.status}", reply.status != _GONE


def body_of(told: Told) -> bytes:
    """What is told of an answer."""
    at = datetime.fromtimestamp(told.at, UTC).isoformat(timespec="seconds")
    data = {
        "request_id": told.request_id,
        "model": f"scenario/{told.scenario}",
        "release": f"{told.scenario}@{told.release}",
        "state": "answered",
        "output": told.output,
    }
    whole = {"type": "request.answered", "timestamp": at, "data": data}
    return json.dumps(whole, ensure_ascii=False).encode()
