"""What was noticed while cases were read: rows left out, copies, contradictions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rixin.core.ids import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNotes:
    """Counts over a file of cases; they bound what any solver can reach on it."""

    rows: int = 0
    cases: int = 0
    """Rows that became cases, each content once."""
    skipped_empty: int = 0
    """Rows without an input."""
    errors: int = 0
    """Cells with an error of a spreadsheet (`#N/A`), which count as empty."""
    repeated: int = 0
    """Rows left out because the same input and expected output came before."""
    conflicting: int = 0
    """Cases whose input came before with another expected output: no solver has both right."""
    unlabelled: int = 0
    """Cases without an expected output."""
    pools: Mapping[Pool, int] = field(default_factory=dict)
    """Pool → cases."""
    labels: Mapping[str, int] | None = field(default_factory=dict)
    """Expected output → cases; None where more than 1,000 differ or one is long."""
    remarks: tuple[str, ...] = ()
    """How the file is made, in words: rows that are hidden, cells that are merged."""
    examples: tuple[str, ...] = ()
    """The first conflicts, errors and skipped rows, in words, with their places."""

    def sentences(self) -> tuple[str, ...]:
        """What a reader has to know, most important first; empty where all is well.

        Examples:
            >>> CaseNotes(rows=9, cases=8, repeated=1).sentences()
            ('1 of 9 rows repeats an earlier case word for word and is left out',)
        """
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        yield from self.remarks
        if self.conflicting:
            yield (
                f"{_of(self.conflicting, self.cases, 'case')} {_verb(self.conflicting, 'have', 'has')}"
                " the input of an earlier case but another expected output: no solver can have both"
                " right"
            )
        if self.skipped_empty:
            yield (
                f"{_of(self.skipped_empty, self.rows, 'row')}"
                f" {_verb(self.skipped_empty, 'have', 'has')} no input and"
                f" {_verb(self.skipped_empty, 'are', 'is')} left out"
            )
        if self.errors:
            first = next((note for note in self.examples if "holds the error" in note), "")
            yield (
                f"{self.errors:,} {'cell' if self.errors == 1 else 'cells'} with an error of a"
                f" spreadsheet {_verb(self.errors, 'count', 'counts')} as empty: {first}"
            )
        if self.repeated:
            yield (
                f"{_of(self.repeated, self.rows, 'row')}"
                f" {_verb(self.repeated, 'repeat', 'repeats')} an earlier case word for word and"
                f" {_verb(self.repeated, 'are', 'is')} left out"
            )
        if self.unlabelled:
            yield (
                f"{_of(self.unlabelled, self.cases, 'case')}"
                f" {_verb(self.unlabelled, 'have', 'has')} no expected output and cannot be scored"
            )


def _of(count: int, total: int, noun: str) -> str:
    return f"{count:,} of {total:,} {noun}{'' if total == 1 else 's'}"


def _verb(count: int, many: str, one: str) -> str:
    return one if count == 1 else many
