"""A number is read as a person reads it, or not at all; nothing of it is dropped in silence."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rixin.core.han_numbers import han_value
from rixin.core.numbers import parse_number


def value(text):
    found = parse_number(text)
    return None if found is None else (f"{found.value:f}" + "%" * found.percent)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.2亿", "120000000"), ("3万5", "35000"), ("¥3,000万", "30000000"), ("三万五", "35000"),
        ("1.2万", "12000"), ("3万", "30000"), ("2百", "200"), ("5千", "5000"), ("3萬", "30000"),
        ("1.5億元", "150000000"), ("3 万", "30000"), ("3万5千", "35000"), ("3万5000", "35000"),
        ("1亿2000万", "120000000"), ("１．２亿", "120000000"), ("-1.2亿", "-120000000"),
        ("负三万五", "-35000"), ("负5", "-5"), ("两千三", "2300"), ("一百一", "110"), ("一百零一", "101"),
        ("三点五万", "35000"), ("十五", "15"), ("十万", "100000"), ("一万亿", "1000000000000"), ("三点一四", "3.14"),
        ("三万五千元", "35000"), ("二〇二四", "2024"), ("五", "5"), ("半", "0.5"), ("1.2亿美元", "120000000"),
        ("百分之十二", "12%"), ("百分之12", "12%"), ("三百二十块", "320"), ("叁仟伍佰", "3500"),
        ("一共是三万五千元。", "35000"), ("2万零5", "20005"), ("3点5", None),
    ],
)  # fmt: skip
def test_chinese_units_multiply(text, number):
    assert value(text) == number


@pytest.mark.parametrize(
    "text",
    ["三四点五", "三四万", "一百一千", "超过三百", "第二十", "三点五万一", "1兆", "3万50", "三四个", "几千万", "300多", "三百多", "3个半", "两个半小时", "三成", "8折", "三分之一", "3分之1",
     "千分之3", "一万一千一万", "万一", "3块5", "3元5角", "三块五", "千万", "第三", "1.2亿5", "3만", "三万五半"],
)  # fmt: skip
def test_what_is_no_sure_number_in_chinese_is_none(text):
    assert value(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5k", "5000"), ("5K", "5000"), ("$5M", "5000000"), ("$5m", "5000000"), ("1.2M", "1200000"),
        ("€1.5bn", "1500000000"), ("$2B", "2000000000"), ("3 million", "3000000"), ("2.5 Lakh", "250000"),
        ("1 lakh crore", "1000000000000"), ("3 hundred thousand", "300000"), ("5 آلاف", "5000"),
        ("٣ ملايين", "3000000"), ("2 مليار درهم", "2000000000"), ("5 млн", "5000000"),
        ("18 kg", "18"), ("18kg", "18"), ("5 m", "5"), ("5m", "5"), ("7 apples", "7"), ("5 km", "5"),
        ("-5.00 €", "-5.00"), ("(1,200.00)", "-1200.00"), ("$(1,200.00)", "-1200.00"), ("(1,200.00) USD", "-1200.00"),
        ("-US$5", "-5"), ("-€ 5", "-5"), ("minus 5", "-5"), ("سالب 5", "-5"), ("12.500 د.ك", "12.500"),
        ("KWD 1.250", "1.250"), ("100 ر.س", "100"), ("١٠٠ درهم", "100"), ("3,000 元整", "3000"), ("5.5块", "5.5"),
        ("12 percent", "12%"), ("12 في المئة", "12%"), ("15千米", "15"), ("5千克", "5"), ("3百米", "300"), ("5个百分点", "5"), ("٪٥", "5%"), ("%5", "5%"), ("20°", "20"), ("3，000", "3000"), ("12 per cent", "12%"),
    ],
)  # fmt: skip
def test_scales_multiply_and_signs_stay(text, number):
    assert value(text) == number


@pytest.mark.parametrize(
    "text",
    ["5 M", "5 K", "5B", "5 Cr", "5T", "3½", "3 ½", "10²", "10^6", "1/2", "5/5", "5:05", "5 + 5", "3x4", "2 dozen", "33.333...", "3.14…", "1h30",
     "1-1", "3-5", "from 3 to 5", "5 and a half", "5 thousand two hundred", "5 million 200 thousand", "± 5", "5-",
     "- 5", "more than 7", "at least 7", "< 7", "1.5 × 10^6", "5 billones", "5 mil", "3 ونصف", "5‰", "√16", "3，5",
     "v1.2", "1_000", "1.5w", "3+", "五千克", "5!", "超过5", "7 or 8", "5 or so 6", "2026-02-01", "it is not 7", "The answer is not 7.", "不是7", "ليست 7"],
)  # fmt: skip
def test_what_a_person_would_not_read_as_that_number_is_none(text):
    assert value(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (r"So \(\boxed{150}\)", "150"), (r"3 and 4: \boxed{\text{1,200 apples}}", "1200"), (r"\boxed{\$15}", "15"),
        (r"1 2 \boxed{{12}}", "12"), (r"\boxed{1{,}200}", "1200"), (r"\boxed{12\%}", "12%"), (r"\boxed{20^\circ}", "20"),
        (r"\boxed{\frac{1}{2}}", None), (r"\boxed{3} or \boxed{4}", None), (r"\boxed{x} 7", None), (r"\boxed{7", None),
        ("2 + 2 = 4\n#### 1,007 apples", "1007"), ("#### 7 or 8", None), ("#### 3\n#### 4", "4"),
        ("#### Step one\nAdd 3 and 4.\nThe answer is 7.", "7"), ("#### 7\n\\boxed{8}", None),
        ("1 2 3 <answer>42</answer>", "42"), ("3 each for 14. The answer is 42.", "42"),
        ("3 times 14. The final answer is: **42** apples.", "42"), ("The answer is $42, because 6 × 7 = 42.", "42"),
        ("The answer is 3 + 4 = 7.", "7"), ("The answer is 7. Wait, no. The answer is 8.", None),
        ("The answer is 7 for 3 people.", None), ("The answer isn't 5 of 6. The answer is 7.", "7"),
        ("The answer is 7.\nActually it should be 8.", None),
        ("3 和 4。答案是7。", "7"), ("共3人，每人4个。答案：12个", "12"), ("答案不是7，是 8", None), ("答：1.2亿元", "120000000"),
        ("3 و 4. الإجابة هي 7.", "7"), ("٣ و ٤. الجواب: ٧ تفاحات", "7"), ("3 و 4. الإجابة ليست 7", None),
        ("3 apples + 4 apples = 7 apples", "7"), ("2 × 3 = 6, 6 + 1 = 7.", "7"), ("x = 5, y = 3", None),
        ("3 each.\n14 people.\n42", "42"), ("3 each.\n14 people.\n**42 apples**", "42"),
        ("3 each for 14.\nSo she has **42** apples.", "42"), ("3 each for 14. Therefore she has 42 apples.", "42"),
        ("每人3个，14人。所以一共42个。", "42"), ("3 each. She has 42 apples.", None), ("**Step 1**\n3 and 4", None),
        ("答案为：\n42", "42"), ("3 for 14, so the answer is:\n42", "42"), ("It costs 42. So the total is 42 dollars.", "42"), ("3 each for 14.\nWait, 7", None), ("6 classes of 10.\nHe can skip 4 because 10 - 4 = 6", None), ("Is the answer 42?", None), ("Answer: 42?", None), (r"\boxed{42\,\text{cm}^2}", "42"), (r"\boxed{42 m^{2}}", "42"), ("42 is not it. 42", None),
    ],
)  # fmt: skip
def test_the_final_answer_of_a_solution_is_read_in_the_forms_of_the_field(text, number):
    assert value(text) == number


AMOUNTS = st.integers(-(10**9), 10**9) | st.decimals(-(10**6), 10**6, places=2, allow_nan=False)
RIGHT = [
    "{}", "{}.", "${}", "{} kg", "the answer is {}", "3 + 4 is something.\nThe answer is {}.", "1 2 3\n#### {}",
    r"1 2 \boxed{{{}}}", r"\(\boxed{{{} \text{{apples}}}}\)", "3 and 4.\n**{}**", "1 + 2 = {}", "<answer>{}</answer> 9",
    "7 和 9。答案是{}。", "答案：{}元", "7 و 9. الإجابة هي {}.", "{} درهم", "So the total of 3 is:\n{}",
]  # fmt: skip
WRONG = [
    "the answer is not {}", "{} or 77777", "{}/77777", "{}^2", "{}½", "more than {}", "{}-77777", "答案不是{}", "超过{}",
    "الإجابة ليست {}", "{}兆", "{} and a half", "#### {} or 77777", "{} × 77777", "{} thousand", "{}万", "{}k", "{}亿",
]  # fmt: skip


@given(AMOUNTS, st.sampled_from(RIGHT))
def test_a_written_answer_is_read_as_it_is(amount, template):
    for text in (f"{amount:,}", f"{amount}"):
        assert parse_number(template.format(text)).value == amount


@given(AMOUNTS.filter(lambda amount: abs(amount) > 0), st.sampled_from(WRONG))
def test_a_misleading_answer_is_never_read_as_its_number(amount, template):
    found = parse_number(template.format(amount))
    assert found is None or found.value != amount


@given(st.integers(1, 10**12 - 1))
def test_a_number_in_chinese_signs_is_read_back(number):
    assert han_value(_spoken(number)) == number
    assert parse_number(f"负{_spoken(number)}元").value == -number


def _spoken(number):
    """How a number is written out in Chinese, section by section."""
    signs, text, gap = "零一二三四五六七八九", "", False
    for scale, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        section = number // scale % 10**4
        if not section:
            gap = bool(text)
            continue
        text += "零" * ((gap or section < 1000) and bool(text))
        gap = inner = False
        for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = section // power % 10
            if digit:
                text += "零" * inner + signs[digit] + unit
            inner = not digit and section % power > 0 and section >= power
        text += name
    return text


@given(st.decimals(0, 10**5, places=1), st.sampled_from("百千万亿"))
def test_a_decimal_before_a_unit_is_multiplied(amount, unit):
    scale = {"百": 100, "千": 1000, "万": 10**4, "亿": 10**8}[unit]
    assert parse_number(f"¥{amount}{unit}").value == amount * Decimal(scale)


@given(st.text(alphabet="0123456789.,-+%$ 万亿千百十零一二两点半=/()#\\boxed{}k\n", max_size=24))
def test_no_text_makes_it_fail(text):
    found = parse_number(text)
    assert found is None or found.value.is_finite()
