"""Guesses which column of an unknown file is what, and says why."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rixin.core.scenario import OutputKind
from rixin.errors import CasesError
from rixin.interop.cell_text import to_text
from rixin.interop.column_profile import Profile, profile
from rixin.interop.encodings import detect_encoding
from rixin.interop.guess_names import Role, role_of
from rixin.interop.guess_schema import schema_of
from rixin.interop.header import TOP_ROWS, Header, find_header
from rixin.interop.readers import check_file, find_format, open_rows
from rixin.interop.row_source import Row, RowSource

READ_AT_MOST = 200_000
_READ_XLSX = 10_000
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
"""A column that pandas writes into Parquet for its row numbers: no person put it there."""
_CLEAR = 1.0
"""A score that is ahead of the next one by so much settles a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The likely columns of a file."""

    input: str
    expected: str | None
    id: str | None
    stratum: str | None
    output_kind: OutputKind
    labels: tuple[str, ...]
    """Labels among the sampled rows, sorted; there may be more in the file."""
    schema: Mapping[str, object] | None
    """A JSON Schema that the sampled expected outputs hold to, where they are JSON."""
    columns: tuple[str, ...]
    examples: tuple[tuple[str, str | None], ...]
    """Input and expected output of one or two rows, with different outputs where there are."""
    rows_seen: int
    """Rows that were read, at most 200,000."""
    sampled: int
    """Rows that were looked at, spread evenly over those."""
    encoding: str
    delimiter: str | None
    sheet: str | None
    header_row: int | None
    """The row, or line, that names the columns, where it is not the first one."""
    reasons: tuple[str, ...]
    confident: bool
    """False: ask the user before it is used."""


class _Pick(NamedTuple):
    column: str | None
    clear: bool
    reason: str


def guess_columns(
    path: Path,
    sample: int = 2000,
    *,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    chosen: Mapping[Role, str] | None = None,
) -> Guess:
    """Guesses the columns of a file: by their names first, then by their values.

    Args:
        path: A file of cases.
        sample: Rows to look at, spread evenly over the first 200,000 (10,000 of a workbook).
        delimiter: Of a CSV file; None finds it.
        sheet: Of a workbook; None takes the first one.
        header_row: The row, or line, that names the columns; 0: none does; None finds it.
        chosen: Columns that the user has named; they are not guessed.

    Raises:
        CasesError: The file cannot be read, a chosen column is not there, or no column can be an
            input.
    """
    check_file(path)
    is_text = find_format(path) not in {"parquet", "xlsx"}
    encoding = detect_encoding(path) if is_text else "utf-8"
    how: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    header = Header(header_row, sure=True)
    if header_row is None and find_format(path, encoding) in {"csv", "xlsx"}:
        header = find_header(open_rows(path, **how, header_row=0).top(TOP_ROWS))
    source = open_rows(path, **how, header_row=header.row)
    chosen = chosen or {}
    source.require(list(chosen.values()))
    limit = READ_AT_MOST if source.sheet is None else _READ_XLSX
    rows, seen = _spread(islice(source.rows(source.columns), limit), sample)
    columns = {
        name: profile([to_text(row.values[name]) for row in rows])
        for name in source.columns
        if name in chosen.values() or not _PANDAS_INDEX.fullmatch(name)
    }
    guess = _guess(source, encoding, columns, rows, seen, chosen)
    if not header.reason:
        return guess
    reasons = (f"header: {header.reason}", *guess.reasons)
    return replace(guess, reasons=reasons, confident=guess.confident and header.sure)


def _spread(rows: Iterable[Row], sample: int) -> tuple[list[Row], int]:
    """Evenly spaced rows: between `sample` and twice as many, in a file sorted by label too."""
    kept: list[Row] = []
    step, seen = 1, 0
    for row in rows:
        if seen % step == 0:
            kept.append(row)
            if len(kept) > 2 * sample:
                kept, step = kept[::2], 2 * step
        seen += 1
    return kept, seen


def _guess(
    source: RowSource,
    encoding: str,
    columns: Mapping[str, Profile],
    rows: Sequence[Row],
    seen: int,
    chosen: Mapping[Role, str],
) -> Guess:
    free = {name: found for name, found in columns.items() if name not in chosen.values()}
    input_pick = _chosen("input", chosen) or _pick_input(free)
    if input_pick.column is None:
        raise CasesError(
            f"{source.path}: no column looks like an input", hint="name it yourself: --input COLUMN"
        )
    rest = {name: found for name, found in columns.items() if name != input_pick.column}
    expected_pick = _chosen("expected", chosen) or _pick_expected(
        {name: found for name, found in free.items() if name in rest}
    )
    kind, labels, why = _output(expected_pick.column, rest)
    rest.pop(expected_pick.column or "", None)
    ids, strata = _chosen("id", chosen) or _pick_id(columns, rest), _pick_stratum(rest)
    cells = [to_text(row.values.get(expected_pick.column or "")) for row in rows]
    reasons = [input_pick.reason, expected_pick.reason, why, ids.reason, strata.reason]
    return Guess(
        input=input_pick.column,
        expected=expected_pick.column,
        id=ids.column,
        stratum=strata.column,
        output_kind=kind,
        labels=labels,
        schema=schema_of(cells) if kind == "json-schema" else None,
        columns=tuple(source.columns),
        examples=_examples([to_text(row.values[input_pick.column]) for row in rows], cells),
        rows_seen=seen,
        sampled=len(rows),
        encoding=encoding,
        delimiter=source.delimiter,
        sheet=source.sheet,
        header_row=source.header_row,
        reasons=tuple(reason for reason in reasons if reason),
        confident=input_pick.clear and expected_pick.clear,
    )


def _examples(
    inputs: Sequence[str | None], outputs: Sequence[str | None]
) -> tuple[tuple[str, str | None], ...]:
    pairs = [(text, out) for text, out in zip(inputs, outputs, strict=True) if text]
    other = next((pair for pair in pairs if pair[1] != pairs[0][1]), None)
    return (pairs[0], other) if other is not None else tuple(pairs[:2])


def _chosen(role: Role, chosen: Mapping[Role, str]) -> _Pick | None:
    column = chosen.get(role)
    return _Pick(column, True, f"{role}: {column!r}, as you said") if column is not None else None


def _pick_input(columns: Mapping[str, Profile]) -> _Pick:
    scores = {
        name: _name_score(name, "input") + _input_score(found)
        for name, found in columns.items()
        if found.count and found.objects < 0.9
    }
    found = _best(scores, columns, "input")
    return found if found.column is not None else _Pick(None, False, "")


def _input_score(found: Profile) -> float:
    varied = found.distinct / max(1, found.count)
    # 20 characters are about four words, from which on a text can be a question.
    return varied + min(1.0, found.length / 20) + min(1.0, found.length / 200) - 2 * found.codes


def _pick_expected(columns: Mapping[str, Profile]) -> _Pick:
    scores = {
        name: _name_score(name, "expected") + _expected_score(found)
        for name, found in columns.items()
        if not found.constant
    }
    likely = {name: score for name, score in scores.items() if score >= 1.0}
    if not likely:
        return _Pick(None, False, "no column looks like an expected output: name it yourself")
    return _best(likely, columns, "expected")


def _expected_score(found: Profile) -> float:
    if found.is_label_like(3.0):
        return 1.0 - 0.25 * found.numbers
    return 0.25 if found.numbers > 0.95 else 0.0


def _best(scores: Mapping[str, float], columns: Mapping[str, Profile], role: Role) -> _Pick:
    ranked = sorted(scores, key=lambda name: -scores[name])
    if not ranked:
        return _Pick(None, False, "")
    best = ranked[0]
    ahead = scores[best] - scores[ranked[1]] if len(ranked) > 1 else _CLEAR
    named = role_of(best)[0] == role
    clear = ahead >= _CLEAR or (named and ahead >= 0.5)
    why = "its name says so" if named else "its values look like it"
    doubt = "" if clear else f"; {ranked[1]!r} is possible too" if len(ranked) > 1 else ""
    return _Pick(best, clear, f"{role}: {best!r}, {why} ({_describe(columns[best])}){doubt}")


def _name_score(name: str, role: Role) -> float:
    says, clearness = role_of(name)
    if says is None:
        return 0.0
    return 3.0 * clearness if says == role else -2.0 * clearness


def _describe(found: Profile) -> str:
    if found.distinct <= 200:
        return f"{found.distinct} different values in {found.count:,} rows"
    return f"{found.length:.0f} characters on average, {found.distinct:,} different"


def _output(
    name: str | None, columns: Mapping[str, Profile]
) -> tuple[OutputKind, tuple[str, ...], str]:
    if name is None:
        return "free-text", (), ""
    found = columns[name]
    least = 1.2 if role_of(name)[0] == "expected" else 3.0
    if found.objects >= 0.95:
        return "json-schema", (), "output: json-schema, since the expected outputs are JSON"
    if found.numbers >= 0.95 and found.distinct > 20:
        return "number", (), "output: number, since the expected outputs are numbers"
    if found.is_label_like(least):
        return "labels", found.values, f"output: labels, {found.distinct} of them in the sample"
    return "free-text", (), "output: free-text, since the expected outputs are texts of many kinds"


def _pick_id(columns: Mapping[str, Profile], free: Mapping[str, Profile]) -> _Pick:
    """A column that is named so, or the first of the file where it holds a code for each row."""
    first = next(iter(columns))
    for name, found in free.items():
        named = role_of(name)[0] == "id"
        if found.unique and (named or (name == first and found.codes >= 0.95)):
            return _Pick(name, True, f"id: {name!r}, each row has its own")
    return _Pick(None, True, "")


def _pick_stratum(columns: Mapping[str, Profile]) -> _Pick:
    for name, found in columns.items():
        if role_of(name)[0] == "stratum" and 2 <= found.distinct <= 50 and found.repeats >= 5:
            return _Pick(name, True, f"stratum: {name!r} ({found.distinct} parts of the traffic)")
    return _Pick(None, True, "")
