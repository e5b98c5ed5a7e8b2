"""Payment cards and bank accounts, told by prefix, length and check digits."""

import re
from collections.abc import Iterator

from rixin.guards.national import AFTER, SIGN, Found, begins, luhn
from rixin.guards.scan import scan

_CARD = re.compile(
    rf"[0-9](?<![0-9].)(?<![0-9]\..)(?=[0-9]{{11}}|[0-9]{{3}}{SIGN}[0-9]{{4}}|[0-9]{{7}}{SIGN}[0-9]{{8}})",
    re.ASCII | re.DOTALL,
)
"""Where a card number may begin; behind a digit and a point it is a part of another number."""
_FOURS = rf"\d{{4}}(?:{SIGN}\d{{4}})"
_CARDS = [
    re.compile(form + AFTER, re.ASCII)
    for form in (
        r"\d{12,19}",
        rf"{_FOURS}{{3}}{SIGN}\d{{1,3}}",
        rf"{_FOURS}{{3}}(?!{SIGN}\d{{4}})",  # more of them are a row of a table
        rf"{_FOURS}{{2}}{SIGN}\d{{1,3}}",
        rf"{_FOURS}{{2}}(?!{SIGN}\d{{4}})",
        rf"\d{{4}}{SIGN}\d{{6}}{SIGN}\d{{4,5}}",
        rf"\d{{8}}{SIGN}\d{{8}}",
    )
]
"""The longer first: what stands behind a number, such as its date, may look like its last group."""
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
_ACCOUNTS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_LENGTHS = {account[:2]: int(account[2:]) for account in _ACCOUNTS.split()}
_MARK = r"[!-/:-@\[-`{-~\u00b7\u2022]"
_GAP = rf"(?>\s?{_MARK}\s?|\s{{0,2}}\n\s{{0,8}}>?\s?|\s{{1,3}})"
"""Between the groups of an account any sign may stand: length and two check digits prove it."""
_ALONE = "(?:(?<![0-9A-Za-z])|(?<=IBAN)|(?<=iban))"
_CHECK = re.compile(
    "[0-9](?:"
    + "|".join(
        rf"(?<={before}([A-Za-z][A-Za-z]){signs}.)"
        for before, signs in (
            ("(?<![0-9])", ""),
            (_ALONE, rf"(?:\s|{_MARK})"),
            (_ALONE, rf"\s(?:\s|{_MARK})"),
        )
    )
    + ")[0-9]",
    re.ASCII,
)
"""The check digits, behind two letters: an account is sought from there, since few words end so."""
_GROUPS = re.compile(_GAP, re.ASCII)
_REST = {
    length: re.compile(rf"(?:[0-9A-Za-z]|{_GAP}[0-9A-Za-z]){{{length - 4}}}{AFTER}", re.ASCII)
    for length in set(_LENGTHS.values())
}


def find_cards(text: str) -> Iterator[Found]:
    """Card numbers with a known prefix, its length and a valid check digit."""
    done = 0
    for begin in scan(_CARD, text):
        if begin.start() < done or not begins(text, begin.start()):
            continue
        matches = (form.match(text, begin.start()) for form in _CARDS)
        card = next((match for match in matches if match and _is_card(match[0])), None)
        if card is not None:
            done = card.end()
            yield "card", *card.span(), "a card number with a valid check digit"


def _is_card(written: str) -> bool:
    if written.count("\n") > 1:  # one break is a line that was too long, more are a table
        return False
    digits = re.sub(r"\D", "", written)
    return _ISSUERS.fullmatch(digits) is not None and luhn(digits)


def find_ibans(text: str) -> Iterator[Found]:
    """Bank accounts with the length of their country and valid check digits (ISO 13616)."""
    for check in scan(_CHECK, text):
        begin, end = check.start(check.lastindex or 1), check.end()
        length = _LENGTHS.get(text[begin : begin + 2].upper(), 0)
        rest = _REST[length].match(text, end) if length else None
        if rest is None or not _is_country(text, begin, check) or not begins(text, begin):
            continue
        if _is_account(text[begin : rest.end()]):
            yield "iban", begin, rest.end(), "a bank account with valid check digits"


def _is_country(text: str, begin: int, check: re.Match[str]) -> bool:
    """Whether two letters before a number are one: `no. 12 345` and `at 20 7946` are none.

    Where something stands between the two, capitals say so, or groups behind the check digits.
    """
    apart = check.start() > begin + 2
    capitals = text[begin : begin + 2].isupper()
    return not apart or capitals or _GROUPS.match(text, check.end()) is not None


def _is_account(written: str) -> bool:
    """Whether the check digits hold, and it is no sentence in which they do so by chance."""
    groups = re.findall("[0-9A-Za-z]+", written)
    in_fours = all(len(group) == 4 for group in groups[:-1]) and len(groups[-1]) <= 4
    account = "".join(groups)
    digits = sum(sign.isdigit() for sign in account[4:])
    is_regular = account.isupper() and (in_fours or len(groups) == 1)
    if not is_regular and digits < max(8, len(account[4:]) / 2):
        return False
    account = account.upper()
    return int("".join(str(int(sign, 36)) for sign in account[4:] + account[:4])) % 97 == 1
