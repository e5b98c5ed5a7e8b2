"""Figures within the sentences of a verdict."""

from decimal import Decimal

from rixin.core.money import format_money


def percent(share: float) -> str:
    """A share as a percentage; never rounded to 0 or 100 when it is not.

    Examples:
        >>> percent(0.9), percent(0.9617), percent(0.99996), percent(0.00001)
        ('90 %', '96.2 %', '>99.99 %', '<0.01 %')
        >>> percent(-0.5)
        '−50 %'
    """
    if share < 0:
        return f"−{percent(-share)}"
    scaled = 100 * share
    if 99.95 <= scaled < 100:
        return ">99.99 %" if scaled >= 99.995 else f"{scaled:.2f} %"
    if 0 < scaled < 0.05:
        return "<0.01 %" if scaled < 0.005 else f"{scaled:.2f} %"
    return f"{scaled:.1f}".removesuffix(".0") + " %"


def amount(value: float, currency: str) -> str:
    """Money in a sentence, with its currency.

    Examples:
        >>> amount(0.07124, "USD"), amount(-15123.4, "USD")
        ('USD 0.0712', '−USD 15,123')
    """
    size = abs(value)
    text = f"{currency} {size:,.0f}" if size >= 1000 else _small(size, currency)
    return f"−{text}" if value < 0 else text


def _small(size: float, currency: str) -> str:
    return format_money(Decimal(repr(size)), currency, digits=3)


def seconds(value: float) -> str:
    """A duration in a sentence.

    Examples:
        >>> seconds(0.0004), seconds(0.25), seconds(3), seconds(75.2)
        ('<1 ms', '250 ms', '3 s', '75 s')
    """
    if value < 0.001:
        return "<1 ms"
    if value < 1:
        return f"{1000 * value:.0f} ms"
    return (f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:,.0f}") + " s"


def listing(names: list[str]) -> str:
    """Names in a sentence.

    Examples:
        >>> listing(["a"]), listing(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last
