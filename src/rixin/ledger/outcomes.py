"""Outcomes in and out: one row for each solver, judge and case."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from sqlalchemy import Dialect, Row, case, func, insert, select

from rixin.core.answer import NOT_WHOLE, Answer, Failure, Step, Usage
from rixin.core.case import Case
from rixin.core.foreign import finite_number, whole_number
from rixin.core.money import from_pico, to_pico
from rixin.core.outcome import RECORDED, Outcome, Score, State, Violation
from rixin.ledger.store import Ledger
from rixin.ledger.tables import outcomes, solvers

UNSTORABLE = "cannot be stored"
"""Reason of an outcome in whose place a case is stored as not measured."""
_MOST_MONEY = 4_000_000
_COLUMNS = tuple(outcomes.c.keys())
_USED = ("input_tokens", "output_tokens", "cached_tokens", "cpu_s", "calls")


def solver_id(ledger: Ledger, fingerprint: str, name: str, kind: str) -> int:
    """The number of a solver version in this ledger; it is registered on first sight."""
    query = select(solvers.c.id).where(solvers.c.fingerprint == fingerprint)
    with ledger.write() as connection:
        found = connection.execute(query).scalar()
        if found is None:
            row = {"fingerprint": fingerprint, "name": name, "kind": kind}
            connection.execute(insert(solvers), [row])
            found = connection.execute(query).scalar_one()
    return int(found)


def known_solver(ledger: Ledger, fingerprint: str) -> int | None:
    """The number of a solver version in this ledger; None where it was never registered."""
    query = select(solvers.c.id).where(solvers.c.fingerprint == fingerprint)
    with ledger.read() as connection:
        found = connection.execute(query).scalar()
    return None if found is None else int(found)


def write_outcomes(
    ledger: Ledger, judge: str, items: Mapping[int, Sequence[Outcome]], *, asked_at: float
) -> None:
    """Writes outcomes in one transaction; an unmeasured one is replaced by a later answer.

    Money and usage of the replaced row are added to the later one: all of it went into the case.

    Args:
        ledger: The ledger.
        judge: Fingerprint of scorers and guards.
        items: The outcomes by the solver's number from `solver_id`; a case that is stored as
            measured keeps its row.
        asked_at: Seconds since the epoch.
    """
    rows = [
        _row(solver, judge, item, asked_at) for solver, found in items.items() for item in found
    ]
    if not rows:
        return
    with ledger.write() as connection:
        statement, constants, places = _upsert(connection.dialect)
        given: Any = rows
        if places is None:
            given = [{**constants, **dict(zip(_COLUMNS, row, strict=True))} for row in rows]
        elif places:
            given = [(*row, *places) for row in rows]
        connection.exec_driver_sql(statement, given)


@cache
def _upsert(dialect: Dialect) -> tuple[str, dict[str, Any], tuple[Any, ...] | None]:
    """The statement as the driver takes it, its constants by name, and by place after a row.

    Compiled once: in this hottest of statements half the time would go into preparing rows.
    """
    compiled = _upsert_of(dialect.name).compile(dialect=dialect)
    constants, order = dict(compiled.params), compiled.positiontup
    if order is None:
        return str(compiled), constants, None
    count = len(_COLUMNS)
    assert tuple(order[:count]) == _COLUMNS
    return str(compiled), constants, tuple(constants[name] for name in order[count:])


def _upsert_of(dialect_name: str) -> Any:
    # The dialects have the same construct, each its own; only one is loaded.
    dialect = import_module(f"sqlalchemy.dialects.{dialect_name}")
    statement = dialect.insert(outcomes)
    keys, old, new = ("solver_id", "judge", "case_id"), outcomes.c, statement.excluded
    changed = {name: new[name] for name in old.keys() if name not in keys}  # noqa: SIM118 - columns
    changed |= {name: old[name] + new[name] for name in (*_USED, "sunk_pico")}
    # Where the later cost is not known, the earlier one moves to what is sunk.
    known = func.coalesce(old.cost_pico, 0)
    changed["cost_pico"] = new.cost_pico + known
    changed["sunk_pico"] += case((new.cost_pico.is_(None), known), else_=0)
    return statement.on_conflict_do_update(
        index_elements=list(keys),
        set_=changed,
        where=old.state == State.UNMEASURED.value,
    )


def unstorable(outcome: Outcome) -> Outcome:
    """What is stored of an outcome that the ledger cannot hold: not measured, and not asked again.

    Money and usage are kept as far as they can be: what was paid stays paid.
    """
    answer = outcome.answer
    used = (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.calls)
    tokens_in, tokens_out, calls = (whole_number(one) or 0 for one in used)
    return outcome._replace(
        answer=Answer(
            usage=Usage(input_tokens=tokens_in, output_tokens=tokens_out, calls=calls),
            cost=_storable(answer.cost),
            sunk=_storable(answer.sunk) or Decimal(0),
            latency_s=finite_number(answer.latency_s),
        ),
        state=State.UNMEASURED,
        score=None,
        violations=(),
        reason=UNSTORABLE,
    )


def _storable(money: Decimal | None) -> Decimal | None:
    """An amount that the ledger can hold, or None."""
    if not isinstance(money, Decimal) or not money.is_finite():
        return None
    return money if 0 <= money < _MOST_MONEY else None


def stored_between(
    ledger: Ledger, solver: int, cases: Sequence[Case], *, judge: str
) -> tuple[dict[str, Outcome], dict[str, Answer]]:
    """What is stored for a run of cases that stand in ascending order of id.

    An answer that could not be scored counts as stored: asking again would not help.

    Returns:
        Outcomes under this judge, and answers that stand under other judges only and
        need to be judged anew; both by case id.
    """
    by_id = {case.id: case for case in cases}
    query = select(outcomes).where(
        outcomes.c.solver_id == solver,
        outcomes.c.case_id.between(cases[0].id, cases[-1].id),
    )
    judged: dict[str, Outcome] = {}
    answered: dict[str, Answer] = {}
    with ledger.read() as connection:
        for row in connection.execute(query):
            case = by_id.get(row.case_id)
            if case is None or _failed(row):
                continue
            if row.judge == judge:
                judged[row.case_id] = _outcome(row, case)
            else:
                answered[row.case_id] = _answer(row)
    return judged, {name: found for name, found in answered.items() if name not in judged}


def _failed(row: Row[Any]) -> bool:
    """Whether a case has to be asked again; one that was cut would be cut again."""
    if row.state != State.UNMEASURED.value:
        return False
    failure = json.loads(row.detail or "{}").get("failure")
    return failure is not None and failure[0] not in NOT_WHOLE


def outcomes_of_case(
    ledger: Ledger, case: Case, solver_ids: Mapping[int, str], judge: str
) -> list[Outcome]:
    """All stored outcomes of one case, measured or not, in the order of `solver_ids`."""
    query = select(outcomes).where(
        outcomes.c.case_id == case.id,
        outcomes.c.judge == judge,
        outcomes.c.solver_id.in_(list(solver_ids)),
    )
    with ledger.read() as connection:
        rows = {row.solver_id: row for row in connection.execute(query)}
    return [_outcome(rows[n], case, name) for n, name in solver_ids.items() if n in rows]


def failure_example(ledger: Ledger, solver: int, judge: str) -> str | None:
    """What went wrong with one case that a solver was not measured on, in words; None: nothing."""
    query = (
        select(outcomes.c.detail)
        .where(
            outcomes.c.solver_id == solver,
            outcomes.c.judge == judge,
            outcomes.c.state == State.UNMEASURED.value,
            outcomes.c.detail.contains('"failure"'),
        )
        .limit(1)
    )
    with ledger.read() as connection:
        detail = connection.execute(query).scalar()
    return None if detail is None else str(json.loads(detail)["failure"][1])


def _row(solver: int, judge: str, item: Outcome, asked_at: float) -> tuple[Any, ...]:
    """The values of an outcome in the order of `_COLUMNS`."""
    answer, usage, score = item.answer, item.answer.usage, item.score
    return (
        solver,
        judge,
        item.case.id,
        item.state._value_,
        None if score is None else score.value,
        answer.output,
        answer.confidence,
        answer.abstained,
        _violations_text(item.violations) if item.violations else None,
        item.reason,
        None if answer.cost is None else to_pico(answer.cost),
        answer.latency_s,
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.cpu_s,
        usage.calls,
        answer.retries,
        _detail(item),
        asked_at,
        to_pico(answer.sunk) if answer.sunk else 0,
    )


def _violations_text(violations: Sequence[Violation]) -> str:
    return json.dumps([[v.guard, v.reason] for v in violations], ensure_ascii=False)


def _detail(item: Outcome) -> str | None:
    answer = item.answer
    detail: dict[str, Any] = {}
    if answer.probabilities:
        detail["probabilities"] = {k: round(v, 6) for k, v in answer.probabilities.items()}
    if answer.steps:
        detail["steps"] = [
            [s.solver, s.output, s.confidence, s.threshold, s.escalated] for s in answer.steps
        ]
    if answer.note:
        detail["note"] = answer.note
    if answer.failure:
        detail["failure"] = [answer.failure.kind, answer.failure.message]
    if answer.usage[_IN_COLUMNS:] != _NO_MORE_USAGE:
        whole = answer.usage._asdict().items()
        detail["usage"] = {name: value for name, value in whole if value and name in _MORE_USAGE}
    if item.score and item.score.reason:
        detail["score_reason"] = item.score.reason
    if item.score and item.score.parts:
        detail["score_parts"] = [list(part) for part in item.score.parts]
    if detail.keys() == {"score_reason"}:
        return _only_reason(detail["score_reason"])
    return json.dumps(detail, ensure_ascii=False) if detail else None


@lru_cache(maxsize=256)
def _only_reason(reason: str) -> str:
    """Most rows that have any detail have just this, and the same one."""
    return json.dumps({"score_reason": reason}, ensure_ascii=False)


def _answer(row: Row[Any]) -> Answer:
    detail = json.loads(row.detail) if row.detail else {}
    failure = detail.get("failure")
    return Answer(
        output=row.output,
        confidence=row.confidence,
        abstained=bool(row.abstained),
        usage=Usage(
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            cached_tokens=row.cached_tokens,
            cpu_s=row.cpu_s,
            calls=row.calls,
            **_more_usage(detail.get("usage", {})),
        ),
        cost=_money(row.cost_pico),
        sunk=from_pico(row.sunk_pico) if row.sunk_pico else Decimal(0),
        latency_s=row.latency_s,
        retries=row.retries,
        failure=Failure(kind=failure[0], message=failure[1]) if failure else None,
        probabilities=detail.get("probabilities", {}),
        steps=tuple(
            Step(solver=s[0], output=s[1], confidence=s[2], threshold=s[3], escalated=s[4])
            for s in detail.get("steps", ())
        ),
        recorded_score=row.score if detail.get("score_reason") == RECORDED else None,
        note=detail.get("note", ""),
    )


_IN_COLUMNS = Usage._fields.index("calls") + 1
_NO_MORE_USAGE = Usage()[_IN_COLUMNS:]
_MORE_USAGE = frozenset(Usage._fields[_IN_COLUMNS:])
"""What of a usage has no column of its own."""


def _more_usage(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }


def _outcome(row: Row[Any], case: Case, solver: str = "") -> Outcome:
    detail = json.loads(row.detail) if row.detail else {}
    state = State(row.state)
    score = None
    if state is not State.UNMEASURED:
        score = Score(
            value=row.score,
            solved=state is State.SOLVED,
            reason=detail.get("score_reason", ""),
            parts=tuple((name, value) for name, value in detail.get("score_parts", ())),
        )
    found = json.loads(row.violations) if row.violations else []
    return Outcome(
        case=case,
        solver=solver,
        answer=_answer(row),
        state=state,
        score=score,
        violations=tuple(Violation(guard, reason) for guard, reason in found),
        reason=row.reason,
        cached=True,
    )


def _money(pico: int | None) -> Decimal | None:
    return None if pico is None else from_pico(pico)
