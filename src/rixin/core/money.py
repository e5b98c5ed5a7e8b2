"""Money: exact decimals, and their integer form in the ledger."""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

PICO = Decimal("1e-12")
"""The smallest amount that is stored: 10⁻¹² of a currency unit."""

CENT = Decimal("0.01")
_LEAST_SHOWN = Decimal("0.000001")
"""Below a millionth of a unit, digits tell nobody anything."""


def to_pico(amount: Decimal) -> int:
    """The amount in units of 10⁻¹², rounded half to even; sums of these are exact.

    Examples:
        >>> to_pico(Decimal("0.000000075"))
        75000
    """
    return int(amount.scaleb(12).to_integral_value(ROUND_HALF_EVEN))


def from_pico(units: int) -> Decimal:
    """The inverse of `to_pico`.

    Examples:
        >>> from_pico(75000)
        Decimal('7.5000E-8')
    """
    return Decimal(units) * PICO


def format_money(amount: Decimal | None, currency: str, *, digits: int = 4) -> str:
    """An amount for people: enough digits to be read, never rounded down to zero.

    Args:
        amount: The amount, or None where it is not known.
        currency: ISO 4217 code.
        digits: Significant digits of amounts below one unit.

    Examples:
        >>> format_money(Decimal("1234.5"), "USD")
        'USD 1,234.50'
        >>> format_money(Decimal("0.0000123456"), "USD")
        'USD 0.00001235'
        >>> format_money(Decimal("0.00000000016"), "USD"), format_money(Decimal("1e-9"), "")
        ('<USD 0.000001', '<0.000001')
        >>> format_money(None, "USD")
        'unknown'
    """
    if amount is None:
        return "unknown"
    if amount == 0 or abs(amount) >= 1:
        return f"{currency} {amount:,.2f}"
    if abs(amount) < _LEAST_SHOWN:
        return f"<{currency} {_LEAST_SHOWN}".replace("< ", "<")
    places = digits - amount.adjusted() - 1
    text = f"{amount:.{places}f}".rstrip("0")
    whole, _, fraction = text.partition(".")
    return f"{currency} {whole}.{fraction.ljust(2, '0')}"


def format_spent(amount: Decimal | None, currency: str) -> str:
    """Return a sum that was paid, for people: to the cent, and what is less is said to be less.

    Examples:
        >>> format_spent(Decimal("0.0000023"), "EUR"), format_spent(Decimal("0.126"), "EUR")
        ('<EUR 0.01', 'EUR 0.13')
        >>> format_spent(None, "EUR")
        'unknown'
    """
    if amount is not None and 0 < amount < CENT:
        return f"<{currency} {CENT}"
    return format_money(amount if amount is None else amount.quantize(CENT), currency)


def ceil_cent(amount: Decimal) -> Decimal:
    """The amount rounded up to cents, for a stated maximum.

    Examples:
        >>> ceil_cent(Decimal("0.001"))
        Decimal('0.01')
    """
    return amount.quantize(CENT, ROUND_CEILING)
