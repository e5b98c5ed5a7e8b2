"""What the gateway tells about itself, and to whom: state and counters name scenarios and costs."""

import hmac

from rixin.serve.errors import Refusal
from rixin.serve.gateway import Gateway
from rixin.serve.http import Request

_READERS = frozenset({"admin", "auditor"})
"""Roles of keys that may read the counters."""


def may_see_details(gateway: Gateway, request: Request) -> bool:
    """Whether it is told what serves and what is wrong, not only whether all is well."""
    if gateway.is_local or _has_metrics_key(gateway, request):
        return True
    try:
        gateway.check_key(gateway.caller(request))
    except Refusal:
        return False
    return True


def check_metrics_reader(gateway: Gateway, request: Request) -> None:
    """Lets pass who may read the counters.

    Raises:
        Refusal: Anybody else.
    """
    if _has_metrics_key(gateway, request) or (gateway.is_local and not gateway.metrics_key):
        return
    caller = gateway.caller(request)
    gateway.check_key(caller)
    if caller.key.role not in _READERS:
        raise Refusal(
            403,
            f"a key with the role {caller.key.role} reads no counters: use rixin serve"
            " --metrics-key, or a key with the role admin or auditor",
            "permission_denied",
        )


def _has_metrics_key(gateway: Gateway, request: Request) -> bool:
    sent = request.headers.get(b"authorization", b"").removeprefix(b"Bearer ")
    key = gateway.metrics_key.encode()
    return bool(key) and hmac.compare_digest(sent, key)
