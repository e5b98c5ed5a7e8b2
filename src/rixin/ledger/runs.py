"""Runs of agents: which rows belong to one, and what it has cost."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnElement, func, literal_column, select

from rixin.core.money import from_pico
from rixin.ledger.requests import COST
from rixin.ledger.store import Ledger
from rixin.ledger.tables import keys, requests

_IN_RUNS: ColumnElement[bool] = literal_column("instr(detail, '\"run\":') > 0", Boolean)
"""What the index of runs is for."""


def _detail(name: str) -> ColumnElement[Any]:
    return func.json_extract(requests.c.detail, literal_column(f"'$.{name}'"))


def root_of_run(ledger: Ledger, run: str) -> str | None:
    """The first of a run's line; None: the ledger knows no call of the run.

    Args:
        ledger: The ledger.
        run: As the rows name it, see `rixin.serve.runs.to_hex`.
    """
    asked = select(_detail("root")).where(_IN_RUNS, _detail("run") == run).limit(1)
    with ledger.read() as connection:
        found = connection.execute(asked).first()
    return None if found is None else str(found[0])


def spent_of_run(ledger: Ledger, root: str, scenario: str | None = None) -> int:
    """What a run and its children have spent, in 10⁻¹² currency units.

    A cost that is not known counts as what was reserved for it.

    Args:
        ledger: The ledger.
        root: The first of the line.
        scenario: In one scenario only; None: in all.
    """
    query = select(func.sum(COST)).where(_IN_RUNS, _detail("root") == root)
    if scenario is not None:
        query = query.where(requests.c.scenario == scenario)
    with ledger.read() as connection:
        return int(connection.execute(query).scalar() or 0)


class Run(NamedTuple):
    """A run and what its calls came to."""

    id: str
    """As the rows name it."""
    name: str
    """As the caller named it; empty where what was said is erased."""
    parent: str
    """Name of its parent; empty: it has none, or what was said is erased."""
    root: str
    """The first of its line, as the rows name it."""
    key: str
    """Public id of the key."""
    scenarios: tuple[str, ...]
    calls: int
    failed: int
    """Calls that were not answered."""
    input_tokens: int
    output_tokens: int
    pico: int
    """Of its own calls, in 10⁻¹² currency units; what is not known counts as what was reserved."""
    unknown: int
    """Calls of which nobody knows what they cost."""
    first_at: float
    last_at: float
    """Seconds since the epoch."""

    def to_dict(self) -> dict[str, object]:
        """The same for JSON, with money as decimal text."""
        spent = f"{from_pico(self.pico).normalize():f}"
        return {**self._asdict(), "spent": spent, "scenarios": list(self.scenarios)}


def list_runs(
    ledger: Ledger,
    *,
    key_ids: Sequence[int] | None = None,
    since: float | None = None,
    most: int = 100,
) -> list[Run]:
    """Runs, the one that was called last first.

    Args:
        ledger: The ledger.
        key_ids: Only of these keys; None: of all.
        since: Only those that were called since, in seconds since the epoch; None: all.
        most: How many.
    """
    run, content = _detail("run"), func.max(requests.c.content)
    failed = func.sum(requests.c.state.in_(("failed", "refused")))
    query = (
        select(
            *(run, content, func.max(_detail("root")), keys.c.public_id),
            *(func.json_group_array(requests.c.scenario.distinct()), func.count(), failed),
            *(func.sum(requests.c.input_tokens), func.sum(requests.c.output_tokens)),
            *(func.sum(COST), func.sum(requests.c.cost_pico.is_(None))),
            *(func.min(requests.c.at), func.max(requests.c.at)),
        )
        .join_from(requests, keys, keys.c.id == requests.c.key_id)
        .where(_IN_RUNS, run.is_not(None))
        .group_by(run)
        .having(func.max(requests.c.at) >= (since or 0.0))
        .order_by(func.max(requests.c.at).desc())
        .limit(most)
    )
    if key_ids is not None:
        query = query.where(requests.c.key_id.in_(key_ids))
    with ledger.read() as connection:
        return list(map(_run, connection.execute(query)))


def _run(row: Any) -> Run:
    said = json.loads(row[1] or "{}")
    name, parent = (str(said.get(name) or "") for name in ("run", "parent_run"))
    scenarios = tuple(sorted(filter(None, json.loads(row[4]))))
    return Run(row[0], name, parent, row[2], row[3], scenarios, *row[5:])
