"""What only the whole contract can show: names, files, cascades, what may leave the machine."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rixin.core.scenario import Candidate, Scenario
from rixin.errors import UsageError, nearest_hint
from rixin.interop.contract.providers import PROVIDERS
from rixin.interop.contract.yaml_lines import Path as Where
from rixin.scorers.build import build_scorer

Found = tuple[Where, str, str]
"""Where in the file, what is wrong, how to mend it."""
_LATER_GUARDS = {"pii", "secrets", "injection", "content", "sql"}


def check_whole(scenario: Scenario) -> Iterator[Found]:
    """Every mistake that single fields do not show."""
    yield from _cases(scenario)
    yield from _scorers(scenario)
    yield from _guards(scenario)
    yield from _names(scenario)
    for number, candidate in enumerate(scenario.candidates):
        where: Where = ("candidates", number)
        if candidate.kind == "cascade":
            yield from _cascade(scenario, candidate, number)
        if candidate.kind == "endpoint":
            yield from _endpoint(scenario, candidate, where)
        if candidate.kind == "student" and scenario.output.kind != "labels":
            mend = "give `output: {labels: from-cases}`, or leave this candidate out"
            yield (*where, "student"), "a student answers labels only", mend


def check_files(values: dict[str, Any], folder: Path) -> Iterator[Found]:
    """Files that are named but not there; asked of the raw file, so that no other mistake hides it."""
    cases = values.get("cases")
    if isinstance(cases, dict) and "path" in cases:
        yield from _file(("cases", "path"), cases["path"], folder)
    candidates = values.get("candidates")
    for number, one in enumerate(candidates if isinstance(candidates, list) else ()):
        for kind in ("rule", "replay"):
            if isinstance(one, dict) and kind in one:
                yield from _file(("candidates", number, kind), one[kind], folder)


def _file(where: Where, given: object, folder: Path) -> Iterator[Found]:
    if not isinstance(given, str):
        return
    path = (folder / Path(given).expanduser()).resolve()
    if path.is_file():
        return
    mend = "give a path from the folder of this file"
    if path.parent.is_dir():
        mend = nearest_hint(path.name, sorted(one.name for one in path.parent.iterdir()))
    yield where, f"there is no file {given!r}", mend


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine.

    Examples:
        >>> is_loopback("http://127.0.0.1:8000/v1"), is_loopback("https://api.openai.com/v1")
        (True, False)
    """
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _cases(scenario: Scenario) -> Iterator[Found]:
    source = scenario.cases
    total = sum(source.pools.values())
    if abs(total - 1) > 1e-6:
        yield ("cases", "pools"), f"the shares add up to {total:g}, not to 1", "mend the shares"
    if source.expected is None and not any(c.kind == "replay" for c in scenario.candidates):
        mend = "name the column with the right answers as `expected`"
        yield ("cases",), "nothing can be scored without expected outputs", mend
    if source.expected is not None and source.expected == source.input:
        yield ("cases", "expected"), "input and expected are the same column", "name another one"


def _scorers(scenario: Scenario) -> Iterator[Found]:
    labels = scenario.output.labels or (("any",) if scenario.output.kind == "labels" else ())
    for number, spec in enumerate(scenario.scorers):
        try:
            build_scorer(spec, scenario.output, labels)
        except (UsageError, ValueError) as error:
            yield ("scorers", number), str(error), getattr(error, "hint", None) or ""


def _guards(scenario: Scenario) -> Iterator[Found]:
    for number, guard in enumerate(scenario.policy.guards):
        where: Where = ("policy", "guards", number)
        if guard.name in _LATER_GUARDS:
            mend = "use output-schema or {function: module:callable}, or leave it out"
            yield where, f"the guard {guard.name!r} is not in this version of Rixin", mend
        elif guard.name not in {"output-schema", "function"}:
            hint = nearest_hint(guard.name, ["output-schema", "function"])
            yield where, f"unknown guard {guard.name!r}", hint


def _names(scenario: Scenario) -> Iterator[Found]:
    seen: set[str] = set()
    for number, candidate in enumerate(scenario.candidates):
        if candidate.name in seen:
            reason = f"two candidates are called {candidate.name!r}"
            yield ("candidates", number, "name"), reason, "give each its own name"
        seen.add(candidate.name)


def _cascade(scenario: Scenario, candidate: Candidate, number: int) -> Iterator[Found]:
    where: Where = ("candidates", number, "cascade")
    earlier = {one.name: one for one in scenario.candidates[:number]}
    steps = candidate.options["steps"]
    assert isinstance(steps, list)
    for place, step in enumerate(steps):
        here: Where = (*where, place)
        name, last = step["solver"], place == len(steps) - 1
        if name not in earlier:
            known = [*earlier]
            reason = f"the cascade needs {name!r} as a candidate above it"
            yield here, reason, nearest_hint(name, known)
        elif earlier[name].kind == "cascade":
            yield here, "a cascade cannot stand in a cascade", "name its members instead"
        if not last and step["threshold"] is None:
            mend = "add `threshold: 0.5`: below it the case goes on"
            yield here, f"{name!r} is not the last, so it needs a threshold", mend
        if last and step["threshold"] is not None:
            mend = "leave the threshold out: there is nobody after it"
            yield here, f"{name!r} is the last, so its threshold has no meaning", mend


def _endpoint(scenario: Scenario, candidate: Candidate, where: Where) -> Iterator[Found]:
    url = str(candidate.options["base_url"])
    if not url:
        reason = f"it is not known where {candidate.target!r} listens"
        mend = f"add `base_url:`, or write provider/model with one of: {', '.join(PROVIDERS)}"
        yield (*where, "endpoint"), reason, mend
    elif scenario.policy.egress == "none" and not is_loopback(url):
        mend = "set `policy: {egress: allowed}`, or use a server on this machine"
        yield (*where, "endpoint"), f"policy.egress is none, but {url} is elsewhere", mend
