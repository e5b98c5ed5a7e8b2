"""Stored outcomes as arrays, in the order of the cases: what cascades are proposed from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import select

from rixin.core.ids import output_code
from rixin.core.outcome import State, counted_score
from rixin.ledger.sample import Sample, inside
from rixin.ledger.store import Ledger
from rixin.ledger.tables import cases, outcomes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PICO = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """The rows of one solver, shape (n_cases,); NaN where a figure is not known."""

    solved: "NDArray[np.float64]"
    """1 or 0; NaN where it was not measured, or not asked."""
    score: "NDArray[np.float64]"
    """`counted_score` of the answer; NaN where it was not measured, or not asked."""
    cost: "NDArray[np.float64]"
    confidence: "NDArray[np.float64]"
    violated: "NDArray[np.bool_]"
    abstained: "NDArray[np.bool_]"
    latency_s: "NDArray[np.float64]"
    answer: "NDArray[np.int64]"
    """`output_code` of what was said; 0 for nothing."""


def vectors(ledger: Ledger, sample: Sample, solver: int, judge: str) -> Vectors:
    """The rows of one solver on every case of a sample, asked or not."""
    import numpy as np

    columns = outcomes.c
    joined = cases.outerjoin(
        outcomes,
        (columns.case_id == cases.c.case_id)
        & (columns.solver_id == solver)
        & (columns.judge == judge),
    )
    query = (
        select(
            columns.state,
            columns.cost_pico,
            columns.confidence,
            columns.violations,
            columns.abstained,
            columns.latency_s,
            columns.output,
            columns.score,
        )
        .select_from(joined)
        .where(inside(sample))
        .order_by(cases.c.case_id)
    )
    known = {State.SOLVED.value: 1.0, State.UNSOLVED.value: 0.0}
    code = lru_cache(maxsize=10_000)(output_code)
    figures = np.full((5, sample.size), np.nan)
    flags, answer = np.zeros((2, sample.size), dtype=bool), np.zeros(sample.size, dtype=np.int64)
    with ledger.read() as connection:
        rows = connection.execution_options(yield_per=2_000).execute(query)
        for k, row in enumerate(rows):
            state, pico, confidence, violations, abstained, latency, said, score = row
            figures[0, k] = known.get(state, np.nan)
            figures[1, k] = np.nan if pico is None else pico * _PICO
            figures[2, k] = np.nan if confidence is None else confidence
            figures[3, k] = np.nan if latency is None else latency
            if state in known:
                figures[4, k] = counted_score(score, violated=violations is not None)
            flags[0, k], flags[1, k] = violations is not None, bool(abstained)
            answer[k] = code(said)
    return Vectors(
        solved=figures[0],
        cost=figures[1],
        confidence=figures[2],
        latency_s=figures[3],
        score=figures[4],
        violated=flags[0],
        abstained=flags[1],
        answer=answer,
    )


def case_weights(ledger: Ledger, sample: Sample) -> "NDArray[np.float64]":
    """The weight of each case of a sample, in the same order."""
    import numpy as np

    query = select(cases.c.weight).where(inside(sample)).order_by(cases.c.case_id)
    with ledger.read() as connection:
        return np.array([row[0] for row in connection.execute(query)], dtype=np.float64)


def case_strata(
    ledger: Ledger, sample: Sample, names: Sequence[str]
) -> "dict[str, NDArray[np.float64]]":
    """For each of some strata 1 for its cases and 0 for the others, in the same order."""
    import numpy as np

    if not names:
        return {}
    query = select(cases.c.stratum).where(inside(sample)).order_by(cases.c.case_id)
    with ledger.read() as connection:
        found = [row[0] for row in connection.execute(query)]
    return {
        name: np.array([stratum == name for stratum in found], dtype=np.float64) for name in names
    }
