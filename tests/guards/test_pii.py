import pytest

from rixin.errors import MissingExtra
from rixin.guards.national import luhn
from rixin.guards.pii import PiiGuard
from rixin.plugins import Plugin

GUARD = PiiGuard()


def found(text, guard=GUARD):
    return [(one.kind, text[one.start : one.end]) for one in guard.find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to ann.lee+x@mail.example.org.", "email", "ann.lee+x@mail.example.org"),
        ("请发到zhang@例子.中国，谢谢", "email", "zhang@例子.中国"),
        ("邮箱li＠example.cn请回复", "email", "li＠example.cn"),
        ("البريد مستخدم@مثال.السعودية شكرا", "email", "مستخدم@مثال.السعودية"),
        ("at x@xn--fsq.xn--fiqs8s now", "email", "x@xn--fsq.xn--fiqs8s"),
        ("Call 905-674-3793 today", "phone", "905-674-3793"),
        ("(415) 555-2671", "phone", "(415) 555-2671"),
        ("(+44 20 7946 0958)", "phone", "+44 20 7946 0958"),
        ("my number is 358 0594", "phone", "358 0594"),
        ("Desk: (898)666-3621x0135", "phone", "(898)666-3621x0135"),
        ("手机13812345678，谢谢", "phone", "13812345678"),
        ("座机 010-6552 9988 转 12", "phone", "010-6552 9988 转 12"),
        ("手机１３８１２３４５６７８", "phone", "１３８１２３４５６７８"),
        ("اتصل على ٠٥٠١٢٣٤٥٦٧ الآن", "phone", "٠٥٠١٢٣٤٥٦٧"),
        ("جوال +٩٦٦٥٠١٢٣٤٥٦٧", "phone", "+٩٦٦٥٠١٢٣٤٥٦٧"),
        ("رقمي 01012345678", "phone", "01012345678"),
        ("IBAN GB82 WEST 1234 5698 7654 32 THANKS", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("الآيبان SA0380000000608010167519", "iban", "SA0380000000608010167519"),
        ("paid 4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
        ("amex 3782-822463-10005", "card", "3782-822463-10005"),
        ("卡号6250941006528599", "card", "6250941006528599"),
        ("بطاقة ٤١١١١١١١١١١١١١١١", "card", "٤١١١١١١١١١١١١١١١"),
        ("身份证11010519491231002X", "cn_id", "11010519491231002X"),
        ("代码 91350100M000100Y43。", "cn_uscc", "91350100M000100Y43"),
        ("SSN 514-69-0360", "national_id", "514-69-0360"),
        ("ssn: 514690360", "national_id", "514690360"),
        ("NI AB 12 34 56 C", "national_id", "AB 12 34 56 C"),
        ("رقم الهوية 1000000008", "national_id", "1000000008"),
        ("الهوية الإماراتية 784-1987-1234567-1", "national_id", "784-1987-1234567-1"),
        ("الرقم القومي ٢٩٠٠١٠١٢١٠٠١٢٣", "national_id", "٢٩٠٠١٠١٢١٠٠١٢٣"),
        ("الرقم الضريبي 100-531-385", "national_id", "100-531-385"),
        ("from 106.31.73.20:80", "ip", "106.31.73.20"),
        ("at 2001:db8::8a2e:370:7334", "ip", "2001:db8::8a2e:370:7334"),
    ],
)
def test_personal_data_is_found_with_its_offsets(text, kind, value):
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "Order 9498777106 of 2006-04-07 09:00:27",
        "a total of 1,234,567.00 USD, or 31,000,000",
        "card 4111 1111 1111 1112",
        "GB82 WEST 1234 5698 7654 33",
        "身份证110105194912310021",
        "订单号20240302118，共3件",
        "رقم الطلب 2024030211 والمبلغ ٣٥٠ ريال",
        "SSN 000-12-3456",
        "1000000008 pieces",
        "version 1.2.3.4, 127.0.0.1 and 999.1.1.1",
        "std::vector at 12:30:45, a::b",
        "@all: meet @ noon, cost @ 5.00",
        "12 345 678 people",
        "1-2-3-4-5-6-7-8",
        "ISBN 978-3-16-148410-0",
        "100-531-385",
        "الرقم 29913451200123",
    ],
)
def test_what_only_looks_like_it_passes(text):
    assert found(text) == []


def test_two_numbers_side_by_side_are_two():
    assert [kind for kind, _ in found("905-674-3793 541-714-1388")] == ["phone", "phone"]


def test_only_the_kinds_asked_for_are_found():
    text = "ann@example.org, 905-674-3793"
    assert found(text, PiiGuard(kinds=["phone"])) == [("phone", "905-674-3793")]


def test_regions_say_which_numbers_need_no_country_code():
    text = "ring 06 12 34 56 78 or so"
    assert found(text) == []
    assert found(text, PiiGuard(regions=["FR"])) == [("phone", "06 12 34 56 78")]


def test_names_come_from_the_recogniser():
    def spans(text):
        return [(text.index("Ann"), text.index("Ann") + 3)]

    guard = PiiGuard(kinds=["email"], names=Plugin(target="m:spans", call=spans, source_hash="1"))
    assert found("I am Ann", guard) == [("name", "Ann")]
    assert guard.fingerprint != PiiGuard(kinds=["email"]).fingerprint


def test_a_recogniser_that_fails_marks_the_whole_text():
    guard = PiiGuard(names=Plugin(target="m:f", call=lambda text: 1 / 0, source_hash="1"))
    assert found("hello", guard) == [("name", "hello")]


def test_reasons_never_hold_the_value():
    text = "ann@example.org 905-674-3793 4111 1111 1111 1111 514-69-0360"
    for one in GUARD.find(text):
        assert text[one.start : one.end] not in one.reason


def test_luhn_holds_for_the_known_examples():
    assert luhn("79927398713")
    assert not luhn("79927398710")


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setattr("rixin.guards.phone.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="telephone") as error:
        PiiGuard()
    assert "rixin[guards]" in error.value.hint
    assert PiiGuard(kinds=["email"]).find("a@b.org")
