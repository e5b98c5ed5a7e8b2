"""Lists of requests: what was asked of a gateway, without what was said."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, select

from rixin.ledger.store import Ledger
from rixin.ledger.tables import answers, keys, requests

STATES = ("answered", "refused", "failed", "queued", "cancelled")
"""What becomes of requests; queued: it waits for people."""
_COLUMNS = (
    *("seq", "id", "at", "key_id", "scenario", "release", "solver", "status", "cost_pico"),
    *("input_tokens", "output_tokens", "latency_s", "detail"),
)
_state = case((answers.c.request_id.is_not(None), "answered"), else_=requests.c.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests; None: all."""

    scenario: str | None = None
    key_ids: tuple[int, ...] | None = None
    state: str | None = None
    since: float | None = None
    """Seconds since the epoch."""


def list_requests(
    ledger: Ledger, wanted: Wanted, *, last: int, after: int | None = None
) -> list[dict[str, Any]]:
    """Requests in the order in which they were stored.

    Args:
        ledger: The ledger.
        wanted: Which.
        last: The last so many; with `after` the next so many.
        after: Those that were stored after this number.
    """
    query = (
        select(*(requests.c[name] for name in _COLUMNS), _state.label("state"))
        .add_columns(keys.c.public_id.label("key"), keys.c.name.label("key_name"))
        .outerjoin(answers, answers.c.request_id == requests.c.id)
        .outerjoin(keys, keys.c.id == requests.c.key_id)
        .where(*_conditions(wanted))
        .limit(last)
    )
    if after is None:
        query = query.order_by(requests.c.seq.desc())
    else:
        query = query.where(requests.c.seq > after).order_by(requests.c.seq)
    with ledger.read() as connection:
        rows = [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - public in SQLAlchemy
    found = rows if after is not None else rows[::-1]
    for one in found:
        if one["key_id"] == 0:
            one["key_name"] = "rixin apply"
        one["surface"] = json.loads(one.pop("detail")).get("surface", "")
    return found


def newest_number(ledger: Ledger) -> int:
    """The number of the request that was stored last; 0: there is none."""
    with ledger.read() as connection:
        query = select(requests.c.seq).order_by(requests.c.seq.desc()).limit(1)
        return connection.execute(query).scalar() or 0


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.scenario is not None:
        found.append(requests.c.scenario == wanted.scenario)
    if wanted.key_ids is not None:
        found.append(requests.c.key_id.in_(wanted.key_ids))
    if wanted.state is not None:
        found.append(_state == wanted.state)
    if wanted.since is not None:
        found.append(requests.c.at >= wanted.since)
    return found
