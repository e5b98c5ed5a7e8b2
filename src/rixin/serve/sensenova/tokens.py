"""Who asks, by SenseNova's way: a JWT (HS256) that the caller signs with the secret of a key.

The secret cannot be stored as a hash, since it signs; it is derived from the key's public id and a
file that only the gateway reads.
"""

import hashlib
import hmac
import os
import time
from pathlib import Path

import jwt

from rixin.serve.errors import Refusal
from rixin.serve.gateway import Gateway
from rixin.serve.http import Request
from rixin.serve.state import Caller

_LEEWAY_S = 30
"""How far the clocks of caller and gateway may be apart."""
_LONGEST_S = 24 * 3600


def server_key(ledger: Path) -> bytes:
    """The gateway's own key, beside the ledger; made on first use, readable by its owner alone."""
    path = ledger.with_suffix(".key")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        key = os.urandom(32)
        with os.fdopen(fd, "wb") as file:
            file.write(key)
        return key


def secret_of(key: bytes, public_id: str) -> str:
    """The secret access key that belongs to an access key id."""
    return hmac.new(key, b"sensenova " + public_id.encode(), hashlib.sha256).hexdigest()


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
        caller = gateway.state.by_public_id.get(str(claimed))
        if caller is None:
            raise _refused("the access key id of the token is not known here")
        secret = secret_of(gateway.state.server_key, caller.key.public_id)
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iss"]},
        )
        ends = int(claims["exp"])
    except (jwt.PyJWTError, OverflowError, TypeError, ValueError) as error:
        raise _refused(f"the token is not valid: {error}") from None
    if ends - time.time() > _LONGEST_S + _LEEWAY_S:
        raise _refused("the token is valid for more than a day: sign one for a shorter time")
    return gateway.admit(caller, request)


def _refused(message: str) -> Refusal:
    return Refusal(401, message, "16")
