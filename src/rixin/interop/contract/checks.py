"""What only the whole contract can show: names, cascades, scorers, what may leave the machine."""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from rixin.core.ids import normalise
from rixin.core.labels import visible
from rixin.core.scenario import Candidate, Scenario, default_tokens
from rixin.errors import nearest_hint
from rixin.guards.build import guard_mistakes
from rixin.interop.contract.convert import FIGURES
from rixin.interop.contract.explain import Found
from rixin.interop.contract.providers import PROVIDERS
from rixin.interop.contract.yaml_lines import Path as Where
from rixin.plugins import is_target
from rixin.scorers.build import scorer_mistakes


def check_whole(scenario: Scenario) -> Iterator[Found]:
    """Every mistake that single fields do not show."""
    yield from _cases(scenario)
    yield from _labels(scenario)
    yield from _scorers(scenario)
    yield from _guards(scenario)
    yield from _strata(scenario)
    yield from _names(scenario)
    for number, candidate in enumerate(scenario.candidates):
        check = _KINDS.get(candidate.kind)
        if check is not None:
            yield from check(scenario, candidate, number)
    yield from _durations(scenario)
    for name in sorted(scenario.illustrative - FIGURES):
        yield ("illustrative",), f"{name!r} is no figure", nearest_hint(name, sorted(FIGURES))


def _cases(scenario: Scenario) -> Iterator[Found]:
    source = scenario.cases
    total = sum(source.pools.values())
    if abs(total - 1) > 1e-6:
        yield ("cases", "pools"), f"the shares add up to {total:g}, not to 1", "mend the shares"
    if not source.pools.get("certify"):
        mend = "give the pool `certify` a share, such as 0.5"
        yield ("cases", "pools"), "no case is left in the pool on which the verdict is taken", mend
    if source.expected is None and not any(c.kind == "replay" for c in scenario.candidates):
        mend = "name the column with the right answers as `expected`"
        yield ("cases",), "nothing can be scored without expected outputs", mend
    if source.expected is not None and source.expected == source.input:
        yield ("cases", "expected"), "input and expected are the same column", "name another one"


def _strata(scenario: Scenario) -> Iterator[Found]:
    promise = scenario.promise
    named = [*promise.solved_strata, *filter(None, [promise.harm_stratum])]
    if named and scenario.cases.stratum is None:
        where: Where = ("promise", "solved", "strata")
        if not promise.solved_strata:
            where = ("promise", "harm", "stratum")
        mend = "name the column with the strata as `cases.stratum`"
        yield where, f"the stratum {named[0]!r} cannot be found: the cases have no strata", mend
    if promise.harm_stratum is not None and not scenario.policy.guards:
        reason = "harm is counted by guards, and there is none"
        yield ("promise", "harm", "stratum"), reason, "name one in `policy.guards`"
    if promise.harm_stratum in promise.solved_strata:
        reason = f"{promise.harm_stratum!r} is the red team's: its cases count for harm only"
        yield ("promise", "solved", "strata"), reason, "leave its floor out"


def _labels(scenario: Scenario) -> Iterator[Found]:
    seen: dict[str, str] = {}
    for number, label in enumerate(scenario.output.labels):
        first = seen.setdefault(normalise(visible(label)), label)
        if first is not label:
            reason = f"the labels {first!r} and {label!r} are the same but for case and spacing"
            yield ("output", "labels", number), reason, "leave one of them out"


def _scorers(scenario: Scenario) -> Iterator[Found]:
    labels = scenario.output.labels or (("any",) if scenario.output.kind == "labels" else ())
    for number, spec in enumerate(scenario.scorers):
        for option, error in scorer_mistakes(spec, scenario.output, labels):
            where: Where = (
                ("scorers", number) if option is None else ("scorers", number, spec.name, option)
            )
            yield where, str(error), error.hint or ""


def _guards(scenario: Scenario) -> Iterator[Found]:
    for number, spec in enumerate(scenario.policy.guards):
        for option, error in guard_mistakes(spec):
            where: Where = ("policy", "guards", number)
            yield (
                where if option is None else (*where, spec.name, option),
                str(error),
                error.hint or "",
            )


def _names(scenario: Scenario) -> Iterator[Found]:
    seen: set[str] = set()
    for number, candidate in enumerate(scenario.candidates):
        if candidate.name in seen:
            reason = f"two candidates are called {candidate.name!r}"
            yield ("candidates", number, "name"), reason, "give each its own name"
        seen.add(candidate.name)


def _durations(scenario: Scenario) -> Iterator[Found]:
    if scenario.promise.latency_p95_s == 0:
        yield ("promise", "latency_p95"), "nothing answers in no time", "write  latency_p95: 2s"
    for number, candidate in enumerate(scenario.candidates):
        if candidate.options.get("timeout_s") == 0:
            yield (
                ("candidates", number, "timeout"),
                "no answer comes in no time",
                "write  timeout: 60s",
            )


def _student(scenario: Scenario, candidate: Candidate, number: int) -> Iterator[Found]:
    where: Where = ("candidates", number, "student")
    if scenario.output.kind != "labels":
        mend = "give `output: {labels: from-cases}`, or leave this candidate out"
        yield where, "a student answers labels only", mend
    if not scenario.cases.pools.get("shape"):
        reason = "no case is left in the pool that a student learns from"
        yield where, reason, "give the pool `shape` a share, such as 0.4"


def _function(scenario: Scenario, candidate: Candidate, number: int) -> Iterator[Found]:
    target = candidate.target
    if "command" in candidate.options or is_target(target):
        return
    mend = "write module:callable, or a command as a list such as [python, solver.py]"
    yield ("candidates", number, "function"), f"{target!r} does not name a function", mend


def _replay(scenario: Scenario, candidate: Candidate, number: int) -> Iterator[Found]:
    columns = candidate.options["columns"]
    assert isinstance(columns, Mapping)
    where: Where = ("candidates", number, "columns")
    if ("id" in columns) == ("input" in columns):
        reason = "a case is found by its id or by its input, and by one only"
        yield where, reason, "map one of id and input to a column of the log"
    if not {"output", "score"} & columns.keys():
        yield where, "there is neither an output nor a score", "map output to a column of the log"
    if "id" in columns and scenario.cases.id is None:
        mend = "name the column with your ids as `cases.id`, or map input"
        yield (*where, "id"), "the cases have no ids of their own", mend


def _cascade(scenario: Scenario, candidate: Candidate, number: int) -> Iterator[Found]:
    where: Where = ("candidates", number, "cascade")
    earlier = {one.name: one for one in scenario.candidates[:number]}
    steps = candidate.options["steps"]
    assert isinstance(steps, list)
    names = [step["solver"] for step in steps]
    for place, step in enumerate(steps):
        here: Where = (*where, place)
        name, is_last = step["solver"], place == len(steps) - 1
        if name in names[:place]:
            yield here, f"{name!r} is in the cascade twice", "leave it out once"
        if name not in earlier:
            reason = f"the cascade needs {name!r} as a candidate above it"
            yield here, reason, nearest_hint(name, earlier)
        elif earlier[name].kind == "cascade":
            yield here, "a cascade cannot stand in a cascade", "name its members instead"
        yield from _threshold(here, step, is_last=is_last)


def _threshold(where: Where, step: Mapping[str, object], *, is_last: bool) -> Iterator[Found]:
    name, given = step["solver"], step["threshold"] is not None
    if not is_last and not given:
        mend = "add `threshold: 0.5`: below it the case goes on"
        yield where, f"{name!r} is not the last, so it needs a threshold", mend
    if is_last and given:
        mend = "leave the threshold out: there is nobody after it"
        yield where, f"{name!r} is the last, so its threshold has no meaning", mend


def _endpoint(scenario: Scenario, candidate: Candidate, number: int) -> Iterator[Found]:
    where: Where = ("candidates", number)
    url = str(candidate.options["base_url"])
    if not url:
        reason = f"it is not known where {candidate.target!r} listens"
        mend = f"add `base_url:`, or write provider/model with one of: {', '.join(PROVIDERS)}"
        yield (*where, "endpoint"), reason, mend
    elif not _has_host(url):
        yield (*where, "base_url"), f"{url!r} is no address", "write  base_url: http://HOST:PORT/v1"
    elif reason := scenario.policy.forbids_host(url):
        mend = "set `policy: {egress: allowed}`, or use a server on this machine"
        if scenario.policy.hosts:
            mend = "add its host to `policy: {egress: [...]}`, or leave the candidate out"
        yield (*where, "endpoint"), reason, mend
    elif reason := scenario.policy.forbids_region(url, candidate.region):
        mend = (
            "leave it out, or add its region"
            if candidate.region
            else "add `region:`, such as  region: eu"
        )
        yield (*where, "endpoint"), reason, mend
    if not candidate.options["model"]:
        mend = "write provider/model, such as openai/gpt-5.4-mini"
        yield (*where, "endpoint"), f"{candidate.target!r} names no model", mend
    room, most = candidate.options.get("context"), candidate.options.get("max_tokens")
    most = most or default_tokens("endpoint", scenario.output.kind) or 1
    if room is not None and int(str(room)) <= int(str(most)):
        reason = f"{room} tokens hold no question beside an answer of up to {most} tokens"
        yield (*where, "context"), reason, "raise `context`, or lower `max_tokens`"
    if candidate.options.get("samples") and not candidate.options["temperature"]:
        reason = "answers at temperature 0 are all the same: their agreement says nothing"
        yield (*where, "samples"), reason, "write  temperature: 0.7"


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


_KINDS: Mapping[str, Callable[[Scenario, Candidate, int], Iterator[Found]]] = {
    "student": _student,
    "function": _function,
    "replay": _replay,
    "cascade": _cascade,
    "endpoint": _endpoint,
}
