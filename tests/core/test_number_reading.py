from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.numbers import parse_number

READABLE = {
    "42": "42",
    " -7 ": "-7",
    "+7": "7",
    "1,234": "1234",
    "1,234,567.89": "1234567.89",
    "12,34,567.5": "1234567.5",
    "1.234.567,89": "1234567.89",
    "1.234,5": "1234.5",
    "1.234": "1.234",
    "1.234.567": "1234567",
    "12,5": "12.5",
    "0,125": "0.125",
    "1234,567": "1234.567",
    "1 234 567": "1234567",
    "1\u202f234,50": "1234.50",
    "1'234.50": "1234.50",
    "1’234": "1234",
    ".5": "0.5",
    "-.5": "-0.5",
    "1e3": "1000",
    "1.5E-2": "0.015",
    "$1,234.50": "1234.50",
    "-$5": "-5",
    "$-5": "-5",
    "US$ 5": "5",
    "€9,99": "9.99",
    "￥１，２３４．５": "1234.5",
    "(1,000)": "-1000",
    "($5.20)": "-5.20",
    "−3": "-3",
    "–3": "-3",
    "﹣3": "-3",
    "－３": "-3",
    "٤٢": "42",
    "١٬٢٣٤٫٥": "1234.5",
    "۱۲۳٫۴": "123.4",
    "\u200f-٥": "-5",
    "答案是42元": "42",
    "The answer is 7.": "7",
    "3 + 4 = 7": "7",
    "so 9\n#### 1,200 apples\n": "1200",
    "18kg": "18",
    r"\boxed{12}": "12",
}


@pytest.mark.parametrize(("text", "value"), READABLE.items())
def test_it_reads_what_people_write(text, value):
    found = parse_number(text)
    assert found is not None
    assert found.value == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "no idea", "1.2.2026", "1,2,3", "GPT4", "#### none", "1,2.3,4"]
)
def test_what_is_no_one_number_is_not_read(text):
    assert parse_number(text) is None


def test_a_number_of_thousands_of_digits_is_not_read():
    assert parse_number("9" * 5_000) is None


@pytest.mark.parametrize("text", ["12%", "12 %", "١٢٪", "１２％"])
def test_a_percent_sign_is_kept_beside_the_value(text):
    assert parse_number(text) == (Decimal(12), True)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False))
def test_a_written_number_is_read_back(number):
    for text in (f"{number:,.2f}", f"{number:.2f}"):
        found = parse_number(f"about {text} in all")
        assert found is not None
        assert found.value == number


@given(st.text(max_size=60))
def test_no_text_makes_it_fail(text):
    found = parse_number(text)
    assert found is None or found.value.is_finite()
