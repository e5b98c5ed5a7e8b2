"""Sums over stored rows: the only source of every total that Rixin shows."""

from array import array
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Float, and_, case, cast, func, literal, select
from sqlalchemy.sql.selectable import FromClause

from rixin.core.money import from_pico
from rixin.core.outcome import State
from rixin.core.verdict import PairTally, Tally
from rixin.ledger.sample import Sample, inside
from rixin.ledger.store import Ledger
from rixin.ledger.tables import cases, outcomes

_PICO = 1e-12


def tally(ledger: Ledger, sample: Sample, solver: int, judge: str, name: str) -> Tally:
    """The stored rows of one solver on a sample, summed.

    Latency figures are left out: `latencies` gives them, `rixin.stats` their interval.
    """
    cost = cast(outcomes.c.cost_pico, Float) * _PICO
    measured = outcomes.c.state != State.UNMEASURED.value
    query = (
        select(
            outcomes.c.state,
            outcomes.c.abstained,
            cases.c.twin,
            func.count(),
            func.sum(cases.c.weight),
            func.max(cases.c.weight),
            func.count(outcomes.c.cost_pico),
            func.sum(outcomes.c.cost_pico),
            func.sum(cost * cost),
            func.sum(case((outcomes.c.violations.is_not(None), 1), else_=0)),
            func.sum(outcomes.c.retries),
            func.sum(outcomes.c.sunk_pico),
        )
        .select_from(_join(sample, solver, judge))
        .group_by(outcomes.c.state, outcomes.c.abstained, cases.c.twin, measured)
    )
    with ledger.read() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    return _sum_up(name, rows, _causes(ledger, sample, solver, judge), sample.size)


def _sum_up(
    name: str, rows: list[tuple[Any, ...]], causes: list[tuple[str, str, int]], size: int
) -> Tally:
    good = [row for row in rows if row[0] != State.UNMEASURED.value]
    solved = [row for row in good if row[0] == State.SOLVED.value]
    gone = [row for row in good if row[1]]
    twins = [row for row in good if row[2]]

    def total(group: list[tuple[Any, ...]], column: int) -> Any:
        return sum(row[column] or 0 for row in group)

    return Tally(
        solver=name,
        cases=total(good, 3),
        unmeasured=total(rows, 3) - total(good, 3),
        missing=max(0, size - total(rows, 3)),
        causes=tuple((reason, count) for _, reason, count in causes),
        lost=tuple((reason, n) for state, reason, n in causes if state == State.UNMEASURED.value),
        solved=total(solved, 3),
        abstained=total(gone, 3),
        violations=total(good, 9),
        weight=float(total(good, 4)),
        weight_max=float(max((row[5] for row in good), default=1.0)),
        solved_weight=float(total(solved, 4)),
        abstained_weight=float(total(gone, 4)),
        cost_known=total(good, 6),
        cost_total=from_pico(total(good, 7)),
        cost_sq=float(total(good, 8)),
        retries=total(rows, 10),
        twin_cases=total(twins, 3),
        twin_solved=total([row for row in twins if row[0] == State.SOLVED.value], 3),
        spent=from_pico(total(rows, 7) + total(rows, 11)),
        sunk=from_pico(total(rows, 11)),
    )


def _causes(
    ledger: Ledger, sample: Sample, solver: int, judge: str, limit: int = 40
) -> list[tuple[str, str, int]]:
    """State, reason, count; most frequent first."""
    number = func.count()
    query = (
        select(outcomes.c.state, outcomes.c.reason, number)
        .select_from(_join(sample, solver, judge))
        .where(outcomes.c.state != State.SOLVED.value)
        .group_by(outcomes.c.state, outcomes.c.reason)
        .order_by(number.desc(), outcomes.c.reason)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def asked_on(ledger: Ledger, sample: Sample, solver: int) -> tuple[int, Decimal]:
    """The answers of one solver on a sample, and what they have cost at most, each counted once.

    An answer that was judged anew stands under several judges with the same cost.
    """
    return _spent(ledger, inside(sample), solver)


def spent_in_all(ledger: Ledger, dataset_id: str, solver: int) -> Decimal:
    """The cost over all cases of a data set, whatever pool they are in."""
    return _spent(ledger, cases.c.dataset_id == dataset_id, solver)[1]


def _spent(ledger: Ledger, which: ColumnElement[bool], solver: int) -> tuple[int, Decimal]:
    cost = func.coalesce(outcomes.c.cost_pico, 0) + outcomes.c.sunk_pico
    each = (
        select(func.max(cost).label("pico"))
        .select_from(
            cases.join(
                outcomes,
                and_(
                    outcomes.c.solver_id == solver,
                    outcomes.c.case_id == cases.c.case_id,
                    which,
                ),
            )
        )
        .group_by(outcomes.c.case_id)
        .subquery()
    )
    with ledger.read() as connection:
        count, pico = connection.execute(select(func.count(), func.sum(each.c.pico))).one()
    return count, from_pico(pico or 0)


def latencies(ledger: Ledger, sample: Sample, solver: int, judge: str) -> "array[float]":
    """Latency of each measured outcome that has one, in seconds, unordered."""
    query = (
        select(outcomes.c.latency_s)
        .select_from(_join(sample, solver, judge))
        .where(outcomes.c.state != State.UNMEASURED.value, outcomes.c.latency_s.is_not(None))
    )
    with ledger.read() as connection:
        rows = connection.execution_options(yield_per=5_000).execute(query)
        return array("d", (row[0] for row in rows))


def pair_tally(
    ledger: Ledger,
    sample: Sample,
    judge: str,
    first: tuple[int, str],
    second: tuple[int, str],
) -> PairTally:
    """Two solvers, each as (number, name), on the cases that both were measured on."""
    a, b = outcomes.alias("a"), outcomes.alias("b")
    solved = literal(State.SOLVED.value)
    joined = cases.join(a, _on(a, first[0], judge)).join(b, _on(b, second[0], judge))
    query = (
        select(a.c.state == solved, b.c.state == solved, func.count())
        .select_from(joined)
        .where(
            inside(sample),
            a.c.state != State.UNMEASURED.value,
            b.c.state != State.UNMEASURED.value,
        )
        .group_by(a.c.state == solved, b.c.state == solved)
    )
    with ledger.read() as connection:
        found = {(bool(x), bool(y)): n for x, y, n in connection.execute(query)}
    return PairTally(
        first=first[1],
        second=second[1],
        both=found.get((True, True), 0),
        only_first=found.get((True, False), 0),
        only_second=found.get((False, True), 0),
        neither=found.get((False, False), 0),
    )


def differing_cases(
    ledger: Ledger, sample: Sample, judge: str, solvers: Mapping[int, str], *, limit: int
) -> list[str]:
    """Ids of cases that some of the solvers solved and others did not, in random order."""
    solved = func.sum(case((outcomes.c.state == State.SOLVED.value, 1), else_=0))
    query = (
        select(cases.c.case_id)
        .select_from(cases.join(outcomes, outcomes.c.case_id == cases.c.case_id))
        .where(
            inside(sample),
            outcomes.c.judge == judge,
            outcomes.c.solver_id.in_(list(solvers)),
            outcomes.c.state != State.UNMEASURED.value,
        )
        .group_by(cases.c.case_id)
        .having(and_(solved > 0, solved < func.count()))
        .order_by(func.count().desc(), cases.c.case_id)
        .limit(limit)
    )
    with ledger.read() as connection:
        return [row[0] for row in connection.execute(query)]


def _on(table: FromClause, solver: int, judge: str) -> ColumnElement[bool]:
    return and_(
        table.c.solver_id == solver, table.c.judge == judge, table.c.case_id == cases.c.case_id
    )


def _join(sample: Sample, solver: int, judge: str) -> FromClause:
    return cases.join(outcomes, and_(_on(outcomes, solver, judge), inside(sample)))
