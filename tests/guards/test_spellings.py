"""Numbers that their check digits prove are found however people write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import numdb

from rixin.guards.national import luhn
from rixin.guards.pii import PiiGuard
from rixin.guards.redact import Placeholders, redact

GUARD = PiiGuard()
ALPHABET = {"n": "7", "a": "K", "c": "5"}
PARTS = {p[1]: p[3]["bban"] for p in numdb.get("iban").prefixes}


def account(country):
    """A made account of a country, with the letters and digits that its registry entry asks for."""
    parts = re.findall(r"(\d+)!([nac])", PARTS[country])
    rest = "".join(ALPHABET[sort] * int(count) for count, sort in parts)
    moved = "".join(str(int(sign, 36)) for sign in rest + country + "00")
    return f"{country}{98 - int(moved) % 97:02}{rest}"


def fours(text, sign=" "):
    return sign.join(text[place : place + 4] for place in range(0, len(text), 4))


def values(text):
    return [(finding.kind, text[finding.start : finding.end]) for finding in GUARD.find(text)]


@pytest.mark.parametrize("country", sorted(PARTS))
def test_accounts_of_every_country_are_found(country):
    plain = account(country)
    for written in (plain, fours(plain), fours(plain, "-"), plain.lower(), fours(plain.lower())):
        assert values(f"Pay to {written} today") == [("iban", written)]


IBAN = "DE89370400440532013000"
BREAKS = [
    "-",
    ".",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\n    ",
    "\n> ",
    " - ",
    "\u00a0",
    "\u202f",
    "\u3000",
    "\u2009",
]
BREAKS += ["\u2011", "\u200b", "\u2060", "\ufeff", "\u00ad", "_", "/"]


@pytest.mark.parametrize("sign", BREAKS)
@pytest.mark.parametrize("plain", [IBAN, IBAN.lower(), "GB82WEST12345698765432"])
def test_accounts_are_found_whatever_parts_their_groups(sign, plain):
    written = fours(plain, sign)
    assert values(f"Pay to {written} today") == [("iban", written)]


@pytest.mark.parametrize(
    "written",
    [
        "DE 89 3704 0044 0532 0130 00",
        "de 89 3704 0044 0532 0130 00",
        "DE 89370400440532013000",
        "DE89 37040044 0532013000",
        "DE89, 3704, 0044, 0532, 0130, 00",
        "DE89~3704~0044~0532~0130~00",
        "DE89 | 3704 | 0044 | 0532 | 0130 | 00",
        "DE89:3704:0044:0532:0130:00",
        "DE89\u20283704\u00850044 0532 0130 00",
        "ＤＥ８９３７０４００４４０５３２０１３０００",
        "DE٨٩٣٧٠٤٠٠٤٤٠٥٣٢٠١٣٠٠٠",
        "DE८९३७०४००४४०५३२०१३०००",
    ],
)
def test_accounts_are_found_in_other_groups_and_digits(written):
    assert values(f"账号{written}，谢谢") == [("iban", written)]


@pytest.mark.parametrize(
    "word", ["today", " today", "TODAY", " TODAY", "今天", " 2", ".", "\n30.11."]
)
def test_a_word_right_behind_an_account_stays(word):
    assert values(f"{fours(IBAN)}{word}") == [("iban", fours(IBAN))]
    assert values(f"{IBAN}{word}") == [("iban", IBAN)]


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 01",
        "DE8937040044053201300",
        "DE893704004405320130001",
        "is 12 people of the company are here and so on, at 20 past ten we all go home again",
        "order no 1234567890123 and no 12 345 678 901 23 pieces",
        "NO 19-G& 19-1& 19-2 JALA",
        "MT161201806020100\nCASHIER:\nK LECHUM",
        "PS8418065765\nS/P: POS1\nWALK IN\nTABLE",
        "be68539007547034f0a1b2c3d4e5f60718293a4b",
    ],
)
def test_what_is_no_account_stays(text):
    assert "iban" not in dict(values(text))


@given(st.text(alphabet="abcdeinorst .,\n", min_size=40, max_size=400), st.integers(10, 99))
def test_sentences_are_no_accounts(text, number):
    for country in ("is", "at", "no", "be", "de", "it", "me", "so"):
        assert "iban" not in dict(values(f"{country} {number} {text}"))
        assert "iban" not in dict(values(f"{country}{number} {text}"))


CARDS = [
    "4111111111111111",
    "5500005555555559",
    "4222222222222",
    "6011000990139424",
    "2223003122003222",
]


@pytest.mark.parametrize(
    "sign", ["", " ", "  ", "-", ".", "/", "\t", "\u00a0", "\u2009", "\u2013", " - ", "\u200b", "_"]
)
@pytest.mark.parametrize("plain", CARDS)
def test_cards_are_found_whatever_parts_their_groups(sign, plain):
    written = fours(plain, sign)
    assert values(f"card: {written} ok") == [("card", written)]


def test_a_card_over_two_lines_is_one_and_a_table_of_numbers_is_none():
    assert values("card 4111 1111\n1111 1111 ok") == [("card", "4111 1111\n1111 1111")]
    assert values("4111\n1111\n1111\n1111") == []
    assert values("4100 4200 4300 4404 4500 4600") == []
    assert values("card 41111111 11111111.") == [("card", "41111111 11111111")]
    assert values("card 4111111111111111today") == [("card", "4111111111111111")]


def resident(place, birth, order, last=None):
    """A made resident number: place of six digits, date of birth, order of three, check digit."""
    digits = f"{place}{birth}{order}"
    total = sum(int(sign) * 2 ** (17 - at) for at, sign in enumerate(digits))
    return digits + (last or "10X98765432"[total % 11])


@pytest.mark.parametrize(
    ("place", "birth"),
    [
        *(("320502", "19700412"), ("441900", "19850607"), ("830000", "19991231")),
        *(("110105", "19491231"), ("810000", "20010203"), ("990000", "20380119")),
    ],
)
def test_length_date_and_check_digit_of_a_resident_decide_and_no_place(place, birth):
    for order in ("001", "123", "998"):
        number = resident(place, birth, order)
        assert values(f"身份证{number}，谢谢") == [("cn_id", number)]
        wrong = "X" if number[-1] != "X" else "0"
        assert "cn_id" not in dict(values(f"身份证{resident(place, birth, order, wrong)}"))
    assert "cn_id" not in dict(values(resident(place, birth[:4] + "0230", "001")))
    assert "cn_id" not in dict(values(resident(place, "1799" + birth[4:], "001")))


@pytest.mark.parametrize("sign", ["X", "x", "Ｘ", "ｘ", "Ⅹ", "×", "Х"])
def test_the_last_sign_of_a_resident_is_ten_in_every_spelling(sign):
    written = f"11010519491231002{sign}"
    assert values(f"身份证{written}，谢谢") == [("cn_id", written)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("IBANDE89370400440532013000", "iban", "DE89370400440532013000"),
        ("4111 1111 1111 1111/123", "card", "4111 1111 1111 1111"),
        ("4111 1111 1111 1111 12/27 123", "card", "4111 1111 1111 1111"),
        ("4111-1111-1111-1111-9", "card", "4111-1111-1111-1111"),
        ("?to=ann.lee%40example.org&x=1", "email", "ann.lee%40example.org"),
        ("mail%20to%20ann.lee%40example.org", "email", "ann.lee%40example.org"),
        ("ann.lee&#64;example.org", "email", "ann.lee&#64;example.org"),
        ("ann.lee\\u0040example.org", "email", "ann.lee\\u0040example.org"),
        ("+44\t20\t7946\t0958", "phone", "+44\t20\t7946\t0958"),
        ("call 9 0 5 6 7 4 3 7 9 3", "phone", "9 0 5 6 7 4 3 7 9 3"),
        ("证件 110105 19491231 002X", "cn_id", "110105 19491231 002X"),
        ("证件 110105-19491231-002x", "cn_id", "110105-19491231-002x"),
        (
            "证件１１０１０５１９４９１２３１００２Ｘ",
            "cn_id",
            "１１０１０５１９４９１２３１００２Ｘ",
        ),
        ("代码 91350100m000100y43", "cn_uscc", "91350100m000100y43"),
        ("代码 9135 0100 M000 100Y 43", "cn_uscc", "9135 0100 M000 100Y 43"),
        ("代码 911101080000000007", "cn_uscc", "911101080000000007"),
        ("784.1987.1234567.1", "national_id", "784.1987.1234567.1"),
        ("784  1987  1234567  1", "national_id", "784  1987  1234567  1"),
        ("784–1987–1234567–1", "national_id", "784–1987–1234567–1"),
        ("رقم 2 900101 21 00123", "national_id", "2 900101 21 00123"),
        ("رقم 290-0101-2100123", "national_id", "290-0101-2100123"),
        ("SSN 514–69–0360", "national_id", "514–69–0360"),
        ("ssn 514.69.0360", "national_id", "514.69.0360"),
        ("514 - 69 - 0360", "national_id", "514 - 69 - 0360"),
        ("NI AB-12-34-56-C", "national_id", "AB-12-34-56-C"),
        ("nino ab123456c", "national_id", "ab123456c"),
        ("رقم الهوية 100 000 0008", "national_id", "100 000 0008"),
        ("mail ann\u200b@exam\u00adple.org now", "email", "ann\u200b@exam\u00adple.org"),
        ("tel +44\u200b20\u200b7946\u200b0958", "phone", "+44\u200b20\u200b7946\u200b0958"),
    ],
)
def test_numbers_of_people_are_found_in_other_spellings(text, kind, value):
    assert (kind, value) in values(text)


@given(st.lists(st.sampled_from([*BREAKS, ""]), min_size=21, max_size=21))
def test_any_mix_of_signs_between_groups_comes_back_as_it_was_written(signs):
    groups = fours(IBAN).split()
    written = "".join(group + sign for group, sign in zip(groups, [*signs, ""], strict=False))
    written = written[: written.rindex("00") + 2]
    text, names = f"Pay {written} now", Placeholders()
    sent = redact(text, GUARD.find(text), names)
    assert sent == "Pay <IBAN_1> now"
    assert names.restore(sent) == text


def test_luhn_reads_digits_alone():
    assert all(luhn(card) for card in CARDS)
