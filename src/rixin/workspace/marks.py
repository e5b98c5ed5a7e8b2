"""The rows and cases that a decision rests on, as its certificate marks them; and which differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rixin.core.scenario import CaseSource
from rixin.ledger.cases import cases_unlike_ids
from rixin.ledger.row_marks import (
    RowMarks,
    altered,
    case_marks,
    case_name,
    cases_at,
    cases_without,
    row_marks,
)
from rixin.ledger.sample import Sample, sample_of
from rixin.workspace.evaluate import Stored

MARKED = ("rows", "more_rows", "case_marks")
"""Keys of a certificate that hold marks; one made before the last two were has the first only."""
_MOST_NAMED = 10
"""Altered rows of a solver that are named."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not what the ledger says."""

    where: str
    certificate: object
    ledger: object

    def __str__(self) -> str:
        return f"{self.where}: {self.certificate!r} in the certificate, {self.ledger!r} recomputed"


@dataclass(frozen=True, slots=True)
class Part:
    """Some cases of a pool, or the rows of one solver on them."""

    place: tuple[str, ...]
    """The keys under which the certificate has its marks."""
    text: str
    sample: Sample
    solver: str = ""
    """Whose rows; empty: the cases themselves."""


def parts_of(stored: Stored, asked: Sequence[str], sequence: Mapping[str, Any]) -> list[Part]:
    """All that a decision rests on.

    Args:
        stored: Where it is, each sample cut to the cases that were asked.
        asked: The candidates that have rows there.
        sequence: The tests of cascades as in a certificate; may be empty.
    """
    rows = [
        *(_rows(("rows",), "certify", name, stored.samples[name]) for name in asked),
        *_of_tests(stored, sequence),
        *_of_red_team(stored, asked),
    ]
    widest: dict[str, Sample] = {}
    for one in rows:
        pool = one.place[1] if len(one.place) > 2 else "certify"
        if pool not in widest or one.sample.last_id > widest[pool].last_id:
            before = stored.samples[one.solver].size if one.sample.after else 0
            widest[pool] = replace(one.sample, size=before + one.sample.size, after="")
    cases = [Part(("case_marks", pool), f"{pool} cases", one) for pool, one in widest.items()]
    return [*cases, *rows]


def _rows(place: tuple[str, ...], pool: str, name: str, sample: Sample) -> Part:
    return Part((*place, name), f"{pool} rows of {name}", sample, name)


def _of_tests(stored: Stored, sequence: Mapping[str, Any]) -> Iterator[Part]:
    """Shape rows that cascades were proposed from, certify rows that only their tests used."""
    if not sequence:
        return
    one = next(iter(stored.samples.values()))
    where = (stored.ledger, one.dataset_id)
    certify = sample_of(*where, "certify", sequence["cases"], without=one.without)
    shape = sample_of(*where, "shape", sequence["shape_cases"], without=one.without)
    for name in sequence["tested_on"]:
        own = stored.samples[name]
        if own.size < certify.size:
            beyond = replace(certify, size=certify.size - own.size, after=own.last_id)
            yield _rows(("more_rows", "certify"), "certify", name, beyond)
    for name in sequence["proposed_from"]:
        yield _rows(("more_rows", "shape"), "shape", name, shape)


def _of_red_team(stored: Stored, asked: Sequence[str]) -> Iterator[Part]:
    """The rows on which harm is counted, where these are not certify rows."""
    for name in asked:
        if name in stored.red:
            red, size = stored.red[name], stored.counted[name].harm_cases
            first = sample_of(stored.ledger, red.dataset_id, red.pool, size, stratum=red.stratum)
            yield _rows(("more_rows", "red-team"), "red-team", name, first)


def marks_of(stored: Stored, parts: Iterable[Part]) -> dict[str, Any]:
    """The marks of all parts under their keys."""
    found: dict[str, Any] = {key: {} for key in MARKED}
    for part in parts:
        place = found
        for key in part.place[:-1]:
            place = place.setdefault(key, {})
        place[part.place[-1]] = asdict(_marks(stored, part))
    return found


def _marks(stored: Stored, part: Part) -> RowMarks:
    if not part.solver:
        return case_marks(stored.ledger, part.sample)
    return row_marks(stored.ledger, part.sample, stored.numbers[part.solver], stored.judge)


def altered_parts(
    given: Mapping[str, Any],
    found: Mapping[str, Any],
    stored: Stored,
    parts: Iterable[Part],
    source: CaseSource,
) -> Iterator[Difference]:
    """The rows and cases that are not what they were at the decision.

    Args:
        given: The certificate; what it has no key for is passed over.
        found: The same recomputed.
        stored: Where they are.
        parts: What they are.
        source: How the cases were dealt to the pools.
    """
    places = []
    for part in parts:
        places.append(part.place)
        if not part.solver:
            for case in cases_unlike_ids(stored.ledger, part.sample, source):
                where = f"{part.text}, case {case_name(case.ref, case.id)}"
                yield Difference(where, case.id[:12], "another input, expected output or pool")
        if part.place[0] in given:
            yield from _altered(_at(given, part.place), _at(found, part.place), stored, part)
    for place, marks in _all_marks(given):
        if place not in places:
            yield Difference(".".join(place), marks["rows"], None)


def _all_marks(certificate: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every mark of a certificate with its keys."""
    for key in ("rows", "case_marks"):
        for name, marks in certificate.get(key, {}).items():
            yield (key, name), marks
    for pool, solvers in certificate.get("more_rows", {}).items():
        for name, marks in solvers.items():
            yield ("more_rows", pool, name), marks


def _at(certificate: Mapping[str, Any], place: Iterable[str]) -> Any:
    found: Any = certificate
    for key in place:
        found = found.get(key, {})
    return found


def _altered(given: Any, found: Any, stored: Stored, part: Part) -> Iterator[Difference]:
    if not given:
        yield Difference(part.text, None, found["rows"])
    elif given != found:
        before, after = RowMarks(**given), RowMarks(**found)
        where = f"{part.text}, {_which(stored, part, before, after)}"
        yield Difference(where, before.sha256[:12], after.sha256[:12])


def _which(stored: Stored, part: Part, before: RowMarks, after: RowMarks) -> str:
    """The rows that differ, by the ids of their cases."""
    solver = stored.numbers[part.solver] if part.solver else None
    gone = before.rows - after.rows
    if gone > 0 and solver is not None:
        place = (stored.ledger, part.sample, solver, stored.judge)
        return f"gone for case {_list(cases_without(*place, min(gone, _MOST_NAMED)), gone)}"
    if gone:
        return f"{-gone:,} more than before" if gone < 0 else f"{gone:,} gone"
    places = altered(before, after)
    named = cases_at(stored.ledger, part.sample, solver, stored.judge, places[:_MOST_NAMED])
    if not named:
        return "none by its mark"
    group = after.rows_per_mark
    more = f" or one of the {group - 1} after it" * (group > 1)
    return f"case {_list(named, len(places))}{more}"


def _list(names: list[str], count: int) -> str:
    more = count - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")
