"""Whether an address is on this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine.

    Examples:
        >>> is_loopback("http://127.0.0.1:8000/v1"), is_loopback("https://api.openai.com/v1")
        (True, False)
    """
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_host(url: str, pattern: str) -> bool:
    """Whether an address is at a host: by its whole name, or by the domain that it ends with.

    Examples:
        >>> is_host("https://eu.api.example.com/v1", "*.example.com")
        True
        >>> is_host("https://example.com.evil.org/v1", "example.com")
        False
        >>> is_host("https://example.com:8443/v1", "example.com:443")
        False
        >>> is_host("https://example.com:port/v1", "example.com")  # nobody can ask there
        False
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return False
    name = (parts.hostname or "").rstrip(".").lower()
    wanted, colon, wanted_port = pattern.lower().rpartition(":")
    if not colon or not wanted_port.isdecimal():
        wanted, wanted_port = pattern.lower(), str(port)
    if wanted_port != str(port):
        return False
    return name.endswith(wanted[1:]) if wanted.startswith("*.") else name == wanted
