"""The stored rows of one solver broken down: by stratum, and by expected and given answer."""

from sqlalchemy import and_, case, func, select
from sqlalchemy.sql.selectable import FromClause

from rixin.core.outcome import State
from rixin.ledger.sample import Sample, inside
from rixin.ledger.store import Ledger
from rixin.ledger.tables import cases, outcomes

_MOST_PAIRS = 5_000


def solved_by_stratum(
    ledger: Ledger, sample: Sample, solver: int, judge: str
) -> tuple[tuple[str, int, int], ...]:
    """Stratum, measured cases, solved ones; the largest stratum first."""
    solved = func.sum(case((outcomes.c.state == State.SOLVED.value, 1), else_=0))
    query = (
        select(cases.c.stratum, func.count(), solved)
        .select_from(_measured(sample, solver, judge))
        .group_by(cases.c.stratum)
        .order_by(func.count().desc(), cases.c.stratum)
    )
    with ledger.read() as connection:
        return tuple((row[0], int(row[1]), int(row[2])) for row in connection.execute(query))


def answers_by_expected(
    ledger: Ledger, sample: Sample, solver: int, judge: str
) -> tuple[tuple[str, str | None, int], ...]:
    """Expected answer, given answer (None: none was given), measured cases; most frequent first."""
    query = (
        select(cases.c.expected, outcomes.c.output, func.count())
        .select_from(_measured(sample, solver, judge))
        .where(cases.c.expected.is_not(None))
        .group_by(cases.c.expected, outcomes.c.output)
        .order_by(func.count().desc(), cases.c.expected, outcomes.c.output)
        .limit(_MOST_PAIRS)
    )
    with ledger.read() as connection:
        return tuple((row[0], row[1], int(row[2])) for row in connection.execute(query))


def _measured(sample: Sample, solver: int, judge: str) -> FromClause:
    return cases.join(
        outcomes,
        and_(
            outcomes.c.solver_id == solver,
            outcomes.c.judge == judge,
            outcomes.c.case_id == cases.c.case_id,
            outcomes.c.state != State.UNMEASURED.value,
            inside(sample),
        ),
    )
