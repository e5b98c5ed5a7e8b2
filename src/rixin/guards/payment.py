"""Payment cards and bank accounts, told by prefix, length and check digits."""

import re
from collections.abc import Iterator

from rixin.guards.national import Found, luhn

_CARD = re.compile(
    r"[0-9](?<![0-9A-Za-z.][0-9])(?:\d{11,18}|\d{3}(?:[ -]\d{4}){2,3}(?:[ -]\d{1,4})?"
    r"|\d{3}[ -]\d{6}[ -]\d{4,5})(?![0-9A-Za-z])"
)
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{4}|222[1-9]\d\d|22[3-9]\d{3}|2[3-6]\d{4}|27[01]\d{3}|2720\d\d)\d{10}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:1800|2131)\d{11}"  # JCB
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|62\d{14,17}"  # UnionPay
    r"|220[0-4]\d{12}"  # Mir
    r"|9682\d{12}"  # mada
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
)
_IBAN = re.compile(
    r"[A-Z](?<![0-9A-Za-z][A-Z])[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![0-9A-Za-z])"
)
_ACCOUNTS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 "
    "NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
)
_IBAN_LENGTHS = {one[:2]: int(one[2:]) for one in _ACCOUNTS.split()}


def find_cards(text: str) -> Iterator[Found]:
    """Card numbers with a known prefix, its length and a valid check digit."""
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if _ISSUERS.fullmatch(digits) and luhn(digits):
            yield "card", *match.span(), "a card number with a valid check digit"


def find_ibans(text: str) -> Iterator[Found]:
    """Bank accounts with the length of their country and valid check digits (ISO 13616)."""
    for match in _IBAN.finditer(text):
        length = _length(match[0])
        if length is not None:
            start = match.start()
            yield "iban", start, start + length, "a bank account with valid check digits"


def _length(written: str) -> int | None:
    """How many characters of it are a valid account: words in capitals may follow."""
    wanted = _IBAN_LENGTHS.get(written[:2], 0)
    seen = 0
    for place, sign in enumerate(written):
        seen += sign != " "
        if seen == wanted:
            holds = _mod97(written[: place + 1].replace(" ", ""))
            return place + 1 if holds else None
    return None


def _mod97(account: str) -> bool:
    moved = account[4:] + account[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1
