"""Argument checks shared by the modules of `rixin.stats`; all raise `ValueError`."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def check_share(name: str, value: float) -> None:
    """Refuse a value outside `[0, 1]`, NaN included."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {value!r}")


def check_inside(name: str, value: float) -> None:
    """Refuse a value outside the open interval `(0, 1)`, NaN included."""
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value!r}")


def check_margin(margin: float) -> None:
    """Refuse a margin outside `[0, 1)`, NaN included."""
    if not 0 <= margin < 1:
        raise ValueError(f"margin must lie in [0, 1), got {margin!r}")


def check_part(name: str, part: int, whole: int) -> None:
    """Refuse a count that is negative or exceeds the whole it is a part of."""
    if not 0 <= part <= whole:
        raise ValueError(f"{name} must lie in 0..{whole}, got {part!r}")


def check_pair(b: int, c: int, n: int) -> None:
    """Refuse counts of losses and gains that cannot come from `n` pairs."""
    check_part("b", b, n)
    check_part("c", c, n)
    check_part("b + c", b + c, n)


def finite(name: str, data: ArrayLike) -> NDArray[np.float64]:
    """Convert to a float64 array and refuse NaN and infinity."""
    import numpy as np

    array = np.asarray(data, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers")
    return array


def finite_list(name: str, data: Iterable[float]) -> list[float]:
    """Convert to a list of floats and refuse NaN and infinity."""
    try:
        found = [float(one) for one in data]
    except TypeError:
        raise ValueError(f"{name} must be a list of numbers") from None
    if not all(map(isfinite, found)):
        raise ValueError(f"{name} must be finite numbers")
    return found


def unit_list(data: Iterable[float]) -> list[float]:
    """Convert to a list of floats and refuse anything outside `[0, 1]`."""
    found = finite_list("values", data)
    if found and not (min(found) >= 0 and max(found) <= 1):
        raise ValueError("values must be a list of numbers in [0, 1]")
    return found


def unit_values(data: ArrayLike) -> NDArray[np.float64]:
    """Convert to a float64 vector and refuse anything outside `[0, 1]`."""
    array = finite("values", data)
    if array.ndim != 1 or (array < 0).any() or (array > 1).any():
        raise ValueError("values must be a list of numbers in [0, 1]")
    return array


def non_negative(name: str, data: ArrayLike) -> NDArray[np.float64]:
    """Convert to a float64 array and refuse NaN, infinity and negative numbers."""
    array = finite(name, data)
    if (array < 0).any():
        raise ValueError(f"{name} must not be negative")
    return array
