"""Brings the cases of a scenario into the ledger, once for each content of the file."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rixin.core.ids import POOLS, Pool, digest_json
from rixin.core.labels import merge_spellings, spelling_notes
from rixin.core.scenario import CaseSource, Scenario
from rixin.engine.progress import Reporter
from rixin.errors import CasesError
from rixin.interop.case_notes import CaseNotes
from rixin.interop.cases import read_cases
from rixin.interop.readers import file_digest
from rixin.ledger.cases import (
    dataset_of,
    has_dataset,
    import_staged,
    label_counts,
    mark_twins,
    pool_sizes,
    read_notes,
    refresh_staged,
    stage_cases,
    staged_id,
    stream_pool,
    write_notes,
)
from rixin.ledger.store import Ledger

_COUNTS = ("rows", "cases", "skipped_empty", "errors", "repeated", "conflicting", "unlabelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A snapshot of the cases in the ledger."""

    id: str
    pools: dict[Pool, int]
    labels: tuple[str, ...]
    """Expected outputs, each in one spelling, most frequent first; only where they are labels."""
    notes: dict[str, Any]
    """Rows, repeats, conflicts, near copies; see `describe_notes`."""


def prepare(ledger: Ledger, scenario: Scenario, reporter: Reporter) -> Dataset:
    """The snapshot of the scenario's cases; the file is read only when its content is new.

    Raises:
        CasesError: The file cannot be used, or a pool that is needed has no case.
    """
    source = replace(scenario.cases, path=scenario.resolve(str(scenario.cases.path)))
    reading = _reading(source)
    known = dataset_id = dataset_of(ledger, reading)
    if dataset_id is None:
        reporter.say(f"reading {source.path.name}")
        with ledger.importing():
            dataset_id = _read(ledger, source, reading, reporter)
    sizes = pool_sizes(ledger, dataset_id)
    _require_pools(source, sizes)
    counts = label_counts(ledger, dataset_id) if scenario.output.kind == "labels" else {}
    labels = labels_of(scenario, counts)
    spellings = spelling_notes(labels, counts)
    for line in spellings if known is None else ():
        reporter.say(f"  {line}")
    return Dataset(
        id=dataset_id,
        pools=sizes,
        labels=labels,
        notes={**read_notes(ledger, dataset_id), "spellings": spellings},
    )


def labels_of(scenario: Scenario, counts: Mapping[str, int]) -> tuple[str, ...]:
    """The labels of a scenario: those of the contract, or the expected outputs in one spelling.

    Args:
        scenario: The contract.
        counts: Expected output → cases; empty where outputs are no labels.
    """
    return scenario.output.labels or tuple(merge_spellings(counts))


def _reading(source: CaseSource) -> str:
    """A hash of the file's bytes and of how they are read."""
    return digest_json({**_how(source), "content": file_digest(source.path)})


def _how(source: CaseSource) -> dict[str, object]:
    """How a file is read, as it is hashed: what is new and not stated leaves earlier hashes alone."""
    stated = {**asdict(source), "path": ""}
    if source.header_row is None:
        del stated["header_row"]
    return stated


def _read(ledger: Ledger, source: CaseSource, reading: str, reporter: Reporter) -> str:
    """Reads the file and gives the id of its cases, which is the same in any order of the rows."""
    reader = read_cases(source)
    stage_cases(ledger, reader)
    dataset_id = staged_id(ledger, digest_json(_how(source)))
    path, notes = str(source.path), reader.notes
    if has_dataset(ledger, dataset_id):
        refresh_staged(ledger, dataset_id, path, reading=reading)
        known = read_notes(ledger, dataset_id)
        copies = {name: known[name] for name in ("near_pairs", "near_cases")}
    else:
        import_staged(ledger, dataset_id, path, now=datetime.now(UTC), reading=reading)
        copies = _near_copies(ledger, dataset_id)
    write_notes(
        ledger,
        dataset_id,
        {
            **{name: getattr(notes, name) for name in _COUNTS},
            "examples": list(notes.examples),
            "remarks": list(notes.remarks),
            **copies,
        },
    )
    for line in describe_notes(read_notes(ledger, dataset_id)):
        reporter.say(f"  {line}")
    return dataset_id


def _near_copies(ledger: Ledger, dataset_id: str) -> dict[str, int]:
    """Marks the cases with a near copy in another pool, and counts them."""
    if sum(map(bool, pool_sizes(ledger, dataset_id).values())) < 2:
        return {"near_pairs": 0, "near_cases": 0}
    from rixin.interop.near_copies import near_copies

    found = near_copies(lambda: _texts(ledger, dataset_id))
    if found.cases:
        mark_twins(ledger, dataset_id, [str(key) for key in found.cases])
    return {"near_pairs": found.pairs, "near_cases": len(found.cases)}


def _texts(ledger: Ledger, dataset_id: str) -> Iterator[tuple[str, Pool, str]]:
    for pool in POOLS:
        for case in stream_pool(ledger, dataset_id, pool):
            yield case.key, case.pool, case.input


def _require_pools(source: CaseSource, sizes: dict[Pool, int]) -> None:
    empty = [p for p in ("shape", "certify") if not sizes[p] and source.pools.get(p, 0) > 0]
    if not empty:
        return
    total = sum(sizes.values())
    raise CasesError(
        f"{source.path}: no case is left in the pool {' and '.join(map(repr, empty))}"
        f" ({total} cases: {', '.join(f'{n} {p}' for p, n in sizes.items())})",
        hint="bring more cases, or change `cases.pools`; cases are dealt to pools by their hash",
    )


def describe_notes(notes: dict[str, Any]) -> tuple[str, ...]:
    """What was noticed in the cases, in words; nothing where there is nothing to say."""
    examples = tuple(map(str, notes.get("examples", ())))
    remarks = tuple(map(str, notes.get("remarks", ())))
    figures = {name: notes.get(name, 0) for name in _COUNTS}
    counts = CaseNotes(**figures, remarks=remarks, examples=examples)
    near, spellings = notes.get("near_cases", 0), tuple(notes.get("spellings", ()))
    if not near:
        return (*counts.sentences(), *spellings)
    have = "1 case has" if near == 1 else f"{near:,} cases have"
    copies = (
        f"{have} a near copy in another pool; the verdict warns where that flatters a candidate"
    )
    return (*counts.sentences(), copies, *spellings)
