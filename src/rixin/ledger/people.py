"""Cases that wait for people, what people answered, and who is yet to be told of it.

What is answered is feedback with its entry in the trail, so it can be erased as all that is said; that
a case was answered, when and by whom are facts of their own.
"""

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from rixin.errors import UnknownName, UsageError
from rixin.ledger.requests import Remark, add_remark
from rixin.ledger.store import Ledger
from rixin.ledger.tables import answers, feedback, requests


class NotWaiting(UsageError):
    """A request that does not wait for people, or not any more."""

    code = "not_waiting"


class Told(NamedTuple):
    """An answer that the callers' side is to be told of."""

    request_id: str
    scenario: str
    release: int | None
    at: float
    """When it was given, in seconds since the epoch."""
    tries: int
    """How often it was tried to tell it."""
    output: str | None
    """What people answered; None: it was erased, or answered elsewhere."""


def waiting(
    ledger: Ledger, *, scenario: str | None = None, most: int = 100
) -> tuple[list[dict[str, Any]], int]:
    """Cases that wait for people, the oldest first, and how many there are in all.

    Args:
        ledger: The ledger.
        scenario: Of this one alone.
        most: Cases that are given at most.
    """
    query = (
        select(requests.c.id, requests.c.at, requests.c.scenario, requests.c.release)
        .add_columns(requests.c.key_id, requests.c.content)
        .outerjoin(answers, answers.c.request_id == requests.c.id)
        .where(requests.c.state == "queued", answers.c.request_id.is_(None))
    )
    if scenario is not None:
        query = query.where(requests.c.scenario == scenario)
    with ledger.read() as connection:
        count = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        rows = connection.execute(query.order_by(requests.c.seq).limit(most)).all()
    return [_case(row) for row in rows], int(count)


def waiting_counts(ledger: Ledger) -> dict[str, int]:
    """Scenario → cases of it that wait for people."""
    query = (
        select(requests.c.scenario, func.count())
        .outerjoin(answers, answers.c.request_id == requests.c.id)
        .where(requests.c.state == "queued", answers.c.request_id.is_(None))
        .group_by(requests.c.scenario)
    )
    with ledger.read() as connection:
        return {name: int(count) for name, count in connection.execute(query)}


def _case(row: Any) -> dict[str, Any]:
    content = json.loads(row.content or "{}")
    return {
        "id": row.id,
        "at": row.at,
        "scenario": row.scenario,
        "release": row.release,
        "key_id": row.key_id,
        "input": content.get("input"),
        "note": content.get("note", ""),
    }


def answer_case(ledger: Ledger, remark: Remark, *, by: str) -> None:
    """Stores what people answered: feedback with an entry in the trail, and that it is the answer.

    Args:
        ledger: The ledger.
        remark: The answer, as JSON with `expected` (None: it was answered elsewhere) and `answers`.
        by: Who answers.

    Raises:
        UnknownName: There is no such request.
        NotWaiting: It does not wait for people, or was answered already.
    """
    name = remark.request_id
    with ledger.append() as connection:
        state = connection.execute(select(requests.c.state).where(requests.c.id == name)).scalar()
        if state is None:
            raise UnknownName("request", name, (), hint="see what waits with: rixin inbox")
        if state != "queued":
            raise NotWaiting(f"{name} does not wait for people: it was {state}")
        before = connection.execute(select(answers).where(answers.c.request_id == name)).first()
        if before is not None:
            at = datetime.fromtimestamp(before.at, UTC).isoformat(timespec="seconds")
            raise NotWaiting(f"{name} was answered already, by {before.author} at {at}")
        number = add_remark(connection, remark, actor=by)
        row = {"request_id": name, "feedback_seq": number, "at": remark.at, "author": by}
        connection.execute(answers.insert(), [{**row, "tries": 0, "due": remark.at, "fault": ""}])


def find_state(ledger: Ledger, request_id: str) -> dict[str, Any] | None:
    """What a caller is told of a request, and whose key asked; None: there is no such request."""
    query = (
        select(requests, answers.c.at.label("answered_at"), answers.c.feedback_seq)
        .outerjoin(answers, answers.c.request_id == requests.c.id)
        .where(requests.c.id == request_id)
    )
    with ledger.read() as connection:
        row = connection.execute(query).first()
        if row is None:
            return None
        by_people = row.answered_at is not None
        output = (
            _said(connection, row.feedback_seq)
            if by_people
            else json.loads(row.content or "{}").get("output")
        )
    return {
        "id": row.id,
        "at": row.at,
        "key_id": row.key_id,
        "scenario": row.scenario,
        "release": row.release,
        "solver": row.solver,
        "state": "answered" if by_people else row.state,
        "output": output,
        "confidence": None if by_people else _confidence(row),
        "answered_at": row.answered_at,
    }


def _confidence(row: Any) -> float | None:
    """What spoke for the answer that stands; None: nothing, or none does."""
    steps = json.loads(row.detail).get("steps")
    if row.state != "answered" or not steps:
        return None
    sure: float | None = steps[-1][2]
    return sure


def _said(connection: Connection, number: int) -> str | None:
    """What people answered; None: it was erased, or answered elsewhere."""
    body = connection.execute(select(feedback.c.body).where(feedback.c.seq == number)).scalar()
    said: dict[str, Any] = json.loads(body or "{}")
    answer: str | None = said["expected"] if said.get("answers") else None
    return answer


def due(ledger: Ledger, now: float, *, most: int = 20) -> list[Told]:
    """Answers that are to be told now, those that wait longest first.

    Args:
        ledger: The ledger.
        now: Seconds since the epoch.
        most: Of them at most.
    """
    query = (
        select(answers, requests.c.scenario, requests.c.release)
        .join(requests, requests.c.id == answers.c.request_id)
        .where(answers.c.due <= now)
        .order_by(answers.c.due)
        .limit(most)
    )
    with ledger.read() as connection:
        return [
            Told(
                request_id=row.request_id,
                scenario=row.scenario,
                release=row.release,
                at=row.at,
                tries=row.tries,
                output=_said(connection, row.feedback_seq),
            )
            for row in connection.execute(query).all()
        ]


def note_told(
    ledger: Ledger, told: Told, *, now: float, fault: str = "", again_at: float | None = None
) -> None:
    """Notes what came of a try to tell an answer.

    Args:
        ledger: The ledger.
        told: The answer.
        now: Seconds since the epoch.
        fault: Why it could not be told; empty: it was.
        again_at: When it is tried again; None: not any more.
    """
    values = {"tries": told.tries + 1, "due": again_at, "fault": fault}
    if not fault:
        values["told_at"] = now
    with ledger.append() as connection:
        one = answers.c.request_id == told.request_id
        connection.execute(update(answers).where(one).values(values))


def untold(ledger: Ledger) -> tuple[int, str]:
    """Answers that were tried to be told in vain and will be tried again, and why the last failed."""
    late = (answers.c.due.is_not(None), answers.c.tries > 0)
    with ledger.read() as connection:
        count = connection.execute(select(func.count()).where(*late)).scalar_one()
        last = select(answers.c.fault).where(*late).order_by(answers.c.at.desc()).limit(1)
        fault = connection.execute(last).scalar()
    return int(count), fault or ""
