"""Who asks, by SenseNova's way: a JWT (HS256) that the caller signs with the secret of a key.

The secret cannot be stored as a hash, since it signs; it is derived from the key's public id and a
file that only the gateway reads.
"""

import hashlib
import hmac
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt

from rixin.errors import LedgerFault
from rixin.ledger.private import opener
from rixin.serve.errors import Refusal
from rixin.serve.gateway import Gateway
from rixin.serve.http import Request
from rixin.serve.state import Caller

_KEY_BYTES = 32
_LEEWAY_S = 30
"""How far the clocks of caller and gateway may be apart."""
_LONGEST_S = 24 * 3600


def server_key(ledger: Path) -> bytes:
    """The gateway's own key, beside the ledger; made on first use, readable by its owner alone.

    Raises:
        LedgerFault: The file cannot be read or made, or is no such key: whoever knows a shorter
            one could sign as anybody.
    """
    path = ledger.with_suffix(".key")
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise LedgerFault(
            f"the gateway's key {str(path)!r} cannot be used: {error.strerror}",
            hint="let the gateway's user read it, and write into its folder",
        ) from error
    if len(key) != _KEY_BYTES:
        raise LedgerFault(
            f"the gateway's key {str(path)!r} has {len(key)} bytes instead of {_KEY_BYTES}",
            hint="put it back from a backup, or remove it: a new one is made, and the secrets of"
            " SenseNova's keys have to be handed out anew (rixin keys create --sensenova)",
        )
    return key


def _make_key(path: Path) -> None:
    """Writes a key beside its place first: a full disk or a kill leaves none, not half of one."""
    part = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        with open(part, "xb", opener=opener) as file:
            file.write(os.urandom(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was quicker: its key holds
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)


def secret_of(key: bytes, public_id: str, place: int = 0) -> str:
    """The secret access key that belongs to an access key id.

    Args:
        key: See `server_key`.
        public_id: The access key id.
        place: How often it was rotated before: each time has a secret of its own.
    """
    said = f"sensenova {public_id} {place}" if place else f"sensenova {public_id}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()


def caller_of(gateway: Gateway, request: Request) -> Caller:
    """Who signed the token.

    Raises:
        Refusal: There is none, it is not signed by a key that is valid here, or it is not valid now.
    """
    given = request.header(b"authorization")
    if given[:7].lower() != "bearer ":
        raise _refused("no token was sent: sign one with your access key")
    token = given[7:].strip()
    try:
        claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
        callers = gateway.state.by_public_id.get(str(claimed))
        if not callers:
            raise _refused("the access key id of the token is not known here")
        caller, claims = _signer(gateway.state.server_key, callers, token)
        ends = int(claims["exp"])
    except (jwt.PyJWTError, OverflowError, TypeError, ValueError) as error:
        raise _refused(f"the token is not valid: {error}") from None
    if ends - time.time() > _LONGEST_S + _LEEWAY_S:
        raise _refused("the token is valid for more than a day: sign one for a shorter time")
    return caller


def _signer(key: bytes, callers: Sequence[Caller], token: str) -> tuple[Caller, dict[str, Any]]:
    """Whose secret signed a token, and its claims; a key has one for each time it was rotated."""
    for caller in reversed(callers[1:]):
        with suppress(jwt.InvalidSignatureError):
            return caller, _claims(key, caller, token)
    return callers[0], _claims(key, callers[0], token)


def _claims(key: bytes, caller: Caller, token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        secret_of(key, caller.key.public_id, caller.place),
        algorithms=["HS256"],
        leeway=_LEEWAY_S,
        options={"require": ["exp", "iss"]},
    )
    return claims


def _refused(message: str) -> Refusal:
    return Refusal(401, message, "16")
