"""E-mail addresses and addresses of machines."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from rixin.guards.national import Found
from rixin.guards.scan import holds, scan

_TOP = "中国|中國|公司|网络|網絡|香港|台湾|新加坡|在线|网址|السعودية|امارات|مصر|موقع|شبكة|المغرب|عمان|قطر"
_ASCII_LOCAL = re.compile(r"[A-Za-z0-9._%+'\-]{1,64}")
_LOCAL = re.compile(r"[\w.%+'\-]{1,64}")
_ASCII_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9-]{1,63}\.){1,8}(?:xn--[A-Za-z0-9-]{2,59}|[A-Za-z]{2,24})"
)
_DOMAIN = re.compile(rf"(?:[\w-]{{1,63}}\.){{1,8}}(?:{_TOP}|[^\W\d_]{{2,24}})")
AT_SIGNS = ("@", "%40", "&#64;", "\\u0040")
_AT = re.compile(r"@(?<=[^@\s]@)(?=[^@\s])|%40|&#64;|\\u0040")
"""An at sign with something on both sides, also as addresses of pages, HTML and JSON write it."""
_IPV4 = re.compile(r"[0-9](?<![\w.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\.?[0-9]|[A-Za-z_])", re.ASCII)
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])", re.ASCII)
_VERSION = re.compile(
    r"(?:version|release|build|\bv|版本|إصدار|الإصدار)[ :.]{0,2}\Z", re.IGNORECASE
)


def find_emails(text: str) -> Iterator[Found]:
    """E-mail addresses, also in other scripts; each at sign is looked at once.

    Args:
        text: As `rixin.guards.folding.plain_digits` gives it.
    """
    for at in scan(_AT, text):
        span = _email_around(text, at)
        if span is not None:
            yield "email", *span, "an e-mail address"


def _email_around(text: str, sign: re.Match[str]) -> tuple[int, int] | None:
    at, after = sign.span()
    # Read from the sign: one look, not one from each of the letters before it.
    before = text[max(0, at - 64) : at][::-1]
    if sign[0] == "%40":  # what stands before may be written so, too: `%20ann`
        plain, percent, _ = before.partition("%")
        before = plain[:-2] if percent else plain
    local = _ASCII_LOCAL.match(before) or _LOCAL.match(before)
    domain = _ASCII_DOMAIN.match(text, after)
    if domain is None or text[domain.end() : domain.end() + 1] == ".":
        domain = _DOMAIN.match(text, after) or domain
    if local is None or domain is None:
        return None
    name = local[0].rstrip(".'-")
    return (at - len(name), domain.end()) if name else None


def find_machines(text: str) -> Iterator[Found]:
    """IPv4 and IPv6 addresses, without versions, loopback and unspecified ones."""
    for match in scan(_IPV4, text):
        if not _VERSION.search(text, max(0, match.start() - 12), match.start()):
            yield from _address(match)
    if holds(_COLONS, text):
        for match in scan(_IPV6, text):
            if _looks_like_ipv6(match[0]):
                yield from _address(match)


def _address(match: re.Match[str]) -> Iterator[Found]:
    try:
        address = ip_address(match[0])
    except ValueError:
        return
    if not (address.is_loopback or address.is_unspecified):
        yield "ip", *match.span(), f"an IPv{address.version} address"


def _looks_like_ipv6(written: str) -> bool:
    """Long enough not to be a time or `a::b` of a program."""
    groups = [group for group in written.split(":") if group]
    return len(groups) >= 2 and any(len(group) >= 3 for group in groups)
