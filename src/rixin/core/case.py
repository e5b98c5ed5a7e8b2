"""A case: one input with, where known, the expected output."""

from collections.abc import Mapping
from typing import NamedTuple

from rixin.core.ids import Pool, digest, input_key, pool_of


class Case(NamedTuple):
    """One input of a scenario, with the expected output where it is known."""

    id: str
    """Content hash of input and expected output."""
    key: str
    """Content hash of the normalised input: names the pool and the place in the random order."""
    input: str
    expected: str | None
    pool: Pool
    stratum: str = ""
    weight: float = 1.0
    ref: str = ""
    """The id that the user's own file gives the case, or its line."""


def make_case(
    text: str,
    expected: str | None,
    shares: Mapping[Pool, float],
    *,
    stratum: str = "",
    weight: float = 1.0,
    ref: str = "",
    seed: int = 0,
) -> Case:
    """A case with its content hashes and its pool.

    Args:
        text: The input.
        expected: The expected output, or None where it is not known.
        shares: Share of each pool, summing to 1.
        stratum: Name of the part of the traffic that the case stands for.
        weight: Positive weight of the case in every rate.
        ref: The user's own id of the case.
        seed: Deals the cases to the pools; another seed gives another deal.

    Examples:
        >>> shares = {"shape": 0.4, "certify": 0.5, "audit": 0.1}
        >>> a = make_case("Hello", "greet", shares)
        >>> b = make_case("hello ", "greet", shares)
        >>> a.key == b.key, a.pool == b.pool
        (True, True)
    """
    key = input_key(text)
    return Case(
        id=digest("case", text, "" if expected is None else f"={expected}"),
        key=key,
        input=text,
        expected=expected,
        pool=pool_of(digest("deal", str(seed), key) if seed else key, shares),
        stratum=stratum,
        weight=weight,
        ref=ref,
    )
