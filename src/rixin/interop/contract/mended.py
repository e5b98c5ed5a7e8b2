"""A copy of a scenario file with its mistakes taken out, so that one does not hide another.

What only the whole can show (names, cascades, scorers) is asked of this copy. Each mistake is
replaced by something that is no mistake and causes none.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from rixin.interop.contract.yaml_lines import Path as Where

_REQUIRED: Mapping[str, Any] = {
    "scenario": "x",
    "owner": "x",
    "task": "x",
    "demand": {"cases_per_month": 1},
    "incumbent": {"name": "x", "cost_per_case": 1, "solved": 0.9},
    "output": {"labels": "from-cases"},
}
_COLUMNS = ("path", "input", "expected", "stratum", "weight", "id")


def without_mistakes(values: Mapping[str, Any], places: Iterable[Where]) -> dict[str, Any]:
    """The copy.

    Args:
        values: The whole file.
        places: Where the mistakes are; the last key may be one that is missing.
    """
    copy = deepcopy(dict(values))
    for place in places:
        if place:
            _MENDS.get(str(place[0]), _mend_part)(copy, place)
    return copy


def _mend_part(copy: dict[str, Any], place: Where) -> None:
    name = str(place[0])
    if name in _REQUIRED:
        copy[name] = deepcopy(_REQUIRED[name])
    else:
        copy.pop(name, None)


def _mend_cases(copy: dict[str, Any], place: Where) -> None:
    cases = copy.get("cases")
    if not isinstance(cases, dict):
        cases = {name: f"({name})" for name in ("path", "input", "expected")}
    elif place[-1] in _COLUMNS:
        # Another text than any other column's, so that no two seem to be the same.
        cases[str(place[-1])] = f"({place[-1]})"
    elif len(place) > 1:
        cases.pop(str(place[1]), None)
        cases.setdefault("expected", "(expected)")  # it may be what was misspelt
    copy["cases"] = cases


def _mend_candidates(copy: dict[str, Any], place: Where) -> None:
    candidates = copy.get("candidates")
    if not isinstance(candidates, list) or len(place) < 2 or not isinstance(place[1], int):
        copy["candidates"] = [{"name": "x", "human": "incumbent"}]
        return
    given = candidates[place[1]]
    name = given.get("name") if isinstance(given, dict) else None
    # It keeps its name, because a cascade may stand on it.
    plain = name if isinstance(name, str) and name and len(name) < 60 else f"x{place[1]}"
    candidates[place[1]] = {"name": re.sub(r"[\s/@]+", "", plain) or "x", "human": "incumbent"}


def _mend_scorers(copy: dict[str, Any], place: Where) -> None:
    scorers = copy.get("scorers")
    if isinstance(scorers, list) and len(place) > 1 and isinstance(place[1], int):
        scorers[place[1]] = "exact"
    else:
        copy.pop("scorers", None)


def _mend_policy(copy: dict[str, Any], place: Where) -> None:
    policy = copy.get("policy")
    if not isinstance(policy, dict) or len(place) < 2:
        copy.pop("policy", None)
    elif len(place) > 2 and isinstance(place[2], int) and isinstance(policy.get("guards"), list):
        policy["guards"][place[2]] = "output-schema"
    else:
        policy.pop(str(place[1]), None)


_MENDS: Mapping[str, Callable[[dict[str, Any], Where], None]] = {
    "cases": _mend_cases,
    "candidates": _mend_candidates,
    "scorers": _mend_scorers,
    "policy": _mend_policy,
}
