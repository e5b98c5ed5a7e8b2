"""The tables, and the migrations that make them: forward only, for SQLite and PostgreSQL.

Money is a whole number of 10⁻¹² currency units, so that sums in SQL are exact.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.schema import CreateColumn, CreateIndex

metadata = MetaData()

meta = Table(
    "rixin_meta",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("path", Text, nullable=False),
    Column("imported_at", String(40), nullable=False),
    Column("notes", Text, nullable=False),
    Column("reading", String(32)),
)


def _case_columns() -> list[Column[object]]:
    return [
        Column("dataset_id", String(32), nullable=False),
        Column("pool", String(8), nullable=False),
        Column("case_id", String(32), nullable=False),
        Column("case_key", String(32), nullable=False),
        Column("stratum", Text, nullable=False),
        Column("weight", Float, nullable=False),
        Column("ref", Text, nullable=False),
        Column("input", Text, nullable=False),
        Column("expected", Text),
        Column("twin", Boolean, nullable=False, default=False),
    ]


# The clustered key is the random order of the cases: a prefix of a pool is a uniform sample.
cases = Table(
    "cases",
    metadata,
    *_case_columns(),
    PrimaryKeyConstraint("dataset_id", "pool", "case_id"),
    sqlite_with_rowid=False,
)

# Rows arrive in file order and are moved over sorted: a million random inserts into the
# clustered table would rewrite most of its pages many times.
staged_cases = Table("staged_cases", metadata, *_case_columns())

solvers = Table(
    "solvers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("solver_id", Integer, nullable=False),
    Column("judge", String(32), nullable=False),
    Column("case_id", String(32), nullable=False),
    Column("state", String(10), nullable=False),
    Column("score", Float),
    Column("output", Text),
    Column("confidence", Float),
    Column("abstained", Boolean, nullable=False),
    Column("violations", Text),
    Column("reason", Text, nullable=False),
    Column("cost_pico", BigInteger),
    Column("latency_s", Float),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("cpu_s", Float, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("detail", Text),
    Column("asked_at", Float, nullable=False),
    Column("sunk_pico", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("solver_id", "judge", "case_id"),
    sqlite_with_rowid=False,
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scenario", Text, nullable=False),
    Column("dataset_id", String(32), nullable=False),
    Column("decided_at", String(40), nullable=False),
    Column("contract", Text, nullable=False),
    Column("record", Text, nullable=False),
)
Index("ix_decisions_scenario", decisions.c.scenario, decisions.c.id)


releases = Table(
    "releases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scenario", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("solver", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("dataset_id", String(32), nullable=False),
    Column("path", Text, nullable=False),
    Column("frozen", Text, nullable=False),
    Column("contract", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    Column("certified", Boolean, nullable=False),
    UniqueConstraint("scenario", "number"),
)

# The release that serves a scenario, and the one that is tried on a part of its traffic.
pointers = Table(
    "pointers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scenario", Text, nullable=False, unique=True),
    Column("live", Integer),
    Column("canary", Integer),
    Column("share", Integer, nullable=False),
    Column("history", Text, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("public_id", String(24), nullable=False, unique=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("scenarios", Text, nullable=False),
    Column("limits", Text, nullable=False),
    Column("created_at", String(40), nullable=False),
    Column("revoked_at", String(40)),
)

# Secrets that end or were made by a rotation: the first of most keys is in `keys` alone.
key_secrets = Table(
    "key_secrets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key_id", Integer, nullable=False, index=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("made_at", String(40), nullable=False),
    Column("expires_at", String(40)),
    Column("earlier_until", String(40)),
)

# Answers under the keys of callers, for a day; see `rixin.ledger.idempotency`.
idempotency = Table(
    "idempotency",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", Integer, nullable=False),
    Column("asked", String(64), nullable=False),
    Column("at", Float, nullable=False, index=True),
    Column("worker", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("request_id", String(64)),
    Column("status", Integer),
    Column("content_type", Text),
    Column("head", Text),
    Column("body", LargeBinary),
    Column("streamed", Boolean),
    Column("size", Integer, nullable=False),
    Index("ix_idempotency_of_key", "key_id", "at", "size"),
)

requests = Table(
    "requests",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("at", Float, nullable=False),
    Column("key_id", Integer, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("release", Integer),
    Column("solver", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("cost_pico", BigInteger),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("latency_s", Float, nullable=False),
    Column("detail", Text, nullable=False),
    Column("content", Text),
    Column("leaf", String(64), nullable=False),
)
Index("ix_requests_at", requests.c.at)

feedback = Table(
    "feedback",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("request_id", String(32), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("key_id", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

# Cases that went to people and were answered: what they said is feedback, which can be erased.
answers = Table(
    "answers",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("feedback_seq", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("author", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due", Float),
    Column("told_at", Float),
    Column("fault", Text, nullable=False),
)
Index("ix_answers_due", answers.c.due)
_QUEUED = requests.c.state == "queued"
_WAITING = Index(
    "ix_requests_queued", requests.c.seq, sqlite_where=_QUEUED, postgresql_where=_QUEUED
)
"""Few of all requests go to people: those that do are found without a look at the others."""

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
Index("ix_audit_action", audit.c.action, audit.c.seq)


def _create_first_tables(connection: Connection) -> None:
    metadata.create_all(connection)


def _add_sunk_money(connection: Connection) -> None:
    _add_column(connection, outcomes.c.sunk_pico)


def _add_column(connection: Connection, column: Column[Any]) -> None:
    """Adds a column where it is missing: a table made from today's metadata has it already."""
    table = column.table.name
    if column.name not in {known["name"] for known in inspect(connection).get_columns(table)}:
        written = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {written}"))


def _add_serving(connection: Connection) -> None:
    metadata.create_all(
        connection, tables=[releases, pointers, keys, requests, feedback, audit], checkfirst=True
    )


def _add_readings(connection: Connection) -> None:
    _add_column(connection, datasets.c.reading)


def _complete_trail(_connection: Connection) -> None:
    """From here on every verdict, key, release and pointer has an entry: see `migrating`."""


def _add_answers(connection: Connection) -> None:
    metadata.create_all(connection, tables=[answers], checkfirst=True)
    connection.execute(CreateIndex(_WAITING, if_not_exists=True))


def _add_runs(connection: Connection) -> None:
    """Finds the rows of a run and of the first of its line; most rows belong to none."""
    if connection.dialect.name == "sqlite":
        for name in ("run", "root"):
            on = f"requests (json_extract(detail, '$.{name}')) WHERE instr(detail, '\"run\":') > 0"
            connection.execute(text(f"CREATE INDEX IF NOT EXISTS ix_requests_{name} ON {on}"))


def _add_secrets(connection: Connection) -> None:
    metadata.create_all(connection, tables=[key_secrets], checkfirst=True)


def _add_idempotency(connection: Connection) -> None:
    metadata.create_all(connection, tables=[idempotency], checkfirst=True)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _create_first_tables,
    _add_sunk_money,
    _add_serving,
    _add_readings,
    _complete_trail,
    _add_answers,
    _add_runs,
    _add_secrets,
    _add_idempotency,
)
"""Migration k brings the schema from version k to k + 1; released ones are never edited."""
