"""One cell of any file as text: the same value gives the same text in every format."""

import json
import math
from base64 import b64encode
from dataclasses import dataclass
from datetime import date, datetime, time

_EXACT = float(1 << 53)


@dataclass(frozen=True, slots=True)
class NoValue:
    """A cell of a workbook that says something and has no value: an error, or a bare formula."""

    text: str
    """As a spreadsheet shows it: `#N/A`, or `=A1+1`."""

    @property
    def is_formula(self) -> bool:
        """Whether it is a formula whose value the file does not have."""
        return self.text.startswith("=")

    @property
    def reason(self) -> str:
        """What it is, for a message.

        Examples:
            >>> NoValue("#N/A").reason
            'the error #N/A'
        """
        if self.is_formula:
            return f"the formula {self.text!r}, whose value is not in the file"
        return f"the error {self.text}"

    @property
    def mend(self) -> str:
        """What to do about it."""
        if self.is_formula:
            return "open the file in a spreadsheet program and save it, so that it holds the values"
        return "mend what the cell looks up or computes, or empty it, and save the file"


def to_text(value: object) -> str | None:
    """A cell as text, or None where it holds nothing.

    A whole float loses its `.0`, because a spreadsheet and Parquet store `18` as `18.0`; a date at
    midnight loses its time, because a spreadsheet has no plain dates.

    Args:
        value: A cell as the reader gives it.

    Examples:
        >>> to_text(18.0), to_text(0.5), to_text(True), to_text(float("nan"))
        ('18', '0.5', 'true', None)
        >>> to_text({"total": 3, "shop": "متجر"})
        '{"total":3,"shop":"متجر"}'
        >>> to_text(datetime(2026, 3, 1)), to_text(datetime(2026, 3, 1, 9, 30))
        ('2026-03-01', '2026-03-01T09:30:00')
    """
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime):
        return _datetime_text(value)
    return _other_text(value)


def _float_text(value: float) -> str | None:
    if math.isnan(value):
        return None
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return repr(value)


def _datetime_text(value: datetime) -> str:
    if value.timetz() == time():
        return value.date().isoformat()
    return value.isoformat()


def _other_text(value: object) -> str | None:
    if isinstance(value, NoValue):
        return None
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return _bytes_text(value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=to_text)
    return str(value)


def _bytes_text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return b64encode(value).decode("ascii")
