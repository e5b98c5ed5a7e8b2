"""The verdicts that were given, each with the contract it was given on."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select

from rixin.ledger.audit import current_head, record_in, write_head
from rixin.ledger.audit_check import VERDICT, row_hash
from rixin.ledger.store import Ledger
from rixin.ledger.tables import decisions


def write_decision(
    ledger: Ledger,
    scenario: str,
    dataset_id: str,
    *,
    contract: str,
    record: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> int:
    """Appends a verdict, with an entry in the audit trail, and gives its number.

    Args:
        ledger: The ledger.
        scenario: Its name.
        dataset_id: The snapshot of cases it rests on.
        contract: Fingerprint of the contract.
        record: The verdict as JSON-like values, with its `certificate`.
        actor: Who decided.
        now: Aware time of the verdict.
    """
    row = {
        "scenario": scenario,
        "dataset_id": dataset_id,
        "decided_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "contract": contract,
        "record": json.dumps(record, ensure_ascii=False),
    }
    given = record["certificate"]
    detail = {name: given[name] for name in ("decision", "winner", "sha256")}
    with ledger.append() as connection:
        connection.execute(insert(decisions), [row])
        newest = select(decisions.c.id).order_by(decisions.c.id.desc()).limit(1)
        number = int(connection.execute(newest).scalar_one())
        stored = {"id": number, **row}
        detail["row"] = row_hash([stored[name] for name in VERDICT])
        record_in(connection, "decision", scenario, actor=actor, now=now, detail=detail)
    write_head(ledger, current_head(ledger), now)
    return number


def last_decision(ledger: Ledger, scenario: str) -> dict[str, Any] | None:
    """The newest verdict on a scenario, or None.

    Returns:
        Mapping with `id`, `decided_at`, `contract`, `dataset_id`, `record`.
    """
    query = (
        select(decisions)
        .where(decisions.c.scenario == scenario)
        .order_by(decisions.c.id.desc())
        .limit(1)
    )
    with ledger.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return {**row, "record": json.loads(row["record"])}


def decision_keys(ledger: Ledger, scenario: str) -> list[tuple[str, str]]:
    """The different decisions on a scenario so far, as (contract, data set), oldest first."""
    query = (
        select(decisions.c.contract, decisions.c.dataset_id)
        .where(decisions.c.scenario == scenario)
        .order_by(decisions.c.id)
    )
    with ledger.read() as connection:
        return list(dict.fromkeys((row[0], row[1]) for row in connection.execute(query)))
