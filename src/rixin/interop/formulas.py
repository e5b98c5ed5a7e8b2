"""Which texts a spreadsheet reads as formulas, and which only begin with the same signs."""

import re

_SIGNS = "+-@＋－＠"
"""Beside `=`: beginnings that OWASP names for CSV injection, and their wide forms."""
_NUMBER = re.compile(
    r"[+-]?\s?(?:[^\W\d_]{1,4}(?:\.\s?|\s)|[$€£¥₹﷼]\s?)?"  # a currency may stand before it
    r"[\d٠-٩](?:[.,\'’٬٫\s]?[\d٠-٩])*[.,]?(?:[eE][+-]?\d+)?"
    r"\s?(?:[%‰°][A-Za-z]?|[$€£¥₹﷼]|[^\W\d_]{1,12}\.?)?"  # and a unit behind
)
"""A number as people write it."""
_PHONE = re.compile(r"\+\s?\(?\d(?:[\s./()-]{0,2}\d){6,17}")
_CALL = re.compile(r"\w\(|\||!\S|^\w+\s*\(|^[(=]")
"""A function's name and its bracket, DDE's bar, a sheet's name before a cell."""
_OPERAND = re.compile(
    r"\$?[A-Za-z]{1,3}\$?\d{1,7}(?!\w)|R\d+C\d+|[\d.,]+\s*[-+*/^&<>=%:(]", re.IGNORECASE
)
"""A cell at the beginning, or a number with an operator behind."""


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet would compute a text cell of a CSV file.

    Amounts, telephone numbers and words behind a dash or an `@` are no formulas: a spreadsheet
    shows them, or at worst says that it knows no such name. What calls a function, names a cell, a
    sheet or another program, or computes, is one.

    Examples:
        >>> [begins_formula(text) for text in ("=1+1", "@SUM(A1)", "+cmd|'/C calc'!A0", "-2+3")]
        [True, True, True, True]
        >>> [begins_formula(text) for text in ("-1,234.56", "+49 30 901820", "- please", "-")]
        [False, False, False, False]
    """
    text = text.lstrip("\t\r\n")
    if not text.startswith(("=", "＝", *_SIGNS)):
        return False
    rest = text.lstrip(_SIGNS + " ")
    if not rest.strip("=＝ ") or _NUMBER.fullmatch(text) or _PHONE.fullmatch(text):
        return False
    if text.startswith(("=", "＝")):
        return True
    return bool(_CALL.search(rest) or _OPERAND.match(rest))
