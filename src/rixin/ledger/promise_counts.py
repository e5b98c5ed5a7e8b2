"""Counts for single terms of the promise: strata with a floor, scores, slow answers, harm."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, case, func, select

from rixin.core.outcome import State, counted_score
from rixin.core.verdict import StratumTally
from rixin.ledger.sample import Sample, inside
from rixin.ledger.store import Ledger
from rixin.ledger.tables import cases, outcomes

_MEASURED = outcomes.c.state != State.UNMEASURED.value
_UNSCORED = "unscored"


def stratum_tallies(
    ledger: Ledger, sample: Sample, solver: int, judge: str, names: Sequence[str]
) -> tuple[StratumTally, ...]:
    """The measured rows of one solver in each of some strata, in their order."""
    if not names:
        return ()
    weight = cases.c.weight
    lost = and_(outcomes.c.state == State.UNMEASURED.value, outcomes.c.reason != _UNSCORED)
    query = (
        select(
            cases.c.stratum,
            func.sum(case((outcomes.c.state == State.SOLVED.value, weight), else_=0.0)),
            func.sum(case((_MEASURED, weight), else_=0.0)),
            func.sum(case((lost, 1), else_=0)),
        )
        .select_from(cases.join(outcomes, _asked(solver, judge)))
        .where(inside(sample), cases.c.stratum.in_(list(names)))
        .group_by(cases.c.stratum)
    )
    with ledger.read() as connection:
        found = {row[0]: row for row in connection.execute(query)}
    none = ("", 0.0, 0.0, 0)
    rows = ((name, found.get(name, none)) for name in names)
    return tuple(
        StratumTally(
            name=name, solved_weight=float(row[1]), weight=float(row[2]), unknown=int(row[3])
        )
        for name, row in rows
    )


def score_weights(
    ledger: Ledger, sample: Sample, solver: int, judge: str
) -> tuple[tuple[float, float], ...]:
    """Each `counted_score` of the measured rows of one solver with their weight, rising."""
    violated = outcomes.c.violations.is_not(None)
    query = (
        select(outcomes.c.score, violated, func.sum(cases.c.weight))
        .select_from(cases.join(outcomes, _asked(solver, judge)))
        .where(inside(sample), _MEASURED)
        .group_by(outcomes.c.score, violated)
        .order_by(outcomes.c.score, violated)
    )
    found: dict[float, float] = {}
    with ledger.read() as connection:
        for value, broken, weight in connection.execute(query):
            score = counted_score(value, violated=bool(broken))
            found[score] = found.get(score, 0.0) + float(weight)
    return tuple(sorted(found.items()))


def slow_answers(ledger: Ledger, sample: Sample, solver: int, judge: str, limit_s: float) -> int:
    """Measured answers that took longer than the limit, in seconds."""
    query = (
        select(func.count())
        .select_from(cases.join(outcomes, _asked(solver, judge)))
        .where(inside(sample), _MEASURED, outcomes.c.latency_s > limit_s)
    )
    with ledger.read() as connection:
        return int(connection.execute(query).scalar_one())


def harm_counts(
    ledger: Ledger, sample: Sample, solver: int, judge: str, most: int
) -> tuple[int, int]:
    """Measured cases, and those with a violation, among the first `most` measured ones."""
    if not most:
        return 0, 0
    first = (
        select(outcomes.c.violations)
        .select_from(cases.join(outcomes, _asked(solver, judge)))
        .where(inside(sample), _MEASURED)
        .order_by(cases.c.case_id)
        .limit(most)
        .subquery()
    )
    query = select(func.count(), func.count(first.c.violations)).select_from(first)
    with ledger.read() as connection:
        n, hits = connection.execute(query).one()
    return int(n), int(hits)


def _asked(solver: int, judge: str) -> ColumnElement[bool]:
    return and_(
        outcomes.c.solver_id == solver,
        outcomes.c.judge == judge,
        outcomes.c.case_id == cases.c.case_id,
    )
