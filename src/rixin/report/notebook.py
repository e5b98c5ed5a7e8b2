"""What notebooks show and take: texts as they stand, and data frames."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from rixin.errors import MissingExtra

if TYPE_CHECKING:
    import pandas as pd


def preformatted(text: str) -> str:
    """A text as HTML that keeps its lines and columns.

    Examples:
        >>> preformatted("a < b")
        '<pre>a &lt; b</pre>'
    """
    return f"<pre>{escape(text)}</pre>"


def data_frame(rows: Iterable[Mapping[str, object]]) -> "pd.DataFrame":
    """The rows as a data frame with one column for each key.

    Raises:
        MissingExtra: pandas is not installed.

    Examples:
        >>> data_frame([{"solver": "rules", "solved": 0.9}]).columns.tolist()
        ['solver', 'solved']
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtra("a data frame", "pandas") from error
    return pd.DataFrame(list(rows))
