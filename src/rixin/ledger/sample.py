"""Which cases a figure is taken over: a prefix of a pool, in its random order."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select

from rixin.core.ids import Pool
from rixin.ledger.store import Ledger
from rixin.ledger.tables import cases


@dataclass(frozen=True, slots=True)
class Sample:
    """A prefix of a pool, or of one stratum of it, in its random order."""

    dataset_id: str
    pool: Pool
    last_id: str
    """Last case id of the prefix; "~", which is greater than all ids, where there is no end."""
    size: int
    stratum: str | None = None
    """Only this stratum."""
    without: str | None = None
    """All but this stratum."""
    after: str = ""
    """Only what comes after this case id."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of the cases of a sample."""

    cases: int
    total: float
    largest: float

    @property
    def units(self) -> int:
        """The sample's size in units of its heaviest case, at least 1 where there is a case."""
        return max(1, int(self.total / self.largest)) if self.cases else 0


def inside(sample: Sample) -> ColumnElement[bool]:
    """The condition that a case belongs to the sample."""
    terms = [
        cases.c.dataset_id == sample.dataset_id,
        cases.c.pool == sample.pool,
        cases.c.case_id <= sample.last_id,
    ]
    if sample.stratum is not None:
        terms.append(cases.c.stratum == sample.stratum)
    if sample.without is not None:
        terms.append(cases.c.stratum != sample.without)
    if sample.after:
        terms.append(cases.c.case_id > sample.after)
    return and_(*terms)


def sample_of(
    ledger: Ledger,
    dataset_id: str,
    pool: Pool,
    size: int | None = None,
    *,
    stratum: str | None = None,
    without: str | None = None,
) -> Sample:
    """The first `size` cases of a pool, or all of them, as a sample that says how many there are."""
    whole = Sample(dataset_id, pool, "~", 0, stratum, without)
    ids = select(cases.c.case_id).where(inside(whole)).order_by(cases.c.case_id)
    with ledger.read() as connection:
        count = connection.execute(
            select(func.count()).select_from(cases).where(inside(whole))
        ).scalar_one()
        if size is None or size >= count:
            return Sample(dataset_id, pool, "~", count, stratum, without)
        if size <= 0:
            return Sample(dataset_id, pool, "", 0, stratum, without)
        last = connection.execute(ids.offset(size - 1).limit(1)).scalar_one()
    return Sample(dataset_id, pool, last, size, stratum, without)


def weights_of(ledger: Ledger, sample: Sample) -> Weights:
    """The weights of all cases of a sample, asked or not."""
    weight = cases.c.weight
    query = select(func.count(), func.sum(weight), func.max(weight)).where(inside(sample))
    with ledger.read() as connection:
        count, total, largest = connection.execute(query).one()
    return Weights(count, float(total or 0.0), float(largest or 1.0))
