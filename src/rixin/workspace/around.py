"""What a report shows around a verdict: assumptions and safeguards."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from rixin.core.address import is_loopback
from rixin.core.scenario import COLUMNS, Candidate, Scenario
from rixin.models.catalog import CATALOG, find
from rixin.report.data import Assumption, Care

_MONEY = ("value_per_solved", "cost_per_wrong", "cost_per_review", "build_cost", "cpu_hour")


def assumptions_of(scenario: Scenario) -> tuple[Assumption, ...]:
    """The figures of the contract that a verdict rests on, those that nobody stated first."""
    return tuple(sorted(_assumptions(scenario), key=lambda one: not one.assumed))


def _assumptions(scenario: Scenario) -> Iterator[Assumption]:
    def line(name: str, value: float | str, unit: str) -> Assumption:
        roots = {name, name.partition(".")[0]}
        return Assumption(
            name=name, value=value, unit=unit, assumed=bool(roots & scenario.illustrative)
        )

    people, money = scenario.incumbent, scenario.economics
    yield line("demand.cases_per_month", scenario.demand.cases_per_month, "count")
    yield line("incumbent.cost_per_case", float(people.cost_per_case), "money")
    yield line("incumbent.solved", people.solved, "share")
    for name in _MONEY:
        yield line(f"economics.{name}", float(getattr(money, name)), "money")
    if money.currency != "USD":
        yield line("economics.usd_rate", float(money.usd_rate), "rate")
    yield line("promise.solved", scenario.promise.solved_at_least, "share")
    if COLUMNS in scenario.illustrative:
        read = f"{scenario.cases.input} → {scenario.cases.expected}"
        yield line(COLUMNS, read, "text")


def care_of(scenario: Scenario) -> Care:
    """What the contract says about data, guards and people."""
    policy = scenario.policy
    return Care(
        egress=policy.egress == "allowed",
        hosts=tuple(
            (one.name, _host(one), one.region)
            for one in scenario.candidates
            if one.kind == "endpoint"
        ),
        allowed_hosts=policy.hosts,
        regions=policy.regions,
        guards=tuple(one.name for one in policy.guards),
        harm_promised=bool(policy.guards) and scenario.promise.harm_at_most is not None,
        second_person=policy.second_person,
        keep_content=policy.keep_content,
        abstain_below=policy.abstain_below,
        licences=tuple(
            (one.name, _licence(one))
            for one in scenario.candidates
            if one.kind in {"local", "endpoint"}
        ),
    )


def _host(one: Candidate) -> str:
    address = str(one.options["base_url"])
    return "" if is_loopback(address) else urlsplit(address).hostname or ""


def _licence(one: Candidate) -> str:
    model = find(one.target, CATALOG) if one.kind == "local" else None
    return "" if model is None else model.licence
