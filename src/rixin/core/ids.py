"""Content hashes: the ids of cases, solvers and contracts."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

Pool = Literal["shape", "certify", "audit"]
POOLS: tuple[Pool, ...] = ("shape", "certify", "audit")
_HEX = 32


def digest(*parts: str) -> str:
    """A 128-bit content hash of the parts, as 32 hex digits.

    Each part is hashed with its length, so ("ab", "c") and ("a", "bc") differ.

    Examples:
        >>> digest("ab", "c") == digest("a", "bc")
        False
        >>> len(digest("x"))
        32
    """
    state = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()[:_HEX]


def digest_json(value: Mapping[str, object]) -> str:
    """A content hash of a JSON-like mapping; the order of its keys does not matter.

    Examples:
        >>> digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
        True
    """
    return digest(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str))


def normalise(text: str) -> str:
    r"""Unicode NFKC, case folded, white space collapsed: equal for texts a reader calls equal.

    Examples:
        >>> normalise("  Ｆｏｏ\n BAR ")
        'foo bar'
    """
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def input_key(text: str) -> str:
    """The hash of a normalised input: it names the pool, so copies never cross pools.

    Examples:
        >>> input_key("Hello  World") == input_key("hello world")
        True
    """
    return digest("input", normalise(text))


def pool_of(key: str, shares: Mapping[Pool, float]) -> Pool:
    """The pool that a hash falls into; the same hash always falls into the same pool.

    Args:
        key: Hex digest of the normalised input.
        shares: Share of each pool in `(0, 1]`, summing to 1.

    Examples:
        >>> pool_of("00" * 16, {"shape": 0.4, "certify": 0.5, "audit": 0.1})
        'shape'
        >>> pool_of("ff" * 16, {"shape": 0.4, "certify": 0.5, "audit": 0.1})
        'audit'
    """
    point = int(key[:13], 16) / float(1 << 52)
    edge = 0.0
    for pool in POOLS:
        edge += shares.get(pool, 0.0)
        if point < edge:
            return pool
    return next(pool for pool in reversed(POOLS) if shares.get(pool, 0.0) > 0)


def output_code(output: str | None) -> int:
    """A signed 64-bit hash of a normalised output; 0 for none. Equal outputs have equal codes.

    Examples:
        >>> output_code("Spam ") == output_code("spam"), output_code(None)
        (True, 0)
    """
    if output is None:
        return 0
    data = normalise(output).encode("utf-8", "surrogatepass")
    code = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)
    return code or 1


_LATIN = str.maketrans(
    dict(
        zip(
            "äöüÄÖÜßæÆøØœŒłŁđĐ",
            [
                "ae",
                "oe",
                "ue",
                "Ae",
                "Oe",
                "Ue",
                "ss",
                "ae",
                "Ae",
                "o",
                "O",
                "oe",
                "Oe",
                "l",
                "L",
                "d",
                "D",
            ],
            strict=True,
        )
    )
)
"""Latin letters that are not a letter with a mark, or that are spelt out where marks are missing."""


def scenario_name(text: str) -> str:
    """Return a name that a scenario may have, as near to a text as its letters allow.

    Args:
        text: Any text, such as the stem of a file's name.

    Returns:
        At most 60 ASCII letters, digits, dots, hyphens and underscores; empty where the text has
        none, as one in Chinese.

    Examples:
        >>> scenario_name("Kundenanfragen März"), scenario_name("café #2"), scenario_name("案例")
        ('Kundenanfragen-Maerz', 'cafe-2', '')
    """
    latin = unicodedata.normalize("NFC", text).translate(_LATIN)
    bare = "".join(c for c in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(c))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare).strip("-._")[:60]
