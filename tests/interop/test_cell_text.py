import datetime as dt
from decimal import Decimal

import pytest

from rixin.interop.cell_text import to_text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("as it is ", "as it is "),
        (None, None),
        (False, "false"),
        (7, "7"),
        (-2.0, "-2"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (float("nan"), None),
        (Decimal("1.50"), "1.50"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(9, 30), "09:30:00"),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00+00:00"),
        (b"bytes", "bytes"),
        (b"\xff\xfe", "//4="),
        ([1, {"a": None}], '[1,{"a":null}]'),
        ({"when": dt.date(2026, 1, 2)}, '{"when":"2026-01-02"}'),
        (dt.timedelta(hours=1), "1:00:00"),
    ],
)
def test_a_cell_has_one_text(cell: object, text: str | None) -> None:
    assert to_text(cell) == text
