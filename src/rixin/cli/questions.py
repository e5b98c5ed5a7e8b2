"""What `rixin init` asks: each question with its reason, and how an answer is read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import click


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One figure or word that no file can tell."""

    flag: str
    ask: str
    why: str
    example: str
    read: Callable[[str], Any]


def share(text: str) -> float:
    """A rate in (0, 1], also written as a percentage.

    Raises:
        ValueError: It is none.

    Examples:
        >>> share("93%"), share("0.93")
        (0.93, 0.93)
    """
    number = _point(text.strip().removesuffix("%").strip())
    value = float(number) / (100 if text.strip().endswith("%") else 1) if number else 0.0
    if not 0 < value <= 1:
        raise ValueError("give a share between 0 and 1, such as 0.93, or 93%")
    return round(value, 12)


def money(text: str) -> Decimal:
    """An amount of at least 0.

    Raises:
        ValueError: It is none.

    Examples:
        >>> money("1.60"), money("1,234.50")
        (Decimal('1.60'), Decimal('1234.50'))
    """
    number = _point(text.strip().lstrip("$€£¥").strip())
    if not number:
        raise ValueError("give an amount such as 1.60, with a point and without a currency")
    return Decimal(number)


def count(text: str) -> int:
    """A whole number of at least 1.

    Raises:
        ValueError: It is none.

    Examples:
        >>> count("40,000"), count("40 000")
        (40000, 40000)
    """
    plain = re.sub(r"(?<=\d)[,_ '](?=\d{3}\b)", "", text.strip())
    if not re.fullmatch("[0-9]{1,15}", plain) or int(plain) < 1:
        raise ValueError("give a whole number such as 40000")
    return int(plain)


def token_price(text: str) -> tuple[Decimal, Decimal]:
    """Prices of a million tokens, in and out.

    Raises:
        ValueError: It is none.

    Examples:
        >>> token_price("2.50/10")
        (Decimal('2.50'), Decimal('10'))
    """
    into, slash, out = text.partition("/")
    if not slash:
        raise ValueError("give two prices for a million tokens, such as 2.50/10, or 0/0")
    return money(into), money(out)


def words(text: str) -> str:
    """A text that says something.

    Raises:
        ValueError: It is empty.
    """
    if not text.strip():
        raise ValueError("say it in a word or two; there is no default for this")
    return text.strip()


def currency(text: str) -> str:
    """An ISO 4217 code.

    Raises:
        ValueError: It is none.

    Examples:
        >>> currency("eur")
        'EUR'
    """
    code = text.strip().upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError("give an ISO 4217 code such as USD")
    return code


def _point(text: str) -> str:
    """A plain number, thousands separators taken out; empty where it is none."""
    plain = re.sub(r"(?<=\d),(?=\d{3}(\D|$))", "", text)
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return ""
    return plain if value.is_finite() and value >= 0 else ""


class Reads(click.ParamType[Any]):
    """A flag that is read as the answer to the question is.

    Args:
        name: What `--help` calls its value.
        read: Gives the value, or a `ValueError` with the reason.
    """

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value, or a usage error with the reason."""
        try:
            return self._read(str(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


QUESTIONS: Mapping[str, Question] = {
    "owner": Question(
        flag="--owner",
        ask="Who answers for this job?",
        why="A verdict is worth nothing unless somebody acts on it.",
        example="support operations",
        read=words,
    ),
    "task": Question(
        flag="--task",
        ask="What is to be done?",
        why="Models are told exactly this, so say it as you would to a new colleague.",
        example="Route each message to the queue that resolves it.",
        read=words,
    ),
    "cases_per_month": Question(
        flag="--cases-per-month",
        ask="How many cases come in a month?",
        why="Without the volume nobody can say whether a model pays.",
        example="40000",
        read=count,
    ),
    "incumbent": Question(
        flag="--incumbent",
        ask="Who or what does the job today?",
        why="Every candidate is measured against it.",
        example="agents",
        read=words,
    ),
    "incumbent_cost": Question(
        flag="--incumbent-cost",
        ask="What does one case cost today, in {currency}?",
        why="This is the price to beat: all wages, fees and licences by the number of cases.",
        example="1.60",
        read=money,
    ),
    "incumbent_solved": Question(
        flag="--incumbent-solved",
        ask="Which share of the cases is solved right today?",
        why="Cheaper but worse is no saving. Write 0.93 or 93%.",
        example="0.93",
        read=share,
    ),
    "value_per_solved": Question(
        flag="--value",
        ask="What is one solved case worth, in {currency}?",
        why="The margin of the job is what solved cases are worth, less what all of them cost.",
        example="2.10",
        read=money,
    ),
}
OPTIONAL = frozenset({"value_per_solved"})
"""Has a default that follows from another answer: what a case costs today."""
