"""What endpoints take of the parameters that they are asked with, as it was found out in deciding.

It is kept by the fingerprint of the solver: the next run asks in the same way from its first call,
and a release serves in the way it was decided on.
"""

import json
from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from rixin.ledger.store import Ledger
from rixin.ledger.tables import meta


def keep_features(ledger: Ledger, fingerprint: str, features: Mapping[str, bool]) -> None:
    """Keeps what an endpoint takes.

    Raises:
        LedgerFault: The ledger cannot be written.
    """
    row = {"name": _name(fingerprint), "value": json.dumps(features, sort_keys=True)}
    with ledger.append() as connection:
        connection.execute(delete(meta).where(meta.c.name == row["name"]))
        connection.execute(insert(meta), [row])


def stored_features(ledger: Ledger, fingerprint: str) -> dict[str, bool] | None:
    """What an endpoint takes; None: it has not answered yet.

    Raises:
        LedgerFault: The ledger cannot be read.
    """
    with ledger.read() as connection:
        query = select(meta.c.value).where(meta.c.name == _name(fingerprint))
        value = connection.execute(query).scalar()
    return None if value is None else json.loads(value)


def _name(fingerprint: str) -> str:
    return f"takes:{fingerprint}"
