"""The result of a decision, in every form a reader may want it."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rixin.core.verdict import CandidateResult, Decision, Estimate, Verdict
from rixin.errors import ExportError, RixinError
from rixin.ledger.private import make_folder, opener_for
from rixin.report.data import ReportData

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict with its report; shows itself in a notebook.

    Examples:
        >>> result = Workspace().decide("scenario.yaml")  # doctest: +SKIP
        >>> result.verdict.decision  # doctest: +SKIP
        <Decision.ADOPT: 'adopt'>
    """

    data: ReportData
    certificate: Mapping[str, Any] = field(default_factory=dict)
    """What was tested, on which rows, with which error; `Workspace.verify` recomputes it."""
    unusable: tuple[RixinError, ...] = ()
    """Why candidates could not be asked at all; the others were."""

    @property
    def verdict(self) -> Verdict:
        """The decision with its figures."""
        return self.data.verdict

    @property
    def exit_code(self) -> int:
        """0: adopt; 1: nothing is to be adopted; 4: a candidate could not be asked."""
        if self.unusable:
            return 4
        return 0 if self.verdict.decision is Decision.ADOPT else 1

    def text(self, *, width: int = 100, colour: bool = False) -> str:
        """For a terminal of `width` cells."""
        from rixin.report.text import render_text

        return render_text(self.data, width=width, colour=colour)

    def markdown(self) -> str:
        """For a pull request, at most 60 lines."""
        from rixin.report.markdown import render_markdown

        return render_markdown(self.data)

    def html(self, lang: str = "en") -> str:
        """One page without any outside reference; `lang` is en, zh_Hans or ar."""
        from rixin.report.html import render_html

        return render_html(self.data, lang)

    def to_dict(self) -> dict[str, object]:
        """Values that `json.dumps` takes; money is a string."""
        from rixin.report.as_json import to_json

        return to_json(self.data)

    def to_pandas(self) -> "pd.DataFrame":
        """One row for each candidate: its figures, each interval in two more columns.

        Raises:
            MissingExtra: pandas is not installed.
        """
        from rixin.report.notebook import data_frame

        return data_frame(map(_row, self.verdict.candidates))

    def record(self) -> dict[str, object]:
        """The report and the certificate, for the ledger."""
        return {**self.to_dict(), "certificate": dict(self.certificate)}

    def write_certificate(self, path: Path | str) -> None:
        """Writes the certificate as JSON, whole or not at all.

        Raises:
            ExportError: The place cannot be written.
        """
        _write_whole(Path(path), json.dumps(self.certificate, ensure_ascii=False, indent=1) + "\n")

    def write(self, path: Path | str, lang: str = "en") -> None:
        """Writes the report in the form that the name's ending says, whole or not at all.

        Args:
            path: Ends in .html, .md, .json or .txt; its folder is made where it is missing.
            lang: Language of an HTML page.

        Raises:
            ExportError: The ending is another, or the place cannot be written.
        """
        target = Path(path)
        forms: Mapping[str, Callable[[], str]] = {
            ".html": lambda: self.html(lang),
            ".md": self.markdown,
            ".json": lambda: json.dumps(self.to_dict(), ensure_ascii=False, indent=2),
            ".txt": self.text,
        }
        form = forms.get(target.suffix.lower())
        if form is None:
            raise ExportError(
                f"no report ends in {target.suffix!r} ({str(target)!r})",
                hint=f"name a file that ends in {', '.join(forms)}",
            )
        _write_whole(target, form() + "\n")

    def _repr_html_(self) -> str:
        from rixin.report.html import render_fragment

        return render_fragment(self.data)

    def __repr__(self) -> str:
        return f"<Result {self.data.scenario}: {self.verdict.headline}>"


def _row(candidate: CandidateResult) -> dict[str, object]:
    """A candidate's figures in columns; an estimate is its value, `…_lower` and `…_upper`."""
    row: dict[str, object] = {}
    for field_ in fields(candidate):
        value = getattr(candidate, field_.name)
        if isinstance(value, Estimate):
            row |= {
                field_.name: value.value,
                f"{field_.name}_lower": value.lower,
                f"{field_.name}_upper": value.upper,
            }
        elif value is None or isinstance(value, str | int | float | Decimal):
            row[field_.name] = value
    return row


def _write_whole(target: Path, text: str) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        make_folder(target.parent)
        with open(part, "w", encoding="utf-8", opener=opener_for(target)) as file:
            file.write(text)
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ExportError(
            f"cannot write {str(target)!r}: {error.strerror}",
            hint="name another place with -o; the verdict is stored, nothing is lost",
        ) from error
